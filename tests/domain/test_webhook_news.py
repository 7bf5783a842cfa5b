"""What news of money says about a payment, before the records are asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.webhook_news import ReversalNews

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "standing", "some"),
    [
        (None, None, 10_000, False),
        (10_000, "EUR", 10_000, False),
        (10_100, "EUR", 10_000, False),
        (2_000, "EUR", 10_000, True),
        (9_999, "EUR", 10_000, True),
        (2_000, "EUR", 2_000, False),
        (10_000, "USD", 10_000, True),
    ],
)
def test_a_reversal_takes_the_whole_payment_only_where_nothing_of_it_can_be_left(
    amount: int | None, currency: str | None, standing: int, some: bool
) -> None:
    news = ReversalNews(payment_id="pi_1", provider="stripe", reversed_at=NOW, amount_minor=amount, currency=currency)

    assert news.may_leave_some(standing, "EUR") is some
