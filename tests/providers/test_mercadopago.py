from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from domain.money import Money
from domain.payable import payable_money
from domain.payment_references import find_reference, reference_of
from providers.errors import Effect, ProviderError, WhatNext
from providers.payments.decimals import from_number, to_number
from providers.payments.mercadopago import CURRENCIES, OWN_METHODS, MercadoPagoGateway, MercadoPagoSettings
from providers.ports import GatewayPayment, LinkRequest, PaymentState, RefundRequest, RefundState
from tests.providers.stand_in import AT, Answer, StandIn

NOTHING = httpx.Response(200, json={"elements": [], "total": 0})
REFERENCE = reference_of("acme:L1:1:balance:12345:1")
PREFERENCE = {
    "id": "123-abc",
    "init_point": "https://www.mercadopago.com.mx/checkout/v1/redirect?pref_id=123-abc",
    "external_reference": REFERENCE,
    "items": [{"id": "L1", "title": "L1", "quantity": 1, "unit_price": 123.45, "currency_id": "MXN"}],
}
MADE = httpx.Response(201, json=PREFERENCE)
KNOWN = httpx.Response(200, json=PREFERENCE)


def gateway(*answers: Answer, country: str = "MX", **more: Any) -> tuple[MercadoPagoGateway, StandIn]:
    side = StandIn("mercadopago.json", *answers)
    settings = MercadoPagoSettings(country=country, access_token=SecretStr("APP_USR-secret"), **more)
    return MercadoPagoGateway(settings, side.client()), side


def asked(minor: int = 12345, currency: str = "MXN", **more: Any) -> LinkRequest:
    values = {
        "idempotency_key": "acme:L1:1:balance:12345:1",
        "amount": Money(amount_minor=minor, currency=currency),
        "lender": "acme",
        "loan_id": "L1",
        "description": "L1",
        "at": AT,
    }
    return LinkRequest.model_validate(values | more)


def sent(request: httpx.Request) -> Any:
    return json.loads(request.content)


async def test_a_preference_asks_for_the_amount_once_under_our_reference_until_it_expires() -> None:
    adapter, side = gateway(NOTHING, MADE, excluded_types=("credit_card",))

    link = await adapter.create_link(asked(expires_at=AT + timedelta(days=30)))

    assert (link.id, link.url) == (PREFERENCE["id"], PREFERENCE["init_point"])
    looked, made = side.requests
    assert looked.url.params["external_reference"] == REFERENCE
    body = sent(made)
    assert body["items"][0]["unit_price"] == 123.45
    assert (body["external_reference"], body["expires"]) == (REFERENCE, True)
    assert datetime.fromisoformat(body["expiration_date_to"]) == AT + timedelta(days=30)
    assert body["payment_methods"] == {"installments": 1, "excluded_payment_types": [{"id": "credit_card"}]}
    assert made.headers["Authorization"] == "Bearer APP_USR-secret"


async def test_after_a_lost_answer_the_preference_is_found_and_no_second_one_made() -> None:
    found = httpx.Response(200, json={"elements": [{"id": "123-abc"}], "total": 1})
    adapter, side = gateway(NOTHING, httpx.ReadTimeout("lost"), found, KNOWN)

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked())
    link = await adapter.create_link(asked())

    assert (caught.value.what_next, caught.value.effect) == (WhatNext.RETRY, Effect.UNKNOWN)
    assert link.id == "123-abc"
    assert [r.method for r in side.requests] == ["GET", "POST", "GET", "GET"]


async def test_a_preference_of_another_reference_is_not_taken_for_ours() -> None:
    other = httpx.Response(200, json={**PREFERENCE, "id": "999-zzz", "external_reference": "another"})
    found = httpx.Response(200, json={"elements": [{"id": "999-zzz"}], "total": 1})
    adapter, _ = gateway(found, other, MADE)

    assert (await adapter.create_link(asked())).id == "123-abc"


@pytest.mark.parametrize(
    ("country", "minor", "on_the_wire"),
    [
        ("MX", 12345, 123.45),
        ("CL", 5000, 5000),
        ("CO", 5000050, 50000),
        ("PE", 1, 0.01),
        ("AR", 99, 0.99),
        ("BR", 123456789, 1234567.89),
        ("UY", 100, 1.0),
    ],
)
async def test_each_country_pays_in_its_currency_with_its_decimals(
    country: str, minor: int, on_the_wire: float
) -> None:
    adapter, side = gateway(NOTHING, MADE, country=country)

    await adapter.create_link(asked(minor, CURRENCIES[country]))

    text = side.requests[-1].content.decode()
    assert json.loads(text)["items"][0]["unit_price"] == on_the_wire
    assert country not in ("CL", "CO") or f'"unit_price":{int(on_the_wire)}}}' in text.replace(" ", "")
    assert OWN_METHODS[country]


