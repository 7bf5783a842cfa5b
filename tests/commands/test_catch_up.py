"""`database catch-up`: records of an earlier day brought up to what Temporal knows; what nobody knows is doubted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlmodel import select
from temporalio.api.history.v1 import HistoryEvent
from typer.testing import CliRunner

from activities.case_notices import CaseNotices
from activities.ledger import LedgerWriter
from activities.links import LinkIssuer
from activities.orders import ContactOrder, LedgerOrder
from commands import configuration, temporal_session
from commands.catch_up import BY_HAND, CaughtUp, Unknown, catch_up
from commands.processes import ROOT
from domain.collection import apply
from domain.contact import Channel
from domain.direct_debit import SequenceType
from domain.entering import enter
from domain.events.contacts import NOTHING_SENT, AddressFailure, ContactFailed, ContactOutcome, ContactReported
from domain.events.payments import PaymentReceived, PaymentRefunded
from domain.ledger_entries import AddressEntry, EndEntry, LedgerEntry, LoanEnd, PaymentEntry
from domain.loans import Payment, workflow_id
from domain.webhook_news import InboundNews
from records import cases, debits, loans, mandates, payments, people, refunds
from records.database import Database
from records.tables import LoanState, RefundState, RefundTask, RefundWay
from starter import app
from tests.commands.test_doctor_restarts import open_case, paid
from tests.domain.simulated_loan import facts, strategy
from tests.records.portfolios import LENDER, NOW, entered, handed
from tests.records.portfolios import enter as hand_over
from web.hearing import MessageReader
from web.inbound_news import record_inbound
from workflows.payload_json import compact_data_converter

PAID = Payment(provider="bank", payment_id="TR-1", amount_minor=10_000, paid_at=NOW)
LATER = NOW + timedelta(days=1)


@dataclass
class Run:
    """One run of a loan in Temporal: which hand-over it collected, and what it wrote."""

    loan_id: str
    entries: tuple[LedgerEntry, ...]
    entry: int = 1
    final_state: dict[str, Any] | None = field(default_factory=dict)
    sent: tuple[tuple[ContactOrder, Channel], ...] = ()
    """What it sent before it wrote, and by which channel."""
    failed: tuple[ContactFailed, ...] = ()
    """What it was told did not arrive."""

    @property
    def id(self) -> str:
        return workflow_id(LENDER, self.loan_id)

    run_id = "run"
    start_time = LATER

    async def memo_value(self, _key: str, _default: int, *, type_hint: type) -> int:
        return self.entry


class Temporal:
    data_converter = compact_data_converter

    def __init__(self, *runs: Run) -> None:
        self._runs = {run.id: run for run in runs}

    async def list_workflows(self, query: str) -> AsyncIterator[Run]:
        for run in self._runs.values() if "LoanCollection" in query else ():
            yield run

    def get_workflow_handle(self, id: str, *, run_id: str) -> Any:
        run = self._runs[id]
        order = LedgerOrder(
            lender=LENDER,
            loan_id=run.loan_id,
            entry=run.entry,
            entries=run.entries,
            first_entry=0,
            final_state=run.final_state,
        )

        async def history() -> AsyncIterator[HistoryEvent]:
            for contact, channel in run.sent:
                named = {"step": contact.step, "occurrence": contact.occurrence, "channel": channel}
                report = ContactReported(outcome=ContactOutcome.SENT, **named)
                async for event in self._activity("contact", contact, report):
                    yield event
            for failed in run.failed:
                told = HistoryEvent(event_id=4)
                told.event_time.FromDatetime(LATER)
                heard = told.workflow_execution_signaled_event_attributes
                heard.signal_name = "contact_failed"
                heard.input.payloads.extend(await self.data_converter.encode([failed]))
                yield told
            async for event in self._activity("write_ledger", order, None):
                yield event

        return SimpleNamespace(fetch_history_events=history)

    async def _activity(self, name: str, order: object, result: object) -> AsyncIterator[HistoryEvent]:
        begun, done = HistoryEvent(event_id=5), HistoryEvent(event_id=6)
        asked = begun.activity_task_scheduled_event_attributes
        asked.activity_type.name = name
        asked.input.payloads.extend(await self.data_converter.encode([order]))
        ended = done.activity_task_completed_event_attributes
        ended.scheduled_event_id = 5
        ended.result.payloads.extend(await self.data_converter.encode([result]))
        done.event_time.FromDatetime(LATER)
        yield begun
        yield done


async def caught_up(database: Database, *runs: Run) -> CaughtUp:
    temporal: Any = Temporal(*runs)
    quiet = LedgerWriter(database, LinkIssuer(database, None), CaseNotices(None, httpx.AsyncClient()))
    return await catch_up(temporal, database, quiet)


def cured(loan_id: str, entry: int = 1) -> Run:
    """A run of a loan that was paid in full and ended."""
    ended = EndEntry(at=LATER, end=LoanEnd.CURED, by="payment")
    return Run(loan_id, (PaymentEntry(at=LATER, payment=PAID, currency="EUR"), ended), entry)


async def test_who_was_handed_over_after_the_backup_and_paid_is_known_once_the_file_is_started_again(
    database: Database,
) -> None:
    before = await caught_up(database, cured("L1"))
    with database.writing() as session:
        hand_over(session, [handed("L1")])
    after = await caught_up(database, cured("L1"))

    assert (before.unknown, before.entries) == ((workflow_id(LENDER, "L1"),), 0)
    assert (after.unknown, after.entries) == ((), 2)
    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        assert (loan.state, loan.end_kind) == (LoanState.ENDED, "cured")
        assert payments.balance_due(session, loan) == 0


async def test_who_was_handed_over_again_after_the_backup_is_named_and_nothing_is_counted_in_the_wrong_one(
    database: Database,
) -> None:
    """Given records that know the first hand-over, when the second was paid, then that counts in the second."""
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        loans.end(session, loan, kind="not_cured", at=NOW, final_state={})

    before = await caught_up(database, cured("L1", entry=2))
    with database.writing() as session:
        counted_before = payments.find(session, "bank", "TR-1")
        hand_over(session, [handed("L1")], campaign_id="c2")
    after = await caught_up(database, cured("L1", entry=2))

    assert (before.unknown, counted_before) == ((workflow_id(LENDER, "L1"),), None)
    assert after.unknown == ()
    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        payment = payments.find(session, "bank", "TR-1")
        assert payment is not None
        assert (payment.entry, loan.state) == (2, LoanState.ENDED)


R1 = ContactOrder(lender=LENDER, loan_id="L1", step="r1", channels=(Channel.SMS,), template="first")
WRONG = {"channel": Channel.SMS, "reason": AddressFailure.WRONG_PERSON, "occurrence": 1}


def strangers(step: str) -> AddressEntry:
    return AddressEntry(at=LATER, step=step, **WRONG)


@pytest.mark.parametrize(
    "run",
    [
        Run("L1", (strangers("r1"),), sent=((R1, Channel.SMS),)),
        Run("L1", (strangers("r1"),)),
        Run("L1", (), failed=(ContactFailed(step=NOTHING_SENT, **WRONG),)),
    ],
    ids=["at what was sent since", "at what is not known to have been sent", "where nothing had been sent"],
)
async def test_a_number_at_which_a_stranger_answered_after_the_backup_is_closed_again(
    database: Database, run: Run
) -> None:
    """Given a backup from before somebody else answered at the number, when the records catch up, then the number is
    closed for all that it could be used for; and a right one that takes its place stays open the next time."""
    with database.writing() as session:
        entered(session, "L1")

    await caught_up(database, run)

    with database.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert [people.address(session, person, way) for way in (Channel.SMS, Channel.CALL)] == [None, None]
        person.phone = "+34611222333"
        session.add(person)
    again = await caught_up(database, run)
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert (again.entries, people.address(session, person, Channel.SMS)) == (0, "+34611222333")


async def test_a_strangers_number_that_the_backup_knows_closes_no_later_one(database: Database) -> None:
    """Given records that noted that somebody else answered, and the right number since, when they catch up with the
    same news, then the right number stays open."""
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        person = people.of_loan(session, loan)
        told = InboundNews(
            channel=Channel.SMS,
            provider="twilio",
            sender_address=person.phone or "",
            text="Se equivoca de persona",
            provider_message_id="SM1",
        )
        news = record_inbound(session, told, NOW, MessageReader())
        failed = ContactFailed.model_validate(next(s.payload for s in news.signals if s.name == "contact_failed"))
        person.phone = "+34611222333"
        session.add(person)

    await caught_up(database, Run("L1", (), failed=(failed,)))

    assert failed.step == NOTHING_SENT
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert people.address(session, person, Channel.SMS) == "+34611222333"


def refund(database: Database, loan_id: str, payment_id: str, way: RefundWay = RefundWay.GATEWAY) -> int:
    """Of 25.00, proposed and not decided."""
    with database.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        payment = paid(session, loan_id, payment_id, 12_500)
        case_id = open_case(session, loan, 1, "refund")
        task = refunds.propose(
            session, cases.get(session, case_id), payment, amount_minor=2_500, way=way, by="marta", at=NOW
        )
        assert task.id is not None
        return task.id


async def test_a_refund_that_may_have_been_made_is_looked_for_before_it_is_made(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1", "L2")
    approved, proposed = refund(database, "L1", "p1"), refund(database, "L2", "p2")
    with database.writing() as session:
        refunds.decide(session, refunds.get(session, approved), approved=True, by="luis", at=NOW)

    done = await caught_up(database)
    with database.writing() as session:
        refunds.decide(session, refunds.get(session, proposed), approved=True, by="luis", at=NOW)

    assert done.refunds == (approved, proposed)
    with database.reading() as session:
        tasks = session.exec(select(RefundTask)).all()
        assert [task.state for task in tasks] == [RefundState.APPROVED] * 2
        assert all(refunds.was_asked_for(task) for task in tasks)


@pytest.mark.parametrize(("still_open", "refunded"), [(False, 2_500), (True, 0)])
async def test_what_a_loan_was_told_was_given_back_counts_unless_its_refund_is_still_looked_for(
    database: Database, still_open: bool, refunded: int
) -> None:
    with database.writing() as session:
        entered(session, "L1")
    if still_open:
        refund(database, "L1", "p1")
    else:
        with database.writing() as session:
            paid(session, "L1", "p1", 12_500)
    state = enter(facts(lender=LENDER, loan_id="L1", amount_due_minor=10_000), strategy(), LATER)
    received = PaymentReceived(payment_id="p1", amount_minor=12_500, currency="EUR", paid_at=NOW, provider="bank")
    state, _ = apply(state, received, LATER)
    state, _ = apply(state, PaymentRefunded(payment_id="p1", provider="bank", refunded_minor=2_500), LATER)

    await caught_up(database, Run("L1", state.outbox))

    with database.reading() as session:
        payment = payments.find(session, "bank", "p1")
        assert payment is not None
        assert payment.refunded_minor == refunded


async def test_a_debit_that_was_let_go_to_the_bank_is_named(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        person = people.of_loan(session, loan)
        iban = "ES9121000418450200051332"
        mandates.add(
            session, person, reference="M-1", iban=iban, signed_on=date(2026, 1, 5), sequence=SequenceType.FRST, at=NOW
        )
        mandate = mandates.find(session, LENDER, "M-1")
        assert mandate is not None
        debit = debits.order(
            session,
            loan,
            mandate,
            step="debit",
            occurrence=1,
            amount_minor=5_000,
            noticed=False,
            notice_days=0,
            at=NOW,
        )
        debits.release(session, debit, True, NOW)
        reference = debit.reference

    assert (await caught_up(database)).debits == (reference,)


def test_what_temporal_does_not_know_is_named_each_time_for_people_and_for_programs(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    async def connect(**_given: object) -> Any:
        return Temporal()

    monkeypatch.setattr(temporal_session, "connect", connect)
    monkeypatch.setattr(configuration, "records", lambda _settings: database)

    said = CliRunner().invoke(app, ["database", "catch-up"])
    told = CliRunner().invoke(app, ["database", "catch-up", "--json"])

    assert (said.exit_code, told.exit_code) == (0, 0)
    assert all(line in said.stdout for line in BY_HAND.values())
    assert json.loads(told.stdout)["not_in_temporal"] == [one.value for one in BY_HAND]
    assert "of every contact: person flag LOAN cease" in said.stdout
    assert list(BY_HAND) == list(Unknown)
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert all(f"`{one.value}`" in page for one in Unknown)
