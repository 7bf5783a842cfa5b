"""Where campaigns and messages to segments stand, for records restored from a backup: their workflows told it."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from activities.campaign_orders import StateOrder
from activities.segment_orders import SendStateOrder
from records import campaigns_restored, segment_sends
from records.campaigns_restored import StateTold
from records.database import Database
from records.tables import Campaign, CampaignState, SegmentSendState

Order = TypeVar("Order", bound=BaseModel)


async def campaigns_again(client: Client, database: Database) -> tuple[str, ...]:
    """The campaigns that stood elsewhere by the records; a stop, pause or resume after the backup stands again."""
    told: dict[str, list[StateTold]] = defaultdict(list)
    for order, at in await _finished(client, "Campaign", "set_campaign_state", StateOrder):
        told[order.campaign_id].append(StateTold(CampaignState(order.state), at, order.number, order.until))
    changed: list[str] = []
    with database.writing(durable=True) as session:
        for campaign_id, orders in told.items():
            campaign = session.get(Campaign, campaign_id)
            if campaign is not None and campaigns_restored.tell_again(session, campaign, orders):
                changed.append(campaign_id)
    return tuple(changed)


async def sends_again(client: Client, database: Database) -> tuple[str, ...]:
    """The messages to segments that were under way by the records and had been stopped or had come to their end."""
    changed: list[str] = []
    told = await _finished(client, "SegmentSend", "set_send_state", SendStateOrder)
    with database.writing(durable=True) as session:
        for order, _ in told:
            try:
                before = segment_sends.get(session, order.send_id).state
            except segment_sends.UnknownSend:
                continue
            segment_sends.set_state(session, order.send_id, SegmentSendState(order.state))
            if segment_sends.get(session, order.send_id).state is not before and order.send_id not in changed:
                changed.append(order.send_id)
    return tuple(changed)


async def _finished(client: Client, workflow: str, activity: str, order: type[Order]) -> list[tuple[Order, datetime]]:
    """What finished activities of this name were ordered to do and when they had, in order, over all runs."""
    runs = [run async for run in client.list_workflows(f'WorkflowType="{workflow}"')]
    done: list[tuple[Order, datetime]] = []
    for run in sorted(runs, key=lambda one: one.start_time):
        scheduled: dict[int, HistoryEvent] = {}
        async for event in client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history_events():
            if event.HasField("activity_task_scheduled_event_attributes"):
                if event.activity_task_scheduled_event_attributes.activity_type.name == activity:
                    scheduled[event.event_id] = event
            elif event.HasField("activity_task_completed_event_attributes"):
                begun = scheduled.get(event.activity_task_completed_event_attributes.scheduled_event_id)
                if begun is not None:
                    payloads = list(begun.activity_task_scheduled_event_attributes.input.payloads)
                    [asked] = await client.data_converter.decode(payloads, [order])
                    done.append((asked, event.event_time.ToDatetime(tzinfo=UTC)))
    return done
