from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from domain.contact import Channel
from domain.opt_out_words import OptOutReading
from domain.webhook_news import (
    DeliveryNews,
    DeliveryState,
    Ignored,
    InboundNews,
    PartRefundNews,
    PaymentNews,
    ReversalNews,
)
from domain.what_next import WhatNext
from providers.webhooks import stripe, twilio
from providers.webhooks.refused import RefusedReason, WebhookRefused

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "webhook_vectors.json").read_text("utf-8"))["vectors"]
STRIPE_VECTORS = [v for v in VECTORS if v["scheme"] == "stripe-v1"]
TWILIO_VECTORS = [v for v in VECTORS if v["scheme"] == "twilio-v1"]
SECRET = SecretStr("whsec_test")
TOKEN = SecretStr("tok-secret")
NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
CREATED = int(NOW.timestamp()) - 5
URL = "https://lender.example/webhooks/twilio?message=m-1&loan=L1&lender=acme"
FORM = "application/x-www-form-urlencoded"
SM = f"SM{'1' * 32}"


def test_there_are_vectors_of_both() -> None:
    assert (len(STRIPE_VECTORS), len(TWILIO_VECTORS)) == (4, 4)


@pytest.mark.parametrize("vector", STRIPE_VECTORS, ids=lambda v: v["id"])
def test_stripes_own_vectors(vector: dict[str, Any]) -> None:
    def verify() -> None:
        stripe.verify(
            vector["body"].encode(),
            vector["headers"]["Stripe-Signature"],
            SecretStr(vector["secret"]),
            datetime.fromtimestamp(vector["now"], UTC),
            vector["tolerance"],
        )

    if vector["expect"] == "valid":
        verify()
    else:
        with pytest.raises(WebhookRefused) as caught:
            verify()
        assert caught.value.reason == vector["expect"]


@pytest.mark.parametrize("vector", TWILIO_VECTORS, ids=lambda v: v["id"])
def test_twilios_own_vectors(vector: dict[str, Any]) -> None:
    is_json = vector["params"] is None
    body = vector["body"] if is_json else urlencode([(k, v) for k, v in vector["params"]])
    kind = "application/json" if is_json else FORM

    def verify(raw: bytes, url: str = vector["url"]) -> None:
        twilio.verify(url, raw, kind, vector["headers"]["X-Twilio-Signature"], SecretStr(vector["secret"]))

    assert vector["expect"] == "valid"
    verify(body.encode())
    for raw, url in ((body.encode() + b"&x=1", vector["url"]), (body.encode(), vector["url"] + "&x=1")):
        with pytest.raises(WebhookRefused) as caught:
            verify(raw, url)
        assert caught.value.reason is RefusedReason.SIGNATURE_MISMATCH


def stripe_header(raw: bytes, at: datetime = NOW, secret: SecretStr = SECRET) -> str:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.get_secret_value().encode(), stamp.encode() + b"." + raw, hashlib.sha256)
    return f"t={stamp},v1={digest.hexdigest()}"


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(seconds=300), None),
        (timedelta(seconds=301), RefusedReason.TIMESTAMP_OUT_OF_TOLERANCE),
        (timedelta(seconds=-900), None),
    ],
)
def test_an_old_stripe_delivery_is_refused(age: timedelta, reason: RefusedReason | None) -> None:
    header = stripe_header(b"{}", NOW - age)
    if reason is None:
        stripe.verify(b"{}", header, SECRET, NOW)
    else:
        with pytest.raises(WebhookRefused) as caught:
            stripe.verify(b"{}", header, SECRET, NOW)
        assert caught.value.reason is reason


def test_while_a_secret_is_rolled_any_of_the_signatures_may_match() -> None:
    header = stripe_header(b"{}") + ",v1=" + "0" * 64

    stripe.verify(b"{}", header, SECRET, NOW)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, RefusedReason.MISSING_HEADER),
        ("", RefusedReason.MISSING_HEADER),
        ("v1=00", RefusedReason.MALFORMED_HEADER),
        ("t=soon,v1=00", RefusedReason.MALFORMED_HEADER),
        ("t=٣,v1=00", RefusedReason.MALFORMED_HEADER),
        ("t=1", RefusedReason.NO_EXPECTED_SCHEME),
        ("t=1,v1=ñ", RefusedReason.SIGNATURE_MISMATCH),
        ("t=1,v1=\ud800", RefusedReason.SIGNATURE_MISMATCH),
    ],
)
def test_a_bad_stripe_header_is_refused_with_its_reason(header: str | None, reason: RefusedReason) -> None:
    with pytest.raises(WebhookRefused) as caught:
        stripe.verify(b"{}", header, SECRET, NOW)

    assert caught.value.reason is reason


