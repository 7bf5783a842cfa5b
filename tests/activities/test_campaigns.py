from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text
from temporalio.client import Client
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.campaign_orders import Instruction, InstructOrder, LoanStart, StartOrder, StartReport, StateOrder
from activities.campaigns import CampaignRunner, LoanControl
from domain.events.control import CloseReason
from domain.loans import workflow_id
from domain.strategy import Strategy
from records import audit, campaigns, cases, loans, strategies
from records.database import Database
from records.facts import LoanAsEntered
from records.tables import CampaignState, LoanState
from tests.activities.outside import TUESDAY, environment, loan_row, pay
from tests.activities.servers import temporal_server
from tests.records.portfolios import LENDER, STRATEGY, enter, handed
from tests.workflows.skipping import World as FakeWorld
from workflows.loan import LoanCollection
from workflows.loan_control import TemporalLoans
from workflows.payload_json import compact_data_converter
from workflows.runner import workflow_runner


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with temporal_server() as address:
        yield address


@pytest.fixture
async def client(server: str) -> AsyncIterator[Client]:
    for _ in range(100):
        try:
            yield await Client.connect(server, data_converter=compact_data_converter)
            return
        except (RuntimeError, RPCError):
            await asyncio.sleep(0.1)
    raise AssertionError("the server does not answer")


@dataclass
class Control:
    """Loans that can be told things; `before` may break a start, `after` break it once it happened."""

    real: LoanControl | None = None
    started: list[str] = field(default_factory=list)
    reported: dict[str, tuple[str, ...]] = field(default_factory=dict)
    begun: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    after: Callable[[int], None] = lambda number: None
    answers: dict[str, str] = field(default_factory=dict)
    hangs: set[str] = field(default_factory=set)
    takes: float = 0

    async def start(self, loan: LoanAsEntered, begin_at: datetime) -> LoanStart:
        self.begun.append(time.monotonic())
        number = len(self.begun)
        await asyncio.sleep(self.takes)
        answer = await self.real.start(loan, begin_at) if self.real else LoanStart.STARTED
        if answer is LoanStart.STARTED:
            self.started.append(loan.facts.loan_id)
            self.reported[loan.facts.loan_id] = loan.told
        self.after(number)
        return answer

    async def instruct(self, lender: str, loan_id: str, order: InstructOrder) -> str | None:
        if loan_id in self.hangs:
            await asyncio.sleep(3600)
        self.told.append(loan_id)
        self.after(len(self.told))
        return self.answers.get(loan_id)

    async def migrate(self, lender: str, loan_id: str, strategy: Strategy) -> str | None:
        self.moved.append((loan_id, strategy.key))
        if self.real:
            return await self.real.migrate(lender, loan_id, strategy)
        return self.answers.get(loan_id)


def entered(database: Database, count: int, prefix: str = "C", **changes: Any) -> list[str]:
    """A campaign of waiting loans, of which later ones are of higher priority."""
    ids = [f"{prefix}{number:04d}" for number in range(1, count + 1)]
    with database.writing() as session:
        enter(session, [handed(one, priority=number, **changes) for number, one in enumerate(ids)])
    return ids


def all_of(order: Instruction = Instruction.PAUSE, **more: Any) -> InstructOrder:
    return InstructOrder(campaign_id="c1", number=1, instruction=order, **more)


async def start(database: Database, control: LoanControl, **order: Any) -> StartReport:
    given = {"campaign_id": "c1", "page": 5000, "rate_per_second": 10_000, **order}
    return await environment(TUESDAY).run(CampaignRunner(database, control).start_loans, StartOrder(**given))


def progress(database: Database) -> campaigns.Progress:
    with database.reading() as session:
        return campaigns.progress(session, "c1")


def dies_at(*numbers: int) -> Callable[[int], None]:
    def after(number: int) -> None:
        if number in numbers:
            raise RuntimeError("died")

    return after


