"""What a loan does next: one pure function from its state and the time to one action.

The workflow executes the action and asks again; simulation and `loan why` ask the same function.
"""

from __future__ import annotations

from datetime import datetime

from domain.actions import Action, AskOffers, Finish, OrderDebit, Wait
from domain.agreements.contacts import contact_of_agreement, contact_of_breach, next_contact_at
from domain.call_wishes import drop_link
from domain.cases import open_case
from domain.collection import apply
from domain.contact_orders import SendContact
from domain.contacts_due import (
    answer_contact,
    asked_link_contact,
    consent_contact,
    fallback_contact,
    funds_contact,
    notice_contact,
    open_channels,
    part_receipt_contact,
    receipt_contact,
)
from domain.conversation.offering import wants_offers
from domain.dead_addresses import nothing_is_under_way
from domain.debit_steps import debit_passed_over, is_awaited, notice_days, settle_debit, wants_debit
from domain.events.contacts import ContactOutcome, ContactReported
from domain.ledger_entries import CaseKind
from domain.loan_parts import StepRecord
from domain.loan_state import LoanState, note
from domain.notices import drop_expired
from domain.own_words import drop_words, words_contact
from domain.standing_clock import pass_time, settle_hold, step_done
from domain.strategy import Step, StepKind
from domain.unread import say_again
from domain.waiting import renewal_first, wait_until, wait_while_held


def plan(state: LoanState, now: datetime) -> tuple[LoanState, Action]:
    """The next action, and the state after everything that needs no waiting and no outside world.

    Asking again changes nothing: `plan(*plan(state, now)) == plan(state, now)`.
    """
    state = nothing_is_under_way(state)
    state = drop_link(drop_words(drop_expired(pass_time(state, now), now), now), now)
    state = settle_debit(settle_hold(state, now), now)
    while True:
        if (debit := _debit_to_tell(state)) is not None:
            return state, debit
        if state.end is not None:
            if not state.receipt_due:
                return state, Finish()
            order: SendContact | None = receipt_contact(state)
        elif (asking := wants_offers(state)) is not None:
            return state, AskOffers(asking=asking)
        elif (
            order := answer_contact(state, now)
            or asked_link_contact(state)
            or words_contact(state)
            or part_receipt_contact(state)
        ) is not None:
            pass
        elif state.stands_still is not None:
            return state, wait_while_held(state)
        elif state.agreement is not None:
            if (rests := state.contact_rests_until) is not None and now < rests:
                return state, wait_until(state, rests, "the last try could not be made")
            if (order := contact_of_agreement(state, now)) is None:
                return state, wait_until(state, next_contact_at(state, now), state.hold or "")
        elif state.ceased:
            return state, wait_until(state, state.ends_at, "the borrower asked for no more contact")
        elif is_awaited(state, now) or (
            (order := _breach(state, now) or funds_contact(state := say_again(state, now)) or notice_contact(state))
            is None
        ):
            if (rests := state.contact_rests_until) is not None and now < rests:
                unread = not is_awaited(state, now)
                return state, wait_until(state, rests, "the last try could not be made", unread=unread)
            if (order := fallback_contact(state) or consent_contact(state, now)) is None:
                if is_awaited(state, now):
                    assert state.debit is not None
                    return state, wait_until(
                        state, state.debit.waits_until, f"debit {state.debit.step} is being collected", unread=False
                    )
                state, answer = _take_step(state, now)
                if isinstance(answer, Wait):
                    return state, renewal_first(state, answer, now)
                if isinstance(answer, OrderDebit):
                    return state, answer
                order = answer
        if order is None:
            continue
        if order.channels:
            return state, order
        state, _ = apply(state, _no_channel(order), now)


def still_wanted(state: LoanState, order: SendContact, now: datetime) -> bool:
    """Whether a contact that waits for its lawful slot is still exactly what the loan would order now."""
    return plan(state, now)[1] == order


def _take_step(state: LoanState, now: datetime) -> tuple[LoanState, SendContact | OrderDebit | Wait | None]:
    """The next step: wait for it, send it, or (None) it needed nobody and is behind us."""
    step = state.next_step
    if step is None:
        return state, wait_until(state, state.ends_at, "every step is done; the loan stays open until its end")
    due = state.step_due_at(step)
    if due > now:
        return state, wait_until(state, due, f"{step.kind} {step.id} falls due")
    if (unmet := state.unmet(step.when, now)) is not None:
        record = StepRecord(step=step.id, occurrence=1, result="passed_over", at=now, because=unmet)
        place = {"called": None} if state.called is not None else {"position": state.position + 1}
        passed = {**place, "records": (*state.records, record)}
        state = debit_passed_over(state.model_copy(update=passed), (step.id,), now)
        return note(state, now, "step_passed_over", step.id), None
    if step.stage is not None and state.escalated is not step.stage:
        state = note(state.model_copy(update={"escalated": step.stage}), now, "escalated", step.stage)
    if step.kind is StepKind.HANDOFF:
        opened = open_case(
            _done(state, step, now), CaseKind.HANDOFF, f"step {step.id}", now, queue=step.queue, step=step.id
        )
        return settle_hold(opened, now), None
    if step.kind is StepKind.DEBIT and (state.debit is None or state.debit.step != step.id):
        return state, _debit(step, released=not step.funds_seen)
    if not step.channels or step.template is None:
        return _done(state, step, now), None
    return state, SendContact(
        step=step.id,
        occurrence=1,
        channels=open_channels(state, step.channels),
        template=step.template,
        with_link=step.kind is StepKind.OFFER_LINK,
        what=f"{step.kind} {step.id}",
    )


def _debit(step: Step, *, released: bool) -> OrderDebit:
    return OrderDebit(
        step=step.id,
        released=released,
        noticed=step.template is not None,
        notice_days=notice_days(step),
        what=f"debit {step.id}",
    )


def _debit_to_tell(state: LoanState) -> OrderDebit | None:
    """The records let a debit go, or keep it back, as the loan no longer wants; the bank cannot be told any more."""
    debit = state.debit
    if debit is None or debit.filed or debit.released == wants_debit(state):
        return None
    return OrderDebit(
        step=debit.step,
        occurrence=debit.occurrence,
        released=not debit.released,
        noticed=debit.noticed,
        notice_days=debit.notice_days,
        what=f"debit {debit.step} {'kept back' if debit.released else 'let go'}",
    )


def _done(state: LoanState, step: Step, now: datetime) -> LoanState:
    record = StepRecord(step=step.id, occurrence=1, result="done", at=now)
    return step_done(state.model_copy(update={"records": (*state.records, record)}), now)


def _breach(state: LoanState, now: datetime) -> SendContact | None:
    rests = state.contact_rests_until
    return contact_of_breach(state) if rests is None or now >= rests else None


def _no_channel(order: SendContact) -> ContactReported:
    return ContactReported(
        step=order.step,
        occurrence=order.occurrence,
        outcome=ContactOutcome.UNREACHABLE,
        refused=("no open channel",),
    )