def test_a_body_beyond_the_limit_is_refused_before_anything_is_read() -> None:
    for refuse in (
        lambda: stripe.verify(b" " * (stripe.LARGEST_BODY + 1), "t=1,v1=0", SECRET, NOW),
        lambda: stripe.parse(b" " * (stripe.LARGEST_BODY + 1)),
        lambda: twilio.verify(URL, b" " * (twilio.LARGEST_BODY + 1), FORM, "x", TOKEN),
        lambda: twilio.parse(URL, b" " * (twilio.LARGEST_BODY + 1)),
    ):
        with pytest.raises(WebhookRefused) as caught:
            refuse()
        assert caught.value.reason is RefusedReason.TOO_LARGE


def event(kind: str, **thing: Any) -> bytes:
    return json.dumps({"id": "evt_1", "type": kind, "created": CREATED, "data": {"object": thing}}).encode()


def session(kind: str = "checkout.session.completed", **change: Any) -> bytes:
    fields: dict[str, Any] = {
        "id": "cs_1",
        "mode": "payment",
        "payment_status": "paid",
        "payment_intent": "pi_1",
        "payment_link": "plink_1",
        "amount_total": 12345,
        "currency": "eur",
        "metadata": {"lender": "acme", "loan_id": "L1", "link_key": "k"},
    }
    return event(kind, **(fields | change))


@pytest.mark.parametrize("kind", ["checkout.session.completed", "checkout.session.async_payment_succeeded"])
def test_a_paid_session_is_a_payment_of_its_loan(kind: str) -> None:
    assert stripe.parse(session(kind)) == (
        PaymentNews(
            payment_id="pi_1",
            provider="stripe",
            amount_minor=12345,
            currency="EUR",
            paid_at=NOW - timedelta(seconds=5),
            lender="acme",
            loan_id="L1",
            link_id="plink_1",
        ),
    )
    assert stripe.event_key(session(kind)) == "evt_1"


@pytest.mark.parametrize(
    ("total", "currency", "minor"), [(5000, "clp", 5000), (5000000, "cop", 5000000), (50000, "isk", 500)]
)
def test_a_payment_counts_in_our_minor_units(total: int, currency: str, minor: int) -> None:
    (news,) = stripe.parse(session(amount_total=total, currency=currency))

    assert isinstance(news, PaymentNews)
    assert (news.amount_minor, news.currency) == (minor, currency.upper())


def test_a_payment_without_our_references_is_still_a_payment() -> None:
    (news,) = stripe.parse(session(metadata={}, payment_intent={"id": "pi_9"}))

    assert isinstance(news, PaymentNews)
    assert (news.payment_id, news.lender, news.loan_id, news.link_id) == ("pi_9", None, None, "plink_1")


@pytest.mark.parametrize(
    ("raw", "kind", "needs_person"),
    [
        (session(payment_status="unpaid"), "checkout.session.completed:unpaid", False),
        (session(mode="setup"), "checkout.session.completed:not_a_payment", False),
        (session(amount_total=0), "checkout.session.completed:nothing_paid", False),
        (session("checkout.session.async_payment_failed"), "checkout.session.async_payment_failed", False),
        (event("customer.created", id="cus_1"), "customer.created", False),
        (event("charge.refunded", refunded=True), "charge.refunded:no_payment_intent", True),
        (event("charge.refund.updated", status="succeeded", payment_intent="p"), "charge.refund.updated", False),
    ],
)
def test_what_moves_no_money_of_a_loan_is_ignored_by_name(raw: bytes, kind: str, needs_person: bool) -> None:
    assert stripe.parse(raw) == (Ignored(kind=kind, needs_person=needs_person),)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("charge.dispute.funds_reinstated", {"status": "won"}),
        ("charge.refund.updated", {"status": "failed"}),
        ("refund.updated", {"status": "canceled"}),
        ("refund.failed", {"status": "failed"}),
    ],
)
def test_money_that_comes_back_is_shown_to_a_person_with_its_payment(kind: str, told: dict[str, str]) -> None:
    assert stripe.parse(event(kind, payment_intent="pi_1", **told)) == (
        Ignored(kind=kind, needs_person=True, reference="pi_1"),
    )


