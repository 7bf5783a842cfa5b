"""Money that another system tells of and a person must look at, before or instead of counting it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from activities.debit_results import before_hand_over, zone_of
from domain.events.payments import PaymentReceived, PaymentReversed
from records import payments, same_money
from records.tables import Loan, Payment


@dataclass(frozen=True)
class Doubt:
    """Why news is left to a person: `kind` in the audit trail, `why` for who told it."""

    kind: str
    why: str


def another_hand_over(loan: Loan, known: Payment | None, named: int | None) -> int | None:
    """The hand-over that money of this loan belongs to, where another one is named; None: nothing is amiss.

    A payment that is known belongs to the one it was recorded for, any other to the one that is open. One that counts
    for another loan is not judged here.
    """
    if named is None:
        return None
    if known is None or known.loan_ref is None:
        belongs_to: int | None = loan.entry
    else:
        belongs_to = known.entry if known.loan_ref == loan.id else None
    return None if belongs_to == named else belongs_to


def came_before_hand_over(
    session: Session, loan: Loan, known: Payment | None, named: int | None, paid_at: datetime
) -> str | None:
    """Why money that is new here may be in the amount handed over already, in words; None: it is not.

    Whoever names the hand-over that is open (`named`) says that it counts there; what is known counts where it does.
    """
    if named is not None or (known is not None and known.loan_ref is not None):
        return None
    return before_hand_over(session, loan, value_day(session, loan, paid_at))


def value_day(session: Session, loan: Loan, paid_at: datetime) -> date:
    """The day where the borrower lives."""
    return paid_at.astimezone(zone_of(session, loan)).date()


def _under_its_id(told: PaymentReceived) -> str:
    """The options that book it as the very payment it is: under an id of its own it would count once more."""
    return f"--provider {told.provider} --id {told.payment_id}"


def doubt_of_payment(session: Session, loan: Loan, told: PaymentReceived) -> Doubt | None:
    """Whether it may stand on a bank statement already, is for another hand-over than the one it can count for, or came
    before that one, whose amount may know it.
    """
    payments.lock(session, [(told.provider, told.payment_id)])
    known = payments.find(session, told.provider, told.payment_id)
    counts = known is not None and known.loan_ref is not None
    belongs_to = another_hand_over(loan, known, told.entry)
    if belongs_to is not None:
        stands = f"the payment was recorded for hand-over {belongs_to}" if counts else f"hand-over {belongs_to} is open"
        return Doubt(
            "payment:other_entry",
            f"entry {told.entry} is named, and {stands}: nothing was changed. A person was told, who books it with "
            f"`payment record` ({_under_its_id(told)}) if it counts now",
        )
    if (before := came_before_hand_over(session, loan, known, told.entry, told.paid_at)) is not None:
        return Doubt(
            "payment:before_hand_over",
            f"{before}. Nothing was changed. A person was told, who books it with `payment record` "
            f"({_under_its_id(told)}) if it counts; told with entry {loan.entry} it counts",
        )
    on = value_day(session, loan, told.paid_at)
    if counts or same_money.on_a_statement(session, loan, told.amount_minor, on) is None:
        return None
    return Doubt(
        "payment:on_a_statement",
        "a bank statement brought this very amount for the loan within five days: nothing was changed. A person was "
        f"told, who books it with `payment record` ({_under_its_id(told)}) if it is other money",
    )


def doubt_of_reversal(session: Session, loan: Loan, told: PaymentReversed, provider: str) -> Doubt | None:
    """Whether it names another hand-over than the one its payment was recorded for."""
    known = payments.find(session, provider, told.payment_id)
    belongs_to = None if known is None else another_hand_over(loan, known, told.entry)
    if belongs_to is None:
        return None
    return Doubt(
        "reversal:other_entry",
        f"entry {told.entry} is named, and the payment was recorded for hand-over {belongs_to}: nothing was changed. "
        "A person was told, who takes it back with `payment reverse` if it is meant",
    )
