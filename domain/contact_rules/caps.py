"""How often: which local dates the person's ledger closes.

Everything is counted by local calendar date and whatever the order in which events became known: an
event later on the same date counts as well, because loans of one person are decided independently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.contact import Channel, ContactEvent, ContactEventKind, Reason
from domain.contact_rules.model import (
    ALL_CHANNELS,
    OUTBOUND_KINDS,
    AfterContactRule,
    Caps,
    GapRule,
    Pack,
    Period,
    Scope,
)

_TALKS = (ContactEventKind.TWO_WAY, ContactEventKind.CONVERSATION)
Tally = dict[int, int]
Closed = Callable[[int], bool]


class _LocalEvent(NamedTuple):
    ordinal: int
    channel: Channel
    kind: ContactEventKind
    loan_id: str | None


class ClosedDates:
    """The limits that bind one request, over one person's events in one zone."""

    def __init__(
        self,
        pack: Pack,
        lender: Caps,
        channel: Channel,
        loan_id: str,
        events: Iterable[ContactEvent],
        zone: ZoneInfo,
    ) -> None:
        local = [
            _LocalEvent(event.at.astimezone(zone).toordinal(), event.channel, event.kind, event.loan_id)
            for event in events
        ]
        self._checks: list[tuple[Reason, Closed]] = []
        if not local:
            return
        for after in pack.after_contact:
            if channel in after.channels:
                self._add(after.reason(), _after_contact(after, channel, _in_scope(local, after.scope, loan_id)))
        for cap in pack.caps:
            if channel in cap.channels:
                scoped = _in_scope(local, cap.scope, loan_id)
                tally = contacts_by_date(scoped, cap.channels, cap.counts)
                self._add(cap.reason(), _cap(tally, cap.per, cap.max))
        for gap in pack.gaps:
            if channel in gap.channels:
                self._add(gap.reason(), _gap(gap, _in_scope(local, gap.scope, loan_id)))
        for per, limit in ((Period.DAY, lender.per_day), (Period.WEEK, lender.per_week)):
            if limit is not None:
                tally = contacts_by_date(local, ALL_CHANNELS, OUTBOUND_KINDS)
                self._add(_lender_reason(per, limit), _cap(tally, per, limit))

    def _add(self, reason: Reason, closed: Closed | None) -> None:
        if closed is not None:
            self._checks.append((reason, closed))

    def reasons(self, ordinal: int) -> list[Reason]:
        """The limits that another contact on this local date would break; none: it is free."""
        return [reason for reason, closed in self._checks if closed(ordinal)]


def days_that_matter(pack: Pack) -> int:
    """How many days before a decision an event can still close something, with room for zones."""
    longest = max([7, *(gap.dates for gap in pack.gaps), *(rule.silent_dates for rule in pack.after_contact)])
    return longest + 2


def _in_scope(events: list[_LocalEvent], scope: Scope, loan_id: str) -> list[_LocalEvent]:
    """An event that names no loan may be about this one, so it counts."""
    if scope is Scope.PERSON:
        return events
    return [event for event in events if event.loan_id is None or event.loan_id == loan_id]


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


def _cap(tally: Tally, per: Period, limit: int) -> Closed | None:
    if sum(tally.values()) < limit:
        return None
    if per is Period.DAY:
        return lambda ordinal: tally.get(ordinal, 0) >= limit
    return lambda ordinal: _full_run_of_seven(tally, ordinal, limit)


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


def _gap(gap: GapRule, events: list[_LocalEvent]) -> Closed | None:
    days = contacts_by_date(events, gap.channels, gap.counts).keys()
    if not days:
        return None
    return lambda ordinal: any(abs(ordinal - day) < gap.dates for day in days)


def _after_contact(rule: AfterContactRule, channel: Channel, events: list[_LocalEvent]) -> Closed | None:
    triggers = {
        (event.ordinal, event.channel)
        for event in events
        if event.kind in rule.trigger and event.channel in rule.trigger_channels
    }
    if not triggers:
        return None
    tally = contacts_by_date(events, rule.channels, OUTBOUND_KINDS)

    def closed(ordinal: int) -> bool:
        for day, spoken_on in triggers:
            since = ordinal - day
            if 0 <= since < rule.silent_dates:
                return True
            if rule.one_channel_for_week and spoken_on is not channel and 0 <= since < 7:
                return True
            if rule.further_same_day is not None and since == 0:
                further = max(tally.get(ordinal, 0), 1) - 1
                if further >= rule.further_same_day:
                    return True
        return False

    return closed


def _lender_reason(per: Period, limit: int) -> Reason:
    contacts = "one contact" if limit == 1 else f"{limit} contacts"
    text = f"The lender allows at most {contacts} a {per} for each person."
    return Reason(rule=f"lender.cap.{per}", source="lender", text=text)
