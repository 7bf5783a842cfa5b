"""What a loan does next: one pure function from its state and the time to one action.

The workflow executes the action and asks again; simulation and `loan why` ask the same function.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.cases import open_case
from domain.collection import apply
from domain.contact import Channel, Purpose
from domain.events import ContactOutcome, ContactReported
from domain.ledger_entries import CaseKind
from domain.loan_state import FUNDS, RECEIPT, LoanState, StepRecord, note
from domain.standing_clock import pass_time, settle_hold, step_done
from domain.strategy import Step, StepKind

REREAD_AFTER = timedelta(hours=1)
"""A balance older than this is read again before a link is sent on its strength."""


class SendContact(BaseModel):
    """Reach the borrower about `step`, by the first channel that works, at the next lawful slot."""

    model_config = ConfigDict(frozen=True)

    step: str
    occurrence: int
    channels: tuple[Channel, ...]
    template: str
    purpose: Purpose = Purpose.COLLECTION
    with_link: bool = False
    balance_read_at: AwareDatetime | None = None
    what: str


class Wait(BaseModel):
    """Nothing to do before `until` (None: until news comes), unless news comes."""

    model_config = ConfigDict(frozen=True)

    until: AwareDatetime | None
    why: str


class Finish(BaseModel):
    """The loan has ended and everything about it is done."""

    model_config = ConfigDict(frozen=True)


Action = SendContact | Wait | Finish


def plan(state: LoanState, now: datetime) -> tuple[LoanState, Action]:
    """The next action, and the state after everything that needs no waiting and no outside world.

    Asking again changes nothing: `plan(*plan(state, now)) == plan(state, now)`.
    """
    state = pass_time(state, now)
    while True:
        if state.end is not None:
            if not state.receipt_due:
                return state, Finish()
            order: SendContact | None = _receipt(state)
        elif state.hold is not None:
            return state, _wait_while_held(state)
        elif state.ceased:
            return state, _wait(state, state.ends_at, "the borrower asked for no more contact")
        elif (order := _funds_offer(state)) is None:
            if (rests := state.contact_rests_until) is not None and now < rests:
                return state, _wait(state, rests, "the last try could not be made")
            if (order := _fallback(state)) is None:
                state, answer = _take_step(state, now)
                if isinstance(answer, Wait):
                    return state, answer
                order = answer
        if order is None:
            continue
        if order.channels:
            return state, order
        state, _ = apply(state, _no_channel(order), now)


def _take_step(state: LoanState, now: datetime) -> tuple[LoanState, SendContact | Wait | None]:
    """The next step: wait for it, send it, or (None) it needed nobody and is behind us."""
    step = state.next_step
    if step is None:
        return state, _wait(state, state.ends_at, "every step is done; the loan stays open until its end")
    due = state.step_due_at(step)
    if due > now:
        return state, _wait(state, due, f"{step.kind} {step.id} falls due")
    if (unmet := state.unmet(step.when, now)) is not None:
        record = StepRecord(step=step.id, occurrence=1, result="passed_over", at=now, because=unmet)
        passed = {"position": state.position + 1, "records": (*state.records, record)}
        return note(state.model_copy(update=passed), now, "step_passed_over", step.id), None
    if step.stage is not None and state.escalated is not step.stage:
        state = note(state.model_copy(update={"escalated": step.stage}), now, "escalated", step.stage)
    if step.kind is StepKind.HANDOFF:
        opened = open_case(
            _done(state, step, now), CaseKind.HANDOFF, f"step {step.id}", now, queue=step.queue, step=step.id
        )
        return settle_hold(opened, now), None
    if not step.channels or step.template is None:
        return _done(state, step, now), None
    return state, SendContact(
        step=step.id,
        occurrence=1,
        channels=_open(state, step.channels),
        template=step.template,
        with_link=step.kind is StepKind.OFFER_LINK,
        what=f"{step.kind} {step.id}",
    )


def _done(state: LoanState, step: Step, now: datetime) -> LoanState:
    record = StepRecord(step=step.id, occurrence=1, result="done", at=now)
    return step_done(state.model_copy(update={"records": (*state.records, record)}), now)


def _open(state: LoanState, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    return tuple(channel for channel in channels if channel not in state.closed_channels)


def _no_channel(order: SendContact) -> ContactReported:
    return ContactReported(
        step=order.step,
        occurrence=order.occurrence,
        outcome=ContactOutcome.UNREACHABLE,
        refused=("no open channel",),
    )


def still_wanted(state: LoanState, order: SendContact, now: datetime) -> bool:
    """Whether a contact that waits for its lawful slot is still exactly what the loan would order now."""
    return plan(state, now)[1] == order


def watch_wanted(state: LoanState) -> bool:
    """Whether the borrower's balance should be looked at now."""
    watch = state.strategy.watch
    return (
        watch is not None
        and state.facts.consent
        and state.end is None
        and state.watch_over is None
        and state.circumstance is None
        and not state.ceased
        and state.paused_until is None
        and state.funds_seen_at is None
        and state.offers_made < watch.max_offers
        and (watch.after_step is None or state.done(watch.after_step) is not None)
        and bool(_open(state, watch.channels))
    )


def _receipt(state: LoanState) -> SendContact:
    receipt = state.strategy.receipt
    assert receipt is not None
    return SendContact(
        step=RECEIPT,
        occurrence=state.ends_count,
        channels=_open(state, receipt.channels),
        template=receipt.template,
        purpose=Purpose.TRANSACTIONAL,
        what="receipt",
    )


def _funds_offer(state: LoanState) -> SendContact | None:
    watch = state.strategy.watch
    if watch is None or state.funds_seen_at is None:
        return None
    return SendContact(
        step=FUNDS,
        occurrence=state.offers_made + 1,
        channels=_open(state, watch.channels),
        template=watch.template,
        with_link=True,
        balance_read_at=state.funds_seen_at,
        what="payment link: the money is there",
    )


def _fallback(state: LoanState) -> SendContact | None:
    again = state.fallback
    step = state.strategy.find_step(again.step) if again is not None else None
    if again is None or step is None or step.template is None:
        return None
    return SendContact(
        step=step.id,
        occurrence=again.occurrence,
        channels=_open(state, again.channels),
        template=step.template,
        with_link=step.kind is StepKind.OFFER_LINK,
        what=f"{step.kind} {step.id} by another channel",
    )


def _wait_while_held(state: LoanState) -> Wait:
    hold = state.hold
    assert hold is not None
    return _wait(state, state.paused_until, hold)


def _wait(state: LoanState, until: datetime | None, why: str) -> Wait:
    """Wait until then, a case's SLA or the strategy's end, whichever is first."""
    moments: list[tuple[datetime, str]] = [] if until is None else [(until, why)]
    moments += [
        (case.sla_at, f"case {case.case_id} in {case.queue} must be decided") for case in state.cases if not case.lapsed
    ]
    if state.held_since is None:
        moments.append((state.ends_at, "the strategy's time is over"))
    if not moments:
        return Wait(until=None, why=why)
    first, reason = min(moments, key=lambda moment: moment[0])
    return Wait(until=first, why=why if first == until else reason)
