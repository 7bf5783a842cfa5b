"""Paying from one's own account at the sandbox's bank, by the page a link leads to and by what the bank says later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError
from sqlmodel import col, select

from activities.bank_transfers import BankTransfers
from activities.composition import connect_gateways
from activities.gateways import Gateways
from activities.links import LinkIssuer, NoGateway
from activities.payment_inquiries import PaymentInquiries
from activities.transfer_standing import Standing
from activities.transfers import Transfers
from config.payment_settings import BankPayments, Payments
from config.signed_addresses import SignedAddresses
from config.web_settings import Web
from domain.agreements.model import Agreement, AgreementKind, AgreementState, Instalment, Via
from domain.bank_news import BankEntry, FileKind
from domain.contact import Channel
from domain.events.contacts import AddressFailure
from domain.gateway_choice import BANK, STRIPE
from records import agreements, audit, bank_entries, links, loans, payments, people
from records.database import Database
from records.tables import EntryState, LinkState, Payment, PaymentInquiry, PaymentLink, PaymentSource, Webhook
from tests.activities.outside import TUESDAY, enter_loan, settings_for
from tests.records.portfolios import LENDER, handed_over_again
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

    def every_link(self) -> list[PaymentLink]:
        with self.database.reading() as session:
            return list(session.exec(select(PaymentLink).order_by(col(PaymentLink.id))).all())

    def agree(self, kind: AgreementKind, amounts: tuple[int, ...]) -> None:
        """As the loan tells the records of an agreement in force, a payment a month."""
        due = [TUESDAY.date() + timedelta(days=30 * number) for number in range(1, len(amounts) + 1)]
        agreement = Agreement(
            number=1,
            kind=kind,
            state=AgreementState.OPEN if kind is AgreementKind.PROMISE else AgreementState.ACTIVE,
            made_at=TUESDAY - timedelta(days=1),
            by="agent-1",
            via=Via.AGENT,
            balance_minor=10_000,
            instalments=tuple(
                Instalment(number=number, due=day, amount_minor=amount)
                for number, (day, amount) in enumerate(zip(due, amounts, strict=True), 1)
            ),
        )
        with self.database.writing() as session:
            loan = loans.get(session, LENDER, self.loan_id)
            agreements.keep(session, loan, agreement, (0,) * len(amounts), of_entry=1, at=TUESDAY)

    def pay(self, amount_minor: int) -> None:
        with self.database.writing() as session:
            payments.record(
                session,
                provider="core",
                payment_id="p1",
                lender=LENDER,
                loan_id=self.loan_id,
                amount_minor=amount_minor,
                currency="EUR",
                paid_at=TUESDAY,
                received_at=TUESDAY,
                source=PaymentSource.RECORD,
            )

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
    # Some live from week to week: of a usual wage of the 1st they would have too little left on TUESDAY.
    world.act(loan_id, "salary", amount_minor=10_000_000)
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


def on_the_statement(bench: Bench, text: str, minor: int = 10_000, day: date = TUESDAY.date()) -> str:
    """The lender's bank tells of money that came in; what became of the entry."""
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


async def begun_and_handed_over_again(bench: Bench, after: timedelta) -> PaymentLink:
    """The loan comes back so long after the transfer was begun, and before its bank is asked again."""
    link = await bench.link()
    await bench.transfers.begin(link.reference or "", bench.iban, "192.0.2.7", TUESDAY)
    bench.confirm()
    bench.settle()
    with bench.database.writing() as session:
        loan = handed_over_again(session, bench.loan_id, 8_000)
        loan.entered_at = TUESDAY + after
        session.add(loan)
    for days in (4, 5):
        await bench.asking.ask_due(TUESDAY + timedelta(days=days))
    return link


def told_and_shown(bench: Bench) -> tuple[list[str], list[str]]:
    with bench.database.reading() as session:
        told = [one["name"] for row in session.exec(select(Webhook)).all() for one in row.signals]
        return told, [row.details["kind"] for row in audit.of_action(session, "webhook_needs_person")]


