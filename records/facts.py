"""What the records know of a loan, in the words of its workflow; no personal data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from domain.circumstances import told_after_the_end
from domain.events.borrower import Circumstance
from domain.loan_snapshot import restore
from domain.loan_state import LoanState
from domain.loans import LoanFacts
from domain.pauses import ended_in_campaigns_pause, ended_without_campaigns_pause
from domain.strategy import Strategy
from records import campaigns, consents, loans, payments, people, strategies, told_of
from records.consents import Lasting
from records.people import Whereabouts
from records.tables import Campaign, CampaignState, Loan, Payment


@dataclass(frozen=True)
class LoanAsEntered:
    """A loan with its pinned strategy, and payments that came before its workflow was started.

    `strategy_digest` is of the strategy that the records had it pinned to when it was read. `told` is what was reported
    of the person and waits for its decision.
    """

    facts: LoanFacts
    strategy: Strategy
    payments: tuple[Payment, ...]
    strategy_digest: str = ""
    told: tuple[Circumstance, ...] = ()


@dataclass(frozen=True)
class Beside:
    """What loans start with that is kept beside them: by the person, payments by the loan. Both are surrogate keys.

    `consents` and `told` name only of whom there is any.
    """

    people: Mapping[int, Whereabouts]
    consents: Mapping[int, Lasting]
    payments: Mapping[int, Sequence[Payment]]
    told: Mapping[int, Collection[Circumstance]]


def beside(session: Session, several: Collection[Loan], on: datetime) -> Beside:
    """Of all of them together, with as many questions as of one; consents as they stand at `on`."""
    owing = {loan.person_ref for loan in several}
    return Beside(
        people.whereabouts_of(session, owing),
        consents.lasting_of(session, owing, on.date()),
        payments.of_loans(session, several),
        told_of.people(session, owing),
    )


def facts_of(session: Session, loan: Loan, on: datetime) -> LoanFacts:
    """The facts of a loan's current entry; `consent` as it stands at `on`."""
    person = people.whereabouts(session, loan.person_ref)
    return _facts(loan, strategies.of_loan(session, loan), person, consents.lasting(session, loan, on.date()))


def _facts(loan: Loan, strategy: Strategy, person: Whereabouts, consent: Lasting | None) -> LoanFacts:
    watch = strategy.watch
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
    return row_as_entered(session, loans.get(session, lender, loan_id), on)


def row_as_entered(session: Session, loan: Loan, on: datetime, known: Beside | None = None) -> LoanAsEntered:
    """As `as_entered`, of a loan that was read already, and `beside` it what was read of several, if that was."""
    known = known or beside(session, [loan], on)
    assert loan.id is not None
    strategy = strategies.of_loan(session, loan)
    return LoanAsEntered(
        _facts(loan, strategy, known.people[loan.person_ref], known.consents.get(loan.person_ref)),
        strategy,
        tuple(payment for payment in known.payments.get(loan.id, ()) if payment.entry == loan.entry),
        loan.strategy_digest,
        tuple(known.told.get(loan.person_ref, ())),
    )


def final_state(session: Session, lender: str, loan_id: str, on: datetime) -> LoanState:
    """Where an ended loan stood. Raises UnknownLoan, or ValueError when no final state was kept."""
    loan = loans.get(session, lender, loan_id)
    if loan.final_state is None:
        raise ValueError(f"loan {loan_id!r} of {lender!r} kept no final state")
    return restore(loan.final_state, facts_of(session, loan, on), strategies.of_loan(session, loan))


def state_to_go_on_from(session: Session, lender: str, loan_id: str, on: datetime) -> LoanState:
    """The final state of a loan that is started again: held by what its borrower told since and nobody has decided on
    yet, and by a pause of its campaign as long as that lasts, whenever it began. A consent that its borrower gave
    since, which an ended loan does not hear of, lets the balance be watched again. Raises as `final_state`.
    """
    loan = loans.get(session, lender, loan_id)
    state = final_state(session, lender, loan_id, on)
    campaign = session.get(Campaign, loan.campaign_id)
    if campaign is not None and campaign.state is CampaignState.PAUSED:
        state = ended_in_campaigns_pause(state, campaigns.paused_until(session, campaign), on)
    else:
        state = ended_without_campaigns_pause(state, on)
    if state.facts.consent:
        state = state.model_copy(update={"watch_over": None})
    told, waiting = told_of.ended_loan(session, loan)
    return told_after_the_end(state, told, waiting, on)
