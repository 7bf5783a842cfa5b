"""The contact decision: allowed, not before a moment that is itself allowed, or never."""

from __future__ import annotations

import math
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
from domain.contact_rules.calendar import OpenDays
from domain.contact_rules.caps import ClosedDates, days_that_matter
from domain.contact_rules.model import Caps, Pack
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

    Collection obeys stop states, opt-outs, hours and limits. A reply to an inbound event of the same
    channel that no later attempt answered is free of limits, and in writing free of hours for 24 hours;
    without such an event it counts as collection. A transactional message is free of limits, and unless
    it is a call or visit free of hours.

    `not_before` and `window_ends` (exclusive) are UTC. `window_ends` is None where no hours bind. The
    reasons of `allowed` name the hours it rests on; those of `not_before` everything that stands in the
    way until then; those of `never` what closes it, the strongest first. Raises ValueError when `at`
    has no offset.
    """
    if at.utcoffset() is None:
        raise ValueError("at: expected a datetime with an offset")
    asked_by = _unanswered_inbound(request, events)
    purpose = request.purpose
    if purpose is Purpose.REPLY and asked_by is None:
        purpose = Purpose.COLLECTION
    refused = stops(request, purpose)
    pack = rules.pack(request.country)
    zones = [zone_named(name) for name in request.timezones]
    refused += _unknown_place(request, pack, zones, rules)
    if refused or pack is None:
        return Decision(verdict=Verdict.NEVER, reasons=tuple(refused))

    if purpose is Purpose.TRANSACTIONAL and request.channel in _RECEIPTS:
        return Decision(verdict=Verdict.ALLOWED, reasons=(_TRANSACTIONAL,))
    if asked_by is not None and request.channel in _WRITTEN and at < asked_by + PROMPT_REPLY:
        until = moment((asked_by + PROMPT_REPLY).timestamp())
        return Decision(verdict=Verdict.ALLOWED, window_ends=until, reasons=(_PROMPT_REPLY,))

    days = rules.open_days(pack, request.region, request.channel)
    counted: list[ContactEvent] = []
    if purpose is Purpose.COLLECTION:
        since = at - timedelta(days=days_that_matter(pack))
        counted = [event for event in events if event.at >= since]
    clocks = [
        _Clock(zone, days, ClosedDates(pack, lender_caps, request.channel, request.loan_id, counted, zone))
        for zone in zones
        if zone is not None
    ]
    decision = _first_common_moment(at, clocks)
    if request.purpose is Purpose.REPLY and asked_by is None and decision.verdict is not Verdict.ALLOWED:
        return decision.model_copy(update={"reasons": (_UNPROVEN_REPLY, *decision.reasons)})
    return decision


class _Clock:
    """One candidate zone: its own dates, hours and counts. Gathers why it was closed."""

    def __init__(self, zone: ZoneInfo, days: OpenDays, closed: ClosedDates) -> None:
        self._zone = zone
        self._days = days
        self._closed = closed
        self.why_open: Reason | None = None
        self.why_closed: dict[str, Reason] = {}

    def first_open(self, seconds: float, last: float) -> tuple[float, int] | None:
        """The earliest open moment from `seconds` on and the exclusive end of its window."""
        ordinal = local_ordinal(self._zone, seconds)
        last_ordinal = local_ordinal(self._zone, last)
        while ordinal <= last_ordinal:
            limits = self._closed.reasons(ordinal)
            for reason in limits:
                self.why_closed.setdefault(reason.rule, reason)
            hours, by = self._days.day(ordinal)
            if hours is not None:
                for start, end in open_intervals(self._zone, ordinal, hours):
                    if seconds >= end:
                        continue
                    if seconds < start:
                        self.why_closed.setdefault(by.rule, by)
                    if limits:
                        break
                    self.why_open = by
                    return max(seconds, start), end
                else:
                    self.why_closed.setdefault(by.rule, by)
            else:
                self.why_closed.setdefault(by.rule, by)
            ordinal += 1
        return None


def _first_common_moment(at: datetime, clocks: list[_Clock]) -> Decision:
    asked = at.timestamp()
    last = asked + HORIZON.total_seconds()
    seconds: float = asked
    while True:
        window_ends = math.inf
        settled = True
        for clock in clocks:
            found = clock.first_open(seconds, last)
            if found is None or found[0] > last:
                return Decision(verdict=Verdict.NEVER, reasons=(_HORIZON, *_merged(clocks)))
            start, end = found
            if start > seconds:
                seconds, settled = start, False
                break
            window_ends = min(window_ends, end)
        if settled:
            break
    if seconds == asked:
        why = clocks[0].why_open
        assert why is not None
        return Decision(verdict=Verdict.ALLOWED, window_ends=moment(window_ends), reasons=(why,))
    return Decision(verdict=Verdict.NOT_BEFORE, not_before=moment(seconds), reasons=_merged(clocks))


def _merged(clocks: list[_Clock]) -> tuple[Reason, ...]:
    reasons: dict[str, Reason] = {}
    for clock in clocks:
        for rule, reason in clock.why_closed.items():
            reasons.setdefault(rule, reason)
    return tuple(reasons.values())


def _unanswered_inbound(request: ContactRequest, events: Sequence[ContactEvent]) -> datetime | None:
    """When the person last wrote or called on the request's channel, unless an attempt followed.

    Only for replies. Not bounded by the moment of decision: what is in the ledger has happened.
    """
    if request.purpose is not Purpose.REPLY:
        return None
    asked = max(
        (e.at for e in events if e.channel is request.channel and e.kind is ContactEventKind.INBOUND),
        default=None,
    )
    if asked is not None and any(
        e.channel is request.channel and e.kind is ContactEventKind.ATTEMPT and e.at > asked for e in events
    ):
        return None
    return asked


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
