"""`doctor` on messages to segments: those that are not told to all their loans and that nothing carries."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from commands.doctor_findings import Finding, about
from records import segment_sends
from records.database import Database
from records.tables import SegmentSend, SegmentSendState
from workflows.segment_send import segment_send_workflow_id

_GRACE = timedelta(minutes=2)
"""Keeping a message and starting its workflow are two things."""


async def look_at_sends(client: Client, database: Database) -> list[Finding]:
    """Messages to segments that are under way by the records and that no workflow tells to their loans."""
    now = datetime.now(UTC)
    not_carried = [
        send.id
        for send in await asyncio.to_thread(_running, database)
        if send.created_at < now - _GRACE and not await _is_carried(client, send.id)
    ]
    # One that was told to its last loan meanwhile needs nothing.
    lost = [send for send in await asyncio.to_thread(_running, database) if send.id in not_carried]
    in_time = [send.id for send in lost if send.until > now]
    late = [send.id for send in lost if send.until <= now]
    return about(
        "sends_not_running",
        "{n} messages to segments were not told to all their loans and no workflow carries them",
        "their loans hear nothing; sent anew under another id it would reach those twice who have heard",
        f"starter.py campaign send --resume {(in_time or ['SEND'])[0]}",
        in_time,
    ) + about(
        "sends_too_late",
        "{n} messages to segments were not told to all their loans and their time is over",
        "they count as under way for ever",
        f"starter.py campaign send-stop {(late or ['SEND'])[0]}",
        late,
    )


def _running(database: Database) -> list[SegmentSend]:
    with database.reading() as session:
        return [send for send in segment_sends.listing(session) if send.state is SegmentSendState.RUNNING]


async def _is_carried(client: Client, send_id: str) -> bool:
    try:
        told = await client.get_workflow_handle(segment_send_workflow_id(send_id)).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return told.status is WorkflowExecutionStatus.RUNNING
