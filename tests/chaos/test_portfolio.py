"""The loans of a campaign under chaos: as many as asked for, the same for a seed, some people owing two."""

from __future__ import annotations

import pytest

from chaos import portfolio


@pytest.mark.parametrize("number", [1, 30, 200, 1000])
def test_there_are_as_many_loans_as_asked_for_each_with_an_id_of_its_own(number: int) -> None:
    loans = portfolio.loans(1, number)

    assert len({loan.loan_id for loan in loans}) == number
    assert loans == portfolio.loans(1, number)


def test_some_people_owe_two_and_another_seed_draws_others() -> None:
    loans = portfolio.loans(1, 60)

    assert len({loan.person_id for loan in loans}) == 57
    assert {loan.loan_id for loan in loans} != {loan.loan_id for loan in portfolio.loans(2, 60)}
