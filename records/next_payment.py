"""What is asked for now of an agreement in force: its next payment, as far as money has not come for it yet."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from domain.agreements.coverage import covered_by
from domain.agreements.model import AgreementKind
from domain.loans import Payment
from domain.payable import smallest_payable
from records import agreements, audit, facts, payments
from records.tables import Agreement, Loan


@dataclass(frozen=True)
class LeftToPay:
    """What is left of an agreement in force, minor units. `next_minor`: of its next payment, 0 where all of it is paid.
    `most_minor`: of a settlement, which forgives the rest of the debt, what may be asked for at most; None of others.
    """

    next_minor: int
    most_minor: int | None


def left_to_pay(session: Session, loan: Loan) -> LeftToPay | None:
    """None where no agreement is in force.

    What the payments in the records cover, oldest instalment first: an agreement's own rows know only what had been
    paid when it last changed.
    """
    row = agreements.in_force(session, loan)
    if row is None:
        return None
    _, since = payments_around(session, loan, row)
    made, of_loan = agreements.as_made(session, row), facts.facts_of(session, loan, row.made_at)
    covered = covered_by(made, since, of_loan, smallest_payable(loan.currency))
    missing = [max(each.missing_minor, 1) for each in covered if each.on is None]
    first, whole = (missing[0], missing[-1]) if missing else (0, 0)
    return LeftToPay(first, whole if row.kind is AgreementKind.SETTLEMENT else None)


def payments_around(session: Session, loan: Loan, agreement: Agreement) -> tuple[list[Payment], list[Payment]]:
    """The payments of the loan's current entry that it knew when it made the agreement, and those it has, or will,
    come to know since; only these go towards the agreement.

    When it heard of one stands in the audit trail, in the loan's own time; of one that it has not told of yet it will
    hear now.
    """
    heard = audit.of_loan(
        session, loan.lender, loan.loan_id, action="payment", since=loan.entered_at, before=agreement.made_at
    )
    known = {(line.details.get("provider"), line.details.get("payment_id")) for line in heard}
    before: list[Payment] = []
    since: list[Payment] = []
    for each in payments.of_loan(session, loan):
        if each.entry != loan.entry:
            continue
        payment = Payment(
            provider=each.provider,
            payment_id=each.payment_id,
            amount_minor=each.amount_minor,
            paid_at=each.paid_at,
            reversed=each.reversed_at is not None,
            refunded_minor=each.refunded_minor,
        )
        (before if payment.key in known else since).append(payment)
    return before, since
