"""What docs/operations.md has people type works as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from alembic import command
from dotenv import dotenv_values
from sqlalchemy import text as sql

from commands.catch_up import BY_HAND, Unknown
from domain.contact import Channel
from domain.talks import Talk
from records import audit, loans, people, talks
from records.database import Database, alembic_config
from tests.databases import PostgresServer, postgresql_server
from tests.monitoring.operations_page import PAGE, block_with, type_block
from tests.records.portfolios import NOW, enter, entered, handed

__all__ = ["postgresql_server"]
TWO_DAYS = ("2026-11-29", "2026-11-30")


def test_prometheus_asks_every_process_that_the_unit_starts() -> None:
    unit, asked = block_with("worker.py --processes"), block_with("job_name: recobro-worker")
    found = re.search(r"--processes (\d+) --metrics-port (\d+)", unit)
    assert found is not None
    processes, port = map(int, found.groups())

    workers = re.findall(r'"([\d.]+):(9\d+)"', asked.split("recobro-web")[0])

    assert [int(each) for _, each in workers] == [port + number for number in range(processes)]
    assert f"RECOBRO_METRICS_HOST='{workers[0][0]}'\n" in block_with("RECOBRO_METRICS_HOST=")


def test_what_is_one_hosts_own_is_not_in_the_file_of_all_and_the_unit_reads_both() -> None:
    shared, unit = block_with("TEMPORAL_ADDRESS="), block_with("worker.py --processes")

    assert "RECOBRO_METRICS_HOST" not in shared
    assert re.findall(r"^EnvironmentFile=(.*)$", unit, re.MULTILINE) == ["/etc/recobro/env", "/etc/recobro/host"]


def test_at_night_a_shell_reads_the_services_settings_as_they_read_them(tmp_path: Path) -> None:
    more = {
        "RECOBRO_LENDERS": '{"acme": {"name": "Acme Crédito", "phone": "+34900"}}',
        "RECOBRO_KEYS_URL": "postgresql://r:a$1b#c;d@db/keys?a=b&c=d",
    }
    quoted = "".join(f"{name}='{value}'\n" for name, value in more.items())
    given = {"env": block_with("TEMPORAL_ADDRESS=") + quoted, "host": block_with("RECOBRO_METRICS_HOST=")}
    for name, text in given.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (typed,) = [line for line in block_with("sudo -u recobro bash").splitlines() if line.startswith("set -a")]

    shell = subprocess.run(
        ["sh", "-c", typed.replace("/etc/recobro/", f"{tmp_path}/") + "; env"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )

    read = dict(line.split("=", 1) for line in shell.stdout.splitlines() if "=" in line)
    meant = dotenv_values(stream=StringIO("".join(given.values())))
    assert {name: read.get(name) for name in meant} == meant
    assert {name: read.get(name) for name in more} == more
    assert "&" in read["RECOBRO_DATABASE_URL"]


def test_every_value_of_the_services_settings_stands_in_single_quotes_as_the_page_asks() -> None:
    lines = [*block_with("TEMPORAL_ADDRESS=").splitlines(), *block_with("RECOBRO_METRICS_HOST=").splitlines()]

    assert [line for line in lines if line and not re.fullmatch(r"[A-Z_]+='[^']*'", line)] == []
    assert "value in single quotes**" in PAGE


def test_what_is_restored_is_what_the_nightly_dump_wrote_each_from_its_own_place() -> None:
    """Given the nightly dumps of the records and of people's keys, then each is restored from the file it was written
    to, into the database it came from, and the keys' own URL is named where there is one."""
    dumped = dict(re.findall(r'--file=(.+) "\$(\w+)"', block_with("pg_dump")))
    restored = dict(re.findall(r'pg_restore .*?--dbname="\$(\w+)" (/\S+\.dump)$', PAGE, re.MULTILINE))

    assert {file.replace("$(date +%F)", "DATE"): name for file, name in dumped.items()} == {
        file: name for name, file in restored.items()
    }
    assert restored.keys() == {"DATABASE", "KEYS"}
    assert "# KEYS: RECOBRO_ENCRYPTION__PERSON_KEYS_URL" in block_with("pg_dump")


