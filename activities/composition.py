"""Putting the activities together from the settings: which bank, which gateway, which carriers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from activities.agreement_papers import AgreementPapers
from activities.balances import BalanceReader
from activities.bank_transfers import BankTransfers
from activities.case_notices import CaseNotices
from activities.consents import Sources
from activities.contact_slots import ContactSlots
from activities.contacts import ContactSender
from activities.debit_files import NotConfigured
from activities.debits import DebitClerk
from activities.errands import Errands
from activities.gateways import Gateways
from activities.ledger import LedgerWriter
from activities.letter_press import LetterPress
from activities.links import LinkIssuer
from activities.offering import OfferMaker
from activities.stop_states import StopStates
from activities.template_sync import TemplateSync
from activities.whatsapp_limits import WhatsAppLimits
from config.jurisdictions import SHIPPED, load_rulebook
from config.settings import Settings
from config.signed_addresses import SignedAddresses
from domain.contact import Channel
from domain.contact_rules import Caps, RuleBook
from domain.gateway_choice import BANK, Offer, order_for
from providers.banks.belvo import PROVIDER as BELVO
from providers.banks.belvo import BelvoBank, BelvoSettings
from providers.banks.berlin_group import BerlinGroupBank, BerlinGroupSettings
from providers.debit_bank import DebitBank
from providers.debits.folder_bank import FolderDebitBank
from providers.debits.http_bank import HttpDebitBank, HttpDebitBankSettings
from providers.messaging.print_folder import PrintFolder
from providers.messaging.sendgrid import SendGridMessenger, SendGridSettings
from providers.messaging.smtp import Security, SmtpMessenger, SmtpSettings
from providers.messaging.twilio import TwilioMessenger, TwilioSettings
from providers.messaging.twilio_calls import CallerSettings, TwilioCaller
from providers.messaging.whatsapp_cloud import WhatsAppCloud, WhatsAppCloudSettings
from providers.messaging.whatsapp_media import WhatsAppMedia
from providers.payments.berlin_group_pis import BerlinGroupPayments, BerlinGroupPisSettings
from providers.payments.conekta import ConektaGateway, ConektaSettings
from providers.payments.mercadopago import CURRENCIES, MercadoPagoGateway, MercadoPagoSettings
from providers.payments.stripe import StripeGateway, StripeSettings
from providers.ports import BankData, Messenger, PaymentGateway
from records.database import Database


@dataclass(frozen=True)
class Outside:
    """The outside world as configured; what is not configured is absent, and said so when it is needed."""

    bank: BankData | None
    messengers: dict[Channel, Messenger]
    other_banks: dict[str, BankData] = field(default_factory=dict)
    """More sources of bank data, by the name that consents carry."""
    gateways: Gateways = field(default_factory=Gateways)


def connect_outside(settings: Settings, client: httpx.AsyncClient, database: Database | None = None) -> Outside:
    """Adapters for what the settings name. Raises pydantic.ValidationError for values no adapter takes."""
    messengers: dict[Channel, Messenger] = {}
    if (twilio := settings.twilio) is not None:
        callback = f"{settings.web.public_url}/webhooks/twilio" if settings.web.public_url else None
        messenger = TwilioMessenger(
            TwilioSettings(
                base_url=twilio.base_url,
                account_sid=twilio.account_sid,
                auth_token=twilio.auth_token,
                sender=twilio.sender,
                senders=twilio.senders,
                messaging_service_sid=twilio.messaging_service_sid,
                whatsapp_sender=twilio.whatsapp_sender,
                status_callback_url=callback,
            ),
            client,
        )
        if twilio.sends_texts:
            messengers[Channel.SMS] = messenger
        if settings.whatsapp_enabled and twilio.whatsapp_sender is not None:
            messengers[Channel.WHATSAPP] = messenger
    if (twilio := settings.twilio) is not None and twilio.voice_sender is not None and settings.web.public_url:
        messengers[Channel.CALL] = TwilioCaller(
            CallerSettings(
                base_url=twilio.base_url,
                account_sid=twilio.account_sid,
                auth_token=twilio.auth_token,
                sender=twilio.voice_sender,
                public_url=settings.web.public_url,
            ),
            client,
        )
    if settings.print_folder is not None:
        messengers[Channel.POST] = PrintFolder(settings.print_folder, LetterPress(settings).typeset)
    cloud = whatsapp_cloud(settings, client)
    if cloud is not None and settings.whatsapp_enabled:
        messengers[Channel.WHATSAPP] = cloud
    if (smtp := settings.smtp) is not None:
        messengers[Channel.EMAIL] = SmtpMessenger(
            SmtpSettings(
                host=smtp.host,
                port=smtp.port,
                security=Security(smtp.security.value),
                username=smtp.username,
                password=smtp.password,
                from_address=smtp.from_address,
                from_name=smtp.from_name or settings.lender.name,
                message_id_domain=smtp.message_id_domain,
                unsubscribe_url=smtp.unsubscribe_url,
            )
        )
    elif (sendgrid := settings.sendgrid) is not None:
        messengers[Channel.EMAIL] = SendGridMessenger(
            SendGridSettings(
                base_url=sendgrid.base_url,
                api_key=sendgrid.api_key,
                from_address=sendgrid.from_address,
                from_name=sendgrid.from_name or settings.lender.name,
            ),
            client,
        )
    bank = settings.bank
    return Outside(
        bank=BerlinGroupBank(
            BerlinGroupSettings(
                base_url=bank.base_url,
                access_token=bank.access_token,
                transactions=bank.transactions,
                zone=bank.zone,
            ),
            client,
        )
        if bank
        else None,
        messengers=messengers,
        other_banks=_other_banks(settings, client),
        gateways=connect_gateways(settings, client, database),
    )


def connect_gateways(settings: Settings, client: httpx.AsyncClient, database: Database | None = None) -> Gateways:
    """The ways to pay that the settings name; transfers from account to account need the records.

    Raises pydantic.ValidationError for values no adapter takes.
    """
    known: list[tuple[Offer, PaymentGateway]] = []
    if (stripe := settings.stripe) is not None:
        gateway = StripeGateway(StripeSettings(base_url=stripe.base_url, api_key=stripe.api_key), client)
        known.append((Offer(name=gateway.name), gateway))
    if (mercadopago := settings.mercadopago) is not None:
        for country, account in mercadopago.accounts.items():
            site = MercadoPagoSettings(
                base_url=mercadopago.base_url,
                country=country,
                access_token=account.access_token,
                excluded_types=account.excluded_types,
            )
            offer = Offer(name=MercadoPagoGateway.name, country=country, currency=CURRENCIES[country])
            known.append((offer, MercadoPagoGateway(site, client)))
    if (conekta := settings.conekta) is not None:
        account_ = ConektaSettings(base_url=conekta.base_url, api_key=conekta.api_key, methods=conekta.methods)
        known.append((Offer(name=ConektaGateway.name, country="MX", currency="MXN"), ConektaGateway(account_, client)))
    transfers: BankTransfers | None = None
    if (bank := settings.bank_payments) is not None and database is not None:
        assert settings.web.link_secret is not None
        assert settings.web.public_url is not None
        interface = BerlinGroupPisSettings(
            base_url=bank.base_url,
            access_token=bank.access_token,
            creditor_name=bank.creditor_name,
            creditor_iban=bank.creditor_iban,
            product=bank.product,
        )
        addresses = SignedAddresses(settings.web.link_secret, settings.web.public_url)
        transfers = BankTransfers(database, BerlinGroupPayments(interface, client), addresses)
        known.append((Offer(name=BANK, country=bank.country, currency="EUR"), transfers))

    def order(lender: str, country: str) -> tuple[str, ...]:
        return order_for(country, settings.lender_named(lender).ways_to_pay, settings.payments.ways)

    return Gateways(known, order, transfers)


@asynccontextmanager
async def debit_bank(settings: Settings) -> AsyncIterator[DebitBank]:
    """The bank that takes direct debits, as configured. Raises NotConfigured."""
    given = settings.direct_debit
    if given is None:
        raise NotConfigured("no bank takes direct debits: set RECOBRO_DIRECT_DEBIT__BASE_URL or __FOLDER")
    if given.folder is not None:
        yield FolderDebitBank(given.folder)
        return
    assert given.base_url is not None
    async with httpx.AsyncClient() as client:
        yield HttpDebitBank(
            HttpDebitBankSettings(base_url=given.base_url, username=given.username, password=given.password), client
        )


XS2A = "xs2a"
"""What consents under Berlin Group's interface name as their provider."""


