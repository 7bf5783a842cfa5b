"""Cases that wait for a person: the service level lapses, they move on, somebody decides."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.events.control import CaseDecision, Decide
from domain.ledger_entries import LoanEnd
from domain.strategy import Queue
from tests.domain.simulated_loan import SimulatedLoan, facts, strategy
from tests.domain.test_collection import START

LATE = date(2026, 1, 20)


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
