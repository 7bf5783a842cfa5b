"""`database catch-up` on campaigns and messages to segments: what was stopped after the backup stays stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from sqlmodel import select
from temporalio.api.history.v1 import HistoryEvent

from activities.campaign_orders import Instruction, InstructOrder, StateOrder
from activities.case_notices import CaseNotices
from activities.ledger import LedgerWriter
from activities.links import LinkIssuer
from activities.segment_orders import SendStateOrder
from commands.catch_up import CaughtUp, catch_up
from domain.loans import workflow_id
from records import audit, campaigns, loans, segment_sends
from records.database import Database
from records.tables import CampaignLoan, CampaignState, LoanState, SegmentSend, SegmentSendState
from tests.records.portfolios import LENDER, NOW, enter, entered, handed
from workflows.payload_json import compact_data_converter

LATER = NOW + timedelta(days=1)
UNTIL = LATER + timedelta(days=10)
PAUSE, RESUME, STOP = 1_800_000_001, 1_800_000_002, 1_800_000_003


@dataclass
class Run:
    """A run of a workflow and what its activities were ordered to do, by name."""

    id: str
    kind: str
    orders: Sequence[tuple[str, BaseModel]] = ()
    start_time: datetime = LATER
    run_id: str = "run"
    entry: int = 1

    async def memo_value(self, _key: str, _default: int, *, type_hint: type) -> int:
        return self.entry


class Temporal:
    data_converter = compact_data_converter

    def __init__(self, runs: Sequence[Run], unfinished: bool) -> None:
        self._runs, self._unfinished = runs, unfinished

    async def list_workflows(self, query: str) -> AsyncIterator[Run]:
        for run in self._runs:
            if f'"{run.kind}"' in query:
                yield run

    def get_workflow_handle(self, id: str, *, run_id: str) -> Any:
        (run,) = [one for one in self._runs if (one.id, one.run_id) == (id, run_id)]

        async def history() -> AsyncIterator[HistoryEvent]:
            for number, (name, order) in enumerate(run.orders):
                begun, done = HistoryEvent(event_id=10 * number + 5), HistoryEvent(event_id=10 * number + 7)
                asked = begun.activity_task_scheduled_event_attributes
                asked.activity_type.name = name
                asked.input.payloads.extend(await self.data_converter.encode([order]))
                done.activity_task_completed_event_attributes.scheduled_event_id = begun.event_id
                done.event_time.FromDatetime(run.start_time + timedelta(minutes=number))
                yield begun
                if not self._unfinished:
                    yield done

        return SimpleNamespace(fetch_history_events=history)


async def caught_up(database: Database, *runs: Run, unfinished: bool = False) -> CaughtUp:
    temporal: Any = Temporal(runs, unfinished)
    quiet = LedgerWriter(database, LinkIssuer(database, None), CaseNotices(None, httpx.AsyncClient()))
    return await catch_up(temporal, database, quiet)


def campaign(*told: tuple[str, int | None], run_id: str = "run", at: datetime = LATER) -> Run:
    """A campaign that told the records where it stands, each time by an order of this number."""
    orders: list[tuple[str, BaseModel]] = []
    for state, number in told:
        until = UNTIL if state == "paused" else None
        orders.append(
            ("set_campaign_state", StateOrder(campaign_id="c1", state=state, number=number, until=until)),
        )
        instruction = InstructOrder(campaign_id="c1", number=number or 1, instruction=Instruction.CLOSE)
        orders.append(("instruct_loans", instruction))
    return Run("campaign-c1", "Campaign", orders, at, run_id)


def running(loan_id: str, entry: int = 1) -> Run:
    return Run(workflow_id(LENDER, loan_id), "LoanCollection", entry=entry)


def state(database: Database) -> CampaignState:
    with database.reading() as session:
        return campaigns.get(session, "c1").state


def trail(database: Database) -> list[tuple[str, int]]:
    """The pauses and stops in the audit trail, in its order."""
    with database.reading() as session:
        lines = [
            *audit.of_action(session, "campaign_paused"),
            *audit.of_action(session, "campaign_stopped"),
        ]
        return [(line.action, line.details["order"]) for line in sorted(lines, key=lambda one: one.id or 0)]


async def test_a_stop_after_the_backup_stands_again_and_what_waits_is_not_started(database: Database) -> None:
    """Given a campaign with one loan that had been started and one that waited, when it was stopped, then both know."""
    with database.writing() as session:
        enter(session, [handed("L1"), handed("L2")])

    done = await caught_up(database, running("L1"), campaign(("stopped", STOP)))

    assert (done.campaigns, done.started) == (("c1",), 1)
    assert state(database) is CampaignState.STOPPED
    with database.reading() as session:
        assert campaigns.claim_page(session, "c1") == []
        how_far = campaigns.progress(session, "c1")
        assert (how_far.started, how_far.stopped, how_far.waiting) == (1, 1, 0)
        assert not loans.is_held(session, loans.get(session, LENDER, "L2")), "another campaign may take it"


@pytest.mark.parametrize(
    ("told", "stands"),
    [
        ([("paused", PAUSE)], CampaignState.PAUSED),
        ([("paused", PAUSE), ("running", RESUME)], CampaignState.RUNNING),
        ([("paused", PAUSE), ("running", RESUME), ("stopped", STOP)], CampaignState.STOPPED),
        ([("finished", None)], CampaignState.FINISHED),
    ],
)
async def test_caught_up_twice_a_campaign_stands_where_it_did_and_nothing_is_noted_twice(
    database: Database, told: list[tuple[str, int | None]], stands: CampaignState
) -> None:
    with database.writing() as session:
        entered(session, "L1")

    await caught_up(database, campaign(*told))
    once = trail(database)
    again = await caught_up(database, campaign(*told))

    assert state(database) is stands
    assert again.campaigns == ()
    assert trail(database) == once
    assert once == [(f"campaign_{name}", number) for name, number in told if name in ("paused", "stopped")]
    if stands is CampaignState.PAUSED:
        with database.reading() as session:
            assert campaigns.paused_until(session, campaigns.get(session, "c1")) == UNTIL


async def test_a_campaign_resumed_after_the_backup_goes_on(database: Database) -> None:
    """Given a backup of a paused campaign, when it had been resumed since, then the records know."""
    with database.writing() as session:
        entered(session, "L1")
        found = campaigns.get(session, "c1")
        campaigns.set_state(session, found, CampaignState.PAUSED, at=NOW, order=PAUSE, until=UNTIL)

    await caught_up(database, campaign(("paused", PAUSE), ("running", RESUME)))

    assert state(database) is CampaignState.RUNNING
    assert trail(database) == [("campaign_paused", PAUSE)]


async def test_runs_of_a_campaign_are_heard_in_their_order(database: Database) -> None:
    """Given a run that went on as another, when the second was stopped, then the first one's pause is not the last."""
    with database.writing() as session:
        entered(session, "L1")
    second = campaign(("stopped", STOP), run_id="second", at=LATER + timedelta(hours=1))

    await caught_up(database, second, campaign(("paused", PAUSE)))

    assert state(database) is CampaignState.STOPPED