def bank_sources(settings: Settings, outside: Outside) -> Sources:
    """Which source of bank data serves whom."""
    named = {XS2A: outside.bank} if outside.bank is not None else {}
    return Sources({**named, **outside.other_banks}, settings.bank_data_by_country, XS2A)


def _other_banks(settings: Settings, client: httpx.AsyncClient) -> dict[str, BankData]:
    belvo = settings.belvo
    if belvo is None:
        return {}
    return {
        BELVO: BelvoBank(
            BelvoSettings(
                base_url=belvo.base_url,
                widget_url=belvo.widget_url,
                secret_id=belvo.secret_id,
                secret_password=belvo.secret_password,
                countries=belvo.countries,
                zone=belvo.zone,
                transactions=belvo.transactions,
            ),
            client,
        )
    }


def whatsapp_cloud(settings: Settings, client: httpx.AsyncClient) -> WhatsAppCloud | None:
    """Meta's Cloud API, where the settings name what it takes to send."""
    given = whatsapp_settings(settings)
    return None if given is None else WhatsAppCloud(given, client)


def whatsapp_settings(settings: Settings) -> WhatsAppCloudSettings | None:
    """How Meta's Cloud API is called; None where the settings do not name what it takes to send."""
    meta = settings.meta
    if meta is None or not meta.sends or meta.access_token is None or meta.business_account is None:
        return None
    return WhatsAppCloudSettings(
        base_url=meta.base_url,
        version=meta.version,
        access_token=meta.access_token,
        business_account=meta.business_account,
        sender=meta.numbers[0].id,
    )


