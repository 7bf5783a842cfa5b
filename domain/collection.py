"""How a loan's state changes: one pure function for each thing that can happen.

`apply` answers the new state and, where the event cannot be acted on, why. A refused event changes
nothing but the list of refusals.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.agreements.catalogue import offer_accepted, offer_approved, terms_agreed
from domain.agreements.judging import judge
from domain.agreements.making import agreement_cancelled, decline
from domain.agreements.moving import due_date_moved
from domain.agreements.promise import promise_made
from domain.call_wishes import call_choice
from domain.cases import close_case, open_case
from domain.circumstances import circumstance_reported
from domain.consent_renewal import consent_asked, consent_given
from domain.contact import Channel
from domain.contact_results import cease, contact_failed, contact_reported
from domain.conversation.another_day import overtaken
from domain.conversation.answering import reply_understood
from domain.conversation.offering import offers_made
from domain.conversation.saying import given_back
from domain.dead_addresses import written_from
from domain.debit_steps import debit_reported, debit_returned
from domain.endings import end_loan
from domain.events.agreements import (
    AgreementCancelled,
    DueDateMoved,
    OfferAccepted,
    OfferApproved,
    OffersMade,
    PlanAgreed,
    PromiseMade,
    RestructuringAgreed,
    SettlementAgreed,
)
from domain.events.balance import AskConsent, ConsentGiven, FundsSeen, WatchEnded
from domain.events.borrower import CallChoice, CircumstanceReported, OptIn, OptOut, ReplyUnderstood
from domain.events.contacts import ContactFailed, ContactReported
from domain.events.control import CaseDecision, Close, Decide, Pause, Resume
from domain.events.debits import DebitReported, DebitReturned
from domain.events.loan_event import LoanEvent
from domain.events.messages import NoticeOrdered, NoticeWithdrawn, WordsWithdrawn, WordsWritten
from domain.events.payments import PaymentReceived, PaymentRefunded, PaymentReversed
from domain.ledger_entries import PAID_ENDS, CaseKind, CaseState, LoanEnd, OptOutEntry
from domain.loan_parts import CaseAbout, ChannelWord
from domain.loan_state import LoanState, note, refuse, write
from domain.notices import notice_ordered, notice_withdrawn
from domain.own_words import words_withdrawn, words_written
from domain.pause_notes import LONGEST_PAUSE, PAUSED, RESUMED, own_pause_left, pause_noted
from domain.pauses import ended_without_campaigns_pause, paused_by_both, told_apart
from domain.payments import end_when_nothing_is_due, payment_received, payment_refunded, payment_reversed
from domain.standing_clock import pass_time, settle_hold

__all__ = ["LONGEST_PAUSE", "Refused", "apply", "not_acted_on", "pass_time", "refuse", "settle_hold", "written"]

Refused = str
_ENDS = {
    CaseDecision.RECALL: LoanEnd.RECALLED,
    CaseDecision.SELL: LoanEnd.SOLD,
    CaseDecision.WRITE_OFF: LoanEnd.WRITTEN_OFF,
}


def apply(state: LoanState, event: LoanEvent, now: datetime) -> tuple[LoanState, Refused | None]:
    """The state after `event` at `now`, and the reason if it was refused."""
    began, state = state, pass_time(state, now)
    handle: Callable[[LoanState, Any, datetime], tuple[LoanState, Refused | None]] = _HANDLERS[type(event)]
    changed, refused = handle(state, event, now)
    if refused is not None:
        return state, refused
    judged = end_when_nothing_is_due(judge(changed, now), now)
    return overtaken(began, settle_hold(judged, now)), None


def not_acted_on(state: LoanState, message: str, error: str, now: datetime) -> LoanState:
    """A message on which the rules failed with `error`, its class: kept as refused, and a person is asked to look.

    Nobody knows what it would have meant, so the loan stands still until then, or until the case lapses in its last
    queue. It has a case of its own beside other handoffs; while that one holds, the same message opens no other.
    """
    asked = any(
        case.kind is CaseKind.HANDOFF and case.holds and (case.opened_at, message[:64]) == (each.at, each.message)
        for case in state.cases
        for each in state.refusals
    )
    kept = refuse(state, message, f"the rules failed on it ({error})", now)
    reason = f"a message could not be acted on: {message[:64]}"
    if asked:
        return settle_hold(note(kept, now, CaseKind.HANDOFF, reason), now)
    return settle_hold(open_case(kept, CaseKind.HANDOFF, reason, now, about=CaseAbout.UNHEARD), now)


def written(state: LoanState, count: int) -> LoanState:
    """The first `count` entries of the outbox stand in the records."""
    return state.model_copy(update={"outbox": state.outbox[count:], "entries_written": state.entries_written + count})


def _opt_out(state: LoanState, event: OptOut, now: datetime) -> tuple[LoanState, Refused | None]:
    if event.channel == "all":
        if state.ceased:
            return state, None
        return cease(write(state, OptOutEntry(at=now, channel="all")), now), None
    said_at = now if event.at is None else min(event.at, now)
    if event.at is not None and _spoke_later(state, event.channel, said_at):
        return state, None
    state = _heard_of(state, event.channel, said_at)
    if event.channel in state.opted_out:
        return state, None
    closed = tuple(sorted({*state.opted_out, event.channel}))
    entry = OptOutEntry(at=now, channel=event.channel, said_at=event.at)
    return write(state.model_copy(update={"opted_out": closed}), entry), None


def _opt_in(state: LoanState, event: OptIn, now: datetime) -> tuple[LoanState, Refused | None]:
    """The records were opened before this was told: nothing is written."""
    said_at = min(event.at, now)
    state = written_from(state, event.channel, said_at)
    if any(word.channel is event.channel and word.at >= said_at for word in state.channel_words):
        return state, None  # of the same moment the stop counts
    opened = tuple(channel for channel in state.opted_out if channel is not event.channel)
    return _heard_of(state.model_copy(update={"opted_out": opened}), event.channel, said_at), None


def _spoke_later(state: LoanState, channel: Channel, at: datetime) -> bool:
    return any(word.channel is channel and word.at > at for word in state.channel_words)


def _heard_of(state: LoanState, channel: Channel, at: datetime) -> LoanState:
    others = tuple(word for word in state.channel_words if word.channel is not channel)
    return state.model_copy(update={"channel_words": (*others, ChannelWord(channel=channel, at=at))})


def _pause(state: LoanState, event: Pause, now: datetime) -> tuple[LoanState, Refused | None]:
    if state.end is not None:
        return state, f"the loan has ended as {state.end}"
    if event.until <= now:
        return state, "until lies in the past"
    if event.until > now + LONGEST_PAUSE:
        return state, "until lies more than ten years ahead"
    pause = "campaign_pause_until" if event.of_campaign else "own_pause_until"
    before = told_apart(state, now) if event.of_campaign else state
    paused = paused_by_both(before.model_copy(update={pause: event.until}), now)
    return note(paused, now, PAUSED, pause_noted(event.until, of_campaign=event.of_campaign)), None


def _resume(state: LoanState, event: Resume, now: datetime) -> tuple[LoanState, Refused | None]:
    if event.of_campaign and state.end in PAID_ENDS:
        if told_apart(state, now).campaign_pause_until is None:
            return state, "the loan is not paused"
        return ended_without_campaigns_pause(state, now), None
    if state.paused_until is None:
        return state, "the loan is not paused"
    if event.of_campaign and state.own_pause_until is not None:
        state = told_apart(state, now)
    if event.of_campaign and state.campaign_pause_until is None and state.own_pause_until is not None:
        return state, "the loan is paused by itself, not by its campaign"
    if event.of_campaign and state.campaign_pause_until is not None:
        left = paused_by_both(state.model_copy(update={"campaign_pause_until": None}), now)
        if left.paused_until is not None:
            return note(left, now, PAUSED, own_pause_left(left.paused_until)), None
    over = {"paused_until": None, "own_pause_until": None, "campaign_pause_until": None}
    return note(state.model_copy(update=over), now, RESUMED, "by request"), None


def _close(state: LoanState, event: Close, now: datetime) -> tuple[LoanState, Refused | None]:
    if state.end is not None:
        return state, f"the loan has ended as {state.end}"
    return end_loan(state, LoanEnd(event.reason.value), "request", now), None


def _decide(state: LoanState, event: Decide, now: datetime) -> tuple[LoanState, Refused | None]:
    case = next((c for c in state.cases if c.case_id == event.case_id), None)
    if case is None:
        return state, f"no open case {event.case_id}"
    end = _ENDS.get(event.decision)
    if end is not None and state.end is not None:
        return state, f"the loan has ended as {state.end}"
    state = close_case(
        state, case.case_id, CaseState.DECIDED, now, decision=event.decision, by=event.by, note=event.note
    )
    if end is not None:
        return end_loan(state, end, "decision", now), None
    if case.kind is CaseKind.CONTACT_DATA:
        state = state.model_copy(update={"dead_addresses": ()})
    if case.kind is CaseKind.HANDOFF:
        state = given_back(state)
    if case.kind is CaseKind.APPROVAL:
        # Decided without an approval: the lender does not offer this.
        state = decline(state, case.agreement, now)
    return state, None


def _funds_seen(state: LoanState, event: FundsSeen, now: datetime) -> tuple[LoanState, Refused | None]:
    if state.end is not None or state.ceased or state.circumstance is not None:
        return state, None
    return state.model_copy(update={"funds_seen_at": event.read_at}), None


def _watch_ended(state: LoanState, event: WatchEnded, now: datetime) -> tuple[LoanState, Refused | None]:
    return note(state.model_copy(update={"watch_over": event.reason}), now, "watch_ended", event.reason), None


_HANDLERS: dict[type, Callable[[LoanState, Any, datetime], tuple[LoanState, Refused | None]]] = {
    PaymentReceived: payment_received,
    PaymentReversed: payment_reversed,
    PaymentRefunded: payment_refunded,
    OptOut: _opt_out,
    OptIn: _opt_in,
    CircumstanceReported: circumstance_reported,
    ContactFailed: contact_failed,
    ReplyUnderstood: reply_understood,
    CallChoice: call_choice,
    NoticeOrdered: notice_ordered,
    NoticeWithdrawn: notice_withdrawn,
    WordsWritten: words_written,
    WordsWithdrawn: words_withdrawn,
    Pause: _pause,
    Resume: _resume,
    Close: _close,
    Decide: _decide,
    ContactReported: contact_reported,
    FundsSeen: _funds_seen,
    WatchEnded: _watch_ended,
    ConsentGiven: consent_given,
    AskConsent: consent_asked,
    PromiseMade: promise_made,
    AgreementCancelled: agreement_cancelled,
    PlanAgreed: terms_agreed,
    SettlementAgreed: terms_agreed,
    RestructuringAgreed: terms_agreed,
    OfferApproved: offer_approved,
    OfferAccepted: offer_accepted,
    DueDateMoved: due_date_moved,
    OffersMade: offers_made,
    DebitReported: debit_reported,
    DebitReturned: debit_returned,
}
