"""The loans of a campaign under chaos: as many as asked for, the same for a seed, some people owing two."""

from __future__ import annotations

from datetime import date

import pytest

from chaos.portfolio import first_of_december, in_words, portfolio_of


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("number", [1, 30, 200, 1000])
def test_there_are_as_many_loans_as_asked_for_each_with_an_id_of_its_own(seed: int, number: int) -> None:
    loans = portfolio_of(seed, number).loans

    assert len({loan.loan_id for loan in loans}) == number
    assert loans == portfolio_of(seed, number).loans


@pytest.mark.parametrize(("seed", "people"), [(1, 57), (2, 54)])
def test_some_people_owe_two_and_another_seed_draws_others(seed: int, people: int) -> None:
    loans = portfolio_of(seed, 60).loans

    assert len({loan.person_id for loan in loans}) == people
    assert [loan.amount_due_minor for loan in loans] != [
        loan.amount_due_minor for loan in portfolio_of(seed + 2, 60).loans
    ]


@pytest.mark.parametrize(("seed", "country", "currency"), [(1, "US", "USD"), (2, "ES", "EUR")])
def test_seeds_take_turns_between_two_countries(seed: int, country: str, currency: str) -> None:
    drawn = portfolio_of(seed, 30)

    assert {loan.country for loan in drawn.loans} == {country}
    assert drawn.strategy.currency == currency


@pytest.mark.parametrize(
    ("today", "first"),
    [
        (date(2026, 11, 27), date(2026, 12, 1)),
        (date(2026, 11, 28), date(2027, 12, 1)),
        (date(2026, 12, 1), date(2027, 12, 1)),
        (date(2027, 1, 1), date(2027, 12, 1)),
        (date(2028, 2, 29), date(2028, 12, 1)),
    ],
)
def test_the_first_day_lies_some_days_ahead(today: date, first: date) -> None:
    assert first_of_december(today) == first


def test_people_of_both_countries_write_in_their_own_words_in_some_seeds_on_both_databases() -> None:
    assert [seed for seed in range(1, 21) if in_words(seed)] == [5, 10, 15, 20]
