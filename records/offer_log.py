"""What was offered, when, to whom and by which rules: kept in the audit trail with all the engine looked at, of which
what the borrower can bear is sealed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from domain.agreements.offers import OfferRequest, Offers, bearable_amount, offers, without_bearable
from records import audit, people, person_keys, strategies
from records.tables import Audit, BalanceRead, Loan

ACTION = "offers_made"
_BEARABLE = "bearable_sealed"
_PLACE = "audit.bearable"


class BearableGone(LookupError):
    """What the borrower could bear went with their key, and without it the request cannot be asked again."""


def keep(session: Session, loan: Loan, request: OfferRequest, made: Offers, *, actor: str, at: datetime) -> None:
    """What the borrower can bear is told by their balances: it stands there sealed under their key, and goes with it.

    Call it inside `Database.writing()`.
    """
    details = {"strategy_digest": loan.strategy_digest}
    if request.bearable_minor is not None:
        made = without_bearable(made, request.bearable_minor)
        details[_BEARABLE] = _sealed(session, loan, request.bearable_minor)
        request = request.model_copy(update={"bearable_minor": None})
    audit.append(
        session,
        at=at,
        actor=actor,
        action=ACTION,
        lender=loan.lender,
        loan_id=loan.loan_id,
        details={**details, "request": request.model_dump(mode="json"), "made": made.model_dump(mode="json")},
    )


def is_last(session: Session, loan: Loan, request: OfferRequest, actor: str) -> bool:
    """Whether the last that `actor` asked for this loan was the same: a page that is looked at again adds nothing."""
    last = session.exec(
        select(Audit)
        .where(Audit.lender == loan.lender, Audit.loan_id == loan.loan_id, Audit.action == ACTION, Audit.actor == actor)
        .order_by(col(Audit.id).desc())
        .limit(1)
    ).first()
    if last is None:
        return False
    try:
        return _request(session, last.details) == request
    except BearableGone:
        return False


def replay(session: Session, details: Mapping[str, Any]) -> tuple[Offers, Offers]:
    """What was offered then, and what the engine answers to the same request now. Raises BearableGone."""
    request = _request(session, details)
    now = offers(request, strategies.load(session, details["strategy_digest"]))
    if _BEARABLE in details and request.bearable_minor is not None:
        now = without_bearable(now, request.bearable_minor)
    return Offers.model_validate(details["made"]), now


def opened(session: Session, details: Mapping[str, Any]) -> dict[str, Any]:
    """As it was asked, for the borrower to read: without what was sealed once their key is gone."""
    rest = {name: value for name, value in details.items() if name != _BEARABLE}
    try:
        return rest | {"request": _request(session, details).model_dump(mode="json")}
    except BearableGone:
        return rest


def _request(session: Session, details: Mapping[str, Any]) -> OfferRequest:
    request = OfferRequest.model_validate(details["request"])
    if _BEARABLE not in details:
        return request
    opened = person_keys.of(session).open_text(_PLACE, details[_BEARABLE]) if details[_BEARABLE] else None
    if opened is None:
        raise BearableGone("the borrower was erased, and with them what they could bear")
    return request.model_copy(update={"bearable_minor": int(opened)})


def _sealed(session: Session, loan: Loan, minor: int) -> str:
    """Empty for who was erased: nothing is kept of them."""
    keys = person_keys.of(session)
    key_id = keys.standing(people.of_loan(session, loan).key_id)
    return "" if key_id is None else keys.seal_text(key_id, _PLACE, str(minor))


def bearable(session: Session, loan: Loan, today: date) -> int | None:
    """What the borrower can pay each month by the balances read with their consent; None where too few were read."""
    zone = ZoneInfo(people.of_loan(session, loan).timezone or "UTC")
    rows = session.exec(
        select(BalanceRead.at, BalanceRead.amount_minor).where(
            BalanceRead.loan_ref == loan.id, col(BalanceRead.amount_minor).is_not(None)
        )
    ).all()
    return bearable_amount([(at.astimezone(zone).date(), amount) for at, amount in rows if amount is not None], today)
