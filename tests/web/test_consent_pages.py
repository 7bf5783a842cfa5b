"""A borrower lets their balance be read: the page, the bank, and what the loan hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlmodel import select
from temporalio.exceptions import ApplicationError

from activities.composition import bank_sources, connect_outside
from activities.consents import ConsentDesk
from activities.orders import WatchOrder
from config.bank_data_settings import Bank, Belvo
from domain.contact import Channel
from domain.events.contacts import AddressFailure
from domain.strategy import WholeThreshold
from records import consent_links, loans, people
from records.database import Database
from records.tables import Audit, BalanceRead, Consent, ConsentRequest, ConsentStatus, Loan, Webhook
from tests.activities.outside import TUESDAY, desk_for, enter_loan, nowhere, settings_for
from tests.records.portfolios import LENDER
from tests.sandbox.running import World, running
from tests.web.calling import HERE
from tests.web.outside import FakeTemporal
from web.app import create_app
from web.consent_news import tell_given
from web.consent_pages import consent_router

PHONE_AT = "203.0.113.7"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world") / "log.jsonl") as started:
        yield started


@pytest.fixture
def account_holder(world: World, request: pytest.FixtureRequest) -> dict[str, Any]:
    [one] = world.enrol(request.node.name, as_of=TUESDAY.isoformat())
    return one


@pytest.fixture
async def site(database: Database, world: World) -> AsyncIterator[FastAPI]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield app_for(database, settings_for(world), client)


def app_for(database: Database, settings: Any, client: httpx.AsyncClient) -> FastAPI:
    desk = ConsentDesk(database, bank_sources(settings, connect_outside(settings, client)), tell_given)
    pages = consent_router(database, desk, settings, HERE, lambda _: TUESDAY)
    return create_app(database, FakeTemporal(), {}, now=lambda _: TUESDAY, routers=[pages])


def caller(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=(PHONE_AT, 4711))
    return httpx.AsyncClient(transport=transport, base_url=HERE)


def token_for(database: Database, loan_id: str) -> str:
    with database.reading() as session:
        loan = session.exec(select(Loan).where(Loan.loan_id == loan_id)).one()
        return consent_links.make(session, people.of_loan(session, loan), TUESDAY)


def at_bank(world: World, page: str, **form: str) -> str:
    """What the account holder does at the bank; where it sends them back to."""
    href = page.split('<a href="')[1].split('"')[0].replace("&amp;", "&")
    answer = world.http.post(href, data=form, headers={"Date": "Tue, 10 Mar 2026 09:00:00 GMT"})
    return str(answer.headers.get("location", ""))


def kept(database: Database) -> list[Consent]:
    with database.reading() as session:
        rows = list(session.exec(select(Consent)).all())
        for row in rows:
            session.expunge(row)
        return rows


async def test_a_borrower_gives_a_consent_until_the_date_the_bank_names(
    database: Database, site: FastAPI, world: World, account_holder: dict[str, Any]
) -> None:
    loan_id = enter_loan(database)
    path = f"/consent/{token_for(database, loan_id)}"
    async with caller(site) as browser:
        asked = await browser.get(path)
        away = await browser.post(path)
        back = at_bank(world, away.text, person=account_holder["person_id"])
        done = await browser.get(back)

    assert (asked.status_code, away.status_code, done.status_code) == (200, 200, 200)
    assert "Credialba te pide permiso" in asked.text
    assert "Belvo" not in asked.text
    assert 'href="tel:' in asked.text
    assert away.headers["refresh"].startswith("0;url=http")
    [consent] = kept(database)
    assert consent.status is ConsentStatus.VALID
    assert consent.account_id == account_holder["bank_account"]
    assert consent.valid_until == date(2026, 3, 10) + timedelta(days=180)
    assert "6 de septiembre de 2026" in done.text
    with database.reading() as session:
        [owed] = session.exec(select(Webhook)).all()
        assert [(s["name"], s["payload"]) for s in owed.signals or []] == [
            ("consent_given", {"valid_until": "2026-09-06"})
        ]
        assert [row.action for row in session.exec(select(Audit)).all() if "consent" in row.action] == [
            "consent_asked",
            "consent_given",
        ]
        assert session.exec(select(BalanceRead)).all() == [], "the account holder was there: no unattended read"


async def test_coming_back_twice_changes_nothing(
    database: Database, site: FastAPI, world: World, account_holder: dict[str, Any]
) -> None:
    path = f"/consent/{token_for(database, enter_loan(database))}"
    async with caller(site) as browser:
        back = at_bank(world, (await browser.post(path)).text, person=account_holder["person_id"])
        await browser.get(back)
        again = await browser.get(back)

    assert "El permiso está dado" in again.text
    assert len(kept(database)) == 1
    with database.reading() as session:
        assert len(session.exec(select(Webhook)).all()) == 1


async def test_a_newer_consent_replaces_the_one_before(
    database: Database, site: FastAPI, world: World, account_holder: dict[str, Any]
) -> None:
    loan_id = enter_loan(
        database, bank_consent="con-of-old", bank_account="acc-old", consent_valid_until=date(2026, 3, 20)
    )
    path = f"/consent/{token_for(database, loan_id)}"
    async with caller(site) as browser:
        await browser.get(at_bank(world, (await browser.post(path)).text, person=account_holder["person_id"]))

    old, new = sorted(kept(database), key=lambda row: row.id or 0)
    assert old.provider == new.provider
    assert (old.status, old.over_because) == (ConsentStatus.EXPIRED, "replaced")
    assert (new.status, new.over_because) == (ConsentStatus.VALID, None)


async def test_who_had_given_one_and_says_no_to_the_next_is_told_that_it_is_not_given(
    database: Database, site: FastAPI, world: World, account_holder: dict[str, Any]
) -> None:
    path = f"/consent/{token_for(database, enter_loan(database))}"
    async with caller(site) as browser:
        await browser.get(at_bank(world, (await browser.post(path)).text, person=account_holder["person_id"]))
        away = await browser.post(path)
        back = at_bank(world, away.text, person=account_holder["person_id"], answer="no")
        answers = [(await browser.get(back)).text for _ in range(2)]

    assert all("El permiso no está dado" in answer for answer in answers)


async def test_who_says_no_at_the_bank_gives_nothing(
    database: Database, site: FastAPI, world: World, account_holder: dict[str, Any]
) -> None:
    path = f"/consent/{token_for(database, enter_loan(database))}"
    async with caller(site) as browser:
        away = await browser.post(path)
        early = await browser.get(f"{path}/back")
        answer = await browser.get(at_bank(world, away.text, person=account_holder["person_id"], answer="no"))

    assert "todavía no lo ha confirmado" in early.text
    assert "El permiso no está dado" in answer.text
    assert kept(database) == []
    with database.reading() as session:
        [request] = session.exec(select(ConsentRequest)).all()
        assert request.outcome == "rejected"


async def test_only_the_persons_own_token_opens_the_page_and_only_while_a_loan_is_in_collection(
    database: Database, site: FastAPI
) -> None:
    token = token_for(database, enter_loan(database))
    person, last, sign = token.split(".")
    forged = [f"{int(person, 16) + 1:x}.{last}.{sign}", f"{person}.{int(last, 16) + 9:x}.{sign}", f"{token}0", "x"]
    with database.reading() as session:
        assert consent_links.person_of(session, token, TUESDAY + timedelta(days=30)) is not None
        assert consent_links.person_of(session, token, TUESDAY + timedelta(days=31)) is None
    async with caller(site) as browser:
        assert [(await browser.get(f"/consent/{each}")).status_code for each in forged] == [404] * 4
        assert [(await browser.post(f"/consent/{each}")).status_code for each in forged] == [404] * 4
        with database.writing() as session:
            loans.end(session, session.exec(select(Loan)).one(), kind="recalled", at=TUESDAY, final_state=None)
        assert (await browser.get(f"/consent/{token}")).status_code == 404


async def test_a_bank_that_is_down_or_asked_too_often_is_said_and_nothing_is_kept(
    database: Database, world: World
) -> None:
    path = f"/consent/{token_for(database, enter_loan(database))}"
    async with httpx.AsyncClient(trust_env=False) as client:
        down = app_for(database, settings_for(world, bank=Bank(base_url=nowhere())), client)
        async with caller(down) as browser:
            codes = [(await browser.post(path)).status_code for _ in range(7)]

    assert codes == [503] * 6 + [429]
    assert kept(database) == []


async def test_a_mexican_connects_an_account_through_belvo_and_is_watched_through_it(
    database: Database, world: World, request: pytest.FixtureRequest
) -> None:
    where = {"country": "MX", "currency": "MXN", "region": None, "timezone": "America/Mexico_City"}
    [holder] = world.enrol(request.node.name, as_of=TUESDAY.isoformat(), **where)
    here = str(world.http.base_url).rstrip("/")
    belvo = Belvo(base_url=here, widget_url=f"{here}/belvo-widget/", secret_id="s", secret_password=SecretStr("p"))
    settings = settings_for(world, belvo=belvo)
    loan_id = enter_loan(database, **where, amount_due_minor=90_000_000)
    path = f"/consent/{token_for(database, loan_id)}"
    async with httpx.AsyncClient(trust_env=False) as client:
        site = app_for(database, settings, client)
        async with caller(site) as browser:
            away = await browser.post(path)
            back = at_bank(world, away.text, person=holder["person_id"])
            stolen = await browser.get(back.replace("link=", "link=0"))
            done = await browser.get(back)
    async with desk_for(database, settings) as desk:
        with pytest.raises(ApplicationError, match="funds not there yet"):
            await desk.watch(WatchOrder(lender=LENDER, loan_id=loan_id, threshold=WholeThreshold(), reads_per_day=4))

    assert "El permiso no está dado" in stolen.text
    assert "Gracias" in done.text
    [consent] = kept(database)
    assert (consent.provider, consent.status, consent.valid_until) == ("belvo", ConsentStatus.VALID, None)
    [read] = [entry for entry in world.entries("balance_read") if entry["consent_id"] == consent.consent_id]
    assert read["currency"] == "MXN"
    with database.reading() as session:
        [row] = session.exec(select(BalanceRead)).all()
        assert (row.outcome, row.amount_minor) == ("read", read["amount_minor"])


async def test_a_link_made_for_somebody_elses_request_is_not_taken(
    database: Database, world: World, request: pytest.FixtureRequest
) -> None:
    where = {"country": "MX", "currency": "MXN", "region": None, "timezone": "America/Mexico_City"}
    [holder] = world.enrol(request.node.name, as_of=TUESDAY.isoformat(), **where)
    here = str(world.http.base_url).rstrip("/")
    belvo = Belvo(base_url=here, widget_url=f"{here}/belvo-widget/", secret_id="s", secret_password=SecretStr("p"))
    mine, theirs = (f"/consent/{token_for(database, enter_loan(database, **where))}" for _ in range(2))
    async with httpx.AsyncClient(trust_env=False) as client:
        async with caller(app_for(database, settings_for(world, belvo=belvo), client)) as browser:
            await browser.post(mine)
            theirs_back = at_bank(world, (await browser.post(theirs)).text, person=holder["person_id"])
            answer = await browser.get(theirs_back.replace(theirs, mine))

    assert "El permiso no está dado" in answer.text
    assert kept(database) == []


async def test_opening_the_link_asks_the_bank_nothing(database: Database, site: FastAPI, world: World) -> None:
    path = f"/consent/{token_for(database, enter_loan(database))}"
    async with caller(site) as browser:
        await browser.get(path)

    with database.reading() as session:
        assert session.exec(select(ConsentRequest)).all() == []


@pytest.mark.parametrize(("days", "status"), [(0, 404), (-1, 200)])
async def test_who_is_not_the_borrower_connects_no_account_in_their_name(
    database: Database, site: FastAPI, days: int, status: int
) -> None:
    """Given an address to consent at, when somebody else answers at the borrower's number, then it is good no more;
    one that was made on a later day is."""
    loan_id = enter_loan(database)
    path = f"/consent/{token_for(database, loan_id)}"
    with database.writing() as session:
        owner = people.of_loan(session, loans.get(session, LENDER, loan_id))
        at = TUESDAY + timedelta(days=days)
        people.close_address(session, owner, Channel.SMS, "+34600000999", reason=AddressFailure.WRONG_PERSON, at=at)

    async with caller(site) as client:
        answers = [await client.get(path), await client.post(path), await client.get(f"{path}/back")]

    assert (answers[0].status_code, [each.status_code == 404 for each in answers]) == (status, [status == 404] * 3)
