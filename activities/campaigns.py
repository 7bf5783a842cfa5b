"""A campaign's work: starting its loans at a rate, telling them all one thing, seeing them end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError
from sqlmodel import Session, col, select
from temporalio import activity
from temporalio.service import RPCError, RPCStatusCode

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
from domain.strategy import Strategy
from records import audit, campaigns, facts, loans, strategies
from records.campaigns import Place
from records.database import Database
from records.facts import Beside, LoanAsEntered
from records.tables import CampaignLoan, CampaignState, Loan, LoanState

BATCH = 25
"""Loans read, marked as started, and being started at once."""
UNMARKED = 2
"""Batches that may be begun and not marked yet when the next one begins."""

ANSWER_WITHIN = 30.0
"""Seconds a loan has to answer an instruction; less than the heartbeat's time, so that a batch is never lost."""

T = TypeVar("T")


class LoanControl(Protocol):
    """Starting and instructing loans in Temporal; the workflows' floor implements it."""

    async def start(self, loan: LoanAsEntered, begin_at: datetime) -> LoanStart: ...

    async def instruct(self, lender: str, loan_id: str, order: InstructOrder) -> str | None:
        """Give one loan the instruction; the reason when it refused or has ended, else None."""
        ...

    async def migrate(self, lender: str, loan_id: str, strategy: Strategy) -> str | None:
        """Move one loan to `strategy`; the reason when it refused or has ended, else None."""
        ...


