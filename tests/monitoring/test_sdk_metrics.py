"""The SDK's metrics that alerts and dashboard stand on are there under these names, on a worker's own port."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from commands.processes import ROOT
from tests.activities.outside import nowhere
from tests.activities.servers import temporal_server
from worker import measured_runtime

PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


@activity.defn
async def fails_once() -> None:
    if activity.info().attempt == 1:
        raise RuntimeError("expected")


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
        if not FailsOnce.failed:
            FailsOnce.failed = True
            raise RuntimeError("a failed workflow task")


async def test_every_named_metric_of_the_sdk_is_served() -> None:
    address = nowhere().removeprefix("http://")
    host, port = address.split(":")
    with temporal_server() as server:
        client = await Client.connect(server, runtime=measured_runtime(host, int(port)))
        async with Worker(
            client,
            task_queue="watched",
            workflows=[FailsOnce],
            activities=[fails_once],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            await client.execute_workflow(FailsOnce.run, id="w", task_queue="watched")

            def scrape() -> str:
                with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
                    return str(answer.read().decode())

            text = await asyncio.to_thread(scrape)

    named = set(re.findall(r"`(temporal_[a-z_]+)`", PAGE))
    assert named
    served = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    assert named - served == set()
    assert 'poller_type="workflow_task"' in text
    assert "temporal_workflow_task_execution_failed_total{" in text
