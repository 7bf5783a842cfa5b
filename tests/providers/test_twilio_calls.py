"""Calls through Twilio: every request as the official file wants it, every refusal with what is done next."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from domain.call_flow import CallEnd, Heard
from domain.contact import Channel
from domain.webhook_news import CallEnded, CallHeard, DeliveryState, Ignored
from providers.errors import Effect, ProviderError, WhatNext
from providers.messaging.twilio_calls import CALL_CODES, CallerSettings, TwilioCaller
from providers.ports import Sent
from providers.webhooks import twilio
from tests.providers.stand_in import AT, Answer, StandIn
from tests.providers.test_twilio import SID, form_of, message

CA = f"CA{'1' * 32}"
SETTINGS = CallerSettings(
    account_sid=SID, auth_token=SecretStr("tok"), sender="+34911111111", public_url="https://lender.example"
)


def caller(*answers: Answer) -> tuple[TwilioCaller, StandIn]:
    side = StandIn("twilio_api_v2010.json", *answers)
    return TwilioCaller(SETTINGS, side.client()), side


def a_call(**changes: Any) -> Any:
    return message(channel=Channel.CALL, text="El pago esta pendiente", **changes)


async def test_the_call_is_placed_with_where_its_words_are_and_nothing_of_what_they_say() -> None:
    calling, side = caller(httpx.Response(201, json={"sid": CA, "status": "queued"}))

    sent = await calling.send(a_call())

    assert sent == Sent(provider="twilio", provider_message_id=CA)
    form = form_of(side.requests[0])
    assert form["Url"] == "https://lender.example/voice/m-1/answered"
    assert form["StatusCallback"].startswith("https://lender.example/webhooks/twilio?message=m-1&loan=")
    assert (form["To"], form["From"], form["MachineDetection"]) == ("+34600000000", "+34911111111", "DetectMessageEnd")
    assert "pendiente" not in side.requests[0].content.decode()


async def test_in_the_last_minute_of_the_lawful_window_nobody_is_called() -> None:
    calling, side = caller(httpx.Response(201, json={"sid": CA}))
    with pytest.raises(ProviderError, match="window_closed"):
        await calling.send(a_call(valid_until=AT + timedelta(seconds=59)))
    assert side.requests == []


@pytest.mark.parametrize(
    ("status", "code", "next_", "dead", "effect"),
    [
        (400, 21217, WhatNext.TERMINAL, True, Effect.NONE),
        (400, 21214, WhatNext.TERMINAL, True, Effect.NONE),
        (400, 21211, WhatNext.TERMINAL, True, Effect.NONE),
        (400, 21215, WhatNext.STOP_SENDER, False, Effect.NONE),
        (400, 21210, WhatNext.STOP_SENDER, False, Effect.NONE),
        (400, 21216, WhatNext.TERMINAL, False, Effect.NONE),
        (429, 10004, WhatNext.RETRY, False, Effect.NONE),
        (429, 20429, WhatNext.RETRY, False, Effect.NONE),
        (500, 20500, WhatNext.RETRY, False, Effect.UNKNOWN),
        (503, None, WhatNext.RETRY, False, Effect.UNKNOWN),
        (401, 20003, WhatNext.STOP_SENDER, False, Effect.NONE),
        (400, 99999, WhatNext.TERMINAL, False, Effect.NONE),
    ],
)
async def test_each_refusal_says_what_is_done_next(
    status: int, code: int | None, next_: WhatNext, dead: bool, effect: Effect
) -> None:
    calling, _ = caller(httpx.Response(status, json={"code": code, "message": "no", "status": status}))
    with pytest.raises(ProviderError) as refused:
        await calling.send(a_call())
    assert (refused.value.what_next, refused.value.address_is_dead) == (next_, dead)
    assert refused.value.effect is effect


async def test_after_a_lost_answer_the_call_is_found_and_not_placed_again() -> None:
    def one(sid: str, minutes: float, **changes: Any) -> dict[str, Any]:
        made = format_datetime(AT + timedelta(minutes=minutes))
        return {"sid": sid, "to": "+34600000000", "direction": "outbound-api", "date_created": made, **changes}

    found, side = caller(httpx.Response(200, json={"calls": [one("CAin", 1, direction="inbound"), one(CA, 0)]}))
    none, _ = caller(httpx.Response(200, json={"calls": [one(CA, -30)], "next_page_uri": "/2010-04-01/x"}))

    assert await found.look_up(a_call(), AT, AT) == Sent(provider="twilio", provider_message_id=CA)
    assert side.requests[0].url.params["To"] == "+34600000000"
    assert await none.look_up(a_call(), AT, AT) is None


@pytest.mark.parametrize(
    ("status", "state", "next_"),
    [
        ("queued", DeliveryState.ACCEPTED, None),
        ("ringing", DeliveryState.ACCEPTED, None),
        ("in-progress", DeliveryState.SENT, None),
        ("completed", DeliveryState.DELIVERED, None),
        ("busy", DeliveryState.FAILED, WhatNext.LATER),
        ("no-answer", DeliveryState.FAILED, WhatNext.LATER),
        ("failed", DeliveryState.FAILED, WhatNext.TERMINAL),
        ("canceled", DeliveryState.FAILED, WhatNext.TERMINAL),
    ],
)
async def test_how_a_call_stands_can_be_asked(status: str, state: DeliveryState, next_: WhatNext | None) -> None:
    calling, _ = caller(httpx.Response(200, json={"sid": CA, "status": status}))
    report = await calling.delivery_state(CA, AT)
    assert report.state is state
    assert (report.reaction.what_next if report.reaction else None) is next_


def test_the_codes_of_calls_are_all_told_apart() -> None:
    assert {code for code, reaction in CALL_CODES.items() if reaction.address_is_dead} == {21214, 21217}


def test_what_is_kept_of_the_keys_is_read_back_and_holds_no_key() -> None:
    body = twilio.heard_body(CA, "m-1", Heard.IDENTIFIED)
    [news] = twilio.parse("https://lender.example/voice/m-1/identity", body)
    assert news == CallHeard(message_id="m-1", provider="twilio", provider_message_id=CA, heard=Heard.IDENTIFIED)
    assert b"Digits" not in body


@pytest.mark.parametrize(
    ("fields", "news"),
    [
        (
            f"CallSid={CA}&CallStatus=completed&CallDuration=42",
            CallEnded(message_id="m-1", provider="twilio", provider_message_id=CA, end=CallEnd.COMPLETED, seconds=42),
        ),
        (f"CallSid={CA}&CallStatus=ringing", Ignored(kind="call:ringing")),
        (f"CallSid={CA}&CallStatus=%3Cx%3E", Ignored(kind="call:unknown")),
    ],
)
def test_a_call_that_ended_is_told_with_its_length(fields: str, news: object) -> None:
    assert twilio.parse("https://lender.example/webhooks/twilio?message=m-1", fields.encode()) == (news,)
