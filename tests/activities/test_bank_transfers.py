"""Paying from one's own account at the sandbox's bank, by the page a link leads to and by what the bank says later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError
from sqlmodel import select

from activities.bank_transfers import BankTransfers, Standing
from activities.composition import connect_gateways
from activities.links import LinkIssuer
from activities.payment_inquiries import PaymentInquiries
from activities.transfers import Transfers
from config.payment_settings import BankPayments, Payments
from config.signed_addresses import SignedAddresses
from config.web_settings import Web
from domain.bank_news import BankEntry, FileKind
from domain.gateway_choice import BANK, STRIPE
from records import audit, bank_entries, loans, payments
from records.database import Database
from records.tables import EntryState, LinkState, Payment, PaymentInquiry, PaymentLink, Webhook
from tests.activities.outside import TUESDAY, enter_loan, settings_for
from tests.records.portfolios import LENDER
from tests.sandbox.running import World
from web.pay_pages import pay_router

SECRET = SecretStr("signs-what-borrowers-are-sent-xx")
PUBLIC = "http://testserver"


@dataclass
class Bench:
    """One loan that may be paid from its borrower's account."""

    database: Database
    world: World
    issuer: LinkIssuer
    transfers: BankTransfers
    asking: PaymentInquiries
    page: FastAPI
    loan_id: str
    iban: str
    at: datetime = TUESDAY

    async def link(self) -> PaymentLink:
        return await self.issuer.link_for_balance(LENDER, self.loan_id, self.at)

    def browse(self) -> httpx.AsyncClient:
        there = httpx.ASGITransport(self.page, client=("192.0.2.7", 50_000))
        return httpx.AsyncClient(transport=there, base_url=PUBLIC)

    def begun(self) -> list[dict[str, Any]]:
        return self.world.entries("transfer_begun", self.loan_id)

    def confirm(self, query: str = "") -> None:
        path = f"/sca-payment/{self.begun()[-1]['transfer']}{query}"
        headers = {"Date": "Tue, 10 Mar 2026 09:00:00 GMT"}
        assert self.world.http.post(path, headers=headers, follow_redirects=False).status_code == 303

    def settle(self) -> None:
        self.world.advance(self.loan_id, (TUESDAY + timedelta(hours=2)).isoformat())

    def paid(self) -> list[Payment]:
        with self.database.reading() as session:
            return list(payments.of_loan(session, loans.get(session, LENDER, self.loan_id)))

    def state_of(self, link: PaymentLink) -> LinkState:
        with self.database.reading() as session:
            return session.get_one(PaymentLink, link.id).state


@asynccontextmanager
async def bench_for(database: Database, world: World, **more: Any) -> AsyncIterator[Bench]:
    here = str(world.http.base_url).rstrip("/")
    settings = settings_for(
        world,
        bank_payments=BankPayments(
            base_url=here, creditor_name="Credialba", creditor_iban=SecretStr("ES7921000813610123456789")
        ),
        web=Web(public_url=PUBLIC, link_secret=SECRET),
        payments=Payments(ways={"ES": (BANK, STRIPE)}),
        **more,
    )
    loan_id = enter_loan(database)
    [person] = world.enrol(loan_id, amount_minor=10_000, due_date="2026-02-20", as_of="2026-03-01T09:00:00+00:00")
    world.act(loan_id, "salary")
    async with httpx.AsyncClient(trust_env=False) as client:
        gateways = connect_gateways(settings, client, database)
        assert gateways.transfers is not None
        issuer = LinkIssuer(database, gateways)
        page = FastAPI()
        addresses = SignedAddresses(SECRET, PUBLIC)
        bench = Bench(
            database,
            world,
            issuer,
            gateways.transfers,
            PaymentInquiries(database, gateways),
            page,
            loan_id,
            str(person["iban"]),
        )
        page.include_router(pay_router(settings, gateways.transfers, issuer, addresses, lambda request: bench.at))
        yield bench


@pytest.fixture
async def bench(lite: Database, world: World) -> AsyncIterator[Bench]:
    async with bench_for(lite, world) as made:
        yield made


