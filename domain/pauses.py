"""A loan's own pause and its campaign's, side by side: it stands still until the later of both."""

from __future__ import annotations

from datetime import datetime

from domain.ledger_entries import PAID_ENDS
from domain.loan_state import LoanState, note
from domain.pause_notes import LONGEST_PAUSE, PAUSED, RESUMED, own_pause_left, pause_noted, without_end


def told_apart(state: LoanState, now: datetime) -> LoanState:
    """What an earlier version kept as one pause, as the loan's own or as its campaign's.

    It did not say whose a pause was: without an end it is the campaign's, else it is taken for the loan's own. Of a
    loan that was paid it is about the one that a reversal brings back.
    """
    own = state.own_pause_until
    if own is None and state.campaign_pause_until is None:
        own = state.set_aside.paused_until if state.end is not None else state.paused_until
    if own is None:
        return state
    if state.campaign_pause_until is None and without_end(own, now):
        return state.model_copy(update={"own_pause_until": None, "campaign_pause_until": own})
    return state.model_copy(update={"own_pause_until": own})


def paused_by_both(state: LoanState, now: datetime) -> LoanState:
    ends = [each for each in (state.own_pause_until, state.campaign_pause_until) if each is not None and each > now]
    return state.model_copy(update={"paused_until": max(ends, default=None)})


def ended_in_campaigns_pause(state: LoanState, until: datetime | None, now: datetime) -> LoanState:
    """A loan that was paid and whose campaign is paused: a reversal brings it back paused, though it was paid before.

    `until`: the end of the campaign's pause, exclusive; None: not known, so it lasts as long as the loan believes, or
    without end.
    """
    if state.end not in PAID_ENDS:
        return state
    before = told_apart(state, now)
    believed = before.campaign_pause_until
    if until is None:
        until = believed if believed is not None and believed > now else now + LONGEST_PAUSE
    if until <= now:
        return ended_without_campaigns_pause(state, now)
    if until == believed:
        return before
    paused = before.model_copy(update={"campaign_pause_until": until})
    return note(paused, now, PAUSED, pause_noted(until, of_campaign=True))


def ended_without_campaigns_pause(state: LoanState, now: datetime) -> LoanState:
    """A loan that has ended and whose campaign goes on: a reversal brings back a pause of its own alone."""
    before = told_apart(state, now)
    if before.campaign_pause_until is None:
        return before
    kept = state.set_aside.model_copy(update={"paused_until": None})
    left = before.model_copy(update={"campaign_pause_until": None, "set_aside": kept})
    own = left.own_pause_until
    if own is not None and own > now:
        return note(left, now, PAUSED, own_pause_left(own))
    return note(left, now, RESUMED, "its campaign goes on")
