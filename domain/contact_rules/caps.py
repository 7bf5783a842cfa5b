"""How often: which local dates the person's ledger closes.

Everything is counted by local calendar date and whatever the order in which events became known: an
event later on the same date counts as well, because loans of one person are decided independently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.contact import Channel, ContactEvent, ContactEventKind, Reason
from domain.contact_rules.bound import BoundRules
from domain.contact_rules.model import (
    ALL_CHANNELS,
    OUTBOUND_KINDS,
    AfterContactRule,
    Caps,
    GapRule,
    Period,
    Profile,
    Rule,
    Scope,
)

_TALKS = (ContactEventKind.TWO_WAY, ContactEventKind.CONVERSATION)
_SENT = (ContactEventKind.ATTEMPT, ContactEventKind.DELIVERED)
Tally = dict[int, int]
Closed = Callable[[int], bool]


class _LocalEvent(NamedTuple):
    ordinal: int
    channel: Channel
    kind: ContactEventKind
    loan_id: str | None
    at: datetime


class ClosedDates:
    """The limits that bind one request, over one person's events in one zone."""

    __slots__ = ("_bound", "_checks", "_loan_id", "_local", "_tallies")

    def __init__(
        self, bound: BoundRules, lender: Caps, loan_id: str, events: Iterable[ContactEvent], zone: ZoneInfo
    ) -> None:
        self._checks: list[tuple[Reason, Closed]] = []
        self._local = [
            _LocalEvent(event.at.astimezone(zone).toordinal(), event.channel, event.kind, event.loan_id, event.at)
            for event in events
        ]
        if not self._local:
            return
        self._bound, self._loan_id = bound, loan_id
        self._tallies: dict[tuple[object, ...], Tally] = {}
        strict = bound.pack.profile is Profile.STRICT
        channel = bound.channel
        for after in bound.after_contact:
            tally = self._tally(after.channels, OUTBOUND_KINDS, after.scope)
            self._add(after, _after_contact(after, channel, self._in_scope(after.scope), tally, strict=strict))
        for cap in bound.caps:
            channels = frozenset({channel}) if cap.each_channel else cap.channels
            self._add(cap, _cap(self._tally(channels, cap.counts, cap.scope), cap.per, cap.max, strict=strict))
        for gap in bound.gaps:
            self._add(gap, _gap(gap, self._tally(gap.channels, gap.counts, gap.scope)))
        for per, limit in ((Period.DAY, lender.per_day), (Period.WEEK, lender.per_week)):
            if limit is not None:
                # The lender's own week is always both: it may only be stricter.
                closed = _cap(self._tally(ALL_CHANNELS, OUTBOUND_KINDS, Scope.PERSON), per, limit, strict=True)
                if closed is not None:
                    self._checks.append((_lender_reason(per, limit), closed))

    def close_between(self, reason: Reason, first: date, last: date) -> None:
        """Close the local dates from `first` to `last`, both included."""
        begins, ends = first.toordinal(), last.toordinal()
        self._checks.insert(0, (reason, lambda ordinal: begins <= ordinal <= ends))

    def close_while(self, rule: Rule, reason: Reason) -> None:
        """Close every local date on which `rule` is in force."""
        self._checks.insert(0, (reason, rule.in_force))

    def reasons(self, ordinal: int) -> list[Reason]:
        """The limits that another contact on this local date would break; none: it is free."""
        if not self._checks:
            return []
        return [reason for reason, closed in self._checks if closed(ordinal)]

    def _add(self, rule: Rule, closed: Closed | None) -> None:
        if closed is None:
            return
        if rule.valid_from is None and rule.valid_until is None:
            bounded = closed
        else:

            def bounded(ordinal: int) -> bool:
                return rule.in_force(ordinal) and closed(ordinal)

        self._checks.append((self._bound.reason(rule), bounded))

    def _in_scope(self, scope: Scope) -> list[_LocalEvent]:
        """An event or a request that names no loan may be about the other's, so it counts."""
        if scope is Scope.PERSON or not self._loan_id:
            return self._local
        return [event for event in self._local if event.loan_id is None or event.loan_id == self._loan_id]

    def _tally(self, channels: frozenset[Channel], counts: frozenset[ContactEventKind], scope: Scope) -> Tally:
        key = (channels, counts, scope)
        known = self._tallies.get(key)
        if known is None:
            known = self._tallies[key] = contacts_by_date(self._in_scope(scope), channels, counts)
        return known


