"""A day that an operator names begins where the borrowers live, not in Greenwich."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from commands import campaign, configuration
from commands.borrowers_days import first_begin, last_begin, zones_of_loan
from records import campaigns, loans
from records.database import Database
from starter import app
from tests.records.portfolios import LENDER, enter, handed

MADRID, MEXICO = ZoneInfo("Europe/Madrid"), ZoneInfo("America/Mexico_City")
DAY = (datetime.now(UTC) + timedelta(days=20)).date()


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_template: Path) -> Iterator[Database]:
    """A loan in Madrid, one in Mexico, and one of somebody of whom no place is known, all in collection."""
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    configuration._records.cache_clear()
    database = Database(f"sqlite:///{file}")
    due = (datetime.now(UTC) - timedelta(days=20)).date()
    with database.writing() as session:
        enter(
            session,
            [
                handed("L1", due_date=due, timezone="Europe/Madrid"),
                handed("L2", due_date=due, timezone="America/Mexico_City"),
                handed("L3", due_date=due, timezone=None),
            ],
        )
        for loan in loans.listing(session):
            loans.begin(session, loan)
    yield database
    database.dispose()
    configuration._records.cache_clear()


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def the_campaign(records: Database) -> str:
    with records.reading() as session:
        return campaigns.listing(session)[0].id


def paused_until(records: Database, monkeypatch: pytest.MonkeyPatch, until: str) -> datetime:
    told: list[Any] = []
    monkeypatch.setattr(campaign, "_instruct", lambda _id, _update, arguments, _json: told.extend(arguments))
    result = CliRunner().invoke(app, ["campaign", "pause", the_campaign(records), "--until", until])
    assert result.exit_code == 0, result.output
    return datetime.fromisoformat(told[0]["until"])


def test_a_campaign_paused_until_a_day_writes_to_nobody_before_it_has_begun_for_them(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert paused_until(records, monkeypatch, f"{DAY}") == midnight(DAY, MEXICO)


def test_a_campaign_paused_until_a_moment_goes_on_then(records: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert paused_until(records, monkeypatch, f"{DAY}T18:00+00:00") == datetime(
        DAY.year, DAY.month, DAY.day, 18, tzinfo=UTC
    )


def test_a_message_to_be_sent_until_a_day_reaches_nobody_once_it_has_begun_for_them(records: Database) -> None:
    words = ["campaign", "send", "--template", "help_offer", "--where", "dpd >= 1", "--lender", LENDER]

    result = CliRunner().invoke(app, [*words, "--until", f"{DAY}", "--dry-run", "--json"])

    assert datetime.fromisoformat(json.loads(result.stdout)["until"]) == midnight(DAY, MADRID)


def test_a_day_begins_where_the_borrower_lives_and_in_utc_where_nobody_knows_where(records: Database) -> None:
    with records.reading() as session:
        zones = {one: zones_of_loan(session, loans.get(session, LENDER, one)) for one in ("L1", "L2", "L3")}

    begins = {one: first_begin(f"{DAY}", "--until", where) for one, where in zones.items()}

    assert begins == {
        "L1": midnight(DAY, MADRID),
        "L2": midnight(DAY, MEXICO),
        "L3": midnight(DAY, ZoneInfo("UTC")),
    }
    assert last_begin(f"{DAY}", "--until", [*zones["L1"], *zones["L2"]]) == midnight(DAY, MEXICO)
