"""How an ordered contact ended, and what is known later about messages that did not arrive."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.agreements.contacts import agreement_contact_reported
from domain.agreements.model import MESSAGES
from domain.call_wishes import LINK_NOT_SENT
from domain.cases import open_case, open_once
from domain.consent_renewal import NOT_RENEWED, asked, channels_of
from domain.contact import Channel
from domain.contact_orders import ASKED, CONSENT, FUNDS, PART_RECEIPT, RECEIPT
from domain.conversation.answering import answer_reported
from domain.conversation.model import REPLY
from domain.dead_addresses import found_dead, reported_dead
from domain.debit_steps import notice_reported
from domain.events.contacts import AddressFailure, ContactFailed, ContactOutcome, ContactReported
from domain.ledger_entries import AddressEntry, CaseKind
from domain.loan_parts import CaseAbout, Fallback, StepRecord
from domain.loan_state import EARLY_NEWS_KEPT, LoanState, note, write
from domain.notices import is_notice, one_off_reported
from domain.own_words import is_words, words_reported
from domain.standing_clock import step_done
from domain.unread import watch_reading

TRY_AGAIN_AFTER = timedelta(days=1)
_ADDRESSED = frozenset({Channel.SMS, Channel.EMAIL, Channel.WHATSAPP})
_TOUCHES = frozenset({"sent", "not_delivered", "unreachable", "done"})
_PASSED = frozenset({"passed_over", "before_entry"})


def contact_reported(state: LoanState, event: ContactReported, now: datetime) -> tuple[LoanState, str | None]:
    state = reported_dead(state, event, now)
    if event.step in MESSAGES:
        known = _heard_before(state, event)
        state = agreement_contact_reported(state, event, now)
        if known:
            return state, None
        if event.outcome is ContactOutcome.UNREACHABLE:
            return _unreachable(state, event, now), None
        return (_hear_early_failure(state, event, now) if event.outcome is ContactOutcome.SENT else state), None
    if _heard_before(state, event):
        return _without_fallback(state, event), None
    if event.outcome is ContactOutcome.FAILED:
        state = note(state, now, "contact_given_up", event.step)
    if event.step == REPLY:
        return answer_reported(state, event, now), None
    if is_notice(event.step):
        return _one_off_reported(state, event, now), None
    if _is_of_a_person(state, event.step):
        return _words_reported(state, event, now), None
    if event.step == RECEIPT:
        due = state.receipt_due and event.occurrence != state.ends_count
        # Of what came after it was ordered it is no receipt.
        of_this_end = state.end is not None and event.occurrence == state.ends_count
        told = len(state.payments) if of_this_end and event.outcome is ContactOutcome.SENT else 0
        covered = max(state.payments_receipted, told)
        return state.model_copy(update={"receipt_due": due, "payments_receipted": covered}), None
    if event.step == PART_RECEIPT:
        covered = max(state.payments_receipted, event.occurrence)
        return state.model_copy(update={"payments_receipted": covered}), None
    if event.step == FUNDS:
        return _offer_reported(state, event, now), None
    if event.step == CONSENT:
        return _consent_reported(state, event, now), None
    if event.step == ASKED:
        return _asked_link_reported(state, event, now), None
    if event.outcome is ContactOutcome.SEEN:
        return state.model_copy(update={"fallback": None}), None
    if event.outcome in (ContactOutcome.NOT_WANTED, ContactOutcome.FUNDS_GONE, ContactOutcome.FAILED):
        return state.model_copy(update={"contact_rests_until": now + TRY_AGAIN_AFTER}), None
    fallback = state.fallback is not None and state.fallback.step == event.step
    next_step = state.next_step
    state = _recorded(state, event, now).model_copy(
        update={"contact_rests_until": None, "fallback": None if fallback else state.fallback}
    )
    if not fallback and next_step is not None and next_step.id == event.step:
        state = step_done(state, now)
    state = notice_reported(state, event.step, event.outcome is ContactOutcome.SENT, now)
    if event.outcome is not ContactOutcome.SENT:
        return _unreachable(state, event, now), None
    state = watch_reading(state, event, now)
    return _hear_early_failure(state, event, now), None


def _without_fallback(state: LoanState, event: ContactReported) -> LoanState:
    """What was said already is not waited for: asked for again, it would be answered the same for ever."""
    waits = state.fallback
    if waits is None or (waits.step, waits.occurrence) != (event.step, event.occurrence):
        return state
    return state.model_copy(update={"fallback": None})


def _one_off_reported(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    state = one_off_reported(state, event, now)
    if event.outcome is ContactOutcome.SENT:
        return _hear_early_failure(state, event, now)
    return cease(state, now) if event.ceased and state.end is None else state


def _words_reported(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    if event.ceased and state.end is None:
        state = cease(state, now)
    state = words_reported(state, event, now)
    return _hear_early_failure(state, event, now) if event.outcome is ContactOutcome.SENT else state


def _is_of_a_person(state: LoanState, step: str) -> bool:
    """Whether it is a person's words, and not a step whose name only looks like theirs."""
    return is_words(step) and state.strategy.find_step(step) is None


