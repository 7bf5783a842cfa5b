from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from records.database import Database
from tests.activities.debit_desk import MONDAY
from tests.activities.other_bank import OtherBank, bank_here
from tests.activities.outside import Desk, desk_for, settings_for
from tests.databases import database, database_url, postgresql_server, sqlite_template
from tests.sandbox.running import World, running

__all__ = ["database", "database_url", "postgresql_server", "sqlite_template"]


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world") / "log.jsonl") as world:
        yield world


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    """The module's world; the faults of one test do not reach the next."""
    yield shared_world
    shared_world.http.delete("/_world/faults")


@pytest.fixture
def lite(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """A fresh database on SQLite alone, for what no database could make a difference to."""
    shutil.copy(sqlite_template, tmp_path / "lite.db")
    opened = Database(f"sqlite:///{tmp_path / 'lite.db'}")
    yield opened
    opened.dispose()


@pytest.fixture
async def desk(lite: Database, world: World) -> AsyncIterator[Desk]:
    async with desk_for(lite, settings_for(world)) as opened:
        yield opened


@pytest.fixture
def bank() -> Iterator[OtherBank]:
    """A bank that takes direct debits, as if written by somebody else."""
    with bank_here(MONDAY) as opened:
        yield opened


@pytest.fixture
async def both(database: Database, world: World) -> AsyncIterator[Desk]:
    """As `desk`, once on SQLite and once on PostgreSQL."""
    async with desk_for(database, settings_for(world)) as opened:
        yield opened
