"""Cases that wait for a person: the service level lapses, they move on, somebody decides."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.contact import Channel
from domain.events.borrower import CallChoice, CallWish, ReplyUnderstood
from domain.events.control import CaseDecision, Decide
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived
from domain.ledger_entries import CaseClosedEntry, CaseOpenedEntry, LoanEnd
from domain.replies.labels import Intent
from domain.strategy import Queue
from tests.domain.simulated_loan import SimulatedLoan, facts, strategy
from tests.domain.test_collection import START

LATE = date(2026, 1, 20)


PRESSED = CallChoice(step="day-8", occurrence=1, wish=CallWish.PERSON)
WROTE = ReplyUnderstood(
    message_id="m1",
    channel=Channel.SMS,
    received_at=START,
    intents=(Intent.COMPLAINT,),
    confidence=0.9,
    needs_human=True,
)


def handed_over() -> SimulatedLoan:
    """A loan that entered at the step that hands it to an agent, at 09:00 UTC; the step was due before."""
    return SimulatedLoan.entered(facts(due_date=LATE), strategy(watch=None), START)


def test_a_case_that_nobody_decides_moves_to_the_next_queue_and_holds_on() -> None:
    subject = handed_over()
    subject.pass_days(2)
    case = subject.state.cases[0]
    assert (case.queue, case.assignments, case.holds) == ("supervisors", 2, True)
    assert case.sla_at == START + timedelta(hours=72)


def test_after_the_last_queue_the_sequence_goes_on_and_the_case_stays_open() -> None:
    subject = handed_over()
    subject.pass_days(3)
    assert subject.state.hold is None
    assert subject.state.cases[0].lapsed
    subject.pass_days(20)
    assert subject.sent == ["last"]
    assert subject.state.needs_person


def test_the_next_step_keeps_the_wait_it_had_when_the_case_was_opened() -> None:
    subject = handed_over()
    subject.pass_days(1)
    subject.hear(Decide(case_id="demo-L1-1-1", decision=CaseDecision.CONTINUE, by="agent-1"))
    subject.pass_days(30)
    due = subject.state.facts.moment(LATE + timedelta(days=60), subject.state.strategy.step("last").at)
    assert [at for at, _, _ in subject.contacts] == [due + timedelta(days=1)]


@pytest.mark.parametrize(
    ("decision", "end"),
    [
        (CaseDecision.CONTINUE, None),
        (CaseDecision.RECALL, LoanEnd.RECALLED),
        (CaseDecision.SELL, LoanEnd.SOLD),
        (CaseDecision.WRITE_OFF, LoanEnd.WRITTEN_OFF),
    ],
)
def test_what_a_person_decides_is_done(decision: CaseDecision, end: LoanEnd | None) -> None:
    subject = handed_over()
    refused = subject.hear(Decide(case_id="demo-L1-1-1", decision=decision, by="agent-1", note="spoke"))
    assert refused is None
    assert subject.state.end is end
    assert subject.state.cases == ()
    closed = next(entry for entry in subject.ledger if entry.entry == "case_closed")
    assert (closed.state, closed.decision, closed.by, closed.note) == ("decided", decision, "agent-1", "spoke")


def test_a_case_is_decided_once() -> None:
    subject = handed_over()
    order = Decide(case_id="demo-L1-1-1", decision=CaseDecision.CONTINUE, by="agent-1")
    assert subject.hear(order) is None
    assert subject.hear(order) == "no open case demo-L1-1-1"


def test_a_lapsed_case_can_still_be_decided() -> None:
    subject = handed_over()
    subject.pass_days(5)
    order = Decide(case_id="demo-L1-1-1", decision=CaseDecision.WRITE_OFF, by="agent-1")
    assert subject.hear(order) is None
    assert subject.state.end is LoanEnd.WRITTEN_OFF


def test_each_queue_gets_its_own_time_even_when_nobody_was_working() -> None:
    subject = handed_over()
    subject.now += timedelta(days=30)
    subject.run_until(subject.now)
    assert subject.state.cases[0].queue == "supervisors"
    assert subject.state.cases[0].sla_at == subject.now + timedelta(hours=24)


def test_a_case_goes_to_the_first_queue_when_its_own_is_not_there() -> None:
    plan = strategy(watch=None, queues={"agents": Queue(sla_hours=5)})
    subject = SimulatedLoan.entered(facts(due_date=LATE), plan, START)
    assert subject.state.cases[0].queue == "agents"


def test_case_numbers_never_repeat_over_a_second_hand_over() -> None:
    again = SimulatedLoan.entered(facts(due_date=LATE, entry=2), strategy(watch=None), START)
    assert again.state.cases[0].case_id == "demo-L1-2-1"


@pytest.mark.parametrize("asked", [PRESSED, WROTE], ids=["by keypad", "in writing"])
def test_who_asks_for_a_person_after_a_case_has_lapsed_is_heard_anew(asked: LoanEvent) -> None:
    """Given a case that nobody decided in time, when the borrower asks for a person, then the loan stands still again
    with a case that has its own time and notice, in which the old one goes on."""
    subject = handed_over()
    subject.pass_days(5)
    assert subject.state.hold is None

    subject.hear(asked)

    (case,) = subject.state.cases
    assert (case.case_id, case.queue, case.holds, case.lapsed) == ("demo-L1-1-2", "agents", True, False)
    assert case.sla_at == subject.now + timedelta(hours=48)
    opened = [entry for entry in subject.ledger if isinstance(entry, CaseOpenedEntry)][-1]
    assert opened.case_id == case.case_id
    assert opened.reason.endswith("; nobody decided demo-L1-1-1")
    closed = [entry for entry in subject.ledger if isinstance(entry, CaseClosedEntry)]
    assert [(entry.case_id, entry.note) for entry in closed] == [("demo-L1-1-1", "goes on as case demo-L1-1-2")]


def test_who_asks_for_a_person_while_a_case_waits_gets_no_second_one() -> None:
    subject = handed_over()

    subject.hear(PRESSED)
    subject.hear(WROTE)

    assert [case.case_id for case in subject.state.cases] == ["demo-L1-1-1"]


def test_a_payment_that_must_be_looked_at_after_such_a_case_has_lapsed_has_a_case_beside_it() -> None:
    """Given a question about one payment that nobody decided in time, when another payment raises one, then both wait:
    neither is about the other's money."""
    subject = SimulatedLoan.entered(facts(due_date=LATE, amount_due_minor=30_000), strategy(watch=None), START)
    for number in (1, 2):
        ahead = subject.now + timedelta(days=20)
        subject.hear(
            PaymentReceived(payment_id=f"p{number}", amount_minor=1_000, currency="EUR", paid_at=ahead, provider="bank")
        )
        subject.pass_days(5)

    queries = [case for case in subject.state.cases if case.kind == "payment_query"]
    assert [case.lapsed for case in queries] == [True, True]
    assert len({case.case_id for case in subject.state.cases}) == len(subject.state.cases)
