"""Money that a statement brings and somebody else tells of too: which payments and transfers may be the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from domain.direct_debit import PROVIDER as DIRECT_DEBIT
from domain.gateway_choice import BANK as ACCOUNT_TO_ACCOUNT
from domain.payment_references import find_reference
from records import payments, people
from records.tables import BankEntryRow, BankMatch, Debit, Loan, Payment, PaymentInquiry, PaymentLink

STATEMENT = "bank"
"""Under this name a transfer found on a statement is a payment; its id is the entry's key."""
_NEAR = timedelta(days=5)
"""So far apart may the days be which two tell of one payment."""


def paid_otherwise(
    session: Session, loan: Loan, amount_minor: int, value_on: date, *, besides: BankEntryRow | None = None
) -> Payment | None:
    """A payment of just this amount near that day which no statement brought: it may be the same money.

    Whoever told of it, and whatever name they gave to who handled it; a debit of ours is known by its reference.
    `besides`: not what is this entry's own payment.
    """
    ours = select(Debit.id).where(Debit.reference == Payment.payment_id).exists()
    debits = (col(Payment.provider) == DIRECT_DEBIT) & ours
    others = ~debits & ~_matched()
    if besides is not None:
        others = others & ~_counted_as(besides)
    return _near(session, loan, amount_minor, value_on, others)


def counted_as(session: Session, row: BankEntryRow) -> Sequence[tuple[int, int]]:
    """Which loans have this entry's own payments, and how much, in the order of their numbers.

    They are there before its matches where Temporal brought back what a restored database did not hold any more.
    """
    rows = session.exec(select(Payment).where(_counted_as(row))).all()
    in_order = sorted(rows, key=lambda one: int(one.payment_id.removeprefix(row.key).removeprefix("/") or 0))
    return [(one.loan_ref, one.amount_minor) for one in in_order if one.loan_ref is not None]


def _counted_as(row: BankEntryRow) -> ColumnElement[bool]:
    """Whether a payment is known by the entry's key, as `activities.transfers` names those it makes of it."""
    named = (col(Payment.payment_id) == row.key) | col(Payment.payment_id).startswith(f"{row.key}/", autoescape=True)
    return (col(Payment.provider) == STATEMENT) & named


def carried(session: Session, loan: Loan, row: BankEntryRow) -> Payment | None:
    """The loan's payment by a transfer begun on our page whose reference the entry carries, whatever its day."""
    reference = find_reference(row.text or "")
    known = payments.find(session, ACCOUNT_TO_ACCOUNT, reference) if reference else None
    return known if known is not None and known.loan_ref == loan.id and known.reversed_at is None else None


def on_a_statement(session: Session, loan: Loan, amount_minor: int, paid_on: date) -> Payment | None:
    """A payment of just this amount near that day which stands on a bank statement: it may be the same money."""
    return _near(session, loan, amount_minor, paid_on, _matched())


def _matched() -> ColumnElement[bool]:
    """Whether an entry of a statement is this payment."""
    same = (BankMatch.provider == Payment.provider, BankMatch.payment_id == Payment.payment_id)
    return select(BankMatch.id).where(*same).exists()


def _near(session: Session, loan: Loan, amount_minor: int, day: date, told_by: ColumnElement[bool]) -> Payment | None:
    near = select(Payment).where(
        Payment.loan_ref == loan.id,
        Payment.amount_minor == amount_minor,
        col(Payment.reversed_at).is_(None),
        told_by,
    )
    timezone = people.of_loan(session, loan).timezone
    zone = ZoneInfo(timezone) if timezone else UTC
    for payment in session.exec(near).all():
        # Of what was told by the day alone, midnight in UTC may still be kept: then its day is that one.
        days = (payment.paid_at.date(), payment.paid_at.astimezone(zone).date())
        if min(abs(one - day) for one in days) <= _NEAR:
            return payment
    return None


def transfer_under_way(
    session: Session, loan: Loan, amount_minor: int, value_on: date, over: Iterable[str]
) -> str | None:
    """The reference of a transfer of just this amount, begun by that day, that its bank has and may still say is paid.

    `over`: the statuses of those of which nothing more is to be heard.
    """
    begun = (
        select(PaymentInquiry.reference)
        .join(PaymentLink, col(PaymentLink.id) == col(PaymentInquiry.link_ref))
        .where(
            PaymentLink.loan_ref == loan.id,
            PaymentLink.amount_minor == amount_minor,
            col(PaymentInquiry.gateway_id).is_not(None),
            col(PaymentInquiry.status).not_in(list(over)),
            col(PaymentInquiry.created_at) < datetime.combine(value_on, time(), UTC) + timedelta(days=2),
        )
    )
    return session.exec(begun.order_by(col(PaymentInquiry.id)).limit(1)).first()
