"""Whatever a provider signs: it is answered, kept or refused; what is kept stops nothing that comes after it, and what
a loan is told of it the loan can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from config.signed_addresses import SignedAddresses
from domain.call_flow import Stage
from domain.contact import Channel, Purpose
from records import contacts, loans
from records.database import Database
from records.tables import ContactState, Webhook
from tests.nasty import JSON, TEXT, fuzzing
from tests.records.portfolios import LENDER, NOW, enter, handed
from tests.web import signing
from tests.web.calling import HERE, LINK_SECRET, browser
from tests.web.outside import FakeTemporal
from tests.web.signing import Signed
from tests.web.test_voice import DEBT, SETTINGS, SLOTS
from web.app import create_app
from web.call_desk import CallDesk
from web.hearing import MessageReader
from web.ports import OwedSignal
from web.relay_records import RelayRecords
from workflows.messages import read_signal

pytestmark = [
    pytest.mark.drawn,
    pytest.mark.parametrize(
        "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True
    ),
]
PHONE = "34600000001"
NASTY = st.one_of(
    TEXT,
    JSON,
    st.sampled_from(
        [
            "\ud800",
            "x\x00y",
            "ñ" * 70,
            "i" * 300,
            "i" * 600,
            "w" * 5_000,
            " ",
            "a b",
            2**31,
            2**63,
            10**18,
            -1,
            1e300,
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00+14:00",
            "L1",
            LENDER,
        ]
    ),
)


@st.composite
def changed(draw: st.DrawFn, shapes: list[Any]) -> Any:
    """One of the shapes with anything in up to three of its places."""
    whole = json.loads(json.dumps(draw(st.sampled_from(shapes))))
    for _ in range(draw(st.integers(0, 3))):
        places = list(_places(whole))
        if not places:
            return whole
        part, name = draw(st.sampled_from(places))
        part[name] = draw(NASTY)
    return whole


def _places(part: Any) -> Iterator[tuple[Any, Any]]:
    names = part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    for name in names:
        yield part, name
        yield from _places(part[name])


def body_of(shapes: list[Any]) -> st.SearchStrategy[bytes]:
    return st.one_of(
        changed(shapes).map(lambda value: json.dumps(value).encode()),
        changed(shapes).map(lambda value: json.dumps(value).encode()),
        changed(shapes).map(lambda value: json.dumps(value).encode()),
        st.binary(max_size=60),
        JSON.map(lambda value: json.dumps(value).encode()),
    )


class Site:
    """The app with every source, one loan that was written to by every way and called, and what relays its news."""

    def __init__(self, database: Database, client: TestClient) -> None:
        self.database, self.client = database, client
        self._relay = RelayRecords(
            database, signing.every_source(), lambda: NOW, timedelta(seconds=20), lambda _: timedelta(), MessageReader()
        )
        self._after = 0

    def post(self, signed: Signed) -> int:
        path, _, query = signed.path.partition("?")
        asked = self.client.build_request("POST", HERE + path, content=signed.body)
        asked.headers.update(signed.headers)
        asked.url = asked.url.copy_with(query=query.encode() or None)
        return int(self.client.send(asked).status_code)

    def takes(self, signed: Signed) -> list[str | None]:
        """What is signed is answered, and then nothing waits that cannot be read; what became of it."""
        status = self.post(signed)

        assert status in (200, 400, 403, 404, 413), (status, signed)
        while self._relay.record_some().more:
            pass
        with self.database.writing() as session:
            rows = session.exec(select(Webhook).where(col(Webhook.id) > self._after).order_by(col(Webhook.id))).all()
            for row in rows:
                assert row.recorded_at is not None, (row.relay_error, signed)
                for one in row.signals:
                    owed = OwedSignal.model_validate(one)
                    told = read_signal(owed.name.value, owed.payload)
                    assert not isinstance(told, str), (told, owed, signed)
                assert row.id is not None
                self._after, row.relayed_at = row.id, NOW
                session.add(row)
            return [row.outcome for row in rows]


SENT = {
    Channel.SMS: ("twilio", "SM1"),
    Channel.WHATSAPP: ("meta", "wamid.1"),
    Channel.EMAIL: ("sendgrid", "mail-1"),
    Channel.CALL: ("twilio", "CA1"),
}


@pytest.fixture
def site(database: Database) -> Iterator[Site]:
    with database.writing() as session:
        enter(session, [handed("L1", birth_year="1984")])
        loans.begin(session, loans.get(session, LENDER, "L1"))
        for channel, (provider, message_id) in SENT.items():
            loan, person = contacts.lock_person(session, LENDER, "L1")
            contact = contacts.reserve(
                session,
                loan,
                person,
                step=f"by-{channel.value}",
                occurrence=1,
                purpose=Purpose.COLLECTION,
                channel=channel,
                template="first",
                at=NOW - timedelta(days=1),
                address=person.phone,
            ).contact
            contact.text = DEBT
            contacts.advance(
                session, contact, ContactState.SENT, at=NOW, provider=provider, provider_message_id=message_id
            )
    app = create_app(
        database,
        FakeTemporal(),
        signing.every_source(),
        now=lambda _: NOW,
        calls=CallDesk(database, SETTINGS, lambda: SLOTS),
        addresses=SignedAddresses(LINK_SECRET, HERE),
    )
    with browser(app) as client:
        yield Site(database, client)


def own_id(site: Site, channel: Channel) -> str:
    with site.database.reading() as session:
        every = contacts.of_loan(session, loans.get(session, LENDER, "L1"))
        return next(one.message_id for one in every if one.channel is channel)


def of_stripe(kind: str, **thing: Any) -> dict[str, Any]:
    return {"id": "evt_1", "type": kind, "created": 1_772_442_000, "data": {"object": thing}}


PAID = {
    "payment_status": "paid",
    "mode": "payment",
    "payment_intent": "pi_1",
    "payment_link": "plink_1",
    "amount_total": 2_500,
    "currency": "eur",
    "metadata": {"lender": LENDER, "loan_id": "L1"},
}
STRIPE = [
    of_stripe("checkout.session.completed", **PAID),
    of_stripe("checkout.session.async_payment_succeeded", **PAID),
    of_stripe("charge.refunded", refunded=True, payment_intent="pi_1", amount_refunded=2_500, currency="eur"),
    of_stripe("charge.refunded", refunded=False, payment_intent="pi_1", amount_refunded=500, currency="eur"),
    of_stripe("charge.dispute.funds_withdrawn", payment_intent="pi_1", amount=2_500, currency="eur"),
    of_stripe("charge.dispute.funds_reinstated", payment_intent="pi_1"),
    of_stripe("refund.failed", id="re_1", status="failed", payment_intent="pi_1"),
]


@fuzzing(25)
@given(body=body_of(STRIPE))
def test_anything_of_stripe(site: Site, body: bytes) -> None:
    site.takes(signing.stripe(body, NOW))


def on_whatsapp(field: str = "messages", **value: Any) -> dict[str, Any]:
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}],
    }


def written(**more: Any) -> dict[str, Any]:
    return {"from": PHONE, "id": "wamid.9", "timestamp": "1772442000", **more}


META = [
    on_whatsapp(messages=[written(type="text", text={"body": "BAJA"})]),
    on_whatsapp(messages=[written(type="text", text={"body": "Pago 20 euros el viernes"})]),
    on_whatsapp(messages=[written(type="image", image={"id": "77", "mime_type": "image/png", "caption": "recibo"})]),
    on_whatsapp(messages=[written(type="interactive", interactive={"button_reply": {"title": "Pagar"}})]),
    on_whatsapp(
        statuses=[
            {"id": "wamid.1", "status": "failed", "errors": [{"code": 131026}], "biz_opaque_callback_data": "x"},
            {"id": "wamid.1", "status": "read"},
        ]
    ),
    on_whatsapp(
        "message_template_status_update",
        message_template_name="first",
        message_template_language="es",
        event="REJECTED",
        reason="SCAM",
    ),
    on_whatsapp("message_template_quality_update", message_template_name="first", message_template_language="es"),
    on_whatsapp(
        "phone_number_quality_update", display_phone_number="34911111111", event="FLAGGED", current_limit="TIER_1K"
    ),
]


@fuzzing(25)
@given(body=body_of(META))
def test_anything_of_meta(site: Site, body: bytes) -> None:
    site.takes(signing.meta(body))


STANDARD: list[dict[str, Any]] = [
    {
        "type": "payment.received",
        "data": {
            "payment_id": "TR-1",
            "provider": "bank",
            "amount_minor": 2_500,
            "currency": "EUR",
            "paid_at": "2026-03-02T09:00:00Z",
            "lender": LENDER,
            "loan_id": "L1",
            "entry": 1,
        },
    },
    {"type": "payment.reversed", "data": {"payment_id": "TR-1", "reversed_at": "2026-03-02T09:00:00Z", "entry": 1}},
]
IN_A_HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300)


@fuzzing(20)
@given(body=body_of(STANDARD), webhook_id=IN_A_HEADER)
def test_anything_of_a_core_system(site: Site, body: bytes, webhook_id: str) -> None:
    site.takes(signing.standard(webhook_id, body, NOW))


@fuzzing(15)
@given(
    about=TEXT | st.sampled_from(["123", "9" * 20, "²", "x" * 400]),
    kind=TEXT | st.sampled_from(["payment", "merchant_order"]),
    request_id=st.just("") | IN_A_HEADER,
    body=st.binary(max_size=20),
)
def test_anything_of_mercadopago(site: Site, about: str, kind: str, request_id: str, body: bytes) -> None:
    site.takes(signing.mercadopago(about, kind, request_id, NOW, body))


EVENT = {"id": "EV1", "resource_type": "payments", "action": "confirmed", "links": {"payment": "PM1"}}


@fuzzing(15)
@given(body=body_of([{"events": [EVENT]}, {"events": [EVENT, EVENT | {"resource_type": "mandates"}]}]))
def test_anything_of_gocardless(site: Site, body: bytes) -> None:
    site.takes(signing.gocardless(body))


ORDER = {
    "id": "ord_1",
    "amount": 2_500,
    "currency": "EUR",
    "channel": {"checkout_request_id": "c-1"},
    "charges": {"data": [{"paid_at": 1_772_442_000}]},
    "metadata": {"lender": LENDER, "loan_id": "L1", "reference": "r"},
}
CONEKTA = [
    {"id": "e1", "type": "order.paid", "data": {"object": ORDER}},
    {"id": "e2", "type": "charge.refunded", "data": {"object": {"id": "ch", "order_id": "ord_1"}}},
]


@fuzzing(15)
@given(body=body_of(CONEKTA))
def test_anything_of_conekta(site: Site, body: bytes) -> None:
    site.takes(signing.conekta(body))


SENDGRID = [
    [{"event": kind, "sg_event_id": "e", "sg_message_id": "mail-1.x", "message": "m", "status": "5.1.1", "reason": "b"}]
    for kind in ("delivered", "open", "bounce", "dropped", "spamreport")
]


@fuzzing(15)
@given(body=body_of(SENDGRID))
def test_anything_of_sendgrid(site: Site, body: bytes) -> None:
    site.takes(signing.sendgrid(body, NOW))


BELVO = [
    {"webhook_id": "w", "webhook_type": "LINKS", "webhook_code": "token_required", "link_id": "16f68516-bcbc"},
    {
        "webhook_type": "CONSENT",
        "webhook_code": "openfinance_consent_about_to_expire",
        "link_id": "16f68516-bcbc",
        "data": {"consent_due_date": "2026-12-26T10:45:58.000Z"},
    },
]


@fuzzing(10)
@given(body=body_of(BELVO))
def test_anything_of_belvo(site: Site, body: bytes) -> None:
    site.takes(signing.belvo(body))


LINE = TEXT | st.sampled_from(
    ["multipart/report; report-type=delivery-status; boundary=b", "text/plain; charset=nonsense", "=?utf-8?b?AAAA?="]
)


@fuzzing(10)
@given(
    fields=st.lists(
        st.tuples(
            st.sampled_from(
                ["Content-Type", "From", "To", "Subject", "In-Reply-To", "Message-ID", "Date", "References"]
            ),
            LINE | st.just("l1@example.com") | st.just("<mail-1@example.com>"),
        ),
        max_size=8,
    ),
    content=st.binary(max_size=200) | TEXT.map(lambda text: text.encode(errors="replace")),
)
def test_anything_in_the_mailbox(site: Site, fields: list[tuple[str, str]], content: bytes) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in fields).encode(errors="replace")
    site.takes(signing.mail(head + b"\r\n" + content))


@st.composite
def changed_form(draw: st.DrawFn, shapes: list[dict[str, str]]) -> list[tuple[str, str]]:
    """One of the forms with up to three fields put in its place, or more than once."""
    fields = list(draw(st.sampled_from(shapes)).items())
    value = TEXT | st.sampled_from(["\ud800", "x\x00y", "i" * 600, "-1", "9" * 9, "whatsapp:", "whatsapp:+34600000001"])
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from([name for name, _ in fields]) | TEXT)
        if draw(st.booleans()):
            fields = [one for one in fields if one[0] != name]
        fields.append((name, draw(value)))
    return fields


TWILIO = [
    {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30003"},
    {"MessageSid": "SM1", "MessageStatus": "delivered"},
    {"MessageSid": "SM9", "SmsStatus": "received", "From": "+34600000001", "Body": "BAJA", "OptOutType": "STOP"},
    {"MessageSid": "SM9", "From": "+34600000001", "Body": "Pago mañana", "DateCreated": "2026-03-02T09:00:00Z"},
    {"CallSid": "CA1", "CallStatus": "completed", "CallDuration": "61"},
    {"CallSid": "CA1", "CallStatus": "no-answer"},
    {"CallSid": "CA1", "Heard": "pay_now", "Message": "m"},
]
"""The last is what is kept of a call, which nobody but us should post."""
OURS = st.sampled_from(["", "message", "lender=acme&loan=L1&message"])


@fuzzing(30)
@given(fields=changed_form(TWILIO), named=OURS, other=st.none() | TEXT)
def test_any_form_of_twilio(site: Site, fields: list[tuple[str, str]], named: str, other: str | None) -> None:
    called = own_id(site, Channel.CALL) if other is None else signing.in_a_path(other)
    query = f"?{named}={called}" if named else ""
    site.takes(signing.twilio(HERE, f"/webhooks/twilio{query}", fields))


@fuzzing(10)
@given(body=st.binary(max_size=60), kind=st.sampled_from(["application/json", "multipart/form-data; boundary=x", "x"]))
def test_anything_of_twilio_that_is_no_form(site: Site, body: bytes, kind: str) -> None:
    site.takes(signing.twilio_other(HERE, "/webhooks/twilio", body, kind))
    site.takes(signing.twilio_other(HERE, f"/voice/{own_id(site, Channel.CALL)}/answered", body, kind))


CALL = [
    {"CallSid": "CA1", "CallStatus": "in-progress", "AnsweredBy": "human"},
    {"CallSid": "CA1", "Digits": "1984"},
    *({"CallSid": "CA1", "Digits": key} for key in ("1", "2", "3", "9", "31", "0")),
]


@fuzzing(30)
@given(
    fields=changed_form(CALL),
    stage=st.sampled_from([stage.value for stage in Stage]) | TEXT,
    other=st.none() | st.none() | TEXT,
    attempt=st.sampled_from(["", "?attempt=1", "?attempt=3", "?attempt=-1", "?attempt=%00"]),
)
def test_any_turn_of_a_call(
    site: Site, fields: list[tuple[str, str]], stage: str, other: str | None, attempt: str
) -> None:
    called = own_id(site, Channel.CALL) if other is None else other
    path = f"/voice/{signing.in_a_path(called)}/{signing.in_a_path(stage)}{attempt}"
    site.takes(signing.twilio(HERE, path, fields))
