"""Conditions of operators: what they say is what they mean, and what they must not say is refused in a line."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.segment import FIELDS, BadCondition, LoanRow, parse_condition

LOAN: LoanRow = {
    "dpd": Decimal(20),
    "amount": Decimal("299.99"),
    "currency": "EUR",
    "country": "ES",
    "city": "Málaga",
    "grade": None,
    "consent": False,
    "phone": True,
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("dpd >= 15 and amount < 300 and city = 'Malaga'", True),
        ("dpd >= 21", False),
        ("dpd = 20.0", True),
        ("amount < 299.99", False),
        ("amount <= 299.99", True),
        ("dpd > -3", True),
        ("city = 'MÁLAGA'", True),
        ('city != "Sevilla"', True),
        ("country in ('PT', 'es')", True),
        ("country not in ('PT', 'FR')", True),
        ("phone and not consent", True),
        ("consent = no", True),
        ("NOT (dpd < 5 OR dpd > 30)", True),
        ("dpd < 5 or dpd > 15 and phone", True),
        ("(dpd < 5 or dpd > 15) and consent", False),
    ],
)
def test_a_condition_says_which_loans(text: str, holds: bool) -> None:
    assert parse_condition(text).holds(LOAN) is holds


@pytest.mark.parametrize(
    "text", ["grade = 'A'", "grade != 'A'", "not grade = 'A'", "grade not in ('A')", "dpd > 1 and grade = 'A'"]
)
def test_what_is_not_known_meets_neither_a_comparison_nor_its_opposite(text: str) -> None:
    assert not parse_condition(text).holds(LOAN)


def test_what_is_known_decides_alone_where_it_can() -> None:
    assert parse_condition("grade = 'A' or dpd = 20").holds(LOAN)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "ends too early"),
        ("dpd >", "ends too early"),
        ("dpd = 1 and", "ends too early"),
        ("dpd = 1; drop table loan", "cannot read the condition at character 8"),
        ("__import__('os').system('x')", "cannot read the condition at character 11"),
        ("name = 'Ana'", "no field 'name'"),
        ("city = Sevilla", "put texts in quotes, such as city = 'Sevilla'"),
        ("city > 'a'", "compare it with = or !="),
        ("dpd = 'x'", "expected a number"),
        ("city = 5", "expected a text in quotes"),
        ("dpd", "dpd stands alone"),
        ("(" * 60 + "phone" + ")" * 60, "nests more than"),
        ("phone or " * 400 + "phone", "longer than"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(text: str, told: str) -> None:
    with pytest.raises(BadCondition) as refused:
        parse_condition(text)

    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*FIELDS, "and", "or", "not", "in", "(", ")", "=", ">", "1", "'a'"]), max_size=12).map(
        " ".join
    )
)
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    try:
        condition = parse_condition(text)
    except BadCondition:
        return
    assert condition.holds(LOAN) in (True, False)
