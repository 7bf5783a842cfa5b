"""A gateway's list against ours: each difference once, and none where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.gateway_lists import DifferenceKind, Listed, compare

DAY = datetime(2026, 11, 27, tzinfo=UTC)


def paid(payment_id: str = "pi_1", minor: int = 5_000, **more: Any) -> Listed:
    given: dict[str, Any] = {"currency": "EUR", "paid_at": DAY + timedelta(hours=9), "loan_id": "P-1"}
    return Listed(payment_id=payment_id, amount_minor=minor, **{**given, **more})


@pytest.mark.parametrize(
    ("theirs", "ours", "kinds"),
    [
        ([paid()], [paid()], []),
        ([paid()], [], ["missing_here"]),
        ([paid(taken_back=True)], [], []),  # paid and refunded there, never told here: no money to count
        ([], [paid()], ["missing_there"]),
        ([paid()], [paid(minor=4_999)], ["amount"]),
        ([paid(taken_back=True)], [paid()], ["taken_back_there"]),
        ([paid()], [paid(taken_back=True)], ["taken_back_here"]),
        ([paid()], [paid(loan_id=None)], ["no_loan"]),
        ([paid(taken_back=True)], [paid(minor=1, loan_id=None)], ["amount", "taken_back_there", "no_loan"]),
        ([paid(paid_at=DAY - timedelta(hours=1))], [], []),  # another day's
        ([paid(paid_at=DAY - timedelta(minutes=1))], [paid(paid_at=DAY)], []),  # around midnight: the same payment
    ],
)
def test_every_difference_is_told(theirs: list[Listed], ours: list[Listed], kinds: list[str]) -> None:
    found = compare("stripe", theirs, ours, DAY, DAY + timedelta(days=1))

    assert [one.kind for one in found] == [DifferenceKind(kind) for kind in kinds]


def test_a_payment_that_both_have_is_compared_on_the_day_we_count_it_from() -> None:
    """A debit may be begun a week before its money comes."""
    theirs, ours = [paid(minor=4_999, paid_at=DAY - timedelta(days=7))], [paid()]

    begun, paid_on = (
        compare("stripe", theirs, ours, day, day + timedelta(days=1)) for day in (DAY - timedelta(days=7), DAY)
    )

    assert begun == ()
    assert [one.kind for one in paid_on] == [DifferenceKind.AMOUNT]
