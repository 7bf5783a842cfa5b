from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from domain.contact import Moratorium, MoratoriumKind
from domain.contact_rules.periods import (
    bank_access_ends,
    moratorium_last_day,
    standard_moratorium_too_soon,
    validation_period,
)


def test_uk1_last_day_of_a_standard_moratorium() -> None:
    assert moratorium_last_day(Moratorium(starts=date(2026, 11, 21))) == date(2027, 1, 19)


def test_uk5_end_of_a_crisis_is_not_known_before_the_treatment_ends() -> None:
    running = Moratorium(kind=MoratoriumKind.CRISIS, starts=date(2026, 11, 21))

    assert moratorium_last_day(running) is None
    assert moratorium_last_day(running.model_copy(update={"treatment_ended": date(2027, 3, 1)})) == date(2027, 3, 31)


def test_uk9_a_second_standard_moratorium_within_twelve_months() -> None:
    first = date(2026, 11, 21)

    assert standard_moratorium_too_soon(first, date(2027, 11, 20))
    assert not standard_moratorium_too_soon(first, date(2027, 11, 21))
    assert standard_moratorium_too_soon(date(2028, 2, 29), date(2029, 2, 28))
    assert not standard_moratorium_too_soon(date(2028, 2, 29), date(2029, 3, 1))


def test_us13_a_notice_mailed_on_friday_over_thanksgiving() -> None:
    assert validation_period(date(2026, 11, 20)) == (date(2026, 11, 30), date(2026, 12, 30))


def test_es9_bank_access_ends_after_180_days_to_the_moment() -> None:
    last = datetime(2026, 5, 25, 10, tzinfo=UTC)

    assert bank_access_ends(last) == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert bank_access_ends(last) < datetime(2026, 11, 21, 10, tzinfo=UTC) + timedelta(microseconds=1)
