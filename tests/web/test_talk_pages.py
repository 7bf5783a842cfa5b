"""An agent notes a call of their own on the page of the conversation."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.access import Role
from records import contact_ledger, loans, people
from records.database import Database
from tests.records.portfolios import LENDER
from tests.web.calling import NOW
from tests.web.test_agreements import PAGE, clock, orders, person, site

__all__ = ["clock", "orders", "site"]


@pytest.fixture
def agent(site: Any, database: Database) -> TestClient:
    return person(site, database, "ana", Role.AGENT)


def kept(database: Database) -> list[tuple[str, str]]:
    with database.reading() as session:
        borrower = people.of_loan(session, loans.get(session, LENDER, "L1"))
        events = contact_ledger.person_events(session, borrower, NOW - timedelta(days=40))
    return sorted((event.kind.value, event.at.isoformat()) for event in events)


def noted(agent: TestClient, **given: str) -> str:
    """What the page says after the form was sent as it came, with `given` in it."""
    [at] = re.findall(r'name="at"[^>]* value="([^"]+)"', agent.get(f"{PAGE}/thread").text)
    sent = agent.post(f"{PAGE}/talked", data={"channel": "call", "how": "spoke", "at": at} | given)
    assert sent.status_code == 303
    [says] = re.findall(r'id="talk".*?role="(?:status|alert)">([^<]+)<', agent.get(sent.headers["location"]).text, re.S)
    return str(says)


def test_a_call_is_noted_once_at_the_minute_on_the_borrowers_clock(agent: TestClient, database: Database) -> None:
    """Given a borrower in Madrid, an hour ahead of UTC in November, when an agent notes twice that they spoke at half
    past twelve, then the ledger holds one call of half past eleven."""
    said = [noted(agent, at="2026-11-28T12:30") for _ in range(2)]

    assert said == ["Noted.", "It was noted before."]
    assert kept(database) == [(kind, "2026-11-28T11:30:00+00:00") for kind in ("attempt", "conversation")]


@pytest.mark.parametrize(
    ("how", "kinds"), [("no_answer", ["attempt"]), ("inbound", ["conversation", "inbound"]), ("spoke", None)]
)
def test_the_form_says_who_called_and_whether_anybody_was_reached(
    agent: TestClient, database: Database, how: str, kinds: list[str] | None
) -> None:
    assert noted(agent, how=how) == "Noted."

    assert [kind for kind, _ in kept(database)] == (kinds or ["attempt", "conversation"])


@pytest.mark.parametrize("at", ["2026-11-28T23:00", "2026-10-01T10:00", "0001-01-01T00:00", "yesterday"])
def test_a_moment_that_cannot_have_been_is_refused_in_a_sentence(
    agent: TestClient, database: Database, at: str
) -> None:
    assert noted(agent, at=at).startswith("Not noted: the moment lies ahead")
    assert kept(database) == []
