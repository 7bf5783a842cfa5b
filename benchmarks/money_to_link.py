"""From money arriving to the link ordered: reads placed by the model beside reads spread evenly.

The borrowers, their income and spending are the sandbox world's; the model sees nothing of them but the balances it
reads. Each owes an amount, and counts whenever an arrival lifts the balance from below it to it or above. Both ways
read the same accounts over the same 90 days; what other people's arrivals tell of booking hours is known to the model
only from days before.
"""

from __future__ import annotations

import math
import os
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from multiprocessing import get_context
from zoneinfo import ZoneInfo

from benchmarks import Figure, sized
from config.jurisdictions import load_rulebook
from config.pay_calendars import pay_calendar
from domain.arrival_model import KEPT, SLOTS, Arrival, hours_of, jump, learn, slots_of, spread
from domain.contact import Channel, ContactRequest, Verdict
from domain.contact_rules import Caps, RuleBook, decide
from domain.pay_calendar import PayCalendar
from domain.read_placement import ReadPlan, next_read, place
from domain.watching import next_read_at
from sandbox.account import Account, draw_income, minor_digits
from sandbox.odds import load_odds
from sandbox.places import COUNTRIES

BORROWERS, DAYS, READS_A_DAY, SEED = 5_000, 90, 4, 20_260
WEEK = 7
BAR = 1 / 3
FIRST_DAY = date(2026, 3, 2)
DAY = timedelta(days=1)
_OWED = {"ES": ("EUR", 300), "MX": ("MXN", 1_500), "CL": ("CLP", 100_000), "CO": ("COP", 300_000)}
_OWED |= {"AR": ("ARS", 150_000), "PE": ("PEN", 300), "BR": ("BRL", 400)}

_REGION = {"ES": "MD", "CL": "RM"}


@dataclass
class _Borrower:
    zone: ZoneInfo
    account: Account
    owed: int
    begins: datetime
    offset: timedelta
    next_at: datetime
    last: tuple[datetime, int] | None = None
    arrivals: list[Arrival] = field(default_factory=list)
    plan: ReadPlan | None = None
    plan_ends: datetime | None = None
    reads: list[datetime] = field(default_factory=list)


def measure(scale: float = 1.0) -> list[Figure]:
    number = sized(BORROWERS, scale)
    if scale < 0.01:
        groups = [_watched(country, number) for country in _OWED]
    else:
        with ProcessPoolExecutor(min(len(_OWED), os.cpu_count() or 1), mp_context=get_context("spawn")) as processes:
            groups = list(processes.map(_watched, _OWED, [number] * len(_OWED)))
    seen = [one for group in groups for one in group]
    waits = [wait for one in seen for wait in one.waits]
    placed, even = sorted(wait for wait, _ in waits), sorted(wait for _, wait in waits)
    lawful = [sorted(one[way] for seen_ in seen for one in seen_.lawful) for way in (0, 1)]
    spent, spent_evenly = sum(one.reads for one in seen), sum(one.even_reads for one in seen)
    about = f"{len(seen)} borrowers, {DAYS} days, {len(waits)} arrivals that brought enough"
    to_even = _at(placed, 0.5) / _at(even, 0.5) if waits else 0.0
    return [
        Figure("money-to-link.median", _at(placed, 0.5), "min", note=about),
        Figure("money-to-link.median_even", _at(even, 0.5), "min"),
        Figure("money-to-link.to_even", to_even, "of the even spread's median", BAR, at_most=True),
        Figure("money-to-link.p90", _at(placed, 0.9), "min"),
        Figure("money-to-link.p90_even", _at(even, 0.9), "min"),
        Figure("money-to-link.lawful_median", _at(lawful[0], 0.5), "min", note="to the first lawful minute for a text"),
        Figure("money-to-link.lawful_median_even", _at(lawful[1], 0.5), "min"),
        Figure("money-to-link.never_seen", _never(placed), "of arrivals", note=f"evenly spread {_never(even):.3g}"),
        Figure("money-to-link.reads_to_even", spent / spent_evenly, "of the even spread's reads", 1.0, at_most=True),
        Figure("money-to-link.most_in_24_hours", max(one.most for one in seen), "reads", READS_A_DAY, at_most=True),
    ]


@dataclass(frozen=True)
class _Seen:
    """One borrower's waits (placed, even) in minutes, to the read and to the lawful minute after it; the reads."""

    waits: tuple[tuple[float, float], ...]
    lawful: tuple[tuple[float, float], ...]
    reads: int
    even_reads: int
    most: int


def _watched(country: str, number: int) -> list[_Seen]:
    """The borrowers of one country, all watched day by day."""
    borrowers = list(_drawn(country, number))
    calendar = pay_calendar(country)
    zone = ZoneInfo(COUNTRIES[country][0])
    crowd = [0.0] * SLOTS
    end = datetime.combine(FIRST_DAY + timedelta(days=DAYS), time(0), UTC)
    for ahead in range(DAYS):
        ends = datetime.combine(FIRST_DAY + timedelta(days=ahead + 1), time(0), UTC)
        shape = hours_of(slots_of(calendar.booking_hours), zone, (), crowd)
        told = [arrival for one in borrowers for arrival in _read_as_placed(one, calendar, ends, crowd)]
        for arrival in told:
            for slot, share in spread(arrival, zone, shape):
                crowd[slot] += share
    rules = load_rulebook()
    return [_judged(one, country, rules, end) for one in borrowers]


