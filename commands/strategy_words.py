"""What the strategy commands say about steps, conditions, watches and moves, in words."""

from __future__ import annotations

from domain.money import Money
from domain.strategy import AmountThreshold, BalanceWatch, Conditions, ShareThreshold, StepKind
from domain.strategy_timeline import TimelineEntry


def day_words(entry: TimelineEntry) -> str:
    words = []
    if entry.dpd is not None:
        words.append("due day" if entry.dpd == 0 else f"due {entry.dpd:+d}")
    if entry.before_entry:
        words.append("before entry")
    elif entry.day is not None:
        words.append(f"day {entry.day}")
    return "\n".join(words) or "—"


KIND_WORDS = {
    StepKind.REMIND: "remind",
    StepKind.OFFER_LINK: "offer a payment link",
    StepKind.ESCALATE: "escalate",
    StepKind.HANDOFF: "hand over to people",
    StepKind.DEBIT: "collect by direct debit",
}


def step_words(entry: TimelineEntry, currency: str | None) -> str:
    words = [entry.step_id, KIND_WORDS[entry.kind]]
    if entry.moves_to:
        words.append(f"stage becomes {entry.moves_to}")
    if entry.queue:
        words.append(f"queue {entry.queue}")
    if entry.unread_after_hours is not None:
        words.append(f"once more by the next channel, if not read within {entry.unread_after_hours} hours")
    words.extend(f"only if {condition}" for condition in condition_words(entry.when, currency))
    return "\n".join(words)


def condition_words(when: Conditions, currency: str | None) -> list[str]:
    words = []
    if when.amount_at_least_minor is not None:
        words.append(f"{amount(when.amount_at_least_minor, currency)} or more is due")
    if when.amount_at_most_minor is not None:
        words.append(f"{amount(when.amount_at_most_minor, currency)} or less is due")
    if when.stages:
        words.append(f"stage is {' or '.join(when.stages)}")
    if when.broken_promises_at_least is not None:
        words.append(f"{when.broken_promises_at_least} or more promises were broken")
    if when.consent is not None:
        words.append("the balance may be read" if when.consent else "the balance may not be read")
    return words


def amount(minor: int, currency: str | None) -> str:
    return str(minor) if currency is None else f"{Money(amount_minor=minor, currency=currency).major} {currency}"


def watch_words(watch: BalanceWatch | None, currency: str | None) -> str:
    if watch is None:
        return "No balance watch."
    threshold = "the whole amount due"
    if isinstance(watch.threshold, ShareThreshold):
        threshold = f"{watch.threshold.share:.0%} of the amount due"
    elif isinstance(watch.threshold, AmountThreshold):
        threshold = amount(watch.threshold.amount_minor, currency)
    return (
        f"Balance watch, with consent: {watch.reads_per_day} reads a day; when the balance covers {threshold}, "
        f"{watch.template} by {' › '.join(watch.channels)}, at most {watch.max_offers} times, "
        f"{watch.rest_days} days apart."
    )


def shift_words(days_later: int | None, at_changes: bool) -> str:
    if days_later is None:
        return "—"
    if days_later == 0:
        return "same day, another time" if at_changes else "same day"
    days = f"{abs(days_later)} day{'s' if abs(days_later) != 1 else ''}"
    return f"{days} {'later' if days_later > 0 else 'earlier'}{', another time' if at_changes else ''}"


def loans_words(count: int) -> str:
    return f"{count} loan{'' if count == 1 else 's'}"
