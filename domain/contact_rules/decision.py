"""The contact decision: allowed, not before a moment that is itself allowed, or never."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.contact import (
    Channel,
    ContactEvent,
    ContactEventKind,
    ContactRequest,
    Decision,
    Purpose,
    Reason,
    Verdict,
)
from domain.contact_rules.bound import ALL_DAY, BoundRules
from domain.contact_rules.caps import ClosedDates
from domain.contact_rules.model import Caps, Rule
from domain.contact_rules.pack import Pack
from domain.contact_rules.periods import moratorium_last_day
from domain.contact_rules.rulebook import RuleBook
from domain.contact_rules.stops import stops
from domain.contact_rules.windows import local_ordinal, moment, open_intervals, zone_named

HORIZON = timedelta(days=60)
"""How far ahead the next lawful moment is looked for; beyond it the answer is `never`."""

PROMPT_REPLY = timedelta(hours=24)
"""How long after the person's own message an answer may go out whatever the hour."""

LEDGER_LOOKBACK = timedelta(days=40)
"""Older events change no decision, except the one inbound event that a late reply answers."""

_WRITTEN = frozenset({Channel.SMS, Channel.WHATSAPP, Channel.EMAIL})
_RECEIPTS = _WRITTEN | {Channel.POST}
_ON_A_TELEPHONE = frozenset({Channel.SMS, Channel.WHATSAPP})
_FROM_THEM = frozenset({ContactEventKind.INBOUND, ContactEventKind.CONVERSATION, ContactEventKind.TWO_WAY})
_CONTIGUOUS_DAYS = 7
"""A window that goes on over midnight is followed so many days to its end."""

_TRANSACTIONAL = Reason(
    rule="purpose.transactional",
    source="policy",
    text="A transactional message without any demand is not a collection contact.",
)
_PROMPT_REPLY = Reason(
    rule="purpose.reply",
    source="policy",
    text="It answers the person's own message on the same channel, within 24 hours.",
)
_UNPROVEN_REPLY = Reason(
    rule="purpose.reply_unproven",
    source="policy",
    text="No unanswered message of the person on this channel is known, so the reply counts as collection.",
)
_MORATORIUM = Reason(
    rule="stop.moratorium",
    source="policy",
    text="A moratorium runs: no collection contact until it has ended.",
)
_DISPENSED = frozenset({"statutory_notice", "debt_adviser"})
"""Flags of what may be sent during a moratorium whose dates are known."""

_HORIZON = Reason(rule="horizon", source="policy", text=f"No lawful moment was found in the next {HORIZON.days} days.")


def decide(
    request: ContactRequest,
    at: datetime,
    events: Sequence[ContactEvent],
    rules: RuleBook,
    lender_caps: Caps,
) -> Decision:
    """Whether this contact may be made at `at` (aware), and if not, when at the earliest.

    `events` are the person's, over all their loans and channels, in any order. Every outbound event
    counts, also one later than `at`, by its local date. Events carry no purpose, so the ledger passes
    only what counts: no receipts. Inbound events must be passed: they prove a reply. So must the answers
    to them: one message is answered once. LEDGER_LOOKBACK says how far back the ledger must reach.

    Collection obeys stop states, opt-outs, the person's authorisation, hours and limits. A reply to an
    inbound event of the same channel that no later attempt answered is free of limits, and in writing free
    of hours for 24 hours; without such an event it counts as collection. A transactional message is free of
    limits, and unless it is a call or visit free of hours; but an agreement's document by SMS or WhatsApp keeps
    the hours where the person neither wrote nor talked to us in the 24 hours before: who is asleep did not ask.

    `not_before` and `window_ends` (exclusive) are UTC. `window_ends` is None where no hours bind. The
    reasons of `allowed` name the hours it rests on; those of `not_before` everything that stands in the
    way until then; those of `never` what closes it, the strongest first. Raises ValueError when `at`
    has no offset.
    """
    if at.utcoffset() is None:
        raise ValueError("at: expected a datetime with an offset")
    pack = rules.pack(request.country)
    request = _plain(request)
    asked_by = unanswered_since(request.channel, events) if request.purpose is Purpose.REPLY else None
    purpose = request.purpose
    if purpose is Purpose.REPLY and asked_by is None:
        purpose = Purpose.COLLECTION
    flags = request.flags
    held_until = None
    if request.moratorium is not None and not flags & _DISPENSED:
        held_until = moratorium_last_day(request.moratorium)
        if held_until is None:
            flags |= {"moratorium"}
    zones = [zone_named(name) for name in request.timezones]
    refused = stops(request, purpose, pack, flags)
    refused += _unknown_place(request, pack, zones, rules)
    if refused or pack is None:
        return _decision(Verdict.NEVER, reasons=tuple(refused))

    wakes = request.is_document and request.channel in _ON_A_TELEPHONE and not _heard_lately(at, events)
    if purpose is Purpose.TRANSACTIONAL and request.channel in _RECEIPTS and not wakes:
        return _decision(Verdict.ALLOWED, reasons=(_TRANSACTIONAL,))
    if asked_by is not None and request.channel in _WRITTEN and at < asked_by + PROMPT_REPLY:
        until = moment((asked_by + PROMPT_REPLY).timestamp())
        return _decision(Verdict.ALLOWED, window_ends=until, reasons=(_PROMPT_REPLY,))

    bound = rules.bound(pack, request.region, request.city, request.channel, request.actor, flags)
    counted: list[ContactEvent] = []
    vouched: tuple[Reason, ...] = ()
    shut: list[Rule] = []
    if purpose is Purpose.COLLECTION:
        if bound.banned or bound.authorised:
            shut = _closing_channel(request, bound)
            today = [local_ordinal(zone, at.timestamp()) for zone in zones if zone is not None]
            closed = tuple(bound.reason(rule) for rule in shut if any(map(rule.in_force, today)))
            if closed:
                return _decision(Verdict.NEVER, reasons=closed)
            if request.authorised_channels is None:
                vouched = tuple(bound.reason(rule) for rule in bound.authorised if any(map(rule.in_force, today)))
        since = at - timedelta(days=bound.days_that_matter)
        counted = [event for event in events if event.at >= since]
    clocks: list[_Clock] = []
    for zone in zones:
        assert zone is not None
        dates = ClosedDates(bound, lender_caps, request.loan_id, counted, zone)
        for rule in shut:
            dates.close_while(rule, bound.reason(rule))
        if held_until is not None and purpose is Purpose.COLLECTION and request.moratorium is not None:
            dates.close_between(_MORATORIUM, request.moratorium.starts, held_until)
        clocks.append(_Clock(zone, bound, dates, lender_caps.guard_minutes * 60))
    return _first_common_moment(at, clocks, vouched, unproven=purpose is not request.purpose)