async def test_a_borrower_pays_from_the_page_and_the_money_counts_once_when_it_has_settled(bench: Bench) -> None:
    link = await bench.link()
    async with bench.browse() as browser:
        opened = await browser.get(link.url)
        sent_on = await browser.post(link.url, data={"iban": f" {bench.iban.lower()} "})
        again = await browser.post(link.url, data={"iban": bench.iban})
        bench.confirm()
        back = await browser.get(f"{link.url}/back")

    assert "100,00" in opened.text
    assert "Credialba" in opened.text
    assert f"/sca-payment/{bench.begun()[0]['transfer']}" in sent_on.text
    assert "/sca-payment/" in again.text
    assert len(bench.begun()) == 1
    assert "en curso" in back.text
    assert bench.paid() == []  # confirmed is not settled

    bench.settle()
    for hours in (1, 2, 3):
        await bench.asking.ask_due(TUESDAY + timedelta(hours=hours))
    bench.at = TUESDAY + timedelta(hours=4)
    async with bench.browse() as browser:
        assert "ha llegado" in (await browser.get(link.url)).text

    [payment] = bench.paid()
    assert (payment.provider, payment.payment_id, payment.amount_minor) == (BANK, link.reference, 10_000)
    assert bench.state_of(link) is LinkState.PAID
    with bench.database.reading() as session:
        signals = [one for row in session.exec(select(Webhook)).all() for one in row.signals]
        assert [(one["name"], one["loan_id"]) for one in signals] == [("payment_received", bench.loan_id)]
        assert session.exec(select(PaymentInquiry.next_at)).all() == [None]


def on_the_statement(bench: Bench, text: str, minor: int = 10_000) -> str:
    """The lender's bank tells of money that came in; what became of the entry."""
    day = TUESDAY.date()
    entry = BankEntry(line=1, amount_minor=minor, currency="EUR", credit=True, booked_on=day, value_on=day, text=text)
    named: dict[str, Any] = {"sha256": f"f{minor}", "name": "f", "message_id": "m", "entries": 1, "at": TUESDAY}
    with bench.database.writing() as session:
        file = bank_entries.add_file(session, kind=FileKind.CAMT_053, **named)
        key, state = f"k{minor}", EntryState.WAITING
        row = bank_entries.add(
            session, file, entry, key=key, account="a", lender=LENDER, state=state, why=None, at=TUESDAY
        )
        Transfers(session, LENDER, TUESDAY).match(row)
        return f"{row.state}: {row.why}"


@pytest.mark.parametrize("first", ["bank", "statement"])
async def test_a_transfer_that_the_statement_shows_too_counts_once_whichever_comes_first(
    bench: Bench, first: str
) -> None:
    link = await bench.link()
    await bench.transfers.begin(link.reference or "", bench.iban, "192.0.2.7", TUESDAY)
    bench.confirm()
    bench.settle()
    for source in ("bank", "statement") if first == "bank" else ("statement", "bank"):
        if source == "bank":
            await bench.asking.ask_due(TUESDAY + timedelta(hours=3))
        else:
            told = on_the_statement(bench, f"TRANSFERENCIA {bench.begun()[0]['reference']} LUCIA")

    assert told == "matched: begun through our link"
    [payment] = bench.paid()
    assert (payment.provider, payment.payment_id) == (BANK, link.reference)
    with bench.database.reading() as session:
        signals = [one["name"] for row in session.exec(select(Webhook)).all() for one in row.signals]
        assert signals == ["payment_received"]


async def test_another_amount_under_a_transfers_reference_waits_for_a_person(bench: Bench) -> None:
    link = await bench.link()
    await bench.transfers.begin(link.reference or "", bench.iban, "192.0.2.7", TUESDAY)
    bench.confirm()
    bench.settle()
    await bench.asking.ask_due(TUESDAY + timedelta(hours=3))

    told = on_the_statement(bench, f"TRANSFERENCIA {link.reference}", 9_900)

    assert told.startswith("waiting: payment rcb")
    assert len(bench.paid()) == 1


@pytest.mark.parametrize("fault", ["lost_answer", "500"])
async def test_when_the_bank_does_not_answer_nothing_is_begun_a_second_time(bench: Bench, fault: str) -> None:
    link = await bench.link()
    bench.world.fault("bank", fault, count=1)
    async with bench.browse() as browser:
        first = await browser.post(link.url, data={"iban": bench.iban})
        second = await browser.post(link.url, data={"iban": bench.iban})
    later = await bench.link()

    assert len(bench.begun()) == (1 if fault == "lost_answer" else 0)
    assert "No pague dos veces" in first.text
    assert "No pague dos veces" in second.text
    assert bench.state_of(link) is LinkState.INACTIVE
    assert (later.provider, later.amount_minor) == (STRIPE, 10_000)
    with bench.database.reading() as session:
        [told] = audit.of_action(session, "webhook_needs_person")
        assert told.details["reference"] == link.reference


async def test_a_process_that_dies_between_asking_and_keeping_begins_nothing_again(bench: Bench) -> None:
    link = await bench.link()
    taken = bench.transfers._take_place(link.reference or "", "id", TUESDAY)

    view = await bench.transfers.begin(link.reference or "", bench.iban, "192.0.2.7", TUESDAY)

    assert taken is not None
    assert view is not None
    assert view.standing is Standing.UNKNOWN
    assert bench.begun() == []
    assert (await bench.link()).provider == STRIPE or bench.state_of(link) is LinkState.ACTIVE


