"""Records restored from a backup, brought up to what Temporal knows: what a loan wrote stands in its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from activities.ledger import LedgerWriter
from activities.orders import ContactOrder, LedgerOrder
from domain.events import ContactOutcome, ContactReported
from records import contacts
from records.database import Database
from records.loans import UnknownLoan
from records.tables import ContactState
from workflows.starting import ENTRY

CODE = "restored"
"""The error code of contacts that are known from Temporal alone: who was written to, not what became of it."""


@dataclass
class CaughtUp:
    """`entries` and `contacts` that the records lacked; `unknown` are loans that came after the backup."""

    loans: int = 0
    entries: int = 0
    contacts: int = 0
    unknown: tuple[str, ...] = ()


async def catch_up(client: Client, database: Database, ledger: LedgerWriter) -> CaughtUp:
    """Write again, each once by its number, what finished activities of every loan in Temporal wrote.

    Nothing is sent. A contact of which the records know nothing is taken as sent: it counts for the person's limits
    and is not made again.
    """
    done = CaughtUp()
    runs = [run async for run in client.list_workflows('WorkflowType="LoanCollection"')]
    seen: set[str] = set()
    for run in sorted(runs, key=lambda one: one.start_time):
        history = client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history_events()
        scheduled: dict[int, HistoryEvent] = {}
        try:
            entry = await run.memo_value(ENTRY, 1, type_hint=int)
            async for event in history:
                if event.HasField("activity_task_scheduled_event_attributes"):
                    scheduled[event.event_id] = event
                elif event.HasField("activity_task_completed_event_attributes"):
                    begun = scheduled.get(event.activity_task_completed_event_attributes.scheduled_event_id)
                    if begun is not None:
                        await _again(client, database, ledger, begun, event, entry, done)
        except UnknownLoan:
            done.unknown = (*done.unknown, run.id)
        seen.add(run.id)
    done.loans = len(seen)
    return done


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
            done.entries += ledger.keep(order)
        case "contact":
            [contact] = await client.data_converter.decode(list(asked.input.payloads), [ContactOrder])
            result = completed.activity_task_completed_event_attributes.result.payloads
            [report] = await client.data_converter.decode(list(result), [ContactReported])
            at = completed.event_time.ToDatetime(tzinfo=UTC)
            if report.outcome is ContactOutcome.SENT and report.channel is not None:
                with database.writing() as session:
                    done.contacts += _take_as_sent(session, contact, report, entry, at)


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
        entry=entry,
    )
    contacts.advance(session, taken.contact, ContactState.UNKNOWN, at=at, error_code=CODE)
    return True
