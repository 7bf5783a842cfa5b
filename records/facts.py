"""What the records know of a loan, in the words of its workflow; no personal data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from domain.circumstances import told_after_the_end
from domain.conversation.unanswered import circumstance_of
from domain.events.borrower import Circumstance
from domain.ledger_entries import CaseKind
from domain.loan_snapshot import restore
from domain.loan_state import LoanState
from domain.loans import LoanFacts
from domain.pauses import ended_without_campaigns_pause
from domain.replies.labels import Intent
from domain.strategy import Strategy
from records import cases, consents, loans, payments, people, strategies
from records.tables import Campaign, CampaignState, CaseState, CollectionCase, InboundMessage, Loan, Payment
from records.tables import LoanState as Place

TOLD_WITHIN = timedelta(days=1)
"""So long after it was written a message may have opened the case of a loan's own run."""


@dataclass(frozen=True)
class LoanAsEntered:
    """A loan with its pinned strategy, and payments that came before its workflow was started.

    `strategy_digest` is of the strategy that the records had it pinned to when it was read.
    """

    facts: LoanFacts
    strategy: Strategy
    payments: tuple[Payment, ...]
    strategy_digest: str = ""


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
    return row_as_entered(session, loans.get(session, lender, loan_id), on)


def row_as_entered(session: Session, loan: Loan, on: datetime) -> LoanAsEntered:
    """As `as_entered`, of a loan that was read already."""
    known = tuple(payment for payment in payments.of_loan(session, loan) if payment.entry == loan.entry)
    strategy = strategies.of_loan(session, loan)
    return LoanAsEntered(facts_of(session, loan, on, strategy), strategy, known, loan.strategy_digest)


def final_state(session: Session, lender: str, loan_id: str, on: datetime) -> LoanState:
    """Where an ended loan stood. Raises UnknownLoan, or ValueError when no final state was kept."""
    loan = loans.get(session, lender, loan_id)
    if loan.final_state is None:
        raise ValueError(f"loan {loan_id!r} of {lender!r} kept no final state")
    return restore(loan.final_state, facts_of(session, loan, on), strategies.of_loan(session, loan))


def state_to_go_on_from(session: Session, lender: str, loan_id: str, on: datetime) -> LoanState:
    """The final state of a loan that is started again: held by what its borrower told since and nobody has decided on
    yet, and no longer by a pause of its campaign once that goes on. A consent that its borrower gave since, which an
    ended loan does not hear of, lets the balance be watched again. Raises as `final_state`.
    """
    loan = loans.get(session, lender, loan_id)
    state = final_state(session, lender, loan_id, on)
    campaign = session.get(Campaign, loan.campaign_id)
    if campaign is None or campaign.state is not CampaignState.PAUSED:
        state = ended_without_campaigns_pause(state, on)
    if state.facts.consent:
        state = state.model_copy(update={"watch_over": None})
    told, waiting = _told_since(session, loan)
    return told_after_the_end(state, told, waiting, on)


def _told_since(session: Session, loan: Loan) -> tuple[list[Circumstance], list[str]]:
    """Disputes, hardship and distress that wait for a person to read them, and the cases of this loan that wait for it.

    What was put to another of the person's ended loans may be about this one: nobody has looked yet.
    """
    ended = [each.id for each in people.loans_of(session, people.of_loan(session, loan)) if each.state is Place.ENDED]
    is_handoff = (CollectionCase.state == CaseState.OPEN, CollectionCase.kind == CaseKind.HANDOFF.value)
    unread = session.exec(select(CollectionCase).where(col(CollectionCase.loan_ref).in_(ended), *is_handoff)).all()
    told: list[Circumstance] = []
    waiting: list[str] = []
    for case in unread:
        since = (InboundMessage.loan_ref == case.loan_ref, _from_the_one_that_opened(case))
        wrote = session.exec(select(InboundMessage).where(*since).order_by(col(InboundMessage.at))).all()
        found = [circumstance_of([Intent(name) for name in message.intents]) for message in wrote]
        told += [kind for kind in found if kind is not None and kind not in told]
        if any(found) and case.loan_ref == loan.id and cases.is_of_records(case.case_id):
            waiting.append(case.case_id)
    return told, waiting


def _from_the_one_that_opened(case: CollectionCase) -> ColumnElement[bool]:
    """A message is of when it was written; it opened its case when it came in, or when its loan heard of it."""
    opened_by = cases.message_of(case.case_id)
    if opened_by is not None:
        return col(InboundMessage.id) >= opened_by
    return col(InboundMessage.at) >= case.opened_at - TOLD_WITHIN
