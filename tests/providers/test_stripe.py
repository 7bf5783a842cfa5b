from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from domain.money import Money
from providers.errors import Effect, ProviderError, WhatNext
from providers.payments.stripe import StripeGateway, StripeSettings
from providers.payments.stripe_amounts import from_stripe, stripe_digits, to_stripe
from providers.ports import GatewayPayment, LinkRequest, RefundRequest, RefundState
from tests.providers.stand_in import AT, AT_ON_THE_WIRE, Answer, StandIn

SETTINGS = StripeSettings(api_key=SecretStr("sk_test_secret"))
PRICE = httpx.Response(200, json={"id": "price_1", "object": "price"})
LINK = httpx.Response(200, json={"id": "plink_1", "object": "payment_link", "url": "https://pay.example/1"})


def gateway(*answers: Answer) -> tuple[StripeGateway, StandIn]:
    side = StandIn("stripe.json", *answers)
    return StripeGateway(SETTINGS, side.client()), side


def asked(amount: Money | None = None, key: str = "lender-L1-due-12345") -> LinkRequest:
    return LinkRequest(
        idempotency_key=key,
        amount=amount or Money(amount_minor=12345, currency="EUR"),
        lender="acme",
        loan_id="L1",
        description="Cuota & intereses",
        at=AT,
    )


def form_of(request: httpx.Request) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs(request.content.decode(), strict_parsing=True).items()}


async def test_a_link_is_a_price_and_a_link_on_it_that_carry_our_references() -> None:
    adapter, side = gateway(PRICE, LINK)

    link = await adapter.create_link(asked())

    assert (link.id, link.url, link.created_at) == ("plink_1", "https://pay.example/1", AT)
    price, made = side.requests
    assert form_of(price)["unit_amount"] == "12345"
    assert form_of(price)["currency"] == "eur"
    assert form_of(price)["product_data[name]"] == "Cuota & intereses"
    assert form_of(made)["line_items[0][price]"] == "price_1"
    assert form_of(made)["metadata[lender]"] == "acme"
    assert form_of(made)["metadata[loan_id]"] == "L1"
    assert form_of(made)["metadata[link_key]"] == "lender-L1-due-12345"
    assert {r.headers["Date"] for r in side.requests} == {AT_ON_THE_WIRE}
    assert {r.headers["Stripe-Version"] for r in side.requests} == {"2023-08-16"}


async def test_repeating_a_request_repeats_its_keys_and_its_bodies() -> None:
    adapter, side = gateway(PRICE, httpx.ReadTimeout("lost"), PRICE, LINK)

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked())
    await adapter.create_link(asked().model_copy(update={"at": AT + timedelta(minutes=5)}))

    assert (caught.value.what_next, caught.value.effect) == (WhatNext.RETRY, Effect.UNKNOWN)
    first, second, again, again_second = side.requests
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]
    assert second.headers["Idempotency-Key"] == again_second.headers["Idempotency-Key"]
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    assert (first.content, second.content) == (again.content, again_second.content)


@pytest.mark.parametrize("key", ["k" * 300, "clave-ñ", "line\nbreak"])
async def test_a_key_stripe_would_not_take_is_hashed(key: str) -> None:
    adapter, side = gateway(PRICE, LINK)

    await adapter.create_link(asked(key=key))

    sent = {r.headers["Idempotency-Key"] for r in side.requests}
    assert len(sent) == 2
    assert all(len(k) <= 255 and k.isprintable() for k in sent)


@pytest.mark.parametrize(
    ("minor", "currency", "on_the_wire"),
    [
        (12345, "EUR", "12345"),
        (5000, "CLP", "5000"),
        (5000050, "COP", "5000050"),
        (500, "JPY", "500"),
        (5120, "KWD", "5120"),
        (500, "ISK", "50000"),
        (300, "RSD", "30000"),
    ],
)
async def test_amounts_are_sent_in_stripes_own_digits(minor: int, currency: str, on_the_wire: str) -> None:
    adapter, side = gateway(PRICE, LINK)

    await adapter.create_link(asked(Money(amount_minor=minor, currency=currency)))

    assert form_of(side.requests[0])["unit_amount"] == on_the_wire


