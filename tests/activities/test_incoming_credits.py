"""What came in before, learnt from the account's own list: at once, never above the consent's limit, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import select

from activities.composition import bank_sources, connect_outside
from activities.consents import ConsentDesk
from activities.incoming_credits import AGAIN_AFTER, by_day
from config.bank_data_settings import Bank, Belvo
from config.pay_calendars import pay_calendar
from domain.arrival_model import Arrival, learn
from providers.ports import Credit
from records import consents, incomes, loans, people
from records.database import Database
from records.tables import BalanceRead, Consent
from tests.activities.outside import TUESDAY, enter_loan, settings_for
from tests.records.portfolios import LENDER
from tests.sandbox.running import World, running
from tests.web.test_consent_pages import app_for, at_bank, caller, token_for

MADRID = ZoneInfo("Europe/Madrid")
MONTH = 30 * timedelta(days=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world") / "log.jsonl") as started:
        yield started


def with_transactions(world: World) -> Any:
    return settings_for(world, bank=Bank(base_url=str(world.http.base_url).rstrip("/"), transactions=True))


def paid(*days: date) -> list[Credit]:
    return [Credit(booked_on=day, amount_minor=150_000, currency="EUR") for day in days]


def test_three_wages_of_the_past_tell_a_pay_day_that_the_calendar_alone_does_not() -> None:
    calendar, now = pay_calendar("ES"), datetime(2026, 4, 23, 9, 0, tzinfo=MADRID)
    wages = by_day(paid(date(2026, 1, 26), date(2026, 2, 26), date(2026, 3, 26)), MADRID)

    stranger = learn(calendar, MADRID, (), None, now, ahead=6)
    known = learn(calendar, MADRID, wages, now - timedelta(days=90), now, ahead=6)

    the_day = max(known.days, key=lambda day: known.days[day])
    assert the_day in (date(2026, 4, 24), date(2026, 4, 27)), "the 26th is a Sunday"
    assert known.chance(the_day) > 3 * stranger.chance(the_day)


def test_credits_of_a_day_are_one_arrival_and_what_reads_saw_is_not_counted_again(database: Database) -> None:
    enter_loan(database)
    seen = Arrival(TUESDAY - timedelta(hours=20), TUESDAY - timedelta(hours=2), 150_000)
    day = seen.by.astimezone(MADRID).date()
    history = by_day(
        [*paid(day, day - MONTH), Credit(booked_on=day - MONTH, amount_minor=10_000, currency="EUR")], MADRID
    )
    with database.writing() as session:
        incomes.watched(session, 1, TUESDAY - timedelta(days=2))
        incomes.remember(session, 1, seen)
        incomes.remember_history(session, 1, history, TUESDAY - timedelta(days=90), TUESDAY)
        incomes.remember_history(session, 1, history, TUESDAY - timedelta(days=60), TUESDAY)
    with database.reading() as session:
        known = incomes.known(session, 1)

    assert known is not None
    assert known.watched_since == TUESDAY - timedelta(days=90)
    assert [(one.by.astimezone(MADRID).date(), one.amount_minor) for one in known.arrivals] == [
        (day - MONTH, 160_000),
        (day, 150_000),
    ]


async def test_who_gives_a_consent_is_known_at_once_and_no_unattended_read_is_used(
    database: Database, world: World
) -> None:
    found = world.enrol(*(f"credits-{n}" for n in range(30)), as_of=TUESDAY.isoformat())
    loan_id = enter_loan(database)
    path = f"/consent/{token_for(database, loan_id)}"
    async with httpx.AsyncClient(trust_env=False) as client:
        async with caller(app_for(database, with_transactions(world), client)) as browser:
            page = await browser.get(path)
            away = await browser.post(path)
            await browser.get(at_bank(world, away.text, person=found[0]["person_id"]))

    assert "qué días y por cuánto entró dinero" in page.text
    with database.reading() as session:
        [consent] = session.exec(select(Consent)).all()
        known = incomes.known(session, consent.person_ref)
        assert session.exec(select(BalanceRead)).all() == []
    [read] = [one for one in world.entries("transactions_read") if one["consent_id"] == consent.consent_id]
    assert read["attended"] is True
    assert known is not None
    assert known.watched_since.astimezone(MADRID) == datetime.combine(date(2025, 12, 10), time(0), MADRID)
    assert all(one.by <= TUESDAY + timedelta(days=1) for one in known.arrivals)


async def test_a_consent_that_shows_no_transactions_stays_good_and_is_not_asked_again_for_a_month(
    database: Database, world: World
) -> None:
    found = world.enrol(*(f"without-{n}" for n in range(30)), as_of=TUESDAY.isoformat())
    one = next(each for each in found if each["bank_consent"])
    loan_id = enter_loan(database, bank_consent=one["bank_consent"], bank_account=one["bank_account"])
    async with httpx.AsyncClient(trust_env=False) as client:
        settings = with_transactions(world)
        desk = ConsentDesk(database, bank_sources(settings, connect_outside(settings, client)), lambda *_: None, MADRID)
        with database.reading() as session:
            [consent] = consents.of_person(session, people.of_loan(session, loans.get(session, LENDER, loan_id)))
        learnt = [
            await desk.learn(consent.id or 0, TUESDAY + after, None)
            for after in (timedelta(0), timedelta(days=1), AGAIN_AFTER)
        ]

    assert learnt == [False, False, False]
    with database.reading() as session:
        reads = session.exec(select(BalanceRead)).all()
        assert [(row.outcome, row.at) for row in reads] == [
            ("CONSENT_INVALID", TUESDAY),
            ("CONSENT_INVALID", TUESDAY + AGAIN_AFTER),
        ], "a refusal is no read, and was asked for twice in a month and no oftener"
        assert consents.get(session, consent.id or 0).status == "valid"


async def test_an_unattended_look_is_one_of_the_days_reads_and_there_is_none_above_the_limit(
    lite: Database, world: World, request: pytest.FixtureRequest
) -> None:
    where = {"country": "MX", "currency": "MXN", "region": None, "timezone": "America/Mexico_City"}
    [holder] = world.enrol(request.node.name, as_of=TUESDAY.isoformat(), **where)
    here = str(world.http.base_url).rstrip("/")
    belvo = Belvo(base_url=here, widget_url=f"{here}/belvo-widget/", secret_id="s", secret_password=SecretStr("p"))
    settings = settings_for(world, belvo=belvo.model_copy(update={"transactions": True}))
    path = f"/consent/{token_for(lite, enter_loan(lite, **where))}"
    async with httpx.AsyncClient(trust_env=False) as client:
        async with caller(app_for(lite, settings, client)) as browser:
            await browser.get(at_bank(world, (await browser.post(path)).text, person=holder["person_id"]))
        desk = ConsentDesk(lite, bank_sources(settings, connect_outside(settings, client)), lambda *_: None, MADRID)
        with lite.writing() as session:
            [consent] = session.exec(select(Consent)).all()
            ref, consent.credits_read_at = consent.id or 0, None
            session.add(consent)
            loan = people.loans_of(session, people.get(session, consent.person_ref))[0]
            for hours in (1, 2, 3, 4):
                at = TUESDAY - timedelta(hours=hours)
                consents.record_read(session, consent, loan, at=at, outcome="read", amount_minor=100)
        full = await desk.learn(ref, TUESDAY, None)
        free = await desk.learn(ref, TUESDAY + timedelta(days=1), None)

    assert (full, free) == (False, True)
    assert len([one for one in world.entries("transactions_read") if one["consent_id"] == consent.consent_id]) == 2
    with lite.reading() as session:
        assert [row.outcome for row in session.exec(select(BalanceRead)).all()][-1] == "credits"
        known = incomes.known(session, consent.person_ref)
    assert known is not None
    assert known.watched_since < TUESDAY - timedelta(days=80)


async def test_what_came_in_is_not_read_of_whom_a_stop_state_closes_to_collection(
    database: Database, world: World
) -> None:
    """Given somebody under insolvency with a valid consent, when the daily run could look, then it does not."""
    found = world.enrol(*(f"insolvent-{n}" for n in range(30)), as_of=TUESDAY.isoformat())
    one = next(each for each in found if each["bank_consent"])
    loan_id = enter_loan(database, bank_consent=one["bank_consent"], bank_account=one["bank_account"])
    with database.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, loan_id))
        people.raise_flag(session, person, "bankruptcy", source="loan", at=TUESDAY)
        [consent] = consents.of_person(session, person)
        ref = consent.id or 0
    async with httpx.AsyncClient(trust_env=False) as client:
        settings = with_transactions(world)
        desk = ConsentDesk(database, bank_sources(settings, connect_outside(settings, client)), lambda *_: None, MADRID)
        learnt = await desk.learn(ref, TUESDAY, None)

    assert not learnt
    with database.reading() as session:
        assert session.exec(select(BalanceRead)).all() == []


async def test_transactions_are_not_read_of_whoever_was_told_that_they_are_not(
    lite: Database, world: World, request: pytest.FixtureRequest
) -> None:
    """Given a Mexican who consented on a page that said "No vemos tus movimientos", when the lender then turns
    transactions on, then theirs are read neither at once nor after a month; nor are those of a consent from a file."""
    where = {"country": "MX", "currency": "MXN", "region": None, "timezone": "America/Mexico_City"}
    [holder] = world.enrol(request.node.name, as_of=TUESDAY.isoformat(), **where)
    here = str(world.http.base_url).rstrip("/")
    belvo = Belvo(base_url=here, widget_url=f"{here}/belvo-widget/", secret_id="s", secret_password=SecretStr("p"))
    path = f"/consent/{token_for(lite, enter_loan(lite, **where))}"
    async with httpx.AsyncClient(trust_env=False) as client:
        async with caller(app_for(lite, settings_for(world, belvo=belvo), client)) as browser:
            page = await browser.get(path)
            await browser.get(at_bank(world, (await browser.post(path)).text, person=holder["person_id"]))
        settings = settings_for(world, belvo=belvo.model_copy(update={"transactions": True}))
        desk = ConsentDesk(lite, bank_sources(settings, connect_outside(settings, client)), lambda *_: None, MADRID)
        with lite.reading() as session:
            [consent] = session.exec(select(Consent)).all()
            ref = consent.id or 0
        told = [await desk.learn(ref, TUESDAY + after, None) for after in (timedelta(days=1), AGAIN_AFTER)]
        with lite.writing() as session:
            handed_over = consents.get(session, ref)
            handed_over.transactions = None
            session.add(handed_over)
        from_a_file = await desk.learn(ref, TUESDAY + AGAIN_AFTER, None)

    assert "No vemos tus movimientos" in page.text
    assert "Belvo guarda tus claves" in page.text
    assert (told, from_a_file) == ([False, False], False)
    assert [one for one in world.entries("transactions_read") if one["consent_id"] == consent.consent_id] == []
