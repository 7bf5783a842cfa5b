"""What an agreement has written: a reminder before each payment, a link when the money is there, word of a breach.

Nothing else is written while one is kept.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from domain.agreements.judging import Covered, deadline, left_of, messages_of, next_unpaid
from domain.agreements.model import (
    BROKEN,
    DOCUMENT,
    LINK,
    MISSED,
    REMINDER,
    Agreement,
    AgreementState,
    Via,
    last_in_force,
)
from domain.agreements.terms import AgreementMessage
from domain.contact import Channel, Purpose
from domain.contact_orders import Agreed, SendContact
from domain.events.contacts import ContactOutcome, ContactReported
from domain.loan_parts import StepRecord
from domain.loan_state import LoanState

REMINDED_AT = time(10, 0)
PER_AGREEMENT = 1000
"""Occurrences of an agreement's contacts start at its number times this; instalments and moves fit below it."""
LOOK_DAYS_BEFORE = 3
"""A balance is not looked at earlier before an instalment of a plan: there is nothing to offer yet."""
DOCUMENT_WITHIN = timedelta(days=7)
"""A document that could not be sent so long is only kept."""
_AGAIN_AFTER = timedelta(days=1)


def contact_of_agreement(state: LoanState, now: datetime) -> SendContact | None:
    """The contact that the agreement in force asks for now, if any."""
    agreement = state.agreement
    if agreement is None or state.stands_still is not None or state.ceased:
        return None
    covered = next_unpaid(state, agreement)
    if covered is None:
        return None
    messages = messages_of(state.strategy, agreement.kind)
    instalment = covered.instalment
    if messages.document is not None and not agreement.documented and now < _document_ends(agreement):
        return _document(state, agreement, covered, messages.document)
    if messages.link is not None and state.funds_seen_at is not None and agreement.offered < instalment.number:
        return _order(state, agreement, covered, messages.link, LINK)
    begins, ends = reminder_window(state, agreement, covered)
    if messages.reminder is not None and agreement.reminded < instalment.number and begins <= now < ends:
        return _order(state, agreement, covered, messages.reminder, REMINDER)
    if messages.missed is not None and instalment.missed and agreement.missed_told < instalment.number:
        return _order(state, agreement, covered, messages.missed, MISSED)
    return None


def contact_of_breach(state: LoanState) -> SendContact | None:
    """The word that an agreement was broken: the first thing said before the sequence goes on."""
    broken = _untold(state)
    if broken is None or state.agreement is not None:
        return None
    message = messages_of(state.strategy, broken.kind).broken
    covered = next_unpaid(state, broken)
    if message is None or covered is None:
        return None
    return _order(state, broken, covered, message, BROKEN)


def _untold(state: LoanState) -> Agreement | None:
    last = last_in_force(state.agreements)
    return last if last is not None and last.state is AgreementState.BROKEN and not last.told else None


def reminder_window(state: LoanState, agreement: Agreement, covered: Covered) -> tuple[datetime, datetime]:
    """From 10:00 of the day before, to the day itself; where no lawful minute lies in it none is sent."""
    due = covered.instalment.due
    begins = state.facts.moment(due - timedelta(days=1), REMINDED_AT)
    return max(begins, agreement.made_at + timedelta(hours=12)), state.facts.moment(due, time(0))


def next_contact_at(state: LoanState, now: datetime) -> datetime | None:
    """When the agreement in force will next ask for a contact by the clock alone."""
    agreement = state.agreement
    if agreement is None or state.stands_still is not None or state.ceased:
        return None
    covered = next_unpaid(state, agreement)
    wanted = messages_of(state.strategy, agreement.kind).reminder is not None
    if covered is None or not wanted or agreement.reminded >= covered.instalment.number:
        return None
    begins, ends = reminder_window(state, agreement, covered)
    return begins if now < begins < ends else None


def _document(state: LoanState, agreement: Agreement, covered: Covered, message: AgreementMessage) -> SendContact:
    """It asks for nothing: a message that only brings the agreement."""
    ordered = _order(state, agreement, covered, message, DOCUMENT)
    in_use = state.conversation.channel if state.conversation and agreement.via is Via.MESSAGE else None
    # What was agreed on in messages is read where they are: the rest of the channels stand behind that one.
    channels = tuple(sorted(ordered.channels, key=lambda channel: channel is not in_use))
    changes = {"purpose": Purpose.TRANSACTIONAL, "give_up_at": _document_ends(agreement), "channels": channels}
    return ordered.model_copy(update=changes)


def _document_ends(agreement: Agreement) -> datetime:
    return (agreement.revised_at or agreement.made_at) + DOCUMENT_WITHIN


def _order(
    state: LoanState, agreement: Agreement, covered: Covered, message: AgreementMessage, step: str
) -> SendContact:
    instalment = covered.instalment
    number = {BROKEN: 0, DOCUMENT: agreement.revision}.get(step, instalment.number * 10 + instalment.moved)
    ends: datetime | None = None
    if step == REMINDER:
        ends = state.facts.moment(instalment.due, time(0))
    elif step != BROKEN:
        ends = deadline(state, agreement, instalment)
    return SendContact(
        step=step,
        occurrence=agreement.number * PER_AGREEMENT + number,
        channels=_open(state, message.channels),
        template=message.template,
        with_link=step == LINK,
        balance_read_at=state.funds_seen_at if step == LINK else None,
        agreed=Agreed(amount_minor=left_of(state, covered), due=instalment.due),
        give_up_at=ends,
        what=f"{step.removeprefix('agreement_')} of {agreement.kind} {agreement.number}",
    )


def _open(state: LoanState, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    return tuple(channel for channel in channels if channel not in state.closed_channels)


def agreement_contact_reported(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    """The contact is behind the agreement, however it ended: none is tried twice but one that failed technically."""
    number, rest = divmod(event.occurrence, PER_AGREEMENT)
    known = any((r.step, r.occurrence) == (event.step, event.occurrence) for r in state.records)
    if event.outcome in (ContactOutcome.SENT, ContactOutcome.UNREACHABLE) and not known:
        record = StepRecord(
            step=event.step,
            occurrence=event.occurrence,
            result="sent" if event.outcome is ContactOutcome.SENT else "unreachable",
            at=now,
            channel=event.channel,
            because=", ".join(event.refused),
        )
        state = state.model_copy(update={"records": (*state.records, record), "contact_rests_until": None})
    if event.step == LINK:
        state = state.model_copy(update={"funds_seen_at": None})
        if event.outcome is ContactOutcome.FUNDS_GONE:
            return state
        if event.outcome in (ContactOutcome.NOT_WANTED, ContactOutcome.FAILED):
            return state.model_copy(update={"watch_rests_until": now + _AGAIN_AFTER})
    elif event.outcome is ContactOutcome.FAILED:
        return state.model_copy(update={"contact_rests_until": now + _AGAIN_AFTER})
    behind: dict[str, object] = {
        REMINDER: {"reminded": rest // 10},
        MISSED: {"missed_told": rest // 10},
        LINK: {"offered": rest // 10},
        BROKEN: {"told": True},
        DOCUMENT: {"documented": True},
    }[event.step]  # type: ignore[assignment]
    overtaken = (a.number for a in state.agreements if event.step == DOCUMENT and rest != a.revision)
    concerned = {number} - set(overtaken)
    kept = tuple(a.model_copy(update=behind) if a.number in concerned else a for a in state.agreements)
    return state.model_copy(update={"agreements": kept})
