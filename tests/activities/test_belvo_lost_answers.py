"""An answer of Belvo's lost after the effect, through the activities: no read too many, no consent half ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import select
from temporalio.exceptions import ApplicationError

from activities.composition import bank_sources, connect_outside
from activities.consent_round import ConsentRound
from activities.consents import ConsentDesk, Sources
from activities.orders import WatchOrder
from activities.read_budget import counted_since
from config.bank_data_settings import Belvo
from domain.strategy import WholeThreshold
from domain.what_next import WhatNext
from providers.errors import ProviderError, refusal
from providers.ports import ConsentStatus as BankStatus
from records import consents, loans, people
from records.database import Database
from records.tables import Consent, ConsentRequest, ConsentStatus
from tests.activities.outside import TUESDAY, desk_for, enter_loan, settings_for
from tests.records.portfolios import LENDER
from tests.sandbox.running import World, running
from tests.web.test_consent_pages import app_for, at_bank, caller, token_for

MEXICO_CITY = ZoneInfo("America/Mexico_City")
MEXICO = {"country": "MX", "currency": "MXN", "region": None, "timezone": "America/Mexico_City"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("world") / "log.jsonl") as started:
        yield started


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as opened:
        yield opened


def through_belvo(world: World) -> Any:
    here = str(world.http.base_url).rstrip("/")
    belvo = Belvo(base_url=here, widget_url=f"{here}/belvo-widget/", secret_id="s", secret_password=SecretStr("p"))
    return settings_for(world, belvo=belvo)


async def connected(
    database: Database, world: World, client: httpx.AsyncClient, name: str, lost: int = 0
) -> tuple[str, Consent]:
    """A Mexican's loan and their consent, given through Belvo's widget; `lost` answers are lost on the way there."""
    [holder] = world.enrol(name, as_of=TUESDAY.isoformat(), **MEXICO)
    loan_id = enter_loan(database, **MEXICO, amount_due_minor=90_000_000)
    path = f"/consent/{token_for(database, loan_id)}"
    async with caller(app_for(database, through_belvo(world), client)) as browser:
        for _ in range(lost):
            world.fault("belvo", "lost_answer", count=1)
            assert (await browser.post(path)).status_code == 503
        await browser.get(at_bank(world, (await browser.post(path)).text, person=holder["person_id"]))
    with database.reading() as session:
        [consent] = session.exec(select(Consent)).all()
        session.expunge(consent)
    return loan_id, consent


async def test_a_lost_token_is_asked_for_again_and_one_consent_comes_of_it(
    lite: Database, world: World, client: httpx.AsyncClient
) -> None:
    _, consent = await connected(lite, world, client, "belvo-token", lost=2)

    assert consent.status is ConsentStatus.VALID
    with lite.reading() as session:
        outcomes = [row.outcome for row in session.exec(select(ConsentRequest).order_by(ConsentRequest.id)).all()]  # type: ignore[arg-type]
    assert outcomes == ["connection_lost", "connection_lost", "granted"]


async def test_a_balance_whose_answer_was_lost_counts_and_the_day_has_no_read_too_many(
    lite: Database, world: World, client: httpx.AsyncClient
) -> None:
    loan_id, consent = await connected(lite, world, client, "belvo-balance")
    order = WatchOrder(lender=LENDER, loan_id=loan_id, threshold=WholeThreshold(), reads_per_day=4)
    refusals: list[str] = []
    async with desk_for(lite, through_belvo(world)) as desk:
        for minutes in range(0, 8 * 60, 30):
            if minutes == 30:
                world.fault("belvo", "lost_answer", count=1)
            with pytest.raises(ApplicationError) as put_off:
                await desk.watch(order, TUESDAY + timedelta(minutes=minutes))
            refusals.append(str(put_off.value))

    read = [one for one in world.entries("balance_read") if one["consent_id"] == consent.consent_id]
    assert any("connection_lost" in refusal for refusal in refusals)
    assert "used up" in refusals[-1]
    assert len(read) == 4, "the lost one among them"
    with lite.reading() as session:
        assert len(counted_since(session, consent, TUESDAY)) == 4


async def test_a_link_whose_end_was_not_confirmed_is_over_here_at_once_and_there_after_the_next_try(
    lite: Database, world: World, client: httpx.AsyncClient
) -> None:
    _, consent = await connected(lite, world, client, "belvo-revoked")
    settings = through_belvo(world)
    desk = ConsentDesk(lite, bank_sources(settings, connect_outside(settings, client)), lambda *_: None)
    world.fault("belvo", "lost_answer", count=1)

    first = await desk.revoke(consent.person_ref, TUESDAY, "operator")
    with lite.reading() as session:
        between = session.get_one(Consent, consent.id)
    told = await desk.end_at_banks(TUESDAY)

    assert (first.ended, first.not_told, told.ended) == (1, 1, 1)
    assert (between.status, between.over_because) == (ConsentStatus.REVOKED, "revoked by us, not yet at the bank")
    with lite.reading() as session:
        after = session.get_one(Consent, consent.id)
        assert (after.status, after.over_because) == (ConsentStatus.REVOKED, "revoked by us")


async def test_a_link_whose_accounts_cannot_be_read_when_its_borrower_comes_back_is_settled_by_the_round(
    lite: Database, world: World, client: httpx.AsyncClient
) -> None:
    """Given a Mexican who has just connected their account, when Belvo cannot list the accounts at that very moment,
    then the page says later, and the daily run takes the consent: the link's id came with the borrower alone."""
    [holder] = world.enrol("belvo-accounts-down", as_of=TUESDAY.isoformat(), **MEXICO)
    loan_id = enter_loan(lite, **MEXICO, amount_due_minor=90_000_000)
    path, settings = f"/consent/{token_for(lite, loan_id)}", through_belvo(world)
    async with caller(app_for(lite, settings, client)) as browser:
        back = at_bank(world, (await browser.post(path)).text, person=holder["person_id"])
    sources = bank_sources(settings, connect_outside(settings, client))
    down: Any = {"belvo": NoAccounts(sources.by_name["belvo"])}
    desk = ConsentDesk(lite, Sources(down, {}), lambda *_: None)
    with pytest.raises(ProviderError):
        await desk.settle(1, TUESDAY, "203.0.113.7", dict(httpx.URL(back).params))

    found = await ConsentRound(lite, ConsentDesk(lite, sources, lambda *_: None), MEXICO_CITY).go(
        TUESDAY + timedelta(days=1)
    )

    assert found.settled == 1
    with lite.reading() as session:
        assert [one.status for one in session.exec(select(Consent)).all()] == [ConsentStatus.VALID]


