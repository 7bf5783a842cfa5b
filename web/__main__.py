"""The web app's process: `python -m web`, settings from RECOBRO_*."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

import httpx
import uvicorn
from fastapi import APIRouter, FastAPI, Request
from sqlalchemy.exc import InterfaceError, OperationalError
from temporalio.client import Client

from activities.own_words import WordsJudge
from config.logs import set_up_logs
from config.master_keys import BadKeys, master_keys
from config.settings import BadSettings, Settings, load_settings
from config.signed_addresses import SignedAddresses
from config.warrants import Warrants
from config.web_settings import Clock, Web
from domain.sign_in import SessionLimits
from records.database import BadDatabaseUrl, Database, SchemaOutOfDate
from records.person_keys import KeysMissing
from web.agree_pages import agree_router
from web.agreement_api import agreement_router
from web.agreement_desk import AgreementDesk
from web.agreement_pages import agreement_pages
from web.app import Now, create_app, wall_clock
from web.asking import ask_on
from web.case_pages import case_pages
from web.codec import DecodingAccess, codec_router
from web.documents import documents_router
from web.hearing import MessageReader
from web.metrics import MetricsServer
from web.missed_messages import missed_messages
from web.sources import (
    BelvoWebhooks,
    ConektaWebhooks,
    GoCardlessWebhooks,
    MailReports,
    MercadoPagoWebhooks,
    MetaWebhooks,
    SendGridWebhooks,
    StandardWebhooks,
    StripeWebhooks,
    TwilioWebhooks,
    WebhookSource,
)
from web.talk_pages import talk_pages
from web.talks_api import talks_router
from web.temporal_orders import TemporalOrders
from web.temporal_signals import TemporalSignals
from web.thread_pages import thread_pages
from web.voice import Desk
from web.words_api import words_router
from web.words_desk import WordsDesk
from workflows.connection import connect
from workflows.payload_encryption import payload_codec
from workflows.tracing import Traces, start_tracing

_LOG = logging.getLogger("recobro.web")
_WARM_AFTER_SECONDS = 10.0


def requests_clock(request: Request | None) -> datetime:
    """The time a request says it was made at; for rehearsals, where every loan has a clock of its own."""
    stated = request.headers.get("date") if request is not None else None
    if stated is None:
        return datetime.now(UTC)
    try:
        return parsedate_to_datetime(stated).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)


class NoMetrics(RuntimeError):
    """The port for metrics cannot be had."""


class LazyClient:
    """One client, made at the first need: the web app takes webhooks in while Temporal is down."""

    def __init__(self, traces: Traces | None = None) -> None:
        self._client: Client | None = None
        self._interceptors = [traces.interceptor] if traces is not None else []

    async def __call__(self) -> Client:
        if self._client is None:
            self._client = await connect(lazy=True, interceptors=self._interceptors)
        return self._client


def sources(settings: Settings) -> dict[str, WebhookSource]:
    """The webhooks that can be proven: a provider without a secret has no address here."""
    known: dict[str, WebhookSource] = {}
    if settings.stripe is not None:
        known["stripe"] = StripeWebhooks((settings.stripe.webhook_secret, *settings.stripe.more_webhook_secrets))
    if settings.twilio is not None:
        known["twilio"] = TwilioWebhooks((settings.twilio.auth_token, *settings.twilio.more_auth_tokens))
    if settings.meta is not None:
        known["meta"] = MetaWebhooks(settings.meta.webhook_secrets, settings.meta.verify_token)
    if settings.mercadopago is not None:
        known["mercadopago"] = MercadoPagoWebhooks(settings.mercadopago.webhook_secrets)
    if settings.conekta is not None and settings.conekta.webhook_public_keys:
        known["conekta"] = ConektaWebhooks(settings.conekta.webhook_public_keys)
    if settings.sendgrid is not None and settings.sendgrid.webhook_public_keys:
        known["sendgrid"] = SendGridWebhooks(settings.sendgrid.webhook_public_keys)
    if settings.mail_reports is not None:
        known["mail"] = MailReports(settings.mail_reports.webhook_secrets)
    if settings.belvo is not None and settings.belvo.webhook_authorizations:
        known["belvo"] = BelvoWebhooks(settings.belvo.webhook_authorizations)
    if settings.gocardless is not None:
        known["gocardless"] = GoCardlessWebhooks(settings.gocardless.webhook_secrets)
    if settings.standard_webhooks is not None:
        known["standard"] = StandardWebhooks(settings.standard_webhooks.webhook_secrets)
    return known


def codec_server(settings: Settings) -> list[APIRouter]:
    """The routes that decode Temporal's payloads, if these are encrypted."""
    codec, given = payload_codec(settings), settings.encryption
    if codec is None:
        return []
    return [codec_router(codec, DecodingAccess(given.codec_token, given.temporal_ui), ui_origin=given.temporal_ui)]