async def test_in_colombia_a_link_asks_for_whole_pesos_and_says_so() -> None:
    adapter, side = gateway(NOTHING, MADE, country="CO")

    link = await adapter.create_link(asked(15_000_037, "COP"))
    with pytest.raises(ProviderError, match="nothing to pay"):
        await adapter.create_link(asked(99, "COP"))

    assert sent(side.requests[-1])["items"][0]["unit_price"] == 150_000
    assert link.amount == Money(amount_minor=15_000_000, currency="COP")
    assert len(side.requests) == 2


async def test_centavos_of_colombian_pesos_are_not_given_back() -> None:
    adapter, side = gateway(NOTHING, country="CO")

    with pytest.raises(ProviderError, match="decimals that can be paid") as caught:
        await adapter.refund(REFUND.model_copy(update={"amount": Money(amount_minor=2_345, currency="COP")}))

    assert (caught.value.what_next, caught.value.effect) == (WhatNext.TERMINAL, Effect.NONE)
    assert side.requests == []


@pytest.mark.parametrize(("minor", "currency"), [(0, "MXN"), (-5, "MXN"), (100, "EUR"), (10**14, "MXN")])
async def test_what_cannot_be_asked_for_is_refused_before_any_call(minor: int, currency: str) -> None:
    adapter, side = gateway(NOTHING)

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked(minor, currency))

    assert caught.value.effect is Effect.NONE
    assert side.requests == []


def test_a_country_mercado_pago_does_not_serve_is_refused_in_the_settings() -> None:
    with pytest.raises(ValidationError, match="Mercado Pago serves AR"):
        MercadoPagoSettings(country="ES", access_token=SecretStr("x"))


@given(minor=st.integers(0, 10**13 - 1), currency=st.sampled_from([*CURRENCIES.values(), "KWD"]))
def test_an_amount_comes_back_exactly_as_it_went(minor: int, currency: str) -> None:
    money = payable_money(Money(amount_minor=minor, currency=currency))
    assert from_number(json.loads(json.dumps(to_number(money))), currency) == money


