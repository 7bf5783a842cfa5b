"""What `doctor --mend` starts again after Temporal's store was lost, and which loans it leaves to a person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import Session
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from commands import doctor_agreement
from commands.campaign_control import note_rate
from commands.doctor_agreement import look_at_campaigns, look_at_loans
from commands.doctor_restarts import restart_campaigns, restart_loans
from domain.actions import Wait
from domain.agreements.model import Agreement, AgreementKind, AgreementState, Instalment, Via
from domain.collection import apply
from domain.contact import Channel, Purpose
from domain.conversation.model import REPLY
from domain.direct_debit import DebitState
from domain.entering import enter
from domain.events.control import Pause, Resume
from domain.events.loan_event import LoanEvent
from domain.ledger_entries import NoteEntry
from domain.planning import plan
from records import agreements, audit, campaigns, cases, contacts, debits, facts, loans, payments
from records.database import Database
from records.tables import CampaignState, CaseState, Loan, Payment, PaymentSource
from tests.commands.test_debit import released
from tests.records.portfolios import LENDER, NOW, entered, handed, handed_over_again
from tests.records.portfolios import enter as hand_over
from workflows.messages import LoanInput


class Empty:
    """Temporal with nothing in it: it takes down what is started."""

    namespace = "collections"
    service_client = SimpleNamespace(config=SimpleNamespace(target_host="temporal:7233"))

    def __init__(self) -> None:
        self.started: list[Any] = []

    async def start_workflow(self, _run: object, given: Any, **_more: object) -> None:
        self.started.append(given)

    def get_workflow_handle(self, _id: str) -> Any:
        async def describe() -> None:
            raise RPCError("not found", RPCStatusCode.NOT_FOUND, b"")

        return SimpleNamespace(describe=describe)

    async def list_workflows(self, _query: str) -> AsyncIterator[Any]:
        return
        yield

    @property
    def loans(self) -> dict[str, LoanInput]:
        return {each.facts.loan_id: each for each in self.started}


async def mended(database: Database, *loan_ids: str) -> tuple[Any, str]:
    temporal: Any = Empty()
    return temporal, await restart_loans(temporal, database, "queue", [(LENDER, loan_id) for loan_id in loan_ids])


def agreed(session: Session, loan: Loan, number: int, state: AgreementState, at: datetime = NOW) -> None:
    due = at.date() + timedelta(days=7)
    agreement = Agreement(
        number=number,
        kind=AgreementKind.PROMISE,
        state=state,
        made_at=at,
        by="agent-7",
        via=Via.AGENT,
        instalments=(Instalment(number=1, due=due, amount_minor=5_000),),
        balance_minor=10_000,
    )
    agreements.keep(session, loan, agreement, [0], of_entry=loan.entry, at=at)


def open_case(session: Session, loan: Loan, number: int, kind: str = "handoff") -> str:
    case_id = f"{loan.lender}-{loan.loan_id}-{loan.entry}-{number}"
    cases.open(session, loan, case_id=case_id, queue="agents", kind=kind, at=NOW, sla_at=None)
    return case_id


def answered(session: Session, loan_id: str, occurrence: int) -> None:
    loan, person = contacts.lock_person(session, LENDER, loan_id)
    contacts.reserve(
        session,
        loan,
        person,
        step=REPLY,
        occurrence=occurrence,
        purpose=Purpose.REPLY,
        channel=Channel.SMS,
        template="reply_person",
        at=NOW,
    )


def paid(session: Session, loan_id: str, payment_id: str, minor: int) -> Payment:
    return payments.record(
        session,
        provider="bank",
        payment_id=payment_id,
        lender=LENDER,
        loan_id=loan_id,
        amount_minor=minor,
        currency="EUR",
        paid_at=NOW,
        received_at=NOW,
        source=PaymentSource.RECORD,
    ).payment


async def test_a_loan_that_goes_on_uses_no_number_of_its_lost_workflow_again(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        agreed(session, loan, 2, AgreementState.BROKEN)
        cases.close(session, open_case(session, loan, 3), CaseState.CLOSED, at=NOW)
        answered(session, "L1", 4)
        loans.once(session, loan, "entry:1:11", NOW)

    temporal, _ = await mended(database, "L1")

    state = temporal.loans["L1"].state
    assert state is not None
    assert state.entries_written == 12
    assert state.case_count == 3
    assert state.next_agreement_number == 3
    assert state.broken_promises == 1
    assert state.conversation is not None
    assert state.conversation.answers == 4


async def test_it_is_told_what_was_given_back_after_all_payments(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        first = paid(session, "L1", "p1", 9_000)
        paid(session, "L1", "p2", 500)
        first.refunded_minor = 400
        session.add(first)

    temporal, _ = await mended(database, "L1")

    told = temporal.loans["L1"].signals
    assert [each.name for each in told] == ["payment_received", "payment_received", "payment_refunded"]
    assert told[-1].payload["refunded_minor"] == 400


@pytest.mark.parametrize("state", [AgreementState.OPEN, AgreementState.PROPOSED])
async def test_a_loan_on_which_something_is_agreed_is_left_to_a_person(
    database: Database, state: AgreementState
) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        agreed(session, loan, 1, state)

    temporal, told = await mended(database, "L1")

    assert temporal.started == []
    assert "L1" in told
    assert "starter.py loan close LOAN --reason recalled --lost" in told


async def test_a_loan_with_an_open_case_is_left_to_a_person_but_not_for_one_of_an_earlier_hand_over(
    database: Database,
) -> None:
    with database.writing() as session:
        held, earlier = entered(session, "L1", "L2")
        open_case(session, held, 1)
        open_case(session, earlier, 1, "refund")
        handed_over_again(session, "L2")

    temporal, told = await mended(database, "L1", "L2")

    assert list(temporal.loans) == ["L2"]
    assert "starter.py case decide CASE --decision continue --by YOU --lost" in told


async def test_each_pause_of_a_loan_stays_its_own_and_one_that_was_ended_does_not_come_back(
    database: Database,
) -> None:
    """Given what loans noted themselves of their pauses, when Temporal is lost, then they are paused as they were."""
    now = datetime.now(UTC)
    own, of_campaign = now + timedelta(days=20), now + timedelta(days=5)
    by_itself = Pause(until=own)
    by_campaign = Pause(until=of_campaign, of_campaign=True)
    goes_on = Resume(of_campaign=True)
    with database.writing() as session:
        entered(session, "L1", "L2", "L3", "L4")
        hear(session, "L1", by_itself)
        hear(session, "L2", by_itself, Resume())
        hear(session, "L3", by_itself, by_campaign, goes_on)
        hear(session, "L4", by_campaign, goes_on, by_itself, by_campaign)
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.PAUSED, at=NOW)

    temporal, _ = await mended(database, "L1", "L2", "L3", "L4")

    states = {loan_id: given.state for loan_id, given in temporal.loans.items() if given.state is not None}
    assert {loan_id: state.own_pause_until for loan_id, state in states.items()} == {
        "L1": own,
        "L2": None,
        "L3": own,
        "L4": own,
    }
    for state in states.values():
        gone_on, refused = apply(state, goes_on, now)
        assert refused is None
        assert gone_on.paused_until == state.own_pause_until


async def test_a_pause_of_a_campaign_that_went_on_does_not_keep_its_loans_for_ever(database: Database) -> None:
    """Given a campaign that was told to go on, when Temporal is lost before a loan heard of it, then it goes on."""
    with database.writing() as session:
        entered(session, "L1")
        hear(session, "L1", Pause(until=NOW + timedelta(days=3000), of_campaign=True))

    temporal, _ = await mended(database, "L1")

    state = temporal.loans["L1"].state
    assert state is not None
    assert state.paused_until is None


async def test_a_loan_that_cannot_be_read_holds_up_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_entered = facts.as_entered

    def unreadable(session: Session, lender: str, loan_id: str, on: datetime) -> Any:
        if loan_id == "L1":
            raise ValueError("no such moment")
        return as_entered(session, lender, loan_id, on)

    monkeypatch.setattr(facts, "as_entered", unreadable)
    with database.writing() as session:
        entered(session, "L1", "L2")

    temporal, told = await mended(database, "L1", "L2")

    assert list(temporal.loans) == ["L2"]
    assert "starter.py audit list --loan LOAN: L1" in told


def hear(session: Session, loan_id: str, *events: LoanEvent) -> None:
    """The loan hears of these, and its notes stand in the records."""
    entered_as = facts.as_entered(session, LENDER, loan_id, NOW)
    state = enter(entered_as.facts, entered_as.strategy, NOW)
    for event in events:
        state, refused = apply(state, event, NOW)
        assert refused is None
    for entry in state.outbox:
        assert isinstance(entry, NoteEntry)
        noted(session, loan_id, entry.action, entry.detail)


def noted(session: Session, loan_id: str, action: str, detail: str) -> None:
    audit.append(
        session,
        at=NOW,
        actor="loan workflow",
        action=action,
        lender=LENDER,
        loan_id=loan_id,
        details={"detail": detail},
    )


async def test_nobody_of_a_paused_campaign_is_contacted_and_one_command_lets_them_go_on(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.PAUSED, at=NOW)

    temporal, told = await mended(database, "L1")

    state, now = temporal.loans["L1"].state, datetime.now(UTC)
    assert state is not None
    waits = plan(state, now)[1]
    assert isinstance(waits, Wait)
    assert waits.until is None or waits.until > now + timedelta(days=300)
    assert "starter.py campaign resume c1" in told


async def test_a_lost_loan_waits_no_longer_than_the_pause_of_its_campaign_lasts(database: Database) -> None:
    """Given two campaigns called paused, of one of which the pause is over, then its loan goes on, the other waits."""
    now = datetime.now(UTC)
    over, lasts = now - timedelta(days=1), now + timedelta(days=20)
    with database.writing() as session:
        entered(session, "L1")
        hand_over(session, [handed("L2")], campaign_id="c2")
        loans.begin(session, loans.get(session, LENDER, "L2"))
        for campaign_id, until in (("c1", over), ("c2", lasts)):
            campaign = campaigns.get(session, campaign_id)
            campaigns.set_state(session, campaign, CampaignState.PAUSED, at=NOW, until=until)

    temporal, told = await mended(database, "L1", "L2")

    paused = {loan_id: given.state and given.state.paused_until for loan_id, given in temporal.loans.items()}
    assert paused == {"L1": None, "L2": lasts}
    assert "1 of them are paused, as their campaign is: starter.py campaign resume c2" in told


async def test_loans_of_a_stopped_campaign_are_not_started_and_found(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.STOPPED, at=NOW)

    temporal, told = await mended(database, "L1")
    found = await look_at_campaigns(temporal, database, lambda _lost: never)

    assert temporal.started == []
    assert "their campaign was stopped" in told
    assert [(each.check, each.subjects) for each in found] == [("campaigns_half_stopped", ("L1",))]


@pytest.mark.parametrize(
    ("under_way", "found_then"),
    [(["await_ends", "instruct_loans"], ()), (["await_ends"], ("L1",))],
    ids=["being told", "all were told"],
)
async def test_a_loan_that_a_stop_did_not_reach_is_found_while_its_campaign_waits_for_it(
    database: Database, under_way: list[str], found_then: tuple[str, ...]
) -> None:
    """Given a stopped campaign that still runs, when all its loans were told, then those in collection are named."""
    with database.writing() as session:
        entered(session, "L1")
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.STOPPED, at=NOW)
    temporal: Any = Empty()
    raw = DescribeWorkflowExecutionResponse()
    for name in under_way:
        raw.pending_activities.add().activity_type.name = name

    async def describe() -> Any:
        return SimpleNamespace(status=WorkflowExecutionStatus.RUNNING, raw_description=raw)

    temporal.get_workflow_handle = lambda _id: SimpleNamespace(describe=describe)

    found = await look_at_campaigns(temporal, database, lambda _lost: never)

    assert tuple(subject for each in found for subject in each.subjects) == found_then


async def test_a_loan_that_came_back_after_its_campaign_was_stopped_is_collected_and_not_called_left_over(
    database: Database,
) -> None:
    """Given a loan that was paid, and its campaign stopped, when the payment is taken back, then it is not lost."""
    with database.writing() as session:
        entered(session, "L1", "L2")
        noted(session, "L2", "reopened", "a payment was reversed")
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.STOPPED, at=NOW)
    with database.writing() as session:
        noted(session, "L1", "reopened", "a payment was reversed")

    temporal, told = await mended(database, "L1", "L2")
    found = await look_at_campaigns(temporal, database, lambda _lost: never)

    assert list(temporal.loans) == ["L1"]
    assert "their campaign was stopped" in told
    assert [(each.check, each.subjects) for each in found] == [("campaigns_half_stopped", ("L2",))]


async def test_a_debit_is_not_collected_from_a_loan_that_starts_paused(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        released(session, loan)
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.PAUSED, at=NOW)

    temporal, _ = await mended(database, "L1")

    assert list(temporal.loans) == ["L1"]
    with database.reading() as session:
        assert debits.lenders_with_released(session) == []


async def test_nobody_is_asked_for_money_that_a_debit_is_collecting(database: Database) -> None:
    """Given loans whose debit goes to the bank next, is there, or was never heard of; then only the last goes on."""
    today = datetime.now(UTC).date()
    with database.writing() as session:
        let_go, filed, unheard = entered(session, "L1", "L2", "L3")
        for loan, collect_on in ((let_go, None), (filed, today), (unheard, today - timedelta(days=60))):
            released(session, loan)
            if collect_on is not None:
                [debit] = debits.of_loan(session, loan)
                debit.collect_on = collect_on
                debits.set_state(session, debit, DebitState.FILED, at=NOW)

    temporal, told = await mended(database, "L1", "L2", "L3")

    assert list(temporal.loans) == ["L3"]
    assert "a direct debit of theirs is with the bank" in told
    assert told.endswith("L1, L2")
    with database.reading() as session:
        assert debits.lenders_with_released(session) == [LENDER]


async def test_a_loan_that_has_ended_since_it_was_found_is_not_started(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        loans.end(session, loan, kind="cured", at=NOW, final_state={})

    temporal, _ = await mended(database, "L1")

    assert temporal.started == []


async def test_lost_loans_beyond_those_looked_at_are_counted_in_the_finding(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_agreement, "_MOST_DESCRIBED", 2)
    with database.writing() as session:
        entered(session, "L1", "L2", "L3", "L4", "L5")

    temporal: Any = Empty()
    (found,) = await look_at_loans(temporal, database, datetime.now(UTC), lambda _lost: never)

    assert found.count == 2
    assert "3 more do not run and were not looked at" in found.what


async def test_lost_loans_that_are_left_to_a_person_do_not_keep_others_from_being_started(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_agreement, "_MOST_DESCRIBED", 2)
    with database.writing() as session:
        first, second, _, _ = entered(session, "L1", "L2", "L3", "L4")
        open_case(session, first, 1)
        agreed(session, second, 1, AgreementState.OPEN)

    temporal: Any = Empty()
    (found,) = await look_at_loans(temporal, database, datetime.now(UTC), lambda _lost: never)

    assert found.subjects == (f"loan-{LENDER}-L3", f"loan-{LENDER}-L4")


async def test_closed_loans_do_not_keep_lost_ones_from_being_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given more loans than are looked at whose workflow is closed, when one behind them is lost, then it is found."""
    monkeypatch.setattr(doctor_agreement, "_MOST_DESCRIBED", 2)
    with database.writing() as session:
        entered(session, "L1", "L2", "L3", "L4")

    async def status(_client: object, id: str) -> WorkflowExecutionStatus | None:
        return None if id.endswith("L4") else WorkflowExecutionStatus.TERMINATED

    monkeypatch.setattr(doctor_agreement, "_status", status)
    temporal: Any = Empty()
    lost, closed = await look_at_loans(temporal, database, datetime.now(UTC), lambda _lost: never)

    assert lost.subjects == (f"loan-{LENDER}-L4",)
    assert (lost.check, closed.count) == ("loans_without_workflow", 3)
    assert "temporal:7233 (namespace collections)" in lost.what


