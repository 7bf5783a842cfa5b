from __future__ import annotations

import logging
import pickle
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from domain.contact import Channel
from domain.webhook_news import DeliveryState
from providers.errors import Effect, ProviderError, WhatNext
from providers.messaging.twilio import TwilioMessenger, TwilioSettings
from providers.messaging.twilio_codes import CODES
from providers.ports import OutgoingMessage, Sent
from tests.providers.stand_in import AT, AT_ON_THE_WIRE, Answer, StandIn

SID = f"AC{'a' * 32}"
SM = f"SM{'1' * 32}"
SETTINGS = TwilioSettings(
    account_sid=SID,
    auth_token=SecretStr("tok-secret"),
    sender="+34911111111",
    whatsapp_sender="+34922222222",
    status_callback_url="https://lender.example/webhooks/twilio",
)
ACCEPTED = httpx.Response(201, json={"sid": SM, "status": "queued"})
R, L, A, T, X = (
    WhatNext.RETRY,
    WhatNext.LATER,
    WhatNext.STOP_SENDER,
    WhatNext.TERMINAL,
    WhatNext.SWITCH_CHANNEL,
)


def messenger(*answers: Answer, settings: TwilioSettings = SETTINGS) -> tuple[TwilioMessenger, StandIn]:
    side = StandIn("twilio_api_v2010.json", *answers)
    return TwilioMessenger(settings, side.client()), side


def message(**change: Any) -> OutgoingMessage:
    fields: dict[str, Any] = {
        "message_id": "m-1",
        "channel": Channel.SMS,
        "to": "+34600000000",
        "text": "Hola, tiene una cuota pendiente",
        "loan_id": "L 1/é",
        "lender": "acme",
        "at": AT,
    }
    return OutgoingMessage(**(fields | change))


def form_of(request: httpx.Request) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs(request.content.decode(), strict_parsing=True).items()}


async def test_an_sms_goes_out_with_our_references_in_the_callback() -> None:
    adapter, side = messenger(ACCEPTED)

    sent = await adapter.send(message())

    assert sent == Sent(provider="twilio", provider_message_id=SM)
    request = side.requests[0]
    assert request.headers["Date"] == AT_ON_THE_WIRE
    assert request.headers["Authorization"].startswith("Basic ")
    form = form_of(request)
    assert (form["To"], form["From"]) == ("+34600000000", "+34911111111")
    callback = urlsplit(form["StatusCallback"])
    assert callback.path == "/webhooks/twilio"
    assert parse_qs(callback.query) == {"message": ["m-1"], "loan": ["L 1/é"], "lender": ["acme"]}
    assert "ValidityPeriod" not in form


async def test_whatsapp_uses_its_own_sender_and_scheme() -> None:
    adapter, side = messenger(ACCEPTED)

    await adapter.send(message(channel=Channel.WHATSAPP))

    form = form_of(side.requests[0])
    assert (form["To"], form["From"]) == ("whatsapp:+34600000000", "whatsapp:+34922222222")


async def test_a_messaging_service_takes_the_senders_place() -> None:
    settings = SETTINGS.model_copy(update={"messaging_service_sid": f"MG{'b' * 32}"})
    adapter, side = messenger(ACCEPTED, settings=settings)

    await adapter.send(message())

    assert "From" not in form_of(side.requests[0])
    assert form_of(side.requests[0])["MessagingServiceSid"] == f"MG{'b' * 32}"


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (timedelta(seconds=1), "1"),
        (timedelta(seconds=59, milliseconds=900), "59"),
        (timedelta(hours=9, minutes=59), "35940"),
        (timedelta(days=3), "36000"),
    ],
)
async def test_a_message_lives_no_longer_than_its_lawful_window(left: timedelta, seconds: str) -> None:
    adapter, side = messenger(ACCEPTED)

    await adapter.send(message(valid_until=AT + left))

    assert form_of(side.requests[0])["ValidityPeriod"] == seconds


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=1), timedelta(milliseconds=-900)])
async def test_a_message_whose_window_has_closed_is_not_sent(late: timedelta) -> None:
    adapter, side = messenger(ACCEPTED)

    with pytest.raises(ProviderError) as caught:
        await adapter.send(message(valid_until=AT - late))

    assert (caught.value.what_next, caught.value.effect, side.requests) == (L, Effect.NONE, [])


@pytest.mark.parametrize("text", ["", "x" * 1601])
async def test_a_text_twilio_would_refuse_is_not_sent(text: str) -> None:
    adapter, side = messenger(ACCEPTED)

    with pytest.raises(ProviderError) as caught:
        await adapter.send(message(text=text))

    assert (caught.value.what_next, side.requests) == (T, [])


async def test_a_channel_without_sender_stops_the_sender_and_leaves_another_channel() -> None:
    adapter, side = messenger(ACCEPTED)

    with pytest.raises(ProviderError) as caught:
        await adapter.send(message(channel=Channel.EMAIL))

    assert (caught.value.what_next, caught.value.reaction.try_other_channel) == (A, True)
    assert side.requests == []