@pytest.mark.parametrize(("value", "currency"), [("1", "MXN"), (True, "MXN"), (1.005, "MXN"), (1.5, "CLP"), (1, "XYZ")])
def test_a_number_that_is_no_amount_is_refused(value: Any, currency: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_number(value, currency)


ERROR = {"status": 400, "error": "bad_request", "message": "María's card"}
TABLE = [
    (400, WhatNext.TERMINAL, Effect.NONE),
    (401, WhatNext.STOP_SENDER, Effect.NONE),
    (403, WhatNext.STOP_SENDER, Effect.NONE),
    (404, WhatNext.TERMINAL, Effect.NONE),
    (409, WhatNext.RETRY, Effect.NONE),
    (422, WhatNext.TERMINAL, Effect.NONE),
    (423, WhatNext.RETRY, Effect.NONE),
    (429, WhatNext.RETRY, Effect.NONE),
    (500, WhatNext.RETRY, Effect.UNKNOWN),
    (503, WhatNext.RETRY, Effect.UNKNOWN),
    (302, WhatNext.TERMINAL, Effect.NONE),
]


@pytest.mark.parametrize(("status", "what_next", "effect"), TABLE)
async def test_what_is_done_after_each_status(status: int, what_next: WhatNext, effect: Effect) -> None:
    adapter, side = gateway(NOTHING, httpx.Response(status, json=ERROR, headers={"Retry-After": "60"}))

    with pytest.raises(ProviderError) as caught:
        await adapter.create_link(asked())

    assert (caught.value.what_next, caught.value.effect) == (what_next, effect)
    assert caught.value.delay == (timedelta(seconds=60) if what_next is WhatNext.RETRY else None)
    assert "María" not in str(caught.value)
    assert len(side.requests) == 2


async def test_closing_a_link_lets_it_expire_now_and_keeps_what_it_is_for() -> None:
    adapter, side = gateway(KNOWN, KNOWN)

    await adapter.deactivate_link("123-abc", AT)

    body = sent(side.requests[1])
    assert side.requests[1].method == "PUT"
    assert (body["expires"], datetime.fromisoformat(body["expiration_date_to"])) == (True, AT)
    assert body["items"] == [{"title": "L1", "quantity": 1, "unit_price": 123.45, "currency_id": "MXN"}]
    assert body["external_reference"] == REFERENCE


def payment(number: int, status: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "status": status,
        "transaction_amount": 123.45,
        "currency_id": "MXN",
        "date_created": "2026-03-01T10:00:00.000-06:00",
        "external_reference": REFERENCE,
        **more,
    }


async def test_payments_of_a_link_are_those_that_brought_money() -> None:
    approved = payment(2, "approved", date_approved="2026-03-02T10:00:00.000-06:00")
    rows = [approved, payment(3, "pending"), payment(4, "rejected"), payment(1, "refunded")]
    adapter, side = gateway(KNOWN, httpx.Response(200, json={"results": rows}))

    found = await adapter.link_payments("123-abc", AT)

    amount = Money(amount_minor=12345, currency="MXN")
    assert found == (
        GatewayPayment(payment_id="1", amount=amount, paid_at=datetime(2026, 3, 1, 16, tzinfo=UTC), refunded=True),
        GatewayPayment(payment_id="2", amount=amount, paid_at=datetime(2026, 3, 2, 16, tzinfo=UTC)),
    )
    assert side.requests[1].url.params["external_reference"] == REFERENCE


STATES = [
    ("approved", PaymentState.PAID),
    ("in_mediation", PaymentState.PAID),
    ("pending", PaymentState.PENDING),
    ("authorized", PaymentState.PENDING),
    ("in_process", PaymentState.PENDING),
    ("rejected", PaymentState.FAILED),
    ("cancelled", PaymentState.FAILED),
    ("refunded", PaymentState.TAKEN_BACK),
    ("charged_back", PaymentState.TAKEN_BACK),
]


@pytest.mark.parametrize(("status", "state"), STATES)
async def test_a_payment_a_notice_points_at_is_read_in_its_state(status: str, state: PaymentState) -> None:
    adapter, _ = gateway(httpx.Response(200, json=payment(77, status)))

    found = await adapter.payment("77", AT)

    assert found is not None
    assert (found.payment_id, found.state, found.reference) == ("77", state, REFERENCE)


@pytest.mark.parametrize(
    ("detail", "state"),
    [
        ("in_process", PaymentState.TAKEN_BACK),
        ("settled", PaymentState.TAKEN_BACK),
        ("reimbursed", PaymentState.PAID),
    ],
)
async def test_a_chargeback_that_the_lender_won_is_money_that_is_there_again(detail: str, state: PaymentState) -> None:
    adapter, _ = gateway(httpx.Response(200, json=payment(77, "charged_back", status_detail=detail)))

    found = await adapter.payment("77", AT)

    assert found is not None
    assert found.state is state


async def test_what_was_given_back_of_a_payment_is_read_with_it() -> None:
    adapter, _ = gateway(httpx.Response(200, json=payment(77, "approved", transaction_amount_refunded=23.45)))

    found = await adapter.payment("77", AT)

    assert found is not None
    assert (found.state, found.refunded_minor) == (PaymentState.PAID, 2_345)


async def test_a_notice_about_nothing_of_ours_is_answered_with_nothing() -> None:
    adapter, side = gateway(httpx.Response(404, json={"status": 404, "error": "not_found", "message": "x"}))

    assert await adapter.payment("77", AT) is None
    assert await adapter.payment("../orders/1", AT) is None
    assert len(side.requests) == 1


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"id": 1}', b'{"id": 1, "status": "dreamt"}'])
async def test_a_senseless_payment_is_one_clear_error(body: bytes) -> None:
    side = StandIn("mercadopago.json", httpx.Response(200, content=body, headers={"Content-Type": "application/json"}))
    side._is_json = False  # the file would refuse such an answer first
    adapter = MercadoPagoGateway(MercadoPagoSettings(country="MX", access_token=SecretStr("x")), side.client())

    with pytest.raises(ProviderError, match="cannot be read"):
        await adapter.payment("1", AT)


async def test_a_payment_of_the_year_one_is_one_clear_error() -> None:
    adapter, _ = gateway(httpx.Response(200, json=payment(77, "approved", date_approved="0001-01-01T00:00:00Z")))

    with pytest.raises(ProviderError, match="cannot be read"):
        await adapter.payment("77", AT)


REFUND = RefundRequest(
    idempotency_key="refund:9", payment_id="77", amount=Money(amount_minor=2345, currency="MXN"), at=AT
)


@pytest.mark.parametrize(
    ("status", "state"),
    [("approved", RefundState.DONE), ("in_process", RefundState.PENDING), ("rejected", RefundState.FAILED)],
)
async def test_a_refund_gives_back_the_part_that_was_too_much(status: str, state: RefundState) -> None:
    adapter, side = gateway(httpx.Response(201, json={"id": 5, "payment_id": 77, "amount": 23.45, "status": status}))

    refund = await adapter.refund(REFUND)

    assert (refund.id, refund.state) == ("5", state)
    assert side.requests[0].url.path == "/v1/payments/77/refunds"
    assert sent(side.requests[0]) == {"amount": 23.45}
    assert side.requests[0].headers["X-Render-In-Process-Refunds"] == "true", "else one under way looks refused"