async def test_a_transfer_begun_before_the_loan_was_handed_over_anew_is_shown_and_counts_by_the_statements_day(
    bench: Bench,
) -> None:
    """Given one that may have come before, so that the amount handed over anew may hold it: its bank says no day."""
    link = await begun_and_handed_over_again(bench, timedelta(days=2))
    assert (bench.paid(), told_and_shown(bench)) == ([], ([], ["payment:earlier_entry"]))

    told = on_the_statement(bench, f"TRANSFERENCIA {link.reference}", day=TUESDAY.date() + timedelta(days=2))

    assert told == "matched: begun through our link"
    assert [(one.provider, one.entry) for one in bench.paid()] == [(BANK, 2)]
    assert told_and_shown(bench) == (["payment_received"], ["payment:earlier_entry"])


async def test_a_transfer_begun_on_the_day_of_the_new_hand_over_counts_for_it(bench: Bench) -> None:
    await begun_and_handed_over_again(bench, timedelta(hours=3))

    assert [(one.provider, one.entry) for one in bench.paid()] == [(BANK, 2)]
    assert told_and_shown(bench) == (["payment_received"], [])


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
    assert "No pagues dos veces" in first.text
    assert "Pagar lo que queda pendiente" not in first.text
    assert "No pagues dos veces" in second.text
    assert bench.state_of(link) is LinkState.INACTIVE
    assert (later.provider, later.amount_minor) == (STRIPE, 10_000)
    with bench.database.reading() as session:
        [told] = audit.of_action(session, "webhook_needs_person")
        assert told.details["reference"] == link.reference


async def test_where_the_bank_has_no_page_of_confirmation_another_way_to_pay_is_offered(bench: Bench) -> None:
    """Given a bank that wants the confirmation by OAuth2, when the borrower begins the transfer, then the link is
    closed, a person is told once, and the next link is another gateway's."""
    link = await bench.link()
    bench.world.fault("bank", "oauth", count=1)
    async with bench.browse() as browser:
        begun = await browser.post(link.url, data={"iban": bench.iban})
        back = await browser.get(f"{link.url}/back")
        asked = await browser.post(link.url, data={"what": "another"})
    later = await bench.link()
    polled = await bench.asking.ask_due(TUESDAY + timedelta(days=1))

    assert "oauth" not in begun.text
    assert "Aquí ya no se puede pagar nada" in begun.text
    assert "Pagar lo que queda pendiente" in back.text
    assert bench.state_of(link) is LinkState.INACTIVE
    assert (later.provider, later.url in asked.text, polled, len(bench.begun())) == (STRIPE, True, 0, 1)
    with bench.database.reading() as session:
        [told] = audit.of_action(session, "webhook_needs_person")
        assert told.details == {"kind": "transfer_not_confirmable", "reference": link.reference}


async def test_where_the_transfer_is_the_only_way_to_pay_the_reason_is_told_and_it_is_tried_again_later(
    bench: Bench,
) -> None:
    """Given a bank alone, without a page of confirmation, when a link is wanted again, then an operator reads why there
    is none, and a week later there is one."""
    bench.issuer.gateways = only_the_bank(bench)
    link = await bench.link()
    bench.world.fault("bank", "oauth", count=1)
    await bench.transfers.begin(link.reference or "", bench.iban, "192.0.2.7", TUESDAY)

    with pytest.raises(
        NoGateway, match=r"no page to confirm a transfer on: none of this loan for 7 days, and no other"
    ):
        await bench.link()
    bench.at = TUESDAY + timedelta(days=7)
    later = await bench.link()

    assert (later.provider, later.reference != link.reference) == (BANK, True)