def contacts_by_date(
    events: Sequence[_LocalEvent], channels: frozenset[Channel], counts: frozenset[ContactEventKind]
) -> Tally:
    """How many contacts each local date holds.

    One contact leaves several events (attempt, delivered, two_way), so within a date, a channel and a
    loan the commonest kind tells how many there were. Talks that the person began, as many as the date
    and channel have inbound events, are not contacts of ours.
    """
    kinds: dict[tuple[int, Channel, str], dict[ContactEventKind, int]] = {}
    begun_by_person: dict[tuple[int, Channel], int] = {}
    for event in events:
        if event.channel not in channels:
            continue
        if event.kind is ContactEventKind.INBOUND:
            place = (event.ordinal, event.channel)
            begun_by_person[place] = begun_by_person.get(place, 0) + 1
        elif event.kind in counts:
            seen = kinds.setdefault((event.ordinal, event.channel, event.loan_id or ""), {})
            seen[event.kind] = seen.get(event.kind, 0) + 1
    tally: Tally = {}
    for (ordinal, channel, _), seen in sorted(kinds.items()) if begun_by_person else kinds.items():
        talks = max(seen.get(kind, 0) for kind in _TALKS)
        theirs = min(talks, begun_by_person.get((ordinal, channel), 0))
        if theirs:
            begun_by_person[ordinal, channel] -= theirs
        ours = max(talks - theirs, seen.get(ContactEventKind.ATTEMPT, 0), seen.get(ContactEventKind.DELIVERED, 0))
        if ours:
            tally[ordinal] = tally.get(ordinal, 0) + ours
    return tally


def _cap(tally: Tally, per: Period, limit: int, *, strict: bool) -> Closed | None:
    if sum(tally.values()) < limit:
        return None
    if per is Period.DAY:
        return lambda ordinal: tally.get(ordinal, 0) >= limit
    if per is Period.ISO_WEEK or (per is Period.WEEK and not strict):
        return lambda ordinal: _iso_week(tally, ordinal) >= limit
    return lambda ordinal: _full_run_of_seven(tally, ordinal, limit)


def _iso_week(tally: Tally, ordinal: int) -> int:
    monday = _monday(ordinal)
    return sum(tally.get(day, 0) for day in range(monday, monday + 7))


def _monday(ordinal: int) -> int:
    """The Monday of a date's ISO week; 0001-01-01, which is ordinal 1, was one."""
    return ordinal - (ordinal - 1) % 7


def _full_run_of_seven(tally: Tally, ordinal: int, limit: int) -> bool:
    """Whether some seven consecutive dates around this one already hold the limit.

    The date's ISO week is one of these runs, so this is the answer for a mere "week" too.
    """
    near = [tally.get(day, 0) for day in range(ordinal - 6, ordinal + 7)]
    held = sum(near[:7])
    if held >= limit:
        return True
    for gone in range(6):
        held += near[gone + 7] - near[gone]
        if held >= limit:
            return True
    return False


def _gap(gap: GapRule, tally: Tally) -> Closed | None:
    if not tally:
        return None
    return lambda ordinal: any(abs(ordinal - day) < gap.dates for day in tally)


def _after_contact(
    rule: AfterContactRule, channel: Channel, events: list[_LocalEvent], tally: Tally, *, strict: bool
) -> Closed | None:
    spoken = [event for event in events if event.kind in rule.trigger and event.channel in rule.trigger_channels]
    if not spoken:
        return None
    triggers = {(event.ordinal, event.channel) for event in spoken}
    further = _further(spoken, events, tally) if rule.further_same_day is not None else {}

    def closed(ordinal: int) -> bool:
        for day, spoken_on in triggers:
            since = ordinal - day
            if since < 0:
                continue
            if since < rule.silent_dates:
                return True
            if rule.one_channel_for_week and spoken_on is not channel:
                if _monday(day) == _monday(ordinal) or (strict and since < 7):
                    return True
            if rule.further_same_day is not None and since == 0 and further[ordinal] >= rule.further_same_day:
                return True
        return False

    return closed


def _further(spoken: list[_LocalEvent], events: list[_LocalEvent], tally: Tally) -> Tally:
    """For each date on which the person was spoken with, how many contacts of ours it holds beside the one answered.

    What is first on the date tells which that was: one of ours by that channel, from the same date and no later, or
    else none of that date, such as a message of the day before. Contacts before it count as well.
    """
    first: dict[int, datetime] = {}
    for event in spoken:
        first[event.ordinal] = min(event.at, first.get(event.ordinal, event.at))
    answers = {(event.ordinal, event.channel) for event in spoken if event.at == first[event.ordinal]}
    wrote = {(event.ordinal, event.channel) for event in events if event.kind is ContactEventKind.INBOUND}
    ours_answered = {
        event.ordinal
        for event in events
        if (place := (event.ordinal, event.channel)) in answers
        and event.at <= first[event.ordinal]
        and (event.kind in _SENT or (event.kind in _TALKS and place not in wrote))
    }
    return {day: max(tally.get(day, 0) - (day in ours_answered), 0) for day in first}


def _lender_reason(per: Period, limit: int) -> Reason:
    contacts = "one contact" if limit == 1 else f"{limit} contacts"
    text = f"The lender allows at most {contacts} a {per} for each person."
    return Reason(rule=f"lender.cap.{per}", source="lender", text=text)
