"""What waits for people: to what day an offer stands, and that a list which is cut says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.access import Role
from domain.agreements.model import Agreement, AgreementKind, AgreementState, Instalment, Via
from records import agreements, cases
from records.database import Database
from tests.records.portfolios import entered
from tests.web.calling import NOW, app_on
from tests.web.test_agreements import person, plain
from web import agreements_shown, case_pages


@pytest.fixture
def boss(database: Database) -> TestClient:
    return person(app_on(database), database, "berta", Role.SUPERVISOR)


def offered(database: Database, *loan_ids: str, made_at: datetime, expires_at: datetime, **changes: Any) -> None:
    """A plan for each of these loans that waits for its approval."""
    waits = Agreement(
        number=1,
        kind=AgreementKind.PLAN,
        state=AgreementState.PROPOSED,
        made_at=made_at,
        by="account:9",
        via=Via.AGENT,
        instalments=(Instalment(number=1, due=date(2026, 12, 20), amount_minor=10_000),),
        balance_minor=10_000,
        proposed_by="account:9",
        expires_at=expires_at,
    )
    with database.writing() as session:
        for loan in entered(session, *loan_ids, **changes):
            agreements.keep(session, loan, waits, (0,), of_entry=1, at=made_at)


@pytest.mark.parametrize(
    ("zone", "made_at", "midnight"),
    [
        ("America/Mexico_City", datetime(2026, 12, 8, 2, tzinfo=UTC), datetime(2026, 12, 11, 6, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2026, 12, 8, 2, tzinfo=UTC), datetime(2026, 12, 11, 3, tzinfo=UTC)),
        ("Europe/Madrid", datetime(2026, 12, 7, 12, tzinfo=UTC), datetime(2026, 12, 10, 23, tzinfo=UTC)),
    ],
)
def test_an_offer_stands_to_its_last_day_where_the_borrower_lives(
    database: Database, boss: TestClient, zone: str, made_at: datetime, midnight: datetime
) -> None:
    """Given an offer made on the evening of 7 December that stands to the end of the 10th, when a supervisor looks,
    then both days are those of the borrower's calendar, not of UTC's."""
    offered(database, "L1", made_at=made_at, expires_at=midnight, timezone=zone)

    listed, loan = plain(boss.get("/approvals").text), plain(boss.get("/loans/acme/L1").text)

    assert "Dec 10, 2026" in listed
    assert "Dec 11, 2026" not in listed
    assert "Dec 7, 2026" in loan


def test_lists_that_are_cut_say_how_many_there_are(
    database: Database, boss: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreements_shown, "WAITING_SHOWN", 2)
    monkeypatch.setattr(case_pages, "_SHOWN", 2)
    offered(database, "L1", "L2", "L3", made_at=NOW, expires_at=NOW + timedelta(days=3))
    with database.writing() as session:
        for number, loan in enumerate(entered(session, "L4", "L5", "L6")):
            cases.open(
                session, loan, case_id=f"c{number}", queue="agents", kind="handoff", at=NOW, sla_at=NOW, reason="x"
            )

    approvals, tray = plain(boss.get("/approvals").text), plain(boss.get("/cases").text)
    monkeypatch.undo()
    whole = boss.get("/approvals").text + boss.get("/cases").text

    assert ("(3)" in approvals, "The first 2 of 3 are shown." in approvals) == (True, True)
    assert ("(3)" in tray, "The first 2 of 3 are shown." in tray) == (True, True)
    assert "are shown." not in whole