def _judged(one: _Borrower, country: str, rules: RuleBook, end: datetime) -> _Seen:
    even = list(_evenly(one.begins, end))
    arrivals = list(_risings(one, end))
    waits = tuple((_wait(one, arrived, one.reads), _wait(one, arrived, even)) for arrived in arrivals)
    lawful = tuple(
        (_lawful(country, one, rules, arrived, placed), _lawful(country, one, rules, arrived, evenly))
        for arrived, (placed, evenly) in zip(arrivals, waits, strict=True)
    )
    return _Seen(waits, lawful, len(one.reads), len(even), _most_in_a_day(one.reads))


def _lawful(country: str, one: _Borrower, rules: RuleBook, arrived: datetime, wait: float) -> float:
    """The wait until the link may be sent, in minutes: the contact rules of the country, nobody contacted before."""
    if wait == math.inf:
        return wait
    request = ContactRequest(
        loan_id="A", channel=Channel.SMS, country=country, region=_REGION.get(country), timezones=(str(one.zone),)
    )
    answer = decide(request, arrived + timedelta(minutes=wait), (), rules, Caps())
    if answer.verdict is Verdict.NOT_BEFORE and answer.not_before is not None:
        return (answer.not_before - arrived).total_seconds() / 60
    return wait if answer.verdict is Verdict.ALLOWED else math.inf


def _drawn(country: str, number: int) -> Iterator[_Borrower]:
    """The borrowers of one country among `number` of all, each with the world's income and an amount owed."""
    odds = load_odds()
    currency, usual = _OWED[country]
    zone = COUNTRIES[country][0]
    for n in range(list(_OWED).index(country), number, len(_OWED)):
        chance = random.Random(f"{SEED}-{n}")  # nosec B311 # the same borrowers in every run
        owed = round(usual * 10 ** minor_digits(currency) * math.exp(chance.gauss(0, 0.5)))
        income = draw_income(odds, SEED, f"b{n}", country, currency, owed)
        account = Account(odds, SEED, f"b{n}", country, income, FIRST_DAY, zone)
        begins = datetime.combine(FIRST_DAY, time(0), UTC) + timedelta(minutes=chance.randrange(1440))
        yield _Borrower(ZoneInfo(zone), account, owed, begins, timedelta(seconds=chance.randrange(900)), begins)


def _evenly(begins: datetime, end: datetime) -> Iterator[datetime]:
    moment = begins
    while moment < end:
        yield moment
        moment = next_read_at(moment, READS_A_DAY)


def _read_as_placed(one: _Borrower, calendar: PayCalendar, ends: datetime, crowd: Sequence[float]) -> Iterator[Arrival]:
    """The reads until `ends`, as the watch makes them; tells what came in."""
    while one.next_at < ends:
        now = one.next_at
        amount = int(one.account.at(now.timestamp()))
        one.reads.append(now)
        came = None if one.last is None else jump(one.last[1], one.last[0], amount, now)
        one.last = now, amount
        if came is not None:
            one.arrivals = [*one.arrivals, came][-KEPT:]
            yield came
        if came is not None or one.plan is None or one.plan_ends is None or now >= one.plan_ends:
            # A week at a time: in the product each read asks anew, which only knows more.
            model = learn(calendar, one.zone, one.arrivals, one.begins, now, crowd, ahead=WEEK + 3)
            one.plan, one.plan_ends = place(model, READS_A_DAY), now + timedelta(days=WEEK)
        one.next_at = next_read(one.plan, now, one.reads[-READS_A_DAY:], one.offset)


def _risings(one: _Borrower, end: datetime) -> Iterator[datetime]:
    """The moments at which an arrival lifted the balance to what is owed."""
    account = one.account
    day = one.begins.astimezone(one.zone).date()
    last = (end - 2 * DAY).astimezone(one.zone).date()
    while day <= last:
        ordinal = day.toordinal()
        if account.pay_on(ordinal):
            hour = account.pay_hour_on(ordinal)
            arrived = (datetime.combine(day, time(0), one.zone) + timedelta(hours=hour)).astimezone(UTC)
            before = account.at((arrived - timedelta(minutes=2)).timestamp())
            after = account.at((arrived + timedelta(minutes=2)).timestamp())
            if arrived > one.begins and before < one.owed <= after:
                yield arrived
        day += DAY


def _wait(one: _Borrower, arrived: datetime, reads: Sequence[datetime]) -> float:
    """Minutes until the first read that sees the money; endless when none does before the next month's."""
    for at in reads[bisect_left(reads, arrived) :]:
        if at > arrived + timedelta(days=30):
            break
        if one.account.at(at.timestamp()) >= one.owed:
            return (at - arrived).total_seconds() / 60
    return math.inf


def _never(waits: Sequence[float]) -> float:
    return sum(1 for wait in waits if wait == math.inf) / max(len(waits), 1)


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _most_in_a_day(moments: Sequence[datetime]) -> int:
    most, first = 0, 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - DAY:
            first += 1
        most = max(most, last - first + 1)
    return most
