"""The loans of a campaign under chaos: as many as asked for, the same for a seed, some people owing two."""

from __future__ import annotations

import pytest

from chaos.portfolio import portfolio_of


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
