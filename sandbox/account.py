"""A person's bank account: wages in by the country's calendar, bills and spending out, a buffer below.

Money above the buffer decays exponentially between pay days (faster on pay day and the four days after),
a share of each wage leaves as bills in its first five days. Because spending is proportional to what
stands above the buffer, any disturbance (a debt paid, money received) fades with the same time constant.
Days are computed once and kept, so a balance at a moment costs the same however often it is asked.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta

from .chance import stream, unit
from .clock import DAY, Moment, at_local, local
from .odds import Odds
from .paydays import PAYS_A_MONTH, bonus_days, pay_days

BURN_IN_DAYS = 35
WEEKLY_PAID = {"weekly"}
HALF_MONTHLY_PAID = {"quincena", "br_advance", "biweekly"}


@dataclass(frozen=True)
class Income:
    """How money comes to a person. Amounts in minor units."""

    monthly: float
    schedule: str  # a name of paydays.SCHEDULES, or "irregular"
    anchor: int
    buffer: float
    decay_tau_days: float


def minor_digits(currency: str) -> int:
    return 0 if currency in {"CLP", "JPY", "KRW", "PYG", "VND", "ISK", "UGX"} else 2


def amount_text(minor: int, currency: str) -> str:
    """Minor units as a decimal text with the currency's digits."""
    digits = minor_digits(currency)
    sign = "-" if minor < 0 else ""
    return str(minor) if digits == 0 else f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def draw_income(odds: Odds, seed: int, key: str, country: str, currency: str, amount_minor: int) -> Income:
    """`amount_minor` is what the person owes: lenders do not lend what a wage cannot carry."""
    rng = stream(seed, key, "income")
    medians = odds.table("income.monthly_median")
    unit_minor = 10 ** minor_digits(currency)
    median = medians[currency] * unit_minor if currency in medians else amount_minor / 0.2
    monthly = median * math.exp(rng.gauss(0, odds.number("income.monthly_sigma")))
    monthly = max(monthly, amount_minor / odds.number("income.max_due_share"))
    irregular = rng.random() < float(odds.by_country("income.irregular_share", country))
    kinds = odds.by_country("income.schedule", country)
    schedule = rng.choices(list(kinds), weights=[float(x) for x in kinds.values()])[0]
    if irregular:
        schedule = "irregular"
    if schedule == "irregular" or schedule in WEEKLY_PAID:
        tau = odds.number("cash.decay_tau_weekly")
    elif schedule in HALF_MONTHLY_PAID:
        tau = odds.number("cash.decay_tau_half_month")
    else:
        tau = odds.number("cash.decay_tau_monthly")
    days = math.exp(rng.gauss(math.log(odds.number("cash.buffer_days_median")), odds.number("cash.buffer_days_sigma")))
    if rng.random() < float(odds.by_country("cash.empty_before_payday", country)):
        days = rng.random()
    return Income(monthly, schedule, rng.randrange(1000), days * monthly / 30, tau)


