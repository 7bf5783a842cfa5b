"""What a borrower asked for by the keys of their telephone: a link, a day to pay on, a person."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from domain.agreements.model import Evidence, Via
from domain.agreements.promise import promise_made
from domain.cases import open_once
from domain.contact import Channel
from domain.events.agreements import PromiseMade
from domain.events.borrower import CallChoice, CallWish
from domain.ledger_entries import CaseKind
from domain.loan_parts import CaseAbout
from domain.loan_state import LoanState, note
from domain.strategy import StepKind

LINK_CHANNELS = (Channel.SMS, Channel.WHATSAPP, Channel.EMAIL)
"""By which a link that was asked for on the telephone is sent: where it can be opened at once, first."""
LINK_NOT_SENT = "a link asked for on the telephone could not be sent"
WISHES_KEPT = 50
_PAYING = CaseAbout.PAYING


def call_choice(state: LoanState, event: CallChoice, now: datetime) -> tuple[LoanState, str | None]:
    """Act on a wish once, however often it is told."""
    if state.end is not None:
        return state, f"the loan has ended as {state.end}"
    if state.ceased:
        return state, "the borrower asked for no more contact"
    named = f"{event.step}:{event.occurrence}:{event.wish}"
    if named in state.call_wishes:
        return state, None
    state = state.model_copy(update={"call_wishes": (*state.call_wishes, named)[-WISHES_KEPT:]})
    state = note(state, now, "asked_by_keypad", named)
    match event.wish:
        case CallWish.PAY_NOW if state.owes and state.circumstance is None and link_template(state) is not None:
            return state.model_copy(update={"link_asked_at": now, "links_asked": state.links_asked + 1}), None
        case CallWish.PAY_NOW:
            return open_once(
                state, CaseKind.HANDOFF, "asked on the telephone for a way to pay", now, about=_PAYING
            ), None
        case CallWish.PROMISE:
            return _promised(state, event, now), None
        case CallWish.PERSON:
            return open_once(
                state, CaseKind.HANDOFF, "asked on the telephone for a person", now, about=CaseAbout.WISH
            ), None


def link_template(state: LoanState) -> str | None:
    """The words with which this strategy offers a link; None where it never does."""
    offers = (step.template for step in state.strategy.steps if step.kind is StepKind.OFFER_LINK and step.template)
    watch = state.strategy.watch
    return next(offers, watch.template if watch is not None else None)


def link_of_use_until(state: LoanState) -> datetime | None:
    """The end of the local day on which a link that still waits was asked for; None: none waits."""
    if state.link_asked_at is None:
        return None
    tomorrow = state.facts.local_date(state.link_asked_at) + timedelta(days=1)
    return state.facts.moment(tomorrow, time(0))


def drop_link(state: LoanState, now: datetime) -> LoanState:
    """A link whose day is over is not sent any more; a person is asked instead."""
    until = link_of_use_until(state)
    if until is None or now < until:
        return state
    state = state.model_copy(update={"link_asked_at": None})
    if state.end is not None or state.ceased or not state.owes:
        return state
    return open_once(state, CaseKind.HANDOFF, LINK_NOT_SENT, now, about=_PAYING)


def _promised(state: LoanState, event: CallChoice, now: datetime) -> LoanState:
    """The whole of what is due by that day; where the strategy does not take that, a person decides about it."""
    day = event.promised_on
    if day is None:
        why = "promised by keypad to pay on a day not understood"
        return open_once(state, CaseKind.HANDOFF, why, now, about=_PAYING)
    pressed = Evidence(at=now, message_id=f"call:{event.step}:{event.occurrence}"[:128])
    amount = max(state.payable_minor, 1)
    promise = PromiseMade(amount_minor=amount, date=day, by="borrower", via=Via.KEYPAD, evidence=pressed)
    opened, refused = promise_made(state, promise, now)
    if refused is None:
        return opened
    why = f"promised by keypad to pay on {day.isoformat()}: {refused}"
    return open_once(state, CaseKind.HANDOFF, why, now, about=_PAYING)