@pytest.mark.parametrize(("minor", "currency"), [(5124, "KWD"), (5, "UGX"), (0, "EUR"), (-100, "EUR"), (10**9, "UGX")])
async def test_an_amount_stripe_cannot_charge_exactly_is_refused_before_any_call(minor: int, currency: str) -> None:
    adapter, side = gateway(PRICE, LINK)

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked(Money(amount_minor=minor, currency=currency)))

    assert (caught.value.what_next, caught.value.effect) == (WhatNext.TERMINAL, Effect.NONE)
    assert side.requests == []


@given(
    minor=st.integers(min_value=1, max_value=10**12),
    currency=st.sampled_from("EUR USD MXN COP CLP PEN JPY KWD ISK RSD HUF XOF TND".split()),
)
def test_what_goes_to_stripe_comes_back_the_same(minor: int, currency: str) -> None:
    money = Money(amount_minor=minor, currency=currency)
    try:
        sent = to_stripe(money)
    except ValueError:
        assert stripe_digits(currency) == 3
        return
    assert from_stripe(sent, currency.lower()) == money


def test_a_fraction_our_money_cannot_hold_is_refused_not_rounded() -> None:
    with pytest.raises(ValueError, match="fraction"):
        from_stripe(12345, "rsd")


@pytest.mark.parametrize(
    ("status", "what_next", "effect"),
    [
        (400, WhatNext.TERMINAL, Effect.NONE),
        (401, WhatNext.STOP_SENDER, Effect.NONE),
        (402, WhatNext.TERMINAL, Effect.NONE),
        (403, WhatNext.STOP_SENDER, Effect.NONE),
        (404, WhatNext.TERMINAL, Effect.NONE),
        (409, WhatNext.RETRY, Effect.NONE),
        (429, WhatNext.RETRY, Effect.NONE),
        (500, WhatNext.RETRY, Effect.UNKNOWN),
        (503, WhatNext.RETRY, Effect.UNKNOWN),
        (422, WhatNext.TERMINAL, Effect.NONE),
        (302, WhatNext.TERMINAL, Effect.NONE),
    ],
)
async def test_what_is_done_after_each_status(status: int, what_next: WhatNext, effect: Effect) -> None:
    body = {"error": {"type": "api_error", "message": "María García's card"}}
    adapter, _ = gateway(PRICE, httpx.Response(status, json=body))

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked())

    assert (caught.value.what_next, caught.value.effect) == (what_next, effect)
    assert str(caught.value).startswith("stripe api_error: ")
    assert "María" not in str(caught.value)


async def test_a_replayed_failure_is_not_retried_with_the_same_key() -> None:
    adapter, _ = gateway(httpx.Response(500, json={}, headers={"Idempotent-Replayed": "true"}))

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked())

    assert (caught.value.what_next, caught.value.effect) == (WhatNext.TERMINAL, Effect.UNKNOWN)


async def test_retry_after_a_rate_limit_is_heeded() -> None:
    adapter, _ = gateway(httpx.Response(429, json={}, headers={"Retry-After": "Sat, 14 Mar 2026 09:27:53 GMT"}))

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked())

    assert caught.value.delay == timedelta(seconds=60)


async def test_a_link_is_deactivated() -> None:
    adapter, side = gateway(httpx.Response(200, json={"id": "plink_1", "active": False}))

    await adapter.deactivate_link("plink_1", AT)

    assert side.requests[0].url.path == "/v1/payment_links/plink_1"
    assert form_of(side.requests[0]) == {"active": "false"}


def session(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"cs_{number}",
        "payment_status": "paid",
        "payment_intent": f"pi_{number}",
        "amount_total": 1000 * number,
        "currency": "eur",
        "created": 1_773_480_000 + number,
        **more,
    }


