"""How far a loan's workflow had counted that was lost with Temporal's store, as far as the records know."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func
from sqlmodel import Session, col, select

from domain.agreements.model import AgreementKind, AgreementState
from domain.contact_orders import ASKED, CONSENT, FUNDS, RECEIPT
from domain.conversation.model import REPLY
from domain.entering_again import Counted
from domain.pause_notes import PAUSED, RESUMED, Noted, Pauses, pauses_of
from records import agreements, audit, cases, locks
from records.tables import Contact, Loan, LoanWrite


def one_at_a_time(session: Session, lender: str, loan_id: str) -> None:
    """Whoever starts the loan again, or ends it in the records, waits here for the other; before it is read."""
    locks.one_at_a_time(session, f"lost:{lender}:{loan_id}")


def counted(session: Session, loan: Loan) -> Counted:
    """How far the loan's workflow has counted in its current entry, as far as the records know."""
    of_entry = [one for one in agreements.of_loan(session, loan) if one.entry == loan.entry]
    broken = [one for one in of_entry if (one.kind, one.state) == (AgreementKind.PROMISE, AgreementState.BROKEN)]
    begins = f"{loan.entry}:entry:{loan.entry}:"
    keys = session.exec(
        select(LoanWrite.key).where(LoanWrite.loan_ref == loan.id, col(LoanWrite.key).startswith(begins))
    ).all()
    contacts: dict[str, int] = dict(
        session.exec(
            select(Contact.step, func.max(Contact.occurrence))
            .where(Contact.loan_ref == loan.id, Contact.entry == loan.entry)
            .group_by(col(Contact.step))
        ).all()
    )
    pauses = _pauses(session, loan)
    return Counted(
        entries=1 + max((int(key.removeprefix(begins)) for key in keys), default=-1),
        cases=_highest(cases.number_of(loan, one.case_id) for one in cases.of_loan(session, loan)),
        agreements=_highest(one.number for one in of_entry),
        answers=contacts.get(REPLY, 0),
        offers=contacts.get(FUNDS, 0),
        links_asked=contacts.get(ASKED, 0),
        consents_asked=contacts.get(CONSENT, 0),
        ends=contacts.get(RECEIPT, 0),
        broken_promises=len(broken),
        own_pause_until=pauses.own,
        campaign_pause_until=pauses.of_campaign,
    )


def _highest(numbers: Iterable[int | None]) -> int:
    return max((number for number in numbers if number is not None), default=0)


def _pauses(session: Session, loan: Loan) -> Pauses:
    """The pauses of this entry that were not ended; they may be over by now."""
    lines = audit.of_loan(session, loan.lender, loan.loan_id)
    return pauses_of(
        Noted(line.at, line.action, str(line.details.get("detail", "")))
        for line in lines
        if line.at >= loan.entered_at and line.action in (PAUSED, RESUMED)
    )
