"""What the records know of a loan, in the words of its workflow; no personal data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from domain.loan_state import LoanState, restore
from domain.loans import LoanFacts
from domain.strategy import Strategy
from records import consents, loans, payments, people, strategies
from records.tables import Loan, Payment


@dataclass(frozen=True)
class LoanAsEntered:
    """A loan with its pinned strategy, and payments that came before its workflow was started."""

    facts: LoanFacts
    strategy: Strategy
    payments: tuple[Payment, ...]


def facts_of(session: Session, loan: Loan, on: datetime, strategy: Strategy | None = None) -> LoanFacts:
    """The facts of a loan's current entry; `consent` as it stands at `on`.

    `strategy`: the loan's, where it is known.
    """
    person = people.whereabouts(session, loan.person_ref)
    consent = consents.lasting(session, loan, on.date())
    watch = (strategy or strategies.of_loan(session, loan)).watch
    return LoanFacts(
        lender=loan.lender,
        loan_id=loan.loan_id,
        country=person.country,
        region=person.region,
        timezone=person.timezone,
        currency=loan.currency,
        amount_due_minor=loan.amount_due_minor,
        due_date=loan.due_date,
        consent=consent is not None,
        # Left out where nobody asks for a renewal: it would only lengthen the loan's history.
        consent_until=consent.until if consent and watch and watch.renew_days_before is not None else None,
        entry=loan.entry,
        campaign=loan.campaign_id,
    )


def as_entered(session: Session, lender: str, loan_id: str, on: datetime) -> LoanAsEntered:
    """What a loan's workflow starts with. Raises records.loans.UnknownLoan."""
    loan = loans.get(session, lender, loan_id)
    known = tuple(payment for payment in payments.of_loan(session, loan) if payment.entry == loan.entry)
    strategy = strategies.of_loan(session, loan)
    return LoanAsEntered(facts_of(session, loan, on, strategy), strategy, known)


def final_state(session: Session, lender: str, loan_id: str, on: datetime) -> LoanState:
    """Where an ended loan stood. Raises UnknownLoan, or ValueError when no final state was kept."""
    loan = loans.get(session, lender, loan_id)
    if loan.final_state is None:
        raise ValueError(f"loan {loan_id!r} of {lender!r} kept no final state")
    return restore(loan.final_state, facts_of(session, loan, on), strategies.of_loan(session, loan))
