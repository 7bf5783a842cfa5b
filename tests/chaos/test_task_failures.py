"""Workflow tasks that failed are known from the workers: of later attempts no history tells."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from chaos.schedule import PROXIED
from chaos.stack import ChaosStack
from chaos.task_failures import TaskFailures, failures_counted, failures_logged
from commands.processes import Ports, Processes, executable
from worker import measured_runtime

PAGE = """\
# TYPE temporal_workflow_task_execution_failed_total counter
temporal_workflow_task_execution_failed_total{failure_reason="WorkflowError",workflow_type="LoanCollection"} 3
temporal_workflow_task_execution_failed_total{failure_reason="NonDeterminismError",workflow_type="Campaign"} 0
temporal_workflow_task_queue_poll_succeed_total{workflow_type="LoanCollection"} 17
"""


def test_what_a_worker_counts_is_told_by_kind_and_reason() -> None:
    assert failures_counted(PAGE) == {"LoanCollection WorkflowError": 3}


def by_core(run_id: str) -> str:
    """A line in colours, as the SDK's core writes it."""
    return f"\x1b[33m WARN\x1b[0m Failing workflow task \x1b[3mrun_id\x1b[0m\x1b[2m=\x1b[0m{run_id} \x1b[3mfailure\n"


def test_what_a_worker_logged_is_told_by_workflow(tmp_path: Path) -> None:
    run, other = "01a22b01-2e06-7528-bb13-05235d46fa4f", "01a22b01-4620-7e3d-bceb-e1bdbb9cc8c2"
    by_python = f"Failed activation on workflow LoanCollection with ID loan-demo-1 and run ID {run} [temporalio]\n"
    log = by_python + by_core(run)
    (tmp_path / "worker-0.log").write_text(f"worker ready\n{log}Traceback\n{log}", encoding="utf-8")
    (tmp_path / "worker-1.log").write_text(
        "Completing activity as failed ({'workflow_id': 'loan-demo-1'})", encoding="utf-8"
    )

    assert TaskFailures().told(tmp_path) == ("no worker's counters could be read", "worker-0 logged 2: loan-demo-1")
    assert failures_logged(by_core(other)) == {f"run {other}": 1}
    assert failures_logged("worker ready\n") == {}


def test_workers_serve_their_counters_where_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an environment that has metrics served on another address."""
    monkeypatch.setenv("RECOBRO_METRICS_HOST", "10.0.0.5")
    proxies = {name: SimpleNamespace(port=port) for port, name in enumerate(PROXIED, 1)}
    stack = ChaosStack(Processes(tmp_path), tmp_path, skipping=True, proxies=proxies)  # type: ignore[arg-type]

    assert stack.environment["RECOBRO_METRICS_HOST"] == "127.0.0.1"


@activity.defn
async def first() -> None:
    pass


@activity.defn
async def second() -> None:
    pass


@workflow.defn
class GoesAnotherWay:
    """Its second and third pass order another activity than the first did: its second task fails twice."""

    passes = 0

    @workflow.run
    async def run(self) -> None:
        GoesAnotherWay.passes += 1
        which = second if GoesAnotherWay.passes in (2, 3) else first
        await workflow.execute_activity(which, start_to_close_timeout=timedelta(seconds=30))


async def test_an_attempt_of_which_the_history_does_not_tell_is_counted(tmp_path: Path) -> None:
    """Given a worker that keeps no workflow in memory, so that each task replays the whole of it."""
    ports = Ports()
    port = ports.take()
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=executable("temporal")) as env:
        client = await Client.connect(
            env.client.service_client.config.target_host, runtime=measured_runtime("127.0.0.1", port)
        )
        async with Worker(
            client,
            task_queue="q",
            workflows=[GoesAnotherWay],
            activities=[first, second],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=0,
        ):
            handle = await client.start_workflow(
                GoesAnotherWay.run, id="loan-demo-1", task_queue="q", task_timeout=timedelta(seconds=2)
            )
            await handle.result()
            failures = TaskFailures()
            worker = SimpleNamespace(process=SimpleNamespace(pid=1))
            await failures.look(
                SimpleNamespace(  # type: ignore[arg-type]
                    metrics_ports={"worker-0": port, "worker-1": ports.take()},
                    processes=SimpleNamespace(get=lambda name: worker),
                )
            )
        told = [event.event_type async for event in handle.fetch_history_events()]
    ports.release()

    assert told.count(EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED) == 1
    assert failures.told(tmp_path) == ("worker-0 counted 2: GoesAnotherWay NonDeterminismError",)
    assert failures.looked == 1
