"""What people wrote to our numbers, by Twilio's list of messages."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from pydantic import SecretStr

from domain.contact import Channel
from domain.webhook_news import InboundNews
from providers.errors import ProviderError
from providers.messaging.twilio_inbox import (
    InboxPage,
    Received,
    TwilioInbox,
    TwilioInboxSettings,
    can_be_written_to,
    number_as_asked,
    spans,
)
from providers.webhooks.twilio import event_key, parse
from providers.webhooks.twilio_reports import received_body
from tests.providers.stand_in import AT, Answer, StandIn
from web.sources import Delivery, TwilioWebhooks

ACCOUNT = f"AC{'a' * 32}"
SERVICE = f"MG{'b' * 32}"
OURS = "+34911111111"
PERSON = "+34600000001"
LIST = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


def inbox(*answers: Answer, numbers: tuple[str, ...] = (OURS,), service: str | None = None) -> tuple[Any, StandIn]:
    side = StandIn("twilio_api_v2010.json", *answers)
    settings = TwilioInboxSettings(
        account_sid=ACCOUNT, auth_token=SecretStr("tok"), numbers=numbers, messaging_service_sid=service
    )
    return TwilioInbox(settings, side.client()), side


def held(sid: str, created: datetime = AT, **change: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "sid": sid,
        "from": PERSON,
        "to": OURS,
        "body": "BAJA",
        "direction": "inbound",
        "status": "received",
        "num_media": "0",
        "messaging_service_sid": None,
        "date_created": format_datetime(created),
        "date_sent": format_datetime(created),
    }
    return fields | change


def page(*messages: Any, following: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"messages": list(messages), "next_page_uri": following})


async def pages(asked: TwilioInbox, since: datetime = AT) -> list[InboxPage]:
    at = AT + timedelta(hours=1)
    return [one for span in spans(since, at) async for one in asked.pages(span, at)]


async def sids(asked: TwilioInbox, since: datetime = AT) -> list[str]:
    return [one.sid for each in await pages(asked, since) for one in each.received]


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited before a page was asked for again, in seconds; nobody waits here."""
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return asked


async def test_what_came_in_is_told_apart_from_what_we_sent() -> None:
    """Given a list with a message of ours and two of a person, when it is read, then only theirs are given."""
    asked, side = inbox(
        page(held("SM1", body="No puedo pagar"), held("SM2", direction="outbound-api"), held("SM3", num_media="2"))
    )

    [told] = await pages(asked)

    assert told.received == (
        Received(sid="SM1", sender=PERSON, recipient=OURS, text="No puedo pagar", media=0, created=AT),
        Received(sid="SM3", sender=PERSON, recipient=OURS, text="BAJA", media=2, created=AT),
    )
    params = side.requests[0].url.params
    assert (params["To"], params["DateSent>"]) == (OURS, "2026-03-14")


async def test_it_is_read_page_by_page_until_what_is_older_and_for_each_number() -> None:
    """Given two numbers and several pages, when they are read, then reading stops where a whole page is too old."""
    before = AT - timedelta(hours=1)
    asked, side = inbox(
        page(held("SM1"), following=f"{LIST}?To=x&Page=1&PageToken=PA1"),
        page(held("SM2"), held("SM3", before), following=f"{LIST}?To=x&Page=2&PageToken=PA2"),
        page(held("SM4", before), following=f"{LIST}?To=x&Page=3&PageToken=PA3"),
        page(held("SM5", to="whatsapp:+34922222222")),
        numbers=(OURS, "whatsapp:+34922222222"),
    )

    assert await sids(asked) == ["SM1", "SM2", "SM3", "SM4", "SM5"]
    assert [one.url.params.get("PageToken") for one in side.requests] == [None, "PA1", "PA2", None]
    assert side.requests[3].url.params["To"] == "whatsapp:+34922222222"


async def test_a_messaging_services_numbers_are_found_in_the_accounts_whole_list() -> None:
    """Given senders known to Twilio alone, when messages came to ours and to another service, then ours are given."""
    asked, side = inbox(
        page(
            held("SM1", to="+34944444444", messaging_service_sid=SERVICE),
            held("SM3", to="+34933333333", messaging_service_sid=f"MG{'c' * 32}"),
            held("SM4", AT + timedelta(minutes=5), direction="outbound-api", messaging_service_sid=SERVICE),
        ),
        service=SERVICE,
    )

    [told] = await pages(asked)

    assert [one.sid for one in told.received] == ["SM1"]
    assert told.newest == AT + timedelta(minutes=5)
    assert "To" not in side.requests[0].url.params