async def test_two_hundred_loans_are_started_once_each_although_it_dies_again_and_again(
    database: Database, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dies with a loan just started, and with a whole batch started that the records know nothing of."""
    lender_wide = uuid4().hex[:6]
    ids = entered(database, 200, prefix=f"K{lender_wide}-")
    queue = f"q-{lender_wide}"
    control = Control(real=TemporalLoans(client, queue), after=dies_at(7, 133))
    mark, marks = CampaignRunner._mark, iter(range(1, 100))

    def dies_before_the_third(self: CampaignRunner, campaign_id: str, positions: Sequence[int]) -> None:
        if next(marks) == 3:
            raise RuntimeError("died")
        mark(self, campaign_id, positions)

    monkeypatch.setattr(CampaignRunner, "_mark", dies_before_the_third)

    attempts = 0
    while True:
        attempts += 1
        try:
            report = await start(database, control)
            break
        except RuntimeError:
            assert attempts < 6

    assert 1 < attempts <= 4
    assert Counter(control.started) == Counter(ids)
    assert progress(database).started == 200
    assert (report.refused, report.waiting) == (0, 0)
    found: list[str] = []
    for _ in range(100):
        found = [one.id async for one in client.list_workflows(f'TaskQueue = "{queue}"')]
        if len(found) >= 200:
            break
        await asyncio.sleep(0.05)
    assert sorted(found) == sorted(workflow_id(LENDER, one) for one in ids)


async def test_the_most_urgent_are_started_first_and_a_page_holds_no_more_than_it_may(lite: Database) -> None:
    ids = entered(lite, 60)
    control = Control()

    first = await start(lite, control, page=30)
    rest = await start(lite, control)

    assert (first.started, first.waiting) == (30, 30)
    assert (rest.started, rest.waiting) == (30, 0)
    assert set(control.started[:30]) == set(ids[30:])


@pytest.mark.parametrize(("rate", "count"), [(40.0, 60), (4.0, 6), (0.5, 1)])
async def test_no_more_start_in_a_second_than_the_rate_allows(lite: Database, rate: float, count: int) -> None:
    entered(lite, count)
    control = Control()

    begun = time.monotonic()
    await start(lite, control, rate_per_second=rate)

    assert time.monotonic() - begun >= count / rate - 0.05
    for moment in control.begun:
        assert sum(1 for other in control.begun if moment <= other < moment + 0.95) <= max(rate, 1) + min(rate, 25)


async def test_a_loan_is_told_of_the_payments_that_came_before_it_was_started(lite: Database, client: Client) -> None:
    [loan_id] = entered(lite, 1, prefix=f"P{uuid4().hex[:6]}-")
    pay(lite, loan_id, 2_500, "pi_early")
    begin = datetime.now(UTC) + timedelta(days=3)

    await start(lite, TemporalLoans(client, "nobody"), begin_at=begin)

    history = await client.get_workflow_handle(workflow_id(LENDER, loan_id)).fetch_history()
    given = json.loads(history.events[0].workflow_execution_started_event_attributes.input.payloads[0].data)
    [signal] = given["signals"]
    assert signal["name"] == "payment_received"
    assert (signal["payload"]["payment_id"], signal["payload"]["amount_minor"]) == ("pi_early", 2_500)
    assert datetime.fromisoformat(given["not_before"]) == begin
    assert "Ana" not in str(given)
    assert "@" not in str(given)


async def test_one_loan_that_cannot_be_started_stops_no_other(lite: Database) -> None:
    ids = entered(lite, 10)
    with lite.writing() as session:
        session.execute(text("UPDATE person SET timezone = 'Mars/Base' WHERE person_id = :one"), {"one": f"p-{ids[3]}"})
        loans.end(session, loan_row(session, ids[4]), kind="recalled", at=TUESDAY, final_state=None)
        session.execute(text("UPDATE campaign_loan SET released_at = NULL"))
        session.commit()
    control = Control()

    report = await start(lite, control)

    assert (report.started, report.refused, report.waiting) == (8, 2, 0)
    assert {ids[3], ids[4]}.isdisjoint(control.started)
    with lite.reading() as session:
        reasons = session.execute(text("SELECT refused FROM campaign_loan WHERE refused IS NOT NULL")).scalars().all()
    assert sorted(reasons)[0] == "it ended before it was started"
    assert "timezone" in sorted(reasons)[1]
    assert "Mars" not in str(reasons)


async def test_a_server_that_is_down_is_no_reason_to_refuse_a_loan(lite: Database) -> None:
    entered(lite, 5)

    def down(number: int) -> None:
        if number == 3:
            raise RPCError("down", 14, b"")  # type: ignore[arg-type]

    with pytest.raises(RPCError):
        await start(lite, Control(after=down))
    between = progress(lite)
    again = Control()
    report = await start(lite, again)

    assert (between.started, between.waiting, between.refused) == (4, 1, 0)
    assert report.started == len(again.started) == 1


async def test_an_instruction_in_the_middle_leaves_no_loan_started_but_unmarked(lite: Database) -> None:
    entered(lite, 100)
    control = Control(takes=0.1)
    env = environment(TUESDAY)
    order = StartOrder(campaign_id="c1", page=5000, rate_per_second=1000)
    working = asyncio.ensure_future(env.run(CampaignRunner(lite, control).start_loans, order))
    while not control.begun:
        await asyncio.sleep(0.01)

    env.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert 0 < progress(lite).started == len(control.started) < 100


async def test_loans_a_crash_left_unmarked_hear_the_stop_too(lite: Database) -> None:
    entered(lite, 40)
    dying = Control(after=dies_at(*range(26, 41)))
    with pytest.raises(RuntimeError):
        await start(lite, dying)
    assert progress(lite).started == 25
    runner, control = CampaignRunner(lite, Control()), Control()
    await environment(TUESDAY).run(runner.set_state, StateOrder(campaign_id="c1", state="stopped"))

    order = all_of(Instruction.CLOSE, reason=CloseReason.RECALLED)
    report = await environment(TUESDAY).run(CampaignRunner(lite, control).instruct_loans, order)

    assert set(dying.started) <= set(control.told)
    assert (report.done, report.refused) == (40, 0)
    with lite.reading() as session:
        assert campaigns.get(session, "c1").state is CampaignState.STOPPED


async def test_loans_of_several_batches_that_a_crash_left_unmarked_hear_the_stop(
    lite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given batches that were started one after the other and not marked; then all of them are told, and few others."""
    ids = entered(lite, 120)

    def breaks(self: CampaignRunner, campaign_id: str, positions: Sequence[int]) -> None:
        raise RuntimeError("the records are away")

    with monkeypatch.context() as broken:
        broken.setattr(CampaignRunner, "_mark", breaks)
        died = Control()
        with pytest.raises(RuntimeError):
            await start(lite, died)
    assert progress(lite).started == 0
    runner, control = CampaignRunner(lite, Control()), Control()

    await environment(TUESDAY).run(runner.set_state, StateOrder(campaign_id="c1", state="stopped"))
    order = all_of(Instruction.CLOSE, reason=CloseReason.RECALLED)
    await environment(TUESDAY).run(CampaignRunner(lite, control).instruct_loans, order)

    assert 25 < len(died.started) <= 75
    assert set(died.started) <= set(control.told) < set(ids)


async def test_the_next_loans_start_while_the_last_ones_are_being_marked(
    lite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered(lite, 60)
    control, mark = Control(), CampaignRunner._mark
    begun_by_then: list[int] = []

    def waits_for_the_next(self: CampaignRunner, campaign_id: str, positions: Sequence[int]) -> None:
        until = time.monotonic() + 20
        while not begun_by_then and len(control.begun) <= 25 and time.monotonic() < until:
            time.sleep(0.01)
        begun_by_then.append(len(control.begun))
        mark(self, campaign_id, positions)

    monkeypatch.setattr(CampaignRunner, "_mark", waits_for_the_next)
    report = await start(lite, control)

    assert begun_by_then[0] > 25
    assert (report.started, progress(lite).started, len(control.started)) == (60, 60, 60)


async def test_a_batch_of_loans_is_read_and_looked_at_again_with_a_few_questions_for_all(lite: Database) -> None:
    """Given two batches; when they start; then the records answer so many questions a batch, and none for a loan."""
    entered(lite, 50)
    await start(lite, Control(), page=1)
    asked: list[str] = []

    with lite.reading() as session:
        engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    report = await start(lite, Control())

    selects = [each for each in asked if each.lstrip().startswith("SELECT")]
    assert report.started == 49
    assert 10 < len(selects) <= 2 * 15


@pytest.mark.parametrize(
    "break_one",
    ["UPDATE loan SET due_date = 'odd' WHERE id = :loan", "UPDATE payment SET paid_at = 'odd' WHERE loan_ref = :loan"],
    ids=["a loan", "a payment"],
)
async def test_what_cannot_be_read_of_one_loan_stops_no_other_of_its_batch(lite: Database, break_one: str) -> None:
    ids = entered(lite, 10)
    pay(lite, ids[3], 2_500, "pi_odd")
    with lite.writing() as session:
        session.execute(text(break_one), {"loan": loan_row(session, ids[3]).id})
        session.commit()
    control = Control()

    report = await start(lite, control)

    assert (report.started, report.refused, report.waiting) == (9, 1, 0)
    assert sorted(control.started) == sorted({*ids} - {ids[3]})
    with lite.reading() as session:
        refused = session.execute(text("SELECT refused FROM campaign_loan WHERE refused IS NOT NULL")).scalars().all()
    assert refused == [refused[0]]
    assert refused[0].startswith("its records cannot be read")
    assert "odd" not in refused[0]


async def test_a_loan_is_started_with_the_distress_that_waits_for_its_decision_in_another_of_its_person(
    lite: Database,
) -> None:
    with lite.writing() as session:
        enter(session, [handed("B1", person_id="p-C0002", phone="+34600000001", email="c0002@example.com")], "before")
        of_loan = {"queue": "people", "kind": "circumstance", "at": TUESDAY, "sla_at": None}
        before = loans.get(session, LENDER, "B1")
        cases.open(session, before, case_id="acme-B1-1-1", reason="vulnerable reported", **of_loan)  # type: ignore[arg-type]
        enter(session, [handed("C0001"), handed("C0002", phone="+34600000001")])
    control = Control()

    await start(lite, control)

    assert control.reported == {"C0001": (), "C0002": ("vulnerable",)}


async def test_an_instruction_that_dies_goes_on_where_it_was(lite: Database) -> None:
    entered(lite, 100)
    await start(lite, Control())
    control = Control(after=dies_at(60), answers={"C0099": "the loan has ended as cured"})
    runner = CampaignRunner(lite, control)
    beats: list[tuple[Any, ...]] = []
    env = environment(TUESDAY)
    env.on_heartbeat = lambda *details: beats.append(details)
    with pytest.raises(RuntimeError):
        await env.run(runner.instruct_loans, all_of())
    heard = set(control.told)
    control.told.clear()
    control.after = lambda number: None

    report = await environment(TUESDAY, 2, beats[-1]).run(runner.instruct_loans, all_of())

    assert len(control.told) == 50
    assert heard | set(control.told) == {f"C{n:04d}" for n in range(1, 101)}
    assert (report.done, report.refused, report.first_reason) == (99, 1, "the loan has ended as cured")


async def test_a_loan_that_never_answers_holds_up_no_other(lite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.campaigns.ANSWER_WITHIN", 0.2)
    entered(lite, 30)
    await start(lite, Control())
    control = Control(hangs={"C0030"})

    report = await environment(TUESDAY).run(CampaignRunner(lite, control).instruct_loans, all_of())

    assert (report.done, report.refused) == (29, 1)
    assert "did not answer" in report.first_reason


async def test_loans_that_temporal_gets_no_answer_of_keep_an_order_from_no_other(
    lite: Database, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given two batches of loans that no worker runs; when they are to pause; then each is told and none delays it."""
    monkeypatch.setattr("activities.campaigns.ANSWER_WITHIN", 0.2)
    entered(lite, 30, prefix=f"H{uuid4().hex[:6]}-")
    control = TemporalLoans(client, "nobody")
    await start(lite, control)

    order = all_of(until=datetime.now(UTC) + timedelta(days=9))
    report = await environment(TUESDAY).run(CampaignRunner(lite, control).instruct_loans, order)

    assert (report.done, report.refused) == (0, 30)
    assert "did not answer" in report.first_reason


async def test_an_order_that_is_called_off_while_a_loan_does_not_answer_ends_as_called_off(
    lite: Database, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered(lite, 1, prefix=f"H{uuid4().hex[:6]}-")
    control = TemporalLoans(client, "nobody")
    await start(lite, control)
    asked = asyncio.Event()
    instruct = control.instruct

    async def noticed(*given: Any) -> str | None:
        asked.set()
        return await instruct(*given)

    monkeypatch.setattr(control, "instruct", noticed)
    env = environment(TUESDAY)
    order = all_of(until=datetime.now(UTC) + timedelta(days=9))
    working = asyncio.ensure_future(env.run(CampaignRunner(lite, control).instruct_loans, order))
    await asked.wait()

    env.cancel()

    with pytest.raises(asyncio.CancelledError):
        await working


async def test_running_loans_pause_resume_and_close(lite: Database, client: Client) -> None:
    ids = entered(lite, 3, prefix=f"R{uuid4().hex[:6]}-")
    queue, world = f"q-{uuid4()}", FakeWorld()
    control = TemporalLoans(client, queue)
    runner = CampaignRunner(lite, control)
    await start(lite, control)

    async def told(order: InstructOrder) -> tuple[int, int, str]:
        report = await environment(TUESDAY).run(runner.instruct_loans, order)
        return report.done, report.refused, report.first_reason

    until = datetime.now(UTC) + timedelta(days=9)
    async with Worker(
        client,
        task_queue=queue,
        workflows=[LoanCollection],
        activities=[world.contact, world.watch, world.write],
        workflow_runner=workflow_runner(),
    ):
        paused = await told(all_of(until=until))
        repeated = await told(all_of(until=until))
        holds = [(await client.get_workflow_handle(workflow_id(LENDER, one)).query("status"))["hold"] for one in ids]
        resumed = await told(all_of(Instruction.RESUME).model_copy(update={"number": 2}))
        again = await told(all_of(Instruction.RESUME).model_copy(update={"number": 3}))
        alone = client.get_workflow_handle(workflow_id(LENDER, ids[0]))
        await alone.execute_update("pause", {"until": (until + timedelta(days=9)).isoformat()})
        await told(all_of(until=until).model_copy(update={"number": 6}))
        await told(all_of(Instruction.RESUME).model_copy(update={"number": 7}))
        handles = [client.get_workflow_handle(workflow_id(LENDER, one)) for one in ids]
        by_itself = [(await handle.query("status"))["hold"] is not None for handle in handles]
        closed = await told(all_of(Instruction.CLOSE, reason=CloseReason.SOLD).model_copy(update={"number": 4}))
        ends = [(await client.get_workflow_handle(workflow_id(LENDER, one)).result())["end"] for one in ids]
        gone = await told(all_of(Instruction.CLOSE, reason=CloseReason.SOLD).model_copy(update={"number": 5}))

    assert paused == repeated == resumed == closed == (3, 0, "")
    assert all(hold and hold.startswith("paused") for hold in holds), holds
    assert again == (0, 3, "refused: the loan is not paused")
    assert by_itself == [True, False, False], "a loan's own pause outlasts its campaign's"
    assert ends == ["sold"] * 3
    assert gone == (0, 3, "the loan has ended")


async def test_the_ends_are_told_when_the_last_loan_has_ended(database: Database) -> None:
    ids = entered(database, 3)
    await start(database, Control())
    runner = CampaignRunner(database, Control())

    waits: list[timedelta | None] = []
    for number, one in enumerate(ids, 1):
        with pytest.raises(ApplicationError) as caught:
            await environment(TUESDAY, number).run(runner.await_ends, "c1")
        waits.append(caught.value.next_retry_delay)
        assert caught.value.category is ApplicationErrorCategory.BENIGN
        assert str(caught.value) == f"InCollection: {4 - number} loans are in collection"
        with database.writing() as session:
            kind = "cured" if number < 3 else "not_cured"
            loans.end(session, loan_row(session, one), kind=kind, at=TUESDAY, final_state=None)

    assert waits == [timedelta(seconds=15 * n) for n in (1, 2, 3)]
    assert await environment(TUESDAY, 4).run(runner.await_ends, "c1") == {"cured": 2, "not_cured": 1}
    with database.reading() as session:
        assert loan_row(session, ids[0]).state is LoanState.ENDED


async def test_a_loan_moved_to_another_strategy_while_it_was_being_started_follows(database: Database) -> None:
    """Given two loans that are read; when one is moved before Temporal has taken it; then it alone is told."""
    moved, _other = entered(database, 2)
    new = STRATEGY.model_copy(update={"version": 2})

    def move(_number: int) -> None:
        with database.writing() as session:
            strategies.pin(session, loans.get(session, LENDER, moved), new, TUESDAY)

    control = Control(after=move)

    report = await start(database, control)

    assert (report.started, control.moved) == (2, [(moved, "plain@2")])
    with database.reading() as session:
        assert loans.get(session, LENDER, moved).strategy_version == 2


async def test_one_that_cannot_follow_is_noted_on_what_it_runs_on(database: Database) -> None:
    """So that whoever moves loans finds it again."""
    (moved,) = entered(database, 1)
    new = STRATEGY.model_copy(update={"version": 2})

    def move(_number: int) -> None:
        with database.writing() as session:
            strategies.pin(session, loans.get(session, LENDER, moved), new, TUESDAY)

    report = await start(database, Control(after=move, answers={moved: "no worker answered"}))

    assert report.started == 1
    with database.reading() as session:
        assert loans.get(session, LENDER, moved).strategy_version == 1
        assert [line.details["detail"] for line in audit.of_action(session, "pinned")] == [
            "plain@2 to plain@1, which it runs on"
        ]


async def test_one_that_temporal_gets_no_answer_of_is_noted_on_what_it_runs_on(
    lite: Database, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a loan that is moved while it starts and that no worker runs, then it is found again by whoever moves."""
    monkeypatch.setattr("activities.campaigns.ANSWER_WITHIN", 0.2)
    (moved,) = entered(lite, 1, prefix=f"H{uuid4().hex[:6]}-")

    def move(_number: int) -> None:
        with lite.writing() as session:
            new = STRATEGY.model_copy(update={"version": 2})
            strategies.pin(session, loans.get(session, LENDER, moved), new, TUESDAY)

    report = await start(lite, Control(real=TemporalLoans(client, "nobody"), after=move))

    assert report.started == 1
    with lite.reading() as session:
        assert loans.get(session, LENDER, moved).strategy_version == 1
