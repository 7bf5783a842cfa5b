"""What stays for the whole run is neither looked through, nor parsed, nor built again."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import fastapi._compat.v2
import httpx._transports.default
import pytest
from hypothesis import HealthCheck, settings
from pydantic import TypeAdapter
from ruamel.yaml import YAML

_MOST = 300
_THOROUGH = {"RECOBRO_FUZZ": "4", "ORACLE_EXAMPLES": "2000"}
"""How many examples `make test-long` draws where `make test` draws a few."""

# How long an example takes tells how busy the machine is, and nothing of the code.
settings.register_profile("recobro", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("recobro")


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as cores, three at least: the tests wait for servers and clocks for half of their time."""
    return max(3, (os.cpu_count() or 2) * 3 // 2)


def _asks_for_the_long_ones(config: pytest.Config) -> bool:
    return bool(config.option.markexpr == "long")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "drawn: draws its examples; `make test-long` draws many more of them")
    if _asks_for_the_long_ones(config):
        for name, examples in _THOROUGH.items():
            os.environ.setdefault(name, examples)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _asks_for_the_long_ones(config):
        for item in items:
            if item.get_closest_marker("drawn"):
                item.add_marker(pytest.mark.long)


def pytest_collection_finish() -> None:
    """A full collection over thousands of collected tests takes seconds, within a workflow's task its two at most."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _once(parse: Callable[[YAML, Any], Any]) -> Callable[[YAML, Any], Any]:
    """The same text is parsed once: a process of the product reads its files once, the tests hundreds of times."""
    known: dict[tuple[object, ...], Any] = {}

    def parsed(self: YAML, stream: Any) -> Any:
        if not isinstance(stream, str):
            return parse(self, stream)
        key = (*self.typ, self.pure, stream)
        if key not in known:
            if len(known) >= _MOST:
                known.clear()
            known[key] = parse(self, stream)
        return known[key]

    return parsed


YAML.load = _once(YAML.load)
YAML.compose = _once(YAML.compose)


def _adapters_once(build: Callable[..., TypeAdapter[Any]]) -> Callable[..., TypeAdapter[Any]]:
    """Half of what an app with all its routes costs: a process of the product has one, the tests a thousand."""
    known: dict[tuple[object, ...], TypeAdapter[Any]] = {}

    def adapter(annotated: Any, *, config: Any = None) -> TypeAdapter[Any]:
        key = (annotated.__origin__, repr(annotated.__metadata__), repr(config))
        try:
            if key not in known:
                known[key] = build(annotated, config=config)
        except TypeError:
            return build(annotated, config=config)
        return known[key]

    return adapter


# Each would read the certificates of all the world's authorities anew.
httpx._transports.default.create_ssl_context = cache(httpx._transports.default.create_ssl_context)
fastapi._compat.v2.TypeAdapter = _adapters_once(TypeAdapter)  # type: ignore[assignment,misc]
