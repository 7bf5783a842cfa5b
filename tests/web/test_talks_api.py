"""A telephone system tells of the calls that people had, and the contact rules count them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.access import Role, Scope
from records import audit, contact_ledger, loans, people
from records.database import Database
from tests.records.portfolios import LENDER, enter, handed
from tests.web.calling import NOW, account, app_on, browser, key, sign_in

TALKS = f"/api/v1/loans/{LENDER}/L1/talks"
AN_HOUR_AGO = (NOW - timedelta(hours=1)).isoformat()


@pytest.fixture
def records(database: Database) -> Database:
    with database.writing() as session:
        enter(session, [handed("L1")])
    return database


def kept(database: Database) -> list[str]:
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        return sorted(e.kind.value for e in contact_ledger.person_events(session, person, NOW - timedelta(days=40)))


def tell(database: Database, lender: str | None = None, **given: Any) -> Any:
    body = {"channel": "call", "at": AN_HOUR_AGO, **given}
    with browser(app_on(database)) as client:
        return client.post(TALKS, json=body, headers=key(database, Scope.CONTACTS_WRITE, lender=lender))


def test_a_call_is_noted_once_however_often_it_is_sent(records: Database) -> None:
    first, again = tell(records), tell(records)

    assert [(one.status_code, one.json()["noted"]) for one in (first, again)] == [(200, True), (200, False)]
    assert kept(records) == ["attempt", "conversation"]
    with records.reading() as session:
        [noted] = audit.of_loan(session, LENDER, "L1", action="talk_noted")
    assert noted.actor.startswith("apikey:")


def test_an_agent_notes_that_the_borrower_called(records: Database) -> None:
    account(records, "ana", Role.AGENT)
    with browser(app_on(records)) as agent:
        sign_in(agent, "ana")
        told = agent.post(TALKS, json={"channel": "call", "at": AN_HOUR_AGO, "inbound": True})

    assert told.status_code == 200
    assert kept(records) == ["conversation", "inbound"]


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({"at": (NOW + timedelta(minutes=1)).isoformat()}, 409, "at: lies in the future"),
        ({"at": (NOW - timedelta(days=40)).isoformat()}, 409, "at: lies more than 40 days back"),
        ({"inbound": True, "answered": False}, 409, "answered: a call or visit of theirs"),
        ({"channel": "sms"}, 422, "channel"),
        ({"at": "2026-11-28T10:00:00"}, 422, "at"),
        ({"words": "hola"}, 422, "words"),
    ],
)
def test_what_cannot_be_a_talk_is_refused_with_its_field_and_not_kept(
    records: Database, given: dict[str, Any], status: int, says: str
) -> None:
    told = tell(records, **given)

    assert (told.status_code, says in told.text) == (status, True)
    assert kept(records) == []


def test_a_key_of_another_lender_finds_no_such_loan(records: Database) -> None:
    assert tell(records, lender="beta").status_code == 404
    assert kept(records) == []
