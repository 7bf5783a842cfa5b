"""When this person's money arrives: what a country's pay calendar says, corrected by what was seen of them.

What is seen are jumps of the balance between two reads, so an arrival is known to lie between two moments, never
exactly; an incoming credit with its booking time is the same with both moments alike. Which of the calendar's
patterns is this person's is weighed by Bayes' rule over their arrivals; at which hours banks book is learnt from the
person's arrivals and, since one has few, from those of all people of the same bank and country.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.pay_calendar import HOURS, PayCalendar, extra_days, patterns_days

SLOT_MINUTES = 30
SLOTS = HOURS * 60 // SLOT_MINUTES
Weights = tuple[float, ...]
"""One for each slot of the local day; they add up to 1."""

LATE = (0.86, 0.06, 0.04, 0.04)
"""How likely a pay comes on its day, and one to three days late."""
STRAY = 0.015
"""Chance that money comes on a day that no pattern asks for."""
MISSING = 0.25
"""Chance that a pay day passes without money to be seen: no work, or spent before the next read."""
NEGLIGIBLE = 0.0005
"""A pattern less likely than this is left out of what is expected."""
KEPT = 60
"""How many arrivals are remembered."""
PRIOR_STRENGTH = 4.0
CROWD_STRENGTH = 400.0
"""What the calendar's hours and other people's arrivals weigh against arrivals of the person's own."""
VAGUE = timedelta(hours=30)
"""An arrival known no closer than this says nothing of hours."""
SMALL = 0.25
"""A jump below this share of the largest is pocket money, not pay."""


@dataclass(frozen=True)
class Arrival:
    """Money came after `after` and not later than `by`; `amount_minor` is what at least came."""

    after: datetime
    by: datetime
    amount_minor: int


@dataclass(frozen=True)
class ArrivalModel:
    """What is expected of a person. `days` are chances by local date; `hours` where in the day pay is booked."""

    zone: ZoneInfo
    days: dict[date, float] = field(repr=False)
    hours: Weights = field(repr=False)
    any_hours: Weights = field(repr=False)

    def chance(self, day: date) -> float:
        """That pay arrives on a local day."""
        return self.days.get(day, STRAY)


def jump(before_minor: int, before: datetime, now_minor: int, now: datetime) -> Arrival | None:
    """What two readings of one account say came in between; None when nothing is seen to have come."""
    return Arrival(before, now, now_minor - before_minor) if now_minor > before_minor and now > before else None