async def test_the_payments_of_a_link_are_read_over_all_pages_and_the_unpaid_left_out() -> None:
    charge = {"id": "ch_2", "created": 1_773_400_000, "refunded": True}
    adapter, side = gateway(
        httpx.Response(200, json={"data": [session(1), session(9, payment_status="unpaid")], "has_more": True}),
        httpx.Response(
            200,
            json={
                "data": [session(2, payment_intent={"id": "pi_2", "latest_charge": charge})],
                "has_more": False,
            },
        ),
    )

    payments = await adapter.link_payments("plink_1", AT)

    assert payments == (
        GatewayPayment(
            payment_id="pi_2",
            amount=Money(amount_minor=2000, currency="EUR"),
            paid_at=datetime.fromtimestamp(1_773_400_000, UTC),
            refunded=True,
        ),
        GatewayPayment(
            payment_id="pi_1",
            amount=Money(amount_minor=1000, currency="EUR"),
            paid_at=datetime.fromtimestamp(1_773_480_001, UTC),
        ),
    )
    assert side.requests[0].url.params["payment_link"] == "plink_1"
    assert side.requests[1].url.params["starting_after"] == "cs_9"


DAY = timedelta(days=1)


def opened(number: int, at: datetime, *, came_in: datetime | None = None, **more: Any) -> dict[str, Any]:
    """A paid session as Stripe lists it. A delayed method's charge is as old as it, its money came in later."""
    balance = {"id": f"txn_{number}", "created": int(came_in.timestamp())} if came_in else None
    charge = {"id": f"ch_{number}", "created": int(at.timestamp()), "refunded": False, "balance_transaction": balance}
    intent = {"id": f"pi_{number}", "latest_charge": charge}
    return session(number, created=int(at.timestamp()), payment_intent=intent, mode="payment", **more)


def listed(*sessions: dict[str, Any], more: bool = False) -> httpx.Response:
    return httpx.Response(200, json={"data": list(sessions), "has_more": more})


@pytest.mark.parametrize("where", ["of a link", "of a day"])
async def test_a_delayed_payment_counts_from_when_its_money_came_in_not_from_when_it_was_begun(where: str) -> None:
    adapter, side = gateway(listed(opened(1, AT - 7 * DAY, came_in=AT), opened(2, AT - 8 * DAY)))

    if where == "of a link":
        paid = await adapter.link_payments("plink_1", AT)
    else:
        paid = await adapter.payments_between(AT - DAY, AT + DAY, AT)

    assert {one.payment_id: one.paid_at for one in paid} == {"pi_1": AT, "pi_2": AT - 8 * DAY}
    [request] = side.requests
    assert request.url.params["expand[0]"] == "data.payment_intent.latest_charge.balance_transaction"


async def test_a_days_list_reaches_back_to_debits_begun_weeks_before() -> None:
    adapter, side = gateway(
        listed(opened(1, AT, came_in=AT), more=True),
        listed(opened(2, AT - 14 * DAY, came_in=AT), more=True),
        listed(opened(3, AT - 40 * DAY, came_in=AT - 40 * DAY), more=True),
        listed(opened(4, AT - 41 * DAY, came_in=AT - 41 * DAY)),
    )

    paid = await adapter.payments_between(AT - DAY, AT + DAY, AT)

    assert {"pi_1", "pi_2"} <= {one.payment_id for one in paid}
    assert len(side.requests) == 3


async def test_a_key_that_may_not_read_balances_still_sees_payments() -> None:
    refused = httpx.Response(403, json={"error": {"type": "invalid_request_error"}})
    adapter, side = gateway(refused, listed(opened(1, AT, came_in=AT)))

    paid = await adapter.link_payments("plink_1", AT)

    assert [one.payment_id for one in paid] == ["pi_1"]
    expanded = [parse_qs(request.url.query.decode())["expand[0]"][0].rpartition(".")[2] for request in side.requests]
    assert expanded == ["balance_transaction", "latest_charge"]


