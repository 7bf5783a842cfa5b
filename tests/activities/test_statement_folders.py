"""Statements in a folder: each taken in once and moved away, each that cannot be read beside its reason."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from activities import statement_folders
from activities.bank_files import BankDesk
from activities.daily_orders import DayJob, DayOrder, DayReport
from activities.daily_work import DailyWorker
from config.bank_file_settings import StatementFolder
from config.settings import Settings
from config.statement_mapping import StatementMapping
from domain.bank_news import BankFile
from providers.bankfiles.any_file import read_any
from records import loans, payments
from records.database import Database
from starter import app
from tests.activities.outside import TUESDAY, environment
from tests.commands.test_reconcile import MAPPING, mt940
from tests.records.portfolios import LENDER, enter, handed

CSV = "day,amount,text,name,iban,ref\n2026-11-27,40.00,P-20417,Lucia,,R1\n2026-11-27,7.00,P-20418,Lucia,,R9\n"


@pytest.fixture
def records(lite: Database) -> Database:
    with lite.writing() as session:
        enter(session, [handed(name, name="Lucía Gómez", person_id="lucia") for name in ("P-20417", "P-20418")])
    return lite


def lay(folder: Path, name: str, body: str | bytes, *, age: float = 60) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    os.utime(path, (time.time() - age,) * 2)


def settings(*folders: StatementFolder) -> Settings:
    return Settings(_env_file=None, statements=folders)


async def run(database: Database, given: Settings) -> DayReport:
    order = DayOrder(job=DayJob.STATEMENTS, day=TUESDAY.date(), zone="UTC")
    return await environment(TUESDAY).run(DailyWorker(database, given).job, order)


def due(database: Database, loan_id: str) -> int:
    with database.reading() as session:
        return payments.balance_due(session, loans.get(session, LENDER, loan_id))


def lying(folder: Path) -> dict[str, list[str]]:
    places: dict[str, Any] = {"": folder, "done": folder / "done", "refused": folder / "refused"}
    return {
        name: sorted(one.name for one in place.iterdir() if one.is_file())
        for name, place in places.items()
        if place.exists()
    }


async def test_new_files_are_taken_in_once_in_their_order_and_moved_away(records: Database, tmp_path: Path) -> None:
    folder, mapping = tmp_path / "in", tmp_path / "bank.yaml"
    mapping.write_text(MAPPING)
    lay(folder, "second.csv", CSV, age=60)
    lay(folder, "first.txt", mt940(("C40,00", "R1", "Pago P-20417")), age=90)
    lay(folder, "arriving.sta", mt940(("C1,00", "R3", "P-20417")), age=0)
    lay(folder, "arriving.sta.part", "x")
    given = settings(StatementFolder(folder=folder, mapping=mapping, lender=LENDER))

    first = await run(records, given)
    lay(folder, "second.csv", CSV)
    again = await run(records, given)

    assert first.told == "2 files taken in, 2 matched"
    assert not first.wrong
    assert (again.told, again.wrong) == ("0 files taken in", False)
    assert (due(records, "P-20417"), due(records, "P-20418")) == (6_000, 9_300), "R1 stands in both files"
    assert lying(folder) == {
        "": ["arriving.sta", "arriving.sta.part"],
        "done": ["first.txt", "second-2.csv", "second.csv"],
    }


async def test_what_cannot_be_read_is_refused_with_its_line_and_holds_nothing_up(
    records: Database, tmp_path: Path
) -> None:
    folder, mapping = tmp_path / "in", tmp_path / "bank.yaml"
    mapping.write_text(MAPPING)
    lay(folder, "bad.csv", CSV + "2026-11-27,secret,P-20418,Lucia,,R2\n", age=90)
    lay(folder, "good.sta", mt940(("C40,00", "R1", "P-20417")), age=60)
    lay(folder, "photo.jpg", b"\xff\xd8\xff")
    bare = tmp_path / "bare"
    lay(bare, "x.csv", CSV)
    given = settings(
        StatementFolder(folder=tmp_path / "nowhere"),
        StatementFolder(folder=folder, mapping=mapping, lender=LENDER),
        StatementFolder(folder=bare),
    )

    report = await run(records, given)
    mended = CSV + "2026-11-27,3.00,P-20418,Lucia,,R2\n"
    lay(folder, "bad.csv", mended)
    after = await run(records, settings(given.statements[1]))

    assert report.wrong
    assert "nowhere (the folder cannot be used: No such file or directory)" in report.told
    assert "x.csv (a CSV file, and no mapping is set for the folder)" in report.told
    assert lying(folder)["refused"] == ["bad.csv", "bad.csv.reason.txt", "photo.jpg", "photo.jpg.reason.txt"]
    reason = (folder / "refused" / "bad.csv.reason.txt").read_text()
    assert "line 4" in reason
    assert "secret" not in reason
    assert lying(folder)["done"] == ["bad.csv", "good.sta"]
    assert after.told == "1 files taken in, 2 matched"
    assert (due(records, "P-20417"), due(records, "P-20418")) == (6_000, 9_000)


async def test_a_run_that_died_after_the_records_took_the_file_only_moves_it(
    records: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from providers.bankfiles.statement_folder import StatementFolder as Folder

    folder = tmp_path / "in"
    lay(folder, "s.sta", mt940(("C40,00", "R1", "P-20417")))
    given = settings(StatementFolder(folder=folder, lender=LENDER))

    def dies(self: Folder, name: str) -> None:
        raise RuntimeError("died")

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "done", dies)
        with pytest.raises(RuntimeError):
            await run(records, given)
    after = await run(records, given)

    assert after.told == "0 files taken in"
    assert lying(folder)["done"] == ["s.sta"]
    assert due(records, "P-20417") == 6_000


async def test_a_file_that_fails_in_a_way_nobody_foresaw_stays_and_holds_no_other_up(
    records: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, another = tmp_path / "in", tmp_path / "another"
    lay(folder, "odd.sta", mt940(("C40,00", "R1", "P-20417")), age=90)
    lay(folder, "good.sta", mt940(("C41,00", "R2", "P-20417")), age=60)
    lay(another, "good.sta", mt940(("C7,00", "R3", "P-20418")))
    given = settings(*(StatementFolder(folder=one, lender=LENDER) for one in (folder, another)))

    def fails_for_one(body: bytes, mapping: StatementMapping | None) -> tuple[BankFile, ...]:
        if b"R1" in body:
            raise IndexError("what stands in the file: Lucia")
        return read_any(body, mapping)

    with monkeypatch.context() as patched:
        patched.setattr(statement_folders, "read_any", fails_for_one)
        report = await run(records, given)

    assert report.wrong
    assert "odd.sta (an error that was not expected, IndexError: left where it is)" in report.told
    assert "Lucia" not in report.told
    assert lying(folder)[""] == ["odd.sta"]
    assert (due(records, "P-20417"), due(records, "P-20418")) == (5_900, 9_300)


async def test_records_that_cannot_be_reached_are_no_fault_of_a_file(
    records: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path / "in", "s.sta", mt940(("C40,00", "R1", "P-20417")))
    given = settings(StatementFolder(folder=tmp_path / "in", lender=LENDER))

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("BEGIN", {}, Exception("gone"))

    monkeypatch.setattr(BankDesk, "take_in", gone)

    with pytest.raises(OperationalError):
        await run(records, given)


async def test_an_export_with_the_line_ends_of_an_old_mac_is_taken_in(records: Database, tmp_path: Path) -> None:
    folder, mapping = tmp_path / "in", tmp_path / "bank.yaml"
    mapping.write_text(MAPPING)
    lay(folder, "mac.csv", CSV.replace("\n", "\r"))

    report = await run(records, settings(StatementFolder(folder=folder, mapping=mapping, lender=LENDER)))

    assert report.told == "1 files taken in, 2 matched"


def test_an_operator_takes_them_in_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> None:
    file, folder = tmp_path / "recobro.db", tmp_path / "in"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    runner = CliRunner()
    unset = runner.invoke(app, ["reconcile", "fetch"])
    monkeypatch.setenv("RECOBRO_STATEMENTS", f'[{{"folder": "{folder}"}}]')
    lay(folder, "s.sta", mt940(("C40,00", "R1", "nobody")))

    said = runner.invoke(app, ["reconcile", "fetch"])
    again = runner.invoke(app, ["reconcile", "fetch", "--json"])

    assert unset.exit_code == 2
    assert "RECOBRO_STATEMENTS" in unset.stderr
    assert (said.exit_code, "1 wait for a person" in said.stderr) == (1, True)
    assert "s.sta (mt940): 1 waiting" in said.stdout
    assert (again.exit_code, again.stdout.strip()) == (0, '{"files": [], "refused": {}}')