class _Paying(NamedTuple):
    """What the web app does about payments: routes of its own, and questions asked beside serving."""

    routers: list[APIRouter]
    beside: list[Callable[[], Coroutine[None, None, None]]]


def documents(settings: Settings, database: Database, now: Now) -> list[APIRouter]:
    """Where borrowers read receipts, if addresses can be signed."""
    if settings.web.link_secret is None or settings.web.public_url is None:
        return []
    addresses = SignedAddresses(settings.web.link_secret, settings.web.public_url)
    return [documents_router(database, addresses, now)]


async def paying(settings: Settings, database: Database, now: Now, stack: contextlib.AsyncExitStack) -> _Paying:
    """Where a gateway or bank has to be asked, or a page of ours is paid on."""
    if settings.mercadopago is None and settings.conekta is None and settings.bank_payments is None:
        return _Paying([], [])
    # Here, because most have no such gateway, and what it stands on is slow to import.
    from activities.composition import connect_gateways
    from activities.links import LinkIssuer
    from activities.payment_inquiries import PaymentInquiries
    from web.pay_pages import pay_router

    client = await stack.enter_async_context(httpx.AsyncClient())
    gateways = connect_gateways(settings, client, database)
    inquiries = PaymentInquiries(database, gateways)
    routers = []
    if gateways.transfers is not None:
        assert settings.web.link_secret is not None
        assert settings.web.public_url is not None
        addresses = SignedAddresses(settings.web.link_secret, settings.web.public_url)
        issuer = LinkIssuer(database, gateways, timedelta(days=settings.payments.link_days))
        routers.append(pay_router(settings, gateways.transfers, issuer, addresses, now))
    return _Paying(routers, [lambda: ask_on(inquiries.ask_due, lambda: now(None))])


def _addresses(settings: Settings) -> SignedAddresses | None:
    """Reads the addresses that mails carry, where any can be signed."""
    web = settings.web
    return SignedAddresses(web.link_secret, web.public_url) if web.link_secret and web.public_url else None


def call_desk(settings: Settings, database: Database) -> Desk | None:
    """Who speaks on calls, where calls are made at all."""
    if settings.twilio is None or settings.twilio.voice_sender is None:
        return None
    # Here, because templates and content rules are slow to read, and most processes never speak.
    from activities.composition import contact_slots
    from web.call_desk import CallDesk

    # Not at the start: webhooks are taken whatever is wrong with a file of contact rules.
    return CallDesk(database, settings, partial(contact_slots, settings))


async def consent_pages(
    settings: Settings, database: Database, now: Now, stack: contextlib.AsyncExitStack
) -> list[APIRouter]:
    """The borrower's pages, where they can be reached and a bank can be asked."""
    public_url = settings.web.public_url
    if public_url is None or (settings.bank is None and settings.belvo is None):
        return []
    # Here, because most web processes ask no bank, and what it stands on is slow to import.
    from activities.composition import bank_sources, connect_outside, stop_states
    from activities.consents import ConsentDesk
    from web.consent_news import tell_given
    from web.consent_pages import consent_router

    client = await stack.enter_async_context(httpx.AsyncClient())
    sources = bank_sources(settings, connect_outside(settings, client))
    zone = ZoneInfo(settings.bank.zone if settings.bank is not None else "UTC")
    desk = ConsentDesk(database, sources, tell_given, zone, stop_states(settings))
    return [consent_router(database, desk, settings, public_url, now)]


def agreements(settings: Settings, database: Database, client: LazyClient, now: Now) -> list[APIRouter]:
    """What may be agreed on: at the API, on people's pages, and on the borrower's where addresses can be signed."""
    warrants = Warrants(master_keys(settings.encryption, settings.database_url))
    orders = TemporalOrders(client, warrants)
    desk = AgreementDesk(database, orders, lambda: now(None))
    addresses = _addresses(settings)
    routers = [agreement_router(database, desk), agreement_pages(database, desk, addresses, lambda: now(None))]
    routers.append(case_pages(database, desk, lambda: now(None)))
    words = WordsDesk(database, orders, lambda: words_judge(settings, database), lambda: now(None))
    routers.append(words_router(database, words))
    routers.append(talks_router(database, lambda: now(None)))
    routers.append(talk_pages(database, lambda: now(None)))
    routers.append(thread_pages(database, words, lambda: now(None)))
    if addresses is not None:
        routers.append(agree_router(database, desk, settings, addresses, now))
    return routers