def test_the_nightly_list_of_what_people_enter_says_all_that_it_takes_to_note_their_calls_again(tmp_path: Path) -> None:
    """Given a call that a person noted after the backup, when the records are restored, then the nightly list has what
    `loan talked` asks for, told from it twice it counts once, and the page and `catch-up` both ask for it."""
    records, restored = (Database(f"sqlite:///{tmp_path}/{name}.db") for name in ("records", "restored"))
    call = Talk(Channel.CALL, NOW, inbound=True)
    with records.writing() as session:
        enter(session, [handed("L1")])
        (loan,) = entered(session, "L1")
        talks.note(session, loan, call, by="ana", now=NOW)
    (nightly,) = re.findall(r"for action in (.*?); do", block_with("for action in"), re.DOTALL)
    with records.reading() as session:
        listed = [row for action in re.findall(r"\w+", nightly) for row in audit.of_action(session, action)]
    (told,) = [row.details for row in listed]

    with restored.writing() as session:
        enter(session, [handed("L1")])
        (loan,) = entered(session, "L1")
        again = Talk(
            Channel(told["channel"]),
            datetime.fromisoformat(told["at"]),
            inbound=told["inbound"],
            answered=told["answered"],
        )
        noted = [talks.note(session, loan, again, by="ana", now=NOW) for _twice in range(2)]

    assert (again, noted) == (call, [True, False])
    assert "| no: do again | `loan talked LOAN --channel CHANNEL --at MOMENT`" in PAGE
    assert "loan talked --at" in BY_HAND[Unknown.TALKS]


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="SQLite's own program is not here")
def test_the_nightly_backup_of_sqlite_works_every_night_and_is_readable_where_the_records_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RECOBRO_ENCRYPTION__KEYS", raising=False)
    for folder in ("backup", "keys"):
        (tmp_path / folder).mkdir()
    records = Database(f"sqlite:///{tmp_path}/var/recobro.db")
    with records.writing() as session:
        enter(session, [handed("L1", name="Ana Pruebas")])
    first, keys, master = block_with("VACUUM INTO").splitlines()

    for day in TWO_DAYS:
        for line in (first, keys, master):
            typed = line.replace("$(date +%F)", day).replace("/mnt/", f"{tmp_path}/")
            subprocess.run(["sh", "-c", typed], cwd=tmp_path, check=True)
            if line == first:
                with records.writing() as session:
                    enter(session, [handed(f"N{day}", name="Between the two")], campaign_id=day)

    restored = tmp_path / "restored"
    restored.mkdir()
    shutil.copy(tmp_path / "backup" / f"recobro-{TWO_DAYS[1]}.db", restored / "recobro.db")
    shutil.copy(tmp_path / "keys" / f"recobro-{TWO_DAYS[1]}.person-keys.db", restored / "recobro.person-keys.db")
    shutil.copy(tmp_path / "keys" / "recobro.master-keys.json", restored)
    with Database(f"sqlite:///{restored}/recobro.db").reading() as session:
        found = [people.of_loan(session, loan).name for loan in loans.listing(session)]
        assert sorted(found, key=str) == ["Ana Pruebas", "Between the two"]


def test_a_backup_of_an_older_version_is_restored_into_the_records_of_this_one(
    postgresql_server: Callable[[], PostgresServer], tmp_path: Path
) -> None:
    """Given a nightly dump from before an upgrade that brought tables, when it is restored as the page says by a role
    that owns its database and no more, and the tables are migrated, then the records are those of the dump; and so a
    second time, from a dump of what was restored."""
    server = postgresql_server()
    server.run("CREATE ROLE restorer LOGIN")
    server.run("CREATE DATABASE restored OWNER restorer")
    url = re.sub(r"//[^@/]*@", "//restorer@", server.url("restored"))
    records = Database(url)
    try:
        records.migrate()
        with records.writing() as session:
            enter(session, [handed("L1", name="Ana Pruebas")])
        with records.writing() as session:
            command.downgrade(alembic_config(session.connection()), "-12")
        type_block("pg_dump", url, tmp_path)
        records.migrate()
        for _again in range(2):
            with records.writing() as session:
                enter(session, [handed("L2", name="After the dump")], campaign_id="c2")
            records.dispose()

            type_block("pg_restore --schema=public", url, tmp_path)

            records.migrate()
            with records.reading() as session:
                assert [people.of_loan(session, loan).name for loan in loans.listing(session)] == ["Ana Pruebas"]
            assert records.schema_differences() == []
            with records.writing() as session:
                session.execute(sql("DROP SCHEMA before_restore CASCADE"))
            type_block("pg_dump", url, tmp_path)
    finally:
        records.dispose()
        server.run("DROP DATABASE IF EXISTS restored WITH (FORCE)")
        server.run("DROP ROLE restorer")
