"""What `doctor --mend` does by itself: only what can do no harm where the finding was wrong."""

from __future__ import annotations

import asyncio
import getpass
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
from sqlmodel import Session, col, select
from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.composition import connect_outside
from activities.contacts import LOOK_UP_SLACK, NOT_ARRIVED_AFTER
from commands import campaign_control
from commands.campaign_entry import Held
from commands.doctor_findings import Mend
from config.settings import Settings
from domain.ledger_entries import CaseState
from providers.errors import ProviderError
from providers.ports import OutgoingMessage
from records import audit, campaigns, contacts, facts, loans
from records.database import Database
from records.tables import CollectionCase, Contact, ContactState, LoanWrite
from web.relaying import relay_now
from workflows.loan_control import known_payments
from workflows.starting import start_loan

_SENT_WITHIN = timedelta(minutes=15)
_RATE = 50.0


class Mends:
    """The safe mends, on one database and one Temporal client (None: it does not answer)."""

    def __init__(self, database: Database, settings: Settings, client: Client | None) -> None:
        self._database = database
        self._settings = settings
        self._client = client

    async def relay(self) -> str:
        """Bring stored webhooks to their loans now."""
        left, done = await relay_now(self._database, self._settings)
        return f"{done:,} webhooks are with their loans now" + (f", {left:,} are still waiting" if left else "")

    async def look_up_contacts(self) -> str:
        """Ask the carriers for contacts of unknown fate; what cannot be asked stays as it is."""
        told: Counter[str] = Counter()
        async with httpx.AsyncClient(timeout=30) as http:
            messengers = connect_outside(self._settings, http).messengers
            for contact_id, message, begun in await asyncio.to_thread(self._open_contacts):
                messenger = messengers.get(message.channel)
                if messenger is None or not messenger.can_look_up:
                    told[f"cannot be looked up ({message.channel})"] += 1
                    continue
                now = datetime.now(UTC)
                try:
                    sent = await messenger.look_up(message, begun - LOOK_UP_SLACK, now)
                except ProviderError as error:
                    told[f"not answered ({error.provider} {error.code})"] += 1
                    continue
                if sent is None and now < begun + NOT_ARRIVED_AFTER:
                    told["too young to tell"] += 1
                    continue
                advance = partial(contacts.advance, at=now)
                if sent is not None:
                    advance = partial(advance, provider=sent.provider, provider_message_id=sent.provider_message_id)
                state = ContactState.SENT if sent is not None else ContactState.FAILED
                await asyncio.to_thread(self._settle, contact_id, state, advance)
                told["sent" if sent is not None else "never reached the carrier"] += 1
        return ", ".join(f"{number:,} {words}" for words, number in told.items()) or "nothing is open any more"

    def restart_campaigns(self, campaign_ids: list[str]) -> Mend:
        return partial(self._restart_campaigns, campaign_ids)

    def restart_loans(self, workflow_ids: list[str]) -> Mend:
        return partial(self._restart_loans, workflow_ids)

    async def _restart_campaigns(self, campaign_ids: list[str]) -> str:
        assert self._client is not None
        for campaign_id in campaign_ids:
            with self._database.reading() as session:
                campaign, progress = campaigns.get(session, campaign_id), campaigns.progress(session, campaign_id)
                open_loans = progress.started - sum(progress.ends.values())
                held = Held(
                    campaign_id,
                    campaign.state,
                    True,
                    progress.total,
                    progress.waiting,
                    progress.started,
                    open_loans,
                    (),
                )
                strategy, lender = campaign.strategy_key, campaign.lender
            with self._database.writing() as session:
                _note(session, "campaign_restarted", lender, None, {"campaign_id": campaign_id})
            await campaign_control.start(self._client, self._settings.task_queue, held, _RATE, strategy=strategy)
        return f"{len(campaign_ids):,} campaigns go on"

    async def _restart_loans(self, workflow_ids: list[str]) -> str:
        """From the records, at the step their days past due call for; one with an open case is left to a person."""
        assert self._client is not None
        started, left = 0, []
        for workflow_id in workflow_ids:
            _, lender, loan_id = workflow_id.split("-", 2)
            now = datetime.now(UTC)
            with self._database.reading() as session:
                if _open_cases(session, lender, loan_id):
                    left.append(loan_id)
                    continue
                loan = facts.as_entered(session, lender, loan_id, now)
                written = _entries_written(session, lender, loan_id)
            try:
                await start_loan(
                    self._client,
                    self._settings.task_queue,
                    loan.facts,
                    loan.strategy,
                    known_payments(loan),
                    now,
                    entries_written=written,
                )
            except WorkflowAlreadyStartedError:
                continue
            with self._database.writing() as session:
                _note(session, "loan_restarted", lender, loan_id, {"entries_written": written})
            started += 1
        told = f"{started:,} loans go on from the records"
        return f"{told}; left to a person, for their open cases: {', '.join(left)}" if left else told

    def _open_contacts(self) -> list[tuple[int, OutgoingMessage, datetime]]:
        found = []
        with self._database.reading() as session:
            open_states = (ContactState.SENDING, ContactState.UNKNOWN)
            rows = session.exec(select(Contact).where(col(Contact.state).in_(open_states))).all()
            for row in rows:
                fresh = row.state is ContactState.SENDING and row.changed_at > datetime.now(UTC) - _SENT_WITHIN
                if fresh or row.id is None or row.address is None:
                    continue
                loan = contacts.loan_of(session, row)
                message = OutgoingMessage(
                    message_id=row.message_id,
                    channel=row.channel,
                    to=row.address,
                    subject=None,
                    text=row.text or "",
                    html=None,
                    valid_until=row.valid_until,
                    loan_id=loan.loan_id,
                    lender=loan.lender,
                    at=row.reserved_at,
                )
                found.append((row.id, message, row.reserved_at))
        return found

    def _settle(self, contact_id: int, state: ContactState, advance: partial[bool]) -> None:
        with self._database.writing() as session:
            contact = contacts.get(session, contact_id)
            loan = contacts.loan_of(session, contact)
            if advance(session, contact, state):
                details = {"step": contact.step, "occurrence": contact.occurrence, "state": state.value}
                _note(session, "contact_looked_up", loan.lender, loan.loan_id, details)


def _note(session: Session, action: str, lender: str, loan_id: str | None, details: dict[str, object]) -> None:
    audit.append(
        session,
        at=datetime.now(UTC),
        actor=f"operator {getpass.getuser()}, doctor",
        action=action,
        lender=lender,
        loan_id=loan_id,
        details=details,
    )


def _open_cases(session: Session, lender: str, loan_id: str) -> bool:
    loan = loans.get(session, lender, loan_id)
    query = select(CollectionCase.case_id).where(
        CollectionCase.loan_ref == loan.id, CollectionCase.state == CaseState.OPEN
    )
    return session.exec(query).first() is not None


def _entries_written(session: Session, lender: str, loan_id: str) -> int:
    """The number after the last ledger entry of this hand-over: a new run must not use an old one's numbers."""
    loan = loans.get(session, lender, loan_id)
    begins = f"{loan.entry}:entry:{loan.entry}:"
    keys = session.exec(
        select(LoanWrite.key).where(LoanWrite.loan_ref == loan.id, col(LoanWrite.key).startswith(begins))
    ).all()
    return max((int(key.removeprefix(begins)) + 1 for key in keys), default=0)