async def never() -> str:
    raise AssertionError("nothing is mended here")


async def test_a_campaign_goes_on_at_the_rate_it_was_started_with(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
    note_rate(database, "c1", LENDER, 0.5)

    temporal: Any = Empty()
    told = await restart_campaigns(temporal, database, "queue", ["c1"])

    (given,) = temporal.started
    assert given.rate_per_second == 0.5
    assert told == "1 campaigns go on"


@pytest.mark.parametrize(
    ("last", "found_then"),
    [
        (WorkflowExecutionStatus.COMPLETED, "campaigns_ended_in_temporal"),
        (WorkflowExecutionStatus.TERMINATED, "campaigns_not_running"),
        (WorkflowExecutionStatus.FAILED, "campaigns_not_running"),
        (None, "campaigns_not_running"),
    ],
)
async def test_a_campaign_that_came_to_its_end_is_left_to_a_person_and_a_lost_one_is_mended(
    database: Database, last: WorkflowExecutionStatus | None, found_then: str
) -> None:
    """Given records that have it running, when its workflow has ended, then it is mended unless it did so by itself."""
    with database.writing() as session:
        entered(session, "L1")
    temporal: Any = Empty()

    async def describe() -> Any:
        return SimpleNamespace(status=last)

    if last is not None:
        temporal.get_workflow_handle = lambda _id: SimpleNamespace(describe=describe)

    (found,) = await look_at_campaigns(temporal, database, lambda _lost: never)

    assert (found.check, found.subjects) == (found_then, ("c1",))
    assert (found.mend is None) == (last is WorkflowExecutionStatus.COMPLETED)


async def test_a_campaign_that_came_to_its_end_since_it_was_found_is_not_started(database: Database) -> None:
    """Given one stopped in Temporal alone, when it is to be mended, then Temporal refuses and it is named."""
    with database.writing() as session:
        entered(session, "L1")
    temporal: Any = Empty()
    asked: list[WorkflowIDReusePolicy] = []

    async def ended(_run: object, given: Any, *, id_reuse_policy: WorkflowIDReusePolicy, **more: Any) -> None:
        asked.append(id_reuse_policy)
        raise WorkflowAlreadyStartedError(more["id"], "Campaign")

    temporal.start_workflow = ended
    told = await restart_campaigns(temporal, database, "queue", ["c1"])

    assert asked == [WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY]
    assert "0 campaigns go on; not started" in told
    assert told.endswith(": c1")
    with database.reading() as session:
        assert audit.of_action(session, "campaign_restarted") == []


async def test_a_campaign_that_was_stopped_since_it_was_found_is_not_started(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.STOPPED, at=NOW)

    temporal: Any = Empty()
    told = await restart_campaigns(temporal, database, "queue", ["c1"])

    assert temporal.started == []
    assert told == "0 campaigns go on"


async def test_a_campaign_whose_start_fails_is_not_noted_as_started_again(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")

    temporal: Any = Empty()

    async def away(*_given: object, **_more: object) -> None:
        raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")

    temporal.start_workflow = away
    with pytest.raises(RPCError):
        await restart_campaigns(temporal, database, "queue", ["c1"])

    with database.reading() as session:
        assert audit.of_action(session, "campaign_restarted") == []