def load_rules(settings: Settings) -> RuleBook:
    """The contact rules in force. Raises config.jurisdictions' errors, which name file, line and field."""
    return load_rulebook(settings.jurisdictions or SHIPPED, settings.profile, settings.lender_rules)


def contact_slots(settings: Settings) -> ContactSlots:
    """The contact rules as this lender works under them. Raises as `load_rules` does."""
    caps = Caps(per_day=settings.caps.per_day, per_week=settings.caps.per_week, guard_minutes=settings.guard_minutes)
    return ContactSlots(
        load_rules(settings),
        caps,
        lambda lender: settings.lender_named(lender).collects_as,
        WhatsAppLimits(settings.whatsapp_tier, settings.meta),
    )


def stop_states(settings: Settings) -> StopStates:
    """Whose account is not read. The rules are loaded when somebody has a stop state."""
    return StopStates(cache(partial(load_rules, settings)), lambda lender: settings.lender_named(lender).collects_as)


@asynccontextmanager
async def errands(
    settings: Settings, database: Database, clock: Callable[[], datetime], outside: Outside | None = None
) -> AsyncIterator[Errands]:
    """What a worker does beside its workflows; `outside` takes the place of the providers that the settings name."""
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=10)) as client:
        world = outside or connect_outside(settings, client, database)
        texts = world.messengers.get(Channel.SMS)
        given = whatsapp_settings(settings)
        largest = settings.meta.largest_file if settings.meta is not None else 0
        yield Errands(
            database,
            None if given is None else WhatsAppMedia(given, client, largest),
            texts if texts is not None and texts.can_look_up else None,
            clock,
            LinkIssuer(database, world.gateways) if world.gateways.known else None,
        )


@asynccontextmanager
async def loan_activities(
    settings: Settings,
    database: Database,
    http_client: Callable[[httpx.Limits], httpx.AsyncClient] | None = None,
    outside: Outside | None = None,
) -> AsyncIterator[list[Callable[..., Any]]]:
    """The activities of a loan's life, ready to be registered with a worker.

    `http_client` makes another client to call providers with, for traces. `outside` takes the place of the
    providers that the settings name.
    """
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=100)
    async with http_client(limits) if http_client else httpx.AsyncClient(limits=limits) as client:
        outside = outside or connect_outside(settings, client, database)
        links = LinkIssuer(database, outside.gateways, timedelta(days=settings.payments.link_days))
        zone = ZoneInfo(settings.bank.zone if settings.bank else "UTC")
        balances = BalanceReader(database, outside.bank, zone, outside.other_banks, stop_states(settings))
        slots = contact_slots(settings)
        cloud = outside.messengers.get(Channel.WHATSAPP)
        templates = TemplateSync(database, cloud) if isinstance(cloud, WhatsAppCloud) else None
        sender = ContactSender(database, slots, outside.messengers, links, balances, settings, templates)
        ledger = LedgerWriter(
            database, links, CaseNotices(settings.case_webhook_url, client), AgreementPapers(database, settings)
        )
        debits = DebitClerk(database, settings.direct_debit)
        yield [sender.contact, balances.watch, ledger.write, debits.order, OfferMaker(database).make]
