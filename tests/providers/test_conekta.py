from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from domain.money import Money
from domain.payment_references import reference_of
from providers.errors import Effect, ProviderError, WhatNext
from providers.payments.conekta import ACCEPT, ConektaGateway, ConektaSettings
from providers.ports import GatewayPayment, LinkRequest, PaymentState, RefundRequest, RefundState
from tests.providers.stand_in import AT, Answer, StandIn

KEY = "acme:L1:1:balance:12345:1"
REFERENCE = reference_of(KEY)
CHECKOUT = {
    "id": "chk-1",
    "object": "checkout",
    "livemode": False,
    "name": f"Pago L1 {REFERENCE}",
    "status": "Issued",
    "url": "https://pay.conekta.com/link/1",
    "paid_payments_count": 0,
}
CHARGE = {
    "id": "chr_1",
    "object": "charge",
    "livemode": False,
    "created_at": 1_773_480_000,
    "currency": "MXN",
    "order_id": "ord_1",
    "status": "paid",
    "paid_at": 1_773_490_000,
}


def ok(body: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(body).encode(), headers={"Content-Type": ACCEPT})


def listed(*rows: Any) -> httpx.Response:
    return ok({"object": "list", "has_more": False, "data": list(rows)})


def gateway(*answers: Answer) -> tuple[ConektaGateway, StandIn]:
    side = StandIn("conekta.json", *answers)
    return ConektaGateway(ConektaSettings(api_key=SecretStr("key_secret")), side.client()), side


def asked(minor: int = 12345, currency: str = "MXN", **more: Any) -> LinkRequest:
    values = {
        "idempotency_key": KEY,
        "amount": Money(amount_minor=minor, currency=currency),
        "lender": "acme",
        "loan_id": "L1",
        "description": "L1",
        "at": AT,
    }
    return LinkRequest.model_validate(values | more)


def order(status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "ord_1",
        "object": "order",
        "livemode": False,
        "amount": 12345,
        "currency": "MXN",
        "created_at": 1_773_480_000,
        "payment_status": status,
        "metadata": {"reference": REFERENCE, "lender": "acme", "loan_id": "L1"},
        "charges": {"object": "list", "has_more": False, "data": [CHARGE]},
        **more,
    }


async def test_a_link_is_payable_once_by_the_countrys_methods_until_it_expires() -> None:
    adapter, side = gateway(listed(), ok(CHECKOUT))

    link = await adapter.create_link(asked(expires_at=AT + timedelta(days=10)))

    assert (link.id, link.url) == ("chk-1", CHECKOUT["url"])
    looked, made = side.requests
    assert looked.url.params["search"] == REFERENCE
    body = json.loads(made.content)
    assert body["expires_at"] == int((AT + timedelta(days=10)).timestamp())
    assert (body["type"], body["payments_limit_count"], body["recurrent"]) == ("PaymentLink", 1, False)
    assert body["allowed_payment_methods"] == ["cash", "card", "bank_transfer"]
    assert body["order_template"]["line_items"][0]["unit_price"] == 12345
    assert body["order_template"]["metadata"] == {"reference": REFERENCE, "lender": "acme", "loan_id": "L1"}
    assert made.headers["Accept"] == ACCEPT


async def test_after_a_lost_answer_the_link_is_found_and_no_second_one_made() -> None:
    adapter, side = gateway(listed(), httpx.ReadTimeout("lost"), listed({**CHECKOUT, "name": "other"}, CHECKOUT))

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked())
    link = await adapter.create_link(asked())

    assert (caught.value.what_next, caught.value.effect) == (WhatNext.RETRY, Effect.UNKNOWN)
    assert link.id == "chk-1"
    assert [r.method for r in side.requests] == ["GET", "POST", "GET"]


@pytest.mark.parametrize(("minor", "currency"), [(0, "MXN"), (100, "USD"), (2**31, "MXN")])
async def test_what_cannot_be_asked_for_is_refused_before_any_call(minor: int, currency: str) -> None:
    adapter, side = gateway(listed())

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked(minor, currency))

    assert caught.value.effect is Effect.NONE
    assert side.requests == []


TABLE = [
    (400, WhatNext.TERMINAL, Effect.NONE),
    (401, WhatNext.STOP_SENDER, Effect.NONE),
    (402, WhatNext.TERMINAL, Effect.NONE),
    (403, WhatNext.STOP_SENDER, Effect.NONE),
    (404, WhatNext.TERMINAL, Effect.NONE),
    (409, WhatNext.RETRY, Effect.NONE),
    (422, WhatNext.TERMINAL, Effect.NONE),
    (428, WhatNext.STOP_SENDER, Effect.NONE),
    (429, WhatNext.RETRY, Effect.NONE),
    (500, WhatNext.RETRY, Effect.UNKNOWN),
    (503, WhatNext.RETRY, Effect.UNKNOWN),
    (302, WhatNext.TERMINAL, Effect.NONE),
]


