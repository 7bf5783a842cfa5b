"""Two builds of the worker at once: a loan stays with the build it began with, and moves when it starts afresh."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from config.worker_settings import WorkerProcess
from domain.contact import Channel
from domain.strategy import Ends, Step, StepKind
from tests.domain.simulated_loan import facts, strategy
from tests.histories.campaign_stories import Desk, begun
from tests.workflows.skipping import World, executable, failed_tasks, replays
from worker import deployment
from workflows.campaign import Campaign
from workflows.loan import LoanCollection
from workflows.messages import LoanInput
from workflows.payload_json import compact_data_converter
from workflows.runner import workflow_runner
from workflows.search_attributes import ALL

QUEUE = "recobro"


def worker(client: Client, world: World, build: str | None) -> Worker:
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[LoanCollection],
        activities=[world.contact, world.watch, world.write],
        workflow_runner=workflow_runner(),
        deployment_config=deployment(WorkerProcess(build_id=build)),
    )


async def make_current(client: Client, build: str, name: str = "recobro") -> None:
    """As `temporal worker deployment set-current-version` does; the server must have seen the build poll."""
    for _ in range(100):
        try:
            await client.workflow_service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=client.namespace, deployment_name=name, build_id=build
                )
            )
            return
        except RPCError:
            await asyncio.sleep(0.1)
    raise AssertionError(f"{build} never became current")


async def builds(handle: WorkflowHandle[Any, Any]) -> set[str]:
    """The builds that carried out the workflow tasks of a run."""
    return {
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        for event in (await handle.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    }


def part(number: int, paid_at: str, amount_minor: int = 100) -> dict[str, Any]:
    return {
        "payment_id": f"p-{number}",
        "amount_minor": amount_minor,
        "currency": "EUR",
        "paid_at": paid_at,
        "provider": "bank",
    }


async def woken_until_it_moves(run: WorkflowHandle[Any, Any], wake: Callable[[], Awaitable[object]]) -> int:
    """How often it had to be woken: a server needs a moment until running workflows are told of a new build."""
    woken = 0
    async with asyncio.timeout(60):
        while (await run.describe()).close_time is None:
            await wake()
            woken += 1
            for _ in range(20):
                if (await run.describe()).close_time is not None:
                    break
                await asyncio.sleep(0.1)
    return woken


async def test_a_sleeping_loan_stays_with_its_build_and_moves_when_it_starts_afresh() -> None:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=executable("temporal"),
        search_attributes=list(ALL),
        data_converter=compact_data_converter,
    ) as env:
        old, new = World(), World()
        now = await env.get_current_time()
        loan = facts(due_date=now.date() - timedelta(days=10), consent=True)
        steps = (Step(id="one", kind=StepKind.REMIND, dpd=5, channels=(Channel.SMS,), template="t"),)
        plan = strategy(steps=steps, ends=Ends(after_days=90))

        # Given a loan of build v1 that sleeps after its contact
        async with worker(env.client, old, "v1"):
            await make_current(env.client, "v1")
            first = await env.client.start_workflow(
                LoanCollection.run,
                LoanInput(facts=loan, strategy=plan),
                id=loan.workflow_id,
                task_queue=QUEUE,
            )
            async with asyncio.timeout(60):
                while not old.sent():
                    await asyncio.sleep(0.05)
            run = env.client.get_workflow_handle(loan.workflow_id, run_id=first.first_execution_run_id)

            # When v2 becomes current and some news wakes the loan
            async with worker(env.client, new, "v2"):
                await make_current(env.client, "v2")
                await asyncio.sleep(0.3)
                assert (await run.describe()).close_time is None
                asleep = await builds(run)
                numbers = itertools.count(1)
                woken = await woken_until_it_moves(
                    run, lambda: first.signal("payment_received", part(next(numbers), now.isoformat()))
                )
                latest = env.client.get_workflow_handle_for(LoanCollection.run, loan.workflow_id)
                status = await latest.query(LoanCollection.status)
                later = env.client.get_workflow_handle(loan.workflow_id, run_id=(await latest.describe()).run_id)

                # Then v1 heard the news, v2 carries the loan on, and nobody was written to again
                assert asleep == {"v1"}
                assert await builds(run) == {"v1"}
                assert status.balance_minor == 30_000 - 100 * woken
                await latest.signal("payment_received", part(0, now.isoformat(), status.balance_minor))
                assert (await latest.result()).end == "cured"
                assert await builds(later) == {"v2"}
                assert (old.sent(), new.sent()) == (["one"], ["receipt"])
                assert [entry.entry for entry in (*old.entries, *new.entries)] == [
                    *["payment"] * woken,
                    "payment",
                    "end",
                ]
                assert await failed_tasks(run) == await failed_tasks(later) == []
                await replays(run)
                await replays(later)


async def test_a_sleeping_campaign_moves_after_an_instruction_and_ends_as_it_would_have() -> None:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=executable("temporal"), data_converter=compact_data_converter
    ) as env:
        desk = Desk()
        desk.pages = 1
        work = [desk.start_loans, desk.instruct_loans, desk.set_state, desk.await_ends]

        def desk_worker(build: str) -> Worker:
            return Worker(
                env.client,
                task_queue=QUEUE,
                workflows=[Campaign],
                activities=work,
                workflow_runner=workflow_runner(),
                deployment_config=deployment(WorkerProcess(build_id=build)),
            )

        async with desk_worker("v1"):
            await make_current(env.client, "v1")
            handle = await begun(env.client)
            run = env.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
            async with desk_worker("v2"):
                await make_current(env.client, "v2")

                async def instruct() -> None:
                    await handle.execute_update("pause")
                    await handle.execute_update("resume")

                await woken_until_it_moves(run, instruct)
                desk.over.set()
                latest = env.client.get_workflow_handle_for(Campaign.run, handle.id)
                result = await latest.result()
                later = env.client.get_workflow_handle(handle.id, run_id=(await latest.describe()).run_id)
                assert (result.started, result.refused, result.ends) == (20, 2, {"cured": 3})
                assert (await builds(run), await builds(later)) == ({"v1"}, {"v2"})
                assert await failed_tasks(run) == await failed_tasks(later) == []


async def test_without_a_build_id_nothing_is_versioned() -> None:
    assert deployment(WorkerProcess()) is None