def test_a_part_refund_says_how_much_was_given_back_so_far() -> None:
    told = {"refunded": False, "amount_refunded": 5, "payment_intent": "pi_1"}

    assert stripe.parse(event("charge.refunded", currency="eur", **told)) == (
        PartRefundNews(payment_id="pi_1", provider="stripe", refunded_minor=5),
    )
    (unread,) = stripe.parse(event("charge.refunded", **told))
    assert unread == Ignored(kind="charge.refunded:partial", needs_person=True, reference="pi_1")


@pytest.mark.parametrize(
    ("raw", "amount"),
    [
        (event("charge.refunded", refunded=True, payment_intent="pi_1"), {}),
        (
            event("charge.dispute.funds_withdrawn", payment_intent="pi_1", amount=12345, currency="eur"),
            {"amount_minor": 12345, "currency": "EUR"},
        ),
    ],
)
def test_money_taken_back_reverses_its_payment(raw: bytes, amount: dict[str, Any]) -> None:
    assert stripe.parse(raw) == (
        ReversalNews(payment_id="pi_1", provider="stripe", reversed_at=NOW - timedelta(seconds=5), **amount),
    )


@pytest.mark.parametrize("told", [{}, {"amount": 12345}, {"amount": "12345", "currency": "eur"}, {"amount": 0}])
def test_a_dispute_that_does_not_say_over_how_much_is_shown_to_a_person(told: dict[str, Any]) -> None:
    kind = "charge.dispute.funds_withdrawn"

    assert stripe.parse(event(kind, payment_intent="pi_1", **told)) == (
        Ignored(kind=f"{kind}:no_amount", needs_person=True, reference="pi_1"),
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"type": "x"}',
        b'{"type": 7, "data": {"object": {}}}',
        session(payment_intent=None),
        session(amount_total="12345"),
        session(amount_total=True),
        session(currency="xqx"),
        session(currency=None),
        session(currency="rsd"),
        session().replace(str(CREATED).encode(), b"1e400"),
        session().replace(str(CREATED).encode(), b"9" * 30),
        session().replace(str(CREATED).encode(), b"-62135596800"),  # the first of January of the year 1
        session().replace(str(CREATED).encode(), b"7258118400"),  # of the year 2200
    ],
)
def test_money_that_cannot_be_booked_is_refused_not_lost(raw: bytes) -> None:
    with pytest.raises(WebhookRefused) as caught:
        stripe.parse(raw)

    assert caught.value.reason is RefusedReason.UNREADABLE


def signed(url: str, raw: bytes, pairs: list[tuple[str, str]]) -> str:
    text = url + "".join(k + v for k, v in sorted(set(pairs)))
    return base64.b64encode(hmac.new(b"tok-secret", text.encode(), hashlib.sha1).digest()).decode()


def body_of(**fields: str) -> bytes:
    return urlencode(fields).encode()


STATUS = {"MessageSid": SM, "MessageStatus": "delivered", "To": "+34600000000", "From": "+34911111111"}
INBOUND = {"MessageSid": SM, "SmsStatus": "received", "From": "+34600000000", "To": "+34911111111", "Body": "BAJA"}


@pytest.mark.parametrize(
    ("signed_url", "seen_url"),
    [
        ("https://l.example/w?a=1", "https://l.example/w?a=1"),
        ("https://l.example:443/w?a=1", "https://l.example/w?a=1"),
        ("https://l.example/w?a=1", "https://l.example:443/w?a=1"),
        ("http://l.example:80/w", "http://l.example/w"),
        ("http://l.example/w", "http://l.example:8080/w"),
    ],
)
def test_the_port_in_the_address_does_not_matter(signed_url: str, seen_url: str) -> None:
    raw = body_of(**STATUS)

    twilio.verify(seen_url, raw, f"{FORM}; charset=utf-8", signed(signed_url, raw, list(STATUS.items())), TOKEN)


def test_a_repeated_field_is_signed_sorted_and_once() -> None:
    pairs = [("MediaUrl", "b"), ("MediaUrl", "a"), ("MediaUrl", "a"), ("Empty", "")]
    raw = urlencode(pairs).encode()

    twilio.verify(URL, raw, FORM, signed(URL, raw, pairs), TOKEN)


