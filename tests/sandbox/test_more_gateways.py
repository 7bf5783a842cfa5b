"""The sandbox's Mercado Pago, Conekta and bank payments, each request and answer held against the official files."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from providers.webhooks import conekta, mercadopago
from tests.providers.official_json import answer_faults, request_faults
from tests.sandbox.running import SECRET, World, conekta_keys, http_date

AT = "2026-03-20T10:00:00+00:00"
HOSTS = {
    "mercadopago.json": "https://api.mercadopago.com",
    "conekta.json": "https://api.conekta.io",
    "berlin_group_ais_pis.json": "https://api.testbank.com/psd2",
}
BANK = "berlin_group_ais_pis.json"


def ask(
    world: World, spec: str, method: str, path: str, body: Any = None, at: str = AT, **headers: str
) -> httpx.Response:
    """One call, checked from both sides as if it had gone to the real address."""
    sent = {"Authorization": "Bearer x", "Date": http_date(AT), **headers}
    answer = world.http.request(method, path, json=body, headers=sent)
    official = httpx.Request(method, HOSTS[spec] + path, json=body, headers=sent)
    if answer.is_success:
        assert request_faults(official, spec) == []
    assert answer_faults(official, answer, spec) == []
    return answer


def preference(loan_id: str, **more: Any) -> dict[str, Any]:
    item = {"id": loan_id, "title": "Cuota", "quantity": 1, "currency_id": "MXN", "unit_price": 300.5}
    return {"items": [item], "external_reference": f"ref-{loan_id}", **more}


MX = {"country": "MX", "currency": "MXN", "amount_minor": 30_050}


def test_a_preference_is_paid_by_card_or_voucher_and_only_pointed_at(world: World) -> None:
    world.enrol("mp1", **MX)
    made = ask(world, "mercadopago.json", "POST", "/checkout/preferences", preference("mp1")).json()
    found = ask(world, "mercadopago.json", "GET", "/checkout/preferences/search?external_reference=ref-mp1").json()
    shown = ask(world, "mercadopago.json", "GET", f"/checkout/preferences/{made['id']}").json()
    path = made["init_point"].split("/", 3)[3]

    world.http.post(f"/{path}&method=cash")
    world.http.post(f"/{path}&method=card")

    assert (found["elements"], shown) == ([{"id": made["id"]}], made)
    query = "/v1/payments/search?sort=date_created&criteria=asc&external_reference=ref-mp1"
    voucher, card = ask(world, "mercadopago.json", "GET", query).json()["results"]
    assert (voucher["status"], voucher["payment_method_id"], card["status"]) == ("pending", "oxxo", "approved")
    assert card["transaction_amount"] == 300.5
    ask(world, "mercadopago.json", "GET", f"/v1/payments/{card['id']}")
    [notice] = [p for p in world.listener.at("/mercadopago") if str(card["id"]) in p.path]
    about = mercadopago.data_id(notice.path)
    header = notice.headers
    mercadopago.verify(about, notice.body, header["x-signature"], header["x-request-id"], _secret(), _now())
    assert world.entries("payment", "mp1")[0]["amount_minor"] == 30_050


def test_a_preference_that_has_expired_takes_no_money(world: World) -> None:
    world.enrol("mp2", **MX)
    made = ask(world, "mercadopago.json", "POST", "/checkout/preferences", preference("mp2")).json()
    over = {**preference("mp2"), "expires": True, "expiration_date_to": AT}

    ask(world, "mercadopago.json", "PUT", f"/checkout/preferences/{made['id']}", over)

    path = "/" + made["init_point"].split("/", 3)[3]
    assert world.http.post(path, headers={"Date": http_date(AT)}).status_code == 410


def test_a_refund_under_one_key_is_given_once(world: World) -> None:
    world.enrol("mp3", **MX)
    made = ask(world, "mercadopago.json", "POST", "/checkout/preferences", preference("mp3")).json()
    world.http.post("/" + made["init_point"].split("/", 3)[3])
    payment = world.entries("payment", "mp3")[0]["payment_id"]
    path, key = f"/v1/payments/{payment}/refunds", {"X-Idempotency-Key": str(uuid.uuid4())}

    first = ask(world, "mercadopago.json", "POST", path, {"amount": 100.25}, **key)
    again = ask(world, "mercadopago.json", "POST", path, {"amount": 100.25}, **key)
    too_much = ask(world, "mercadopago.json", "POST", path, {"amount": 300.0})

    assert first.json() == again.json()
    assert too_much.status_code == 400
    assert (
        ask(world, "mercadopago.json", "GET", f"/v1/payments/{payment}").json()["transaction_amount_refunded"] == 100.25
    )


def test_a_part_of_a_pix_payment_is_given_back_later_and_told_only_to_who_asks_for_that(world: World) -> None:
    """As the real one: without the header a refund under way is answered 400, though it is made."""
    world.enrol("mp6", country="BR", currency="BRL", amount_minor=30_050)
    item = {"id": "mp6", "title": "Parcela", "quantity": 1, "currency_id": "BRL", "unit_price": 300.5}
    body = {"items": [item], "external_reference": "ref-mp6"}
    made = ask(world, "mercadopago.json", "POST", "/checkout/preferences", body).json()
    world.http.post("/" + made["init_point"].split("/", 3)[3] + "&method=transfer")
    path = f"/v1/payments/{world.entries('payment', 'mp6')[0]['payment_id']}/refunds"
    shown = {"X-Render-In-Process-Refunds": "true"}

    blind = ask(world, "mercadopago.json", "POST", path, {"amount": 100.25})
    seeing = ask(world, "mercadopago.json", "POST", path, {"amount": 50}, **shown)
    hidden = ask(world, "mercadopago.json", "GET", path).json()
    listed = ask(world, "mercadopago.json", "GET", path, **shown).json()

    assert (blind.status_code, seeing.status_code, seeing.json()["status"]) == (400, 201, "in_process")
    assert (hidden, [one["amount"] for one in listed]) == ([], [100.25, 50])


def test_a_payments_refunds_are_listed_whoever_asked_for_them(world: World) -> None:
    world.enrol("mp5", **MX)
    made = ask(world, "mercadopago.json", "POST", "/checkout/preferences", preference("mp5")).json()
    world.http.post("/" + made["init_point"].split("/", 3)[3])
    path = f"/v1/payments/{world.entries('payment', 'mp5')[0]['payment_id']}/refunds"

    before = ask(world, "mercadopago.json", "GET", path).json()
    ask(world, "mercadopago.json", "POST", path, {"amount": 100.25}, **{"X-Idempotency-Key": str(uuid.uuid4())})
    ask(world, "mercadopago.json", "POST", path, {"amount": 5})

    assert before == []
    assert [one["amount"] for one in ask(world, "mercadopago.json", "GET", path).json()] == [100.25, 5]


@pytest.mark.parametrize(
    ("currency", "price", "status"), [("COP", 33_333.34, 400), ("COP", 33_333, 201), ("MXN", 0.5, 201)]
)
def test_prices_in_colombian_pesos_must_be_whole(world: World, currency: str, price: float, status: int) -> None:
    body = preference("mp6")
    body["items"][0] |= {"currency_id": currency, "unit_price": price}

    answer = ask(world, "mercadopago.json", "POST", "/checkout/preferences", body)

    assert answer.status_code == status
    assert status == 201 or "integer values" in answer.json()["message"]


@pytest.mark.parametrize("change", [{"items": []}, {"items": [{"title": "x", "quantity": 1, "unit_price": "12"}]}])
def test_a_preference_with_a_fault_is_refused(world: World, change: dict[str, Any]) -> None:
    body = {**preference("mp4"), **change}

    assert ask(world, "mercadopago.json", "POST", "/checkout/preferences", body).status_code == 400
    assert request_faults(
        httpx.Request("POST", "https://api.mercadopago.com/checkout/preferences", json=body), "mercadopago.json"
    )


def checkout(loan_id: str, **more: Any) -> dict[str, Any]:
    return {
        "name": f"Pago {loan_id} ref-{loan_id}",
        "type": "PaymentLink",
        "recurrent": False,
        "expires_at": 1_776_000_000,
        "payments_limit_count": 1,
        "allowed_payment_methods": ["cash", "card"],
        "order_template": {
            "currency": "MXN",
            "line_items": [{"name": "Cuota", "unit_price": 30_050, "quantity": 1}],
            "metadata": {"loan_id": loan_id, "lender": "demo", "reference": f"ref-{loan_id}"},
        },
        **more,
    }


def test_a_link_is_paid_once_and_its_events_are_signed(world: World) -> None:
    world.enrol("ck1", **MX)
    made = ask(world, "conekta.json", "POST", "/checkouts", checkout("ck1")).json()
    path = "/" + made["url"].split("/", 3)[3]

    assert [world.http.post(path).status_code for _ in range(2)] == [200, 410]

    listed = ask(world, "conekta.json", "GET", "/checkouts?search=ref-ck1").json()["data"]
    [order] = ask(world, "conekta.json", "GET", "/orders?search=ref-ck1").json()["data"]
    assert (listed[0]["status"], listed[0]["paid_payments_count"]) == ("Paid", 1)
    assert (order["payment_status"], order["amount"]) == ("paid", 30_050)
    posted = [p for p in world.listener.at("/conekta") if order["id"] in p.body.decode()]
    assert [p.json["type"] for p in posted] == ["charge.paid", "order.paid"]
    for one in posted:
        conekta.verify(one.body, one.headers["Digest"], conekta.load_keys([conekta_keys()[1]]))


def test_a_cancelled_link_takes_no_money_and_is_not_cancelled_twice(world: World) -> None:
    world.enrol("ck2", **MX)
    made = ask(world, "conekta.json", "POST", "/checkouts", checkout("ck2")).json()
    cancel = f"/checkouts/{made['id']}/cancel"

    assert ask(world, "conekta.json", "PUT", cancel).json()["status"] == "Cancelled"
    assert ask(world, "conekta.json", "PUT", cancel).status_code == 422
    assert world.http.post("/" + made["url"].split("/", 3)[3]).status_code == 410


def test_an_order_is_refunded_in_part_and_then_in_full(world: World) -> None:
    world.enrol("ck3", **MX)
    made = ask(world, "conekta.json", "POST", "/checkouts", checkout("ck3")).json()
    world.http.post("/" + made["url"].split("/", 3)[3])
    path = f"/orders/{world.entries('payment', 'ck3')[0]['payment_id']}/refunds"

    part = ask(world, "conekta.json", "POST", path, {"amount": 50, "reason": "requested_by_client"}).json()
    rest = ask(world, "conekta.json", "POST", path, {"amount": 30_000, "reason": "requested_by_client"}).json()

    assert (part["payment_status"], part["amount_refunded"]) == ("partially_refunded", 50)
    assert rest["payment_status"] == "refunded"
    assert ask(world, "conekta.json", "POST", path, {"amount": 1, "reason": "x"}).status_code == 422


@pytest.mark.parametrize(
    "change", [{"type": "HostedPayment"}, {"expires_at": 1}, {"order_template": {"currency": "MXN", "line_items": []}}]
)
def test_a_link_with_a_fault_is_refused(world: World, change: dict[str, Any]) -> None:
    answer = world.http.post("/checkouts", json={**checkout("ck4"), **change}, headers={"Authorization": "Bearer x"})

    assert answer.status_code == 422


def transfer(loan_id: str, iban: str) -> dict[str, Any]:
    return {
        "endToEndIdentification": f"ref-{loan_id}",
        "debtorAccount": {"iban": iban},
        "instructedAmount": {"currency": "EUR", "amount": "12.50"},
        "creditorAccount": {"iban": "ES7921000813610123456789"},
        "creditorName": "Credialba",
        "remittanceInformationUnstructured": f"{loan_id} ref-{loan_id}",
    }


THERE = {"PSU-IP-Address": "192.0.2.7", "TPP-Redirect-URI": "https://lender.example/back"}
TRANSFERS = "/v1/payments/sepa-credit-transfers"


def status(world: World, payment: str) -> str:
    path = f"{TRANSFERS}/{payment}/status"
    answer = ask(world, BANK, "GET", path, **{"X-Request-ID": str(uuid.uuid4())}).json()
    return str(answer["transactionStatus"])


@pytest.mark.parametrize(("decision", "then"), [("", "ACSC"), ("?decline=1", "CANC")])
def test_a_transfer_is_confirmed_at_the_bank_and_settles_later(world: World, decision: str, then: str) -> None:
    loan_id = f"tr{len(decision)}"
    [person] = world.enrol(loan_id)
    world.act(loan_id, "salary")
    headers = {"X-Request-ID": str(uuid.uuid4()), **THERE}
    made = ask(world, BANK, "POST", TRANSFERS, transfer(loan_id, person["iban"]), **headers).json()

    assert status(world, made["paymentId"]) == "RCVD"
    path = "/" + made["_links"]["scaRedirect"]["href"].split("/", 3)[3]
    confirmed = world.http.post(path + decision, follow_redirects=False)
    between = status(world, made["paymentId"])
    world.advance(loan_id, "2026-03-20T14:00:00+00:00")

    assert confirmed.headers["location"] == THERE["TPP-Redirect-URI"]
    assert between == ("CANC" if decision else "ACSP")
    assert status(world, made["paymentId"]) == then
    paid = [e for e in world.entries("payment", loan_id) if e["via"] == "transfer"]
    assert [e["amount_minor"] for e in paid] == ([] if decision else [1250])


@pytest.mark.parametrize(
    ("change", "headers", "code"),
    [
        ({}, {"PSU-IP-Address": ""}, None),
        ({"instructedAmount": {"currency": "EUR", "amount": "12,50"}}, THERE, "FORMAT_ERROR"),
        ({"debtorAccount": {"iban": "ES9121000418450200051332"}}, THERE, "PAYMENT_FAILED"),
    ],
)
def test_a_transfer_with_a_fault_is_refused(
    world: World, change: dict[str, Any], headers: dict[str, str], code: str | None
) -> None:
    sent = {"X-Request-ID": str(uuid.uuid4()), **{k: v for k, v in headers.items() if v}}
    answer = world.http.post(TRANSFERS, json={**transfer("trx", "ES00"), **change}, headers=sent)

    assert answer.status_code == 400
    assert json.loads(answer.content)["tppMessages"][0]["code"] == (code or "FORMAT_ERROR")


def _secret() -> Any:
    from pydantic import SecretStr

    return SecretStr(SECRET)


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime(2026, 3, 20, tzinfo=UTC)


def test_in_brazil_a_link_that_came_by_message_is_paid_by_pix(world: World) -> None:
    world.enrol("mpbr", country="BR", currency="BRL", amount_minor=30_050, language="pt")
    body = preference("mpbr")
    body["items"][0]["currency_id"] = "BRL"
    made = ask(world, "mercadopago.json", "POST", "/checkout/preferences", body).json()

    world.act("mpbr", "pay")

    [paid] = world.entries("payment", "mpbr")
    assert (paid["method"], paid["link_id"], paid["amount_minor"]) == ("pix", made["id"], 30_050)
    world.enrol("mpbr2", country="BR", currency="BRL", amount_minor=30_050)
    body["items"][0]["id"] = "mpbr2"
    closed = ask(world, "mercadopago.json", "POST", "/checkout/preferences", body).json()
    over = {"items": body["items"], "external_reference": "ref-mpbr2", "expires": True}
    over["expiration_date_to"] = "2026-03-20T10:00:00.400+00:00"
    ask(world, "mercadopago.json", "PUT", f"/checkout/preferences/{closed['id']}", over)
    assert world.entries("link_updated", "mpbr2")[0]["active"] is False