class _Clock:
    """One candidate zone: its own dates, hours and counts. Gathers why it was closed."""

    __slots__ = ("_bound", "_closed", "_guard", "_until_midnight", "_zone", "bounded", "why_closed", "why_open")

    def __init__(self, zone: ZoneInfo, bound: BoundRules, closed: ClosedDates, guard: int) -> None:
        self._zone = zone
        self._bound = bound
        self._closed = closed
        self._guard = guard
        self.bounded = True
        self._until_midnight = False
        self.why_open: tuple[Reason, ...] = ()
        self.why_closed: dict[str, Reason] = {}

    def first_open(self, seconds: float) -> tuple[float, int] | None:
        """The earliest open moment from `seconds` to the horizon, and the exclusive end of its window.

        Inside the guard band before that end nothing is begun any more. It may lie a day beyond the horizon.
        """
        ordinal = local_ordinal(self._zone, seconds)
        last_ordinal = ordinal + HORIZON.days + 1
        while ordinal <= last_ordinal:
            limits = self._closed.reasons(ordinal)
            for reason in limits:
                self.why_closed.setdefault(reason.rule, reason)
            day = self._bound.day(ordinal)
            hours = day.hours
            if hours is None:
                self.why_closed.setdefault(day.closes_by.rule, day.closes_by)
            else:
                opens, closes = hours
                intervals = open_intervals(self._zone, ordinal, opens, closes)
                guard = self._guard if closes < 1440 or not self._goes_on(ordinal) else 0
                for start, end in intervals:
                    if seconds >= end - guard:
                        continue
                    if end - guard <= start:
                        continue
                    if seconds < start:
                        self.why_closed.setdefault(day.opens_by.rule, day.opens_by)
                    if limits:
                        break
                    self.why_open = day.why
                    self.bounded = day.bounded
                    self._until_midnight = closes == ALL_DAY[1]
                    return max(seconds, start), end
                else:
                    self.why_closed.setdefault(day.closes_by.rule, day.closes_by)
            ordinal += 1
        return None

    def _goes_on(self, ordinal: int) -> bool:
        """Whether the window does not end at this date's midnight."""
        tomorrow = self._bound.day(ordinal + 1).hours
        return tomorrow is not None and tomorrow[0] == 0

    def end_of_window(self, end: int) -> int | None:
        """The end of the window that is open just before `end`, over midnights; None where none is in sight."""
        if not self.bounded:
            return None
        if not self._until_midnight:
            return end
        for _ in range(_CONTIGUOUS_DAYS):
            ordinal = local_ordinal(self._zone, end)
            hours = self._bound.day(ordinal).hours
            if hours is None or hours[0] or self._closed.reasons(ordinal):
                return end
            first = open_intervals(self._zone, ordinal, *hours)
            if not first or first[0][0] != end:
                return end
            end = first[0][1]
            if hours[1] < ALL_DAY[1]:
                return end
        return end


