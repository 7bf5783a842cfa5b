"""A campaign's workflow: start it, tell it, ask it."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

from sqlmodel import Session
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from commands.campaign_entry import Held
from commands.console import Refused
from commands.doctor_findings import SHOWN
from commands.temporal_session import NotRunning, ask, tell
from records import audit, campaigns
from records.database import Database
from records.tables import CampaignState
from workflows.campaign import Campaign
from workflows.campaign_messages import CampaignInput, CampaignProgress, campaign_workflow_id

_STARTED = "campaign_started"


async def runs(client: Client, campaign_id: str) -> bool:
    """Whether the campaign's workflow runs now."""
    try:
        found = await client.get_workflow_handle(campaign_workflow_id(campaign_id)).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return found.status is WorkflowExecutionStatus.RUNNING


async def start(
    client: Client,
    task_queue: str,
    held: Held,
    rate: float,
    *,
    strategy: str,
    reuse: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE,
) -> None:
    """Start the campaign's workflow; one that runs goes on undisturbed.

    Raises temporalio.exceptions.WorkflowAlreadyStartedError when it ran and `reuse` does not let it start again.
    """
    await client.start_workflow(
        Campaign.run,
        CampaignInput(
            campaign_id=held.campaign_id,
            rate_per_second=rate,
            started=held.started,
            paused=held.state is CampaignState.PAUSED,
            # Loans know instructions by number: those of a later run must not look like an earlier run's.
            instructions=int(datetime.now(UTC).timestamp()),
        ),
        id=campaign_workflow_id(held.campaign_id),
        task_queue=task_queue,
        id_reuse_policy=reuse,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"{held.campaign_id} · {held.held} loans · {strategy}",
    )


def note_rate(database: Database, campaign_id: str, lender: str, rate: float) -> None:
    """Loans a second, in the audit trail: the workflow that knows it may be lost."""
    with database.writing() as session:
        audit.append(
            session,
            at=datetime.now(UTC),
            actor=f"operator {getpass.getuser()}",
            action=_STARTED,
            lender=lender,
            details={"campaign_id": campaign_id, "rate": rate},
        )


def noted_rate(session: Session, campaign_id: str) -> float | None:
    """Loans a second, as it was started with the last time; None where that was not noted."""
    noted = [line.details for line in audit.of_action(session, _STARTED)]
    rates = [each.get("rate") for each in noted if each.get("campaign_id") == campaign_id]
    return float(rates[-1]) if rates and isinstance(rates[-1], int | float) else None


async def instruct(client: Client, database: Database, campaign_id: str, update: str, *arguments: object) -> str:
    """Tell the campaign, which tells all its loans. Raises Refused."""
    try:
        return await tell(client.get_workflow_handle(campaign_workflow_id(campaign_id)), update, *arguments)
    except NotRunning:
        with database.reading() as session:
            left = [loan_id for _, loan_id in campaigns.started_loans(session, campaign_id)]
        told = f"campaign {campaign_id!r} does not run: it has ended, or `campaign start` with its file starts it again"
        if left:
            named = ", ".join(left[:SHOWN]) + (" ..." if len(left) > SHOWN else "")
            told += (
                f". {len(left):,} of its loans are in collection, as one is whose payment was taken back: "
                f"`loan pause LOAN` or `loan close LOAN` holds or ends each: {named}"
            )
        raise Refused(told) from None


async def progress(client: Client, campaign_id: str) -> CampaignProgress | None:
    """What the running workflow says of itself; None when it does not run."""
    if not await runs(client, campaign_id):
        return None
    handle = client.get_workflow_handle(campaign_workflow_id(campaign_id))
    try:
        return await ask(handle, "progress", CampaignProgress)
    except NotRunning:
        return None
