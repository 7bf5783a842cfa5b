"""Payments: each counted once, and what is still due. Amounts are minor units of the loan's currency."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func
from sqlmodel import Session, col, select

from domain.payable import payable
from domain.webhook_news import may_leave_some
from records import audit, loans
from records.locks import all_at_a_time
from records.tables import EarlyReversal, Loan, Payment, PaymentSource

_FIND = select(Payment).where(
    col(Payment.provider) == bindparam("provider"), col(Payment.payment_id) == bindparam("payment_id")
)
_OF_LOAN = (
    select(Payment).where(col(Payment.loan_ref) == bindparam("loan")).order_by(col(Payment.paid_at), col(Payment.id))
)
_OF_LOANS = (
    select(Payment)
    .where(col(Payment.loan_ref).in_(bindparam("loans", expanding=True)))
    .order_by(col(Payment.paid_at), col(Payment.id))
)
_PAID = select(func.coalesce(func.sum(col(Payment.amount_minor) - col(Payment.refunded_minor)), 0)).where(
    col(Payment.loan_ref) == bindparam("loan"),
    col(Payment.entry) == bindparam("entry"),
    col(Payment.reversed_at).is_(None),
)


@dataclass(frozen=True)
class Recorded:
    """`new` is false when this payment was known; `payment` is the row that counts.

    `part_taken_back`: part of it was said to be taken back before it was known itself. It counts whole until a person
    has looked.
    `payment.loan_ref` is None when no such loan is known or the currency is not the loan's: it is kept
    unmatched and counts for no loan. One that was unmatched and now fits the loan it is told for is new to that loan.
    """

    new: bool
    payment: Payment
    part_taken_back: bool = False


def lock(session: Session, named: Iterable[tuple[str, str]]) -> None:
    """Let nobody else keep or reverse these payments, by provider and its id, until this transaction ends.

    Who will touch several locks them at once and before people, so that no two wait for each other.
    """
    all_at_a_time(session, {f"payment:{provider}:{payment_id}" for provider, payment_id in named})


def record(
    session: Session,
    *,
    provider: str,
    payment_id: str,
    lender: str | None,
    loan_id: str | None,
    amount_minor: int,
    currency: str,
    paid_at: datetime,
    received_at: datetime,
    source: PaymentSource,
    loan: Loan | None = None,
) -> Recorded:
    """Keep a payment under (provider, payment_id), once. The first report is the one that stands.

    `paid_at` is the value date. `loan` is the one it is surely of, where the caller has it. A reversal
    that arrived earlier is applied at once. One that nobody could place counts for the loan it is now told for, if
    amount and currency are the same and its first report, unless `loan` is given, named no other.
    """
    lock(session, [(provider, payment_id)])
    known = find(session, provider, payment_id)
    if known is not None and known.loan_ref is not None:
        return Recorded(new=False, payment=known)
    sure = loan is not None
    if loan is None and lender and loan_id:
        loan = loans.find(session, lender, loan_id)
    if loan is not None and loan.currency != currency:
        loan = None
    if known is not None:
        same = (known.amount_minor, known.currency) == (amount_minor, currency)
        if loan is None or not same or not (sure or may_be_of(known, lender, loan_id)):
            return Recorded(new=False, payment=known)
        known.loan_ref, known.entry = loan.id, loan.entry
        session.add(known)
        session.flush()
        return Recorded(new=True, payment=known)
    payment = Payment(
        provider=provider,
        payment_id=payment_id,
        loan_ref=loan.id if loan else None,
        entry=loan.entry if loan else None,
        named_lender=lender,
        named_loan=loan_id,
        amount_minor=amount_minor,
        currency=currency,
        paid_at=paid_at,
        received_at=received_at,
        source=source,
    )
    early = session.get(EarlyReversal, (provider, payment_id))
    part = early is not None and may_leave_some((early.amount_minor, early.currency), (amount_minor, currency))
    if early is not None and part:
        _show_part(session, payment, early)
    elif early is not None:
        payment.reversed_at = early.at
    session.add(payment)
    session.flush()
    return Recorded(new=True, payment=payment, part_taken_back=part)


def _show_part(session: Session, payment: Payment, early: EarlyReversal) -> None:
    """A person sees it in the audit trail, as when the payment is known first."""
    audit.append(
        session,
        at=payment.received_at,
        actor=payment.provider,
        action="webhook_needs_person",
        lender=payment.named_lender,
        loan_id=payment.named_loan,
        details={
            "kind": "reversal:partial",
            "provider": payment.provider,
            "reference": payment.payment_id,
            "amount_minor": early.amount_minor,
        },
    )


def may_be_of(payment: Payment, lender: str | None, loan_id: str | None) -> bool:
    """Whether its first report can have meant the loan of this name: what is not named differs from nothing."""
    named = ((payment.named_lender, lender), (payment.named_loan, loan_id))
    return all(first is None or now is None or first == now for first, now in named)


def counts_now(loan: Loan, payment: Payment) -> bool:
    """Whether it belongs to the loan's current entry: what earlier ones got, the amount handed over knows already."""
    return (payment.loan_ref, payment.entry) == (loan.id, loan.entry)


