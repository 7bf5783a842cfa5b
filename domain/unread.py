"""A message that nobody reads: the step goes out again by the channels that are left, inside the same limits."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.contact_orders import FUNDS, PART_RECEIPT, RECEIPT
from domain.events.contacts import ContactReported
from domain.loan_parts import Fallback, Unread
from domain.loan_state import LoanState


def watch_reading(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    """A step's message was sent: remember when it has to have been read, if the step says so.

    A later step's message takes the place of an older one, which is then not said again.
    """
    if event.step in (FUNDS, PART_RECEIPT, RECEIPT) or event.channel is None:
        return state
    if state.agreement is not None or state.ceased or state.end is not None:
        return state  # the report came late: nothing is said again any more
    step = state.strategy.find_step(event.step)
    if step is None or step.unread_after_hours is None:
        return state.model_copy(update={"unread": None}) if state.unread is not None else state
    waits = Unread(step=event.step, occurrence=event.occurrence, since=now, clock_shift=state.clock_shift)
    return state.model_copy(update={"unread": waits})


def unread_due_at(state: LoanState) -> datetime | None:
    """When the message has to have been read; time in which the loan was held does not count."""
    waits = state.unread
    step = state.strategy.find_step(waits.step) if waits is not None else None
    if waits is None or step is None or step.unread_after_hours is None:
        return None
    return waits.since + timedelta(hours=step.unread_after_hours) + state.clock_shift - waits.clock_shift


def say_again(state: LoanState, now: datetime) -> LoanState:
    """If the time is up, the step again by the channels not tried yet; whether it was read is looked up then."""
    due, waits = unread_due_at(state), state.unread
    if due is None or waits is None or now < due:
        return state
    step = state.strategy.find_step(waits.step)
    tried = {record.channel for record in state.records if record.step == waits.step}
    left = tuple(c for c in step.channels if c not in tried and c not in state.closed_channels) if step else ()
    state = state.model_copy(update={"unread": None})
    if not left or state.fallback is not None:
        return state
    again = Fallback(step=waits.step, occurrence=waits.occurrence + 1, channels=left, unless_read=waits.occurrence)
    return state.model_copy(update={"fallback": again})
