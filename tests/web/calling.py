"""The app in this process, as people with browsers and services with keys call it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload

from activities.bank_transfers import BankTransfers
from activities.composition import contact_slots
from activities.consents import ConsentDesk, Sources
from activities.links import LinkIssuer
from activities.own_words import WordsJudge
from config.messaging_settings import Smtp, SmtpSecurity, Twilio
from config.settings import Settings
from config.signed_addresses import SignedAddresses
from domain.access import Role, Scope
from providers.banks.berlin_group import BerlinGroupBank, BerlinGroupSettings
from providers.payments.berlin_group_pis import BerlinGroupPayments, BerlinGroupPisSettings
from records import accounts, api_keys
from records.database import Database
from tests.web.core_loans import CoreLoans
from tests.web.outside import STRIPE_SECRET, FakeTemporal
from web import passwords
from web.agree_pages import agree_router
from web.agreement_api import agreement_router
from web.agreement_desk import AgreementDesk
from web.agreement_pages import agreement_pages
from web.app import create_app
from web.case_pages import case_pages
from web.codec import DecodingAccess, codec_router
from web.consent_news import tell_given
from web.consent_pages import consent_router
from web.documents import documents_router
from web.pay_pages import pay_router
from web.ports import LoanOrders
from web.sources import StripeWebhooks
from web.talk_pages import talk_pages
from web.talks_api import talks_router
from web.thread_pages import thread_pages
from web.words_api import words_router
from web.words_desk import WordsDesk

PASSWORD = "correct horse battery"
HERE = "http://testserver"
LINK_SECRET = SecretStr("signs-what-borrowers-are-sent-xx")
_CARRIER = Twilio(base_url=HERE, account_sid="AC1", auth_token=SecretStr("t"), sender="+34900000000")
_MAIL = Smtp(host="127.0.0.1", port=25, security=SmtpSecurity.NONE, from_address="cobros@credialba.example")
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self, _request: object = None) -> datetime:
        return self.at

    def pass_by(self, gone: timedelta) -> None:
        self.at += gone


class Plain:
    async def encode(self, payloads: Any) -> list[Payload]:
        return list(payloads)

    async def decode(self, payloads: Any) -> list[Payload]:
        return list(payloads)


def app_on(
    database: Database,
    clock: Clock | None = None,
    orders: LoanOrders | None = None,
    bank: httpx.AsyncClient | None = None,
    **more: Any,
) -> FastAPI:
    """`bank`: what answers for the borrowers' bank; without it no bank can be asked for a consent."""
    codec = codec_router(Plain(), DecodingAccess(None, "http://ui.test"), ui_origin="http://ui.test")  # type: ignore[arg-type]
    sources = Sources({}, {})
    if bank is not None:
        sources = Sources({"bank": BerlinGroupBank(BerlinGroupSettings(base_url=HERE), bank)}, {}, "bank")
    desk = ConsentDesk(database, sources, tell_given)
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    consents = consent_router(database, desk, settings, HERE, clock or Clock())
    return create_app(
        database,
        FakeTemporal(),
        {"stripe": StripeWebhooks(SecretStr(STRIPE_SECRET))},
        now=clock or Clock(),
        routers=[
            codec,
            _pay_page(database, clock or Clock(), bank or httpx.AsyncClient()),
            _documents(database, clock or Clock()),
            consents,
            *_agreements(database, clock or Clock(), orders),
        ],
        **more,
    )


def _agreements(database: Database, clock: Clock, orders: LoanOrders | None) -> list[APIRouter]:
    addresses = SignedAddresses(LINK_SECRET, HERE)
    loans = orders or CoreLoans(database, clock)
    desk = AgreementDesk(database, loans, clock)
    settings = Settings(_env_file=None, twilio=_CARRIER, smtp=_MAIL)  # type: ignore[call-arg]
    words = WordsDesk(database, loans, lambda: WordsJudge(database, settings, contact_slots(settings)), clock)
    return [
        agreement_router(database, desk),
        words_router(database, words),
        talks_router(database, clock),
        talk_pages(database, clock),
        agreement_pages(database, desk, addresses, clock),
        case_pages(database, desk, clock),
        thread_pages(database, words, clock),
        agree_router(database, desk, settings, addresses, clock),
    ]


def _pay_page(database: Database, clock: Clock, bank: httpx.AsyncClient) -> APIRouter:
    addresses = SignedAddresses(LINK_SECRET, HERE)
    interface = BerlinGroupPisSettings(base_url=HERE, creditor_name="C", creditor_iban=SecretStr("ES00"))
    transfers = BankTransfers(database, BerlinGroupPayments(interface, bank), addresses)
    return pay_router(Settings(_env_file=None), transfers, LinkIssuer(database, None), addresses, clock)


def _documents(database: Database, clock: Clock) -> APIRouter:
    return documents_router(database, SignedAddresses(LINK_SECRET, HERE), clock)


def account(database: Database, login: str, role: Role) -> None:
    hashed = passwords.hash_password(PASSWORD)
    with database.writing() as session:
        accounts.create(session, login=login, role=role, password_hash=hashed, at=NOW, by="test")


def key(database: Database, *scopes: Scope, lender: str | None = None, days: int | None = None) -> dict[str, str]:
    """The header of a service with a fresh key."""
    ends = None if days is None else NOW + timedelta(days=days)
    with database.writing() as session:
        made = api_keys.create(session, name="svc", scopes=scopes, lender=lender, expires_at=ends, at=NOW, by="test")
    return {"authorization": f"Bearer {made}"}


@contextmanager
def browser(app: FastAPI) -> Iterator[TestClient]:
    """A browser with cookies of its own. The relay does not run: several may be open at once."""
    yield TestClient(app, base_url=HERE, follow_redirects=False, headers={"sec-fetch-site": "same-origin"})


def sign_in(client: TestClient, login: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/sign-in", data={"login": login, "password": password, **more})
