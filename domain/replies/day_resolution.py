"""Which day the words of a day's name mean, counted from the day they were sent."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

from domain.replies.day_expressions import SHORT_WEEKDAYS
from domain.replies.day_words import COUNTS, DAY_WORDS, MONTHS, WEEKDAYS
from domain.replies.named_days import named_day

_JUST_OVER = 100
"""Days since a day of a month that is named without its year, within which it is taken for one that is over."""


class NotADay:
    """The type of `NOT_A_DAY`, which is neither a day nor None."""


NOT_A_DAY = NotADay()
"""The words only look like a day's name: they are left to the expressions that follow."""


def resolve(kind: str, match: re.Match[str], sent: date, country: str) -> date | NotADay | None:
    """The day that an expression of DAY_EXPRESSIONS means; None where it names none that can be told.

    `sent` is the borrower's local day, `country` ISO 3166-1 alpha-2 in capitals. NOT_A_DAY where the words beside the
    match, or a month that does not exist, show that no day is meant.
    """
    given = match.groupdict()
    if kind in {"past", "vague", "none", "next_after"}:
        return None
    if kind in {"at_once", "there"}:
        return sent
    if kind in {"today", "today_weak", "today_wd"}:
        return sent
    plus = {"plus1": 1, "plus2": 2, "plus8": 8, "plus7": 7, "plus14": 14}.get(kind)
    if plus is not None:
        return sent + timedelta(days=plus)
    if kind == "hours":
        return sent + timedelta(days=int(given["h"]) // 24)
    if kind == "week_from_wd":
        word = next(value for value in given.values() if value)
        return _next_weekday(sent, WEEKDAYS[word]) + timedelta(days=7)
    if kind == "weekday":
        word = given["w"]
        if _is_ordinal_not_day(word, match):
            return NOT_A_DAY
        return _next_weekday(sent, WEEKDAYS.get(word, SHORT_WEEKDAYS.get(word, 0)))
    if kind == "first_of_month":
        return _month_after(sent)
    if kind == "nth_weekday":
        return _nth_weekday(sent, given["nth"] or given["nth2"] or "", WEEKDAYS[given["w"] or given["w2"] or ""])
    if kind == "weekday_other":
        return _next_weekday(sent, WEEKDAYS[given["w"]]) + timedelta(days=7)
    if kind == "weekday_next":
        if _is_ordinal_not_day(given["w"], match):
            return NOT_A_DAY
        monday = sent - timedelta(days=sent.weekday()) + timedelta(days=7)
        return monday + timedelta(days=WEEKDAYS[given["w"]])
    if kind in {"day", "weekday_number"}:
        return _next_day_number(sent, _day_number(given))
    if kind == "day_next_month":
        return _in_month(_month_after(sent), _day_number(given))
    if kind == "day_month":
        return _day_of_month(sent, _day_number(given), MONTHS[given["mon"]], given.get("y"))
    if kind == "figures":
        return _in_figures(given, sent, country, match)
    if kind == "iso":
        try:
            return date(int(given["iy"]), int(given["im"]), int(given["id"]))
        except ValueError:
            return NOT_A_DAY
    if kind == "in_days":
        return _in_days(given, sent)
    if kind == "working_day":
        return _working_day(sent, given["u"])
    if kind == "half_month":
        return _half_month(sent, given["which"], given.get("qm"), match.group(), country)
    if kind == "payday":
        return _payday(sent, country)
    if kind == "last_of_this":
        return _in_month(sent, 31)
    if kind == "last_of_next":
        return _in_month(_month_after(sent), 31)
    if kind == "last_of_month":
        return _day_of_month(sent, 31, MONTHS[given["m"]], None)
    if kind == "eve":
        feast = named_day(given["eve"] or "", sent + timedelta(days=1), country)
        return None if feast is None else feast - timedelta(days=1)
    if kind == "end_of_year":
        return date(sent.year, 12, 31)
    return named_day(match.group(), sent, country)


def _is_ordinal_not_day(word: str, match: re.Match[str]) -> bool:
    """`segunda` to `sexta` are weekdays only where Portuguese is written; "la segunda" is an ordinal."""
    if word not in {"segunda", "terca", "quarta", "quinta", "sexta"}:
        return False
    before = match.string[: match.start("w")]
    return re.search(r"\b(?:la|una|(?<!pode )por|mi|su|y|de la) $", before) is not None


def _day_number(given: dict[str, str | None]) -> int:
    figure = given.get("d") or ""
    if figure.isdigit():
        return int(figure)
    return DAY_WORDS[given.get("dw") or figure]


def _next_weekday(sent: date, weekday: int) -> date:
    return sent + timedelta(days=(weekday - sent.weekday() - 1) % 7 + 1)


def _nth_weekday(sent: date, which: str, weekday: int) -> date:
    """The third Wednesday of this month, or of the next where it has passed."""
    numbers = {"first": 1, "1st": 1, "primer": 1, "second": 2, "2nd": 2, "segundo": 2, "third": 3, "3rd": 3, "tercer": 3, "fourth": 4, "4th": 4, "cuarto": 4}  # fmt: skip
    for month in (sent.replace(day=1), _month_after(sent)):
        days = [
            month.replace(day=number)
            for number in range(1, monthrange(month.year, month.month)[1] + 1)
            if month.replace(day=number).weekday() == weekday
        ]
        day = days[-1] if which not in numbers else days[numbers[which] - 1]
        if day > sent:
            return day
    return day


def _in_month(month: date, day: int) -> date:
    """That day of the month, or its last day where it is shorter."""
    return month.replace(day=min(day, monthrange(month.year, month.month)[1]))


def _month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _next_day_number(sent: date, number: int) -> date:
    this = _in_month(sent, number)
    return this if this > sent else _in_month(_month_after(sent), number)


def _day_of_month(sent: date, number: int, month: int, year: str | None) -> date | None:
    chosen = int(year) + (2000 if len(year) == 2 else 0) if year else sent.year
    day = _in_month(date(chosen, month, 1), number)
    if year or day >= sent:
        return day
    # `the invoice of 28/09`, said in October: what is just over is not meant for next year.
    return None if (sent - day).days <= _JUST_OVER else _in_month(date(chosen + 1, month, 1), number)


def _in_figures(given: dict[str, str | None], sent: date, country: str, match: re.Match[str]) -> date | NotADay | None:
    first, second = int(given["a"] or 0), int(given["b"] or 0)
    day, month = (second, first) if country == "US" else (first, second)
    if month > 12 >= day:
        day, month = month, day
    if month > 12:
        return NOT_A_DAY
    if given["sep"] != "/" and not given.get("y"):
        # 10.12 and 10-12 are dates only where something says so: they may be amounts or ranges of days.
        before = match.string[: match.start()]
        if re.search(r"\b(?:el|dia|on|para el|al|ate|hasta el) $", before) is None:
            return NOT_A_DAY
    return _day_of_month(sent, day, month, given.get("y"))


def _in_days(given: dict[str, str | None], sent: date) -> date | None:
    word = given.get("n2") or given["n"] or ""
    number = int(word) if word.isdigit() else COUNTS[word]
    unit = given["unit"] or ""
    if given.get("work"):
        day = sent
        while number > 0:
            day += timedelta(days=1)
            number -= day.weekday() < 5
        return day
    if unit.startswith(("sem", "week")):
        return sent + timedelta(days=7 * number)
    if unit.startswith(("mes", "month")):
        month = sent
        for _ in range(min(number, 24)):
            month = _month_after(month)
        return _in_month(month, sent.day) if number <= 24 else None
    return sent + timedelta(days=number)


def _working_day(sent: date, word: str) -> date:
    numbers = {
        "primer": 1,
        "primeiro": 1,
        "segundo": 2,
        "tercer": 3,
        "terceiro": 3,
        "cuarto": 4,
        "quarto": 4,
        "quinto": 5,
    }
    wanted = int(word) if word.isdigit() else numbers[word]
    for month in (sent, _month_after(sent)):
        day, count = month.replace(day=1) - timedelta(days=1), 0
        while count < min(wanted, 20):
            day += timedelta(days=1)
            count += day.weekday() < 5
        if day > sent:
            return day
    return day


def _payday(sent: date, country: str) -> date:
    """The next 15th or last day of a month; where people are not paid twice a month, the next 15th."""
    fifteenth, last = _in_month(sent, 15), _in_month(sent, 31)
    if fifteenth > sent:
        return fifteenth
    if country in {"CL", "PE"}:
        return _in_month(_month_after(sent), 15)
    return last if last > sent else _in_month(_month_after(sent), 15)


def _half_month(sent: date, which: str, month: str | None, words: str, country: str) -> date | None:
    number = 15 if which in {"primera", "1ra", "1a"} else 31
    if month:
        return _day_of_month(sent, number, MONTHS[month], None)
    if "del" in words or "de " in words:
        return _in_month(_month_after(sent), number)
    return _next_day_number(sent, number)
