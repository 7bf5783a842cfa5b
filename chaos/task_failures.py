"""Workflow tasks that failed, as the workers tell: by their counters while they live, by their logs ever after.

A history tells of a task's first attempt alone. A counter dies with its process, so it is read again and again; what a
worker logged survives it, but of non-determinism it logs the first attempt only.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

import httpx

from chaos.stack import ChaosStack

_EVERY_SECONDS = 1.0
_COUNTER = re.compile(r"^temporal_workflow_task_execution_failed_total\{(?P<labels>.*)\} (?P<number>[0-9.e+]+)$", re.M)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_LOGGED = re.compile(r"Failed activation on workflow \S+ with ID (?P<workflow_id>\S+) and run ID (?P<run_id>\S+)")
_LOGGED_BY_CORE = re.compile(r"Failing workflow task .*?(?P<run_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class TaskFailures:
    """`looked`: how often a worker's counters could be read."""

    def __init__(self) -> None:
        self.looked = 0
        self._counted: dict[tuple[str, int], Counter[str]] = {}

    async def watch(self, stack: ChaosStack) -> None:
        """Read them until cancelled."""
        while True:
            await self.look(stack)
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self, stack: ChaosStack) -> None:
        """Read every worker's counters now; one that is away is passed over."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            for name, port in stack.metrics_ports.items():
                if not name.startswith("worker-"):
                    continue
                try:
                    process = stack.processes.get(name).process.pid
                    answer = await client.get(f"http://127.0.0.1:{port}/metrics")
                    answer.raise_for_status()
                except (KeyError, httpx.HTTPError):
                    continue
                self.looked += 1
                self._counted[name, process] = failures_counted(answer.text)

    def told(self, logs: Path) -> tuple[str, ...]:
        """In words: what was counted, and what the workers' logs in this folder say."""
        unread = () if self.looked else ("no worker's counters could be read",)
        counted = [
            f"{name} counted {number}: {what}"
            for (name, _), found in sorted(self._counted.items())
            for what, number in sorted(found.items())
        ]
        logged = [
            f"{file.stem} logged {number}: {workflow_id}"
            for file in sorted(logs.glob("worker-*.log"))
            for workflow_id, number in sorted(failures_logged(file.read_text(errors="replace")).items())
        ]
        return (*unread, *counted, *logged)


def failures_counted(metrics: str) -> Counter[str]:
    """From a page of metrics: how many failed, by the kind of workflow and the reason."""
    found: Counter[str] = Counter()
    for line in _COUNTER.finditer(metrics):
        labels = dict(_LABEL.findall(line["labels"]))
        number = int(float(line["number"]))
        if number:
            found[f"{labels.get('workflow_type', '?')} {labels.get('failure_reason', '?')}"] += number
    return found


def failures_logged(log: str) -> Counter[str]:
    """From a worker's log: how often a task of each workflow failed; of what Python did not see, of each run."""
    seen = {line["run_id"] for line in _LOGGED.finditer(log)}
    return Counter(line["workflow_id"] for line in _LOGGED.finditer(log)) + Counter(
        f"run {line['run_id']}" for line in _LOGGED_BY_CORE.finditer(log) if line["run_id"] not in seen
    )