@pytest.mark.parametrize(("status", "what_next", "effect"), TABLE)
async def test_what_is_done_after_each_status(status: int, what_next: WhatNext, effect: Effect) -> None:
    refused = httpx.Response(status, json={"details": [{"message": "María"}]}, headers={"Retry-After": "60"})
    adapter, _ = gateway(listed(), refused)

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked())

    assert (caught.value.what_next, caught.value.effect) == (what_next, effect)
    assert caught.value.delay == (timedelta(seconds=60) if what_next is WhatNext.RETRY else None)
    assert "María" not in str(caught.value)


async def test_closing_a_link_cancels_it_and_one_that_is_over_is_as_good_as_closed() -> None:
    adapter, side = gateway(ok({**CHECKOUT, "status": "Cancelled"}))
    await adapter.deactivate_link("chk-1", AT)
    assert (side.requests[0].method, side.requests[0].url.path) == ("PUT", "/checkouts/chk-1/cancel")

    adapter, _ = gateway(httpx.Response(422, json={}), ok({**CHECKOUT, "status": "Paid"}))
    await adapter.deactivate_link("chk-1", AT)

    adapter, _ = gateway(httpx.Response(422, json={}), ok(CHECKOUT))
    with pytest.raises(ProviderError):
        await adapter.deactivate_link("chk-1", AT)


async def test_payments_of_a_link_are_its_paid_orders() -> None:
    paid = ok({**CHECKOUT, "paid_payments_count": 1, "status": "Paid"})
    stray = order("paid", id="ord_2", metadata={"reference": "another"})
    adapter, _ = gateway(paid, listed(stray, order("paid")))

    assert await adapter.link_payments("chk-1", AT) == (
        GatewayPayment(
            payment_id="ord_1",
            amount=Money(amount_minor=12345, currency="MXN"),
            paid_at=datetime.fromtimestamp(1_773_490_000, UTC),
        ),
    )

    adapter, side = gateway(ok(CHECKOUT))
    assert await adapter.link_payments("chk-1", AT) == ()
    assert len(side.requests) == 1


async def test_a_link_that_was_paid_but_whose_order_is_not_listed_yet_is_asked_about_later() -> None:
    adapter, _ = gateway(ok({**CHECKOUT, "paid_payments_count": 1}), listed())

    with pytest.raises(ProviderError) as caught:
        await adapter.link_payments("chk-1", AT)

    assert caught.value.what_next is WhatNext.LATER


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("paid", PaymentState.PAID),
        ("partially_refunded", PaymentState.PAID),
        ("pending_payment", PaymentState.PENDING),
        ("something_new", PaymentState.PENDING),
        ("declined", PaymentState.FAILED),
        ("expired", PaymentState.FAILED),
        ("refunded", PaymentState.TAKEN_BACK),
        ("charged_back", PaymentState.TAKEN_BACK),
    ],
)
async def test_an_order_is_read_in_its_state(status: str, state: PaymentState) -> None:
    adapter, _ = gateway(ok(order(status)))

    found = await adapter.payment("ord_1", AT)

    assert found is not None
    assert (found.state, found.reference) == (state, REFERENCE)


async def test_what_was_given_back_of_an_order_is_read_with_it() -> None:
    adapter, _ = gateway(ok(order("partially_refunded", amount_refunded=2345)))

    found = await adapter.payment("ord_1", AT)

    assert found is not None
    assert (found.state, found.refunded_minor) == (PaymentState.PAID, 2_345)


REFUND = RefundRequest(
    idempotency_key="refund:9", payment_id="ord_1", amount=Money(amount_minor=2345, currency="MXN"), at=AT
)


async def test_a_refund_whose_answer_was_lost_is_not_given_a_second_time() -> None:
    done = order("partially_refunded", amount_refunded=2345)
    adapter, side = gateway(ok(order("paid")), httpx.ReadTimeout("lost"), ok(done))
    request = REFUND.model_copy(update={"given_back_before_minor": await adapter.given_back("ord_1", AT)})

    with pytest.raises(ProviderError) as caught:
        await adapter.refund(request)
    refund = await adapter.refund(request.model_copy(update={"asked_before": True}))

    assert caught.value.effect is Effect.UNKNOWN
    assert refund.state is RefundState.DONE
    assert [r.method for r in side.requests] == ["GET", "POST", "GET"]
    assert json.loads(side.requests[1].content) == {"amount": 2345, "reason": "requested_by_client"}


async def test_a_second_refund_of_one_order_is_given_beside_the_first() -> None:
    adapter, side = gateway(ok(order("partially_refunded", amount_refunded=2345)), ok(order("partially_refunded")))

    await adapter.refund(REFUND.model_copy(update={"given_back_before_minor": 2345, "asked_before": True}))

    assert [r.method for r in side.requests] == ["GET", "POST"]
