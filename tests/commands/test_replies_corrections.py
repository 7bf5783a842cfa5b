"""What agents correct becomes training data without names, and a model is used only where it is better."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

import replies.data
from domain.replies.labels import Intent
from records import audit, erasure, loans
from records.database import Database
from records.tables import ReplyCorrection
from replies.model import load, save
from replies.training import train
from starter import app
from tests.records.portfolios import LENDER, enter, handed

RUNNER = CliRunner()
NOW = datetime(2026, 12, 1, tzinfo=UTC)
PROMISES = "mañana pago\nel lunes pago\npago mañana\npago el lunes"


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Database:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    with database.writing() as session:
        enter(session, [handed("L1", person_id="p")])
    return database


def run(*words: str, code: int = 0) -> str:
    result = RUNNER.invoke(app, ["replies", *words])
    assert result.exit_code == code, result.output
    return result.output


def test_a_correction_is_kept_once_audited_and_given_out_without_names(records: Database, tmp_path: Path) -> None:
    text = "soy Carlos Ruiz, mi cel 55 1234 5678, ando parado desde marzo"
    first = json.loads(run("correct", "L1", "hardship", "--reason", "job_loss", "--text", text, "--json"))
    again = json.loads(run("correct", "L1", "hardship", "--reason", "job_loss", "--text", text, "--json"))
    run("export", "--out", str(tmp_path / "corrections.txt"))

    assert (first["new"], again["new"]) == (True, False)
    written = (tmp_path / "corrections.txt").read_text(encoding="utf-8")
    assert written == "== hardship / job_loss\nsoy [nombre], mi cel [número], ando parado desde marzo\n"
    with records.reading() as session:
        actions = [row.action for row in audit.of_loan(session, LENDER, "L1")]
        assert actions.count("reply_corrected") == 1


def test_the_words_go_with_the_person(records: Database) -> None:
    run("correct", "L1", "opt_out", "--text", "ya déjenme")
    with records.writing() as session:
        raw = session.connection().exec_driver_sql("SELECT text FROM reply_correction").scalar_one()
        loans.end(session, loans.get(session, LENDER, "L1"), kind="cured", at=NOW, final_state=None)

    erasure.erase(records, LENDER, "p", at=NOW, actor="t")

    assert "déjenme" not in raw
    with records.reading() as session:
        assert session.exec(select(ReplyCorrection)).all() == []


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A tiny training set, a tiny kept set, and a model of the first in use."""
    training, kept = tmp_path / "training", tmp_path / "kept"
    kept_apart = "== promise_to_pay\nmañana te pago\n== opt_out\nbasta con sus avisos por favor\n== other\njaja jaja"
    trained = f"== promise_to_pay\n{PROMISES}\n== other\njaja\njaja qué risa\nrisa jaja\nqué risa"
    for folder, text in ((training, trained), (kept, kept_apart)):
        folder.mkdir()
        (folder / "one.txt").write_text(text, encoding="utf-8")
    monkeypatch.setattr(replies.data, "TRAINING", training)
    monkeypatch.setattr(replies.data, "KEPT", kept)
    in_use = tmp_path / "in-use.model"
    save(train(replies.data.read_folder(training)), in_use)
    monkeypatch.setenv("RECOBRO_REPLIES_MODEL", str(in_use))
    return in_use


def test_a_better_model_is_put_to_use_and_says_by_how_much(records: Database, small: Path) -> None:
    for text in (
        "basta con sus avisos",
        "basta sus avisos",
        "ya basta con sus avisos",
        "por favor basta con sus avisos",
    ):
        run("correct", "L1", "opt_out", "--text", text)
    before = small.read_bytes()

    told = json.loads(run("retrain", "--json"))

    assert told["better"]
    assert told["put_to_use"]
    assert told["gain_macro_f1"] > 0
    assert told["after"]["macro_f1"] == load(small).about["measured"]["macro_f1"]
    assert small.with_suffix(".previous").read_bytes() == before


def test_a_model_that_is_no_better_changes_nothing(records: Database, small: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(f"== {Intent.OTHER}\nmañana pago ya\nmañana te pago ya\nte pago ya mañana\n", encoding="utf-8")
    before = small.read_bytes()

    told = run("retrain", "--corrections", str(wrong), code=1)

    assert "not better: nothing changed" in told
    assert small.read_bytes() == before


def test_without_corrections_there_is_nothing_to_learn(records: Database, small: Path) -> None:
    assert "there are no corrections to learn from" in run("retrain", code=2)