async def test_an_order_that_did_not_reach_the_records_is_left_to_the_workflow(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")

    done = await caught_up(database, campaign(("stopped", STOP)), unfinished=True)

    assert (done.campaigns, state(database)) == ((), CampaignState.RUNNING)


async def test_a_campaign_that_the_records_do_not_know_is_passed_over(database: Database) -> None:
    assert (await caught_up(database, campaign(("stopped", STOP)))).campaigns == ()


async def test_a_loan_that_came_back_after_the_stop_is_still_told_from_one_that_the_stop_left(
    database: Database,
) -> None:
    """Given a stop that the backup knows and a payment taken back since, then the stop does not become the later."""
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.STOPPED, at=NOW, order=STOP)
        audit.append(session, at=NOW, actor="loan workflow", action="reopened", lender=LENDER, loan_id="L1")

    await caught_up(database, running("L1"), campaign(("paused", PAUSE), ("stopped", STOP)))

    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        assert campaigns.came_back_since_stop(session, campaigns.get(session, "c1"), loan)


async def test_a_loan_that_runs_in_its_present_hand_over_is_started_by_the_records_too(database: Database) -> None:
    """Given loans that wait by the records, when one runs and one only ran before its last end, then one is started."""
    with database.writing() as session:
        entered(session, "L2")
        loans.end(session, loans.get(session, LENDER, "L2"), kind="not_cured", at=NOW, final_state={})
        enter(session, [handed("L1"), handed("L2"), handed("L3")], campaign_id="c2")

    done = await caught_up(database, running("L1"), running("L2", entry=1))

    assert done.started == 1
    with database.reading() as session:
        states = {name: loans.get(session, LENDER, name).state for name in ("L1", "L2", "L3")}
        places = session.exec(select(CampaignLoan).where(CampaignLoan.campaign_id == "c2")).all()
        assert states == {"L1": LoanState.IN_COLLECTION, "L2": LoanState.WAITING, "L3": LoanState.WAITING}
        assert [place.started_at for place in places if place.started_at is not None] == [LATER]


@pytest.mark.parametrize("ended", ["stopped", "finished"])
async def test_a_message_to_a_segment_that_ended_after_the_backup_has_ended(database: Database, ended: str) -> None:
    """Given one stopped and one that the records do not know, then the first stands again, and nothing fails."""
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        send = SegmentSend(
            id="s1",
            lender=LENDER,
            template="help_offer",
            channels=["sms"],
            condition="dpd > 0",
            until=UNTIL,
            rate_per_second=20,
            created_at=NOW,
        )
        assert loan.id is not None
        segment_sends.create(session, send, [(loan.id, 1)])
    runs = [
        Run(f"send-{name}", "SegmentSend", [("set_send_state", SendStateOrder(send_id=name, state=ended))])
        for name in ("s1", "unknown")
    ]

    once, again = await caught_up(database, *runs), await caught_up(database, *runs)

    assert (once.sends, again.sends) == (("s1",), ())
    with database.reading() as session:
        assert segment_sends.get(session, "s1").state is SegmentSendState(ended)
