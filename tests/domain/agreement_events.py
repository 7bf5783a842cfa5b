"""Random but seeded news about agreements: what borrowers, agents and supervisors do with them."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from domain.agreements.judging import next_unpaid
from domain.agreements.model import AgreementState, Evidence, Via
from domain.agreements.offers import agreeing, offers, request_of
from domain.agreements.terms import Authority
from domain.collection import pass_time
from domain.events.agreements import AgreementCancelled, DueDateMoved, OfferAccepted, OfferApproved, PromiseMade
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived
from tests.domain.simulated_loan import SimulatedLoan


def agreement_events(random: Random, subject: SimulatedLoan) -> list[tuple[int, LoanEvent]]:
    """Events with their weights, fitting what the loan is at."""
    now = subject.now
    state = pass_time(subject.state, now)
    today = state.facts.local_date(now)
    promise = PromiseMade(
        amount_minor=random.choice([5_000, 12_000, 30_000]),
        date=today + timedelta(days=random.choice([0, 1, 3, 9, 20])),
        by="agent-1",
        via=Via.AGENT,
    )
    found: list[tuple[int, LoanEvent]] = [(3, promise)]
    said = Evidence(at=now.replace(microsecond=0), message_id="SM1")
    role = random.choice(list(Authority))
    asked = request_of(state, now, role, random.choice([None, 9_000]))
    if made := offers(asked, state.strategy).offers:
        offer = random.choice(made)
        by = random.choice(["agent-1", "boss"])
        yes = said if random.random() < 0.7 else None
        found.append((5, agreeing(offer, by=by, role=role, via=Via.MESSAGE, evidence=yes, holidays=asked.holidays)))
    waiting = [a for a in state.agreements if a.state is AgreementState.PROPOSED]
    number = waiting[0].number if waiting else 1
    if waiting or random.random() < 0.1:
        by = random.choice(["agent-1", "boss", "boss-2"])
        found.append((4, OfferApproved(number=number, by=by, role=random.choice(list(Authority)))))
        found.append((4, OfferAccepted(number=number, by="agent-1", via=Via.PAGE, evidence=said)))
    found.append((1, AgreementCancelled(number=max(len(state.agreements), 1), by="agent-1")))
    agreement = state.agreement
    covered = next_unpaid(state, agreement) if agreement is not None else None
    if agreement is not None and covered is not None:
        due = covered.instalment.due
        move = DueDateMoved(number=agreement.number, to=due + timedelta(days=random.randint(1, 8)), by="agent-1")
        left = min(covered.instalment.amount_minor - covered.paid_minor, max(state.balance_minor, 1))
        payment = PaymentReceived(
            payment_id=f"i{len(state.payments)}",
            provider="stripe",
            amount_minor=left,
            currency="EUR",
            paid_at=now - timedelta(days=random.choice([0, 0, 0, 4])),
        )
        found += [(1, move), (7, payment)]
    return found