_NOT_THE_ADDRESS = frozenset({AddressFailure.UNDELIVERED, AddressFailure.TRY_AGAIN})


def _heard_before(state: LoanState, event: ContactReported) -> bool:
    if event.step == FUNDS:
        return event.occurrence <= state.offers_made
    if event.step == ASKED and event.outcome is ContactOutcome.SENT:
        # Dropped while it left: it left.
        return event.occurrence > state.links_asked or any(_is_of(r, event) for r in state.records)
    if event.step == ASKED:
        return state.link_asked_at is None or event.occurrence != state.links_asked
    if event.outcome is ContactOutcome.SENT and (is_notice(event.step) or _is_of_a_person(state, event.step)):
        # Withdrawn or dropped while it left: it left.
        return any(r.step == event.step and r.result != "not_sent" for r in state.records)
    awaited = state.next_step is not None and state.next_step.id == event.step
    return not awaited and any(_is_of(r, event) and r.result not in _PASSED for r in state.records)


def _is_of(record: StepRecord, event: ContactReported | ContactFailed) -> bool:
    return (record.step, record.occurrence) == (event.step, event.occurrence)


def _recorded(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    record = StepRecord(
        step=event.step,
        occurrence=event.occurrence,
        result="sent" if event.outcome is ContactOutcome.SENT else "unreachable",
        at=now,
        channel=event.channel,
        because=", ".join(event.refused),
    )
    # A step that was passed over while its message was under way was not passed over.
    others = tuple(r for r in state.records if not (_is_of(r, event) and r.result in _PASSED))
    return state.model_copy(update={"records": (*others, record)})


def _unreachable(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    if state.end is not None:
        return state
    return cease(state, now) if event.ceased else _find_contact_data(state, now)


def cease(state: LoanState, now: datetime) -> LoanState:
    """The person asked for no contact, about this or another of their loans."""
    if state.ceased:
        return state
    ceased = state.model_copy(
        update={"ceased": True, "funds_seen_at": None, "fallback": None, "receipt_due": False, "unread": None}
    )
    if state.end is not None:
        return ceased
    return open_case(ceased, CaseKind.CEASE, "the borrower asked for no more contact", now)


def _offer_reported(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    watch = state.strategy.watch
    state = state.model_copy(update={"funds_seen_at": None})
    if event.outcome is ContactOutcome.FUNDS_GONE or watch is None:
        return state
    if event.outcome in (ContactOutcome.NOT_WANTED, ContactOutcome.FAILED):
        return state.model_copy(update={"watch_rests_until": now + TRY_AGAIN_AFTER})
    state = _recorded(state, event, now).model_copy(
        update={"offers_made": event.occurrence, "watch_rests_until": now + timedelta(days=watch.rest_days)}
    )
    if event.outcome is ContactOutcome.SENT:
        return _hear_early_failure(state, event, now)
    return cease(state, now) if event.ceased and state.end is None else state


def _asked_link_reported(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    """Not sent now means not sent: the moment in which it was wanted is over, and a person is asked instead."""
    if event.occurrence == state.links_asked:
        state = state.model_copy(update={"link_asked_at": None})
    if event.outcome is ContactOutcome.SENT:
        return _recorded(state, event, now)
    return open_once(state, CaseKind.HANDOFF, LINK_NOT_SENT, now, about=CaseAbout.PAYING)


def _consent_reported(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    """Asked once for each consent; nobody looks for contact data because of it."""
    if event.outcome in (ContactOutcome.NOT_WANTED, ContactOutcome.FUNDS_GONE, ContactOutcome.FAILED):
        return state.model_copy(update={"contact_rests_until": now + TRY_AGAIN_AFTER})
    state = asked(_recorded(state, event, now), now, renewal_refused=not NOT_RENEWED.isdisjoint(event.refused))
    if event.outcome is ContactOutcome.SENT:
        return _hear_early_failure(state, event, now)
    return cease(state, now) if event.ceased and state.end is None else state


def contact_failed(state: LoanState, event: ContactFailed, now: datetime) -> tuple[LoanState, str | None]:
    """A message did not arrive: a dead address is closed, and the step goes out by the channels left."""
    state = _close_address(state, event, now)
    record = next((r for r in state.records if _is_of(r, event) and r.result in _TOUCHES), None)
    if record is None:
        return _keep_early(state, event)
    if event.step == ASKED:
        return state, None
    if record.result != "sent" or record.channel is not event.channel:
        return state, None
    records = tuple(r.model_copy(update={"result": "not_delivered"}) if r is record else r for r in state.records)
    state = state.model_copy(update={"records": records})
    if state.end is not None or event.step in (RECEIPT, PART_RECEIPT):
        return state, None
    if event.step == FUNDS:
        state = state.model_copy(update={"watch_rests_until": None})
    if _is_of_a_person(state, event.step):
        state = open_once(state, CaseKind.HANDOFF, "what a person wrote did not arrive", now)
    left = _channels_left(state, event)
    if _said_again(state, event):
        later = (r for r in state.records if r.step == event.step and r.occurrence > event.occurrence)
        nobody = not left and event.reason not in _NOT_THE_ADDRESS and all(r.result != "sent" for r in later)
        return (_find_contact_data(state, now) if nobody else state), None
    if not left:
        return (state if event.reason in _NOT_THE_ADDRESS else _find_contact_data(state, now)), None
    if event.step in (FUNDS, CONSENT, *MESSAGES) or _is_of_a_person(state, event.step) or _overtaken(state, event):
        return state, None
    if state.agreement is not None:
        return state, None  # what was agreed since speaks for itself, kept or broken
    again = Fallback(step=event.step, occurrence=event.occurrence + 1, channels=left)
    return state.model_copy(update={"fallback": again, "unread": None}), None


def _said_again(state: LoanState, event: ContactFailed) -> bool:
    """Whether the step went out once more already, since nobody had read it: whether that arrives is its own news."""
    later = any(r.step == event.step and r.occurrence > event.occurrence for r in state.records)
    return later and state.strategy.find_step(event.step) is not None


def _channels_left(state: LoanState, event: ContactFailed) -> tuple[Channel, ...]:
    if event.step == FUNDS:
        watch = state.strategy.watch
        return tuple(c for c in watch.channels if c not in state.closed_channels) if watch else ()
    if event.step == CONSENT:
        return channels_of(state)
    if event.step in MESSAGES or _is_of_a_person(state, event.step):
        return tuple(c for c in Channel if c not in state.closed_channels and c in _ADDRESSED)
    step = state.strategy.find_step(event.step)
    used = [r.channel for r in state.records if r.step == event.step]
    once_more = event.reason is AddressFailure.TRY_AGAIN and used.count(event.channel) == 1
    tried = set(used) - ({event.channel} if once_more else set())
    return tuple(c for c in step.channels if c not in tried and c not in state.closed_channels) if step else ()


def _overtaken(state: LoanState, event: ContactFailed) -> bool:
    """Whether a later step was already taken: an older message must not follow it."""
    last = max(i for i, record in enumerate(state.records) if record.step == event.step)
    return any(r.result in _TOUCHES and r.step not in (FUNDS, ASKED, CONSENT) for r in state.records[last + 1 :])


def _close_address(state: LoanState, event: ContactFailed, now: datetime) -> LoanState:
    # That a dead address is somebody else's, which closes more, the records had before the loan heard of it.
    if event.reason in _NOT_THE_ADDRESS or event.channel in state.dead_addresses:
        return state
    entry = AddressEntry(
        at=now, channel=event.channel, reason=event.reason, step=event.step, occurrence=event.occurrence
    )
    # One that is somebody else's is never open again in the records; of another, only they know since when it is dead.
    since = now if event.at is None and event.reason is AddressFailure.WRONG_PERSON else event.at
    return write(found_dead(state, event.channel, since), entry)


def _keep_early(state: LoanState, event: ContactFailed) -> tuple[LoanState, str | None]:
    """The carrier can report a failure before our own attempt has reported the message as sent."""
    ours = event.step in (FUNDS, RECEIPT, PART_RECEIPT, ASKED, REPLY, CONSENT, *MESSAGES)
    ours = ours or is_notice(event.step) or is_words(event.step)
    if not ours and state.strategy.find_step(event.step) is None:
        return state, "no such contact"
    if event in state.early_failures:
        return state, None
    kept = (*state.early_failures, event)[-EARLY_NEWS_KEPT:]
    return state.model_copy(update={"early_failures": kept}), None


def _hear_early_failure(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    early = next(
        (
            f
            for f in state.early_failures
            if (f.step, f.occurrence, f.channel) == (event.step, event.occurrence, event.channel)
        ),
        None,
    )
    if early is None:
        return state
    left = tuple(f for f in state.early_failures if f != early)
    return contact_failed(state.model_copy(update={"early_failures": left}), early, now)[0]


def _find_contact_data(state: LoanState, now: datetime) -> LoanState:
    if any(case.kind is CaseKind.CONTACT_DATA for case in state.cases):
        return state
    return open_case(state, CaseKind.CONTACT_DATA, "no address of the borrower works: find contact data", now)