async def test_a_transfer_the_bank_may_have_taken_bars_the_next_for_good(bench: Bench) -> None:
    bench.issuer.gateways = only_the_bank(bench)
    link = await bench.link()
    bench.world.fault("bank", "lost_answer", count=1)
    await bench.transfers.begin(link.reference or "", bench.iban, "192.0.2.7", TUESDAY)
    bench.at = TUESDAY + timedelta(days=60)

    with pytest.raises(
        NoGateway, match=r"may have taken a transfer .* no other way to pay is configured for EUR in ES"
    ):
        await bench.link()


@pytest.mark.parametrize(("days", "offered"), [(9, False), (10, True)])
async def test_a_transfer_of_the_hand_over_before_that_may_still_come_bars_the_next_until_it_is_given_up(
    bench: Bench, days: int, offered: bool
) -> None:
    bench.issuer.gateways = only_the_bank(bench)
    link = await bench.link()
    bench.world.fault("bank", "lost_answer", count=1)
    await bench.transfers.begin(link.reference or "", bench.iban, "192.0.2.7", TUESDAY)
    with bench.database.writing() as session:
        handed_over_again(session, bench.loan_id, 8_000)
    bench.at = TUESDAY + timedelta(days=days)

    if offered:
        assert (await bench.link()).amount_minor == 8_000
    else:
        with pytest.raises(NoGateway, match="may have taken a transfer"):
            await bench.link()


async def test_the_page_of_a_new_hand_over_tells_of_a_transfer_of_the_one_before_that_is_under_way(
    bench: Bench,
) -> None:
    before = await bench.link()
    await bench.transfers.begin(before.reference or "", bench.iban, "192.0.2.7", TUESDAY)
    with bench.database.writing() as session:
        handed_over_again(session, bench.loan_id, 8_000)
    link = await bench.link()

    view = bench.transfers.view(link.reference or "", TUESDAY)

    assert view is not None
    assert view.elsewhere is Standing.UNDER_WAY


def only_the_bank(bench: Bench) -> Gateways:
    gateways = bench.issuer.gateways
    return replace(gateways, known=[each for each in gateways.known if each[0].name == BANK])


async def test_an_address_of_oauth2_that_an_earlier_version_kept_sends_nobody_there(bench: Bench) -> None:
    link = await bench.link()
    await bench.transfers.begin(link.reference or "", bench.iban, "192.0.2.7", TUESDAY)
    with bench.database.writing() as session:
        [kept] = session.exec(select(PaymentInquiry)).all()
        kept.redirect_url = "https://bank.example/.well-known/oauth-authorization-server"
        session.add(kept)

    view = bench.transfers.view(link.reference or "", TUESDAY)

    assert view is not None
    assert (view.standing, view.go_on_at) == (Standing.UNDER_WAY, None)


async def test_a_process_that_dies_between_asking_and_keeping_begins_nothing_again(bench: Bench) -> None:
    link = await bench.link()
    taken = bench.transfers._take_place(link.reference or "", "id", TUESDAY)

    view = await bench.transfers.begin(link.reference or "", bench.iban, "192.0.2.7", TUESDAY)

    assert taken is not None
    assert view is not None
    assert view.standing is Standing.UNKNOWN
    assert bench.begun() == []
    assert (await bench.link()).provider == STRIPE or bench.state_of(link) is LinkState.ACTIVE


async def test_a_second_press_while_the_bank_is_being_asked_leads_on_by_itself(bench: Bench) -> None:
    """Given a button that was pressed twice, when the bank has not answered the first press yet, then the page looks
    again by itself, and says only later that nothing is known."""
    link = await bench.link()
    assert bench.transfers._take_place(link.reference or "", "id", TUESDAY) is not None
    async with bench.browse() as browser:
        pressed = await browser.post(link.url, data={"iban": bench.iban})
        bench.at = TUESDAY + timedelta(seconds=40)
        later = await browser.get(link.url)

    assert pressed.headers["refresh"] == f"3;url={link.url.removeprefix(PUBLIC)}"
    assert "Estamos preguntando a tu banco" in pressed.text
    assert "No pagues dos veces" not in pressed.text
    assert ("refresh" in later.headers, "No pagues dos veces" in later.text) == (False, True)
    assert bench.begun() == []


