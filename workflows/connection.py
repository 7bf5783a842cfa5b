"""The way to a Temporal server: Temporal's own profiles and `TEMPORAL_*` variables, so a cluster needs no code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client, Interceptor
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from config.settings import load_settings
from workflows.payload_encryption import data_converter
from workflows.search_attributes import ALL

DEFAULT_PORT = 7233
"""Of this machine: where a client looks that nothing was configured for."""
STARTS_WITHIN = 20.0
"""Seconds that a server which listens but says that it is still starting is waited for."""


class NoTemporal(ConnectionError):
    """The server cannot be reached or used; the text says where it was looked for and what to do."""


async def connect(
    *, lazy: bool = False, runtime: Runtime | None = None, interceptors: Sequence[Interceptor] = ()
) -> Client:
    """A client for the configured server and namespace, with the payload encryption of the settings.

    A server that is still starting is waited for.

    Raises NoTemporal, unless `lazy`; BadSettings and BadKeys when the keys cannot be used.
    """
    converter = data_converter(load_settings())
    try:
        given = ClientConfig.load_client_connect_config()
    except Exception as error:
        raise NoTemporal(f"Temporal's configuration cannot be read: {error}") from None
    given.setdefault("target_host", f"localhost:{DEFAULT_PORT}")
    given.setdefault("namespace", "default")
    where = f"{given['target_host']} (namespace {given['namespace']})"
    starting_until = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            return await Client.connect(
                **given, data_converter=converter, lazy=lazy, runtime=runtime, interceptors=interceptors
            )
        except (RuntimeError, ValueError, RPCError) as error:
            if _STARTING in str(error) and time.monotonic() < starting_until:
                await asyncio.sleep(0.2)
                continue
            raise NoTemporal(
                f"no Temporal server at {where}: {_why(str(error))}. "
                "Start one with `starter.py up`, or set TEMPORAL_ADDRESS"
            ) from None


_STARTING = "not healthy yet"
_WHY = (
    (_STARTING, "it is starting and takes no calls yet"),
    ("ConnectionRefused", "nothing listens there"),
    ("dns error", "the host's name is not known"),
    ("invalid target URL", "that is no HOST:PORT"),
    ("invalid uri", "that is no HOST:PORT"),
    ("timed out", "it does not answer"),
    ("TimedOut", "it does not answer"),
    ("NetworkUnreachable", "there is no way to it"),
    ("HostUnreachable", "there is no way to it"),
    ("Unauthenticated", "it does not accept our credentials"),
    ("PermissionDenied", "it does not accept our credentials"),
    ("certificate", "its certificate is not trusted"),
    ("tls handshake", "it does not speak TLS"),
    ("Unimplemented", "what answers there is not Temporal"),
    ("call error after connection", "what answers there is not Temporal, or wants TLS"),
)
"""What the SDK's messages hold, and what that means; first match."""


def _why(reason: str) -> str:
    return next((said for held, said in _WHY if held in reason), reason.split("\n")[0][:160])


async def ensure_search_attributes(client: Client) -> None:
    """Register what loans are sorted by, if it is not yet. Raises NoTemporal when that is not allowed."""
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = {
            key.name: IndexedValueType.ValueType(key.indexed_value_type.value)
            for key in ALL
            if key.name not in known.custom_attributes
        }
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(search_attributes=missing, namespace=client.namespace)
            )
            await _until_known(client, set(missing))
    except RPCError as error:
        names = ", ".join(f"{key.name} ({key.indexed_value_type.name.title()})" for key in ALL)
        raise NoTemporal(
            f"search attributes cannot be registered ({error.status.name}): add them yourself: {names}"
        ) from None


async def _until_known(client: Client, names: set[str]) -> None:
    """The server needs a moment until workflows may use a new attribute."""
    for _ in range(100):
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        if names <= set(known.custom_attributes):
            return
        await asyncio.sleep(0.05)
