"""How a loan's state changes: one pure function for each thing that can happen.

`apply` answers the new state and, where the event cannot be acted on, why. A refused event changes
nothing but the list of refusals.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from domain.cases import close_case, close_cases, lapse_case, open_case
from domain.events import (
    AddressFailure,
    CaseDecision,
    CircumstanceReported,
    Close,
    ContactFailed,
    ContactOutcome,
    ContactReported,
    Decide,
    FundsSeen,
    LoanEvent,
    OptOut,
    Pause,
    PaymentReceived,
    PaymentReversed,
    Resume,
    WatchEnded,
)
from domain.ledger_entries import (
    AddressEntry,
    CaseKind,
    CaseState,
    EndEntry,
    LedgerEntry,
    LoanEnd,
    OptOutEntry,
    PaymentEntry,
    ReopenedEntry,
    ReversalEntry,
)
from domain.loan_state import (
    FUNDS,
    RECEIPT,
    REFUSALS_KEPT,
    Fallback,
    LoanState,
    Refusal,
    StepRecord,
    note,
    position_for,
    write,
)
from domain.loans import Payment

Refused = str
_ENDS = {
    CaseDecision.RECALL: LoanEnd.RECALLED,
    CaseDecision.SELL: LoanEnd.SOLD,
    CaseDecision.WRITE_OFF: LoanEnd.WRITTEN_OFF,
}


def apply(state: LoanState, event: LoanEvent, now: datetime) -> tuple[LoanState, Refused | None]:
    """The state after `event` at `now`, and the reason if it was refused."""
    state = pass_time(state, now)
    handle: Callable[[LoanState, Any, datetime], tuple[LoanState, Refused | None]] = _HANDLERS[type(event)]
    changed, refused = handle(state, event, now)
    if refused is not None:
        return state, refused
    return settle_hold(changed, now), None


def refuse(state: LoanState, message: str, reason: str, now: datetime) -> LoanState:
    """Keep that a message was not acted on; the oldest refusals make room."""
    kept = (*state.refusals, Refusal(at=now, message=message[:64], reason=reason[:300]))[-REFUSALS_KEPT:]
    return state.model_copy(update={"refusals": kept, "refusal_count": state.refusal_count + 1})


def pass_time(state: LoanState, now: datetime) -> LoanState:
    """What has come about by the clock alone: a pause is over, a case is past its SLA, time is up."""
    if state.end is not None:
        return state
    if state.paused_until is not None and now >= state.paused_until:
        over = state.paused_until
        state = settle_hold(state.model_copy(update={"paused_until": None}), over)
        state = note(state, over, "resumed", "the pause was over")
    for case in state.cases:
        if not case.lapsed and now >= case.sla_at:
            state = settle_hold(lapse_case(state, case.case_id, now), now)
    if state.circumstance is None and now >= state.ends_at and state.held_since is None:
        state = _end(state, LoanEnd.NOT_CURED, "strategy", now)
    return state


def settle_hold(state: LoanState, now: datetime) -> LoanState:
    """Start or stop the standing clock to match the reasons for holding."""
    if state.hold is not None and state.held_since is None:
        return state.model_copy(update={"held_since": now})
    if state.hold is None and state.held_since is not None:
        stood = max(now - state.held_since, timedelta())
        return state.model_copy(
            update={
                "held_since": None,
                "clock_shift": state.clock_shift + stood,
                "base_shift": state.base_shift + stood,
            }
        )
    return state


def written(state: LoanState, count: int) -> LoanState:
    """The first `count` entries of the outbox stand in the records."""
    return state.model_copy(
        update={"outbox": state.outbox[count:], "entries_written": state.entries_written + count}
    )


def _payment_received(state: LoanState, event: PaymentReceived, now: datetime) -> tuple[LoanState, Refused | None]:
    known = next((p for p in state.payments if p.key == (event.provider, event.payment_id)), None)
    if known is not None:
        if known.amount_minor == event.amount_minor and event.currency == state.facts.currency:
            return state, None
        return state, "this payment is already recorded with another amount"
    if event.currency != state.facts.currency:
        wanted = f"payment in {event.currency}, the loan is in {state.facts.currency}"
        if any(case.kind is CaseKind.PAYMENT_QUERY for case in state.cases) or state.end is not None:
            return state, wanted
        return refuse(open_case(state, CaseKind.PAYMENT_QUERY, wanted, now), "payment_received", wanted, now), None
    reversed_before = event.payment_id in state.early_reversals
    payment = Payment(
        provider=event.provider,
        payment_id=event.payment_id,
        amount_minor=event.amount_minor,
        paid_at=event.paid_at,
        reversed=reversed_before,
    )
    entries: list[LedgerEntry] = [PaymentEntry(at=now, payment=payment, currency=event.currency)]
    if reversed_before:
        entries.append(ReversalEntry(at=now, provider=event.provider, payment_id=event.payment_id))
    state = write(
        state.model_copy(
            update={
                "payments": (*state.payments, payment),
                "early_reversals": tuple(i for i in state.early_reversals if i != event.payment_id),
                "funds_seen_at": None if not reversed_before else state.funds_seen_at,
            }
        ),
        *entries,
    )
    if state.balance_minor > 0 or reversed_before:
        return state, None
    if state.end in (None, LoanEnd.NOT_CURED):
        state = _retract(state, payment, now)
        state = _end(state, LoanEnd.CURED, "payment", now)
    if state.balance_minor < 0 and state.end is LoanEnd.CURED:
        state = open_case(state, CaseKind.REFUND, "the borrower paid more than was due", now)
    return state, None


def _retract(state: LoanState, payment: Payment, now: datetime) -> LoanState:
    """Cases that exist only because this payment was not yet known are taken back."""
    early = [c for c in state.cases if c.caused_by_debt and payment.paid_at <= c.opened_at]
    for case in early:
        state = close_case(state, case.case_id, CaseState.RETRACTED, now, note="paid before the case was opened")
    return state


def _payment_reversed(state: LoanState, event: PaymentReversed, now: datetime) -> tuple[LoanState, Refused | None]:
    matches = [p for p in state.payments if p.payment_id == event.payment_id and event.provider in (None, p.provider)]
    if len(matches) > 1:
        return state, "the payment id stands for several providers: name the provider"
    if not matches:
        if event.payment_id in state.early_reversals:
            return state, None
        early = (*state.early_reversals, event.payment_id)[-REFUSALS_KEPT:]
        return note(state.model_copy(update={"early_reversals": early}), now, "reversal_before_payment"), None
    payment = matches[0]
    if payment.reversed:
        return state, None
    taken_back = tuple(p.model_copy(update={"reversed": True}) if p.key == payment.key else p for p in state.payments)
    state = write(
        state.model_copy(update={"payments": taken_back}),
        ReversalEntry(at=now, provider=payment.provider, payment_id=payment.payment_id),
    )
    if state.balance_minor <= 0:
        return state, None
    state = close_cases(state, CaseKind.REFUND, CaseState.RETRACTED, now, note="a payment was reversed")
    if state.end is LoanEnd.CURED:
        state = _reopen(state, now)
    return state, None


def _reopen(state: LoanState, now: datetime) -> LoanState:
    """A cured loan goes on at the step its days past due call for, never at one that was already done."""
    called_for = position_for(state, state.facts.local_date(now))
    passed = state.strategy.steps[state.position : called_for]
    skipped = tuple(
        StepRecord(step=step.id, occurrence=1, result="before_entry", at=now, because="the loan was cured then")
        for step in passed
    )
    return write(
        state.model_copy(
            update={
                "end": None,
                "ended_by": None,
                "receipt_due": False,
                "position": max(state.position, called_for),
                "records": (*state.records, *skipped),
                "base_at": now,
                "base_shift": timedelta(),
                "ends_base": now - state.clock_shift,
                "watch_rests_until": None,
            }
        ),
        ReopenedEntry(at=now, why="a payment was reversed"),
    )


def _opt_out(state: LoanState, event: OptOut, now: datetime) -> tuple[LoanState, Refused | None]:
    if event.channel == "all":
        if state.ceased:
            return state, None
        state = write(state.model_copy(update={"ceased": True}), OptOutEntry(at=now, channel="all"))
        if state.end is None:
            state = open_case(state, CaseKind.CEASE, "the borrower asked for no more contact", now)
        return state, None
    if event.channel in state.opted_out:
        return state, None
    closed = tuple(sorted({*state.opted_out, event.channel}))
    return write(state.model_copy(update={"opted_out": closed}), OptOutEntry(at=now, channel=event.channel)), None


def _circumstance(state: LoanState, event: CircumstanceReported, now: datetime) -> tuple[LoanState, Refused | None]:
    if state.end is not None:
        return state, f"the loan has ended as {state.end}"
    if state.circumstance is not None:
        return note(state, now, "circumstance_reported", event.kind), None
    state = state.model_copy(update={"circumstance": event.kind, "funds_seen_at": None})
    return open_case(state, CaseKind.CIRCUMSTANCE, f"{event.kind} reported", now, queue=event.kind), None


def _contact_failed(state: LoanState, event: ContactFailed, now: datetime) -> tuple[LoanState, Refused | None]:
    dead = event.reason is not AddressFailure.UNDELIVERED
    if dead and event.channel not in state.dead_addresses:
        closed = tuple(sorted({*state.dead_addresses, event.channel}))
        state = write(
            state.model_copy(update={"dead_addresses": closed}),
            AddressEntry(at=now, channel=event.channel, reason=event.reason),
        )
    record = state.done(event.step)
    if record is None or record.occurrence != event.occurrence or record.channel is not event.channel:
        return state, None
    if state.end is not None or event.step in (FUNDS, RECEIPT) or record.result != "sent":
        return state, None
    tried = {r.channel for r in state.records if r.step == event.step}
    left = tuple(c for c in state.strategy.step(event.step).channels if c not in tried)
    records = tuple(r.model_copy(update={"result": "not_delivered"}) if r is record else r for r in state.records)
    state = state.model_copy(update={"records": records})
    if left:
        again = Fallback(step=event.step, occurrence=event.occurrence + 1, channels=left)
        return state.model_copy(update={"fallback": again}), None
    return _find_contact_data(state, now) if dead else state, None


def _find_contact_data(state: LoanState, now: datetime) -> LoanState:
    if any(case.kind is CaseKind.CONTACT_DATA for case in state.cases):
        return state
    return open_case(state, CaseKind.CONTACT_DATA, "no address of the borrower works: find contact data", now)


def _pause(state: LoanState, event: Pause, now: datetime) -> tuple[LoanState, Refused | None]:
    if state.end is not None:
        return state, f"the loan has ended as {state.end}"
    if event.until <= now:
        return state, "until lies in the past"
    if event.until > now + timedelta(days=3650):
        return state, "until lies more than ten years ahead"
    return note(state.model_copy(update={"paused_until": event.until}), now, "paused", event.until.isoformat()), None


def _resume(state: LoanState, event: Resume, now: datetime) -> tuple[LoanState, Refused | None]:
    if state.paused_until is None:
        return state, "the loan is not paused"
    return note(state.model_copy(update={"paused_until": None}), now, "resumed", "by request"), None


def _close(state: LoanState, event: Close, now: datetime) -> tuple[LoanState, Refused | None]:
    if state.end is not None:
        return state, f"the loan has ended as {state.end}"
    return _end(state, LoanEnd(event.reason.value), "request", now), None


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
    if case.kind is CaseKind.CIRCUMSTANCE:
        state = state.model_copy(update={"circumstance": None})
    if case.kind is CaseKind.CONTACT_DATA and end is None:
        state = state.model_copy(update={"dead_addresses": ()})
    if end is not None:
        state = _end(state, end, "decision", now)
    return state, None


def _end(state: LoanState, end: LoanEnd, by: str, now: datetime) -> LoanState:
    for case in state.cases:
        if case.kind is not CaseKind.REFUND:
            state = close_case(state, case.case_id, CaseState.CLOSED, now, note=f"the loan ended as {end}")
    ended = state.model_copy(
        update={
            "end": end,
            "ended_by": by,
            "ends_count": state.ends_count + 1,
            "paused_until": None,
            "circumstance": None,
            "held_since": None,
            "fallback": None,
            "funds_seen_at": None,
            "receipt_due": end is LoanEnd.CURED and state.strategy.receipt is not None and not state.ceased,
        }
    )
    return write(ended, EndEntry(at=now, end=end, by=by))


def _contact_reported(state: LoanState, event: ContactReported, now: datetime) -> tuple[LoanState, Refused | None]:
    dead = tuple(c for c in event.closed if c not in state.dead_addresses)
    state = state.model_copy(update={"dead_addresses": tuple(sorted({*state.dead_addresses, *dead}))})
    if event.step == RECEIPT:
        return state.model_copy(update={"receipt_due": False}), None
    if event.step == FUNDS:
        return _offer_reported(state, event, now), None
    if event.outcome in (ContactOutcome.NOT_WANTED, ContactOutcome.FUNDS_GONE):
        return state, None
    sent = event.outcome is ContactOutcome.SENT
    record = StepRecord(
        step=event.step,
        occurrence=event.occurrence,
        result="sent" if sent else "unreachable",
        at=now,
        channel=event.channel,
        because=", ".join(event.refused),
    )
    fallback = state.fallback is not None and state.fallback.step == event.step
    state = state.model_copy(update={"records": (*state.records, record), "fallback": None})
    if not fallback:
        state = state.model_copy(update={"position": state.position + 1, "base_at": now, "base_shift": timedelta()})
    if sent or state.end is not None:
        return state, None
    if event.ceased:
        return _ceased_elsewhere(state, now), None
    return _find_contact_data(state, now), None


def _ceased_elsewhere(state: LoanState, now: datetime) -> LoanState:
    """The person asked for no contact, about this or another of their loans."""
    if state.ceased:
        return state
    ceased = state.model_copy(update={"ceased": True, "funds_seen_at": None})
    return open_case(ceased, CaseKind.CEASE, "the borrower asked for no more contact", now)


def _offer_reported(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    watch = state.strategy.watch
    assert watch is not None
    if event.outcome is ContactOutcome.NOT_WANTED:
        return state
    if event.outcome is ContactOutcome.FUNDS_GONE:
        return state.model_copy(update={"funds_seen_at": None})
    made = StepRecord(
        step=FUNDS,
        occurrence=event.occurrence,
        result="sent" if event.outcome is ContactOutcome.SENT else "unreachable",
        at=now,
        channel=event.channel,
        because=", ".join(event.refused),
    )
    if event.ceased and state.end is None:
        state = _ceased_elsewhere(state, now)
    return state.model_copy(
        update={
            "funds_seen_at": None,
            "offers_made": state.offers_made + 1,
            "watch_rests_until": now + timedelta(days=watch.rest_days),
            "records": (*state.records, made),
        }
    )


def _funds_seen(state: LoanState, event: FundsSeen, now: datetime) -> tuple[LoanState, Refused | None]:
    if state.end is not None or state.balance_minor <= 0:
        return state, None
    return state.model_copy(update={"funds_seen_at": event.read_at}), None


def _watch_ended(state: LoanState, event: WatchEnded, now: datetime) -> tuple[LoanState, Refused | None]:
    return note(state.model_copy(update={"watch_over": event.reason}), now, "watch_ended", event.reason), None


_HANDLERS: dict[type, Callable[[LoanState, Any, datetime], tuple[LoanState, Refused | None]]] = {
    PaymentReceived: _payment_received,
    PaymentReversed: _payment_reversed,
    OptOut: _opt_out,
    CircumstanceReported: _circumstance,
    ContactFailed: _contact_failed,
    Pause: _pause,
    Resume: _resume,
    Close: _close,
    Decide: _decide,
    ContactReported: _contact_reported,
    FundsSeen: _funds_seen,
    WatchEnded: _watch_ended,
}
