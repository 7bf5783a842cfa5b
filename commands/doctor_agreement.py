"""`doctor` on whether the records and Temporal agree: which loans and campaigns are in collection."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from commands.doctor_findings import Finding, Mend, about
from commands.temporal_session import where
from domain.agreements.model import LIVE, AgreementState
from domain.ledger_entries import LoanEnd
from domain.loans import workflow_id
from records import campaigns, loans
from records.database import Database
from records.tables import Agreement, Campaign, CampaignState, CaseState, CollectionCase, Loan, LoanState
from workflows.campaign_messages import campaign_workflow_id
from workflows.search_attributes import STAGE

_GRACE = timedelta(minutes=2)
"""Starting a loan and noting it are two things."""
_RUNNING = WorkflowExecutionStatus.RUNNING
_COMPLETED = WorkflowExecutionStatus.COMPLETED
_MOST_DESCRIBED = 500


async def look_at_campaigns(client: Client, database: Database, restart: Callable[[list[str]], Mend]) -> list[Finding]:
    """Campaigns that are not finished, or stopped before their loans were, and that nothing carries."""

    def unfinished() -> list[str]:
        with database.reading() as session:
            states = (CampaignState.RUNNING, CampaignState.PAUSED)
            rows = session.exec(select(Campaign).where(col(Campaign.state).in_(states))).all()
            return [row.id for row in rows if row.created_at < datetime.now(UTC) - _GRACE]

    def left_by_a_stop() -> dict[str, list[str]]:
        """Loans in collection by their stopped campaign, without those that came back since."""
        left: dict[str, list[str]] = defaultdict(list)
        with database.reading() as session:
            found = session.exec(
                select(Campaign, Loan)
                .join(Loan, col(Loan.campaign_id) == col(Campaign.id))
                .where(Campaign.state == CampaignState.STOPPED, Loan.state == LoanState.IN_COLLECTION)
                .order_by(col(Loan.id))
            )
            for campaign, loan in found:
                if not campaigns.came_back_since_stop(session, campaign, loan):
                    left[campaign.id].append(loan.loan_id)
        return left

    async def without_workflow(campaign_ids: Iterable[str]) -> dict[str, WorkflowExecutionStatus | None]:
        statuses = {one: await _status(client, campaign_workflow_id(one)) for one in campaign_ids}
        return {one: status for one, status in statuses.items() if status is not _RUNNING}

    not_carried = await without_workflow(await asyncio.to_thread(unfinished))
    # Looked at again: one may have come to its end while we looked.
    unfinished_still = set(await asyncio.to_thread(unfinished)) if not_carried else set()
    ended = [one for one, status in not_carried.items() if status is _COMPLETED and one in unfinished_still]
    lost = [one for one, status in not_carried.items() if status is not _COMPLETED and one in unfinished_still]
    stopped = await asyncio.to_thread(left_by_a_stop)
    told = [one for one in stopped if not await _tells_its_loans(client, one)]
    # Looked at again: a loan that was told last may have been closed since.
    left = await asyncio.to_thread(left_by_a_stop) if told else {}
    found = about(
        "campaigns_half_stopped",
        "{n} loans are in collection although their campaign was stopped",
        "they did not answer, or its workflow was lost before it had closed every loan: people are contacted whom the "
        "lender took back",
        "starter.py campaign stop CAMPAIGN   (once more, where it still runs; it closes those, too, that came back "
        "since), or starter.py loan close LOAN --reason recalled   (each; with --lost where Temporal knows no workflow "
        "of it; of a campaign that 0.1.0 stopped first see in `loan show LOAN` that it did not come back since)",
        [loan_id for campaign_id in told for loan_id in left.get(campaign_id, ())],
    )
    found += about(
        "campaigns_ended_in_temporal",
        "{n} campaigns are not finished by the records and their workflow came to its end",
        "a campaign ends when it is stopped, or when its last loan has ended: the records were restored from before "
        "that, and started again it would collect loans that the lender took back",
        "starter.py database catch-up   (with the workers stopped, as after a restore; where Temporal has no history "
        "of it any more ask whether it was stopped: if it was, leave it, and starter.py loan close LOAN --reason "
        "recalled ends those in collection; else starter.py campaign start FILE --id CAMPAIGN)",
        ended,
    )
    return found + about(
        "campaigns_not_running",
        "{n} campaigns are not finished and no workflow carries them",
        "their waiting loans are not started, and pause or stop cannot reach their loans",
        "starter.py doctor --mend   (starts them where they stood)",
        lost,
        restart(lost),
    )


async def look_at_loans(
    client: Client, database: Database, server_now: datetime, restart: Callable[[list[tuple[str, str]]], Mend]
) -> list[Finding]:
    """Loans that the records say are in collection and no workflow carries, and the reverse."""
    running: dict[str, WorkflowExecution] = {}
    async for run in client.list_workflows("WorkflowType='LoanCollection' AND ExecutionStatus='Running'"):
        running[run.id] = run
    known = await asyncio.to_thread(_in_collection, database)
    suspects = sorted(known[id] for id in known.keys() - running.keys())
    missing: list[tuple[str, str]] = []
    closed: list[str] = []
    looked_at = 0
    for _, lender, loan_id in suspects:
        # Closed ones do not count: `--mend` cannot take them out of the way of the others.
        if len(missing) == _MOST_DESCRIBED:
            break
        looked_at += 1
        status = await _status(client, workflow_id(lender, loan_id))
        if status is _RUNNING or not await asyncio.to_thread(_still, database, lender, loan_id):
            continue
        if status is None:
            missing.append((lender, loan_id))
        else:
            closed.append(workflow_id(lender, loan_id))
    beyond = len(suspects) - looked_at
    more = f" ({beyond:,} more do not run and were not looked at: mend these, then look again)" if beyond else ""
    stray = [
        id
        for id in running.keys() - known.keys()
        if running[id].start_time < server_now - _GRACE
        and running[id].typed_search_attributes.get(STAGE) not in set(LoanEnd)
    ]
    found = about(
        "loans_without_workflow",
        f"{{n}} loans are in collection by the records and Temporal at {where(client)} knows no workflow of them{more}",
        "nobody reminds, watches or listens; a lost or restored Temporal database leaves loans so",
        "starter.py doctor --mend   (starts them from the records; no step that was sent comes again)",
        (workflow_id(*loan) for loan in missing),
        restart(missing),
    )
    found += about(
        "loans_closed_in_temporal",
        "{n} loans are in collection by the records and their workflow is closed" + more,
        "it was terminated or failed, or the records were restored from before its end; nobody collects them now",
        f"temporal workflow reset --workflow-id {(closed or ['ID'])[0]} --type LastWorkflowTask --reason doctor   "
        "(after a restore first starter.py database catch-up; where a reset ends the same way: temporal workflow "
        "delete, then starter.py doctor --mend)",
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


def _in_collection(database: Database) -> dict[str, tuple[bool, str, str]]:
    """By workflow id: whether a lost one is left to a person, lender and loan id.

    Those left come last: however many they are, they must not keep the others from being looked at.
    """
    with database.reading() as session:
        waiting = set(session.exec(select(CollectionCase.loan_ref).where(CollectionCase.state == CaseState.OPEN)))
        standing = col(Agreement.state).in_((*LIVE, AgreementState.PROPOSED))
        agreed = set(session.exec(select(Agreement.loan_ref).where(standing)))
        stopped = set(session.exec(select(Campaign.id).where(Campaign.state == CampaignState.STOPPED)))
        collected = select(Loan.id, Loan.lender, Loan.loan_id, Loan.campaign_id)
        return {
            workflow_id(lender, loan_id): (ref in waiting or ref in agreed or campaign in stopped, lender, loan_id)
            for ref, lender, loan_id, campaign in session.exec(collected.where(Loan.state == LoanState.IN_COLLECTION))
        }


def _still(database: Database, lender: str, loan_id: str) -> bool:
    """A loan may have ended while we looked."""
    with database.reading() as session:
        loan = loans.find(session, lender, loan_id)
        return loan is not None and loan.state is LoanState.IN_COLLECTION


async def _tells_its_loans(client: Client, campaign_id: str) -> bool:
    """Whether its workflow has something under way; one that only waits for its loans to end has not."""
    try:
        found = await client.get_workflow_handle(campaign_workflow_id(campaign_id)).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    raw = found.raw_description
    under_way = {each.activity_type.name for each in raw.pending_activities} - {"await_ends"}
    return found.status is _RUNNING and (bool(under_way) or raw.HasField("pending_workflow_task"))


async def _status(client: Client, id: str) -> WorkflowExecutionStatus | None:
    """None: there is no such workflow."""
    try:
        return (await client.get_workflow_handle(id).describe()).status
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
