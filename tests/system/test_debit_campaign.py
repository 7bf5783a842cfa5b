"""A campaign of direct debits on a bank nobody here wrote: mock-bank, a process of its own, on its own clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.bank_files import BankDesk
from activities.bank_mail import fetch_all
from activities.composition import Outside
from activities.debit_files import DebitFiles
from activities.debit_submission import DebitSubmission
from commands.processes import Processes
from commands.stack import Stack
from config.bank_file_settings import DirectDebit, SepaCreditor
from config.lender_settings import Lender
from config.settings import Settings
from domain.contact import Channel
from domain.direct_debit import DebitState, MandateStatus, SequenceType
from domain.events.payments import PaymentReceived
from domain.loans import workflow_id
from domain.strategy import Strategy
from providers.debits.http_bank import HttpDebitBank, HttpDebitBankSettings
from providers.ports import DeliveryReport, OutgoingMessage, Sent
from records import campaigns, cases, debits, facts, loans, mandates, payments, people, portfolio
from records.database import Database
from records.tables import LoanState
from tests.activities.other_bank import OURS, OtherBank, bank_apart
from tests.records.portfolios import handed
from web.payment_entry import Entry, enter_payment
from web.relay import Relay
from web.temporal_signals import TemporalSignals
from worker import serve
from workflows.payload_json import compact_data_converter
from workflows.starting import start_loan

pytestmark = pytest.mark.timeout(150)

LENDER = "credialba"
STRATEGY = Strategy.model_validate(
    {
        "name": "debits",
        "version": 1,
        "title": "Direct debits",
        "currency": "EUR",
        "steps": [
            {
                "id": "debit",
                "kind": "debit",
                "after_days": 0,
                "at": "00:00",
                "channels": ["sms"],
                "template": "debit_notice",
                "notice_days": 2,
                "on_return": {"AM04": "again", "other": "talk"},
            },
            {
                "id": "again",
                "kind": "debit",
                "after_days": 4,
                "notice_days": 0,
                "when": {"debit_returned": ["AM04"]},
            },
            {"id": "talk", "kind": "handoff", "after_days": 0, "queue": "agents"},
        ],
        "queues": {"agents": {"sla_hours": 1400}},
        "ends": {"after_days": 90},
    }
)
# What each borrower's account is like, and the loan it pays.
ACCOUNTS: dict[str, dict[str, Any]] = {
    "GOOD": {},
    "POOR": {"balance": 50, "behaviour": "insufficient-funds"},
    "LATE": {"behaviour": "return-later", "parameters": {"days": 15, "reason": "MD07"}},
    "CLOSED": {"behaviour": "closed-account"},
    "PART": {},
}
AMOUNTS = {"GOOD": 10_001, "POOR": 20_002, "LATE": 30_003, "CLOSED": 40_004, "PART": 50_005}


class Carrier:
    """Takes every text message."""

    can_look_up = False

    def __init__(self) -> None:
        self.taken: list[OutgoingMessage] = []

    async def send(self, message: OutgoingMessage) -> Sent:
        self.taken.append(message)
        return Sent(provider="carrier", provider_message_id=f"m{len(self.taken)}")

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        return None

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport:
        raise NotImplementedError


class Campaign:
    def __init__(self, database: Database, settings: Settings, client: Client, bank: OtherBank) -> None:
        self.database, self.settings, self.client, self.bank = database, settings, client, bank

    def enter(self, now: datetime) -> None:
        with self.database.writing() as session:
            campaign = campaigns.create(
                session,
                campaign_id="c1",
                name="c1",
                lender=LENDER,
                strategy_key=STRATEGY.key,
                source_file="loans.csv",
                at=now,
            )
            rows = [
                handed(
                    name,
                    line=n,
                    phone=f"+3460000000{n}",
                    region="MD",
                    amount_due_minor=AMOUNTS[name],
                    due_date=now.date() - timedelta(days=30),
                )
                for n, name in enumerate(ACCOUNTS, 1)
            ]
            portfolio.enter_portfolio(session, campaign, rows, strategy=STRATEGY, at=now)
            for number, name in enumerate(ACCOUNTS, 11):
                loan = loans.get(session, LENDER, name)
                loans.begin(session, loan)
                mandates.add(
                    session,
                    people.of_loan(session, loan),
                    reference=f"M-{name}",
                    iban=self.bank.open_account(name, number, **ACCOUNTS[name]),
                    signed_on=now.date(),
                    sequence=SequenceType.FRST,
                    at=now,
                )

    async def start(self, now: datetime) -> None:
        for name in ACCOUNTS:
            with self.database.reading() as session:
                loan = facts.as_entered(session, LENDER, name, now)
            await start_loan(self.client, "recobro", loan.facts, STRATEGY, (), now)

    async def skip(self, days: float, *names: str) -> None:
        skipper = TimeSkipper(self.client, config=TimeSkippingConfig(max_session_skip_count=1000))

        async def one(name: str) -> None:
            with suppress(RPCError):  # one that ended cannot be moved
                handle = self.client.get_workflow_handle(workflow_id(LENDER, name))
                await skipper.fast_forward(handle, timedelta(days=days))

        await asyncio.gather(*(one(name) for name in names or ACCOUNTS))

    async def days(self, number: int, each: int = 1) -> None:
        """The bank's clock moves on; each time the file goes out and what the bank sent is taken in."""
        async with httpx.AsyncClient(trust_env=False) as http:
            bank = HttpDebitBank(HttpDebitBankSettings(base_url=self.bank.url), http)
            files, desk = DebitFiles(self.database, self.settings), BankDesk(self.database, self.settings)
            submission = DebitSubmission(self.database, self.settings)
            for _ in range(number):
                now = await asyncio.to_thread(self.bank.advance, each)
                await asyncio.to_thread(files.make, now)
                await submission.submit(bank, now)
                fetched = await fetch_all(bank, desk, now)
                assert fetched.refused == {}

    async def until(self, what: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not await asyncio.to_thread(what):
            assert time.monotonic() < deadline, {name: self.standing(name) for name in ACCOUNTS}
            await asyncio.sleep(0.05)

    def standing(self, name: str) -> tuple[str | None, int, tuple[str, ...]]:
        """How the loan ended, what is due, and how its debits stand."""
        with self.database.reading() as session:
            loan = loans.get(session, LENDER, name)
            states = tuple(debit.state.value for debit in debits.of_loan(session, loan))
            return loan.end_kind, payments.balance_due(session, loan), states

    def queues(self, name: str) -> list[str]:
        """The queues of its cases."""
        with self.database.reading() as session:
            return [case.queue for case in cases.of_loan(session, loans.get(session, LENDER, name))]

    def stands(self, name: str, *expected: Any) -> Callable[[], bool]:
        return lambda: self.standing(name) == expected

    async def goes_on(self, name: str) -> None:
        handle = self.client.get_workflow_handle(workflow_id(LENDER, name))
        for _ in range(1200):
            if (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the loan did not go on")

    async def balance(self, name: str) -> int:
        told = await self.client.get_workflow_handle(workflow_id(LENDER, name)).query("status")
        return int(told["balance_minor"])


async def test_collected_am04_returned_late_account_closed_and_duplicate_file_come_right_to_the_cent(
    tmp_path: Path,
) -> None:
    # A Monday that is still to come: the weekends between the bank's days and the loans' are the same in every run.
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    begins = today + timedelta(days=7 - today.weekday())
    database = Database(f"sqlite:///{tmp_path / 'recobro.db'}")
    with Processes(tmp_path / "logs") as processes:
        stack = Stack(processes, tmp_path, skipping=True)
        await asyncio.to_thread(stack.start_temporal)
        client = await Client.connect(stack.addresses.temporal, data_converter=compact_data_converter)
        with bank_apart(processes.ports.take(), begins) as bank:
            settings = Settings(
                _env_file=None,
                database_url=stack.records_url,
                lender=Lender(name="Credialba", phone="900 555 010"),
                direct_debit=DirectDebit(
                    base_url=bank.url, creditor=SepaCreditor(creditor_id="ES50ZZZA12345678", iban=OURS)
                ),
            )
            carrier = Carrier()
            stop = asyncio.Event()

            async def connected() -> Client:
                return client

            relay = Relay(database, TemporalSignals(connected, database, "recobro"), {}, lambda: datetime.now(UTC))
            outside = Outside(bank=None, messengers={Channel.SMS: carrier})
            work = [
                asyncio.create_task(serve(client, settings, database, stop, outside=outside)),
                asyncio.create_task(relay.run()),
            ]
            try:
                await _campaign(Campaign(database, settings, client, bank), carrier, begins)
            finally:
                stop.set()
                work[1].cancel()
                await asyncio.gather(*work, return_exceptions=True)
                database.dispose()


async def _campaign(here: Campaign, carrier: Carrier, begins: datetime) -> None:
    # Given five loans with mandates, each announced its debit.
    here.enter(begins)
    await here.start(begins)
    ahead = (begins - datetime.now(UTC)) / timedelta(days=1)
    await here.skip(ahead)
    await here.until(lambda: all(here.standing(name)[2] == ("planned",) for name in ACCOUNTS))
    await here.skip(5)
    await here.until(lambda: len(carrier.taken) == len(ACCOUNTS))
    assert all("M-" in message.text and "acreedor ES50ZZZA12345678" in message.text for message in carrier.taken)
    with here.database.reading() as session:
        part = loans.get(session, LENDER, "PART")
    paid = PaymentReceived(payment_id="T-1", amount_minor=20_005, currency="EUR", paid_at=begins, provider="manual")
    enter_payment(here.database, part, paid, Entry("operator", datetime.now(UTC)))

    # When the file goes out and the bank has decided and settled.
    await here.days(12)  # each of them, or the day that the notices named would have passed
    first = here.bank.collections()
    await here.until(here.stands("GOOD", "cured", 0, ("collected",)))
    await here.until(here.stands("PART", "cured", 0, ("collected",)))
    await here.until(here.stands("LATE", "cured", 0, ("collected",)))
    await here.until(here.stands("CLOSED", None, 40_004, ("rejected",)))
    await here.skip(1, "CLOSED")  # a step of the same day may be due at an hour that is yet to come
    await here.until(lambda: here.queues("CLOSED") == ["agents"])
    assert {one["mandate_id"]: (one["amount"], one["reason"]) for one in first} == {
        "M-GOOD": (10_001, None),
        "M-POOR": (20_002, "AM04"),
        "M-LATE": (30_003, None),
        "M-CLOSED": (40_004, "AC04"),
        "M-PART": (30_000, None),
    }

    # Then too little money leads to the second debit, when there is money.
    here.bank.change("POOR", balance=1_000_000)
    await here.skip(6, "POOR")
    await here.until(here.stands("POOR", None, 20_002, ("rejected", "planned")))
    await here.days(6)
    await here.until(here.stands("POOR", "cured", 0, ("rejected", "collected")))

    # And a file that is handed over again is refused by the bank, and changes nothing.
    [message_id] = {one["msg_id"] for one in first}
    outgoing = DebitSubmission(here.database, here.settings)._begin(message_id, begins)
    assert outgoing is not None
    again = here.bank.http.post("/payments", content=outgoing.body, headers={"Content-Type": "application/xml"})
    assert (again.status_code, again.json()["reason"]) == (422, "DUPL")

    # And what is returned three weeks after it was collected opens the loan it had cured.
    await here.days(1, each=18)
    await here.until(here.stands("LATE", "cured", 30_003, ("returned",)))
    await here.goes_on("LATE")
    await here.skip(ahead + 40, "LATE")  # it went on no earlier than the news
    await here.until(here.stands("LATE", None, 30_003, ("returned",)))
    await here.until(lambda: here.queues("LATE") == ["agents"])
    with here.database.reading() as session:
        late = loans.get(session, LENDER, "LATE")
        closed = loans.get(session, LENDER, "CLOSED")
        states = {one.reference: one.status for one in mandates.listing(session)}
        received = sum(
            payment.amount_minor
            for name in ACCOUNTS
            for payment in payments.of_loan(session, loans.get(session, LENDER, name))
            if payment.provider == "sepa-dd" and payment.reversed_at is None
        )
    assert [here.queues(name) for name in ("LATE", "CLOSED")] == [["agents"], ["agents"]]
    assert (late.state, closed.state) == (LoanState.IN_COLLECTION, LoanState.IN_COLLECTION)
    assert [await here.balance(name) for name in ("LATE", "CLOSED")] == [30_003, 40_004]
    assert {name for name, status in states.items() if status is MandateStatus.BLOCKED} == {"M-LATE", "M-CLOSED"}
    # The bank's books and ours agree to the cent, and it collected nothing twice.
    assert received == 10_001 + 30_000 + 20_002
    assert here.bank.balance() == 12_500_000 + received
    decided = [(one["mandate_id"], one["status"]) for one in here.bank.collections()]
    assert sorted(decided) == [
        ("M-CLOSED", "rejected"),
        ("M-GOOD", "accepted"),
        ("M-LATE", "returned"),
        ("M-PART", "accepted"),
        ("M-POOR", "accepted"),
        ("M-POOR", "rejected"),
    ]
    assert [here.standing(name)[2][-1] for name in ACCOUNTS] == [
        DebitState.COLLECTED,
        DebitState.COLLECTED,
        DebitState.RETURNED,
        DebitState.REJECTED,
        DebitState.COLLECTED,
    ]
    assert len(carrier.taken) == len(ACCOUNTS)  # nobody was asked for money while the bank collected it
