"""Loans whose workflow is gone with Temporal's store: what a person orders of them is done in the records."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
from sqlmodel import Session
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.case_notices import CaseNotices
from activities.composition import connect_gateways
from activities.ledger import LedgerWriter
from activities.links import LinkIssuer, note_not_closed
from activities.orders import LedgerOrder
from commands.console import Refused, agree
from commands.loan_lookup import loan_handle
from commands.temporal_session import where
from config.settings import Settings
from domain.agreements.judging import judge
from domain.agreements.model import AgreementState
from domain.collection import apply
from domain.entering_again import Counted, enter_again
from domain.events.control import Close, CloseReason
from domain.ledger_entries import CaseKind
from domain.loan_snapshot import snapshot
from domain.loan_state import LoanState
from domain.payments import end_when_nothing_is_due
from providers.errors import ProviderError
from records import agreements, audit, cases, facts, loans, lost_workflows, next_payment
from records.database import Database
from records.facts import LoanAsEntered
from records.tables import CaseState, Loan
from records.tables import LoanState as Place
from workflows.loan_control import known_payments
from workflows.messages import read_signal

_KNOWN = (
    "refused: Temporal knows a workflow of loan {loan_id!r}: leave --lost out; if it does not run, `doctor` says what "
    "helps"
)
_MONEY_IN_HAND = frozenset({CaseKind.REFUND, CaseKind.PAYMENT_QUERY})
"""What such a case is about is there after the loan's end, too."""


async def is_lost(client: Client, loan: Loan) -> bool:
    """Whether Temporal knows no workflow of the loan at all: neither one that runs nor one that is closed.

    Raises Refused where the namespace does not exist: of a loan that is looked for there nothing is known.
    """
    try:
        await loan_handle(client, loan).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    else:
        return False
    try:
        # A namespace that does not exist answers as one that lost the loan, but it can count nothing.
        await client.count_workflows("WorkflowType='LoanCollection'")
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise Refused(
                f"refused: Temporal at {where(client)} has no such namespace: see TEMPORAL_NAMESPACE"
            ) from None
        raise
    return True


async def check_lost(client: Client, loan: Loan, yes: bool) -> None:
    """Ask whether this is the Temporal of the workers, unless `yes`.

    Raises Refused where Temporal knows a workflow of the loan: that is to be asked, or mended.
    """
    if not await is_lost(client, loan):
        raise Refused(_KNOWN.format(loan_id=loan.loan_id))
    question = f"Temporal at {where(client)} knows no workflow of loan {loan.loan_id!r}. Is it that of the workers?"
    await asyncio.to_thread(agree, question, yes)


async def end_in_records(
    client: Client, settings: Settings, database: Database, loan: Loan, reason: CloseReason
) -> str:
    """End the collection of a loan in collection whose workflow is lost, as its workflow would have.

    Its payments are counted first: one that nothing is due of ends as cured, or as settled. What was agreed on is
    kept where all of it was paid, else void; cases are closed but those about money, payment links are closed at
    their gateways. Raises Refused.
    """
    loop = asyncio.get_running_loop()

    def still_lost() -> bool:
        return asyncio.run_coroutine_threadsafe(is_lost(client, loan), loop).result()

    end = await asyncio.to_thread(_end, database, loan, reason, still_lost)
    async with httpx.AsyncClient(timeout=30) as http:
        links = LinkIssuer(database, connect_gateways(settings, http, database))
        now = datetime.now(UTC)
        try:
            await links.close_all(loan.lender, loan.loan_id, now)
        except ProviderError as error:
            await asyncio.to_thread(note_not_closed, database, loan.lender, loan.loan_id, error, now)
            return f"ended in the records as {end}; its payment link is still open ({error}): close it at the gateway"
    return f"ended in the records as {end}"


def _end(database: Database, loan: Loan, reason: CloseReason, still_lost: Callable[[], bool]) -> str:
    now = datetime.now(UTC)
    quiet = LedgerWriter(database, LinkIssuer(database, None), CaseNotices(None, httpx.AsyncClient()))
    with database.writing(durable=True) as session:
        lost_workflows.one_at_a_time(session, loan.lender, loan.loan_id)
        row = loans.get(session, loan.lender, loan.loan_id)
        if row.state is not Place.IN_COLLECTION:
            raise Refused(f"refused: loan {loan.loan_id!r} is not in collection")
        if not still_lost():
            # `doctor --mend` started it while this waited.
            raise Refused(_KNOWN.format(loan_id=loan.loan_id))
        entered = facts.as_entered(session, loan.lender, loan.loan_id, now)
        counted = lost_workflows.counted(session, row)
        state = _as_paid(session, row, entered, counted, now) or _as_told(entered, counted, now)
        if state.end is None:
            state, _ = apply(state, Close(reason=reason), now)
        waiting = [case for case in cases.of_loan(session, row) if case.state is CaseState.OPEN]
        quiet.keep_in(
            session,
            LedgerOrder(
                lender=loan.lender,
                loan_id=loan.loan_id,
                entry=row.entry,
                entries=state.outbox,
                first_entry=counted.entries,
                final_state=snapshot(state),
            ),
        )
        agreements.void(session, row, at=now)
        for case in waiting:
            if case.kind not in _MONEY_IN_HAND and cases.number_of(row, case.case_id) is not None:
                cases.close(session, case.case_id, CaseState.CLOSED, at=now)
        _note(session, row, reason, now)
    return str(state.end)


def _as_paid(session: Session, loan: Loan, entered: LoanAsEntered, counted: Counted, now: datetime) -> LoanState | None:
    """The loan with what is agreed on, where all of that was paid in time; None where nothing is, or it was not."""
    row = agreements.in_force(session, loan)
    if row is None:
        return None
    before, since = next_payment.payments_around(session, loan, row)
    agreement = agreements.as_made(session, row).model_copy(update={"payments_before": len(before)})
    entering = enter_again(entered.facts, entered.strategy, now, counted)
    state = entering.model_copy(
        update={
            "payments": (*before, *since),
            "agreements": (agreement,),
            "agreements_before": counted.agreements - 1,
        }
    )
    state = end_when_nothing_is_due(judge(state, now), now)
    fulfilled = (AgreementState.KEPT, AgreementState.COMPLETED)
    return state if state.agreements[0].state in fulfilled else None


def _as_told(entered: LoanAsEntered, counted: Counted, now: datetime) -> LoanState:
    """The loan after all that was paid."""
    state = enter_again(entered.facts, entered.strategy, now, counted)
    for signal in known_payments(entered):
        event = read_signal(signal.name, signal.payload)
        if not isinstance(event, str):
            state, _ = apply(state, event, now)
    return state


def _note(session: Session, loan: Loan, reason: CloseReason, now: datetime) -> None:
    audit.append(
        session,
        at=now,
        actor=f"operator {getpass.getuser()}",
        action="loan_ended_without_workflow",
        lender=loan.lender,
        loan_id=loan.loan_id,
        details={"reason": reason.value},
    )