async def test_a_refund_asked_again_after_a_lost_answer_carries_the_same_key() -> None:
    done = httpx.Response(201, json={"id": 5, "status": "approved"})
    adapter, side = gateway(httpx.ReadTimeout("lost"), done)

    with pytest.raises(ProviderError):
        await adapter.refund(REFUND)
    await adapter.refund(REFUND)

    first, second = (r.headers["X-Idempotency-Key"] for r in side.requests)
    assert first == second


def refunds(*listed: tuple[int, float, str]) -> httpx.Response:
    """The payment's refunds as (id, amount, status)."""
    keys = ("id", "amount", "status")
    return httpx.Response(200, json=[{"payment_id": 77, **dict(zip(keys, one, strict=True))} for one in listed])


ASKED = REFUND.model_copy(update={"asked_before": True, "given_back_before_minor": 500})


@pytest.mark.parametrize(("status", "state"), [("approved", RefundState.DONE), ("in_process", RefundState.PENDING)])
async def test_what_an_unanswered_attempt_gave_back_is_found_however_long_ago(status: str, state: RefundState) -> None:
    """Given a refund whose answer was lost, when it is asked for again, then no second one is made."""
    adapter, side = gateway(refunds((4, 5.00, "approved"), (5, 23.45, status), (6, 9.99, "rejected")))

    refund = await adapter.refund(ASKED)

    assert (refund.id, refund.state) == ("5", state)
    assert [request.method for request in side.requests] == ["GET"]


async def test_an_attempt_that_gave_nothing_back_is_made_again_under_its_key() -> None:
    listed = refunds((4, 5.00, "approved"), (5, 23.45, "rejected"))
    adapter, side = gateway(listed, httpx.Response(201, json={"id": 6, "status": "approved"}))

    refund = await adapter.refund(ASKED)

    assert (refund.id, [request.method for request in side.requests]) == ("6", ["GET", "POST"])
    assert side.requests[-1].headers["X-Idempotency-Key"]


@pytest.mark.parametrize(
    ("before", "listed"),
    [(None, [(4, 23.45, "approved")]), (500, [(4, 5.00, "approved"), (5, 30.00, "approved")])],
)
async def test_what_may_be_anothers_refund_is_left_to_a_person(
    before: int | None, listed: list[tuple[int, float, str]]
) -> None:
    adapter, side = gateway(refunds(*listed))

    with pytest.raises(ProviderError, match="this refund, or another") as caught:
        await adapter.refund(ASKED.model_copy(update={"given_back_before_minor": before}))

    assert (caught.value.what_next, caught.value.effect) == (WhatNext.TERMINAL, Effect.UNKNOWN)
    assert [request.method for request in side.requests] == ["GET"]


async def test_what_was_given_back_before_is_read_off_the_payments_refunds() -> None:
    adapter, side = gateway(refunds((4, 5.00, "approved"), (5, 1.50, "in_process"), (6, 9.99, "rejected")))

    assert await adapter.given_back("77", AT) == 650
    assert side.requests[0].headers["X-Render-In-Process-Refunds"] == "true", "else one under way is not told of"


async def test_a_refund_in_a_state_we_do_not_know_counts_as_given_back_and_hides_no_other() -> None:
    listed = refunds((4, 5.00, "approved"), (5, 1.50, "of a later version"))
    adapter = MercadoPagoGateway(
        MercadoPagoSettings(country="MX", access_token=SecretStr("x")),
        httpx.AsyncClient(transport=httpx.MockTransport(lambda _: listed)),
    )

    assert await adapter.given_back("77", AT) == 650


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'[{"id": 4}]', b'[{"id": 4, "status": "approved", "amount": "5"}]']
)
async def test_a_senseless_list_of_refunds_is_one_clear_error(body: bytes) -> None:
    adapter = MercadoPagoGateway(
        MercadoPagoSettings(country="MX", access_token=SecretStr("x")),
        httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body))),
    )

    with pytest.raises(ProviderError, match="cannot be read"):
        await adapter.given_back("77", AT)


def test_our_reference_is_found_within_a_statements_text() -> None:
    assert find_reference(f"TRANSF. {REFERENCE} PAGO") == REFERENCE
    assert find_reference("rcb123") is None
    assert len(REFERENCE) == 35
