"""What was offered, when, to whom and by which rules: kept in the audit trail with all the engine looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from domain.agreements.offers import OfferRequest, Offers, bearable_amount, offers
from records import audit, people, strategies
from records.tables import Audit, BalanceRead, Loan

ACTION = "offers_made"


def keep(session: Session, loan: Loan, request: OfferRequest, made: Offers, *, actor: str, at: datetime) -> None:
    """Call it inside `Database.writing()`."""
    audit.append(
        session,
        at=at,
        actor=actor,
        action=ACTION,
        lender=loan.lender,
        loan_id=loan.loan_id,
        details={
            "strategy_digest": loan.strategy_digest,
            "request": request.model_dump(mode="json"),
            "made": made.model_dump(mode="json"),
        },
    )


def is_last(session: Session, loan: Loan, request: OfferRequest, actor: str) -> bool:
    """Whether the last that `actor` asked for this loan was the same: a page that is looked at again adds nothing."""
    last = session.exec(
        select(Audit)
        .where(Audit.lender == loan.lender, Audit.loan_id == loan.loan_id, Audit.action == ACTION, Audit.actor == actor)
        .order_by(col(Audit.id).desc())
        .limit(1)
    ).first()
    return last is not None and last.details.get("request") == request.model_dump(mode="json")


def replay(session: Session, details: Mapping[str, Any]) -> tuple[Offers, Offers]:
    """What was offered then, and what the engine answers to the same request now."""
    request = OfferRequest.model_validate(details["request"])
    strategy = strategies.load(session, details["strategy_digest"])
    return Offers.model_validate(details["made"]), offers(request, strategy)


def bearable(session: Session, loan: Loan, today: date) -> int | None:
    """What the borrower can pay each month by the balances read with their consent; None where too few were read."""
    zone = ZoneInfo(people.of_loan(session, loan).timezone or "UTC")
    rows = session.exec(
        select(BalanceRead.at, BalanceRead.amount_minor).where(
            BalanceRead.loan_ref == loan.id, col(BalanceRead.amount_minor).is_not(None)
        )
    ).all()
    return bearable_amount([(at.astimezone(zone).date(), amount) for at, amount in rows if amount is not None], today)
