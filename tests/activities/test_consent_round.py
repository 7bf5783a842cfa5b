"""The daily look at consents: each that is over is over that day, whoever ended it, and no balance is read for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlmodel import select

from activities.composition import bank_sources, connect_outside
from activities.consent_round import GIVES_UP_AFTER, ConsentRound
from activities.consents import ConsentDesk, Sources
from activities.daily_orders import DayJob, DayOrder
from activities.daily_work import DailyWorker
from config.bank_data_settings import Bank
from providers.errors import ProviderError
from records import consents, loans, people
from records.database import Database
from records.tables import BalanceRead, Consent, Webhook
from tests.activities.outside import TUESDAY, enter_loan, environment, nowhere, settings_for
from tests.records.portfolios import LENDER
from tests.sandbox.running import World, running

MADRID = ZoneInfo("Europe/Madrid")
BY_HAND = {"X-Request-ID": "0" * 8 + "-0000-4000-8000-000000000000", "Date": "Tue, 10 Mar 2026 08:00:00 GMT"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world") / "log.jsonl") as started:
        yield started


def consenting(world: World, name: str, number: int) -> list[dict[str, Any]]:
    """Borrowers who consented at the bank."""
    found = world.enrol(*(f"{name}-{n}" for n in range(12 * number)), as_of=TUESDAY.isoformat())
    return [one for one in found if one["bank_consent"]][:number]


def of_bank(one: dict[str, Any], **changes: Any) -> dict[str, Any]:
    until = date.fromisoformat(one["consent_valid_until"])
    given = {"bank_consent": one["bank_consent"], "bank_account": one["bank_account"], "consent_valid_until": until}
    return {**given, **changes}


def standing(database: Database, loan_id: str) -> tuple[str, str | None]:
    with database.reading() as session:
        [one] = consents.of_person(session, people.of_loan(session, loans.get(session, LENDER, loan_id)))
        return one.status.value, one.over_because


async def test_what_ended_is_over_that_day_and_a_day_the_bank_moved_is_told_to_the_loan(
    database: Database, world: World
) -> None:
    kept, ended, moved, late, over = consenting(world, "round", 5)
    loan_ids = [
        enter_loan(database, **of_bank(kept)),
        enter_loan(database, **of_bank(ended)),
        enter_loan(database, **of_bank(moved, consent_valid_until=date(2026, 3, 12))),
        enter_loan(database, **of_bank(late, consent_valid_until=date(2026, 3, 9))),
        enter_loan(database, **of_bank(over)),
    ]
    with database.writing() as session:
        loans.end(session, loans.get(session, LENDER, loan_ids[4]), kind="cured", at=TUESDAY, final_state=None)
    world.http.delete(f"/v1/consents/{ended['bank_consent']}", headers=BY_HAND)
    world.http.delete(f"/v1/consents/{over['bank_consent']}", headers=BY_HAND)
    worker = DailyWorker(database, settings_for(world))

    report = await environment(TUESDAY).run(
        worker.job, DayOrder(job=DayJob.CONSENTS, day=TUESDAY.date(), zone="Europe/Madrid")
    )

    assert [standing(database, loan_id) for loan_id in loan_ids] == [
        ("valid", None),
        ("expired", "replaced"),
        ("valid", None),
        ("expired", "past its day"),
        ("valid", None),
    ], "nobody asks about a consent that no loan needs"
    assert report.told.startswith("3 consents looked at; 2 over (1 past its day, 1 replaced); 1 with another last day")
    assert not report.wrong
    with database.reading() as session:
        [told] = session.exec(select(Webhook)).all()
        assert told.signals == [
            {
                "lender": LENDER,
                "loan_id": loan_ids[2],
                "name": "consent_given",
                "payload": {"valid_until": moved["consent_valid_until"]},
                "restart": False,
            }
        ]
        assert session.exec(select(BalanceRead)).all() == [], "asking how a consent stands is no read"


async def test_a_bank_that_is_away_ends_the_round_and_the_next_attempt_goes_on_where_it_was(
    lite: Database, world: World
) -> None:
    for number in range(30):
        enter_loan(lite, bank_consent=f"c{number}", bank_account=f"a{number}", consent_valid_until=date(2026, 9, 1))
    seen: list[int] = []
    async with httpx.AsyncClient(trust_env=False) as client:
        away = settings_for(world, bank=Bank(base_url=nowhere()))
        desk = ConsentDesk(lite, bank_sources(away, connect_outside(away, client)), lambda *_: None)
        with pytest.raises(ProviderError):
            await ConsentRound(lite, desk, MADRID).go(TUESDAY, done=seen.append)
        here = settings_for(world)
        desk = ConsentDesk(lite, bank_sources(here, connect_outside(here, client)), lambda *_: None)
        found = await ConsentRound(lite, desk, MADRID).go(TUESDAY, after=seen[-1])

    assert len(seen) == GIVES_UP_AFTER - 1
    assert found.looked_at == 30 - 8 * len(seen)
    assert found.over == {"CONSENT_UNKNOWN": found.looked_at}, "the bank knows none of them"
    with lite.reading() as session:
        assert len(session.exec(select(Consent).where(Consent.over_because == None)).all()) == 16  # noqa: E711


async def test_what_was_revoked_is_over_at_once_for_all_and_at_the_banks_by_the_next_round(
    database: Database, world: World
) -> None:
    """Given a person with two consents and a third they gave without coming back, when they revoke while the bank is
    away, then no balance is read from that moment, the round ends all three at the bank, and grants none."""
    first, second, given = consenting(world, "revoke", 3)
    loan_id = enter_loan(database, **of_bank(first))
    with database.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, loan_id))
        assert person.id is not None
        session.add(
            Consent(
                person_ref=person.id,
                provider="xs2a",
                consent_id=second["bank_consent"],
                account_id=second["bank_account"],
                changed_at=TUESDAY,
            )
        )
        asked = consents.ask(session, person, provider="xs2a", reference="r" * 32, at=TUESDAY)
        asked.consent_id = given["bank_consent"]
        session.add(asked)
    async with httpx.AsyncClient(trust_env=False) as client:
        away = settings_for(world, bank=Bank(base_url=nowhere()))
        desk = ConsentDesk(database, bank_sources(away, connect_outside(away, client)), lambda *_: None)
        revoked = await desk.revoke(person.id, TUESDAY, "call of 10 March")
        with database.reading() as session:
            readable = consents.active(session, loans.get(session, LENDER, loan_id), TUESDAY.date())
        here = settings_for(world)
        desk = ConsentDesk(database, bank_sources(here, connect_outside(here, client)), lambda *_: None)
        found = await ConsentRound(database, desk, MADRID).go(TUESDAY + timedelta(hours=1))
        again = await ConsentRound(database, desk, MADRID).go(TUESDAY + timedelta(days=1))

    assert (revoked.ended, revoked.not_told, readable) == (2, 3, None)
    assert (found.revoked, found.settled, found.not_answered, again.revoked) == (3, 0, 0, 0)
    assert "3 revoked before and now at the bank" in found.told()
    for one in (first, second, given):
        at_the_bank = world.http.get(f"/v1/consents/{one['bank_consent']}/status", headers=BY_HAND).json()
        assert at_the_bank["consentStatus"] == "terminatedByTpp"
    with database.reading() as session:
        assert [(one.status, one.over_because) for one in session.exec(select(Consent)).all()] == [
            ("revoked", "revoked by us")
        ] * 2


async def test_a_revocation_while_the_bank_is_asked_about_a_new_consent_wins(lite: Database, world: World) -> None:
    [given] = consenting(world, "overtaken", 1)
    loan_id = enter_loan(lite)
    with lite.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, loan_id))
        asked = consents.ask(session, person, provider="xs2a", reference="o" * 32, at=TUESDAY)
        asked.consent_id = given["bank_consent"]
        session.add(asked)
    assert person.id is not None
    async with httpx.AsyncClient(trust_env=False) as client:
        here = settings_for(world)
        sources = bank_sources(here, connect_outside(here, client))
        desk = ConsentDesk(lite, sources, lambda *_: None)
        real = sources.by_name["xs2a"]

        class RevokedMeanwhile:
            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            async def accounts(self, consent_id: str, at: datetime, psu_ip: str | None = None) -> Any:
                with lite.writing() as session:
                    consents.revoke(session, people.get(session, person.id or 0), at)
                return await real.accounts(consent_id, at, psu_ip)

        slow: Any = {"xs2a": RevokedMeanwhile()}
        overtaken = ConsentDesk(lite, Sources(slow, {}, "xs2a"), lambda *_: None)
        settled = await overtaken.settle(person.id, TUESDAY, None)
        told = await desk.end_at_banks(TUESDAY)

    assert (settled, told.ended) == (None, 1)
    with lite.reading() as session:
        assert session.exec(select(Consent)).all() == []


async def test_those_that_end_soon_are_counted_and_nothing_is_told_without_a_source(
    lite: Database, world: World
) -> None:
    [one] = consenting(world, "soon", 1)
    enter_loan(lite, **of_bank(one))
    until = date.fromisoformat(one["consent_valid_until"])
    order = DayOrder(job=DayJob.CONSENTS, day=TUESDAY.date(), zone="Europe/Madrid")
    near = TUESDAY.replace(year=until.year, month=until.month, day=until.day) - timedelta(days=3)

    soon = await environment(near).run(DailyWorker(lite, settings_for(world)).job, order)
    none = await environment(near).run(DailyWorker(lite, settings_for(world, bank=None)).job, order)

    assert "1 end within 14 days" in soon.told
    assert none.told == "not configured"
    assert json.loads(soon.model_dump_json())["job"] == "consents"
