"""What the preview of a message to a segment says beforehand is what then happens."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from activities.composition import contact_slots
from commands.segment_preview import Preview, preview
from config.lender_settings import Lender
from config.settings import Settings
from domain.contact import Channel
from domain.segment import parse_condition
from records import loans
from records.database import Database
from tests.records.portfolios import LENDER, enter, handed

NOON_IN_MEXICO = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)
MEXICO: dict[str, Any] = {"country": "MX", "region": None, "timezone": "America/Mexico_City", "currency": "MXN"}
WHOLE = Lender(
    name="Credialba",
    phone="55 5010 2030",
    address="Av. Tribunal 10, CDMX",
    responsible="Luis Prado",
    complaints="une@credialba.example",
)


@pytest.fixture
def records(tmp_path: Path, sqlite_template: Path) -> Database:
    shutil.copy(sqlite_template, tmp_path / "r.db")
    database = Database(f"sqlite:///{tmp_path / 'r.db'}")
    with database.writing() as session:
        enter(session, [handed("L1", **MEXICO), handed("L2", **MEXICO)])
        for loan in loans.listing(session):
            loans.begin(session, loan)
    return database


def look(records: Database, lender: Lender) -> Preview:
    settings = Settings(_env_file=None, lender=lender)
    with records.reading() as session:
        return preview(
            session,
            settings,
            contact_slots(settings),
            lender=LENDER,
            condition=parse_condition("dpd > 0"),
            told=Preview("help-1", "help_offer", (Channel.SMS,), with_link=False),
            at=NOON_IN_MEXICO,
        )


def test_loans_whose_message_may_be_written_may_be_reached(records: Database) -> None:
    told = look(records, WHOLE)

    assert (told.now, told.unreachable, dict(told.refused)) == ({Channel.SMS: 2}, 0, {})


def test_loans_whose_message_the_content_rules_refuse_are_never_reached(records: Database) -> None:
    """Given a sender that is named like a court, which Mexican law forbids."""
    told = look(records, WHOLE.model_copy(update={"name": "Juzgado de Cobro"}))

    assert (dict(told.now), dict(told.later), told.unreachable) == ({}, {}, 2)
    [(rule, loans_refused)] = told.refused.items()
    assert "MX.content." in rule
    assert loans_refused == 2
    assert (told.samples, told.cost_micros) == ([], 0)
