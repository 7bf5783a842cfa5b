from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from records import audit, loans, people
from records.database import BadDatabaseUrl, Database, SchemaOutOfDate, _head, alembic_config
from records.tables import Payment, PaymentSource, Person
from tests.databases import PostgresServer
from tests.records.portfolios import LENDER, NOW, entered


def test_the_migrations_are_the_tables_in_code(database: Database) -> None:
    assert database.schema_differences() == []
    assert database.outdated() is None


def test_migrations_are_one_line_and_named_in_their_order() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())

    assert scripts.get_heads() == [_head()]
    assert all(Path(each.path).name.startswith(f"{each.revision}_") for each in scripts.walk_revisions())


def test_a_new_sqlite_file_is_ready_at_first_use(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/not/there/yet.db")

    with database.writing() as session:
        audit.append(session, at=NOW, actor="test", action="begin")

    with database.reading() as session:
        assert len(audit.of_action(session, "begin")) == 1
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.dispose()


def test_many_processes_may_open_a_new_sqlite_file_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from datetime import datetime, UTC; from records import audit; "
        "from records.database import Database\n"
        "with Database(sys.argv[1]).writing() as session:\n"
        "    audit.append(session, at=datetime(2026, 1, 1, tzinfo=UTC), actor='test', action='begin')"
    )
    url = f"sqlite:///{tmp_path}/shared.db"

    started = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(4)]

    assert [process.wait(timeout=60) for process in started] == [0, 0, 0, 0]
    with Database(url).reading() as session:
        assert len(audit.of_action(session, "begin")) == 4


def test_postgresql_is_migrated_only_when_asked(postgresql_server: Callable[[], PostgresServer]) -> None:
    server = postgresql_server()
    server.run("CREATE DATABASE empty_one")
    database = Database(server.url("empty_one"))

    with pytest.raises(SchemaOutOfDate, match=r"starter\.py database migrate"), database.reading():
        pass

    database.migrate()
    database.migrate()
    with database.writing() as session:
        audit.append(session, at=NOW, actor="test", action="begin")
    database.dispose()
    server.run("DROP DATABASE empty_one")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://u:secret@host/db", "what is this"])
def test_an_unusable_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadDatabaseUrl) as refused:
        Database(url)
    assert "secret" not in str(refused.value)


def test_moments_come_back_in_utc_and_naive_ones_are_refused(database: Database) -> None:
    bogota = datetime(2026, 3, 2, 8, 30, 15, 123456, tzinfo=timezone(timedelta(hours=-5)))

    with database.writing() as session:
        audit.append(session, at=bogota, actor="test", action="zoned")

    with database.reading() as session:
        found = audit.of_action(session, "zoned")[0].at
    assert found == bogota
    assert found.tzinfo is UTC
    with pytest.raises(Exception, match="without a time zone"), database.writing() as session:
        audit.append(session, at=datetime(2026, 3, 2), actor="test", action="naive")


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    def note_and_fail() -> None:
        with database.writing() as session:
            audit.append(session, at=NOW, actor="test", action="lost")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        note_and_fail()

    with database.reading() as session:
        assert audit.of_action(session, "lost") == []


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'another'", "DELETE FROM audit"])
def test_the_audit_trail_can_be_neither_changed_nor_removed(database: Database, change: str) -> None:
    with database.writing() as session:
        audit.append(session, at=NOW, actor="test", action="kept", lender=LENDER, loan_id="L1", details={"a": 1})

    with pytest.raises(DBAPIError, match="append-only"), database.writing() as session:
        session.execute(text(change))

    with database.reading() as session:
        (entry,) = audit.of_loan(session, LENDER, "L1")
    assert (entry.actor, entry.details) == ("test", {"a": 1})


def test_the_database_itself_refuses_what_no_table_may_hold(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")

    for statement in (
        "UPDATE loan SET state = 'somewhere'",
        "UPDATE loan SET amount_due_minor = 0",
        "UPDATE loan SET state = 'ended'",
        "UPDATE loan SET person_ref = 999999",
        "DELETE FROM person",
    ):
        with pytest.raises(IntegrityError), database.writing() as session:
            session.execute(text(statement))
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(Person(lender=LENDER, person_id="p-L1", language="es", country="ES", updated_at=NOW))
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(
            Payment(
                provider="x",
                payment_id="1",
                amount_minor=0,
                currency="EUR",
                paid_at=NOW,
                received_at=NOW,
                source=PaymentSource.RECORD,
            )
        )
    with database.reading() as session:
        assert loans.get(session, LENDER, "L1").amount_due_minor == loan.amount_due_minor


def test_writers_queue_instead_of_failing(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        audit.append(session, at=NOW, actor="0", action="count")
    failures: list[BaseException] = []

    def add_many() -> None:
        try:
            for _ in range(25):
                with database.writing() as session:
                    person = people.of_loan(session, loan)
                    person.name = "x"
                    session.add(person)
                    audit.append(session, at=NOW, actor="test", action="count")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=add_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    with database.reading() as session:
        assert len(audit.of_action(session, "count")) == 101


def test_a_reader_is_not_stopped_by_a_writer(database: Database) -> None:
    with database.writing() as writer:
        audit.append(writer, at=NOW, actor="test", action="pending")
        with database.reading() as reader:
            assert audit.of_action(reader, "pending") == []


def test_a_locked_sqlite_file_raises_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "busy.db"
    database = Database(f"sqlite:///{path}", busy_seconds=0.2)
    database.check()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DBAPIError, match="locked"), database.writing():
        pass

    other.execute("ROLLBACK")
    other.close()
    database.dispose()


def test_an_error_of_the_database_repeats_no_name_or_number(database: Database) -> None:
    def secret(**changes: object) -> Person:
        values = {"lender": LENDER, "person_id": "p", "language": "es", "country": "ES", "updated_at": NOW}
        return Person(**values | {"name": "Ana Secreta", "phone": "+34600111222"} | changes)  # type: ignore[arg-type]

    with database.writing() as session:
        session.add(secret())
    for wrong in (secret(), secret(person_id="q", country=None)):
        with pytest.raises(IntegrityError) as failed, database.writing() as session:
            session.add(wrong)
        told = "".join(traceback.format_exception(failed.value))
        assert "Secreta" not in told
        assert "600111222" not in told