class Account:
    """Balances of one person from BURN_IN_DAYS before `opened` on, day by day of the person's zone."""

    def __init__(self, odds: Odds, seed: int, key: str, country: str, income: Income, opened: date, zone: str) -> None:
        self._seed, self._key, self._country, self._zone = seed, key, country, zone
        self._income = income
        self._first = opened.toordinal() - BURN_IN_DAYS
        self._spike = odds.number("cash.payday_spike")
        self._spike_after = odds.number("cash.payday_spike_after")
        self._bills = odds.number("cash.bills_share_first5d")
        self._jitter = odds.number("income.jitter_late")
        self._shape = odds.number("income.irregular_shape")
        self._zero_weeks = odds.number("income.irregular_zero_weeks")
        self._shock_rate = odds.number("income.shock_rate_month")
        self._shock_months = odds.number("income.shock_mean_months")
        self._bonus = odds.number("income.bonus_free_share")
        self._start: list[float] = []  # at 0 h
        self._pay: list[float] = []
        self._pay_hour: list[float] = []
        self._out: list[float] = []
        self._since_pay: list[int] = []
        self._above = income.monthly * 0.1
        self._bills_due: list[float] = []
        self._days_without = 5
        self._pays: dict[int, float] = {}
        self._months_done: set[tuple[int, int]] = set()
        self._shock_until: tuple[int, int] = (0, 0)
        self.adjustments: list[tuple[Moment, float]] = []

    def adjust(self, moment: Moment, amount: float) -> None:
        """Money that came or went outside the pattern, in minor units; its trace fades by spending."""
        self.adjustments.append((moment, amount))

    def _adjusted(self, moment: Moment) -> float:
        tau = self._income.decay_tau_days * DAY
        return sum(a * math.exp((at - moment) / tau) for at, a in self.adjustments if at <= moment)

    def _shocked(self, year: int, month: int) -> bool:
        """Loss of work or illness: no wages for some months."""
        if (year, month) < self._shock_until:
            return True
        if unit(self._seed, self._key, "shock", year, month) >= self._shock_rate:
            return False
        length = 1
        while unit(self._seed, self._key, "shock", year, month, length) < 1 - 1 / self._shock_months:
            length += 1
        index = year * 12 + month - 1 + length
        self._shock_until = (index // 12, index % 12 + 1)
        return True

    def _fill_month(self, year: int, month: int) -> None:
        """Pay that belongs to a month; done in order of months."""
        if (year, month) in self._months_done:
            return
        self._months_done.add((year, month))
        if self._shocked(year, month):
            return
        income = self._income
        if income.schedule == "irregular":
            day = date(year, month, 1)
            while day.month == month:
                if day.weekday() == 0:
                    rng = stream(self._seed, self._key, "week", day.toordinal())
                    amount = rng.gammavariate(self._shape, 12 * income.monthly / 52 / self._shape)
                    if rng.random() >= self._zero_weeks:
                        self._pays[day.toordinal() + rng.choice((3, 4, 4, 5))] = amount
                day += timedelta(days=1)
            return
        wage = income.monthly / PAYS_A_MONTH.get(income.schedule, 1.0)
        for paid in pay_days(income.schedule, self._country, year, month, income.anchor):
            late = unit(self._seed, self._key, "jitter", paid.toordinal())
            shift = 1 + int(late / self._jitter * 3) if late < self._jitter else 0
            ordinal = paid.toordinal() + shift
            self._pays[ordinal] = self._pays.get(ordinal, 0.0) + wage
        for paid in bonus_days(self._country, year):
            if paid.month == month:
                ordinal = paid.toordinal()
                self._pays[ordinal] = self._pays.get(ordinal, 0.0) + self._bonus * income.monthly

    def _extend(self, ordinal: int) -> None:
        income = self._income
        while self._first + len(self._start) <= ordinal:
            today = self._first + len(self._start)
            day = date.fromordinal(today)
            self._fill_month(day.year, day.month)
            if day.day > 20:  # a wage of next month may be paid before its first day
                ahead = day + timedelta(days=15)
                self._fill_month(ahead.year, ahead.month)
            pay = self._pays.pop(today, 0.0)
            if pay:
                self._days_without = 0
                for n in range(5):
                    if len(self._bills_due) <= n:
                        self._bills_due.append(0.0)
                    self._bills_due[n] += pay * self._bills / 5
            else:
                self._days_without += 1
            start = self._above + income.buffer
            above = self._above + pay
            bill = self._bills_due.pop(0) if self._bills_due else 0.0
            reserved = sum(self._bills_due)
            spike = self._spike if pay else self._spike_after if self._days_without <= 4 else 1.0
            spent = max(0.0, above - bill - reserved) * (1 - math.exp(-spike / income.decay_tau_days))
            out = min(above, bill + spent)
            self._above = above - out
            self._start.append(start)
            self._pay.append(pay)
            self._pay_hour.append(5 + 4 * unit(self._seed, self._key, "payhour", today) if pay else 0.0)
            self._out.append(out)
            self._since_pay.append(self._days_without)

    def _index(self, ordinal: int) -> int:
        index = max(0, ordinal - self._first)
        if index >= len(self._start):
            self._extend(self._first + index)
        return index

    def _of_day(self, index: int, hour: float) -> float:
        gone = min(1.0, max(0.0, (hour - 7) / 15))
        pay = self._pay[index] if hour >= self._pay_hour[index] else 0.0
        return self._start[index] + pay - self._out[index] * gone

    def noon(self, ordinal: int) -> float:
        """Money at midday of the local day, minor units."""
        value = self._of_day(self._index(ordinal), 12.0)
        if self.adjustments:
            value += self._adjusted(at_local(date.fromordinal(ordinal), 12, self._zone))
        return max(0.0, value)

    def days_since_pay(self, ordinal: int) -> int:
        return self._since_pay[self._index(ordinal)]

    def pay_on(self, ordinal: int) -> float:
        """What is paid in on the local day, minor units."""
        return self._pay[self._index(ordinal)]

    def pay_hour_on(self, ordinal: int) -> float:
        """When in the local day it is paid in, in hours from midnight; 0 where nothing is."""
        return self._pay_hour[self._index(ordinal)]

    @property
    def first(self) -> int:
        """The first local day that is known, as an ordinal."""
        return self._first

    def spent_on(self, ordinal: int) -> float:
        """What goes out on the local day, minor units."""
        return self._out[self._index(ordinal)]

    def at(self, moment: Moment) -> float:
        """Money at the moment, minor units, never below zero."""
        here = local(moment, self._zone)
        value = self._of_day(self._index(here.toordinal()), here.hour + here.minute / 60)
        if self.adjustments:
            value += self._adjusted(moment)
        return max(0.0, value)

    def closing(self, ordinal: int) -> float:
        """Money at the end of the local day, minor units."""
        value = self._of_day(self._index(ordinal), 24.0)
        if self.adjustments:
            value += self._adjusted(at_local(date.fromordinal(ordinal + 1), 0, self._zone))
        return max(0.0, value)
