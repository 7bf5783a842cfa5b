import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sandbox import world as worlds
from sandbox.clock import DAY, parse_iso
from sandbox.gateway import Gateway
from sandbox.odds import DEFAULT_FILE, load_odds
from sandbox.store import Store
from sandbox.webhooks import Targets
from tests.providers.official_forms import SPECS, request_faults
from tests.sandbox.running import SECRET, Posted, World

AT = "2026-03-20T10:00:00+00:00"


def as_openapi(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [as_openapi(x) for x in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {k: as_openapi(v) for k, v in schema.items() if k != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


@pytest.fixture(scope="module")
def components() -> Any:
    return as_openapi(json.loads((SPECS / "stripe.json").read_text(encoding="utf-8"))["components"])


def official(components: Any, name: str, value: Any) -> None:
    jsonschema.Draft7Validator({"$ref": f"#/components/schemas/{name}", "components": components}).validate(value)


def signed(posted: Posted, secret: str = SECRET) -> bool:
    """Stripe's scheme by its description: HMAC-SHA256 of `t.body` under the secret as text."""
    parts = dict(p.split("=", 1) for p in posted.headers["Stripe-Signature"].split(","))
    expected = hmac.new(secret.encode(), f"{parts['t']}.".encode() + posted.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(parts["v1"], expected)


def events(world: World, loan_id: str) -> list[Posted]:
    return [p for p in world.listener.at("/stripe") if loan_id in p.body.decode()]


def test_a_link_is_what_the_vendors_file_says(world: World, components: Any) -> None:
    world.enrol("shape")

    price = world.stripe("/v1/prices", currency="eur", unit_amount="30000", **{"product_data[name]": "Cuota"})
    link = world.link("shape")
    shown = world.http.get(f"/v1/payment_links/{link['id']}", headers={"Authorization": "Bearer x"})

    assert request_faults("stripe.json", price.request) == []
    official(components, "price", price.json())
    official(components, "payment_link", link)
    assert shown.json() == link
    logged = world.entries("link_created", "shape")[0]
    assert (logged["link_id"], logged["amount_minor"], logged["currency"]) == (link["id"], 30_000, "EUR")


def test_the_same_key_gives_the_same_link_once(world: World) -> None:
    world.enrol("key")
    price = world.stripe("/v1/prices", currency="eur", unit_amount="100", **{"product_data[name]": "x"}).json()
    form = {
        "line_items[0][price]": price["id"],
        "line_items[0][quantity]": "1",
        "metadata[loan_id]": "key",
    }

    first = world.stripe("/v1/payment_links", key="k-1", **form)
    again = world.stripe("/v1/payment_links", key="k-1", **form)
    changed = world.stripe("/v1/payment_links", key="k-1", **form | {"line_items[0][quantity]": "2"})

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (changed.status_code, changed.json()["error"]["type"]) == (400, "idempotency_error")
    assert len(world.entries("link_created", "key")) == 1


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"line_items[0][quantity]": "1"}, "line_items[0][price]"),
        ({"line_items[0][price]": "price_none", "line_items[0][quantity]": "1"}, "line_items[0][price]"),
        ({"line_items[0][price]": "p", "line_items[0][quantity]": "abc"}, "quantity"),
        ({"line_items[0][price]": "p", "line_items[0][quantity]": "1", "foo": "bar"}, "foo"),
        ({"metadata[a]": "b"}, "line_items"),
        ({"line_items": "p"}, "line_items"),
    ],
)
def test_a_form_with_a_fault_is_refused_by_name(world: World, form: dict[str, str], param: str) -> None:
    answer = world.stripe("/v1/payment_links", **form)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["param"] == param
    assert world.entries("refused")[-1]["service"] == "stripe"


def test_without_a_key_to_the_account_nothing_is_served(world: World) -> None:
    answer = world.http.post("/v1/prices", data={"currency": "eur", "unit_amount": "1"})

    assert answer.status_code == 401


def test_paying_on_the_page_tells_the_lender_once_and_signed(world: World, components: Any) -> None:
    world.enrol("page")
    link = world.link("page")
    path = link["url"].split("/", 3)[3]

    opened = world.http.get(f"/{path}")
    paid = world.http.post(f"/{path}")
    after = world.http.get(f"/{path}")

    assert "300.00 EUR" in opened.text
    assert "<button>" in opened.text
    assert "Paid" in paid.text
    assert "<button>" not in after.text
    [posted] = events(world, "page")
    assert signed(posted)
    assert not signed(posted, "whsec_other")
    event = posted.json
    official(components, "event", event)
    session = event["data"]["object"]
    official(components, "checkout.session", session)
    assert event["type"] == "checkout.session.completed"
    assert session["metadata"] == {"loan_id": "page", "lender": "demo"}
    assert (session["payment_status"], session["payment_link"]) == ("paid", link["id"])
    assert (session["amount_total"], session["currency"]) == (30_000, "eur")
    payment = world.entries("payment", "page")[0]
    assert (payment["payment_id"], payment["via"]) == (session["payment_intent"], "link")
    assert "Date" in posted.headers


