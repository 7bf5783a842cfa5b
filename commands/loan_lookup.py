"""Finding the loan an operator means, and what it knows of itself now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.configuration import place
from commands.console import Refused, did_you_mean

if TYPE_CHECKING:
    from sqlmodel import Session
    from temporalio.client import Client, WorkflowHandle

    from domain.loan_state import LoanState
    from records.database import Database
    from records.tables import Loan

LoanArgument = Annotated[str, typer.Argument(metavar="LOAN", help="The lender's loan id.")]
LenderOption = Annotated[
    str | None, typer.Option(help="The lender's key. Needed only where two lenders use the same loan id.")
]

_IDS_LOOKED_AT = 5000


def find_loan(session: Session, loan_id: str, lender: str | None) -> Loan:
    """The loan of that id. Raises Refused: unknown (with what may be meant), or with several lenders."""
    from sqlmodel import col, select

    from records.tables import Loan

    found = session.exec(select(Loan).where(Loan.loan_id == loan_id)).all()
    if lender is not None:
        found = [loan for loan in found if loan.lender == lender]
    if len(found) > 1:
        raise Refused(f"loan {loan_id!r} is known of {', '.join(loan.lender for loan in found)}: say which by --lender")
    if found:
        return found[0]
    query = select(Loan.loan_id).order_by(col(Loan.id).desc()).limit(_IDS_LOOKED_AT)
    if lender is not None:
        query = query.where(Loan.lender == lender)
    known = session.exec(query).all()
    whose = f" of lender {lender!r}" if lender else ""
    if not known:
        raise Refused(
            f"no loan {loan_id!r}{whose}: no loan was handed over yet (`campaign start FILE`) to {place(session)}"
        )
    raise Refused(f"no loan {loan_id!r}{whose}{did_you_mean(loan_id, known)}")


@dataclass(frozen=True)
class Known:
    """A loan's own state at `at`. `source`: running, ended, or waiting (then as it would enter now)."""

    state: LoanState
    at: datetime
    source: str
    watching_balance: bool = False
    next_try_at: datetime | None = None
    """When a message that waits for its lawful slot is tried again, by Temporal."""


async def what_it_knows(client: Client | None, database: Database, loan: Loan) -> Known:
    """Ask the running workflow; else the records. Raises Refused, NoTemporal."""
    from commands.temporal_session import NotRunning, ask
    from domain.entering import enter
    from records import facts
    from records.tables import LoanState as Place
    from workflows.messages import LoanView

    now = datetime.now(UTC)
    if loan.state is Place.IN_COLLECTION and client is not None:
        handle = loan_handle(client, loan)
        try:
            view = await ask(handle, "view", LoanView)
        except NotRunning:
            raise Refused(
                f"loan {loan.loan_id!r} is in collection by the records, but Temporal has no workflow {handle.id}"
            ) from None
        at = max(now, view.at)
        return Known(view.state, at, "running", view.watching_balance, await _next_try(handle))
    if loan.state is Place.ENDED and loan.final_state is None:
        raise Refused(f"loan {loan.loan_id!r} has ended as {loan.end_kind}; how it stood then was not kept")
    with database.reading() as session:
        if loan.state is Place.ENDED:
            return Known(facts.final_state(session, loan.lender, loan.loan_id, now), now, "ended")
        entered = facts.as_entered(session, loan.lender, loan.loan_id, now)
    return Known(enter(entered.facts, entered.strategy, now), now, "waiting")


def loan_handle(client: Client, loan: Loan) -> WorkflowHandle[Any, Any]:
    from domain.loans import workflow_id

    return client.get_workflow_handle(workflow_id(loan.lender, loan.loan_id))


async def _next_try(handle: WorkflowHandle[Any, Any]) -> datetime | None:
    description = await handle.describe()
    for pending in description.raw_description.pending_activities:
        if pending.activity_type.name == "contact" and pending.HasField("next_attempt_schedule_time"):
            at = pending.next_attempt_schedule_time.ToDatetime(UTC)
            return at if at.timestamp() > 0 else None
    return None
