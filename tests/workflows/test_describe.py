"""What whoever made an agreement is answered: of that agreement, whatever else waits."""

from __future__ import annotations

from datetime import date

from domain.collection import apply
from domain.events.agreements import DueDateMoved, OfferApproved, PromiseMade
from domain.events.loan_event import LoanEvent
from domain.loan_state import LoanState
from tests.domain.agreements.test_catalogue import SAID, agree, loan
from tests.domain.simulated_loan import START
from workflows import describe


def done(before: LoanState, event: LoanEvent) -> LoanState:
    state, refused = apply(before, event, START)
    assert refused is None
    return state


def promise(amount: int = 5_000) -> PromiseMade:
    return PromiseMade(amount_minor=amount, date=date(2026, 3, 6), by="agent-1", via="agent", evidence=SAID)


def waiting() -> LoanState:
    """A settlement, number 1, that waits for its approval."""
    subject = loan()
    assert agree(subject, "late", percent=60, yes=False) is None
    assert [(a.number, a.approved_by) for a in subject.state.agreements] == [(1, None)]
    return subject.state


def test_a_promise_beside_an_offer_that_waits_is_answered_by_its_own_number() -> None:
    before = waiting()

    answer = describe.agreed(before, done(before, promise()))

    assert (answer.detail, answer.agreement) == ("promise 2: 50.00 EUR by 2026-03-06", 2)


def test_the_same_promise_again_is_answered_as_it_was() -> None:
    before = done(waiting(), promise())

    assert describe.agreed(before, done(before, promise())).agreement == 2


def test_an_offer_is_answered_with_what_it_waits_for() -> None:
    subject = loan()
    before = subject.state
    state = waiting()

    assert describe.agreed(before, state).detail.endswith("; waits for an approval")

    approved = done(state, OfferApproved(number=1, by="supervisor-1", role="supervisor"))
    answer = describe.agreed(state, approved, 1)
    assert (answer.agreement, answer.detail.endswith("; waits for the borrower's yes")) == (1, True)


def test_a_moved_date_is_answered_with_its_agreement_while_an_offer_waits() -> None:
    subject = loan()
    assert agree(subject, "monthly") is None
    assert agree(subject, "half-year", yes=False) is None
    before = subject.state
    [plan, offer] = before.agreements
    assert (plan.live, offer.state) == (True, "proposed")
    to = plan.instalments[0].due.replace(day=plan.instalments[0].due.day + 1)

    answer = describe.agreed(before, done(before, DueDateMoved(number=1, to=to, by="agent-1")), 1)

    assert answer.agreement == 1
