"""Whoever changes, removes or inserts a row of the audit trail is found out, on both databases."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from domain.audit_chain import BEGINNING, Entry, Fault, FaultKind, Head, entry_hash
from records import audit
from records.database import Database, alembic_config
from records.last_work import NotWriting
from tests.databases import PostgresServer
from tests.records.portfolios import LENDER, NOW


def filled(database: Database, count: int = 6) -> Head:
    for number in range(1, count + 1):
        with database.writing() as session:
            audit.append(
                session,
                at=NOW + timedelta(microseconds=number),
                actor="relay",
                action="noted",
                lender=LENDER,
                loan_id=f"L{number}",
                details={
                    "ñ": [number, 1.5, None, "\ud800\u0001"],
                    "channel": FaultKind.HEAD,
                    "nested": {"b": 1, "a": 2},
                },
            )
    return head(database)


def head(database: Database) -> Head:
    with database.reading() as session:
        found = audit.head_of(session)
    assert found is not None
    return found


def faults(database: Database, kept: Head | None = None) -> list[tuple[FaultKind, int | None]]:
    with database.reading() as session:
        return [(fault.kind, fault.row) for fault in audit.check(session, kept)[1]]


def tamper(database: Database, *statements: str) -> None:
    """As somebody who owns the database: triggers do not stop them."""
    with database.writing() as session:
        if database.embedded:
            for name in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
                session.execute(text(f"DROP TRIGGER {name}"))
        else:
            session.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
            session.execute(text("ALTER TABLE audit_head DISABLE TRIGGER ALL"))
        for statement in statements:
            session.execute(text(statement))


def rehash(database: Database, first: int) -> None:
    """Write all hashes from a row on, and the head, anew: what a careful forger would do."""
    with database.writing() as session:
        rows = audit.latest(session, 1_000)
        previous = rows[first - 2].hash if first > 1 else BEGINNING
        for row in rows[first - 1 :]:
            entry = Entry(row.id or 0, row.at, row.actor, row.action, row.lender, row.loan_id, row.details)
            previous = entry_hash(previous, entry)
            session.execute(text(f"UPDATE audit SET hash = '{previous}' WHERE id = {row.id}"))
        session.execute(text(f"UPDATE audit_head SET rows = {len(rows)}, last_id = {rows[-1].id}, hash = '{previous}'"))


_REST = "at, actor, action, lender, loan_id, details, hash"
COPY = f"INSERT INTO audit (id, {_REST}) SELECT {{id}}, {_REST} FROM audit WHERE id = {{of}}"


def test_a_trail_nobody_touched_is_whole(database: Database) -> None:
    assert faults(database) == []

    kept = filled(database)
    filled(database, 2)

    assert (kept.rows, kept.last_id) == (6, 6)
    assert faults(database, kept) == []
    with database.reading() as session:
        assert audit.check(session)[0] == 8


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit SET actor = 'another' WHERE id = 3", [(FaultKind.CHANGED, 3)]),
        ("UPDATE audit SET details = '{}' WHERE id = 3", [(FaultKind.CHANGED, 3)]),
        ("UPDATE audit SET at = '2026-01-01' WHERE id = 1", [(FaultKind.CHANGED, 1)]),
        ("UPDATE audit SET lender = NULL WHERE id = 6", [(FaultKind.CHANGED, 6)]),
        ("UPDATE audit SET loan_id = 'L9', action = 'x' WHERE id = 2", [(FaultKind.CHANGED, 2)]),
        ("UPDATE audit SET id = 90 WHERE id = 6", [(FaultKind.INSERTED, 90), (FaultKind.REMOVED, 6)]),
        ("UPDATE audit SET hash = 'x' WHERE id = 3", [(FaultKind.CHANGED, 3), (FaultKind.CHANGED, 4)]),
        ("DELETE FROM audit WHERE id = 3", [(FaultKind.REMOVED, 3)]),
        ("DELETE FROM audit WHERE id IN (1, 2)", [(FaultKind.REMOVED, 1)]),
        ("DELETE FROM audit WHERE id = 6", [(FaultKind.REMOVED, 6)]),
        ("DELETE FROM audit WHERE id > 4", [(FaultKind.REMOVED, 5)]),
        ("DELETE FROM audit", [(FaultKind.REMOVED, 1)]),
        (COPY.format(id=7, of=6), [(FaultKind.INSERTED, 7)]),
        (COPY.format(id=-1, of=6), [(FaultKind.INSERTED, -1)]),
        ("DELETE FROM audit_head", [(FaultKind.HEAD, None)]),
        ("UPDATE audit_head SET hash = 'x'", [(FaultKind.HEAD, 6)]),
        ("UPDATE audit_head SET rows = 7", [(FaultKind.HEAD, None)]),
        ("UPDATE audit_head SET last_id = 7", [(FaultKind.REMOVED, 7)]),
    ],
)
def test_every_change_is_found_and_its_row_named(
    database: Database, statement: str, found: list[tuple[FaultKind, int | None]]
) -> None:
    filled(database)

    tamper(database, statement)

    assert faults(database) == found


def test_a_row_exchanged_for_one_that_fits_is_found_by_the_next(database: Database) -> None:
    filled(database)
    with database.reading() as session:
        second, third = audit.latest(session, 6)[1:3]
    forged = entry_hash(
        second.hash, Entry(3, third.at, "another", third.action, third.lender, third.loan_id, third.details)
    )

    tamper(database, f"UPDATE audit SET actor = 'another', hash = '{forged}' WHERE id = 3")

    with database.reading() as session:
        (fault,) = audit.check(session)[1]
    assert fault == Fault(FaultKind.CHANGED, 4, "row 4 is not what was written, or does not follow row 3, which was")


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("UPDATE audit SET actor = 'another' WHERE id = 3", 3),
        ("DELETE FROM audit WHERE id > 4", 4),
        ("DELETE FROM audit WHERE id = 2", 2),
    ],
)
def test_a_trail_written_anew_is_found_only_by_a_head_kept_elsewhere(
    database: Database, statement: str, first: int
) -> None:
    kept = filled(database)

    tamper(database, statement)
    rehash(database, first)

    assert faults(database) == []
    assert [kind for kind, _ in faults(database, kept)] == [FaultKind.KEPT_HEAD]


def test_the_head_itself_neither_goes_back_nor_away(database: Database) -> None:
    filled(database)

    for statement in ("DELETE FROM audit_head", "UPDATE audit_head SET rows = 5, last_id = 5"):
        with pytest.raises(DBAPIError, match="only grows"), database.writing() as session:
            session.execute(text(statement))

    assert faults(database) == []


def test_writers_at_once_make_one_chain(database: Database) -> None:
    def write(actor: str) -> None:
        for number in range(15):
            with database.writing() as session:
                audit.append(session, at=NOW, actor=actor, action="first", details={"n": number})
                audit.append(session, at=NOW, actor=actor, action="second", details={"n": number})

    writers = [threading.Thread(target=write, args=(f"w{number}",)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert head(database).rows == 120
    assert faults(database) == []
    with database.reading() as session:
        for actor in ("w0", "w3"):
            entries = audit.latest(session, 100, actor=actor)
            assert [entry.details["n"] for entry in entries] == [number for number in range(15) for _ in range(2)]


def test_appending_holds_nobody_up_before_the_commit(database: Database) -> None:
    if database.embedded:
        pytest.skip("on SQLite a writing transaction is alone anyway")

    with database.writing() as slow:
        audit.append(slow, at=NOW, actor="slow", action="begun")
        with database.writing() as quick:
            quick.execute(text("SET LOCAL lock_timeout = '2s'"))
            audit.append(quick, at=NOW, actor="quick", action="done")

    with database.reading() as session:
        assert [entry.actor for entry in audit.latest(session, 5)] == ["quick", "slow"]
    assert faults(database) == []


def test_what_is_undone_leaves_no_gap(database: Database) -> None:
    filled(database, 2)

    with contextlib.suppress(RuntimeError), database.writing() as session:
        audit.append(session, at=NOW, actor="x", action="lost")
        raise RuntimeError
    filled(database, 1)

    assert head(database).rows == 3
    assert faults(database) == []


def test_appending_where_it_would_be_lost_is_refused(database: Database) -> None:
    with database.reading() as session, pytest.raises(NotWriting):
        audit.append(session, at=NOW, actor="x", action="lost")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql_server: Callable[[], PostgresServer]
) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    else:
        name = f"empty_{uuid4().hex[:8]}"
        postgresql_server().run(f"CREATE DATABASE {name}")
        opened = Database(postgresql_server().url(name))
    yield opened
    opened.dispose()


def test_rows_from_before_are_chained_as_they_stand(empty: Database) -> None:
    database = empty
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with database._engine.connect().execution_options(writing=True) as connection, connection.begin():
        command.upgrade(alembic_config(connection), BEFORE)
        _old_row(connection, 1, at, '{"a": 1}')
        _old_row(connection, 5, at + timedelta(microseconds=1), '{"z": "ñ", "a": [1.5, null]}')
    database.migrate()

    filled(database, 2)

    assert head(database).rows == 4
    assert head(database).last_id == 7
    assert faults(database) == []
    tamper(database, "UPDATE audit SET details = '{\"a\": 2}' WHERE id = 1")
    assert faults(database) == [(FaultKind.CHANGED, 1)]


BEFORE = "0004"


def _old_row(connection: Connection, id: int, at: datetime, details: str) -> None:
    moment = at.isoformat(sep=" ", timespec="microseconds")
    kept = moment.removesuffix("+00:00") if connection.dialect.name == "sqlite" else moment
    connection.execute(
        text("INSERT INTO audit (id, at, actor, action, details) VALUES (:id, :at, 'old', 'noted', :details)"),
        {"id": id, "at": kept, "details": details},
    )
