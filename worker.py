#!/usr/bin/env python
"""A worker: polls Temporal and carries loans and campaigns. See `worker.py --help`."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Annotated

import pydantic
import typer
from sqlalchemy.exc import InterfaceError, OperationalError
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities.campaigns import CampaignRunner
from activities.composition import Outside, errands, loan_activities
from activities.counting import count_beside_activities_on
from activities.daily_work import DailyWorker
from activities.log_ids import LogIds
from activities.segment_sends import SegmentSender
from config.logs import set_up_logs
from config.master_keys import master_keys
from config.metric_catalogue import CLOCK
from config.settings import Settings, load_settings
from config.warrants import Warrants
from config.worker_settings import WorkerProcess
from records.database import Database
from workflows.authority import believe
from workflows.campaign import Campaign
from workflows.connection import NoTemporal, connect, ensure_search_attributes
from workflows.daily_work import Daily
from workflows.loan import LoanCollection
from workflows.loan_control import TemporalLoans
from workflows.log_subject import subject
from workflows.runner import workflow_runner
from workflows.segment_send import SegmentSend
from workflows.tracing import Traces, start_tracing

PARENT = "RECOBRO_WORKER_PARENT"
DRAIN = timedelta(seconds=30)
WORKFLOWS = (LoanCollection, Campaign, SegmentSend, Daily)
log = logging.getLogger("recobro.worker")


def deployment(build: WorkerProcess) -> WorkerDeploymentConfig | None:
    """How the server knows this build; None: the worker has no build id and takes every task of its queue."""
    if build.build_id is None:
        return None
    version = WorkerDeploymentVersion(deployment_name=build.deployment, build_id=build.build_id)
    # Here and not at the workflows: a server refuses tasks that name a behaviour from workers without a build id.
    return WorkerDeploymentConfig(
        version=version, use_worker_versioning=True, default_versioning_behavior=VersioningBehavior.PINNED
    )


async def serve(
    client: Client,
    settings: Settings,
    database: Database,
    stop: asyncio.Event,
    traces: Traces | None = None,
    outside: Outside | None = None,
) -> None:
    """Carry loans and campaigns until `stop`; then finish what is under way, 30 seconds at most.

    `outside` takes the place of the providers that the settings name.
    """
    believe(Warrants(master_keys(settings.encryption, settings.database_url)))
    control = TemporalLoans(client, settings.task_queue)
    campaigns = CampaignRunner(database, control)
    segments = SegmentSender(database, control)
    daily = DailyWorker(database, settings)
    async with loan_activities(settings, database, traces.http_client if traces else None, outside) as loans:
        versioned = deployment(settings.worker)
        worker = Worker(
            client,
            task_queue=settings.task_queue,
            workflows=WORKFLOWS,
            activities=[
                *loans,
                campaigns.start_loans,
                campaigns.instruct_loans,
                campaigns.set_state,
                campaigns.await_ends,
                segments.tell_loans,
                segments.withdraw_message,
                segments.set_send_state,
                daily.job,
            ],
            workflow_runner=workflow_runner(),
            interceptors=[LogIds()],
            max_cached_workflows=settings.worker.cached_workflows,
            workflow_failure_exception_types=[pydantic.ValidationError],
            graceful_shutdown_timeout=DRAIN,
            max_heartbeat_throttle_interval=timedelta(seconds=5),
            deployment_config=versioned,
            # The SDK would read and hash every module there is, a quarter of the CPU of a worker's start.
            build_id=version("recobro") if versioned is None else None,
        )
        async with worker, errands(settings, database, lambda: datetime.now(UTC), outside) as beside:
            errand = asyncio.create_task(beside.run(), name="errands")
            log.info("worker ready", extra={"task_queue": settings.task_queue, "namespace": client.namespace})
            await stop.wait()
            log.info("draining")
            errand.cancel()
            await asyncio.gather(errand, return_exceptions=True)


async def _outlive_nobody(stop: asyncio.Event) -> None:
    """One of several processes ends with the one that started it, however that died."""
    parent = int(os.environ[PARENT])
    while os.getppid() == parent:
        await asyncio.sleep(1)
    stop.set()


def measured_runtime(host: str, port: int) -> Runtime:
    """The SDK's metrics and ours on one port, named as Prometheus wants it."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    metrics = PrometheusConfig(
        bind_address=where, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=metrics, attach_service_name=False))
    except ValueError:
        why = "is the port taken, or is the address not this host's?"
        raise RuntimeError(f"metrics cannot be served at {where}: {why}") from None


