"""`doctor` on whether the records and Temporal agree: which loans and campaigns are in collection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from commands.doctor_findings import Finding, Mend, about
from domain.ledger_entries import LoanEnd
from domain.loans import workflow_id
from records import loans
from records.database import Database
from records.tables import Campaign, CampaignState, Loan, LoanState
from workflows.campaign_messages import campaign_workflow_id
from workflows.search_attributes import STAGE

_GRACE = timedelta(minutes=2)
"""Starting a loan and noting it are two things."""
_RUNNING = WorkflowExecutionStatus.RUNNING
_MOST_DESCRIBED = 500


async def look_at_campaigns(client: Client, database: Database, restart: Callable[[list[str]], Mend]) -> list[Finding]:
    """Campaigns that are not finished and that nothing carries."""

    def unfinished() -> list[str]:
        with database.reading() as session:
            states = (CampaignState.RUNNING, CampaignState.PAUSED)
            rows = session.exec(select(Campaign).where(col(Campaign.state).in_(states))).all()
            return [row.id for row in rows if row.created_at < datetime.now(UTC) - _GRACE]

    lost = [
        campaign
        for campaign in await asyncio.to_thread(unfinished)
        if await _status(client, campaign_workflow_id(campaign)) is not _RUNNING
    ]
    return about(
        "campaigns_not_running",
        "{n} campaigns are not finished and no workflow carries them",
        "their waiting loans are not started, and pause or stop cannot reach their loans",
        "starter.py doctor --mend   (starts them where they stood)",
        lost,
        restart(lost),
    )


async def look_at_loans(
    client: Client, database: Database, server_now: datetime, restart: Callable[[list[str]], Mend]
) -> list[Finding]:
    """Loans that the records say are in collection and no workflow carries, and the reverse."""
    running: dict[str, WorkflowExecution] = {}
    async for run in client.list_workflows("WorkflowType='LoanCollection' AND ExecutionStatus='Running'"):
        running[run.id] = run
    known = await asyncio.to_thread(_in_collection, database)
    suspects = [known[id] for id in known.keys() - running.keys()]
    missing: list[str] = []
    closed: list[str] = []
    for lender, loan_id in sorted(suspects)[:_MOST_DESCRIBED]:
        status = await _status(client, workflow_id(lender, loan_id))
        if status is _RUNNING or not await asyncio.to_thread(_still, database, lender, loan_id):
            continue
        (missing if status is None else closed).append(workflow_id(lender, loan_id))
    stray = [
        id
        for id in running.keys() - known.keys()
        if running[id].start_time < server_now - _GRACE
        and running[id].typed_search_attributes.get(STAGE) not in set(LoanEnd)
    ]
    found = about(
        "loans_without_workflow",
        "{n} loans are in collection by the records and Temporal knows no workflow of them",
        "nobody reminds, watches or listens; a lost or restored Temporal database leaves loans so",
        "starter.py doctor --mend   (starts them from the records; no step that was sent comes again)",
        missing,
        restart(missing),
    )
    found += about(
        "loans_closed_in_temporal",
        "{n} loans are in collection by the records and their workflow is closed",
        "it was terminated or failed, or the records were restored from before its end; nobody collects them now",
        f"temporal workflow reset --workflow-id {(closed or ['ID'])[0]} --type LastWorkflowTask --reason doctor",
        closed,
    )
    return found + about(
        "workflows_without_loan",
        "{n} loan workflows run and the records do not have their loan in collection",
        "the records were restored from before their start, or another database is configured than the workers'",
        "compare RECOBRO_DATABASE_URL here and at the workers; restore the newest backup; else temporal workflow "
        f"terminate --workflow-id {(sorted(stray) or ['ID'])[0]}",
        sorted(stray),
    )


def _in_collection(database: Database) -> dict[str, tuple[str, str]]:
    with database.reading() as session:
        return {
            workflow_id(lender, loan_id): (lender, loan_id)
            for lender, loan_id in session.exec(
                select(Loan.lender, Loan.loan_id).where(Loan.state == LoanState.IN_COLLECTION)
            )
        }


def _still(database: Database, lender: str, loan_id: str) -> bool:
    """A loan may have ended while we looked."""
    with database.reading() as session:
        loan = loans.find(session, lender, loan_id)
        return loan is not None and loan.state is LoanState.IN_COLLECTION


async def _status(client: Client, id: str) -> WorkflowExecutionStatus | None:
    """None: there is no such workflow."""
    try:
        return (await client.get_workflow_handle(id).describe()).status
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