@pytest.mark.parametrize(
    ("url", "raw", "kind", "header"),
    [
        (URL, body_of(**STATUS), FORM, "bm90IGl0"),
        (URL, body_of(**STATUS), FORM, "\ud800"),
        (URL.replace("L1", "L2"), body_of(**STATUS), FORM, signed(URL, b"", list(STATUS.items()))),
        (URL, body_of(**(STATUS | {"MessageStatus": "failed"})), FORM, signed(URL, b"", list(STATUS.items()))),
        # A signature over the bare address must not cover a body that is neither form nor hashed.
        (URL, b'{"MessageSid": "SM1"}', "application/json", signed(URL, b"", [])),
    ],
)
def test_what_twilio_did_not_sign_is_refused(url: str, raw: bytes, kind: str, header: str) -> None:
    with pytest.raises(WebhookRefused) as caught:
        twilio.verify(url, raw, kind, header, TOKEN)

    assert caught.value.reason is RefusedReason.SIGNATURE_MISMATCH
    assert "tok-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "code", "state", "what_next"),
    [
        ("queued", None, DeliveryState.ACCEPTED, None),
        ("sent", None, DeliveryState.SENT, None),
        ("delivered", None, DeliveryState.DELIVERED, None),
        ("read", None, DeliveryState.READ, None),
        ("undelivered", "30003", DeliveryState.FAILED, WhatNext.LATER),
        ("undelivered", "30008", DeliveryState.FAILED, WhatNext.RETRY),
        ("failed", "30007", DeliveryState.FAILED, WhatNext.STOP_SENDER),
        ("failed", "21610", DeliveryState.FAILED, WhatNext.TERMINAL),
        ("failed", "99999", DeliveryState.FAILED, WhatNext.TERMINAL),
        ("failed", "²", DeliveryState.FAILED, WhatNext.TERMINAL),
    ],
)
def test_a_status_callback_tells_where_our_message_stands(
    status: str, code: str | None, state: DeliveryState, what_next: WhatNext | None
) -> None:
    raw = body_of(**(STATUS | {"MessageStatus": status} | ({"ErrorCode": code} if code else {})))

    (news,) = twilio.parse(URL, raw)

    assert isinstance(news, DeliveryNews)
    assert (news.message_id, news.loan_id, news.lender) == ("m-1", "L1", "acme")
    assert (news.provider_message_id, news.state) == (SM, state)
    assert (news.reaction and news.reaction.what_next) == what_next
    assert twilio.event_key(raw) == f"{SM}:{status}"


def test_each_status_of_a_message_counts_once_and_apart() -> None:
    sent, delivered = body_of(**(STATUS | {"MessageStatus": "sent"})), body_of(**STATUS)

    assert twilio.event_key(sent) == twilio.event_key(sent)
    assert twilio.event_key(sent) != twilio.event_key(delivered)


def test_a_callback_without_our_references_still_names_the_message() -> None:
    (news,) = twilio.parse("https://lender.example/w", body_of(**STATUS))

    assert isinstance(news, DeliveryNews)
    assert (news.message_id, news.loan_id, news.provider_message_id) == (None, None, SM)


@pytest.mark.parametrize(
    ("sender", "channel"), [("+34600000000", Channel.SMS), ("whatsapp:+34600000000", Channel.WHATSAPP)]
)
@pytest.mark.parametrize(
    ("carrier", "reading"),
    [(None, None), ("STOP", OptOutReading.OPT_OUT), ("START", OptOutReading.OPT_IN)],
)
def test_a_reply_is_read(sender: str, channel: Channel, carrier: str | None, reading: OptOutReading | None) -> None:
    fields = INBOUND | {"From": sender} | ({"OptOutType": carrier} if carrier else {})

    (news,) = twilio.parse(URL, body_of(**fields))

    assert news == InboundNews(
        channel=channel,
        provider="twilio",
        sender_address="+34600000000",
        text="BAJA",
        provider_message_id=SM,
        carrier_reading=reading,
        written_to="34911111111",
    )
    assert "600000000" not in repr(news)
    assert "BAJA" not in repr(news)
    assert twilio.event_key(body_of(**fields)) == f"{SM}:received"


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("image/jpeg", "image"),
        ("application/pdf", "document"),
        ("audio/ogg; codecs=opus", "audio"),
        ("video/mp4", "video"),
        ("", "document"),
        ("image/webp", "sticker"),
        ("text/vcard", "contacts"),
    ],
)
def test_a_file_without_words_is_told_as_what_it_is(content_type: str, kind: str) -> None:
    fields = INBOUND | {"Body": "", "NumMedia": "1", "MediaContentType0": content_type}

    (news,) = twilio.parse(URL, body_of(**fields))

    assert isinstance(news, InboundNews)
    assert (news.kind, news.text) == (kind, "")


@pytest.mark.parametrize(
    "fields", [{"NumMedia": "1", "MediaContentType0": "image/jpeg"}, {"NumMedia": "0", "Body": ""}]
)
def test_words_beside_a_file_are_words_and_no_file_is_none(fields: dict[str, str]) -> None:
    (news,) = twilio.parse(URL, body_of(**INBOUND | fields))

    assert isinstance(news, InboundNews)
    assert (news.kind, news.text) == ("text", fields.get("Body", "BAJA"))


