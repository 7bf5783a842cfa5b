"""When a debit may be collected, and what keeps a mandate alive."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from domain.direct_debit import (
    collection_day,
    file_day,
    has_lapsed,
    no_longer_awaited_from,
    outcome_known_by,
    reference_of,
    return_meaning,
)
from domain.settlement_days import days_after, days_before, is_settlement_day


@pytest.mark.parametrize(
    "closed",
    [
        date(2026, 1, 1),
        date(2026, 4, 3),  # Good Friday, as the ECB's calendar for 2026 has it
        date(2026, 4, 6),
        date(2026, 5, 1),
        date(2026, 12, 25),
        date(2025, 4, 18),
        date(2025, 4, 21),
        date(2027, 3, 26),
        date(2027, 3, 29),
        date(2026, 11, 28),
    ],
)
def test_nothing_settles_on_a_closing_day(closed: date) -> None:
    assert not is_settlement_day(closed)


def test_days_are_counted_over_easter_in_both_directions() -> None:
    before, after = date(2026, 4, 2), date(2026, 4, 7)

    assert days_after(before, 1) == after
    assert days_before(after, 1) == before
    assert days_after(date(2026, 4, 4), 0) == after


@pytest.mark.parametrize(
    ("notified_on", "notice_days", "expected"),
    [
        (None, 0, date(2026, 11, 30)),  # a Friday: the bank takes it for Monday
        (date(2026, 11, 27), 14, date(2026, 12, 11)),
        (date(2026, 11, 27), 29, date(2026, 12, 28)),  # the 26th is no settlement day, and the 27th a Sunday
        (date(2026, 11, 1), 14, date(2026, 11, 30)),  # announced long ago: no sooner than the bank can
    ],
)
def test_a_debit_waits_for_its_notice_and_for_the_bank(
    notified_on: date | None, notice_days: int, expected: date
) -> None:
    day = collection_day(date(2026, 11, 27), notified_on=notified_on, notice_days=notice_days)

    assert day == expected
    assert file_day(day) < day < outcome_known_by(day) < no_longer_awaited_from(day)


def test_a_reference_is_the_same_however_often_it_is_asked_for_and_no_other_debit_has_it() -> None:
    first = reference_of("demo", "P-1", 1, "debit", 1)

    assert first == reference_of("demo", "P-1", 1, "debit", 1)
    others = {reference_of("demo", "P-1", 2, "debit", 1), reference_of("demo", "P-1", 1, "debit", 2)}
    assert first not in others
    assert len(first) <= 35
    assert first.isalnum()


def test_a_mandate_unused_for_three_years_has_lapsed() -> None:
    used = date(2023, 11, 28)

    assert not has_lapsed(used, used + timedelta(days=1000))
    assert has_lapsed(used, date(2026, 11, 29))


def test_reasons_that_end_a_mandate_and_reasons_that_do_not() -> None:
    ends = {code for code in ("AC01", "AC04", "AM04", "MD01", "MD06", "MD07", "MS03", "XX99") if _ends(code)}

    assert ends == {"AC01", "AC04", "MD01", "MD07"}


def _ends(code: str) -> bool:
    return return_meaning(code).ends_mandate