@pytest.mark.parametrize(
    ("iban", "status", "words"),
    [
        ("ES91 2100 0418 4502 0005 1333", 422, "no es un IBAN"),
        ("hola", 422, "no es un IBAN"),
        ("", 422, "no es un IBAN"),
        ("ES9121000418450200051332", 502, "no acepta este pago"),  # of nobody at this bank
    ],
)
async def test_what_the_bank_refuses_may_be_tried_with_another_account(
    bench: Bench, iban: str, status: int, words: str
) -> None:
    link = await bench.link()
    async with bench.browse() as browser:
        refused = await browser.post(link.url, data={"iban": iban})
        good = await browser.post(link.url, data={"iban": bench.iban})

    assert (refused.status_code, good.status_code) == (status, 200)
    assert words in refused.text
    assert len(bench.begun()) == 1


async def test_a_declined_transfer_closes_the_link_and_a_new_one_is_offered(bench: Bench) -> None:
    link = await bench.link()
    async with bench.browse() as browser:
        await browser.post(link.url, data={"iban": bench.iban})
        bench.confirm("?decline=1")
        back = await browser.get(f"{link.url}/back")
    newest = await bench.link()

    assert bench.state_of(link) is LinkState.INACTIVE
    assert newest.provider == BANK
    assert newest.reference != link.reference
    assert newest.url in back.text
    assert bench.paid() == []


async def test_an_address_that_has_expired_or_was_not_made_by_us_pays_nothing(bench: Bench) -> None:
    link = await bench.link()
    bench.at = TUESDAY + timedelta(days=130)
    async with bench.browse() as browser:
        over = await browser.post(link.url, data={"iban": bench.iban})
        # Of the last letter's bits some say nothing.
        forged = await browser.get(link.url[:-2] + ("A" if link.url[-2] != "A" else "B") + link.url[-1])
        other_kind = SignedAddresses(SECRET, PUBLIC).address("document", link.reference or "", bench.at)
        stray = await browser.get(other_kind.replace("/document/", "/pay/"))

    assert bench.begun() == []
    assert "<form" not in over.text
    assert "Pagar lo que queda pendiente" in over.text
    assert (forged.status_code, stray.status_code) == (404, 404)


async def test_a_transfer_that_never_becomes_final_ends_with_a_person(bench: Bench) -> None:
    link = await bench.link()
    await bench.transfers.begin(link.reference or "", bench.iban, "192.0.2.7", TUESDAY)
    at, asked = TUESDAY, 0
    while await bench.asking.ask_due(at := at + timedelta(hours=7)):
        asked += 1

    assert 30 < asked < 40
    with bench.database.reading() as session:
        [told] = audit.of_action(session, "webhook_needs_person")
        assert told.details["kind"] == "transfer_not_final"


async def test_the_borrowers_account_number_is_kept_nowhere(bench: Bench) -> None:
    link = await bench.link()
    await bench.transfers.begin(link.reference or "", bench.iban, "192.0.2.7", TUESDAY)

    with bench.database.reading() as session:
        kept = str([row.model_dump() for row in session.exec(select(PaymentInquiry)).all()])
        kept += str([row.details for row in audit.of_loan(session, LENDER, bench.loan_id)])
    assert bench.iban not in kept
    assert "192.0.2.7" not in kept


def test_transfers_without_a_page_are_refused_in_the_settings(world: World) -> None:
    bank = BankPayments(base_url="https://b", creditor_name="C", creditor_iban=SecretStr("ES00"))

    with pytest.raises(ValidationError, match="RECOBRO_WEB__PUBLIC_URL and RECOBRO_WEB__LINK_SECRET"):
        settings_for(world, bank_payments=bank)


def test_an_address_is_the_same_each_time_and_tells_when_it_is_over() -> None:
    addresses = SignedAddresses(SECRET, "https://collect.example/")
    until = datetime(2026, 4, 1, tzinfo=UTC)
    address = addresses.address("pay", "rcb1", until)
    token = address.rsplit("/", 1)[1]

    assert address.startswith("https://collect.example/pay/")
    assert address == addresses.address("pay", "rcb1", until)
    now, later = addresses.read("pay", token, TUESDAY), addresses.read("pay", token, until)
    assert (now and (now.name, now.over), later and later.over) == (("rcb1", False), True)
    assert addresses.read("document", token, TUESDAY) is None
    assert SignedAddresses(SecretStr("another-secret-of-thirty-two-char"), "x").read("pay", token, TUESDAY) is None
