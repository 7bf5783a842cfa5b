"""The SDK's metrics that alerts and dashboard stand on are there under these names, on a worker's own port."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.clock import ask_again, task_time
from commands.processes import ROOT
from tests.activities.outside import nowhere
from tests.activities.servers import temporal_server
from worker import measured_runtime

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


@pytest.fixture(scope="module")
def text() -> str:
    """What a worker serves after a workflow whose task and one activity failed once, and another waited twice."""
    return asyncio.run(served())


async def served() -> str:
    address = nowhere().removeprefix("http://")
    host, port = address.split(":")
    with temporal_server() as server:
        client = await Client.connect(server, runtime=measured_runtime(host, int(port)))
        async with Worker(
            client,
            task_queue="watched",
            workflows=[FailsOnce],
            activities=[fails_once, waits_twice],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            await client.execute_workflow(FailsOnce.run, id="w", task_queue="watched")

            def scrape() -> str:
                with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
                    return str(answer.read().decode())

            return await asyncio.to_thread(scrape)


def test_every_named_metric_of_the_sdk_is_served(text: str) -> None:
    named = set(re.findall(r"`(temporal_[a-z_]+)`", PAGE))
    assert named
    served = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    assert named - served == set()
    assert 'poller_type="workflow_task"' in text
    assert "temporal_workflow_task_execution_failed_total{" in text


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
