"""A campaign's work: starting its loans at a rate, telling them all one thing, seeing them end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import activity

from activities.campaign_orders import (
    InstructOrder,
    InstructReport,
    LoanStart,
    StartOrder,
    StartReport,
    StateOrder,
)
from activities.capabilities import CampaignWork
from activities.clock import ask_again, task_time
from records import campaigns, facts, loans
from records.campaigns import Place
from records.database import Database
from records.facts import LoanAsEntered
from records.tables import CampaignState, LoanState

BATCH = 25
"""Loans started at once; after each batch the records and the heartbeat know how far it came."""


class LoanControl(Protocol):
    """Starting and instructing loans in Temporal; the workflows' floor implements it."""

    async def start(self, loan: LoanAsEntered, begin_at: datetime) -> LoanStart: ...

    async def instruct(self, lender: str, loan_id: str, order: InstructOrder) -> str | None:
        """Give one loan the instruction; the reason when it refused or has ended, else None."""
        ...


class CampaignRunner(CampaignWork):
    def __init__(self, database: Database, control: LoanControl) -> None:
        self._database = database
        self._control = control

    @activity.defn(name="start_loans")
    async def start_loans(self, order: StartOrder) -> StartReport:
        """Start a page of loans. Tried again after a crash it goes on: the records know which are started."""
        started = refused = 0
        left = order.page
        begun = time.monotonic()
        while left > 0:
            places = await asyncio.to_thread(self._claim, order.campaign_id, min(BATCH, left))
            if not places:
                break
            left -= len(places)
            outcomes = await asyncio.gather(*(self._start(order, place) for place in places))
            done = [place.position for place, fine in zip(places, outcomes, strict=True) if fine]
            await asyncio.to_thread(self._mark, order.campaign_id, done)
            started += len(done)
            refused += len(places) - len(done)
            activity.heartbeat(started)
            ahead = (started + refused) / order.rate_per_second - (time.monotonic() - begun)
            while ahead > 0:
                await asyncio.sleep(min(ahead, 5.0))
                activity.heartbeat(started)
                ahead = (started + refused) / order.rate_per_second - (time.monotonic() - begun)
        waiting = await asyncio.to_thread(self._waiting, order.campaign_id)
        return StartReport(started=started, refused=refused, waiting=waiting)

    async def _start(self, order: StartOrder, place: Place) -> bool:
        now = task_time()
        loan = await asyncio.to_thread(self._loan, order.campaign_id, place, now)
        if loan is None:
            return False
        await self._control.start(loan, max(now, order.begin_at or now))
        return True

    def _loan(self, campaign_id: str, place: Place, now: datetime) -> LoanAsEntered | None:
        """The loan as it enters; None, and refused in the records, when it is no longer waiting."""
        with self._database.reading() as session:
            row = loans.get(session, place.lender, place.loan_id)
            state = row.state
            loan = facts.as_entered(session, place.lender, place.loan_id, now)
        if state is LoanState.ENDED:
            with self._database.writing() as session:
                campaigns.mark_refused(
                    session, campaign_id, place.position, reason="it ended before it was started", at=now
                )
            return None
        return loan

    @activity.defn(name="instruct_loans")
    async def instruct_loans(self, order: InstructOrder) -> InstructReport:
        """Tell every running loan; a repeat after a crash tells those again that heard it, without effect."""
        every = await asyncio.to_thread(self._running, order.campaign_id)
        done = refused = 0
        first_reason = ""
        for start in range(0, len(every), BATCH):
            page = every[start : start + BATCH]
            reasons = await asyncio.gather(
                *(self._control.instruct(lender, loan_id, order) for lender, loan_id in page)
            )
            done += sum(1 for reason in reasons if reason is None)
            refused += sum(1 for reason in reasons if reason is not None)
            first_reason = first_reason or next((reason for reason in reasons if reason), "")
            activity.heartbeat(done)
        return InstructReport(done=done, refused=refused, first_reason=first_reason[:200])

    @activity.defn(name="set_campaign_state")
    async def set_state(self, order: StateOrder) -> None:
        def write() -> None:
            with self._database.writing() as session:
                campaign = campaigns.get(session, order.campaign_id)
                campaigns.set_state(session, campaign, CampaignState(order.state), at=task_time())

        await asyncio.to_thread(write)

    @activity.defn(name="await_ends")
    async def await_ends(self, campaign_id: str) -> dict[str, int]:
        """The ends by kind, once no loan of the campaign is in collection; asks again until then."""
        progress = await asyncio.to_thread(self._progress, campaign_id)
        running = progress.started - sum(progress.ends.values())
        still: list[tuple[str, str]] = await asyncio.to_thread(self._running, campaign_id)
        if running > 0 and still:
            attempt = activity.info().attempt
            again = task_time() + min(timedelta(seconds=15 * attempt), timedelta(hours=1))
            raise ask_again(again, f"{running} loans are in collection", "InCollection")
        return progress.ends

    def _claim(self, campaign_id: str, limit: int) -> list[Place]:
        with self._database.reading() as session:
            return campaigns.claim_page(session, campaign_id, limit=limit)

    def _mark(self, campaign_id: str, positions: Sequence[int]) -> None:
        with self._database.writing() as session:
            campaigns.mark_started(session, campaign_id, positions, at=task_time())

    def _waiting(self, campaign_id: str) -> int:
        return self._progress(campaign_id).waiting

    def _progress(self, campaign_id: str) -> campaigns.Progress:
        with self._database.reading() as session:
            return campaigns.progress(session, campaign_id)

    def _running(self, campaign_id: str) -> list[tuple[str, str]]:
        with self._database.reading() as session:
            return campaigns.started_loans(session, campaign_id)
