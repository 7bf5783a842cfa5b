"""The activities as a worker runs them, against the sandbox world over real HTTP and SMTP, at any time one likes."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx
from pydantic import SecretStr
from sqlmodel import Session
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.agreement_papers import AgreementPapers
from activities.balances import BalanceReader
from activities.case_notices import CaseNotices
from activities.composition import connect_outside, whatsapp_cloud
from activities.contact_slots import ContactSlots
from activities.contacts import ContactSender
from activities.ledger import LedgerWriter
from activities.links import LinkIssuer
from activities.orders import ContactOrder, LedgerOrder, WatchOrder, WatchReport
from activities.stop_states import StopStates
from activities.template_sync import TemplateSync
from activities.whatsapp_limits import WhatsAppLimits
from config.bank_data_settings import Bank
from config.jurisdictions import load_rulebook
from config.lender_settings import Lender
from config.messaging_settings import Smtp, SmtpSecurity, Twilio
from config.payment_settings import Stripe
from config.settings import Settings
from domain.contact import Channel, Purpose
from domain.contact_rules import Caps
from domain.events.contacts import ContactReported
from domain.ledger_entries import LedgerEntry
from domain.strategy import WholeThreshold
from providers.ports import DeliveryReport, Messenger, OutgoingMessage, Sent
from records import audit, contact_decisions, contact_ledger, contacts, loans, payments
from records.database import Database
from records.tables import Contact, Loan, PaymentSource
from tests.records.portfolios import LENDER, enter, handed
from tests.sandbox.running import ACCOUNT, SENDER, TOKEN, World

TUESDAY = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
"""Ten o'clock in Madrid: within the hours, no holiday, nothing special."""
RULES = load_rulebook()
T = TypeVar("T")


def settings_for(world: World, **changes: Any) -> Settings:
    here = str(world.http.base_url).rstrip("/")
    return Settings(
        _env_file=None,
        **{
            "lender": Lender(name="Credialba", phone="900 555 010"),
            "bank": Bank(base_url=here),
            "stripe": Stripe(base_url=here, api_key=SecretStr("sk_test"), webhook_secret=SecretStr("whsec")),
            "twilio": Twilio(base_url=here, account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), sender=SENDER),
            "smtp": Smtp(
                host="127.0.0.1", port=world.smtp, security=SmtpSecurity.NONE, from_address="cobros@credialba.example"
            ),
            **changes,
        },
    )


def nowhere() -> str:
    """An address where nobody listens."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def environment(moment: datetime, attempt: int = 1, told: Sequence[Any] = ()) -> ActivityEnvironment:
    """Where an activity runs as the `attempt`-th try at `moment`; `told` is what the one before heartbeat last."""
    env = ActivityEnvironment()
    env.info = dataclasses.replace(env.info, started_time=moment, attempt=attempt, heartbeat_details=told)
    return env


@dataclass
class Desk:
    """One loan's activities, tried as Temporal tries them."""

    database: Database
    sender: ContactSender
    balances: BalanceReader
    ledger: LedgerWriter
    links: LinkIssuer

    async def at(self, moment: datetime, activity: Callable[..., Awaitable[T]], *given: Any, attempt: int = 1) -> T:
        return await environment(moment, attempt).run(activity, *given)

    async def contact(self, order: ContactOrder, moment: datetime = TUESDAY, attempt: int = 1) -> ContactReported:
        return await self.at(moment, self.sender.contact, order, attempt=attempt)

    async def watch(self, order: WatchOrder, moment: datetime = TUESDAY, attempt: int = 1) -> WatchReport:
        return await self.at(moment, self.balances.watch, order, attempt=attempt)

    async def write(
        self, loan_id: str, *entries: LedgerEntry, first: int = 0, moment: datetime = TUESDAY, **more: Any
    ) -> None:
        order = LedgerOrder(lender=LENDER, loan_id=loan_id, entries=entries, first_entry=first, **more)
        await self.at(moment, self.ledger.write, order)

    async def refused(self, order: ContactOrder, moment: datetime = TUESDAY, attempt: int = 1) -> ApplicationError:
        """The failure with which a contact asks to be tried again."""
        try:
            report = await self.contact(order, moment, attempt)
        except ApplicationError as error:
            return error
        raise AssertionError(f"it was not put off: {report}")

    async def until_done(
        self, order: ContactOrder, moment: datetime = TUESDAY, *, attempts: int = 12
    ) -> tuple[ContactReported, datetime]:
        """Try, wait as asked and try again, as Temporal does; the report and when it came."""
        for attempt in range(1, attempts + 1):
            try:
                return await self.contact(order, moment, attempt), moment
            except Exception as error:
                moment += (error.next_retry_delay if isinstance(error, ApplicationError) else None) or timedelta(
                    minutes=2
                )
        raise AssertionError(f"not done after {attempts} attempts")

    def row(self, order: ContactOrder) -> Contact:
        with self.database.reading() as session:
            loan = loans.get(session, LENDER, order.loan_id)
            found = contacts.find(session, loan, order.step, order.occurrence)
            assert found is not None
            return found

    def counted(self, loan_id: str) -> int:
        """How many events of the person's ledger rules may count."""
        with self.database.reading() as session:
            _, person = contacts.lock_person(session, LENDER, loan_id)
            return len(contact_ledger.person_events(session, person, TUESDAY - timedelta(days=40)))

    def audit(self, loan_id: str, action: str) -> list[dict[str, Any]]:
        """The details of the loan's audit lines of one action, oldest first."""
        with self.database.reading() as session:
            return [row.details for row in audit.of_loan(session, LENDER, loan_id) if row.action == action]

    def decisions(self, loan_id: str) -> list[tuple[Channel, str, list[tuple[str, str]]]]:
        with self.database.reading() as session:
            rows = contact_decisions.of_loan(session, loans.get(session, LENDER, loan_id))
            return [(r.channel, r.verdict, [(x["rule"], x["source"]) for x in r.reasons]) for r in rows]


