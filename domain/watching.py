"""The balance watch: whether and when to look, and how much money must be there."""

from __future__ import annotations

import math
from datetime import datetime, time, timedelta
from decimal import Decimal

from domain.agreements.contacts import LOOK_DAYS_BEFORE
from domain.agreements.judging import left_of, messages_of, next_unpaid
from domain.agreements.model import AgreementKind
from domain.contact import Channel
from domain.debit_steps import wants_debit
from domain.loan_state import LoanState
from domain.strategy import AmountThreshold, ShareThreshold, Threshold, WholeThreshold

REREAD_AFTER = timedelta(hours=1)
"""A balance older than this is read again before a link is sent on its strength."""


def funds_needed(threshold: Threshold, due_minor: int) -> int:
    """The balance, in minor units, from which a payment link makes sense for `due_minor`."""
    match threshold:
        case WholeThreshold():
            return due_minor
        case ShareThreshold():
            return max(1, math.ceil(due_minor * Decimal(str(threshold.share))))
        case AmountThreshold():
            return min(threshold.amount_minor, due_minor)


def next_read_at(now: datetime, reads_per_day: int) -> datetime:
    """The next look, the day's reads spread evenly.

    A little more than the even share, so that as many reads as a day allows never fall within 24 hours
    plus the time a call takes.
    """
    return now + timedelta(days=1) / reads_per_day + timedelta(seconds=30)


def watch_wanted(state: LoanState, *, beside_kept_back_debit: bool = True) -> bool:
    """Whether the borrower's balance should be looked at now.

    Without `beside_kept_back_debit` as runs of earlier versions answer it: a debit that was fired rests the watch also
    while an agreement keeps it back.
    """
    watch = state.strategy.watch
    agreement = state.agreement
    if watch is None or not _may_be_watched(state) or _debit_rests_watch(state, beside_kept_back_debit):
        return False
    if agreement is not None:
        link = messages_of(state.strategy, agreement.kind).link
        covered = next_unpaid(state, agreement)
        offered = covered is None or agreement.offered >= covered.instalment.number
        return link is not None and not offered and _any_open(state, link.channels)
    return (
        state.offers_made < watch.max_offers
        and (watch.after_step is None or state.done(watch.after_step) is not None)
        and _any_open(state, watch.channels)
    )


def watch_threshold(state: LoanState) -> Threshold:
    """What must be in the account for a link to make sense: while an agreement is kept, its next payment."""
    agreement = state.agreement
    covered = next_unpaid(state, agreement) if agreement is not None else None
    if covered is not None:
        return AmountThreshold(kind="amount", amount_minor=left_of(state, covered))
    assert state.strategy.watch is not None
    return state.strategy.watch.threshold


def watch_not_before(state: LoanState) -> datetime | None:
    """When the watch may look first; None: now."""
    agreement = state.agreement
    covered = next_unpaid(state, agreement) if agreement is not None else None
    if agreement is None or covered is None or agreement.kind is AgreementKind.PROMISE:
        return state.watch_rests_until
    begins = state.facts.moment(covered.instalment.due - timedelta(days=LOOK_DAYS_BEFORE), time(0))
    return max(begins, state.watch_rests_until or begins)


def _may_be_watched(state: LoanState) -> bool:
    return (
        state.facts.consent
        and state.end is None
        and state.watch_over is None
        and state.circumstance is None
        and not state.ceased
        and state.paused_until is None
        and state.funds_seen_at is None
    )


def _debit_rests_watch(state: LoanState, unless_kept_back: bool) -> bool:
    """The debit is to collect what the watch would find; one that is kept back collects nothing for now."""
    debit = state.debit
    if debit is None or not debit.fired:
        return False
    return not unless_kept_back or debit.released or wants_debit(state)


def _any_open(state: LoanState, channels: tuple[Channel, ...]) -> bool:
    return any(channel not in state.closed_channels for channel in channels)