def words_judge(settings: Settings, database: Database) -> WordsJudge:
    """Who says whether a person's own words may go out."""
    # Here, because contact rules and templates are slow to read, and no page needs them until somebody writes.
    from activities.composition import contact_slots

    return WordsJudge(database, settings, contact_slots(settings))


async def _warm(reader: MessageReader) -> None:
    """Once what is urgent at a start is done."""
    await asyncio.sleep(_WARM_AFTER_SECONDS)
    try:
        await asyncio.to_thread(reader.warm)
    except (OSError, ValueError) as error:
        _LOG.error("replies cannot be understood: %s", error)


async def serve(settings: Settings) -> None:
    async with contextlib.AsyncExitStack() as stack:
        await _serve(settings, stack)


async def _serve(settings: Settings, stack: contextlib.AsyncExitStack) -> None:
    database = Database(settings.database_url)
    await asyncio.to_thread(database.check)
    traces = start_tracing(settings.tracing, "web")
    now: Now = requests_clock if settings.web.clock is Clock.REQUESTS else wall_clock
    payments = await paying(settings, database, now, stack)
    client = LazyClient(traces)
    reader = MessageReader(settings.replies_model, settings.faq)
    missed = await stack.enter_async_context(missed_messages(settings, database))
    app = create_app(
        database,
        TemporalSignals(client, database, settings.task_queue),
        sources(settings),
        public_url=settings.web.public_url,
        now=now,
        reader=reader,
        routers=[
            *codec_server(settings),
            *documents(settings, database, now),
            *payments.routers,
            *agreements(settings, database, client, now),
            *await consent_pages(settings, database, now, stack),
        ],
        limits=SessionLimits(
            idle=timedelta(minutes=settings.web.session_idle_minutes),
            longest=timedelta(hours=settings.web.session_hours),
        ),
        oidc=settings.oidc,
        beside=[*payments.beside, *([missed.run] if missed is not None else []), partial(_warm, reader)],
        calls=call_desk(settings, database),
        addresses=_addresses(settings),
        by_our_host=settings.web.clock is not Clock.REQUESTS,
    )
    if settings.web.shares_one_address:
        _LOG.warning(
            "RECOBRO_WEB__TRUSTED_PROXIES is not set: everybody who comes by the reverse proxy has its address, and "
            "one visitor's wrong passwords make all people wait"
        )
    config = server_config(app, settings.web)
    watched = None
    if (port := settings.web.metrics_port) is not None:
        try:
            watched = MetricsServer(database, settings.metrics_host, port)
        except OSError as error:
            raise NoMetrics(f"RECOBRO_WEB__METRICS_PORT: {settings.metrics_host}:{port}: {error.strerror}") from None
    try:
        await uvicorn.Server(config).serve()
    finally:
        if watched is not None:
            await asyncio.to_thread(watched.stop)
        if traces is not None:
            await asyncio.to_thread(traces.close)
    database.dispose()
    # The SDK's threads need a moment, or the interpreter may abort while it exits (sdk-python#300).
    await asyncio.sleep(0.05)


def server_config(app: FastAPI, web: Web) -> uvicorn.Config:
    """The server: it believes X-Forwarded-* of the named proxies alone, not of whoever is on this machine."""
    return uvicorn.Config(
        app,
        host=web.host,
        port=web.port,
        log_config=None,
        access_log=False,
        lifespan="on",
        proxy_headers=bool(web.trusted_proxies),
        forwarded_allow_ips=list(web.trusted_proxies),
        server_header=False,
    )


def main() -> int:
    try:
        settings = load_settings()
        set_up_logs(json=settings.json_logs)
        asyncio.run(serve(settings))
    except (OperationalError, InterfaceError) as error:
        # The driver's first line names the host or the file.
        reason = next(iter(str(error.orig).strip().splitlines()), type(error).__name__)
        sys.stderr.write(f"web: the database cannot be used: {reason[:200]}\n")
        return 2
    except (BadSettings, BadKeys, BadDatabaseUrl, KeysMissing, SchemaOutOfDate, NoMetrics, OSError) as error:
        sys.stderr.write(f"web: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
