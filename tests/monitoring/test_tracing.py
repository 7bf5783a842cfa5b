"""Spans as a collector receives them, over real OTLP, of a real workflow, activity and call to a provider."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from config.tracing_settings import Tracing
from tests.activities.servers import temporal_server
from workflows.runner import workflow_runner
from workflows.tracing import Traces, start_tracing

PHONE, MAIL = "+34600123123", "ximena@mail.example"


class Receiver(ThreadingHTTPServer):
    """A collector, and on every other path a provider."""

    bodies: list[bytes]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert isinstance(self.server, Receiver)
        if self.path == "/v1/traces":
            self.server.bodies.append(body)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def receiver() -> Iterator[Receiver]:
    server = Receiver(("127.0.0.1", 0), Handler)
    server.bodies = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def spans(server: Receiver) -> dict[str, Span]:
    found: dict[str, Span] = {}
    for body in server.bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                found |= {span.name: span for span in scope.spans}
    return found


class Calls:
    def __init__(self, traces: Traces, url: str) -> None:
        self._traces, self._url = traces, url

    @activity.defn(name="calls")
    async def calls(self) -> None:
        async with self._traces.http_client(httpx.Limits()) as client:
            await client.post(f"{self._url}/accounts/{PHONE}?to={MAIL}", content=MAIL)
        if activity.info().attempt == 1:
            raise ApplicationError(f"a careless text about {MAIL}")


@workflow.defn
class Traced:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            "calls",
            start_to_close_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
        )


async def test_a_collector_sees_the_way_and_nobody_on_it() -> None:
    with receiver() as collector, temporal_server() as address:
        url = f"http://127.0.0.1:{collector.server_port}"
        traces = start_tracing(Tracing(endpoint=url), "worker")
        assert traces is not None
        client = await Client.connect(address, interceptors=[traces.interceptor])
        async with Worker(
            client,
            task_queue="q",
            workflows=[Traced],
            activities=[Calls(traces, url).calls],
            workflow_runner=workflow_runner(),
        ):
            await client.execute_workflow(Traced.run, id="loan-acme-L-1", task_queue="q")
        await asyncio.to_thread(traces.close)

        seen = spans(collector)
        raw = b"".join(collector.bodies)

    assert {"StartWorkflow:Traced", "RunWorkflow:Traced", "RunActivity:calls", "POST"} <= set(seen)
    assert len({span.trace_id for span in seen.values()}) == 1
    call = {one.key: one.value for one in seen["POST"].attributes}
    assert set(call) == {"http.request.method", "server.address", "server.port", "http.response.status_code"}
    assert b"loan-acme-L-1" in raw
    assert b"recobro-worker" in raw
    assert b"a careless text about [e-mail]" in raw
    for secret in (PHONE, "600123123", MAIL, "ximena", "accounts"):
        assert secret.encode() not in raw


def test_without_the_setting_nothing_is_traced() -> None:
    assert start_tracing(None, "worker") is None


@pytest.mark.parametrize("wrong", [{"endpoint": "collector:4318"}, {"endpoint": "http://c", "share": 2}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"endpoint|share"):
        Tracing.model_validate_json(json.dumps(wrong))