@asynccontextmanager
async def desk_for(
    database: Database,
    settings: Settings,
    *,
    case_url: str | None = None,
    messengers: Callable[[dict[Channel, Messenger]], Mapping[Channel, Messenger]] = lambda given: given,
) -> AsyncIterator[Desk]:
    async with httpx.AsyncClient(trust_env=False) as client:
        outside = connect_outside(settings, client)
        links = LinkIssuer(database, outside.gateways)
        stops = StopStates(lambda: RULES)
        balances = BalanceReader(database, outside.bank, ZoneInfo("Europe/Madrid"), outside.other_banks, stops)
        caps = Caps(per_day=settings.caps.per_day, per_week=settings.caps.per_week)
        slots = ContactSlots(RULES, caps, whatsapp=WhatsAppLimits(settings.whatsapp_tier, settings.meta))
        cloud = whatsapp_cloud(settings, client)
        templates = TemplateSync(database, cloud) if cloud is not None else None
        sender = ContactSender(database, slots, messengers(outside.messengers), links, balances, settings, templates)
        ledger = LedgerWriter(database, links, CaseNotices(case_url, client), AgreementPapers(database, settings))
        yield Desk(database, sender, balances, ledger, links)


class Dies:
    """A messenger whose process dies `before` the message leaves or `after` it left, once."""

    def __init__(self, real: Messenger, when: str) -> None:
        self._real, self._when = real, when

    @property
    def can_look_up(self) -> bool:
        return self._real.can_look_up

    async def send(self, message: OutgoingMessage) -> Sent:
        when, self._when = self._when, ""
        if when == "before":
            raise RuntimeError("died")
        sent = await self._real.send(message)
        if when == "after":
            raise RuntimeError("died")
        return sent

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        return await self._real.look_up(message, since, at)

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport:
        return await self._real.delivery_state(provider_message_id, at)


_numbers = iter(range(1, 100_000))


def fresh(**changes: Any) -> dict[str, Any]:
    """A loan nobody has used before: its id, phone and mailbox are its own."""
    number = next(_numbers)
    return {
        "loan_id": f"A{number:05d}",
        "phone": f"+3460{number:07d}",
        "email": f"a{number}@mail.example",
        "name": "Lucía Gómez",
        "region": "MD",
        "due_date": date(2026, 2, 20),
        **changes,
    }


def enter_loan(database: Database, **changes: Any) -> str:
    """A loan in collection; answers its id."""
    given = fresh(**changes)
    loan_id: str = given.pop("loan_id")
    with database.writing() as session:
        enter(session, [handed(loan_id, **given)], at=TUESDAY - timedelta(days=5))
        loans.begin(session, loans.get(session, LENDER, loan_id))
    return loan_id


def person_of(database: Database, loan_id: str) -> tuple[str, str]:
    """Phone and e-mail of who owes the loan."""
    with database.reading() as session:
        _, person = contacts.lock_person(session, LENDER, loan_id)
        assert person.phone
        assert person.email
        return person.phone, person.email


def remind(loan_id: str, **changes: Any) -> ContactOrder:
    return ContactOrder(
        **{
            "lender": LENDER,
            "loan_id": loan_id,
            "step": "r1",
            "occurrence": 1,
            "channels": (Channel.SMS, Channel.EMAIL),
            "template": "account_overdue",
            "purpose": Purpose.COLLECTION,
            "with_link": False,
            "balance_read_at": None,
            "threshold": None,
            "give_up_at": None,
            **changes,
        }
    )


def offer(loan_id: str, **changes: Any) -> ContactOrder:
    return remind(loan_id, **{"step": "link", "template": "payment_link", "with_link": True, **changes})


def funds_offer(loan_id: str, read_at: datetime, **changes: Any) -> ContactOrder:
    given = {"step": "funds", "template": "funds_seen", "balance_read_at": read_at, "threshold": WholeThreshold()}
    return offer(loan_id, **{**given, **changes})


def pay(database: Database, loan_id: str, amount_minor: int, payment_id: str = "", at: datetime = TUESDAY) -> None:
    with database.writing() as session:
        payments.record(
            session,
            provider="stripe",
            payment_id=payment_id or f"pi_{loan_id}_{amount_minor}",
            lender=LENDER,
            loan_id=loan_id,
            amount_minor=amount_minor,
            currency="EUR",
            paid_at=at,
            received_at=at,
            source=PaymentSource.WEBHOOK,
        )


def loan_row(session: Session, loan_id: str) -> Loan:
    return loans.get(session, LENDER, loan_id)


def texts_to(world: World, phone: str) -> list[dict[str, Any]]:
    """What the carrier took for a number, by the carrier's own log."""
    return [entry for entry in world.entries("sms") if entry["to"] == phone]


def mails_to(world: World, email: str) -> list[dict[str, Any]]:
    return [entry for entry in world.entries("email") if entry["to"] == email]
