"""Where a message names days, and which: every one of them, whatever is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.replies.day_expressions import (
    ANY_FIGURE,
    ANY_MONTH,
    ANY_WEEKDAY,
    DAY_EXPRESSIONS,
    WITH_FIGURE,
    WITH_MONTH,
    WITH_WEEKDAY,
)
from domain.replies.day_resolution import NOT_A_DAY, resolve

_MAY_BE_OVER = frozenset({"day_month", "figures", "last_of_month", "half_month"})
"""Kinds that name a day which is over where they name none to come."""


@dataclass(frozen=True)
class Mention:
    """Words that name a day; `day` is None where they name none that can be told, as in "after the 15th"."""

    start: int
    end: int
    kind: str
    day: date | None


def mentions_in(text: str, sent_on: date, country: str) -> list[Mention]:
    """What names a day in plain text, from left to right; rules that stand first take their words from those that follow."""
    taken: list[Mention] = []
    figure = ANY_FIGURE.search(text)
    weekday, month = ANY_WEEKDAY.search(text), ANY_MONTH.search(text)
    for kind, rule in DAY_EXPRESSIONS:
        if (
            (weekday is None and kind in WITH_WEEKDAY)
            or (month is None and kind in WITH_MONTH)
            or (figure is None and WITH_FIGURE in rule.pattern)
        ):
            continue  # most messages name none, and looking for each way to name one costs
        for match in rule.finditer(text):
            start, end = match.span()
            if start == end or any(start < other.end and other.start < end for other in taken):
                continue
            known = resolve(kind, match, sent_on, country)
            kind_here = "past" if known is None and kind in _MAY_BE_OVER else kind
            if known is not NOT_A_DAY:
                taken.append(Mention(start, end, kind_here, known if isinstance(known, date) else None))
    return sorted(taken, key=lambda mention: mention.start)
