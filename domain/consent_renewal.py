"""Asking for a consent to read the balance: in good time before the one there is ends, or because somebody asks."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from domain.contact import Channel
from domain.contact_orders import CONSENT, SendContact
from domain.events.balance import AskConsent, ConsentGiven
from domain.loan_state import LoanState, note
from domain.strategy import BalanceWatch

ASKED_AT = time(10, 0)
"""The borrower's time of day at which a renewal is asked for."""
TAKEN_BACK, NOT_USED = "consent.taken_back", "consent.not_used"
"""Why the next consent is not asked for, as a report's `refused` has it."""
NOT_RENEWED = frozenset({TAKEN_BACK, NOT_USED})
NO_WATCH = "the strategy reads no balances: a consent would be of no use"


def consent_given(state: LoanState, event: ConsentGiven, now: datetime) -> tuple[LoanState, str | None]:
    """Balances are read again, whatever ended the watch before."""
    facts = state.facts.model_copy(update={"consent": True, "consent_until": event.valid_until})
    given = state.model_copy(update={"facts": facts, "watch_over": None, "consent_wanted": False})
    return (note(given, now, "consent_given", str(event.valid_until or "")), None)


def consent_asked(state: LoanState, event: AskConsent, now: datetime) -> tuple[LoanState, str | None]:
    if state.end is not None:
        return state, f"the loan has ended as {state.end}"
    if state.strategy.watch is None:
        return state, NO_WATCH
    return state.model_copy(update={"consent_wanted": True}), None


def renewal_at(state: LoanState) -> datetime | None:
    """When the borrower is to be asked for the next consent; None when there is nothing to ask for."""
    watch, until = state.strategy.watch, state.facts.consent_until
    if watch is None or watch.renew_days_before is None or until is None or not state.facts.consent:
        return None
    if state.consent_asked_for == until or state.watch_over is not None:
        return None
    return max(state.facts.moment(until - timedelta(days=watch.renew_days_before), ASKED_AT), state.entered_at)


def to_ask(state: LoanState, now: datetime) -> tuple[BalanceWatch, int] | None:
    """The watch that a consent is asked for now, and the number of the asking."""
    watch = state.strategy.watch
    if watch is None:
        return None
    due = renewal_at(state)
    if not state.consent_wanted and (due is None or due > now):
        return None
    return watch, 1 + max((record.occurrence for record in state.records if record.step == CONSENT), default=0)


def is_renewal(state: LoanState, order: SendContact) -> bool:
    """Whether the next consent is asked for because its day has come, and not because somebody wants it asked for."""
    return order.step == CONSENT and not state.consent_wanted


def worth_renewing(state: LoanState) -> bool:
    """Whether a balance may still be read for something: an offer is left, or an agreement is kept."""
    watch = state.strategy.watch
    return watch is not None and (state.agreement is not None or state.offers_made < watch.max_offers)


def asked(state: LoanState, now: datetime, *, renewal_refused: bool = False) -> LoanState:
    """The borrower was asked, or cannot be: not again for the same consent.

    One that is not to be renewed yet was given while the request for it was under way. `renewal_refused`: it was not
    to be asked for by itself; whoever wanted it asked for meanwhile, with a reason of their own, still does.
    """
    due = renewal_at(state)
    wanted = state.consent_wanted
    if (renewal_refused or not wanted) and due is not None and due > now:
        return state
    still = wanted and renewal_refused
    return state.model_copy(update={"consent_asked_for": state.facts.consent_until, "consent_wanted": still})


def channels_of(state: LoanState) -> tuple[Channel, ...]:
    watch = state.strategy.watch
    return tuple(channel for channel in watch.channels if channel not in state.closed_channels) if watch else ()
