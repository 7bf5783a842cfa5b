"""A file checked in a process of its own is checked as anywhere else, and what ends that process is told."""

from __future__ import annotations

import errno
import io
from datetime import date
from pathlib import Path

import pytest

import intake
from intake import PortfolioError, check_process
from intake.apart import OUT_OF_ROOM, CheckEnded, CheckFault, checked_apart

TODAY = date(2026, 11, 23)
SHIPPED = Path(__file__).parents[2] / "portfolios"
HEADER = "loan_id,language,country,timezone,currency,amount_due_minor,due_date,priority,phone"


def written(folder: Path, *rows: str) -> Path:
    path = folder / "loans.csv"
    path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    return path


def row(loan_id: str, priority: int = 0, due: str = "2026-11-01") -> str:
    return f"{loan_id},es,ES,Europe/Madrid,EUR,1000,{due},{priority},+34600111222"


def instead_of_python(folder: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    """The process that checks does this, a line of shell, instead."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(program))


@pytest.mark.parametrize("name", ["lendingclub_delinquent.csv", "microprestamos_es.csv"])
def test_it_finds_what_the_check_finds_and_hands_over_the_same_loans(name: str) -> None:
    here = intake.check(SHIPPED / name, None, TODAY)

    with checked_apart(SHIPPED / name, None, TODAY, 5) as apart:
        loans = list(apart.loans_by_priority())
        again = list(apart.loans_by_priority())

    assert apart.findings == here.findings(5)
    assert loans == again == list(here.loans_by_priority())


def test_bad_cells_are_all_counted_and_only_those_asked_for_are_kept(tmp_path: Path) -> None:
    file = written(tmp_path, row("A1"), row("A2", due="soon"), row("A3", due="later"), row("A4", 7))

    with checked_apart(file, "recobro", TODAY, 1) as apart:
        loans = list(apart.loans_by_priority())

    assert apart.findings.errors_total == 2
    assert [(error.line, error.value) for error in apart.findings.errors] == [(3, "soon")]
    assert [loan.loan_id for loan in loans] == ["A4", "A1"]
    assert apart.findings.countries == ("ES",)


def test_a_file_that_changes_after_its_check_changes_nothing_of_what_was_checked(tmp_path: Path) -> None:
    file = written(tmp_path, row("A1"), row("A2"))

    with checked_apart(file, None, TODAY, 5) as apart:
        file.write_text("")
        loans = list(apart.loans_by_priority())

    assert [loan.loan_id for loan in loans] == ["A1", "A2"]


@pytest.mark.parametrize(("name", "content"), [("none.csv", None), ("empty.csv", b""), ("scan.csv", b"%PDF-1.7")])
def test_a_file_that_cannot_be_used_is_refused_in_the_checks_own_words(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(PortfolioError) as here:
        intake.check(tmp_path / name, None, TODAY)

    with pytest.raises(PortfolioError) as apart, checked_apart(tmp_path / name, None, TODAY, 5):
        pass

    assert str(apart.value) == str(here.value)


def test_a_mapping_named_in_the_callers_own_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "intake").mkdir()
    (tmp_path / "intake" / "__init__.py").write_text("raise SystemExit('not this one')")

    with pytest.raises(PortfolioError) as refused, checked_apart(written(tmp_path, row("A1")), "m.yaml", TODAY, 5):
        pass

    assert "m.yaml" in str(refused.value)


def test_a_process_that_is_killed_is_told_with_what_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead_of_python(tmp_path, monkeypatch, "kill -9 $$")

    with pytest.raises(CheckEnded) as ended, checked_apart(written(tmp_path, row("A1")), None, TODAY, 5):
        pass

    assert "(signal 9 ended it): is there memory" in str(ended.value)


class _Full(io.BytesIO):
    def write(self, _: object, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["5", TODAY.isoformat(), "", str(written(tmp_path, row("A1")))]

    code = check_process.main(words, _Full())

    assert (code, capsys.readouterr().err) == (OUT_OF_ROOM, "No space left on device\n")


def test_a_fault_of_the_check_tells_where_it_was_and_quotes_nothing_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        check_process.intake, "check", lambda *_, **__: int(f"{tmp_path.name}+34600111222x"), raising=False
    )

    code = check_process.main(["5", TODAY.isoformat(), "", str(written(tmp_path, row("A1")))], io.BytesIO())

    told = capsys.readouterr().err
    assert code == 1
    assert "check_process.py" in told
    assert told.splitlines()[-1] == "ValueError"
    assert "invalid literal" not in told


def test_a_fault_is_no_matter_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    instead_of_python(tmp_path, monkeypatch, "echo ColumnNotFoundError >&2; exit 1")

    with pytest.raises(CheckFault, match="ColumnNotFoundError"), checked_apart(tmp_path / "x", None, TODAY, 5):
        pass


def test_what_a_library_writes_beside_the_refusal_is_not_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instead_of_python(tmp_path, monkeypatch, "echo thread panicked >&2; echo x.parquet cannot be read >&2; exit 2")

    with pytest.raises(PortfolioError) as refused, checked_apart(tmp_path / "x.parquet", None, TODAY, 5):
        pass

    assert str(refused.value) == "x.parquet cannot be read"


def test_an_empty_mapping_is_refused_as_by_the_check(tmp_path: Path) -> None:
    with pytest.raises(PortfolioError) as here:
        intake.check(written(tmp_path, row("A1")), "", TODAY)

    with pytest.raises(PortfolioError) as apart, checked_apart(written(tmp_path, row("A1")), "", TODAY, 5):
        pass

    assert str(apart.value) == str(here.value)


def test_it_looks_places_up_in_the_packs_it_is_given(tmp_path: Path) -> None:
    """Given packs of one's own without the file's country, when a campaign's file is checked, then the place is told
    as one where nobody will be contacted; with the shipped packs it is not."""
    file = written(tmp_path, row("A1"))
    (tmp_path / "rules").mkdir()

    with checked_apart(file, None, TODAY, 5, tmp_path / "rules") as own:
        places = [(each.country, each.known_country) for each in own.findings.totals.unruled_places]
    with checked_apart(file, None, TODAY, 5) as shipped:
        assert shipped.findings.totals.unruled_places == []

    assert places == [("ES", False)]