def test_an_inactive_link_cannot_be_paid(world: World) -> None:
    world.enrol("shut")
    link = world.link("shut")
    path = "/" + link["url"].split("/", 3)[3]

    closed = world.stripe(f"/v1/payment_links/{link['id']}", active="false")
    page = world.http.get(path)
    tried = world.http.post(path)

    assert closed.json()["active"] is False
    assert "no longer active" in page.text
    assert tried.status_code == 410
    assert world.entries("payment", "shut") == []


def test_sessions_of_a_link_are_listed_and_expanded(world: World, components: Any) -> None:
    world.enrol("list")
    link = world.link("list", amount=5_000)
    for _ in range(2):
        world.http.post("/" + link["url"].split("/", 3)[3])
    headers = {"Authorization": "Bearer x"}
    query = {"payment_link": link["id"], "limit": "1", "expand[0]": "data.payment_intent.latest_charge"}

    first = world.http.get("/v1/checkout/sessions", params=query, headers=headers).json()
    cursor = {"starting_after": first["data"][0]["id"]}
    second = world.http.get("/v1/checkout/sessions", params=query | cursor, headers=headers).json()
    plain = world.http.get(f"/v1/checkout/sessions/{first['data'][0]['id']}", headers=headers).json()

    assert (first["has_more"], second["has_more"]) == (True, False)
    intents = [x["data"][0]["payment_intent"] for x in (first, second)]
    assert len({i["id"] for i in intents}) == 2
    assert intents[0]["latest_charge"]["created"] > 0
    official(components, "checkout.session", plain)
    intent = world.http.get(f"/v1/payment_intents/{intents[0]['id']}", headers=headers).json()
    official(components, "payment_intent", intent)


def test_a_payment_on_the_portal_names_the_loan_and_no_link(world: World) -> None:
    world.enrol("portal", lender="acme")

    world.act("portal", "pay")

    [posted] = events(world, "portal")
    session = posted.json["data"]["object"]
    assert session["metadata"] == {"loan_id": "portal", "lender": "acme"}
    assert session["payment_link"] is None
    assert world.entries("payment", "portal")[0]["via"] == "portal"


def test_a_reversal_points_at_the_payment(world: World) -> None:
    world.enrol("back")
    world.act("back", "pay")

    world.act("back", "reverse")
    nothing_left = world.act("back", "reverse")

    paid, taken = (p.json for p in world.listener.at("/stripe")[-2:])
    assert taken["type"] == "charge.dispute.funds_withdrawn"
    assert taken["data"]["object"]["payment_intent"] == paid["data"]["object"]["payment_intent"]
    assert taken["data"]["object"]["amount"] == 30_000
    assert world.entries("reversal", "back")[0]["payment_id"] == paid["data"]["object"]["payment_intent"]
    assert nothing_left.status_code == 400


def test_two_payments_and_a_part_are_told_apart(world: World) -> None:
    world.enrol("twice", "part")

    world.act("twice", "pay_twice")
    world.act("part", "pay_part", amount_minor=12_345)

    assert [p["amount_minor"] for p in world.entries("payment", "twice")] == [30_000, 30_000]
    assert [p["amount_minor"] for p in world.entries("payment", "part")] == [12_345]
    assert len({p["payment_id"] for p in world.entries("payment", "twice")}) == 2


def test_a_debits_charge_is_as_old_as_its_beginning_and_in_the_balance_when_its_money_came(tmp_path: Path) -> None:
    odds = load_odds(DEFAULT_FILE)
    gateway = Gateway(worlds.World(Store(tmp_path / "log"), odds, 1, Targets(), False), "http://sandbox.test")
    begun, came = parse_iso(AT), parse_iso(AT) + 7 * DAY
    paths = ["payment_intent.latest_charge.balance_transaction"]

    session_id = gateway.checkout(None, 5_000, "EUR", begun, None, settled=False)
    before = gateway.expanded(gateway.sessions[session_id], paths)["payment_intent"]["latest_charge"]
    gateway.settle(session_id, None, came, succeeded=True)
    after = gateway.expanded(gateway.sessions[session_id], paths)["payment_intent"]["latest_charge"]
    plain = gateway.expanded(gateway.sessions[session_id], ["payment_intent.latest_charge"])

    assert (before["status"], before["created"], before["balance_transaction"]) == ("pending", int(begun), None)
    assert (after["status"], after["created"]) == ("succeeded", int(begun))
    assert after["balance_transaction"]["created"] == int(came)
    balance_id = plain["payment_intent"]["latest_charge"]["balance_transaction"]
    assert balance_id == after["balance_transaction"]["id"]
