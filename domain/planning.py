"""What a loan does next: one pure function from its state and the time to one action.

The workflow executes the action and asks again; simulation and `loan why` ask the same function.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.agreements.contacts import (
    LOOK_DAYS_BEFORE,
    contact_of_agreement,
    contact_of_breach,
    next_contact_at,
)
from domain.agreements.judging import left_of, messages_of, next_moment, next_unpaid
from domain.agreements.model import AgreementKind, AgreementState
from domain.call_wishes import LINK_CHANNELS, drop_link, link_of_use_until, link_template
from domain.cases import open_case
from domain.collection import apply
from domain.consent_renewal import renewal_at, to_ask
from domain.contact import Channel, Purpose
from domain.contact_orders import ASKED, CONSENT, FUNDS, PART_RECEIPT, RECEIPT, Agreed
from domain.contact_orders import SendContact as SendContact
from domain.conversation.another_day import may_be_asked
from domain.conversation.answering import channels_of
from domain.conversation.model import REPLY, AnswerKind, Asking
from domain.conversation.offering import may_be_said, wants_offers
from domain.dead_addresses import nothing_is_under_way
from domain.debit_steps import debit_passed_over, is_awaited, notice_days, settle_debit, wants_debit
from domain.events.contacts import ContactOutcome, ContactReported
from domain.ledger_entries import CaseKind
from domain.loan_parts import StepRecord
from domain.loan_state import LoanState, note
from domain.notices import drop_expired, step_of
from domain.own_words import drop_words, words_contact
from domain.standing_clock import pass_time, settle_hold, step_done
from domain.strategy import AmountThreshold, Step, StepKind, Threshold
from domain.unread import say_again, unread_due_at

REREAD_AFTER = timedelta(hours=1)
"""A balance older than this is read again before a link is sent on its strength."""


class OrderDebit(BaseModel):
    """Have the debit of `step` stand in the records, to be filed when it is due; not `released`: kept back."""

    model_config = ConfigDict(frozen=True)

    step: str
    occurrence: int = 1
    released: bool
    noticed: bool
    notice_days: int
    what: str


class AskOffers(BaseModel):
    """Ask the offer engine what the machine may offer a borrower who wants to pay otherwise."""

    model_config = ConfigDict(frozen=True)

    asking: Asking
    what: str = "what may be offered"


class Wait(BaseModel):
    """Nothing to do before `until` (None: until news comes), unless news comes."""

    model_config = ConfigDict(frozen=True)

    until: AwareDatetime | None
    why: str


class Finish(BaseModel):
    """The loan has ended and everything about it is done."""

    model_config = ConfigDict(frozen=True)


Action = SendContact | OrderDebit | AskOffers | Wait | Finish


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
            order: SendContact | None = _receipt(state)
        elif (asking := wants_offers(state)) is not None:
            return state, AskOffers(asking=asking)
        elif (
            order := _answer(state, now) or _asked_link(state) or words_contact(state) or _part_receipt(state)
        ) is not None:
            pass
        elif state.stands_still is not None:
            return state, _wait_while_held(state)
        elif state.agreement is not None:
            if (rests := state.contact_rests_until) is not None and now < rests:
                return state, _wait(state, rests, "the last try could not be made")
            if (order := contact_of_agreement(state, now)) is None:
                return state, _wait(state, next_contact_at(state, now), state.hold or "")
        elif state.ceased:
            return state, _wait(state, state.ends_at, "the borrower asked for no more contact")
        elif is_awaited(state, now) or (
            (order := _breach(state, now) or _funds_offer(state := say_again(state, now)) or _notice(state)) is None
        ):
            if (rests := state.contact_rests_until) is not None and now < rests:
                unread = not is_awaited(state, now)
                return state, _wait(state, rests, "the last try could not be made", unread=unread)
            if (order := _fallback(state) or _consent_request(state, now)) is None:
                if is_awaited(state, now):
                    assert state.debit is not None
                    return state, _wait(
                        state, state.debit.waits_until, f"debit {state.debit.step} is being collected", unread=False
                    )
                state, answer = _take_step(state, now)
                if isinstance(answer, Wait):
                    return state, _renewal_first(state, answer, now)
                if isinstance(answer, OrderDebit):
                    return state, answer
                order = answer
        if order is None:
            continue
        if order.channels:
            return state, order
        state, _ = apply(state, _no_channel(order), now)


def _take_step(state: LoanState, now: datetime) -> tuple[LoanState, SendContact | OrderDebit | Wait | None]:
    """The next step: wait for it, send it, or (None) it needed nobody and is behind us."""
    step = state.next_step
    if step is None:
        return state, _wait(state, state.ends_at, "every step is done; the loan stays open until its end")
    due = state.step_due_at(step)
    if due > now:
        return state, _wait(state, due, f"{step.kind} {step.id} falls due")
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
        channels=_open(state, step.channels),
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


def _breach(state: LoanState, now: datetime) -> SendContact | None:
    rests = state.contact_rests_until
    return contact_of_breach(state) if rests is None or now >= rests else None


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
        return link is not None and not offered and bool(_open(state, link.channels))
    return (
        state.offers_made < watch.max_offers
        and (watch.after_step is None or state.done(watch.after_step) is not None)
        and bool(_open(state, watch.channels))
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


def _part_receipt(state: LoanState) -> SendContact | None:
    """One receipt for what was paid since the last. It answers the borrower, so it goes out while the loan is held."""
    receipt = state.strategy.receipt
    if receipt is None or receipt.part_template is None or state.ceased:
        return None
    if all(payment.reversed for payment in state.payments[state.payments_receipted :]):
        return None
    return SendContact(
        step=PART_RECEIPT,
        occurrence=len(state.payments),
        channels=_open(state, receipt.channels),
        template=receipt.part_template,
        purpose=Purpose.TRANSACTIONAL,
        what="receipt of a part payment",
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


def _asked_link(state: LoanState) -> SendContact | None:
    """An answer to the borrower: it goes out while the loan is held too, unless what holds it is their distress."""
    template = link_template(state)
    until = link_of_use_until(state)
    if until is None or template is None or state.ceased or not state.owes or state.circumstance is not None:
        return None
    return SendContact(
        step=ASKED,
        occurrence=state.links_asked,
        channels=_open(state, LINK_CHANNELS),
        template=template,
        purpose=Purpose.REPLY,
        with_link=True,
        give_up_at=until,
        what="payment link that was asked for",
    )


def _answer(state: LoanState, now: datetime) -> SendContact | None:
    """The answer to a message of the borrower goes out while the loan is held too."""
    answer = state.conversation.answer if state.conversation is not None else None
    if answer is None or state.ceased or not (may_be_said(state, answer, now) and may_be_asked(state, answer)):
        return None
    about = next((a for a in state.agreements if a.number == answer.agreement), None)
    agreed = Agreed(amount_minor=about.total_minor, due=about.last_due) if about is not None else None
    if answer.amount_minor is not None and answer.on is not None:
        agreed = Agreed(amount_minor=answer.amount_minor, due=answer.on)
    template: str = answer.kind
    if answer.kind is AnswerKind.HOW_TO_PAY and (kept := _kept_payment(state, answer.channel)) is not None:
        template, agreed = kept
    return SendContact(
        step=REPLY,
        occurrence=answer.number,
        channels=channels_of(state, answer),
        template=template,
        purpose=Purpose.REPLY,
        with_link=answer.kind == AnswerKind.HOW_TO_PAY,
        agreed=agreed,
        payments=tuple(Agreed(amount_minor=i.amount_minor, due=i.due) for i in about.instalments) if about else (),
        faq=answer.faq,
        answer_by=answer.on if agreed is None else None,
        what=f"answer {answer.kind.removeprefix('reply_').replace('_', ' ')}",
    )


def _kept_payment(state: LoanState, channel: Channel) -> tuple[str, Agreed] | None:
    """Who asks how to pay while an agreement is kept is asked for its next payment, not for the debt."""
    agreement = state.agreement
    covered = next_unpaid(state, agreement) if agreement is not None else None
    link = messages_of(state.strategy, agreement.kind).link if agreement is not None else None
    if covered is None or link is None or channel not in link.channels:
        return None
    return link.template, Agreed(amount_minor=left_of(state, covered), due=covered.instalment.due)


def _notice(state: LoanState) -> SendContact | None:
    if not state.notices:
        return None
    first = state.notices[0]
    return SendContact(
        step=step_of(first.notice_id),
        occurrence=1,
        channels=_open(state, first.channels),
        template=first.template,
        with_link=first.with_link,
        give_up_at=first.until,
        what=f"one-off message {first.notice_id}",
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
        unless_read=again.unless_read,
        what=f"{step.kind} {step.id} by another channel",
    )


def _consent_request(state: LoanState, now: datetime) -> SendContact | None:
    if (due := to_ask(state, now)) is None:
        return None
    watch, occurrence = due
    return SendContact(
        step=CONSENT,
        occurrence=occurrence,
        channels=_open(state, watch.channels),
        template=watch.renew_template,
        what="consent: a new one is asked for",
    )


def _renewal_first(state: LoanState, wait: Wait, now: datetime) -> Wait:
    due = renewal_at(state)
    if due is None or due <= now or (wait.until is not None and wait.until <= due):
        return wait
    return Wait(until=due, why="the consent must be renewed")


def _wait_while_held(state: LoanState) -> Wait:
    hold = state.stands_still
    assert hold is not None
    return _wait(state, state.paused_until, hold)


def _wait(state: LoanState, until: datetime | None, why: str, *, unread: bool = True) -> Wait:
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
