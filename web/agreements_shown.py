"""What the pages of agents and supervisors show of agreements and offers: written as whoever looks reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, col, select

from config.localised import format_date, format_money, locale_of
from domain.access import PersonCaller
from domain.agreements.model import LIVE, AgreementState
from domain.agreements.offers import Offer
from domain.money import Money
from records import agreements, loans, payments, people
from records.database import Database
from records.tables import Agreement, Loan
from web.case_pages import names
from web.standstill import ended_as

WAITING_SHOWN = 200


@dataclass(frozen=True)
class Written:
    """Amounts and days as whoever looks reads them."""

    language: str
    currency: str

    def money(self, minor: int) -> str:
        return format_money(Money(amount_minor=minor, currency=self.currency), locale_of(self.language, ""))

    def day(self, day: date) -> str:
        return format_date(day, locale_of(self.language, ""))


_WAITS = (
    Agreement.state == AgreementState.PROPOSED,
    col(Agreement.approved_by).is_(None),
    Agreement.entry == Loan.entry,
)


def waiting_for_approval(session: Session) -> list[tuple[Agreement, Loan]]:
    """Offers of loans' current entries that nobody has approved yet, the oldest first, as many as the page shows."""
    query = select(Agreement, Loan).join(Loan, col(Loan.id) == col(Agreement.loan_ref)).where(*_WAITS)
    return list(session.exec(query.order_by(col(Agreement.made_at)).limit(WAITING_SHOWN)).all())


def how_many_wait(session: Session) -> int:
    """All offers that wait for an approval."""
    query = select(func.count()).select_from(Agreement).join(Loan, col(Loan.id) == col(Agreement.loan_ref))
    return session.exec(query.where(*_WAITS)).one()


def waiting_shown(session: Session, language: str) -> list[dict[str, Any]]:
    """The rows of `waiting_for_approval`."""
    known = names(session)
    return [_waiting(session, row, loan, language, known) for row, loan in waiting_for_approval(session)]


def _waiting(session: Session, row: Agreement, loan: Loan, language: str, known: dict[str, str]) -> dict[str, Any]:
    written, zone = Written(language, loan.currency), _zone_of(session, loan)
    # It ends with the midnight after its last day.
    last = row.expires_at - timedelta(microseconds=1) if row.expires_at else None
    return {
        "lender": loan.lender,
        "loan_id": loan.loan_id,
        "kind": row.kind.value,
        "option": row.option,
        "total": written.money(row.total_minor),
        "of": written.money(row.balance_minor),
        "proposed_by": known.get(row.proposed_by or "", row.proposed_by),
        "made": written.day(row.made_at.astimezone(zone).date()),
        "expires": written.day(last.astimezone(zone).date()) if last else "",
    }


def _zone_of(session: Session, loan: Loan) -> ZoneInfo:
    """Where the loan's days begin and end."""
    return ZoneInfo(people.whereabouts(session, loan.person_ref).timezone or "UTC")


def standing_shown(database: Database, loan: Loan, written: Written, caller: PersonCaller) -> dict[str, Any]:
    """What the records hold of the loan's agreements, the newest first."""
    with database.reading() as session:
        current = loans.get(session, loan.lender, loan.loan_id)
        known = names(session)
        made = reversed(agreements.of_loan(session, current))
        zone = _zone_of(session, current)
        rows = [_agreement(session, row, written, zone, caller, known) for row in made]
        return {
            "lender": current.lender,
            "loan_id": current.loan_id,
            "state": current.state.value,
            "end": ended_as(current.end_kind, written.language),
            "due": written.money(payments.balance_due(session, current)),
            "currency": current.currency,
            "agreements": rows,
        }


def _agreement(
    session: Session, row: Agreement, written: Written, zone: ZoneInfo, caller: PersonCaller, known: dict[str, str]
) -> dict[str, Any]:
    parts = agreements.instalments_of(session, row)
    waits = row.state is AgreementState.PROPOSED
    approver = row.approved_by if row.approved_by != row.proposed_by else None
    return {
        "number": row.number,
        "kind": row.kind.value,
        "state": row.state.value,
        "option": row.option,
        "rule": row.rule,
        "total": written.money(row.total_minor),
        "forgiven": written.money(row.remission_minor) if row.remission_minor else None,
        "made": written.day(row.made_at.astimezone(zone).date()),
        "made_by": known.get(row.made_by, row.made_by),
        "approved_by": known.get(approver, approver) if approver is not None else None,
        "via": row.via.value,
        "said": row.evidence_at is not None,
        "live": row.state in LIVE,
        "waits": waits,
        "needs_approval": waits and row.approved_by is None,
        "own": row.proposed_by == caller.actor,
        "instalments": [
            (written.day(each.due), written.money(each.amount_minor), written.money(each.paid_minor), each.missed)
            for each in parts
        ],
    }


def offer_shown(written: Written, offer: Offer) -> dict[str, Any]:
    return {
        "form": form_of(offer.kind.value, offer.option, str(offer.percent or "")),
        "kind": offer.kind.value,
        "option": offer.option,
        "percent": offer.percent,
        "rule": offer.rule,
        "needs": offer.needs.value,
        "approval": offer.approval,
        "total": written.money(offer.total_minor),
        "forgiven": written.money(offer.remission_minor) if offer.remission_minor else None,
        "interest": written.money(offer.interest_minor) if offer.interest_minor else None,
        "payments": [
            (
                written.day(each.due),
                written.money(each.amount_minor),
                written.money(each.interest_minor),
                written.money(each.principal_minor),
                written.money(each.left_minor),
            )
            for each in offer.payments
        ],
        "seen": " ".join(f"{each.due.isoformat()}={each.amount_minor}" for each in offer.payments),
    }


def form_of(kind: str, option: str, percent: str) -> str:
    """The name of the form by which an offer is agreed on."""
    return f"agree {kind} {option} {percent}"
