"""When instalments fall due and how much each is: exact minor units, working days, interest with its arithmetic."""

from __future__ import annotations

import calendar
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from pydantic import BaseModel, ConfigDict

from domain.agreements.terms import Every

DAYS_A_YEAR = 365
PERIODS_A_YEAR = {Every.WEEK: 52, Every.FORTNIGHT: 26, Every.MONTH: 12}
SATURDAY = 5
_DAYS = {Every.WEEK: 7, Every.FORTNIGHT: 14}


class Row(BaseModel):
    """One payment of a schedule and what it is made of; `left_minor` is the debt after it."""

    model_config = ConfigDict(frozen=True)

    number: int
    amount_minor: int
    interest_minor: int = 0
    principal_minor: int
    left_minor: int


def split(total_minor: int, parts: int, smallest: int = 1) -> tuple[int, ...]:
    """`total_minor` in `parts`, each a multiple of `smallest`, that differ by at most one of it, the larger ones first.

    They add up to the total, less what of it is no whole multiple: nobody can pay that (`domain.payable`).
    """
    units = total_minor // smallest
    if not 0 < parts <= units:
        raise ValueError(f"{total_minor} cannot be paid in {parts} parts")
    each, rest = divmod(units, parts)
    return tuple((each + (number < rest)) * smallest for number in range(parts))


def repayment(debt_minor: int, parts: int, every: Every, rate_bp: int = 0, smallest: int = 1) -> tuple[Row, ...]:
    """Equal payments of a debt with yearly interest of `rate_bp` hundredths of a percent (the annuity formula).

    Interest is rounded at each payment to `smallest`, the smallest payable amount in minor units, half to even; the
    last payment takes what rounding left. Of the debt no more is asked for than its whole multiples of `smallest`.
    Without interest the payments are those of `split`.
    """
    rows = _in_units(debt_minor // smallest, parts, every, rate_bp)
    if smallest == 1:
        return rows
    amounts = ("amount_minor", "interest_minor", "principal_minor", "left_minor")
    return tuple(row.model_copy(update={name: getattr(row, name) * smallest for name in amounts}) for row in rows)


def _in_units(debt_minor: int, parts: int, every: Every, rate_bp: int) -> tuple[Row, ...]:
    if rate_bp == 0:
        rows, left = [], debt_minor
        for number, amount in enumerate(split(debt_minor, parts), 1):
            left -= amount
            rows.append(Row(number=number, amount_minor=amount, principal_minor=amount, left_minor=left))
        return tuple(rows)
    rate = Decimal(rate_bp) / 10_000 / PERIODS_A_YEAR[every]
    annuity = _whole(debt_minor * rate / (1 - (1 + rate) ** -parts))
    rows, left = [], debt_minor
    for number in range(1, parts + 1):
        interest = _whole(left * rate)
        principal = left if number == parts else min(max(annuity - interest, 0), left)
        left -= principal
        rows.append(
            Row(
                number=number,
                amount_minor=principal + interest,
                interest_minor=interest,
                principal_minor=principal,
                left_minor=left,
            )
        )
    return tuple(rows)


def _whole(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def due_dates(first: date, parts: int, every: Every, holidays: Collection[date]) -> tuple[date, ...]:
    """`parts` due dates from `first` on, each on its own day of the rhythm or the next working day after it.

    Monthly dates keep the day of the month of the first (its last day where a month is shorter).
    """
    return tuple(next_working_day(_nth(first, number, every), holidays) for number in range(parts))


def next_working_day(day: date, holidays: Collection[date]) -> date:
    """`day`, or the first day after it that is neither Saturday, Sunday nor a holiday."""
    while day.weekday() >= SATURDAY or day in holidays:
        day += timedelta(days=1)
    return day


def _nth(first: date, number: int, every: Every) -> date:
    if every is not Every.MONTH:
        return first + timedelta(days=_DAYS[every] * number)
    months = first.month - 1 + number
    year, month = first.year + months // 12, months % 12 + 1
    return date(year, month, min(first.day, calendar.monthrange(year, month)[1]))


def effective_rate_bp(debt_minor: int, payments: Sequence[tuple[date, int]], on: date) -> int | None:
    """The yearly rate, hundredths of a percent, at which `payments` on their days are worth the debt on `on`: that of
    annex I of Directive 2008/48/EC and of Brazil's CET, by days of a year of 365. None for one of over 100,000 %.
    """

    def worth(rate: float) -> float:
        return float(sum(amount / (1 + rate) ** ((due - on).days / DAYS_A_YEAR) for due, amount in payments))

    low, high = 0.0, 1_000.0
    if worth(high) > debt_minor:
        return None
    for _ in range(60):
        rate = (low + high) / 2
        low, high = (rate, high) if worth(rate) > debt_minor else (low, rate)
    return round(low * 10_000)
