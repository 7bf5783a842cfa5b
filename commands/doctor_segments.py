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
    statuses = {
        send.id: await _status(client, send.id)
        for send in await asyncio.to_thread(_running, database)
        if send.created_at < now - _GRACE
    }
    not_carried = {id for id, status in statuses.items() if status is not WorkflowExecutionStatus.RUNNING}
    # One that was told to its last loan meanwhile needs nothing.
    left = [send for send in await asyncio.to_thread(_running, database) if send.id in not_carried]
    ended = [send.id for send in left if statuses[send.id] is WorkflowExecutionStatus.COMPLETED]
    lost = [send for send in left if send.id not in ended]
    in_time = [send.id for send in lost if send.until > now]
    late = [send.id for send in lost if send.until <= now]
    found = about(
        "sends_ended_in_temporal",
        "{n} messages to segments are under way by the records and their workflow came to its end",
        "such a message was told to all its loans, or it was stopped: the records were restored from before that, and "
        "resumed it would reach those it was taken back from",
        "starter.py database catch-up   (with the workers stopped, as after a restore; else starter.py campaign "
        f"send-stop {(ended or ['SEND'])[0]}, which tells nobody)",
        ended,
    )
    found += about(
        "sends_not_running",
        "{n} messages to segments were not told to all their loans and no workflow carries them",
        "their loans hear nothing; sent anew under another id it would reach those twice who have heard",
        f"starter.py campaign send --resume {(in_time or ['SEND'])[0]}",
        in_time,
    )
    return found + about(
        "sends_too_late",
        "{n} messages to segments were not told to all their loans and their time is over",
        "they count as under way for ever",
        f"starter.py campaign send-stop {(late or ['SEND'])[0]}",
        late,
    )


def _running(database: Database) -> list[SegmentSend]:
    with database.reading() as session:
        return [send for send in segment_sends.listing(session) if send.state is SegmentSendState.RUNNING]


async def _status(client: Client, send_id: str) -> WorkflowExecutionStatus | None:
    """None: there is no such workflow."""
    try:
        return (await client.get_workflow_handle(segment_send_workflow_id(send_id)).describe()).status
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
