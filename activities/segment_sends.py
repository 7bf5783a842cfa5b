"""A one-off message to a segment: each loan is told to send it, at a rate; or told not to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from temporalio import activity

from activities.capabilities import SegmentWork
from activities.clock import task_time
from activities.segment_orders import SendStateOrder, TellOrder, TellReport
from records import segment_sends
from records.database import Database
from records.tables import SegmentSendState

BATCH = 20
"""Loans told at once; after each batch the records and the heartbeat know how far it came."""

ENDED = "the loan had ended"
HANDED_OVER_AGAIN = "the loan was handed over again"
TIME_OVER = "its time was over"


class LoanEar(Protocol):
    """Telling loans in Temporal; the workflows' floor implements it."""

    async def signal(self, lender: str, loan_id: str, name: str, payload: dict[str, Any]) -> bool:
        """Whether a running loan took the signal."""
        ...


class SegmentSender(SegmentWork):
    def __init__(self, database: Database, ear: LoanEar) -> None:
        self._database = database
        self._ear = ear

    @activity.defn(name="tell_loans")
    async def tell_loans(self, order: TellOrder) -> TellReport:
        """Tell a page of loans. Tried again after a crash it goes on; a loan told twice sends once.

        Nobody is told once the message's time is over.
        """
        told = refused = 0
        begun = time.monotonic()
        payload, time_left = await asyncio.to_thread(self._payload, order.send_id)
        batch = max(1, min(BATCH, int(order.rate_per_second)))
        while told + refused < order.page:
            page = await asyncio.to_thread(self._claim, order.send_id, min(batch, order.page - told - refused))
            if not page:
                break
            if time.monotonic() - begun >= time_left:
                await asyncio.to_thread(self._mark, order.send_id, [], {TIME_OVER: [one.ref for one in page]})
                refused += len(page)
                activity.heartbeat(told)
                continue
            over = [one.ref for one in page if one.over]
            meant = [one for one in page if not one.over]
            heard = await asyncio.gather(
                *(self._ear.signal(one.lender, one.loan_id, "notice_ordered", payload) for one in meant)
            )
            reached = [one.ref for one, fine in zip(meant, heard, strict=True) if fine]
            gone = [one.ref for one, fine in zip(meant, heard, strict=True) if not fine]
            await asyncio.to_thread(self._mark, order.send_id, reached, {ENDED: gone, HANDED_OVER_AGAIN: over})
            told += len(reached)
            refused += len(gone) + len(over)
            activity.heartbeat(told)
            while (ahead := (told + refused) / order.rate_per_second - (time.monotonic() - begun)) > 0:
                await asyncio.sleep(min(ahead, 5.0))
                activity.heartbeat(told)
        waiting = await asyncio.to_thread(self._waiting, order.send_id)
        return TellReport(told=told, refused=refused, waiting=waiting)

    @activity.defn(name="withdraw_message")
    async def withdraw_message(self, send_id: str) -> int:
        """Tell every loan that may have heard of it not to send it any more; how many were told."""
        details = activity.info().heartbeat_details
        last, done = (int(details[0]), int(details[1])) if len(details) == 2 else (0, 0)
        while page := await asyncio.to_thread(self._may_have_heard, send_id, last):
            await asyncio.gather(
                *(
                    self._ear.signal(lender, loan_id, "notice_withdrawn", {"notice_id": send_id})
                    for _, lender, loan_id in page
                )
            )
            last, done = page[-1][0], done + len(page)
            activity.heartbeat(last, done)
        return done

    @activity.defn(name="set_send_state")
    async def set_send_state(self, order: SendStateOrder) -> None:
        def write() -> None:
            with self._database.writing() as session:
                segment_sends.set_state(session, order.send_id, SegmentSendState(order.state))

        await asyncio.to_thread(write)

    def _payload(self, send_id: str) -> tuple[dict[str, Any], float]:
        """What a loan is told; and for how many seconds from now it may be, none when negative."""
        with self._database.reading() as session:
            send = segment_sends.get(session, send_id)
            payload = {
                "notice_id": send.id,
                "template": send.template,
                "channels": list(send.channels),
                "with_link": send.with_link,
                "until": send.until.isoformat(),
            }
            return payload, (send.until - task_time()).total_seconds()

    def _claim(self, send_id: str, limit: int) -> list[segment_sends.Claimed]:
        with self._database.reading() as session:
            return segment_sends.claim_page(session, send_id, limit)

    def _may_have_heard(self, send_id: str, after: int) -> list[tuple[int, str, str]]:
        with self._database.reading() as session:
            return segment_sends.may_have_heard(session, send_id, after=after, limit=BATCH, at_once=BATCH)

    def _mark(self, send_id: str, reached: Sequence[int], refused: Mapping[str, Sequence[int]]) -> None:
        """`refused` by why."""
        with self._database.writing() as session:
            segment_sends.mark_told(session, send_id, reached, at=task_time())
            for reason, refs in refused.items():
                segment_sends.mark_refused(session, send_id, refs, reason=reason)

    def _waiting(self, send_id: str) -> int:
        with self._database.reading() as session:
            return segment_sends.progress(session, send_id).waiting