def of_weight(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Arrivals without the small ones among them."""
    largest = max((arrival.amount_minor for arrival in arrivals), default=0)
    return [arrival for arrival in arrivals if arrival.amount_minor >= SMALL * largest]


def learn(
    calendar: PayCalendar,
    zone: ZoneInfo,
    arrivals: Sequence[Arrival],
    watched_since: datetime | None,
    now: datetime,
    crowd: Sequence[float] = (),
    ahead: int = 3,
) -> ArrivalModel:
    """The model of one person for the `ahead` days from today on.

    `watched_since` is the first read: from then on a pay day without money speaks against its pattern. `crowd` are
    arrivals of all people by slot, as `spread` tells them.
    """
    known = of_weight(arrivals)
    today = now.astimezone(zone).date()
    since = (watched_since or now).astimezone(zone).date()
    regular, irregular = _weigh(calendar, zone, known, since, today)
    days = {day: STRAY + irregular * calendar.weekday_rates[day.weekday()] for day in _days(today, ahead)}
    for weight, paid in regular:
        for day in paid:
            for late, likely in enumerate(LATE):
                if (arrives := day + timedelta(days=late)) in days:
                    days[arrives] += weight * likely
    for year in {day.year for day in days}:
        for extra, share in extra_days(calendar, year):
            if extra in days:
                days[extra] += (1 - irregular) * share
    base = slots_of(calendar.booking_hours)
    return ArrivalModel(zone, days, hours_of(base, zone, known, crowd), base)


def hours_of(base: Weights, zone: ZoneInfo, arrivals: Iterable[Arrival], crowd: Sequence[float] = ()) -> Weights:
    """The hours of a person's pay, from the calendar's, other people's and their own."""
    weights = [PRIOR_STRENGTH * weight for weight in base]
    total = sum(crowd)
    if total > 0:
        trust = min(total, CROWD_STRENGTH) / total
        weights = [weight + count * trust for weight, count in zip(weights, crowd, strict=True)]
    shape = normal(weights)
    for arrival in arrivals:
        for slot, share in spread(arrival, zone, shape):
            weights[slot] += 2 * share
    return normal(weights)


def spread(arrival: Arrival, zone: ZoneInfo, shape: Weights) -> list[tuple[int, float]]:
    """One arrival over the slots it may have come in, in proportion to `shape`; empty when too little is known."""
    if arrival.by - arrival.after > VAGUE:
        return []
    parts: dict[int, float] = {}
    for slot, covered in _slots_between(arrival.after.astimezone(zone), arrival.by.astimezone(zone)):
        parts[slot] = parts.get(slot, 0.0) + covered * shape[slot]
    total = sum(parts.values())
    return [(slot, part / total) for slot, part in parts.items()] if total > 0 else []


def slots_of(hours: Sequence[float]) -> Weights:
    """Weights of hours as weights of slots."""
    return normal([hours[slot * SLOT_MINUTES // 60] for slot in range(SLOTS)])


def normal(weights: Sequence[float]) -> Weights:
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def _slots_between(after: datetime, by: datetime) -> Iterator[tuple[int, float]]:
    """Slots from `after` to `by`, each with the share of it that lies between; one moment: the slot it lies in."""
    first = after.hour * 60 + after.minute + after.second / 60
    minutes = (by - after).total_seconds() / 60
    if minutes <= 0:
        yield int(first // SLOT_MINUTES) % SLOTS, 1.0
        return
    at, end = first, first + minutes
    while at < end:
        slot = int(at // SLOT_MINUTES)
        until = min(end, (slot + 1) * SLOT_MINUTES)
        yield slot % SLOTS, (until - at) / SLOT_MINUTES
        at = until


def _weigh(
    calendar: PayCalendar, zone: ZoneInfo, arrivals: Sequence[Arrival], since: date, today: date
) -> tuple[list[tuple[float, frozenset[date]]], float]:
    """Each pattern's days with the weight it has for this person, and the weight of no pattern at all."""
    spans = [_days_of(arrival, zone) for arrival in arrivals]
    first = min([since, *(span[0] for span in spans)]) - timedelta(days=len(LATE))
    last = today + timedelta(days=40)
    candidates = patterns_days(calendar, (first.year, first.month), (last.year, last.month))
    settled = today - timedelta(days=len(LATE))
    quiet = max(0, (today - since).days - len(spans))
    logs = [
        math.log(share) + quiet * math.log(1 - STRAY) + _fit(paid, spans, since, settled) for share, paid in candidates
    ]
    rates = calendar.weekday_rates
    log = math.log(calendar.irregular) if calendar.irregular else -math.inf
    log += sum(math.log(max(rates[day.weekday()] for day in span)) for span in spans)
    log += quiet * math.log(1 - sum(rates) / len(rates))
    top = max([*logs, log])
    weights = [math.exp(each - top) for each in logs]
    irregular = math.exp(log - top)
    total = sum(weights) + irregular
    likely = [(w / total, paid) for w, (_, paid) in zip(weights, candidates, strict=True) if w > NEGLIGIBLE * total]
    return likely, irregular / total


def _fit(paid: frozenset[date], spans: Sequence[Sequence[date]], since: date, settled: date) -> float:
    """How well arrivals go with the pay days of one pattern, as the logarithm of a chance."""
    seen: set[date] = set()
    log = 0.0
    for span in spans:
        chance = STRAY
        for day in span:
            for late, likely in enumerate(LATE):
                expected = day - timedelta(days=late)
                if expected in paid:
                    chance = max(chance, likely)
                    seen.add(expected)
        log += math.log(chance)
    return log + math.log(MISSING) * sum(1 for day in paid if since < day <= settled and day not in seen)


def _days_of(arrival: Arrival, zone: ZoneInfo) -> list[date]:
    """The local days it may have come on; no more than a week of them."""
    first, last = arrival.after.astimezone(zone).date(), arrival.by.astimezone(zone).date()
    return _days(first, min(7, (last - first).days + 1))


def _days(first: date, number: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(number)]
