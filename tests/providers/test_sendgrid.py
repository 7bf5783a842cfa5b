"""E-mail by SendGrid: what is asked of it, what its refusals mean, and its signed events."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import jsonschema
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from domain.contact import Channel
from domain.webhook_news import Complained, DeliveryNews, DeliveryState, Ignored
from providers.errors import Effect, ProviderError, WhatNext
from providers.messaging.sendgrid import SendGridMessenger, SendGridSettings
from providers.ports import Attachment, OutgoingMessage, Sent
from providers.webhooks import sendgrid
from providers.webhooks.refused import WebhookRefused
from tests.providers.stand_in import AT

# What SendGrid's published description of POST /v3/mail/send asks for, in the parts we use; written out by us.
EMAIL = {"type": "object", "required": ["email"], "additionalProperties": False}
EMAIL |= {"properties": {"email": {"type": "string", "pattern": "@"}, "name": {"type": "string"}}}
FLAG = {"type": "object", "properties": {"enable": {"type": "boolean"}}, "additionalProperties": False}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
MAIL_SEND = {
    "type": "object",
    "required": ["personalizations", "from", "subject", "content"],
    "additionalProperties": False,
    "properties": {
        "personalizations": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "items": {
                "type": "object",
                "required": ["to"],
                "additionalProperties": False,
                "properties": {"to": {"type": "array", "minItems": 1, "items": EMAIL}, "custom_args": TEXTS},
            },
        },
        "from": EMAIL,
        "subject": {"type": "string", "minLength": 1},
        "content": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["type", "value"],
                "additionalProperties": False,
                "properties": {"type": {"type": "string"}, "value": {"type": "string", "minLength": 1}},
            },
        },
        "attachments": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["content", "filename"],
                "additionalProperties": False,
                "properties": {
                    "content": {"type": "string", "minLength": 1},
                    "type": {"type": "string", "minLength": 1},
                    "filename": {"type": "string"},
                    "disposition": {"enum": ["inline", "attachment"]},
                    "content_id": {"type": "string"},
                },
            },
        },
        "headers": TEXTS,
        "tracking_settings": {
            "type": "object",
            "properties": {"click_tracking": FLAG, "subscription_tracking": FLAG},
            "additionalProperties": False,
        },
    },
}
SETTINGS = SendGridSettings(api_key=SecretStr("SG.key"), from_address="cobros@credialba.example", from_name="Credialba")
ONE_CLICK = "https://collect.example/unsubscribe/signed"


def sender(answer: httpx.Response | Exception) -> tuple[SendGridMessenger, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        jsonschema.validate(json.loads(request.content), MAIL_SEND)
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return SendGridMessenger(SETTINGS, httpx.AsyncClient(transport=httpx.MockTransport(handle))), asked


def mail(**changes: Any) -> OutgoingMessage:
    given: dict[str, Any] = {
        "message_id": "m-1",
        "channel": Channel.EMAIL,
        "to": "ana@example.com",
        "subject": "Su cuenta",
        "text": "Hola",
        "html": "<p>Hola</p>",
        "loan_id": "L1",
        "lender": "acme",
        "at": AT,
        "unsubscribe_url": ONE_CLICK,
    }
    return OutgoingMessage(**(given | changes))


async def test_the_mail_is_plain_text_first_and_can_be_ended_with_one_click() -> None:
    sending, asked = sender(httpx.Response(202, headers={"X-Message-Id": "abc"}))

    sent = await sending.send(
        mail(attachments=(Attachment(filename="r.pdf", media_type="application/pdf", content=b"x"),))
    )

    assert sent == Sent(provider="sendgrid", provider_message_id="abc")
    told = json.loads(asked[0].content)
    assert [part["type"] for part in told["content"]] == ["text/plain", "text/html"]
    assert told["headers"]["List-Unsubscribe"] == f"<{ONE_CLICK}>"
    assert told["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert told["personalizations"][0]["custom_args"] == {"message": "m-1", "loan": "L1", "lender": "acme"}
    assert base64.b64decode(told["attachments"][0]["content"]) == b"x"
    assert asked[0].headers["Authorization"] == "Bearer SG.key"


async def test_a_picture_that_the_page_shows_goes_with_the_id_it_is_shown_by_and_a_document_beside_it() -> None:
    sending, asked = sender(httpx.Response(202))
    picture = Attachment(filename="pay-qr.png", media_type="image/png", content=b"png", content_id="pay-qr")
    paper = Attachment(filename="receipt.pdf", media_type="application/pdf", content=b"pdf")

    await sending.send(mail(html='<img src="cid:pay-qr">', attachments=(picture, paper)))

    shown, beside = json.loads(asked[0].content)["attachments"]
    assert (shown["disposition"], shown["content_id"], shown["filename"]) == ("inline", "pay-qr", "pay-qr.png")
    assert (beside["disposition"], "content_id" in beside) == ("attachment", False)


@pytest.mark.parametrize(
    ("status", "field", "next_", "dead", "effect"),
    [
        (400, "personalizations.0.to.0.email", WhatNext.TERMINAL, True, Effect.NONE),
        (400, "content.0.value", WhatNext.STOP_SENDER, False, Effect.NONE),
        (400, None, WhatNext.STOP_SENDER, False, Effect.NONE),
        (401, None, WhatNext.STOP_SENDER, False, Effect.NONE),
        (403, "from", WhatNext.STOP_SENDER, False, Effect.NONE),
        (413, None, WhatNext.TERMINAL, False, Effect.NONE),
        (429, None, WhatNext.RETRY, False, Effect.NONE),
        (500, None, WhatNext.TERMINAL, False, Effect.UNKNOWN),
        (503, None, WhatNext.TERMINAL, False, Effect.UNKNOWN),
    ],
)
async def test_each_refusal_says_what_is_done_next(
    status: int, field: str | None, next_: WhatNext, dead: bool, effect: Effect
) -> None:
    sending, _ = sender(httpx.Response(status, json={"errors": [{"message": "no", "field": field}]}))
    with pytest.raises(ProviderError) as refused:
        await sending.send(mail())
    assert (refused.value.what_next, refused.value.address_is_dead) == (next_, dead)
    assert refused.value.effect is effect
    assert "ana@" not in str(refused.value)


async def test_a_lost_answer_is_unknown_and_cannot_be_looked_up_so_nothing_is_sent_twice() -> None:
    sending, asked = sender(httpx.ReadTimeout("slow"))
    with pytest.raises(ProviderError) as lost:
        await sending.send(mail())
    assert (lost.value.effect, sending.can_look_up, len(asked)) == (Effect.UNKNOWN, False, 1)


KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()


def signed(body: bytes, timestamp: str = "1600112502") -> str:
    return base64.b64encode(KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()


def test_only_what_the_key_signed_is_taken_with_its_line_end_and_its_time() -> None:
    body = b'[{"event":"delivered"}]\r\n'
    sendgrid.verify(body, signed(body), "1600112502", (PUBLIC,))
    sendgrid.verify(body, signed(body), "1600112502", ("bm8ga2V5", PUBLIC))
    for wrong in (
        (body.strip(), signed(body), "1600112502", (PUBLIC,)),
        (body, signed(body), "1600112503", (PUBLIC,)),
        (body, "not base64!", "1600112502", (PUBLIC,)),
        (body, None, "1600112502", (PUBLIC,)),
        (body, signed(body), "1600112502", ()),
        (body, signed(body), "1600112502", ("bm8ga2V5",)),
    ):
        with pytest.raises(WebhookRefused):
            sendgrid.verify(*wrong)


@pytest.mark.parametrize(
    ("event", "state", "dead", "stopped"),
    [
        ({"event": "delivered"}, DeliveryState.DELIVERED, False, False),
        ({"event": "open"}, DeliveryState.READ, False, False),
        ({"event": "deferred"}, DeliveryState.ACCEPTED, False, False),
        ({"event": "bounce", "type": "bounce", "status": "5.1.1"}, DeliveryState.FAILED, True, False),
        ({"event": "bounce", "type": "bounce", "status": "5.1.8"}, DeliveryState.FAILED, False, False),
        ({"event": "bounce", "type": "bounce", "status": "5.2.2"}, DeliveryState.FAILED, False, False),
        ({"event": "bounce", "type": "bounce", "status": "5.0.0"}, DeliveryState.FAILED, True, False),
        ({"event": "bounce", "type": "bounce"}, DeliveryState.FAILED, True, False),
        ({"event": "bounce", "type": "blocked", "status": "5.7.1"}, DeliveryState.FAILED, False, False),
        ({"event": "bounce", "type": "bounce", "status": "4.2.2"}, DeliveryState.FAILED, False, False),
        ({"event": "dropped", "reason": "Bounced Address"}, DeliveryState.FAILED, True, False),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, DeliveryState.FAILED, False, True),
        ({"event": "dropped", "reason": "Spam Content"}, DeliveryState.FAILED, False, False),
    ],
)
def test_each_event_says_how_far_the_mail_came(
    event: dict[str, str], state: DeliveryState, dead: bool, stopped: bool
) -> None:
    body = json.dumps([{**event, "sg_message_id": "abc.filter0.1", "message": "m-1", "loan": "L1"}]).encode()
    [news] = sendgrid.parse(body)
    assert isinstance(news, DeliveryNews)
    assert (news.state, news.provider_message_id, news.message_id) == (state, "abc", "m-1")
    reaction = news.reaction
    assert (bool(reaction and reaction.address_is_dead), bool(reaction and reaction.opted_out)) == (dead, stopped)


def test_a_complaint_is_one_and_unknown_kinds_are_kept() -> None:
    events = [{"event": kind, "message": "m-1"} for kind in ("spamreport", "group_unsubscribe", "new_thing")]
    complaint, left, unknown = sendgrid.parse(json.dumps(events).encode())
    assert isinstance(complaint, Complained)
    assert isinstance(left, Complained)
    assert unknown == Ignored(kind="email:new_thing")


def test_what_is_no_event_keeps_no_other_of_its_batch_from_being_read() -> None:
    odd, stopped = sendgrid.parse(b'[7, {"event": "unsubscribe", "sg_message_id": "m.1"}]')

    assert odd == Ignored(kind="email:unreadable", needs_person=True)
    assert isinstance(stopped, Complained)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=14), inner, max_size=3),
    max_leaves=8,
)


@given(JSON | st.binary(max_size=40))
def test_no_body_brings_more_than_a_refusal(told: object) -> None:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    for read in (sendgrid.parse, sendgrid.event_key):
        try:
            read(body)
        except WebhookRefused:
            pass