async def test_of_what_came_to_a_number_that_may_be_anothers_only_a_stop_is_taken_in() -> None:
    """Given words to the account's other numbers by no service, when they are read, then only a stop is given."""
    asked, _ = inbox(
        page(
            held("SM1", to="+34944444444", body="Hola, llego tarde a cenar"),
            held("SM2", to="+34944444444", body="BAJA"),
            held("SM3", body="Hola, llego tarde a cenar"),
        ),
        service=SERVICE,
    )

    assert await sids(asked) == ["SM2", "SM3"]


async def test_texts_that_were_queued_for_long_hide_no_stop() -> None:
    """Given a page of texts made hours ago and just sent or still queued, when it is read, then so is the next."""
    before = AT - timedelta(hours=2)
    sent = {"direction": "outbound-api", "to": PERSON}
    asked, _ = inbox(
        page(held("SM1", before, date_sent=None, **sent), following=f"{LIST}?Page=1"),
        page(held("SM2", before, date_sent=format_datetime(AT), **sent), following=f"{LIST}?Page=2"),
        page(held("SM3"), held("SM4", before, date_sent="soon", **sent), following=f"{LIST}?Page=3"),
        page(held("SM5", before, **sent), following=f"{LIST}?Page=4"),
        page(held("SM6")),
        service=SERVICE,
    )

    assert await sids(asked) == ["SM3"]


async def test_after_a_long_time_the_list_is_read_day_by_day_the_oldest_first() -> None:
    """Given two days of which nothing is known, when they are read, then each alone, and the last has no end."""
    asked, side = inbox(page())
    since = AT - timedelta(days=2)

    await pages(asked, since)

    assert [(one.url.params.get("DateSent"), one.url.params.get("DateSent>")) for one in side.requests] == [
        ("2026-03-12", None), ("2026-03-13", None), (None, "2026-03-14"),
    ]  # fmt: skip
    assert [span.until for span in spans(since, AT)] == [
        datetime(2026, 3, 13, tzinfo=UTC), datetime(2026, 3, 14, tzinfo=UTC), None,
    ]  # fmt: skip


def test_a_look_around_midnight_asks_once_for_both_days() -> None:
    midnight = datetime(2026, 3, 14, tzinfo=UTC)

    [span] = spans(midnight - timedelta(minutes=5), midnight + timedelta(minutes=5))

    assert (span.first.isoformat(), span.open_ended) == ("2026-03-13", True)


async def test_a_page_that_fails_in_passing_is_asked_for_again(waited: list[float]) -> None:
    """Given a second page that is refused twice, when it is had at last, then the list goes on from there."""
    asked, side = inbox(
        page(held("SM1"), following=f"{LIST}?Page=1"),
        httpx.Response(429, json={"code": 20429}, headers={"Retry-After": "3"}),
        httpx.ConnectError("refused"),
        page(held("SM2")),
    )

    assert await sids(asked) == ["SM1", "SM2"]
    assert [one.url.params.get("Page") for one in side.requests] == [None, "1", "1", "1"]
    assert waited == [3.0, 5.0]


async def test_a_wait_that_is_too_long_is_left_to_the_next_look(waited: list[float]) -> None:
    asked, side = inbox(httpx.Response(429, json={"code": 20429}, headers={"Retry-After": "60"}))

    with pytest.raises(ProviderError) as caught:
        await pages(asked)

    assert (caught.value.delay, len(side.requests), waited) == (timedelta(seconds=60), 1, [])


async def test_a_message_without_an_id_hides_no_other() -> None:
    """Given one message without an id among others, when the list is read, then the others are given."""
    asked, _ = inbox(page(held("SM1"), held(""), held("SM2")))

    [told] = await pages(asked)

    assert ([one.sid for one in told.received], told.odd) == (["SM1", "SM2"], 1)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"messages": "none"}),
        page("SM1"),
        httpx.Response(503, json={"code": 20503}),
        httpx.ConnectError("refused"),
    ],
)
async def test_a_list_that_cannot_be_read_is_asked_for_again(answer: Answer) -> None:
    asked, _ = inbox(answer)

    with pytest.raises(ProviderError) as caught:
        await pages(asked)

    assert caught.value.provider == "twilio"


