"""The SDK's metrics that alerts and dashboard stand on are there under these names, on a worker's own port."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from contextlib import ExitStack
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.clock import ask_again, task_time
from commands.processes import ROOT
from tests.activities.outside import nowhere
from tests.activities.servers import temporal_server
from worker import measured_runtime

_FAILED_POLL = re.compile(r'^temporal_long_request_failure_total\{[^}]*operation="[pP]oll', re.MULTILINE)
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


@activity.defn
async def fails_once() -> None:
    if activity.info().attempt == 1:
        raise RuntimeError("expected")


@activity.defn
async def waits_twice() -> None:
    if activity.info().attempt <= 2:
        raise ask_again(task_time() + timedelta(milliseconds=10), "not before 08:00", "NotYet")


@workflow.defn
class FailsOnce:
    failed = False

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            fails_once,
            start_to_close_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
        )
        await workflow.execute_activity(waits_twice, start_to_close_timeout=timedelta(seconds=5))
        if not FailsOnce.failed:
            FailsOnce.failed = True
            raise RuntimeError("a failed workflow task")


@workflow.defn
class Fails:
    @workflow.run
    async def run(self) -> None:
        raise ApplicationError("a failed workflow")


@pytest.fixture(scope="module")
def text() -> str:
    """What a worker serves after a workflow whose task and one activity failed once, and another waited twice, one that
    failed, and a server that went away."""
    return asyncio.run(served())


async def served() -> str:
    address = nowhere().removeprefix("http://")
    host, port = address.split(":")
    with ExitStack() as server_runs:
        server = server_runs.enter_context(temporal_server())
        client = await Client.connect(server, runtime=measured_runtime(host, int(port)))
        async with Worker(
            client,
            task_queue="watched",
            workflows=[FailsOnce, Fails],
            activities=[fails_once, waits_twice],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            await client.execute_workflow(FailsOnce.run, id="w", task_queue="watched")
            with pytest.raises(WorkflowFailureError):
                await client.execute_workflow(Fails.run, id="f", task_queue="watched")
            await asyncio.to_thread(server_runs.close)

            def scrape() -> str:
                with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
                    return str(answer.read().decode())

            async with asyncio.timeout(60):
                while not _FAILED_POLL.search(text := await asyncio.to_thread(scrape)):
                    await asyncio.sleep(0.1)
            return text


def test_every_named_metric_of_the_sdk_is_served(text: str) -> None:
    named = set(re.findall(r"`(temporal_[a-z_]+)`", PAGE))
    assert named
    served = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    assert named - served == set()
    assert 'poller_type="workflow_task"' in text
    assert "temporal_workflow_task_execution_failed_total{" in text
    assert re.search(r'temporal_workflow_failed_total\{[^}]*workflow_type="Fails"', text)
    assert re.search(r'temporal_long_request_failure_total\{[^}]*operation="Poll', text), "what the alert looks for"


def test_an_activity_that_waits_counts_as_an_attempt_and_not_as_a_failed_one(text: str) -> None:
    """Given an activity that twice asked to be tried again, as a contact does before its lawful hour, then the alert on
    activities that fail sees three attempts of it and no failure; of one that failed once, two and one."""
    attempts, failed = (
        {
            sample.labels["activity_type"]: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        }
        for name in ("temporal_activity_execution_latency_seconds_count", "temporal_activity_execution_failed_total")
    )

    assert attempts == {"waits_twice": 3, "fails_once": 2}
    assert failed == {"fails_once": 1}
