"""Links of every gateway as the sandbox's own services answer: made once, closed, found again, paid once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import select

from activities.composition import connect_gateways
from activities.gateways import Gateways
from activities.links import LinkIssuer, NoGateway
from activities.payment_inquiries import MOST_TRIES, PaymentInquiries
from activities.unheard_payments import UnheardPayments
from config.payment_settings import Conekta, MercadoPago, MercadoPagoAccount, Payments
from config.qr import qr_png
from config.settings import Settings
from domain.contact import Channel
from domain.gateway_choice import Offer
from domain.money import Money
from domain.webhook_news import PaymentNews
from providers import ports
from providers.errors import ProviderError
from providers.messaging.smtp import SmtpSettings, compose
from providers.webhooks import conekta, mercadopago
from records import audit, inquiries, links, loans, payments
from records.database import Database
from records.tables import LinkState, Payment, PaymentInquiry, PaymentLink, Webhook
from tests.activities.outside import TUESDAY, Desk, enter_loan, offer, remind, settings_for
from tests.records.portfolios import LENDER
from tests.sandbox.running import SECRET, World, conekta_keys
from web.news import record_news
from web.payment_entry import ENTERED_BY_HAND

HEADERS = {"Date": "Tue, 10 Mar 2026 09:00:00 GMT"}
GATEWAYS = ("mercadopago", "conekta")


def settings_of(world: World, *, first: str = "mercadopago", **more: Any) -> Settings:
    here = str(world.http.base_url).rstrip("/")
    return settings_for(
        world,
        mercadopago=MercadoPago(
            base_url=here,
            webhook_secret=SecretStr(SECRET),
            accounts={"MX": MercadoPagoAccount(access_token=SecretStr("APP_USR-1"))},
        ),
        conekta=Conekta(base_url=here, api_key=SecretStr("key_1"), webhook_public_key=conekta_keys()[1]),
        payments=Payments(ways={"MX": (first,)}),
        **more,
    )


@asynccontextmanager
async def issuing(database: Database, settings: Settings) -> AsyncIterator[LinkIssuer]:
    async with httpx.AsyncClient(trust_env=False) as client:
        lives = timedelta(days=settings.payments.link_days)
        yield LinkIssuer(database, connect_gateways(settings, client), lives)


def mexican(database: Database) -> str:
    return enter_loan(database, country="MX", currency="MXN", timezone="America/Mexico_City", region="CMX")


def paid_at_the_page(world: World, link: PaymentLink) -> httpx.Response:
    return world.http.post("/" + link.url.split("/", 3)[3], headers=HEADERS)


def made(world: World, loan_id: str) -> list[dict[str, Any]]:
    return world.entries("link_created", loan_id)


def closed(world: World, loan_id: str) -> list[str]:
    return [e["link_id"] for e in world.entries("link_updated", loan_id) if not e["active"]]


def kept_payments(database: Database, loan_id: str) -> list[Payment]:
    with database.reading() as session:
        return list(payments.of_loan(session, loans.get(session, LENDER, loan_id)))


@pytest.mark.parametrize("name", GATEWAYS)
async def test_the_chosen_gateway_makes_one_link_that_is_used_again(lite: Database, world: World, name: str) -> None:
    loan_id = mexican(lite)
    async with issuing(lite, settings_of(world, first=name)) as issuer:
        first = await issuer.link_for_balance(LENDER, loan_id, TUESDAY)
        again = await issuer.link_for_balance(LENDER, loan_id, TUESDAY + timedelta(days=30))

    assert (first.id, first.provider, again.id) == (again.id, name, first.id)
    [entry] = made(world, loan_id)
    assert (entry["service"], entry["amount_minor"], entry["link_id"]) == (name, 10_000, first.provider_link_id)


@pytest.mark.parametrize("name", GATEWAYS)
async def test_an_answer_lost_after_the_link_was_made_gives_the_same_link(
    lite: Database, world: World, name: str
) -> None:
    loan_id = mexican(lite)
    async with issuing(lite, settings_of(world, first=name)) as issuer:
        for lost in (0, 1, 2, 3):  # each call of making a link in turn
            world.fault(name, "lost_answer", count=1) if lost < 2 else None
            try:
                await issuer.link_for_balance(LENDER, loan_id, TUESDAY)
            except ProviderError:
                continue
        found = await issuer.link_for_balance(LENDER, loan_id, TUESDAY)

    [entry] = made(world, loan_id)
    assert found.provider_link_id == entry["link_id"]


@pytest.mark.parametrize("name", GATEWAYS)
async def test_the_answer_to_the_making_itself_is_lost(lite: Database, world: World, name: str) -> None:
    loan_id = mexican(lite)
    async with issuing(lite, settings_of(world, first=name)) as issuer:
        gateway = issuer.gateways.for_loan(LENDER, "MX", "MXN")
        assert gateway is not None
        request = ports.LinkRequest(
            idempotency_key=f"{LENDER}:{loan_id}:1:balance:10000:1",
            amount=Money(amount_minor=10_000, currency="MXN"),
            lender=LENDER,
            loan_id=loan_id,
            description=loan_id,
            at=TUESDAY,
            expires_at=TUESDAY + timedelta(days=120),
        )
        await gateway.create_link(request)  # made, and nobody kept it

        found = await issuer.link_for_balance(LENDER, loan_id, TUESDAY)

    [entry] = made(world, loan_id)
    assert found.provider_link_id == entry["link_id"]


@pytest.mark.parametrize("name", GATEWAYS)
async def test_after_a_part_payment_the_old_link_takes_no_money_and_a_new_one_asks_for_the_rest(
    lite: Database, world: World, name: str
) -> None:
    loan_id = mexican(lite)
    async with issuing(lite, settings_of(world, first=name)) as issuer:
        old = await issuer.link_for_balance(LENDER, loan_id, TUESDAY)
        with lite.writing() as session:
            payments.record(
                session,
                provider="bank",
                payment_id=f"b-{loan_id}",
                lender=LENDER,
                loan_id=loan_id,
                amount_minor=2_500,
                currency="MXN",
                paid_at=TUESDAY,
                received_at=TUESDAY,
                source="record",  # type: ignore[arg-type]
            )
        new = await issuer.link_for_balance(LENDER, loan_id, TUESDAY)

    assert [e["amount_minor"] for e in made(world, loan_id)] == [10_000, 7_500]
    assert closed(world, loan_id) == [old.provider_link_id]
    assert paid_at_the_page(world, old).status_code == 410
    assert new.state is LinkState.ACTIVE


async def test_several_open_links_become_one(lite: Database, world: World) -> None:
    """Also where the lender has changed the gateway in between."""
    loan_id = mexican(lite)
    async with issuing(lite, settings_of(world, first="conekta")) as issuer:
        first = await issuer.link_for_balance(LENDER, loan_id, TUESDAY)
    with lite.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        links.keep(
            session,
            loan,
            purpose="settlement",
            amount_minor=4_000,
            generation=1,
            provider="conekta",
            provider_link_id=f"gone-{loan_id}",
            url="https://x.example",
            at=TUESDAY,
        )
    async with issuing(lite, settings_of(world, first="mercadopago")) as issuer:
        kept = await issuer.link_for_balance(LENDER, loan_id, TUESDAY)

    with lite.reading() as session:
        assert [one.id for one in links.open_links(session, loans.get(session, LENDER, loan_id))] == [kept.id]
    assert kept.id == first.id


@pytest.mark.parametrize("name", GATEWAYS)
async def test_a_link_that_is_about_to_expire_is_closed_and_made_anew_when_asked_for(
    lite: Database, world: World, name: str
) -> None:
    loan_id = mexican(lite)
    settings = settings_of(world, first=name).model_copy(
        update={"payments": Payments(ways={"MX": (name,)}, link_days=10)}
    )
    async with issuing(lite, settings) as issuer:
        first = await issuer.link_for_balance(LENDER, loan_id, TUESDAY)
        same = await issuer.link_for_balance(LENDER, loan_id, TUESDAY + timedelta(days=7))
        second = await issuer.link_for_balance(LENDER, loan_id, TUESDAY + timedelta(days=9))

    assert (same.id, second.generation) == (first.id, 2)
    assert closed(world, loan_id) == [first.provider_link_id]
    assert second.expires_at == TUESDAY + timedelta(days=19)


async def test_when_two_workers_make_two_links_at_once_one_is_kept_and_the_other_closed(
    lite: Database, world: World
) -> None:
    loan_id = mexican(lite)

    class Twice:
        """A gateway that has no idempotency at all."""

        name = "conekta"
        made, closed = 0, 0

        async def create_link(self, request: ports.LinkRequest) -> ports.PaymentLink:
            self.made += 1
            await asyncio.sleep(0.05)
            return ports.PaymentLink(
                id=f"{loan_id}-{self.made}-{id(request)}",
                url="https://x.example",
                amount=request.amount,
                created_at=TUESDAY,
            )

        async def deactivate_link(self, link_id: str, at: datetime) -> None:
            self.closed += 1

        async def link_payments(self, link_id: str, at: datetime) -> tuple[ports.GatewayPayment, ...]:
            return ()

        async def refund(self, request: ports.RefundRequest) -> ports.Refund:
            raise NotImplementedError

    gateway = Twice()
    known = [(Offer(name="conekta"), gateway)]
    issuer = LinkIssuer(lite, Gateways(known, lambda lender, country: ("conekta",)))

    found = await asyncio.gather(*(issuer.link_for_balance(LENDER, loan_id, TUESDAY) for _ in range(3)))

    assert len({one.provider_link_id for one in found}) == 1
    assert (gateway.made, gateway.closed) == (3, 2)


async def test_where_no_way_to_pay_is_configured_an_operator_is_told_which_setting(
    lite: Database, world: World
) -> None:
    loan_id = mexican(lite)
    async with issuing(lite, settings_for(world, stripe=None)) as issuer:
        with pytest.raises(NoGateway, match=r"MXN in MX: set one of RECOBRO_STRIPE__API_KEY, RECOBRO_MERCADOPAGO"):
            await issuer.link_for_balance(LENDER, loan_id, TUESDAY)


async def test_a_payment_no_webhook_told_of_is_found_through_its_link(lite: Database, world: World) -> None:
    for name in GATEWAYS:
        loan_id = mexican(lite)
        async with issuing(lite, settings_of(world, first=name)) as issuer:
            link = await issuer.link_for_balance(LENDER, loan_id, TUESDAY)
            paid_at_the_page(world, link)
            unheard = UnheardPayments(lite, issuer.gateways)
            payable = unheard.payable(LENDER, loan_id)

            assert await unheard.find(LENDER, loan_id, payable, TUESDAY) == 1
            assert await unheard.find(LENDER, loan_id, payable, TUESDAY) == 0

        [payment] = kept_payments(lite, loan_id)
        assert (payment.provider, payment.amount_minor) == (name, 10_000)


def news_of(world: World, name: str, word: str) -> list[Any]:
    """What the gateway posted about a payment, proven and read as the web app does."""
    found = []
    for one in world.listener.at(f"/{name}"):
        if word not in one.path + one.body.decode():
            continue
        if name == "mercadopago":
            about, header = mercadopago.data_id(one.path), one.headers
            mercadopago.verify(
                about, one.body, header["x-signature"], header["x-request-id"], SecretStr(SECRET), TUESDAY
            )
            found += mercadopago.parse(about, mercadopago.kind(one.path))
        else:
            conekta.verify(one.body, one.headers["Digest"], conekta.load_keys([conekta_keys()[1]]))
            found += conekta.parse(one.body)
    return found


@pytest.mark.parametrize("name", GATEWAYS)
async def test_a_notice_is_believed_only_after_the_payment_was_fetched_and_counts_once(
    lite: Database, world: World, name: str
) -> None:
    loan_id = mexican(lite)
    async with issuing(lite, settings_of(world, first=name)) as issuer:
        link = await issuer.link_for_balance(LENDER, loan_id, TUESDAY)
        paid_at_the_page(world, link)
        payment_id = world.entries("payment")[-1]["payment_id"]
        told = news_of(world, name, payment_id)
        asking = PaymentInquiries(lite, issuer.gateways)
        for _ in range(2):  # each delivered twice
            with lite.writing() as session:
                record_news(session, told, TUESDAY)
            world.fault(name, "lost_answer", count=1)
            await asking.ask_due(TUESDAY)  # fails
            await asking.ask_due(TUESDAY + timedelta(minutes=5))

    assert name == "mercadopago" or any(isinstance(one, PaymentNews) for one in told)
    [payment] = kept_payments(lite, loan_id)
    assert (payment.provider, payment.payment_id, payment.amount_minor) == (name, payment_id, 10_000)
    with lite.reading() as session:
        kept = links.by_provider_id(session, name, link.provider_link_id)
        assert kept is not None
        assert kept.state is LinkState.PAID
        owed = [w for w in session.exec(select(Webhook)).all() if w.provider not in (ENTERED_BY_HAND,)]
        names = [signal["name"] for w in owed for signal in w.signals]
        assert names in (["payment_received"], [])  # Conekta's own event owes its signal with its webhook


async def test_a_voucher_counts_when_it_is_paid_and_a_refund_in_full_takes_it_back(
    lite: Database, world: World
) -> None:
    loan_id = mexican(lite)
    async with issuing(lite, settings_of(world)) as issuer:
        link = await issuer.link_for_balance(LENDER, loan_id, TUESDAY)
        world.http.post("/" + link.url.split("/", 3)[3] + "&method=cash", headers=HEADERS)
        paid_at_the_page(world, link)
        payment_id = world.entries("payment")[-1]["payment_id"]
        gateway = issuer.gateways.of("mercadopago", "MXN")
        assert gateway is not None
        asking = PaymentInquiries(lite, issuer.gateways)
        voucher = str(int(payment_id) - 1)
        with lite.writing() as session:
            inquiries.note(session, "mercadopago", voucher, TUESDAY)
            inquiries.note(session, "mercadopago", payment_id, TUESDAY)
        assert await asking.ask_due(TUESDAY) == 2
        assert [p.payment_id for p in kept_payments(lite, loan_id)] == [payment_id]

        amount = Money(amount_minor=10_000, currency="MXN")
        key = f"r-{loan_id}"
        await gateway.refund(ports.RefundRequest(idempotency_key=key, payment_id=payment_id, amount=amount, at=TUESDAY))
        with lite.writing() as session:
            inquiries.note(session, "mercadopago", payment_id, TUESDAY)
        await asking.ask_due(TUESDAY + timedelta(days=1))

    [payment] = kept_payments(lite, loan_id)
    assert payment.reversed_at == TUESDAY + timedelta(days=1)
    with lite.reading() as session:
        names = [s["name"] for w in session.exec(select(Webhook)).all() for s in w.signals]
        assert names == ["payment_received", "payment_reversed"]


async def test_a_notice_about_a_payment_nobody_knows_ends_with_a_person(lite: Database, world: World) -> None:
    async with issuing(lite, settings_of(world)) as issuer:
        asking = PaymentInquiries(lite, issuer.gateways)
        with lite.writing() as session:
            inquiries.note(session, "mercadopago", "4711", TUESDAY)
        at, asked = TUESDAY, 0
        while await asking.ask_due(at):
            at, asked = at + timedelta(hours=7), asked + 1

    assert asked == MOST_TRIES + 1
    with lite.reading() as session:
        [told] = audit.of_action(session, "webhook_needs_person")
        assert told.details == {"kind": "notice", "reference": "4711"}
        assert [one.next_at for one in session.exec(select(PaymentInquiry)).all()] == [None]


def test_the_order_of_the_lender_comes_before_that_of_all(world: World) -> None:
    settings = settings_of(world, lenders={"acme": {"name": "Acme", "ways_to_pay": {"MX": ["conekta"]}}})

    gateways = connect_gateways(settings, httpx.AsyncClient())

    names = [one.name if (one := gateways.for_loan(lender, "MX", "MXN")) else None for lender in ("acme", "other")]
    assert names == ["conekta", "mercadopago"]


async def test_an_email_shows_its_links_qr_code_and_one_without_a_link_none(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)
    sent: list[ports.OutgoingMessage] = []
    email = desk.sender._messengers[Channel.EMAIL]

    class Kept:
        can_look_up = False

        async def send(self, message: ports.OutgoingMessage) -> ports.Sent:
            sent.append(message)
            return await email.send(message)

    desk.sender._messengers = {**desk.sender._messengers, Channel.EMAIL: Kept()}  # type: ignore[dict-item]
    await desk.contact(offer(loan_id, channels=(Channel.EMAIL,)))
    await desk.contact(remind(loan_id, channels=(Channel.EMAIL,), step="r9"), TUESDAY + timedelta(days=8))

    with_link, without = sent
    [picture] = with_link.attachments
    [link] = made(world, loan_id)
    assert (picture.content_id, picture.media_type) == ("pay-qr", "image/png")
    assert picture.content == qr_png(f"{world.http.base_url}".rstrip("/") + f"/pay/{link['link_id']}")
    assert without.attachments == ()
    mail = compose(with_link, SmtpSettings(host="h", from_address="a@b.example", message_id_domain="b.example"))
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    assert "cid:pay-qr" in (with_link.html or "")
    [shown] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert shown["Content-ID"] == "<pay-qr>"