class CampaignRunner(CampaignWork):
    def __init__(self, database: Database, control: LoanControl) -> None:
        self._database = database
        self._control = control

    @activity.defn(name="start_loans")
    async def start_loans(self, order: StartOrder) -> StartReport:
        """Start a page of loans. Tried again after a crash it goes on: the records know which are started."""
        started = 0
        left = order.page
        begun = time.monotonic()
        batch = max(1, min(BATCH, int(order.rate_per_second)))
        reading = asyncio.create_task(self._read(order, 0, min(batch, left)))
        under_way: list[asyncio.Task[int]] = []
        gate = asyncio.Semaphore(batch)
        try:
            while left > 0:
                page = await reading
                if not page:
                    break
                left -= len(page)
                # The next ones are read, and those before marked, while these start: the server would wait otherwise.
                reading = asyncio.create_task(self._read(order, page[-1][0].position, min(batch, left)))
                begun_all = asyncio.Event()
                under_way.append(asyncio.create_task(self._start_batch(order, page, gate, begun_all)))
                await begun_all.wait()
                while under_way and (len(under_way) > UNMARKED or under_way[0].done()):
                    started += await _to_its_end(under_way[0])
                    del under_way[0]
                activity.heartbeat(started)
                handled = order.page - left
                if handled / order.rate_per_second > time.monotonic() - begun:
                    # Held back by the rate: what was read would be old by then.
                    await asyncio.wait([reading])
                    while (ahead := handled / order.rate_per_second - (time.monotonic() - begun)) > 0:
                        await asyncio.sleep(min(ahead, 5.0))
                        activity.heartbeat(started)
                    reading = asyncio.create_task(self._read(order, page[-1][0].position, min(batch, left)))
            for last in under_way:
                started += await _to_its_end(last)
        finally:
            await _let_go(reading)
            await _all_ended(under_way)
        waiting = await asyncio.to_thread(self._waiting, order.campaign_id)
        return StartReport(started=started, refused=order.page - left - started, waiting=waiting)

    async def _read(self, order: StartOrder, after: int, limit: int) -> list[tuple[Place, LoanAsEntered | str]]:
        """The next loans after this position: each as it enters, or why it cannot be started."""
        return await asyncio.to_thread(self._next, order.campaign_id, after, limit, task_time()) if limit > 0 else []

    async def _start_batch(
        self,
        order: StartOrder,
        page: Sequence[tuple[Place, LoanAsEntered | str]],
        gate: asyncio.Semaphore,
        begun_all: asyncio.Event,
    ) -> int:
        """How many were started. Whatever goes wrong with one, what was started is marked so.

        `begun_all` is set when the last of them went through the gate.
        """
        now = task_time()
        last = page[-1][0].position

        async def begin(place: Place, loan: LoanAsEntered | str) -> bool:
            async with gate:
                if place.position == last:
                    begun_all.set()
                return await self._start(order, place, loan, now)

        outcomes = await asyncio.gather(*(begin(place, loan) for place, loan in page), return_exceptions=True)
        done = [place.position for (place, _), fine in zip(page, outcomes, strict=True) if fine is True]
        await asyncio.to_thread(self._mark, order.campaign_id, done)
        started = [
            loan for (_, loan), fine in zip(page, outcomes, strict=True) if fine is True and not isinstance(loan, str)
        ]
        await asyncio.gather(*(self._follow(*moved) for moved in await asyncio.to_thread(self._moved, started)))
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return len(done)

    async def _start(self, order: StartOrder, place: Place, loan: LoanAsEntered | str, now: datetime) -> bool:
        if isinstance(loan, str):
            await asyncio.to_thread(self._refuse, order.campaign_id, place, loan, now)
            return False
        try:
            outcome = await self._control.start(loan, max(now, order.begin_at or now))
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            why = "Temporal does not take it: invalid argument"
            await asyncio.to_thread(self._refuse, order.campaign_id, place, why, now)
            return False
        if outcome is LoanStart.STILL_CLOSING:
            why = "its last collection is still sending the receipt: start it again later"
            await asyncio.to_thread(self._refuse, order.campaign_id, place, why, now)
            return False
        return True

    def _moved(self, started: Sequence[LoanAsEntered]) -> list[tuple[LoanAsEntered, Strategy]]:
        """Which of them were moved to another strategy between being read and being marked as started."""
        read = {(loan.facts.lender, loan.facts.loan_id, loan.facts.entry): loan for loan in started}
        with self._database.reading() as session:
            pins = [(read.get(key), digest) for key, digest in strategies.pinned(session, [key[:2] for key in read])]
            return [
                (loan, strategies.load(session, digest))
                for loan, digest in pins
                if loan is not None and digest != loan.strategy_digest
            ]

    async def _follow(self, loan: LoanAsEntered, pinned: Strategy) -> None:
        """Whoever moved it may have looked before it ran; one that cannot follow now is noted on what it runs on."""
        lender, loan_id = loan.facts.lender, loan.facts.loan_id
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                why = await self._control.migrate(lender, loan_id, pinned)
        except (TimeoutError, RPCError) as error:
            why = type(error).__name__
        if why is not None:
            await asyncio.to_thread(self._pin_back, loan, pinned)

    def _pin_back(self, loan: LoanAsEntered, pinned: Strategy) -> None:
        lender, loan_id = loan.facts.lender, loan.facts.loan_id
        with self._database.writing() as session:
            row = loans.get(session, lender, loan_id)
            if row.entry != loan.facts.entry or strategies.of_loan(session, row) != pinned:
                return
            strategies.pin(session, row, loan.strategy, now := task_time())
            details = {"detail": f"{pinned.key} to {loan.strategy.key}, which it runs on"}
            audit.append(
                session,
                at=now,
                actor="campaign workflow",
                action="pinned",
                lender=lender,
                loan_id=loan_id,
                details=details,
            )

    def _next(self, campaign_id: str, after: int, limit: int, now: datetime) -> list[tuple[Place, LoanAsEntered | str]]:
        """Read together, which costs less than half of one by one."""
        with self._database.reading() as session:
            places = campaigns.claim_page(session, campaign_id, after=after, limit=limit)
            rows = _to_start(session, places)
            known = _beside(session, [row for row in rows if not isinstance(row, str)], now)
            return [(place, _as_entered(session, row, now, known)) for place, row in zip(places, rows, strict=True)]

    def _refuse(self, campaign_id: str, place: Place, reason: str, now: datetime) -> None:
        with self._database.writing() as session:
            campaigns.mark_refused(session, campaign_id, place.position, reason=reason, at=now)

    @activity.defn(name="instruct_loans")
    async def instruct_loans(self, order: InstructOrder) -> InstructReport:
        """Tell every running loan; a repeat after a crash goes on after the last batch that heard it."""
        every = await asyncio.to_thread(self._to_instruct, order.campaign_id)
        done, refused, first_reason, last = _told_before(activity.info().heartbeat_details)
        begin = every.index(last) + 1 if last in every else 0
        if begin == 0:
            done, refused, first_reason = 0, 0, ""
        for start in range(begin, len(every), BATCH):
            page = every[start : start + BATCH]
            reasons = await asyncio.gather(*(self._instruct(*told, order) for told in page))
            done += sum(1 for reason in reasons if reason is None)
            refused += sum(1 for reason in reasons if reason is not None)
            first_reason = first_reason or next((reason for reason in reasons if reason), "")[:200]
            activity.heartbeat(done, refused, first_reason, *page[-1][:2])
        return InstructReport(done=done, refused=refused, first_reason=first_reason)

    async def _instruct(self, lender: str, loan_id: str, surely_runs: bool, order: InstructOrder) -> str | None:
        """Why the loan did not follow; one that never answers must not hold up the others."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                reason = await self._control.instruct(lender, loan_id, order)
        except TimeoutError:
            return f"a loan did not answer within {ANSWER_WITHIN:.0f} seconds; it may still follow"
        return reason if surely_runs else None

    @activity.defn(name="set_campaign_state")
    async def set_state(self, order: StateOrder) -> None:
        def write() -> None:
            with self._database.writing() as session:
                campaign = campaigns.get(session, order.campaign_id)
                state = CampaignState(order.state)
                campaigns.set_state(session, campaign, state, at=task_time(), order=order.number, until=order.until)

        await asyncio.to_thread(write)

    @activity.defn(name="await_ends")
    async def await_ends(self, campaign_id: str) -> dict[str, int]:
        """The ends by kind, once no loan of the campaign is in collection; asks again until then."""
        progress = await asyncio.to_thread(self._progress, campaign_id)
        still: list[tuple[str, str]] = await asyncio.to_thread(self._running, campaign_id)
        if progress.open > 0 and still:
            attempt = activity.info().attempt
            again = task_time() + min(timedelta(seconds=15 * attempt), timedelta(hours=1))
            raise ask_again(again, f"{progress.open} loans are in collection", "InCollection")
        return progress.ends

    def _mark(self, campaign_id: str, positions: Sequence[int]) -> None:
        with self._database.writing() as session:
            campaigns.mark_started(session, campaign_id, positions, at=task_time())

    def _waiting(self, campaign_id: str) -> int:
        return self._progress(campaign_id).waiting

    def _progress(self, campaign_id: str) -> campaigns.Progress:
        with self._database.reading() as session:
            return campaigns.progress(session, campaign_id)

    def _to_instruct(self, campaign_id: str) -> list[tuple[str, str, bool]]:
        """Every loan in collection; and, not surely running, those that a crash may have left started but unmarked."""
        with self._database.reading() as session:
            running = [(*loan, True) for loan in campaigns.started_loans(session, campaign_id)]
            unmarked = session.exec(
                select(Loan.lender, Loan.loan_id)
                .join(CampaignLoan, col(CampaignLoan.loan_ref) == col(Loan.id))
                .where(
                    CampaignLoan.campaign_id == campaign_id,
                    Loan.campaign_id == campaign_id,
                    Loan.state == LoanState.WAITING,
                    col(CampaignLoan.started_at).is_(None),
                    col(CampaignLoan.refused).is_(None),
                )
                .order_by(col(CampaignLoan.position))
                .limit((UNMARKED + 1) * BATCH)
            ).all()
            return running + [(lender, loan_id, False) for lender, loan_id in unmarked]

    def _running(self, campaign_id: str) -> list[tuple[str, str]]:
        with self._database.reading() as session:
            return campaigns.started_loans(session, campaign_id)


def _to_start(session: Session, places: Sequence[Place]) -> list[Loan | str]:
    """The loan at each place, or why it cannot be started."""
    try:
        found = loans.find_all(session, [(place.lender, place.loan_id) for place in places])
    except (ValueError, LookupError):
        found = {}  # one that cannot be read stops no other: each by itself
    rows: list[Loan | str] = []
    for place in places:
        try:
            loan = found.get((place.lender, place.loan_id)) or loans.get(session, place.lender, place.loan_id)
        except (ValueError, LookupError) as error:
            rows.append(_unreadable(error))
            continue
        rows.append("it ended before it was started" if loan.state is LoanState.ENDED else loan)
    return rows


def _beside(session: Session, rows: Sequence[Loan], now: datetime) -> Beside | None:
    """None where it has to be read for each by itself, so that one that cannot be read stops no other."""
    try:
        return facts.beside(session, rows, now)
    except (ValueError, LookupError):
        return None


def _as_entered(session: Session, loan: Loan | str, now: datetime, known: Beside | None) -> LoanAsEntered | str:
    if isinstance(loan, str):
        return loan
    try:
        return facts.row_as_entered(session, loan, now, known)
    except (ValueError, LookupError) as error:
        return _unreadable(error)


def _unreadable(error: Exception) -> str:
    return f"its records cannot be read: {_short(error)}"


async def _let_go(reading: asyncio.Task[Any]) -> None:
    """Nobody needs what it reads."""
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def _to_its_end(work: asyncio.Task[T]) -> T:
    """Cancelled in between, finish first: what was started must be known as started."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


async def _all_ended(work: Sequence[asyncio.Task[Any]]) -> None:
    """Whatever becomes of them: why one failed is told by whoever waited for it."""
    if work:
        await asyncio.wait(work)
        await asyncio.gather(*work, return_exceptions=True)


def _told_before(details: Sequence[Any]) -> tuple[int, int, str, tuple[str, str, bool] | None]:
    """What an attempt before this one had done: counts, the first refusal, the last loan it told."""
    if len(details) != 5:
        return 0, 0, "", None
    done, refused, first_reason, lender, loan_id = details
    return done, refused, first_reason, (lender, loan_id, True)


def _short(error: Exception) -> str:
    """What is wrong without the values: they may name a person."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return type(error).__name__