async def _show_the_time(runtime: Runtime) -> None:
    """A clock that is wrong, or a loop that hangs, shows from outside."""
    clock = runtime.metric_meter.create_gauge_float(CLOCK.name, CLOCK.meaning)
    while True:
        clock.set(time.time())
        await asyncio.sleep(5)


def spare_the_collector() -> None:
    """What a worker holds when it is set up it keeps: looking through it for garbage took a twentieth of its CPU.

    Loans that left the memory are circles of objects which only a look through everything finds: once for every
    hundred loans or so, or what waits for it outgrows those that are kept.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 5, 2)


async def run(metrics_port: int | None) -> None:
    settings = load_settings()
    set_up_logs(json=settings.json_logs, subject=subject)
    runtime = None
    if metrics_port is not None:
        runtime = measured_runtime(settings.metrics_host, metrics_port)
        count_beside_activities_on(runtime.metric_meter)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    watch = asyncio.create_task(_outlive_nobody(stop)) if PARENT in os.environ else None
    clock = asyncio.create_task(_show_the_time(runtime)) if runtime is not None else None
    database = Database(settings.database_url)
    await asyncio.to_thread(database.check)
    traces = start_tracing(settings.tracing, "worker")
    client = await connect(runtime=runtime, interceptors=[traces.interceptor] if traces else [])
    await ensure_search_attributes(client)
    spare_the_collector()
    await serve(client, settings, database, stop, traces)
    if traces is not None:
        await asyncio.to_thread(traces.close)
    for task in (watch, clock):
        if task is not None:
            task.cancel()
    database.dispose()
    # The SDK's threads need a moment, or the interpreter may abort while it exits (sdk-python#300).
    await asyncio.sleep(0.05)


def run_many(processes: int, metrics_port: int | None) -> int:
    """One process a core: a Python worker uses one. A child that dies is started again."""
    children: dict[int, subprocess.Popen[bytes]] = {}
    stopping = False

    def start(number: int) -> None:
        port = [] if metrics_port is None else ["--metrics-port", str(metrics_port + number)]
        told = {**os.environ, PARENT: str(os.getpid())}
        children[number] = subprocess.Popen(  # nosec B603 # this program itself
            [sys.executable, __file__, *port], start_new_session=True, env=told
        )
        if stopping:
            # The signal came while there was no child yet that could be told.
            children[number].terminate()

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True
        for child in list(children.values()):
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    for number in range(processes):
        if not stopping:
            start(number)
    failures = 0
    while any(child.poll() is None for child in children.values()):
        for number, child in list(children.items()):
            try:
                code = child.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue
            if not stopping and code != 0:
                failures += 1
                if failures > 5 * processes:
                    stop(0, None)
                    return code
                start(number)
    return 0 if stopping else max((child.returncode for child in children.values()), default=0)


def main(
    processes: Annotated[int, typer.Option(min=1, max=64, help="Worker processes; one uses one core.")] = 1,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Serve Prometheus metrics here (and on the next ports).")
    ] = None,
    build_id: Annotated[
        str | None, typer.Option(help="This build's name for worker versioning (RECOBRO_WORKER__BUILD_ID).")
    ] = None,
) -> None:
    """Carry loans and campaigns until SIGTERM or Ctrl-C; work under way gets 30 seconds to finish.

    The Temporal server comes from TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE or a Temporal profile; everything else
    from RECOBRO_* variables or .env (see docs/settings.md).

    Example: worker.py --processes 4 --metrics-port 9100
    """
    if build_id is not None:
        # Told by the environment, so that each of several processes hears it too.
        os.environ["RECOBRO_WORKER__BUILD_ID"] = build_id
    if processes > 1:
        raise typer.Exit(run_many(processes, metrics_port))
    try:
        asyncio.run(run(metrics_port))
    except (OperationalError, InterfaceError) as error:
        # The driver's first line names the host or the file.
        reason = next(iter(str(error.orig).strip().splitlines()), type(error).__name__)
        typer.echo(f"worker: the database cannot be used: {reason[:200]}", err=True)
        raise typer.Exit(2) from None
    except (NoTemporal, OSError, ValueError, RuntimeError) as error:
        typer.echo(f"worker: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    typer.run(main)
