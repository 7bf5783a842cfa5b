"""Addresses that proved dead, and whoever writes from one after all: the later of the two counts."""

from __future__ import annotations

from datetime import datetime
from itertools import zip_longest

from domain.contact import Channel
from domain.events.contacts import ContactReported
from domain.loan_parts import ChannelWord
from domain.loan_state import LoanState


def found_dead(state: LoanState, channel: Channel, since: datetime | None) -> LoanState:
    """The channel's address is closed, if it is not yet; `since` when it is dead, if known."""
    if channel in state.dead_addresses:
        return state
    words = [word for word in state.dead_since if word.channel is not channel]
    if since is not None:
        words.append(ChannelWord(channel=channel, at=since))
    dead = tuple(sorted({*state.dead_addresses, channel}))
    return state.model_copy(update={"dead_addresses": dead, "dead_since": tuple(words)})


def reported_dead(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    """What a contact found in the records, which its owner may have opened before the loan heard of it."""
    for channel, since in zip_longest(event.closed, event.closed_at[: len(event.closed)]):
        opened = since is not None and any(w.channel is channel and w.at >= since for w in state.written_from)
        if not opened:
            state = found_dead(state, channel, since or now)
    return state


def written_from(state: LoanState, channel: Channel, at: datetime) -> LoanState:
    """Whoever writes from an address has it; what was written before it was found dead says nothing of that."""
    if channel in state.dead_addresses and not _died_since(state, channel, at):
        alive = tuple(dead for dead in state.dead_addresses if dead is not channel)
        state = state.model_copy(update={"dead_addresses": alive})
    if any(word.channel is channel and word.at >= at for word in state.written_from):
        return state
    others = tuple(word for word in state.written_from if word.channel is not channel)
    return state.model_copy(update={"written_from": (*others, ChannelWord(channel=channel, at=at))})


def nothing_is_under_way(state: LoanState) -> LoanState:
    """With no contact under way none can report of a time that is over."""
    return state.model_copy(update={"written_from": ()}) if state.written_from else state


def _died_since(state: LoanState, channel: Channel, at: datetime) -> bool:
    return any(word.channel is channel and word.at > at for word in state.dead_since)