@pytest.mark.parametrize(
    ("to", "number"),
    [
        ("+34911000001", "34911000001"),
        ("whatsapp:+34911000001", "34911000001"),
        ("28585", "28585"),
        ("", None),
        ("Credialba", None),
    ],
)
def test_a_reply_tells_which_number_of_ours_it_came_to(to: str, number: str | None) -> None:
    (news,) = twilio.parse(URL, body_of(**INBOUND | {"To": to}))

    assert isinstance(news, InboundNews)
    assert news.written_to == number


@pytest.mark.parametrize(("told", "quotes"), [("", None), ("MM5c", "MM5c"), ("a/b", None)])
def test_a_reply_tells_which_message_it_was_picked_to_answer(told: str, quotes: str | None) -> None:
    (news,) = twilio.parse(URL, body_of(**INBOUND | {"OriginalRepliedMessageSid": told}))

    assert isinstance(news, InboundNews)
    assert news.quotes == quotes


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (STATUS | {"MessageStatus": "receiving"}, "message:receiving"),
        (STATUS | {"MessageStatus": "Ñ?"}, "message:unknown"),
        (INBOUND | {"From": "messenger:123"}, "message:other_channel"),
        ({"CallSid": f"CA{'2' * 32}", "CallStatus": "ringing"}, "call:ringing"),
    ],
)
def test_other_requests_are_ignored_by_name(fields: dict[str, str], kind: str) -> None:
    (news,) = twilio.parse(URL, body_of(**fields))

    assert isinstance(news, Ignored)
    assert news.kind == kind


@pytest.mark.parametrize(
    "raw",
    [b"", b"x", b"\xff", b"MessageSid=%FF", b"MessageSid=a/b", body_of(MessageSid=SM), b"a=1&" * 500, b"Body=x&From=y"],
)
def test_a_form_that_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(WebhookRefused) as caught:
        twilio.parse(URL, raw)

    assert caught.value.reason is RefusedReason.UNREADABLE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(
    ["checkout.session.completed", "charge.refunded", "charge.dispute.funds_withdrawn", "x.y", "", "Ñ"]
)
SESSION_FIELDS = st.sampled_from(
    ["payment_status", "payment_intent", "payment_link", "amount_total", "currency", "metadata", "mode", "refunded"]
)


@given(raw=st.binary(max_size=300), header=st.text(max_size=200), url=st.text(max_size=80))
def test_no_garbage_brings_more_than_a_refusal(raw: bytes, header: str, url: str) -> None:
    for call in (
        lambda: stripe.verify(raw, header, SECRET, NOW),
        lambda: stripe.verify(raw, f"t=1,v1={header}", SECRET, NOW),
        lambda: stripe.parse(raw),
        lambda: stripe.event_key(raw),
        lambda: twilio.verify(url, raw, header, header, TOKEN),
        lambda: twilio.verify(url, raw, None, header, TOKEN),
        lambda: twilio.parse(url, raw),
        lambda: twilio.event_key(raw),
    ):
        try:
            call()
        except WebhookRefused:
            pass


@given(kind=KINDS, created=JSON, thing=st.dictionaries(SESSION_FIELDS, JSON | st.just("paid")), event_id=JSON)
def test_no_event_of_the_wrong_shape_brings_more_than_a_refusal(
    kind: str, created: Any, thing: dict[str, Any], event_id: Any
) -> None:
    raw = json.dumps(
        {
            "id": event_id,
            "type": kind,
            "created": created,
            "data": {"object": {"payment_status": "paid", "refunded": True, "payment_intent": "pi"} | thing},
        }
    ).encode()
    for call in (stripe.parse, stripe.event_key):
        try:
            call(raw)
        except WebhookRefused:
            pass


TWILIO_FIELDS = st.sampled_from(
    ["MessageSid", "MessageStatus", "From", "Body", "ErrorCode", "OptOutType", "CallSid", "SmsStatus"]
)


@given(fields=st.dictionaries(TWILIO_FIELDS, st.text(max_size=20) | st.sampled_from([SM, "failed", "whatsapp:"])))
def test_no_form_of_the_wrong_shape_brings_more_than_a_refusal(fields: dict[str, str]) -> None:
    raw = urlencode(fields, errors="surrogatepass").encode()
    for call in (lambda: twilio.parse(URL, raw), lambda: twilio.event_key(raw)):
        try:
            call()
        except WebhookRefused:
            pass
