from collections.abc import Iterator

import pytest

from tests.sandbox.running import World, running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world") / "log.jsonl") as world:
        yield world


@pytest.fixture
def world(shared: World) -> Iterator[World]:
    """The module's world; faults and the listener's whims of one test do not reach the next."""
    yield shared
    shared.http.delete("/_world/faults")
    shared.listener.answer = lambda posted: 200
