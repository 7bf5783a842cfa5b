"""What a loan's plans and their causes are called, in sentences for an operator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from commands.console import amount
from commands.forecast import Change
from commands.strategy_words import KIND_WORDS, condition_words
from domain.agreements.model import BROKEN, DOCUMENT, LINK, MESSAGES, MISSED, REMINDER
from domain.contact import Purpose
from domain.contact_orders import FUNDS, SendContact
from domain.loan_state import LoanState
from domain.strategy import Step

_AGREED = {
    DOCUMENT: "the document of what was agreed",
    REMINDER: "a reminder of what was agreed",
    LINK: "a payment link over what was agreed, because the money is there",
    MISSED: "word that an agreed payment has not come",
    BROKEN: "word that what was agreed was not kept",
}
_AS_GOOD_AS_FOR_EVER = timedelta(days=5 * 365)


def local(at: datetime, timezone: str | None) -> str:
    """`Tue 24 Nov 2026 10:00 (Europe/Madrid)`: the borrower's own time, UTC where their zone is not known."""
    zone = ZoneInfo(timezone) if timezone else UTC
    return f"{at.astimezone(zone):%a %d %b %Y %H:%M} ({timezone or 'UTC'})"


def what_words(state: LoanState, contact: SendContact) -> str:
    """What a contact is, without when and how: `step first-link (offer a payment link)`."""
    if contact.purpose is Purpose.TRANSACTIONAL:
        return "a receipt"
    if contact.words is not None:
        return "what a person wrote to the borrower"
    if contact.step == FUNDS:
        return "a payment link, because the money is there"
    if contact.step in _AGREED:
        return _AGREED[contact.step]
    step = state.strategy.find_step(contact.step)
    return f"step {contact.step}" + (f" ({KIND_WORDS[step.kind]})" if step is not None else "")


def without_end(until: datetime, at: datetime) -> bool:
    """Whether a pause is so long that it means: until somebody resumes it."""
    return until - at > _AS_GOOD_AS_FOR_EVER


def rule_text(state: LoanState, contact: SendContact) -> str:
    """Which part of the strategy asks for a contact."""
    if contact.purpose is Purpose.TRANSACTIONAL:
        return f"{state.strategy.key}, receipt: a cured loan is thanked for"
    if contact.words is not None:
        return "a person wrote to the borrower in own words"
    if contact.step == FUNDS:
        return f"{state.strategy.key}, watch: the borrower's balance reached the threshold"
    if contact.step in MESSAGES:
        return f"{state.strategy.key}, what it has written about agreements: {contact.what}"
    step = state.strategy.find_step(contact.step)
    if step is None:
        return state.strategy.key
    text = f"{state.strategy.key}, step {step.id}: {step_time(step)}"
    if contact.occurrence > 1:
        text += "; the message before it did not arrive, so it goes out by what is left"
    conditions = condition_words(step.when, state.facts.currency)
    return text + (f"; only if {' and '.join(conditions)}" if conditions else "")


def step_time(step: Step) -> str:
    """When a step falls due, as the strategy says it."""
    at = f"at {step.at:%H:%M} where the borrower lives"
    if step.after_days is not None:
        days = f"{step.after_days} day{'s' if step.after_days != 1 else ''}"
        return f"{days} after the step before it, {at}"
    if step.dpd == 0:
        return f"on the due date, {at}"
    away = abs(step.dpd or 0)
    return f"{away} day{'s' if away != 1 else ''} {'after' if (step.dpd or 0) > 0 else 'before'} the due date, {at}"


def consequence(before: LoanState, change: Change) -> str:
    """What the loan would be and do after `change`."""
    after, coming = change.state, change.forecast
    if change.refused is not None:
        return f"nothing: {change.refused}"
    parts: list[str] = []
    if after.end is not None and before.end is None:
        parts.append(f"it ends as {after.end} at once and no reminder follows")
    elif after.end is None and before.end is not None:
        parts.append(f"it goes on, with {amount(after.balance_minor, after.facts.currency)} due")
    known = {case.case_id for case in before.cases}
    for case in after.cases:
        if case.case_id not in known:
            parts.append(f"a case ({case.kind}) opens in queue {case.queue}")
    closed = known - {case.case_id for case in after.cases}
    if closed and after.end is None:
        parts.append(f"case {', '.join(sorted(closed))} is closed")
    hold = after.hold
    if after.end is None and hold is not None and before.hold != hold:
        parts.append(f"planned contacts stand still ({hold})")
    parts.append(_next_words(after, change))
    opened = [case for case in coming.opened if case.case_id not in {c.case_id for c in after.cases}]
    parts += [f"a case ({case.kind}) would open in queue {case.queue} on the way" for case in opened]
    return "; ".join(part for part in parts if part)


def _next_words(after: LoanState, change: Change) -> str:
    coming = change.forecast
    zone = after.facts.timezone
    if coming.contact is not None and coming.contact_at is not None:
        by = " or ".join(coming.contact.channels) or "no channel that is open"
        if coming.contact.purpose is Purpose.TRANSACTIONAL:
            return f"a receipt goes out by {by}"
        if without_end(coming.contact_at, coming.at):
            return f"next contact, once somebody resumes it: {what_words(after, coming.contact)}, by {by}"
        when = "at the next lawful moment" if coming.contact_at <= coming.at else f"on {local(coming.contact_at, zone)}"
        return f"next contact: {what_words(after, coming.contact)}, by {by}, {when}"
    if after.end is not None:
        return ""
    if coming.end is not None and coming.ends_at is not None and not without_end(coming.ends_at, coming.at):
        return f"no contact follows, and it ends as {coming.end} on {local(coming.ends_at, zone)}"
    return "nothing more is planned until somebody acts"