DONE_NEXT = [
    # code, HTTP status, first, then, dead address, opted out
    (20429, 429, R, None, False, False),
    (20500, 500, R, None, False, False),
    (20503, 503, R, None, False, False),
    (63018, 429, R, None, False, False),
    (21730, 503, L, None, False, False),
    (21611, 400, L, None, False, False),
    (30001, 400, L, None, False, False),
    (30003, 400, L, X, False, False),
    (30008, 400, R, T, False, False),
    (30610, 400, L, None, False, False),
    (20003, 401, A, None, False, False),
    (21212, 400, A, None, False, False),
    (21408, 403, A, None, False, False),
    (21603, 400, A, None, False, False),
    (21659, 400, A, None, False, False),
    (21606, 400, A, None, False, False),
    (30002, 400, A, None, False, False),
    (30007, 400, A, X, False, False),
    (30034, 400, A, None, False, False),
    (30450, 400, A, None, False, False),
    (11200, 400, A, None, False, False),
    (13224, 400, A, None, False, False),
    (13225, 400, A, None, False, False),
    (30036, 400, T, None, False, False),
    (21211, 400, T, None, True, False),
    (21612, 400, T, None, True, False),
    (21614, 400, T, X, True, False),
    (30004, 400, T, None, False, False),
    (30005, 400, T, None, True, False),
    (30006, 400, T, X, True, False),
    (21610, 400, T, None, False, True),
    (21617, 400, T, X, False, False),
    (63003, 400, T, None, True, False),
    (63014, 400, T, None, False, True),
    (63016, 400, X, None, False, False),
]


@pytest.mark.parametrize(("code", "status", "first", "then", "dead", "opted_out"), DONE_NEXT)
async def test_what_is_done_after_each_code(
    code: int, status: int, first: WhatNext, then: WhatNext | None, dead: bool, opted_out: bool
) -> None:
    body = {"code": code, "message": "The number +34600000000 of María", "status": status}
    adapter, _ = messenger(httpx.Response(status, json=body))

    with pytest.raises(ProviderError) as caught:
        await adapter.send(message())

    error = caught.value
    assert (error.what_next, error.then) == (first, then)
    assert (error.address_is_dead, error.opted_out) == (dead, opted_out)
    assert error.effect is (Effect.UNKNOWN if code in (20500, 20503) else Effect.NONE)
    assert error.code == str(code)
    assert "600000000" not in f"{error} {error!r} {error.__cause__} {error.__context__}"


def test_the_table_of_codes_has_no_code_that_no_test_names() -> None:
    assert set(CODES) == {row[0] for row in DONE_NEXT}


@pytest.mark.parametrize(
    ("status", "what_next", "effect"),
    [
        (429, R, Effect.NONE),
        (500, R, Effect.UNKNOWN),
        (502, R, Effect.UNKNOWN),
        (401, A, Effect.NONE),
        (403, A, Effect.NONE),
        (400, T, Effect.NONE),
        (404, T, Effect.NONE),
    ],
)
async def test_an_unknown_code_is_judged_by_its_status(status: int, what_next: WhatNext, effect: Effect) -> None:
    for body in ({"code": 99999}, {"code": "x"}, {"code": True}, {}):
        adapter, _ = messenger(httpx.Response(status, json=body))
        with pytest.raises(ProviderError) as caught:
            await adapter.send(message())
        assert (caught.value.what_next, caught.value.effect) == (what_next, effect)


@pytest.mark.parametrize(
    ("fault", "effect"),
    [
        (httpx.ConnectError("refused"), Effect.NONE),
        (httpx.ConnectTimeout("slow"), Effect.NONE),
        (httpx.PoolTimeout("busy"), Effect.NONE),
        (httpx.WriteTimeout("slow"), Effect.UNKNOWN),
        (httpx.ReadTimeout("slow"), Effect.UNKNOWN),
        (httpx.ReadError("cut"), Effect.UNKNOWN),
        (httpx.RemoteProtocolError("cut"), Effect.UNKNOWN),
    ],
)
async def test_a_lost_call_tells_whether_the_message_may_be_out(fault: Exception, effect: Effect) -> None:
    adapter, _ = messenger(fault)

    with pytest.raises(ProviderError) as caught:
        await adapter.send(message())

    assert (caught.value.what_next, caught.value.effect) == (R, effect)
    assert caught.value.__context__ is None


async def test_a_success_that_cannot_be_read_may_be_out() -> None:
    for body in (b"<html>", b"{}", b'{"sid": null}'):
        adapter, _ = messenger(httpx.Response(201, content=body))
        with pytest.raises(ProviderError) as caught:
            await adapter.send(message())
        assert caught.value.effect is Effect.UNKNOWN


def held(sid: str, at: datetime, **change: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "sid": sid,
        "to": "+34600000000",
        "body": message().text,
        "direction": "outbound-api",
        "date_created": format_datetime(at),
        "date_sent": None,
    }
    return fields | change


def page(*messages: dict[str, Any], following: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"messages": list(messages), "next_page_uri": following})