class NoAccounts:
    """A source that cannot list the accounts now."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def accounts(self, consent_id: str, at: datetime, psu_ip: str | None = None) -> Any:
        raise refusal("belvo", "institution_down", WhatNext.RETRY, "the bank is down")


@pytest.mark.parametrize("earlier", [False, True], ids=["by this version", "by 0.1.0"])
async def test_a_link_that_a_newer_one_replaces_is_deleted_at_belvo_by_the_daily_run(
    lite: Database, world: World, client: httpx.AsyncClient, earlier: bool
) -> None:
    """Given a Mexican who connected their account, when they connect it anew, then the older link, which Belvo would
    keep for ever, is deleted there and the newer one is not; also where a version connected it that kept neither the
    link's id with the request nor what its page had said of transactions."""
    [holder] = world.enrol(f"belvo-replaced-{earlier}", as_of=TUESDAY.isoformat(), **MEXICO)
    loan_id = enter_loan(lite, **MEXICO, amount_due_minor=90_000_000)
    path, settings = f"/consent/{token_for(lite, loan_id)}", through_belvo(world)
    async with caller(app_for(lite, settings, client)) as browser:
        for _ in range(2):
            await browser.get(at_bank(world, (await browser.post(path)).text, person=holder["person_id"]))
            if earlier:
                with lite.writing() as session:
                    for row in (*session.exec(select(Consent)).all(), *session.exec(select(ConsentRequest)).all()):
                        row.transactions = None
                        session.add(row)
                    for asked in session.exec(select(ConsentRequest)).all():
                        asked.consent_id = None
                        session.add(asked)
    sources = bank_sources(settings, connect_outside(settings, client))
    desk = ConsentDesk(lite, sources, lambda *_: None)

    told = await desk.end_at_banks(TUESDAY)
    again = await desk.end_at_banks(TUESDAY)

    with lite.reading() as session:
        old, new = session.exec(select(Consent).order_by(Consent.id)).all()  # type: ignore[arg-type]
    belvo = sources.by_name["belvo"]
    assert (told.ended, told.not_told, again.ended) == (1, 0, 0)
    assert (old.over_because, await belvo.consent_status(old.consent_id, TUESDAY)) == ("replaced", BankStatus.EXPIRED)
    assert (new.status, await belvo.consent_status(new.consent_id, TUESDAY)) == (ConsentStatus.VALID, BankStatus.VALID)


async def test_a_link_from_a_lenders_file_is_left_at_belvo_when_its_borrower_connects_anew(
    lite: Database, world: World, client: httpx.AsyncClient
) -> None:
    [holder] = world.enrol("belvo-file", as_of=TUESDAY.isoformat(), **MEXICO)
    loan_id = enter_loan(lite, **MEXICO, amount_due_minor=90_000_000)
    with lite.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, loan_id))
        of_a_file: Any = {"consent_id": "the-lenders", "account_id": "a", "valid_until": None, "reads_per_day": 4}
        consents.grant(session, person, provider="belvo", at=TUESDAY - timedelta(days=9), **of_a_file)
    path, settings = f"/consent/{token_for(lite, loan_id)}", through_belvo(world)
    async with caller(app_for(lite, settings, client)) as browser:
        await browser.get(at_bank(world, (await browser.post(path)).text, person=holder["person_id"]))

    with lite.reading() as session:
        old, new = session.exec(select(Consent).order_by(Consent.id)).all()  # type: ignore[arg-type]
    assert (old.over_because, old.end_at_source, new.status) == ("replaced", False, ConsentStatus.VALID)


async def test_a_link_with_no_account_in_the_loans_currency_is_deleted_at_belvo(
    lite: Database, world: World, client: httpx.AsyncClient
) -> None:
    [holder] = world.enrol("belvo-currency", as_of=TUESDAY.isoformat(), **MEXICO)
    path, settings = (
        f"/consent/{token_for(lite, enter_loan(lite, **MEXICO | {'currency': 'USD'}))}",
        through_belvo(world),
    )
    async with caller(app_for(lite, settings, client)) as browser:
        await browser.get(at_bank(world, (await browser.post(path)).text, person=holder["person_id"]))
    sources = bank_sources(settings, connect_outside(settings, client))

    told = await ConsentDesk(lite, sources, lambda *_: None).end_at_banks(TUESDAY)

    with lite.reading() as session:
        [asked] = session.exec(select(ConsentRequest)).all()
    assert (asked.outcome, told.ended) == ("no account in the loans' currency", 1)
    status = await sources.by_name["belvo"].consent_status(asked.consent_id or "", TUESDAY)
    assert status is BankStatus.EXPIRED
