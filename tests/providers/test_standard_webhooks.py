"""What bodies of Standard Webhooks mean, and which of them nobody can book."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from domain.webhook_news import PaymentNews, ReversalNews
from providers.webhooks import standard_webhooks
from providers.webhooks.refused import RefusedReason, WebhookRefused


def received(paid_at: str) -> bytes:
    data = {"payment_id": "z", "amount_minor": 10_000, "currency": "EUR", "lender": "acme", "loan_id": "L1"}
    return json.dumps({"type": "payment.received", "data": {**data, "paid_at": paid_at}}).encode()


def taken_back(reversed_at: str) -> bytes:
    data = {"payment_id": "z", "reversed_at": reversed_at}
    return json.dumps({"type": "payment.reversed", "data": data}).encode()


def test_a_moment_of_another_zone_is_kept_in_utc() -> None:
    (paid,) = standard_webhooks.parse(received("2026-03-02T09:00:00+01:00"))
    (back,) = standard_webhooks.parse(taken_back("2026-03-05T09:00:00Z"))

    assert isinstance(paid, PaymentNews)
    assert paid.paid_at == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    assert isinstance(back, ReversalNews)
    assert back.reversed_at == datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "2026-03-02T09:00"]
)
@pytest.mark.parametrize("body", [received, taken_back])
def test_money_without_a_moment_that_the_loan_would_believe_is_for_a_person(body: object, moment: str) -> None:
    assert callable(body)

    with pytest.raises(WebhookRefused) as caught:
        standard_webhooks.parse(body(moment))

    assert caught.value.reason is RefusedReason.UNREADABLE


def with_entry(body: bytes, entry: object) -> bytes:
    event = json.loads(body)
    return json.dumps(event | {"data": event["data"] | {"entry": entry}}).encode()


@pytest.mark.parametrize("body", [received, taken_back])
def test_the_hand_over_that_money_is_said_to_be_for_is_read(body: object) -> None:
    assert callable(body)

    (named,) = standard_webhooks.parse(with_entry(body("2026-03-02T09:00:00Z"), 2))
    (silent,) = standard_webhooks.parse(body("2026-03-02T09:00:00Z"))

    assert isinstance(named, PaymentNews | ReversalNews)
    assert isinstance(silent, PaymentNews | ReversalNews)
    assert (named.entry, silent.entry) == (2, None)


@pytest.mark.parametrize("entry", [0, -1, "2", 1.5])
def test_a_hand_over_that_is_none_is_for_a_person(entry: object) -> None:
    with pytest.raises(WebhookRefused):
        standard_webhooks.parse(with_entry(received("2026-03-02T09:00:00Z"), entry))


@pytest.mark.parametrize(
    ("moment", "of_a_day"),
    [
        ("2026-03-02T00:00:00Z", True),
        ("2026-03-02T00:00:00+00:00", True),
        ("2026-03-02T00:00:01Z", False),
        ("2026-03-01T18:00:00-06:00", False),
        ("2026-03-02T00:00:00+01:00", False),
    ],
)
def test_midnight_in_utc_tells_a_day_alone(moment: str, of_a_day: bool) -> None:
    (paid,) = standard_webhooks.parse(received(moment))

    assert isinstance(paid, PaymentNews)
    assert paid.of_a_day is of_a_day
