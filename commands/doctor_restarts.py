"""What `doctor --mend` starts again: campaigns and loans that the records know and no workflow carries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlmodel import Session
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from commands import campaign_control
from commands.campaign_entry import Held
from commands.doctor_findings import note
from domain.agreements.model import LIVE, AgreementState
from domain.direct_debit import DebitState, no_longer_awaited_from
from domain.entering_again import Counted
from records import agreements, campaigns, cases, debits, facts, loans, lost_workflows
from records.database import Database
from records.facts import LoanAsEntered
from records.tables import Campaign, CampaignState, CaseState, Debit, Loan, LoanState
from workflows.campaign import FOR_EVER
from workflows.loan_control import known_before
from workflows.starting import start_loan

USUAL_RATE = 50.0
"""Loans a second, of a campaign whose own rate was not noted: what `campaign start` takes by itself."""


class Left(StrEnum):
    """Why a lost loan is left to a person, and what they can do."""

    CASE = (
        "for their open cases, see `case list`: "
        "starter.py case decide CASE --decision continue --by YOU --lost, then mend again"
    )
    AGREEMENT = (
        "for what was agreed on, of which the records do not hold all a loan needs: starter.py loan close LOAN "
        "--reason recalled --lost ends one of which all was paid as cured or settled; hand the others over again then "
        "and agree on it again (docs/operations.md)"
    )
    STOPPED = "for their campaign was stopped: starter.py loan close LOAN --reason recalled --lost"
    DEBIT = (
        "for a direct debit of theirs is with the bank or goes there next, and nobody is to be asked meanwhile, see "
        "`debit list`: mend again once its fate is known"
    )
    UNREADABLE = "for something the records hold of them cannot be read: starter.py audit list --loan LOAN"


@dataclass(frozen=True)
class _Ready:
    entered: LoanAsEntered
    counted: Counted
    paused_campaign: str | None
    kept_back: list[Debit]
    """Debits that may not go to the bank while the loan is paused."""


_UNREADABLE = (LookupError, TypeError, ValueError)
"""What the rules, and what reads the records, raise on something nobody foresaw there."""


async def restart_campaigns(client: Client, database: Database, task_queue: str, campaign_ids: list[str]) -> str:
    """Each where it stood, at the rate it was started with; one that was stopped or ended meanwhile is passed over.

    So is one whose workflow came to its end: it was stopped, or its last loan had ended, whatever older records say.
    """
    started, usual, ended = 0, [], []
    for campaign_id in campaign_ids:
        with database.reading() as session:
            campaign, progress = campaigns.get(session, campaign_id), campaigns.progress(session, campaign_id)
            if campaign.state not in (CampaignState.RUNNING, CampaignState.PAUSED):
                continue
            rate = campaign_control.noted_rate(session, campaign_id)
        held = Held(
            campaign_id,
            campaign.state,
            True,
            progress.total,
            progress.waiting,
            progress.started,
            progress.open,
            (),
        )
        strategy = campaign.strategy_key
        only_lost = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
        try:
            await campaign_control.start(
                client, task_queue, held, rate or USUAL_RATE, strategy=strategy, reuse=only_lost
            )
        except WorkflowAlreadyStartedError:
            ended.append(campaign_id)
            continue
        with database.writing() as session:
            note(session, "campaign_restarted", campaign.lender, None, {"campaign_id": campaign_id})
        started += 1
        if rate is None and progress.waiting:
            usual.append(campaign_id)
    told = f"{started:,} campaigns go on"
    if usual:
        told += f"; at {USUAL_RATE:g} loans a second, as their own rate was not noted: {', '.join(usual)}"
    if ended:
        told += f"; not started, as their workflow came to its end (starter.py database catch-up): {', '.join(ended)}"
    return told


async def restart_loans(client: Client, database: Database, task_queue: str, lost: list[tuple[str, str]]) -> str:
    """Lost loans, by lender and id, from the records, at the step their days past due call for.

    None of their numbers is used again, and what was paused stays paused. One that has ended meanwhile is passed over;
    one that cannot be read holds up no other.
    """
    started = 0
    paused: dict[str, int] = defaultdict(int)
    left: dict[Left, list[str]] = defaultdict(list)
    for lender, loan_id in lost:
        try:
            standing = await _restart(client, database, task_queue, lender, loan_id)
        except WorkflowAlreadyStartedError:
            continue
        except _UNREADABLE:
            standing = Left.UNREADABLE
        if isinstance(standing, Left):
            left[standing].append(loan_id)
        elif standing is not None:
            started += 1
            if standing.paused_campaign is not None:
                paused[standing.paused_campaign] += 1
    lines = [f"{started:,} loans go on from the records"]
    lines += [
        f"{number:,} of them are paused, as their campaign is: starter.py campaign resume {campaign}"
        for campaign, number in sorted(paused.items())
    ]
    lines += [f"left to a person, {why}: {', '.join(left[why])}" for why in Left if left[why]]
    return "; ".join(lines)


async def _restart(
    client: Client, database: Database, task_queue: str, lender: str, loan_id: str
) -> _Ready | Left | None:
    """What the loan was started with, or why it was not; None: it is not in collection any more."""
    now = datetime.now(UTC)
    with database.writing() as session:
        lost_workflows.one_at_a_time(session, lender, loan_id)
        loan = loans.get(session, lender, loan_id)
        standing = _standing(session, loan, now)
        if not isinstance(standing, _Ready):
            return standing
        for debit in standing.kept_back:
            debits.release(session, debit, False, now)
        entered, counted = standing.entered, standing.counted
        note(session, "loan_restarted", lender, loan_id, counted.model_dump(mode="json", exclude_defaults=True))
        # Inside the transaction: whoever ends the loan in the records waits for it, and sees then that it runs.
        await start_loan(
            client, task_queue, entered.facts, entered.strategy, known_before(entered), now, standing.counted
        )
    return standing


def _standing(session: Session, loan: Loan, now: datetime) -> _Ready | Left | None:
    """What the records say at this moment; None: it is not in collection any more."""
    if loan.state is not LoanState.IN_COLLECTION:
        return None
    campaign = session.get(Campaign, loan.campaign_id) if loan.campaign_id is not None else None
    state = campaign.state if campaign is not None else None
    if campaign is not None and state is CampaignState.STOPPED:
        if not campaigns.came_back_since_stop(session, campaign, loan):
            return Left.STOPPED
    waiting = [case.case_id for case in cases.of_loan(session, loan) if case.state is CaseState.OPEN]
    if not all(cases.is_of_earlier_hand_over(loan, case_id) for case_id in waiting):
        return Left.CASE
    stands = {*LIVE, AgreementState.PROPOSED}
    agreed = any(one.entry == loan.entry and one.state in stands for one in agreements.of_loan(session, loan))
    if agreed or loan.adjusted_minor:
        return Left.AGREEMENT
    counted = lost_workflows.counted(session, loan)
    paused_until = None
    if campaign is not None and state is CampaignState.PAUSED:
        # Whether its pause had reached the loan the records do not tell.
        paused_until = campaigns.paused_until(session, campaign) or now + FOR_EVER
        counted = counted.model_copy(update={"campaign_pause_until": paused_until})
    elif state is CampaignState.RUNNING:
        # It went on, and nobody can tell it to go on once more: a pause of it that stands here is over.
        counted = counted.model_copy(update={"campaign_pause_until": None})
    entered = facts.as_entered(session, loan.lender, loan.loan_id, now)
    pauses = (counted.own_pause_until, counted.campaign_pause_until)
    held = any(until is not None and until > now for until in pauses)
    let_go = [one for one in debits.of_loan(session, loan) if one.entry == loan.entry and _is_let_go(one, entered, now)]
    if any(one.state is DebitState.FILED for one in let_go) or (let_go and not held):
        return Left.DEBIT
    paused_campaign = campaign.id if campaign is not None and paused_until is not None and paused_until > now else None
    return _Ready(entered, counted, paused_campaign, let_go)


def _is_let_go(debit: Debit, entered: LoanAsEntered, now: datetime) -> bool:
    """Whether the bank collects it, or will, and a loan would wait for what becomes of it."""
    if debit.state is DebitState.PLANNED:
        return debit.released
    if debit.state is not DebitState.FILED:
        return False
    today = entered.facts.local_date(now)
    return debit.collect_on is None or today < no_longer_awaited_from(debit.collect_on)