async def test_what_is_no_payment_of_ours_in_the_accounts_list_spoils_nothing() -> None:
    foreign = [
        session(1, mode="subscription", payment_intent=None),
        session(2, mode="payment", currency="ugx"),
        session(3, mode="payment", amount_total=0, payment_intent=None),
    ]
    adapter, _ = gateway(listed(*foreign, opened(4, AT, came_in=AT)))

    paid = await adapter.payments_between(AT - DAY, AT + DAY, AT)

    assert [one.payment_id for one in paid] == ["pi_4"]


async def test_a_payment_in_the_accounts_list_that_cannot_be_read_is_told_all_the_same() -> None:
    adapter, _ = gateway(listed(session(1, mode="payment", amount_total=None)))

    with pytest.raises(ProviderError, match="cannot be read"):
        await adapter.payments_between(AT - DAY, AT + DAY, AT)


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'{"data": 1}', b'{"data": [1]}', b'{"data": [{"payment_status": "paid"}]}']
)
async def test_a_senseless_answer_is_one_clear_error(body: bytes) -> None:
    adapter, _ = gateway(httpx.Response(200, content=body))

    with pytest.raises(ProviderError, match="cannot be read"):
        await adapter.link_payments("plink_1", AT)


async def test_a_link_whose_answer_makes_no_sense_may_exist() -> None:
    adapter, _ = gateway(PRICE, httpx.Response(200, content=b"<html>"))

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked())

    assert caught.value.effect is Effect.UNKNOWN


async def test_logs_and_errors_hold_no_secret_and_no_address(caplog: pytest.LogCaptureFixture) -> None:
    adapter, _ = gateway(httpx.Response(200, json={"data": [], "has_more": False}))

    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "httpx"):
        await adapter.link_payments("plink_private", AT)

    assert "HTTP Request: GET https://api.stripe.com/ " in caplog.text
    assert "plink_private" not in caplog.text
    assert "sk_test_secret" not in caplog.text + repr(SETTINGS)


REFUND = RefundRequest(
    idempotency_key="refund:9", payment_id="pi_1", amount=Money(amount_minor=2345, currency="EUR"), at=AT
)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", RefundState.DONE),
        ("pending", RefundState.PENDING),
        ("requires_action", RefundState.PENDING),
        ("failed", RefundState.FAILED),
        ("canceled", RefundState.FAILED),
    ],
)
async def test_a_refund_gives_back_the_part_that_was_too_much(status: str, state: RefundState) -> None:
    adapter, side = gateway(httpx.Response(200, json={"id": "re_1", "status": status}))

    refund = await adapter.refund(REFUND)

    assert (refund.id, refund.state) == ("re_1", state)
    form = form_of(side.requests[0])
    assert (form["payment_intent"], form["amount"]) == ("pi_1", "2345")


async def test_a_refund_asked_again_after_a_lost_answer_carries_the_same_key() -> None:
    adapter, side = gateway(httpx.ReadTimeout("lost"), httpx.Response(200, json={"id": "re_1", "status": "succeeded"}))

    with pytest.raises(ProviderError):
        await adapter.refund(REFUND)
    await adapter.refund(REFUND)

    first, second = side.requests
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.content == second.content


def refund_of(number: int, key: str) -> dict[str, Any]:
    return {"id": f"re_{number}", "status": "succeeded", "metadata": {"refund_key": key}}


@pytest.mark.parametrize(("keys", "posts"), [(("refund:8", "refund:9"), 0), (("refund:8",), 1), ((), 1)])
async def test_a_refund_asked_for_before_is_looked_for_over_all_pages_before_it_is_made(
    keys: tuple[str, ...], posts: int
) -> None:
    pages = [
        httpx.Response(200, json={"data": [refund_of(n, key)], "has_more": n < len(keys)})
        for n, key in enumerate(keys, 1)
    ] or [httpx.Response(200, json={"data": [], "has_more": False})]
    adapter, side = gateway(*pages, httpx.Response(200, json={"id": "re_7", "status": "succeeded"}))

    refund = await adapter.refund(REFUND.model_copy(update={"asked_before": True}))

    assert refund.id == ("re_7" if posts else "re_2")
    assert [request.method for request in side.requests].count("POST") == posts
    assert side.requests[0].url.params["payment_intent"] == "pi_1"
