"""An operator lists consents, asks for one and takes one back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from records import audit, consents, loans, people
from records.database import Database
from records.tables import Loan, Webhook
from starter import app
from tests.records.portfolios import LENDER, enter, handed
from tests.sandbox.running import World, running

RUNNER = CliRunner()
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world") / "log.jsonl") as started:
        yield started


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path, world: World) -> Database:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    monkeypatch.setenv("RECOBRO_BANK__BASE_URL", str(world.http.base_url).rstrip("/"))
    monkeypatch.setenv("RECOBRO_WEB__PUBLIC_URL", "https://cobros.example")
    return Database(f"sqlite:///{file}")


def consenting(records: Database, world: World, name: str) -> str:
    """A loan whose borrower consented at the bank; its id."""
    people_of_world = world.enrol(*(f"{name}-{n}" for n in range(20)), as_of=NOW.isoformat())
    one = next(p for p in people_of_world if p["bank_consent"])
    given = {
        "bank_consent": one["bank_consent"],
        "bank_account": one["bank_account"],
        "consent_valid_until": date.fromisoformat(one["consent_valid_until"]),
    }
    with records.writing() as session:
        enter(session, [handed("L1", **given), handed("L2")])
        for loan in session.exec(select(Loan)).all():
            loans.begin(session, loan)
    return "L1"


def run(*words: str, code: int = 0) -> Any:
    result = RUNNER.invoke(app, [*words, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.output) if code == 0 else result.output


def test_what_the_bank_ended_is_seen_when_it_is_asked(records: Database, world: World) -> None:
    loan_id = consenting(records, world, "ended")
    before = run("consent", "list")["consents"]
    with records.reading() as session:
        [kept] = consents.of_person(session, people.of_loan(session, loans.get(session, LENDER, loan_id)))
        world.http.delete(
            f"/v1/consents/{kept.consent_id}", headers={"X-Request-ID": "0" * 8 + "-0000-4000-8000-000000000000"}
        )

    after = run("consent", "list", "--check")

    assert [(one["state"], one["source"]) for one in before] == [("valid", "xs2a")]
    assert [one["state"] for one in after["consents"]] == ["replaced"]
    assert after["could_not_be_checked"] == 0
    assert run("consent", "list", "--ends-within", "3650")["consents"] == []


def test_a_revoked_consent_is_over_at_the_bank_too(records: Database, world: World) -> None:
    loan_id = consenting(records, world, "revoked")

    told = run("consent", "revoke", loan_id, "--by", "call of 12 May")
    again = run("consent", "revoke", loan_id)

    assert (told["revoked"], again["revoked"]) == (1, 0)
    assert [one["state"] for one in run("consent", "list", "--loan", loan_id)["consents"]] == ["revoked"]
    with records.reading() as session:
        [kept] = consents.of_person(session, people.of_loan(session, loans.get(session, LENDER, loan_id)))
        trail = [(row.actor, row.action) for row in audit.of_loan(session, LENDER, loan_id)]
        read = world.http.get(
            f"/v1/consents/{kept.consent_id}/status", headers={"X-Request-ID": "0" * 8 + "-0000-4000-8000-000000000000"}
        )
    assert read.json()["consentStatus"] == "terminatedByTpp"
    assert ("call of 12 May", "consent_over") in trail


def test_a_bank_that_does_not_answer_keeps_nobody_from_revoking_and_is_told_later(
    records: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_id = consenting(records, world, "down")
    monkeypatch.setenv("RECOBRO_BANK__BASE_URL", "http://127.0.0.1:9")

    told = run("consent", "revoke", loan_id)
    [meanwhile] = run("consent", "list")["consents"]
    monkeypatch.setenv("RECOBRO_BANK__BASE_URL", str(world.http.base_url).rstrip("/"))
    again = run("consent", "revoke", loan_id)
    [after] = run("consent", "list")["consents"]

    assert (told["revoked"], told["bank_not_told"]) == (1, 1)
    assert (meanwhile["state"], meanwhile["over_because"]) == ("revoked", "revoked by us, not yet at the bank")
    assert (again["revoked"], again["bank_not_told"], after["over_because"]) == (0, 0, "revoked by us")


def test_a_loan_is_told_to_ask_or_the_link_is_shown(records: Database, world: World) -> None:
    consenting(records, world, "asked")

    asked = run("consent", "ask", "L2")
    shown = run("consent", "ask", "L2", "--link")

    assert (asked["asked"], asked["link"]) == (True, None)
    assert shown["link"].startswith("https://cobros.example/consent/")
    with records.reading() as session:
        [owed] = session.exec(select(Webhook)).all()
        assert [(s["loan_id"], s["name"]) for s in owed.signals or []] == [("L2", "ask_consent")]


def test_who_cannot_be_reached_or_is_not_in_collection_is_not_asked(
    records: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with records.writing() as session:
        enter(session, [handed("L3")], at=NOW - timedelta(days=1))

    waiting = run("consent", "ask", "L3", code=2)
    monkeypatch.delenv("RECOBRO_WEB__PUBLIC_URL")
    unreachable = run("consent", "ask", "L3", code=2)

    assert "not in collection" in waiting
    assert "RECOBRO_WEB__PUBLIC_URL" in unreachable


def test_whoever_is_erased_has_their_consent_ended_at_the_bank_first(
    records: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a person with a valid consent, when they are to be erased while the bank is away, then they are not, for
    nobody could end it afterwards; once the bank answers it is ended there, and they are erased."""
    loan_id = consenting(records, world, "erased")
    with records.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        loans.end(session, loan, kind="cured", at=NOW, final_state=None)
        person = people.of_loan(session, loan)
        person_id, [kept] = person.person_id, consents.of_person(session, person)
        consent_id = kept.consent_id
    monkeypatch.setenv("RECOBRO_BANK__BASE_URL", "http://127.0.0.1:9")
    refused = run("person", "erase", person_id, "--lender", LENDER, "--yes", code=2)
    monkeypatch.setenv("RECOBRO_BANK__BASE_URL", str(world.http.base_url).rstrip("/"))
    erased = run("person", "erase", person_id, "--lender", LENDER, "--yes")

    assert "could not be ended at their bank" in " ".join(refused.split())
    assert erased["erased"]
    read = world.http.get(
        f"/v1/consents/{consent_id}/status", headers={"X-Request-ID": "0" * 8 + "-0000-4000-8000-000000000000"}
    )
    assert read.json()["consentStatus"] == "terminatedByTpp"
