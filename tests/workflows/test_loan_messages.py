"""The public contract from a plain client with raw JSON, as the Temporal CLI or another language would send it."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import RawValue
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from domain.collection import _HANDLERS
from domain.events.borrower import OptOut
from tests.activities.servers import temporal_server
from tests.domain.simulated_loan import facts, strategy
from tests.workflows.skipping import Stage, World, executable, failed_tasks, replays, stage
from workflows.loan import LoanCollection
from workflows.messages import LoanInput, Signal
from workflows.payload_json import compact_data_converter
from workflows.runner import workflow_runner
from workflows.search_attributes import ALL

PAYMENT = {
    "payment_id": "pay-1",
    "amount_minor": 5_000,
    "currency": "EUR",
    "paid_at": "2026-03-02T09:00:00+01:00",
    "provider": "stripe",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """One on the live clock."""
    with temporal_server() as address:
        yield address


async def begun(on: Stage, **changes: Any) -> WorkflowHandle[Any, Any]:
    """A loan two days after its due date, seen through a client that knows none of our types."""
    begin = await on.morning()
    given = {"due_date": begin.date() - timedelta(days=2), **changes}
    handle = await on.start(facts(**given), strategy(watch=None))
    plain = await Client.connect(on.client.service_client.config.target_host)
    return plain.get_workflow_handle(handle.id)


async def status(handle: WorkflowHandle[Any, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = await handle.query("status")
    return answer


async def update(handle: WorkflowHandle[Any, Any], name: str, *arguments: Any) -> str:
    """The refusal, as the caller sees it."""
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update(name, args=list(arguments))
    return str(refused.value.cause)


class TestSignals:
    async def test_every_wrong_message_is_kept_as_refused_and_the_loan_goes_on(self) -> None:
        wrong: list[tuple[str, Any, str]] = [
            ("nonsense", {"a": 1}, "unknown signal: expected one of payment_received"),
            ("payment_received", "pay-1", "expected one JSON object with payment_id"),
            ("payment_received", [PAYMENT], "expected one JSON object with payment_id"),
            ("payment_received", None, "expected one JSON object with payment_id"),
            ("payment_received", {**PAYMENT, "payment_id": None}, "payment_id: "),
            ("payment_received", {"payment_id": "x"}, "amount_minor: Field required"),
            ("payment_received", {**PAYMENT, "amount_minor": "5000"}, "amount_minor: Input should be a valid integer"),
            ("payment_received", {**PAYMENT, "amount_minor": 50.5}, "amount_minor: Input should be a valid integer"),
            ("payment_received", {**PAYMENT, "amount_minor": -1}, "amount_minor: Input should be greater than 0"),
            ("payment_received", {**PAYMENT, "paid_at": "yesterday"}, "paid_at: Input should be a valid datetime"),
            ("payment_received", {**PAYMENT, "paid_at": "2026-03-02T09:00:00"}, "paid_at: Input should have timezone"),
            ("payment_received", {**PAYMENT, "payment_id": "x" * 100_000}, "payment_id: String should have at most"),
            ("payment_reversed", {}, "payment_id: Field required"),
            ("opt_out", {"channel": "carrier pigeon"}, "channel"),
            ("circumstance_reported", {"kind": "holiday"}, "kind: Input should be 'dispute'"),
            (
                "contact_failed",
                {"step": "nope", "occurrence": 1, "channel": "sms", "reason": "dead"},
                "no such contact",
            ),
        ]
        async with stage() as on:
            handle = await begun(on)
            for name, payload, _ in wrong:
                await handle.signal(name, payload)
            now = await status(handle)
            assert now["refusal_count"] == len(wrong)
            for refusal, (name, _, reason) in zip(now["refusals"], wrong, strict=True):
                assert refusal["message"] == name
                assert refusal["reason"].startswith(reason), refusal
            await on.pass_days(3)
            assert on.world.sent() == ["day-3"]
            assert await failed_tasks(handle) == []

    async def test_bytes_that_are_no_json_and_no_argument_at_all_are_refused(self) -> None:
        payloads = [
            Payload(metadata={"encoding": b"json/plain"}, data=b"{not json"),
            Payload(metadata={"encoding": b"json/plain"}, data=b"[" * 5_000),
            Payload(metadata={"encoding": b"binary/plain"}, data=bytes(range(256))),
            Payload(metadata={"encoding": b"binary/protobuf", "messageType": b"x.Y"}, data=b"\x00"),
            Payload(metadata={"encoding": b"never/heard/of"}, data=b"x"),
            Payload(metadata={}, data=b""),
        ]
        async with stage() as on:
            handle = await begun(on)
            for payload in payloads:
                await handle.signal("payment_received", RawValue(payload))
            await handle.signal("payment_received")
            assert (await status(handle))["refusal_count"] == len(payloads) + 1
            await handle.signal("payment_received", {**PAYMENT, "amount_minor": 30_000})
            assert (await handle.result())["end"] == "cured"
            assert await failed_tasks(handle) == []

    @pytest.mark.parametrize("fault", [OverflowError("date value out of range"), None], ids=["overflow", "validation"])
    async def test_a_message_on_which_the_rules_fail_is_refused_and_a_person_looks(
        self, monkeypatch: pytest.MonkeyPatch, fault: Exception | None
    ) -> None:
        """Given a rule with a fault, when a message meets it, then it is refused by its name, a case asks a person to
        look, no task fails, and the loan hears what comes next."""

        def fails(_state: object, _event: object, _now: object) -> None:
            if fault is not None:
                raise fault
            OptOut.model_validate({"channel": "carrier pigeon of Juan"})

        monkeypatch.setitem(_HANDLERS, OptOut, fails)
        async with stage() as on:
            handle = await begun(on)
            await handle.signal("opt_out", {"channel": "sms"})
            now = await status(handle)
            [refusal] = now["refusals"]
            assert refusal["message"] == "opt_out"
            assert refusal["reason"].startswith("the rules failed on it (")
            assert [case["kind"] for case in now["cases"]] == ["handoff"]
            assert "Juan" not in json.dumps(now)
            await on.pass_days(0.1)
            assert "a message could not be acted on: opt_out" in [getattr(e, "reason", "") for e in on.world.entries]
            await handle.signal("payment_received", {**PAYMENT, "amount_minor": 30_000})
            assert (await handle.result())["end"] == "cured"
            assert await failed_tasks(handle) == []

    async def test_a_refusal_never_repeats_what_was_sent(self) -> None:
        async with stage() as on:
            handle = await begun(on)
            await handle.signal("payment_received", {**PAYMENT, "provider": "Juan Pérez +34600000001"})
            await handle.signal("opt_out", {"channel": "juan@example.org"})
            assert "Juan" not in json.dumps(await status(handle))
            assert "juan@" not in json.dumps(await status(handle))

    async def test_duplicates_and_disorder_add_up(self) -> None:
        async with stage() as on:
            handle = await begun(on)
            await handle.signal("payment_reversed", {"payment_id": "pay-2"})
            for _ in range(3):
                await handle.signal("payment_received", PAYMENT)
            await handle.signal("payment_received", {**PAYMENT, "payment_id": "pay-2"})
            await handle.signal("payment_received", {**PAYMENT, "amount_minor": 1})
            now = await status(handle)
            assert now["balance_minor"] == 25_000
            assert now["refusals"][0]["reason"] == "this payment is already recorded with another amount or currency"
            await on.pass_days(0.1)
            kinds = [entry.entry for entry in on.world.entries]
            assert kinds.count("payment") == 2
            assert kinds.count("reversal") == 1

    async def test_a_burst_of_hundreds_in_one_breath_blocks_nothing(self) -> None:
        async with stage() as on:
            handle = await begun(on)
            for start in range(0, 600, 100):
                await asyncio.gather(
                    *(
                        handle.signal("payment_received", {**PAYMENT, "payment_id": f"n-{n}", "amount_minor": 1})
                        for n in range(start, start + 100)
                    )
                )
            assert (await status(handle))["balance_minor"] == 29_400
            await on.pass_days(3)
            assert on.world.sent() == ["day-3"]
            assert len([entry for entry in on.world.entries if entry.entry == "payment"]) == 600

    async def test_much_news_at_once_reaches_the_records_in_portions(self) -> None:
        async with stage() as on:
            begin = await on.morning()
            news = tuple(
                Signal(name="payment_received", payload={**PAYMENT, "payment_id": f"n-{n}", "amount_minor": 1})
                for n in range(600)
            )
            await on.start(facts(due_date=begin.date()), strategy(watch=None), signals=news)
            await on.pass_days(0.1)
            assert len(on.world.entries) == 600
            assert max(on.world.portions) <= 200

    async def test_after_the_end_the_sender_hears_not_found(self) -> None:
        async with stage() as on:
            handle = await begun(on)
            await handle.signal("payment_received", {**PAYMENT, "amount_minor": 30_000})
            await handle.result()
            with pytest.raises(RPCError) as late:
                await handle.signal("payment_received", {**PAYMENT, "payment_id": "late"})
            assert late.value.status is RPCStatusCode.NOT_FOUND


class TestUpdates:
    async def test_refusals_can_be_read_and_leave_no_trace(self) -> None:
        async with stage() as on:
            handle = await begun(on)
            length = len((await handle.fetch_history()).events)
            assert await update(handle, "resume") == "refused: the loan is not paused"
            assert await update(handle, "pause", {"until": "2020-01-01T00:00:00Z"}) == "refused: until lies in the past"
            wrong_case = {"case_id": "none", "decision": "continue", "by": "agent-1"}
            assert await update(handle, "decide", wrong_case) == "refused: no open case none"
            events = (await handle.fetch_history()).events[length:]
            assert [e for e in events if "UPDATE" in EventType.Name(e.event_type)] == []
            assert await failed_tasks(handle) == []

    @pytest.mark.parametrize(
        ("name", "arguments", "says"),
        [
            ("pause", [], "order"),
            ("pause", [{}], "until"),
            ("pause", [{"until": "2099-01-01"}], "timezone"),
            ("pause", ["tomorrow"], "Pause"),
            ("close", [{"reason": "bored"}], "'recalled', 'sold' or 'written_off'"),
            ("decide", [{"case_id": "x", "decision": "continue"}], "by"),
            ("decide", [{"case_id": "x", "decision": "continue", "by": "a", "note": "x" * 2_001}], "2000"),
            ("forgive", [{}], "known updates"),
        ],
    )
    async def test_what_is_no_order_is_refused_in_words(self, name: str, arguments: list[Any], says: str) -> None:
        async with stage() as on:
            handle = await begun(on)
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update(name, args=arguments)
            cause: BaseException | None = refused.value.cause
            words = ""
            while cause is not None:
                words += f" {cause}"
                cause = cause.__cause__
            assert says in words, words
            assert await failed_tasks(handle) == []

    async def test_pause_resume_decide_and_close(self) -> None:
        async with stage() as on:
            handle = await begun(on)
            until = (await on.now() + timedelta(days=5)).isoformat(timespec="minutes")
            paused = await handle.execute_update("pause", {"until": until})
            assert paused["detail"].startswith("paused until ")
            assert (await status(handle))["hold"].startswith("paused until ")
            assert (await handle.execute_update("resume"))["detail"] == "resumed"
            await handle.signal("circumstance_reported", {"kind": "dispute"})
            case_id = (await status(handle))["cases"][0]["case_id"]
            order = {"case_id": case_id, "decision": "continue", "by": "agent-1", "note": "agreed"}
            assert (await handle.execute_update("decide", order))["detail"] == f"case {case_id} decided: continue"
            assert await update(handle, "decide", order) == f"refused: no open case {case_id}"
            closed = await handle.execute_update("close", {"reason": "sold"})
            assert closed["detail"] == "closed as sold"
            assert (await handle.result())["end"] == "sold"

    async def test_the_same_update_id_is_done_once(self) -> None:
        async with stage() as on:
            handle = await begun(on)
            until = (await on.now() + timedelta(days=5)).isoformat()
            first = await handle.execute_update("pause", {"until": until}, id="request-1")
            assert await handle.execute_update("pause", {"until": until}, id="request-1") == first
            await on.pass_days(0.1)
            assert [e.action for e in on.world.entries if e.entry == "note"] == ["paused"]


class TestQueries:
    async def test_status_says_where_the_loan_stands(self) -> None:
        async with stage() as on:
            now = await status(await begun(on))
            assert {k: now[k] for k in ("stage", "days_past_due", "balance_minor", "hold", "end", "next_step")} == {
                "stage": "early",
                "days_past_due": 2,
                "balance_minor": 30_000,
                "hold": None,
                "end": None,
                "next_step": "day-3",
            }
            assert now["doing"] == "waiting: remind day-3 falls due"

    async def test_an_unknown_query_is_an_answer_not_a_failure_of_the_loan(self) -> None:
        async with stage() as on:
            handle = await begun(on)
            with pytest.raises(WorkflowQueryFailedError):
                await handle.query("nonsense")
            assert await failed_tasks(handle) == []


class TestStarting:
    @pytest.mark.parametrize("wrong", [{"facts": {}}, {}, {"facts": None, "strategy": 1}])
    async def test_a_start_without_a_loan_fails_at_once_instead_of_being_tried_for_ever(self, wrong: Any) -> None:
        async with stage() as on:
            plain = await Client.connect(on.client.service_client.config.target_host)
            handle = await plain.start_workflow("LoanCollection", wrong, id=str(uuid4()), task_queue=on.queue)
            with pytest.raises(Exception, match="Workflow execution failed"):
                await asyncio.wait_for(handle.result(), 60)


class TestRaces:
    async def test_a_payment_stops_a_contact_that_waits_for_its_slot(self) -> None:
        async with stage() as on:
            slot = await on.now() + timedelta(days=20)
            on.world.answer = lambda now, order: slot if now < slot and order.step != "receipt" else None
            handle = await begun(on)
            await on.pass_days(5)
            await handle.signal("payment_received", {**PAYMENT, "amount_minor": 30_000})
            await handle.result()
            await on.pass_days(40)
            assert on.world.sent() == ["receipt"]
            await replays(handle)

    async def test_slow_records_do_not_let_the_contact_go_out(self) -> None:
        async with stage() as on:
            slot = await on.now() + timedelta(days=20)
            on.world.answer = lambda now, order: slot if now < slot and order.step != "receipt" else None
            handle = await begun(on)
            on.world.records_down_until = slot + timedelta(days=3)
            await on.pass_days(4)
            await handle.signal("payment_received", {**PAYMENT, "payment_id": "part", "amount_minor": 100})
            await on.pass_days(1)
            await handle.signal("payment_received", {**PAYMENT, "amount_minor": 29_900})
            await on.pass_days(30)
            assert (await handle.result())["end"] == "cured"
            assert on.world.sent() == ["receipt"]
            assert await failed_tasks(handle) == []

    async def test_a_service_level_that_lapses_while_a_contact_waits_is_no_endless_loop(self) -> None:
        async with stage() as on:
            slot = await on.now() + timedelta(days=20)
            on.world.answer = lambda now, order: slot if now < slot else None
            handle = await begun(on)
            await handle.signal("payment_received", {**PAYMENT, "currency": "USD"})
            await on.pass_days(10)
            assert (await status(handle))["cases"][0]["lapsed"]
            await on.pass_days(12)
            assert on.world.sent()[0] == "day-3"
            assert await failed_tasks(handle) == []

    async def test_an_activity_that_gives_up_is_tried_again_a_day_later(self) -> None:
        async with stage() as on:
            handle = await begun(on)
            on.world.breaks = 1
            await on.pass_days(4)
            assert on.world.sent() == ["day-3"]
            assert [e.action for e in on.world.entries if e.entry == "note"] == ["contact_given_up"]
            assert (await handle.describe()).status is not None
            assert await failed_tasks(handle) == []

    async def test_cancelling_the_workflow_tells_the_records(self) -> None:
        async with stage() as on:
            handle = await begun(on)
            await on.pass_days(0.1)
            await handle.cancel()
            with pytest.raises(WorkflowFailureError) as left:
                await handle.result()
            assert isinstance(left.value.cause, CancelledError)
            assert [(e.entry, e.end) for e in on.world.entries if e.entry == "end"] == [("end", "recalled")]


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.2, 0.4])
async def test_a_payment_while_the_message_leaves_is_followed_by_nothing_but_the_receipt(
    server: str, seconds: float
) -> None:
    """Given a reminder that takes a moment to leave, when the payment comes before, in and after that moment, then the
    loan is cured and nothing follows but the receipt. On a development server: the one that skips time rejects a task
    that cancels what has just come back."""
    client = await Client.connect(server, data_converter=compact_data_converter)
    world, queue = World(takes=0.2), str(uuid4())
    async with Worker(
        client,
        task_queue=queue,
        workflows=[LoanCollection],
        activities=[world.contact, world.watch, world.write],
        workflow_runner=workflow_runner(),
    ):
        loan = facts(due_date=datetime.now(UTC).date() - timedelta(days=4), loan_id=str(uuid4()), timezone="UTC")
        handle = await client.start_workflow(
            LoanCollection.run,
            LoanInput(facts=loan, strategy=strategy(watch=None)),
            id=loan.workflow_id,
            task_queue=queue,
        )
        await asyncio.sleep(seconds)
        await handle.signal("payment_received", {**PAYMENT, "amount_minor": 30_000})

        assert (await handle.result()).end == "cured"
        assert world.sent() in (["day-3", "receipt"], ["receipt"])
        assert await failed_tasks(handle) == []
        await replays(handle)


async def test_the_plain_temporal_cli_signals_updates_and_asks() -> None:
    """On a real development server: what docs/contract.md shows."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=executable("temporal"), search_attributes=list(ALL)
    ) as env:
        address = env.client.service_client.config.target_host
        world, queue = World(), str(uuid4())
        client = await Client.connect(address, data_converter=compact_data_converter)
        async with Worker(
            client,
            task_queue=queue,
            workflows=[LoanCollection],
            activities=[world.contact, world.watch, world.write],
            workflow_runner=workflow_runner(),
        ):
            begin = await env.get_current_time()
            loan = facts(due_date=begin.date() - timedelta(days=1), loan_id="1042")
            handle = await client.start_workflow(
                LoanCollection.run,
                LoanInput(facts=loan, strategy=strategy(watch=None, receipt=None)),
                id="loan-demo-1042",
                task_queue=queue,
            )

            async def temporal(*words: str) -> tuple[int, str]:
                done = await asyncio.to_thread(
                    subprocess.run,
                    [executable("temporal"), *words, "--workflow-id", "loan-demo-1042", "--address", address],
                    capture_output=True,
                    text=True,
                    timeout=30,
                )
                return done.returncode, done.stdout + done.stderr

            async def order(name: str, **given: str) -> tuple[int, str]:
                arguments = ["--input", json.dumps(given)] if given else []
                return await temporal("workflow", "update", "execute", "--name", name, *arguments)

            code, said = await temporal("workflow", "query", "--type", "status", "--output", "json")
            assert code == 0, said
            assert '"balance_minor":30000' in said.replace(" ", "")
            until = (begin + timedelta(days=5)).isoformat()
            assert (await order("pause", until=until))[0] == 0
            assert (await order("resume"))[0] == 0
            code, said = await order("resume")
            assert code != 0
            assert "the loan is not paused" in said
            await temporal("workflow", "signal", "--name", "circumstance_reported", "--input", '{"kind":"dispute"}')
            code, said = await order("decide", case_id="demo-1042-1-1", decision="continue", by="agent-7")
            assert code == 0, said
            assert "decided: continue" in said
            payment = json.dumps({**PAYMENT, "amount_minor": 30_000})
            code, said = await temporal("workflow", "signal", "--name", "payment_received", "--input", payment)
            assert code == 0, said
            assert (await handle.result()).end == "cured"
            code, said = await temporal("workflow", "signal", "--name", "payment_received", "--input", payment)
            assert code != 0
            assert await failed_tasks(handle) == []
