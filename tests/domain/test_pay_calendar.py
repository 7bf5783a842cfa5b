from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest

from config.pay_calendars import PAY_CALENDARS_FOLDER, PayCalendarError, pay_calendar
from domain.pay_calendar import PayPattern, Shift, extra_days, pay_days

COUNTRIES = ("ES", "MX", "CL", "CO", "AR", "PE", "BR", "US", "GB")


def days(country: str, rule: str, year: int, month: int) -> set[date]:
    calendar = pay_calendar(country)
    [found] = [each for each in calendar.rules if each.id == rule]
    return {day for _, pattern in found.patterns for day in pay_days(pattern, country, year, month)}


def test_every_country_of_the_product_has_a_calendar_and_any_other_a_guess() -> None:
    files = {file.stem for file in PAY_CALENDARS_FOLDER.glob("*.yaml")}

    assert files == {*COUNTRIES, "other"}
    assert pay_calendar("EC").country == "EC"
    for country in COUNTRIES:
        assert all(rule.source for rule in pay_calendar(country).rules)


def test_a_quincena_on_a_weekend_or_holiday_is_paid_on_the_bank_day_before() -> None:
    assert days("MX", "quincena", 2026, 8) == {date(2026, 8, 14), date(2026, 8, 31)}
    assert days("MX", "quincena", 2026, 1) == {date(2026, 1, 15), date(2026, 1, 30)}


def test_brazil_counts_saturdays_to_the_fifth_business_day_and_credits_on_friday() -> None:
    # August 2026 begins on a Saturday: 1, 3, 4, 5 and 6 August.
    assert days("BR", "fifth-business-day", 2026, 8) == {date(2026, 8, 6)}
    # 1 May is a holiday: 2 (Saturday), 4, 5, 6 and 7 May.
    assert days("BR", "fifth-business-day", 2026, 5) == {date(2026, 5, 7)}
    # 2, 3, 4, 5 and Friday 6 March: nothing is shifted.
    assert days("BR", "fifth-business-day", 2026, 3) == {date(2026, 3, 6)}
    # 1 to 3 October, then 5 and 6: a fifth day on Saturday 6 June 2026 is credited on Friday.
    assert days("BR", "fifth-business-day", 2026, 6) == {date(2026, 6, 5)}


def test_argentina_pays_by_the_fourth_business_day() -> None:
    # 1 January is a holiday: Friday 2, then 5, 6 and 7.
    assert days("AR", "fourth-business-day", 2026, 1) == {date(2026, 1, 7)}


def test_spanish_pensions_come_in_advance_and_wages_before_the_weekend() -> None:
    assert days("ES", "pension-advanced", 2026, 3) == {date(2026, 3, day) for day in (20, 23, 24, 25)}
    assert days("ES", "month-end", 2026, 5) == {date(2026, 5, 29)}


def test_a_day_that_a_month_does_not_have_is_its_last_one() -> None:
    assert pay_days(PayPattern(month_days=(30,)), "CO", 2026, 2) == (date(2026, 2, 27),)


@pytest.mark.parametrize(("shift", "day"), [(Shift.BEFORE, 14), (Shift.AFTER, 17), (Shift.NONE, 15)])
def test_a_shift_moves_to_the_bank_day_it_names(shift: Shift, day: int) -> None:
    assert pay_days(PayPattern(month_days=(15,), shift=shift), "PE", 2026, 8) == (date(2026, 8, day),)


def test_every_second_friday_never_comes_twice_in_two_weeks() -> None:
    calendar = pay_calendar("US")
    [biweekly] = [rule for rule in calendar.rules if rule.id == "biweekly"]
    (_, first), (_, second) = biweekly.patterns

    found = [
        [d for m in range(1, 7) for d in pay_days(p.model_copy(update={"shift": Shift.NONE}), "US", 2026, m)]
        for p in (first, second)
    ]

    assert not set(found[0]) & set(found[1])
    assert all((b - a).days == 14 for one in found for a, b in pairwise(one))


def test_extra_pays_are_on_the_bank_day_before_the_laws_date() -> None:
    assert (date(2026, 12, 18), 0.4) in extra_days(pay_calendar("MX"), 2026)  # the 20th is a Sunday


def test_a_broken_calendar_is_told_with_its_line(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    text = (PAY_CALENDARS_FOLDER / "PE.yaml").read_text(encoding="utf-8")
    (folder / "PE.yaml").write_text(text.replace("irregular: 0.62", "irregular: much"), encoding="utf-8")

    with pytest.raises(PayCalendarError, match=r"PE\.yaml:\d+: irregular"):
        pay_calendar("PE", folder)