def _first_common_moment(
    at: datetime, clocks: list[_Clock], vouched: tuple[Reason, ...], *, unproven: bool
) -> Decision:
    asked = at.timestamp()
    last = asked + HORIZON.total_seconds()
    seconds: float = asked
    while True:
        ends: list[int] = []
        for clock in clocks:
            found = clock.first_open(seconds)
            if found is None or found[0] > last:
                never = (_HORIZON, *_merged(clocks))
                return _decision(Verdict.NEVER, reasons=(_UNPROVEN_REPLY, *never) if unproven else never)
            start, end = found
            ends.append(end)
            if start > seconds:
                seconds = start
                if len(clocks) > 1:
                    break
        else:
            break
    if seconds == asked:
        if len(clocks) == 1:
            end_of_window = clocks[0].end_of_window(ends[0])
            until = None if end_of_window is None else moment(end_of_window)
            return _decision(Verdict.ALLOWED, window_ends=until, reasons=(*clocks[0].why_open, *vouched))
        why: dict[str, Reason] = {}
        last_moments: list[int] = []
        for clock, end in zip(clocks, ends, strict=True):
            why.update((reason.rule, reason) for reason in clock.why_open)
            true_end = clock.end_of_window(end)
            if true_end is not None:
                last_moments.append(true_end)
        window_ends = moment(min(last_moments)) if last_moments else None
        return _decision(Verdict.ALLOWED, window_ends=window_ends, reasons=(*why.values(), *vouched))
    reasons = _merged(clocks)
    if unproven:
        reasons = (_UNPROVEN_REPLY, *reasons)
    return _decision(Verdict.NOT_BEFORE, not_before=moment(seconds), reasons=reasons)


def _decision(
    verdict: Verdict,
    reasons: tuple[Reason, ...],
    not_before: datetime | None = None,
    window_ends: datetime | None = None,
) -> Decision:
    """Built from values that are known to be right: validating them again would cost more than deciding."""
    return Decision.model_construct(verdict=verdict, not_before=not_before, window_ends=window_ends, reasons=reasons)


def collection_is_closed(request: ContactRequest, rules: RuleBook) -> bool:
    """Whether a stop state of the person closes this collection contact whatever the hour."""
    request = _plain(request)
    return bool(stops(request, Purpose.COLLECTION, rules.pack(request.country), request.flags))


def _plain(request: ContactRequest) -> ContactRequest:
    """The region without its country ("CL-RM" is "RM")."""
    region = request.region
    if region is None or not region.startswith(f"{request.country}-"):
        return request
    return request.model_copy(update={"region": region[len(request.country) + 1 :]})


def _closing_channel(request: ContactRequest, bound: BoundRules) -> list[Rule]:
    """The rules that leave the channel closed while they are in force: not authorised, or open to nobody."""
    authorised = request.authorised_channels
    found: list[Rule] = list(bound.banned)
    if authorised is not None and request.channel not in authorised:
        found += bound.authorised
    return found


def _merged(clocks: list[_Clock]) -> tuple[Reason, ...]:
    if len(clocks) == 1:
        return tuple(clocks[0].why_closed.values())
    reasons: dict[str, Reason] = {}
    for clock in clocks:
        for rule, reason in clock.why_closed.items():
            reasons.setdefault(rule, reason)
    return tuple(reasons.values())


def unanswered_since(channel: Channel, events: Sequence[ContactEvent]) -> datetime | None:
    """When the person last wrote or called on the channel, unless an attempt that answers followed.

    Not bounded by the moment of decision: what is in the ledger has happened.
    """
    asked = max(
        (e.at for e in events if e.channel is channel and e.kind is ContactEventKind.INBOUND),
        default=None,
    )
    if asked is not None and any(
        e.channel is channel and e.kind is ContactEventKind.ATTEMPT and e.at > asked and not e.holds_over
        for e in events
    ):
        return None
    return asked


def _heard_lately(at: datetime, events: Sequence[ContactEvent]) -> bool:
    """Whether the person wrote or talked to us on any channel in the 24 hours before."""
    return any(event.kind in _FROM_THEM and at - PROMPT_REPLY < event.at <= at for event in events)


def _unknown_place(
    request: ContactRequest, pack: Pack | None, zones: list[ZoneInfo | None], rules: RuleBook
) -> list[Reason]:
    def unknown(text: str) -> Reason:
        return Reason(rule="zone.unknown", source="policy", text=text)

    found: list[Reason] = []
    if pack is None:
        found.append(unknown(f"No contact rules are known for the country {request.country[:8]!r}."))
    elif not rules.region_is_known(pack, request.region):
        found.append(unknown(f"{pack.name}: the rules depend on the region, and it is missing or not a known code."))
    if not zones:
        found.append(unknown("The person's time zone is not known."))
    elif any(zone is None for zone in zones):
        found.append(unknown("A time zone given for the person is not an IANA zone."))
    return found
