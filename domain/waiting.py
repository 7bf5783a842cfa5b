"""Until when a loan waits, and for what: the moments that come by the clock alone."""

from __future__ import annotations

from datetime import datetime

from domain.actions import Wait
from domain.agreements.judging import next_moment
from domain.agreements.model import AgreementState
from domain.call_wishes import link_of_use_until
from domain.consent_renewal import renewal_at
from domain.contact_orders import SendContact
from domain.loan_state import LoanState
from domain.unread import unread_due_at


def wait_until(state: LoanState, until: datetime | None, why: str, *, unread: bool = True) -> Wait:
    """Wait until then, a case's SLA or the strategy's end, whichever is first; with `unread` no longer than a message
    may stay unread."""
    moments: list[tuple[datetime, str]] = [] if until is None else [(until, why)]
    if unread and (due := unread_due_at(state)) is not None and state.held_since is None:
        moments.append((due, "a message has to be read by then, or goes out by another channel"))
    moments += _deadlines(state)
    if state.held_since is None:
        moments.append((state.ends_at, "the strategy's time is over"))
    if not moments:
        return Wait(until=None, why=why)
    first, reason = min(moments, key=lambda moment: moment[0])
    return Wait(until=first, why=why if first == until else reason)


def wait_while_held(state: LoanState) -> Wait:
    hold = state.stands_still
    assert hold is not None
    return wait_until(state, state.paused_until, hold)


def renewal_first(state: LoanState, wait: Wait, now: datetime) -> Wait:
    due = renewal_at(state)
    if due is None or due <= now or (wait.until is not None and wait.until <= due):
        return wait
    return Wait(until=due, why="the consent must be renewed")


def gives_up_at(state: LoanState, order: SendContact) -> datetime | None:
    """When a contact that could not be sent so far is no longer tried; None: the loan has no end by the clock now.

    While a loan is held, by an agreement or a pause, its end moves on as time passes. Whole seconds: the moment travels
    with each contact.
    """
    by_the_clock = state.end is None and state.held_since is None
    ends = (order.give_up_at, state.ends_at.replace(microsecond=0) if by_the_clock else None)
    return min((each for each in ends if each is not None), default=None)


def falls_due_at(state: LoanState) -> datetime | None:
    """When next something must be decided, judged or taken back while a contact waits for its lawful slot."""
    return min((moment for moment, _ in _deadlines(state)), default=None) if state.end is None else None


def _deadlines(state: LoanState) -> list[tuple[datetime, str]]:
    """Moments that come by the clock alone, whatever else the loan does, with what happens at them."""
    moments: list[tuple[datetime, str]] = [
        (case.sla_at, f"case {case.case_id} in {case.queue} must be decided") for case in state.cases if not case.lapsed
    ]
    if (judged := next_moment(state)) is not None:
        moments.append((judged, f"what was agreed is judged: {state.hold}"))
    if (of_use_until := link_of_use_until(state)) is not None:
        moments.append((of_use_until, "a link asked for on the telephone is of no use any more"))
    return moments + [
        (a.expires_at, f"offer {a.number} expires")
        for a in state.agreements
        if a.state is AgreementState.PROPOSED and a.expires_at is not None
    ]
