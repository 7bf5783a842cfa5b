"""Records restored from a backup, brought up to what Temporal knows: what a loan wrote stands in its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from sqlmodel import Session, col, select
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecution

from activities.ledger import LedgerWriter
from activities.orders import ContactOrder, LedgerOrder
from commands.catch_up_campaigns import campaigns_again, sends_again
from domain.direct_debit import DebitState
from domain.events.contacts import NOTHING_SENT, AddressFailure, ContactFailed, ContactOutcome, ContactReported
from domain.ledger_entries import NoteEntry
from domain.loans import workflow_id
from records import audit, campaigns_restored, contacts, payments, people, refunds
from records.database import Database
from records.tables import ContactState, Debit, Loan
from web.ports import SignalName
from workflows.starting import ENTRY

PAYMENT_REFUNDED = "payment_refunded"
"""The note of a loan that was told of a refund: provider, payment id, colon, what was given back of it in all."""
CODE = "restored"
"""The error code of contacts that are known from Temporal alone: who was written to, not what became of it."""


class Unknown(StrEnum):
    """What the records hold and Temporal does not: done after a backup, it has to be done again by hand."""

    MESSAGES_OF_NO_RUNNING_LOAN = "messages_of_no_running_loan"
    TALKS = "talks"
    PERSON_FACTS = "person_facts"
    CONSENTS_REVOKED = "consents_revoked"
    MANDATES = "mandates"
    ERASURES = "erasures"
    ACCOUNTS_AND_KEYS = "accounts_and_keys"
    STATEMENTS = "statements"
    SEGMENT_SENDS = "segment_sends"
    CORRECTIONS = "corrections"
    DECISION_NOTES = "decision_notes"


BY_HAND: Mapping[Unknown, str] = MappingProxyType(
    {
        Unknown.MESSAGES_OF_NO_RUNNING_LOAN: "stops of people whose loans waited or had ended, and numbers "
        "at which somebody else answered: person opt-out; of every contact: person flag LOAN cease",
        Unknown.TALKS: "calls and visits that people noted, before the workers start: loan talked --at",
        Unknown.PERSON_FACTS: "facts, and channels that people agreed to: person flag, person authorise",
        Unknown.CONSENTS_REVOKED: "consents that were taken back here: consent revoke",
        Unknown.MANDATES: "mandates that were added or cancelled: mandate add, mandate cancel",
        Unknown.ERASURES: "people who were erased, whose keys the backup has: person erase",
        Unknown.ACCOUNTS_AND_KEYS: "accounts and API keys: those closed since are open again, new ones are gone",
        Unknown.STATEMENTS: "bank files that lie in done/: move them back, then reconcile fetch and debit fetch",
        Unknown.SEGMENT_SENDS: "messages to segments begun since: campaign sends shows which are known",
        Unknown.CORRECTIONS: "what people said that replies mean: replies correct",
        Unknown.DECISION_NOTES: "why people decided cases as they did: the decisions come back, their notes do not: "
        "ask who decided",
    }
)
"""What each of them was, and the command for it, where there is one."""


@dataclass
class CaughtUp:
    """`entries` and `contacts` that the records lacked; `unknown` are loans handed over, or again, after the backup.

    `started`: loans that waited by the records. `campaigns`, `sends`: campaigns, and messages to segments, that stood
    elsewhere by the records than where they were stopped, paused, resumed or finished last.
    `given_back`: payments of which a loan knows that more was given back. Of what Temporal does not know: `refunds` by
    number, which may have been made since, and `debits` by reference, which the bank may have been told of.
    """

    loans: int = 0
    entries: int = 0
    contacts: int = 0
    unknown: tuple[str, ...] = ()
    given_back: int = 0
    refunds: tuple[int, ...] = ()
    debits: tuple[str, ...] = ()
    started: int = 0
    campaigns: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()
    told_given_back: dict[tuple[str, str], int] = field(default_factory=dict)
    """What loans were told, by provider and payment id, in minor units."""


async def catch_up(client: Client, database: Database, ledger: LedgerWriter) -> CaughtUp:
    """Write again, each once by its number, what finished activities of every loan and campaign in Temporal wrote.

    Nothing is sent. A contact of which the records know nothing is taken as sent: it counts for the person's limits
    and is not made again. Of a hand-over that the records do not know nothing is written: it would count in another.
    """
    done = CaughtUp()
    known = _hand_overs(database)
    runs: list[tuple[WorkflowExecution, int]] = []
    async for run in client.list_workflows('WorkflowType="LoanCollection"'):
        runs.append((run, await run.memo_value(ENTRY, 1, type_hint=int)))
    runs.sort(key=lambda one: one[0].start_time)
    done.started = _begin_again(database, runs, known)
    # Before what the loans wrote: one that came back after a stop is told from one that the stop had left by which of
    # the two the audit trail has later. After the starts: a stop lets go of what was not started.
    done.campaigns = await campaigns_again(client, database)
    done.sends = await sends_again(client, database)
    seen: set[str] = set()
    unknown: dict[str, None] = {}
    for run, entry in runs:
        seen.add(run.id)
        loan = known.get(run.id)
        if loan is None or loan.entry < entry:
            unknown[run.id] = None
            continue
        history = client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history_events()
        scheduled: dict[int, HistoryEvent] = {}
        async for event in history:
            if event.HasField("activity_task_scheduled_event_attributes"):
                scheduled[event.event_id] = event
            elif event.HasField("activity_task_completed_event_attributes"):
                begun = scheduled.get(event.activity_task_completed_event_attributes.scheduled_event_id)
                if begun is not None:
                    await _again(client, database, ledger, begun, event, entry, done)
            elif event.workflow_execution_signaled_event_attributes.signal_name == SignalName.CONTACT_FAILED:
                done.entries += await _close_a_strangers(client, database, event, loan)
    done.loans, done.unknown = len(seen), tuple(unknown)
    _doubt_what_temporal_does_not_know(database, done)
    return done


class _Known(NamedTuple):
    """A loan of the records, and which hand-over of it they know."""

    lender: str
    loan_id: str
    entry: int


def _hand_overs(database: Database) -> dict[str, _Known]:
    """By the loan's workflow's id."""
    with database.reading() as session:
        rows = session.exec(select(Loan.lender, Loan.loan_id, Loan.entry)).all()
    return {workflow_id(lender, loan_id): _Known(lender, loan_id, entry) for lender, loan_id, entry in rows}


def _begin_again(database: Database, runs: Sequence[tuple[WorkflowExecution, int]], known: Mapping[str, _Known]) -> int:
    """Loans that the records have waiting and whose present hand-over has a workflow."""
    started: dict[tuple[str, str], datetime] = {}
    for run, entry in runs:
        loan = known.get(run.id)
        if loan is not None and loan.entry == entry:
            started.setdefault((loan.lender, loan.loan_id), run.start_time)
    with database.writing(durable=True) as session:
        return campaigns_restored.begin_again(session, started)


def _doubt_what_temporal_does_not_know(database: Database, done: CaughtUp) -> None:
    with database.writing(durable=True) as session:
        for (provider, payment_id), minor in done.told_given_back.items():
            payment = payments.find(session, provider, payment_id)
            # Where a refund is still to be made its own look-up finds it: counted here too it would count twice.
            if payment is not None and minor > payment.refunded_minor and not refunds.is_open_for(session, payment):
                payment.refunded_minor = min(minor, payment.amount_minor)
                session.add(payment)
                done.given_back += 1
        done.refunds = tuple(task.id for task in refunds.doubt_after_restore(session) if task.id is not None)
        planned = select(Debit.reference).where(Debit.state == DebitState.PLANNED, col(Debit.released))
        done.debits = tuple(session.exec(planned.order_by(col(Debit.id))))


async def _again(
    client: Client,
    database: Database,
    ledger: LedgerWriter,
    begun: HistoryEvent,
    completed: HistoryEvent,
    entry: int,
    done: CaughtUp,
) -> None:
    asked = begun.activity_task_scheduled_event_attributes
    match asked.activity_type.name:
        case "write_ledger":
            [order] = await client.data_converter.decode(list(asked.input.payloads), [LedgerOrder])
            done.entries += ledger.keep(order, restored=True)
            for entry_kept in order.entries:
                if isinstance(entry_kept, NoteEntry) and entry_kept.action == PAYMENT_REFUNDED:
                    payment, _, minor = entry_kept.detail.rpartition(": ")
                    provider, _, payment_id = payment.partition(" ")
                    named = provider, payment_id
                    done.told_given_back[named] = max(int(minor), done.told_given_back.get(named, 0))
        case "contact":
            [contact] = await client.data_converter.decode(list(asked.input.payloads), [ContactOrder])
            result = completed.activity_task_completed_event_attributes.result.payloads
            [report] = await client.data_converter.decode(list(result), [ContactReported])
            at = completed.event_time.ToDatetime(tzinfo=UTC)
            if report.outcome is ContactOutcome.SENT and report.channel is not None:
                with database.writing() as session:
                    done.contacts += _take_as_sent(session, contact, report, entry, at)


async def _close_a_strangers(client: Client, database: Database, told: HistoryEvent, loan: _Known) -> bool:
    """Close an address to which nothing had been sent and at which somebody else answered, where the records lack that.

    The loan wrote nothing of it: the signal that told it is all there is. One that the records noted for the loan and
    the channel counts as this one, so that a number that took its place stays open.
    """
    try:
        payloads = list(told.workflow_execution_signaled_event_attributes.input.payloads)
        [said] = await client.data_converter.decode(payloads)
        news = ContactFailed.model_validate(said)
    except Exception:  # the loan could not read it either
        return False
    if news.step != NOTHING_SENT or news.reason is not AddressFailure.WRONG_PERSON:
        return False
    details = {"channel": news.channel.value, "reason": news.reason.value}
    lender, loan_id, action = loan.lender, loan.loan_id, "address_closed"
    at = told.event_time.ToDatetime(tzinfo=UTC)
    with database.writing() as session:
        _, person = contacts.lock_person(session, lender, loan_id)
        address = people.known_address(person, news.channel)
        noted = any(row.details == details for row in audit.of_loan(session, lender, loan_id, action=action))
        if noted or address is None:
            return False
        if not people.close_address(session, person, news.channel, address, reason=news.reason.value, at=at):
            return False
        audit.append(session, at=at, actor=CODE, action=action, lender=lender, loan_id=loan_id, details=details)
    return True


def _take_as_sent(session: Session, order: ContactOrder, report: ContactReported, entry: int, at: datetime) -> bool:
    """In the hand-over whose run it was: the next one has steps of the same names."""
    loan, person = contacts.lock_person(session, order.lender, order.loan_id)
    if contacts.find(session, loan, order.step, order.occurrence, entry=entry) is not None:
        return False
    assert report.channel is not None
    taken = contacts.reserve(
        session,
        loan,
        person,
        step=order.step,
        occurrence=order.occurrence,
        purpose=order.purpose,
        channel=report.channel,
        template=order.template,
        at=at,
        address=people.known_address(person, report.channel),
        entry=entry,
    )
    contacts.advance(session, taken.contact, ContactState.UNKNOWN, at=at, error_code=CODE)
    return True