def reverse(
    session: Session,
    *,
    provider: str,
    payment_id: str,
    at: datetime,
    amount_minor: int | None = None,
    currency: str | None = None,
) -> Payment | None:
    """Note that a payment was taken back. Returns the payment, or None when it is not known yet.

    Repeating it changes nothing; a payment reported later is reversed from its first moment, unless `amount_minor` of
    `currency` turns out to be a part of it. A known payment is taken back whole: the caller has looked.
    """
    lock(session, [(provider, payment_id)])
    payment = find(session, provider, payment_id)
    if payment is None:
        _keep_early(session, EarlyReversal(provider=provider, payment_id=payment_id, at=at), amount_minor, currency)
        return None
    if payment.reversed_at is None:
        payment.reversed_at = at
        session.add(payment)
        session.flush()
    return payment


def _keep_early(session: Session, told: EarlyReversal, amount_minor: int | None, currency: str | None) -> None:
    """Of several the one that takes most stands, from the first one's moment."""
    known = session.get(EarlyReversal, (told.provider, told.payment_id))
    if known is not None and (known.amount_minor is None or (amount_minor or known.amount_minor) < known.amount_minor):
        return
    kept = known or told
    kept.amount_minor, kept.currency = amount_minor, currency
    session.add(kept)
    session.flush()


def find(session: Session, provider: str, payment_id: str) -> Payment | None:
    """A payment by the provider's own id."""
    return session.exec(_FIND, params={"provider": provider, "payment_id": payment_id}).first()


def of_loan(session: Session, loan: Loan) -> Sequence[Payment]:
    """All payments of a loan over all entries, reversed ones too, by value date."""
    return session.exec(_OF_LOAN, params={"loan": loan.id}).all()


def of_loans(session: Session, several: Collection[Loan]) -> dict[int, list[Payment]]:
    """As `of_loan`, of several, by their surrogate keys; only of those that have any."""
    rows = session.exec(_OF_LOANS, params={"loans": [loan.id for loan in several]}).all()
    found: dict[int, list[Payment]] = {}
    for payment in rows:
        assert payment.loan_ref is not None
        found.setdefault(payment.loan_ref, []).append(payment)
    return found


def unmatched(session: Session) -> Sequence[Payment]:
    """Payments that belong to no known loan."""
    return session.exec(select(Payment).where(col(Payment.loan_ref).is_(None)).order_by(col(Payment.id))).all()


def balance_due(session: Session, loan: Loan) -> int:
    """What is still due in this entry: the amount handed over, as agreements changed it, less payments not reversed
    and what was given back of them.

    Negative when more was paid than due.
    """
    paid = session.exec(_PAID, params={"loan": loan.id, "entry": loan.entry}).one()
    return loan.amount_due_minor + loan.adjusted_minor - int(paid)


def payable_due(session: Session, loan: Loan) -> int:
    """What of `balance_due` can be asked for: 0 where less is due than can be paid, and when more was paid than due."""
    return max(payable(balance_due(session, loan), loan.currency), 0)


def due_after(loan: Loan, every: Iterable[Payment]) -> int:
    """As `balance_due`, from all payments of the loan, where these were read already."""
    standing = (one for one in every if one.entry == loan.entry and one.reversed_at is None)
    return loan.amount_due_minor + loan.adjusted_minor - sum(one.amount_minor - one.refunded_minor for one in standing)