@pytest.mark.parametrize(
    ("iban", "status", "words"),
    [
        ("ES91 2100 0418 4502 0005 1333", 422, "Este IBAN no es válido"),
        ("hola", 422, "Este IBAN no es válido"),
        ("", 422, "Este IBAN no es válido"),
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
    assert f'value="{iban}"' in refused.text, "what is to be checked stands there"
    assert len(bench.begun()) == 1


async def test_a_declined_transfer_closes_the_link_and_a_new_one_is_offered(bench: Bench) -> None:
    link = await bench.link()
    async with bench.browse() as browser:
        await browser.post(link.url, data={"iban": bench.iban})
        bench.confirm("?decline=1")
        back = await browser.get(f"{link.url}/back")
        made = bench.every_link()
        asked = await browser.post(link.url, data={"what": "another"})
    newest = await bench.link()

    assert bench.state_of(link) is LinkState.INACTIVE
    assert newest.provider == BANK
    assert newest.reference != link.reference
    assert (len(made), "Pagar lo que queda pendiente" in back.text) == (1, True)
    assert newest.url in asked.text
    assert bench.paid() == []


@pytest.mark.parametrize(
    ("kind", "amounts", "asked_minor", "written"),
    [
        (AgreementKind.SETTLEMENT, (7_000,), 7_000, "70,00"),
        (AgreementKind.PLAN, (4_000, 3_000, 3_000), 4_000, "40,00"),
        (AgreementKind.PROMISE, (2_500,), 2_500, "25,00"),
    ],
)
async def test_while_an_agreement_is_kept_a_closed_link_leads_to_its_next_payment_and_no_further(
    bench: Bench, kind: AgreementKind, amounts: tuple[int, ...], asked_minor: int, written: str
) -> None:
    """Given a debt of 100 with less of it agreed on, when the borrower's bank declines the transfer and they ask for
    another link, then it is over what was agreed."""
    bench.agree(kind, amounts)
    link = await bench.issuer.link_for_balance(LENDER, bench.loan_id, TUESDAY, at_most_minor=asked_minor)
    async with bench.browse() as browser:
        await browser.post(link.url, data={"iban": bench.iban})
        bench.confirm("?decline=1")
        back = await browser.get(f"{link.url}/back")
        asked = await browser.post(link.url, data={"what": "another"})

    [first, second] = bench.every_link()
    assert (first.amount_minor, second.amount_minor) == (asked_minor, asked_minor)
    assert "Hacer el próximo pago" in back.text
    assert second.url in asked.text
    assert f"Pagar {written}" in asked.text.replace("\u00a0", " ")


async def test_of_a_payment_that_came_in_part_the_rest_is_asked_for(bench: Bench) -> None:
    """Given a plan of 40, 30 and 30, when 60 have come and a closed link is opened, then 10 are asked for."""
    link = await bench.link()
    bench.agree(AgreementKind.PLAN, (4_000, 3_000, 3_000))
    bench.pay(6_000)
    async with bench.browse() as browser:
        await browser.post(link.url, data={"what": "another"})

    assert [each.amount_minor for each in bench.every_link()] == [10_000, 1_000]


async def test_once_all_of_a_settlement_has_come_nothing_of_what_it_forgives_is_asked_for(bench: Bench) -> None:
    """Given a debt of 100 and 70 agreed on, when the 70 are here and the loan has not heard of them yet, then an older
    link offers nothing and makes nothing."""
    link = await bench.link()
    bench.agree(AgreementKind.SETTLEMENT, (7_000,))
    bench.pay(7_000)
    async with bench.browse() as browser:
        looked = await browser.get(link.url)
        asked = await browser.post(link.url, data={"what": "another"})

    assert ('name="what"' in looked.text, 'name="iban"' in looked.text) == (False, False)
    assert "Pagar 30" not in asked.text
    assert len(bench.every_link()) == 1


async def test_a_link_that_is_still_open_takes_no_more_than_the_settlement(bench: Bench) -> None:
    """Given a message with a link over the debt of 100, when 70 are agreed on instead, then its page begins no transfer
    of the 100 and leads to a link over the 70."""
    link = await bench.link()
    bench.agree(AgreementKind.SETTLEMENT, (7_000,))
    async with bench.browse() as browser:
        looked = await browser.get(link.url)
        await browser.post(link.url, data={"iban": bench.iban})
        asked = await browser.post(link.url, data={"what": "another"})

    assert ('name="iban"' in looked.text, "Hacer el próximo pago" in looked.text) == (False, True)
    assert bench.begun() == []
    assert [each.amount_minor for each in bench.every_link()] == [10_000, 7_000]
    assert bench.every_link()[1].url in asked.text


@pytest.mark.parametrize("kind", [AgreementKind.PLAN, AgreementKind.PROMISE])
async def test_an_open_link_over_more_than_the_next_payment_leads_to_that_too(
    bench: Bench, kind: AgreementKind
) -> None:
    """Given a link over the debt of 100, when 40 of it are to be paid next, then all may be paid on its page, or a
    button asks for a link over the 40, which closes the first; looking closes none."""
    link = await bench.link()
    bench.agree(kind, (4_000,) if kind is AgreementKind.PROMISE else (4_000, 6_000))
    async with bench.browse() as browser:
        looked = await browser.get(link.url)
        open_still = bench.state_of(link)
        asked = await browser.post(link.url, data={"what": "another"})

    assert ('name="iban"' in looked.text, "Hacer el próximo pago" in looked.text) == (True, True)
    assert (open_still, bench.state_of(link)) == (LinkState.ACTIVE, LinkState.INACTIVE)
    assert 'name="iban"' not in asked.text
    assert bench.every_link()[1].url in asked.text
    assert "Pagar 40,00" in asked.text.replace("\u00a0", " ")


@pytest.mark.parametrize(("fault", "told"), [("lost_answer", "No pagues dos veces"), (None, "Otro pago tuyo")])
async def test_while_another_transfer_of_the_loan_may_arrive_an_old_link_offers_nothing(
    bench: Bench, fault: str | None, told: str
) -> None:
    """Given a transfer by a newer link that the bank may have taken, or has, when an older link is opened, then its
    page says so and makes no link."""
    old = await bench.link()
    bench.agree(AgreementKind.PLAN, (4_000, 3_000, 3_000))
    newer = await bench.issuer.link_for_balance(LENDER, bench.loan_id, TUESDAY, at_most_minor=4_000)
    if fault is not None:
        bench.world.fault("bank", fault, count=1)
    async with bench.browse() as browser:
        await browser.post(newer.url, data={"iban": bench.iban})
        looked = await browser.get(old.url)
        await browser.post(old.url, data={"what": "another"})

    assert ('name="what"' in looked.text, told in looked.text) == (False, True)
    assert len(bench.every_link()) == 2


async def test_once_a_transfer_of_unknown_fate_has_arrived_an_old_link_leads_on(bench: Bench) -> None:
    old = await bench.link()
    bench.agree(AgreementKind.PLAN, (4_000, 3_000, 3_000))
    newer = await bench.issuer.link_for_balance(LENDER, bench.loan_id, TUESDAY, at_most_minor=4_000)
    bench.world.fault("bank", "lost_answer", count=1)
    await bench.transfers.begin(newer.reference or "", bench.iban, "192.0.2.7", TUESDAY)
    with bench.database.writing() as session:
        links.set_state(session, session.get_one(PaymentLink, newer.id), LinkState.PAID, at=TUESDAY)

    async with bench.browse() as browser:
        looked = await browser.get(old.url)

    assert "Hacer el próximo pago" in looked.text


async def test_looking_at_an_old_link_leaves_the_one_in_the_reminder_open(bench: Bench) -> None:
    """Given a plan whose reminder carries a link over 40, when an older link over the debt is opened (a messenger does
    it to preview it), then the reminder's link takes money as before, and is the one that is offered."""
    old = await bench.link()
    bench.agree(AgreementKind.PLAN, (4_000, 3_000, 3_000))
    reminder = await bench.issuer.link_for_balance(LENDER, bench.loan_id, TUESDAY, at_most_minor=4_000)
    async with bench.browse() as browser:
        looked = await browser.get(old.url)
        asked = await browser.post(old.url, data={"what": "another"})

    assert looked.status_code == 200
    assert bench.state_of(reminder) is LinkState.ACTIVE
    assert len(bench.every_link()) == 2
    assert reminder.url in asked.text


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
    assert 'name="iban"' not in over.text
    assert "Pagar lo que queda pendiente" in over.text
    assert (forged.status_code, stray.status_code) == (404, 404)


async def test_an_address_that_is_over_still_lets_pay_and_leads_to_nothing_else_of_the_loan(bench: Bench) -> None:
    """Given a link in a message, when its time is over, then whoever opens it may pay what is due, and gets no fresh
    address of the page on which the loan is seen and agreed on."""
    link = await bench.link()
    async with bench.browse() as browser:
        in_time = await browser.get(link.url)
        bench.at = TUESDAY + timedelta(days=130)
        over = await browser.get(link.url)
        asked = await browser.post(link.url, data={"what": "another"})

    assert "/agree/" in in_time.text
    assert "/agree/" not in over.text + asked.text
    assert "Pagar lo que queda pendiente" in over.text
    assert bench.every_link()[1].url in asked.text


@pytest.mark.parametrize(("later", "leads_on"), [(timedelta(hours=1), False), (-timedelta(hours=1), True)])
async def test_a_link_that_a_stranger_may_hold_takes_its_payment_and_leads_to_nothing_else(
    bench: Bench, later: timedelta, leads_on: bool
) -> None:
    """Given a link, when somebody else answers at the borrower's number after it was made, then its page takes the
    payment and leads nowhere; one that was made afterwards went to another address."""
    link = await bench.link()
    with bench.database.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, bench.loan_id))
        people.close_address(
            session, person, Channel.SMS, "+34600000999", reason=AddressFailure.WRONG_PERSON, at=TUESDAY + later
        )
    async with bench.browse() as browser:
        looked = await browser.get(link.url)
        with bench.database.writing() as session:
            links.set_state(session, session.get_one(PaymentLink, link.id), LinkState.INACTIVE, at=TUESDAY)
        closed = await browser.get(link.url)

    assert 'name="iban"' in looked.text
    assert "/agree/" not in closed.text or leads_on
    assert ("/agree/" in looked.text, 'name="what"' in closed.text) == (leads_on, leads_on)


@pytest.mark.parametrize("days", [1, 130])
async def test_the_address_of_an_earlier_hand_over_shows_nothing_of_the_loan_as_it_is_collected_now(
    bench: Bench, days: int
) -> None:
    """Given a link of the first hand-over, closed, when the loan came back with 80 due and the link is opened, then it
    says whom to ask, makes no link and tells nothing of the 80."""
    link = await bench.link()
    with bench.database.writing() as session:
        links.set_state(session, session.get_one(PaymentLink, link.id), LinkState.INACTIVE, at=TUESDAY)
        handed_over_again(session, bench.loan_id, 8_000)
    bench.at = TUESDAY + timedelta(days=days)
    async with bench.browse() as browser:
        looked = await browser.get(link.url)
        asked = await browser.post(link.url, data={"what": "another"})

    assert looked.status_code == 200
    assert 'href="tel:' in looked.text
    for page in (looked.text, asked.text):
        assert ("/agree/" in page, 'name="what"' in page, "80,00" in page) == (False, False, False)
    assert len(bench.every_link()) == 1


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