async def test_after_a_lost_answer_the_message_is_found_and_not_sent_twice() -> None:
    adapter, side = messenger(httpx.ReadTimeout("lost"), page(held(SM, AT)))

    with pytest.raises(ProviderError) as caught:
        await adapter.send(message())
    assert caught.value.effect is Effect.UNKNOWN
    found = await adapter.look_up(message(), since=AT, at=AT + timedelta(minutes=2))

    assert found == Sent(provider="twilio", provider_message_id=SM)
    assert side.requests[1].method == "GET"
    assert side.requests[1].url.params["To"] == "+34600000000"


@pytest.mark.parametrize(
    "other",
    [
        held("SMother", AT, body="Another text"),
        held("SMother", AT, direction="inbound"),
        held("SMother", AT, to="+34600000001"),
        held("SMother", AT - timedelta(hours=1)),
    ],
)
async def test_another_message_is_not_taken_for_ours(other: dict[str, Any]) -> None:
    adapter, _ = messenger(page(other))

    assert await adapter.look_up(message(), since=AT, at=AT) is None


@pytest.mark.parametrize("change", [{"body": ""}, {"body": None}, {"body": "Sent from a trial - " + message().text}])
async def test_a_redacted_or_prefixed_text_counts_as_ours(change: dict[str, Any]) -> None:
    adapter, _ = messenger(page(held(SM, AT, **change)))

    assert await adapter.look_up(message(), since=AT, at=AT) is not None


async def test_a_look_up_reads_on_until_the_moment_it_asks_for() -> None:
    path = f"/2010-04-01/Accounts/{SID}/Messages.json?To=%2B34600000000&Page=1&PageToken=PA1"
    adapter, side = messenger(
        page(held("SMx", AT + timedelta(hours=1), body="later"), following=path),
        page(held(SM, AT + timedelta(seconds=3)), held("SMold", AT - timedelta(days=1))),
    )

    found = await adapter.look_up(message(), since=AT, at=AT)

    assert found is not None
    assert found.provider_message_id == SM
    assert side.requests[1].url.params["PageToken"] == "PA1"


async def test_a_next_page_cannot_lead_our_credentials_elsewhere() -> None:
    path = f"/2010-04-01/Accounts/{SID}/Messages.json?Page=1"
    adapter, side = messenger(page(following=f"https://evil.example{path}"), page())

    await adapter.look_up(message(), since=AT, at=AT)

    assert {r.url.host for r in side.requests} == {"api.twilio.com"}


@pytest.mark.parametrize(
    ("status", "code", "state", "what_next"),
    [
        ("queued", None, DeliveryState.ACCEPTED, None),
        ("accepted", None, DeliveryState.ACCEPTED, None),
        ("scheduled", None, DeliveryState.ACCEPTED, None),
        ("sending", None, DeliveryState.ACCEPTED, None),
        ("sent", None, DeliveryState.SENT, None),
        ("partially_delivered", None, DeliveryState.SENT, None),
        ("delivered", None, DeliveryState.DELIVERED, None),
        ("read", None, DeliveryState.READ, None),
        ("undelivered", 30003, DeliveryState.FAILED, L),
        ("undelivered", 30005, DeliveryState.FAILED, T),
        ("failed", 30007, DeliveryState.FAILED, A),
        ("failed", None, DeliveryState.FAILED, T),
        ("canceled", None, DeliveryState.FAILED, T),
    ],
)
async def test_where_a_message_stands(
    status: str, code: int | None, state: DeliveryState, what_next: WhatNext | None
) -> None:
    adapter, side = messenger(httpx.Response(200, json={"sid": SM, "status": status, "error_code": code}))

    report = await adapter.delivery_state(SM, AT)

    assert report.state is state
    assert (report.reaction and report.reaction.what_next) == what_next
    assert side.requests[0].url.path.endswith(f"/Messages/{SM}.json")


def test_nothing_secret_or_personal_is_shown() -> None:
    shown = repr(SETTINGS) + repr(message(subject="s", html="<p>"))

    assert "tok-secret" not in shown
    assert "600000000" not in shown
    assert "cuota" not in shown


async def test_the_logs_hold_no_number(caplog: pytest.LogCaptureFixture) -> None:
    adapter, _ = messenger(page())

    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "httpx"):
        await adapter.look_up(message(), since=AT, at=AT)

    assert "HTTP Request: GET https://api.twilio.com/ " in caplog.text
    assert "600000000" not in caplog.text


def test_settings_without_sender_or_with_a_wrong_account_are_refused() -> None:
    with pytest.raises(ValidationError, match="no sender"):
        TwilioSettings(account_sid=SID, auth_token=SecretStr("t"))
    with pytest.raises(ValidationError, match="account_sid"):
        TwilioSettings(account_sid="AC1", auth_token=SecretStr("t"), sender="+34911111111")


async def test_the_error_survives_a_process_boundary() -> None:
    adapter, _ = messenger(httpx.Response(400, json={"code": 21610}))
    with pytest.raises(ProviderError) as caught:
        await adapter.send(message())

    again = pickle.loads(pickle.dumps(caught.value))

    assert (str(again), again.opted_out, again.code) == (str(caught.value), True, "21610")