async def test_a_list_without_an_end_is_not_read_for_ever() -> None:
    asked, side = inbox(page(following=f"{LIST}?Page=1"))

    with pytest.raises(ProviderError, match="too_many_messages"):
        await pages(asked)

    assert len(side.requests) == 1_000


def test_a_fetched_message_is_read_as_its_webhook_but_for_when_it_was_written() -> None:
    """Given a message by webhook and the same by the list, when both are read, then they are one piece of news."""
    posted = b"MessageSid=SM1&SmsSid=SM1&SmsStatus=received&From=whatsapp%3A%2B34600000001&To=x&Body=BAJA&NumMedia=0"
    listed = Received(sid="SM1", sender=f"whatsapp:{PERSON}", recipient="x", text="BAJA", media=0, created=AT)

    key, url, body = received_body(listed)

    assert key == event_key(posted)
    [by_webhook], [by_list] = parse("/webhooks/twilio", posted), parse(url, body)
    assert isinstance(by_list, InboundNews)
    assert (by_list.channel, by_list.written_at) == (Channel.WHATSAPP, AT)
    assert by_list.model_copy(update={"written_at": None}) == by_webhook
    delivery = Delivery(url=url, headers={}, body=body)
    assert TwilioWebhooks(SecretStr("tok")).event_key(delivery) == key


@pytest.mark.parametrize(
    ("sender", "address", "others"),
    [
        ("whatsapp:+5215512345678", "+525512345678", ("+5215512345678",)),
        ("whatsapp:+551187654321", "+5511987654321", ("+551187654321",)),
        ("whatsapp:+34600000001", "+34600000001", ()),
        ("+5215512345678", "+5215512345678", ()),
    ],
)
def test_whatsapps_own_spelling_of_a_number_is_looked_for_posted_or_fetched(
    sender: str, address: str, others: tuple[str, ...]
) -> None:
    """Given a Mexican or Brazilian who writes by WhatsApp, when Twilio posts the message or lists it, then they are
    looked for as the records may have them; a text message's number is as it stands."""
    posted = urlencode({"MessageSid": "SM1", "From": sender, "To": "x", "Body": "BAJA"}).encode()
    listed = Received(sid="SM1", sender=sender, recipient="x", text="BAJA", media=0, created=AT)

    for url, body in (("/webhooks/twilio", posted), received_body(listed)[1:]):
        [news] = parse(url, body)
        assert isinstance(news, InboundNews)
        assert (news.sender_address, news.other_spellings) == (address, others)


def test_words_with_half_an_emoji_are_heard() -> None:
    """Given a stop with half an emoji behind it, when it is taken in, then the words beside it are read."""
    listed = Received(sid="SM1", sender=PERSON, recipient=OURS, text="BAJA \ud83d", media=0, created=AT)

    _, url, body = received_body(listed)

    [news] = parse(url, body)
    assert isinstance(news, InboundNews)
    assert news.text == "BAJA ?"


@pytest.mark.parametrize("written", ["34911111111", "+34 911 111 111", "34 911\u00a0111 111"])
async def test_a_number_of_ours_is_heard_however_it_is_written(written: str) -> None:
    """Given a sender without `+` or with blanks, when its messages are asked for, then as Twilio writes it."""
    asked, side = inbox(page(held("SM1")), numbers=can_be_written_to([written], None))

    assert await sids(asked) == ["SM1"]
    assert side.requests[0].url.params["To"] == OURS
    assert can_be_written_to([], written) == (f"whatsapp:{OURS}",)


def test_short_codes_and_names_stay_as_they_are() -> None:
    assert [number_as_asked(each) for each in ("21000", "212121", "Credialba")] == ["21000", "212121", "Credialba"]


def test_names_cannot_be_written_to_and_each_number_is_asked_for_once() -> None:
    given = ["Credialba", OURS, "21000", OURS]

    assert can_be_written_to(given, "+34922222222") == (OURS, "21000", "whatsapp:+34922222222")
    assert can_be_written_to(["Credialba"], None) == ()
