"""What people wrote to Twilio while nobody was at home, and what becomes of it."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from config.messaging_settings import Twilio
from config.settings import Settings
from config.web_settings import Clock, Web
from domain.contact import Channel
from providers.errors import ProviderError
from providers.messaging import twilio_inbox
from providers.messaging.twilio_inbox import TwilioInbox, TwilioInboxSettings
from records import lists_read, loans, people, webhooks
from records.database import Database
from tests.records.portfolios import LENDER, entered
from tests.sandbox.running import ACCOUNT, SENDER, TOKEN
from tests.sandbox.running import running as sandbox
from tests.web.outside import FakeTemporal, running, until
from tests.web.test_messages import PHONE, message, opted_out
from tests.web.test_webhooks import all_relayed, stored
from web import missed_messages as module
from web.missed_messages import MissedMessages, missed_messages

OURS = "+34911000000"
SETTINGS = TwilioInboxSettings(account_sid=ACCOUNT, auth_token=SecretStr("tok"), numbers=(OURS,))


def now() -> datetime:
    return datetime.now(UTC)


LATELY = timedelta(minutes=5)
"""Of a day that a first look reads, whatever the hour: it goes back ten minutes."""


class CarrierList:
    """Twilio's list of messages, the newest first; its pages hold one message each where `paged`."""

    def __init__(self) -> None:
        self.held: list[dict[str, Any]] = []
        self.down = False
        self.paged = False
        self.asked_since: list[str] = []
        self.before_each: Callable[[], None] = lambda: None

    def got(self, sid: str, body: str, ago: timedelta = LATELY) -> datetime:
        moment = (now() - ago).replace(microsecond=0)
        stamp = format_datetime(moment)
        told = {"sid": sid, "body": body, "from": PHONE, "to": OURS, "direction": "inbound", "num_media": "0"}
        self.held.insert(0, told | {"date_created": stamp, "date_sent": stamp})
        return moment

    def looker(self, database: Database, clock: Callable[[], datetime] = now) -> MissedMessages:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        return MissedMessages(database, TwilioInbox(SETTINGS, client), clock)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        alone = asked.get("DateSent")
        self.asked_since.append(alone or asked["DateSent>"])
        self.before_each()
        if self.down:
            raise httpx.ConnectError("away")
        days = [parsedate_to_datetime(one["date_sent"]).date().isoformat() for one in self.held]
        found = [
            one
            for one, day in zip(self.held, days, strict=True)
            if (day == alone if alone else day >= asked["DateSent>"])
        ]
        page = int(asked.get("Page", 0))
        following = f"{request.url.path}?{httpx.QueryParams({**asked, 'Page': page + 1})}"
        if self.paged:
            more, found = len(found) > page + 1, found[page : page + 1]
        # As bytes, because Twilio writes half an emoji as JSON does, and httpx would not.
        told = {"messages": found, "next_page_uri": following if self.paged and more else None}
        return httpx.Response(200, content=json.dumps(told).encode())


@pytest.fixture
def carrier() -> CarrierList:
    return CarrierList()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a page is asked for again."""
    monkeypatch.setattr(twilio_inbox, "_PAUSES", (timedelta(), timedelta()))


@pytest.fixture
def lite(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    shutil.copy(sqlite_template, tmp_path / "lite.db")
    opened = Database(f"sqlite:///{tmp_path / 'lite.db'}")
    yield opened
    opened.dispose()


def in_collection(database: Database, *loan_ids: str) -> None:
    with database.writing() as session:
        entered(session, *loan_ids, person_id="p", phone=PHONE)


def heard_before(
    database: Database,
    ago: timedelta,
    key: str = "SM0:delivered",
    url: str = "https://collections.example/webhooks/twilio",
) -> datetime:
    """Something that Twilio posted while the web app was there."""
    moment = now() - ago
    with database.writing() as session:
        webhooks.store(
            session, provider="twilio", event_key=key, url=url, body=b"CallSid=CA0", headers={},
            received_at=moment, due_at=moment, verified=True,
        )  # fmt: skip
    return moment


def keys(database: Database) -> list[str]:
    return sorted(each.event_key for each in stored(database))


async def test_a_stop_that_came_while_the_web_app_was_away_is_heard_after_its_start(
    database: Database, carrier: CarrierList, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a borrower who wrote BAJA while the web app was away, when it starts, then the channel is closed."""
    in_collection(database, "L1", "L2")
    heard_before(database, timedelta(days=2))
    written = carrier.got("SM1", "BAJA")
    temporal = FakeTemporal()

    with caplog.at_level(logging.INFO):
        async with running(database, temporal, beside=[carrier.looker(database).run]):
            await until(lambda: len(temporal.calls) == 2)

    assert {(name, loan_id) for name, loan_id, _ in temporal.calls} == {("opt_out", "L1"), ("opt_out", "L2")}
    assert opted_out(database, "L1") == {Channel.SMS}
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert people.opted_out_at(session, person, Channel.SMS) == written
    assert "1 messages that no webhook had told of were fetched" in caplog.text
    assert not any(secret in caplog.text for secret in (PHONE, "BAJA", "SM1"))


@pytest.mark.parametrize("webhook_first", [True, False])
async def test_a_message_told_by_its_webhook_and_by_the_list_counts_once(
    database: Database, carrier: CarrierList, webhook_first: bool
) -> None:
    """Given a dispute that is posted and listed, when both have come in whatever order, then it was heard once."""
    in_collection(database, "L1")
    carrier.got("SM9", "No reconozco esta deuda")
    temporal, looker = FakeTemporal(), carrier.looker(database)
    async with running(database, temporal) as web:
        if webhook_first:
            assert await web.twilio(message("No reconozco esta deuda")) == 200
            assert await looker.look() == 0
        else:
            assert await looker.look() == 1
            assert await web.twilio(message("No reconozco esta deuda")) == 200
        assert await looker.look() == 0
        await until(lambda: all_relayed(database))

    assert keys(database) == ["SM9:received"]
    assert [name for name, _, _ in temporal.calls] == ["reply_understood"]


async def test_the_web_app_serves_while_twilio_is_away_and_asks_again(
    database: Database, carrier: CarrierList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given Twilio away at the start, when it is back, then what was missed is heard, whatever came in meanwhile."""
    monkeypatch.setattr(module, "EVERY", timedelta(milliseconds=50))
    in_collection(database, "L1")
    day = heard_before(database, timedelta(days=3)) - module.OVERLAP
    carrier.got("SM1", "BAJA", timedelta(days=2))
    carrier.down = True
    temporal = FakeTemporal()

    async with running(database, temporal, beside=[carrier.looker(database).run]) as web:
        await until(lambda: len(carrier.asked_since) > 2)
        assert await web.twilio(message("gracias", "SM2")) == 200
        asked_in_vain = len(carrier.asked_since)
        carrier.down = False
        await until(lambda: opted_out(database, "L1") == {Channel.SMS})

    assert set(carrier.asked_since[: asked_in_vain + 1]) == {day.date().isoformat()}


async def test_a_start_that_was_missed_opens_nothing_after_a_later_stop(
    database: Database, carrier: CarrierList
) -> None:
    """Given a START that was missed and a STOP heard since, when the START is fetched, then it opens nothing."""
    in_collection(database, "L1")
    carrier.got("SM1", "ALTA")
    async with running(database, FakeTemporal()) as web:
        assert await web.twilio(message("BAJA", "SM2")) == 200
        assert await carrier.looker(database).look() == 1
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))

    assert opted_out(database, "L1") == {Channel.SMS}


async def test_records_put_back_fetch_all_that_came_since(tmp_path: Path, carrier: CarrierList, lite: Database) -> None:
    """Given records put back to before a STOP that was heard, when the web app starts, then it is heard again."""
    in_collection(lite, "L1")
    known = carrier.got("SM1", "hola", timedelta(days=9))
    heard_before(lite, timedelta(days=9, hours=5))
    moment = [known + LATELY]
    looker = carrier.looker(lite, lambda: moment[0])
    assert await looker.look() == 1
    looker.step_down()
    lite.dispose()
    shutil.copy(tmp_path / "lite.db", tmp_path / "backup.db")
    carrier.got("SM2", "BAJA", timedelta(days=5))
    carrier.got("SM3", "hola", timedelta(hours=1))
    moment[0] = now()
    assert await looker.look() == 2
    lite.dispose()
    shutil.copy(tmp_path / "backup.db", tmp_path / "lite.db")
    restored = Database(f"sqlite:///{tmp_path / 'lite.db'}")

    carrier.asked_since.clear()
    async with running(restored, FakeTemporal(), beside=[carrier.looker(restored).run]):
        await until(lambda: opted_out(restored, "L1") == {Channel.SMS})

    assert carrier.asked_since[0] == (known - module.OVERLAP).date().isoformat()
    restored.dispose()


async def test_of_several_web_processes_one_asks_and_another_takes_over(
    database: Database, carrier: CarrierList
) -> None:
    first, second = carrier.looker(database), carrier.looker(database)
    carrier.got("SM1", "hola")

    assert (await first.look(), await second.look(), len(carrier.asked_since)) == (1, 0, 1)
    async with running(database, FakeTemporal(), beside=[first.run]):
        await until(lambda: len(carrier.asked_since) == 2)
    await second.look()

    assert len(carrier.asked_since) == 3


async def test_a_message_whose_webhook_may_be_on_its_way_is_left_to_it(lite: Database, carrier: CarrierList) -> None:
    """Given a message of this moment and one of another clock, when they are listed, then only the first is left."""
    carrier.got("SM1", "hola", timedelta(seconds=1))
    carrier.got("SM2", "hola", -LATELY)

    assert await carrier.looker(lite).look() == 1

    assert keys(lite) == ["SM2:received"]


async def test_a_slow_look_leaves_what_came_meanwhile_to_its_webhook(lite: Database, carrier: CarrierList) -> None:
    """Given a message that comes while the list is read, when its page is read, then it is left to its webhook."""
    started = now()
    clock = [started]
    carrier.got("SM1", "hola")

    def comes() -> None:
        clock[0] = started + timedelta(minutes=1)
        carrier.got("SM2", "hola", timedelta(seconds=-55))

    carrier.before_each = comes

    assert await carrier.looker(lite, lambda: clock[0]).look() == 1

    assert keys(lite) == ["SM1:received"]


async def test_a_long_list_that_breaks_off_goes_on_with_the_day_on_which_it_did(
    lite: Database, carrier: CarrierList
) -> None:
    """Given days of which two can be had, when the list is asked for again, then the first is not read again."""
    heard_before(lite, timedelta(days=4, hours=1))
    looker = carrier.looker(lite)
    carrier.got("SM1", "hola", timedelta(days=4))
    carrier.got("SM2", "BAJA", timedelta(hours=1))

    def breaks_off() -> None:
        carrier.down = len(carrier.asked_since) > 2

    carrier.before_each = breaks_off
    with pytest.raises(ProviderError):
        await looker.look()
    second_day = carrier.asked_since[1]
    assert keys(lite) == ["SM0:delivered", "SM1:received"]

    carrier.asked_since.clear()
    carrier.before_each, carrier.down = lambda: None, False
    assert await looker.look() == 1

    assert carrier.asked_since[0] == second_day, "each look begins some minutes before where the last one ended"


async def test_an_odd_time_in_the_list_hides_nothing_that_comes_after(lite: Database, carrier: CarrierList) -> None:
    """Given a message dated days ahead, when a stop is missed after it, then the stop is fetched."""
    heard_before(lite, timedelta(hours=5))
    moment = [now() - timedelta(hours=1)]
    carrier.got("SM1", "hola", timedelta(days=-3))
    looker = carrier.looker(lite, lambda: moment[0])
    assert await looker.look() == 1

    carrier.got("SM2", "BAJA", timedelta(minutes=40))
    moment[0] = now()

    assert await looker.look() == 1


async def test_a_mark_that_lies_ahead_is_brought_back(lite: Database, carrier: CarrierList) -> None:
    """Given a mark days ahead and a look, when a stop is missed for longer than looks overlap, then it is fetched."""
    moment = [now() - timedelta(hours=1)]
    ahead = now() + timedelta(days=3)
    with lite.writing() as session:
        lists_read.mark_read_up_to(session, "twilio-inbox-read", ahead, ahead)
    looker = carrier.looker(lite, lambda: moment[0])
    assert await looker.look() == 0

    carrier.got("SM2", "BAJA", timedelta(minutes=40))
    moment[0] = now()

    assert await looker.look() == 1


async def test_reports_that_workers_asked_for_are_no_sign_that_webhooks_came_in(
    lite: Database, carrier: CarrierList
) -> None:
    """Given a web app away for a day while workers asked for reports, when it starts, then the stop is fetched."""
    heard_before(lite, timedelta(days=2))
    heard_before(lite, timedelta(minutes=5), key="SM5:delivered", url="/webhooks/twilio?loan=L1")
    carrier.got("SM1", "BAJA", timedelta(days=1))

    assert await carrier.looker(lite).look() == 1


async def test_messages_that_nobody_can_tell_apart_keep_no_other_from_being_heard(
    lite: Database, carrier: CarrierList, caplog: pytest.LogCaptureFixture
) -> None:
    """Given half an emoji, an odd id and none among what was missed, when it is fetched, then the rest is heard."""
    carrier.got("SM1", "BAJA")
    carrier.got("SM2", "hola \ud83d")
    carrier.got("SM-3", "hola")
    carrier.got("", "hola")

    assert await carrier.looker(lite).look() == 2

    assert keys(lite) == ["SM1:received", "SM2:received"]
    assert "2 messages at Twilio have no id that can be read" in caplog.text


async def test_a_look_whose_turn_another_process_took_ends(lite: Database, carrier: CarrierList) -> None:
    """Given a look so slow that another process took over, when its next page is there, then it stores nothing."""
    clock = [now()]
    slow, other = carrier.looker(lite, lambda: clock[0]), carrier.looker(lite, lambda: clock[0])
    carrier.got("SM1", "hola")

    def takes_over() -> None:
        carrier.before_each = lambda: None
        clock[0] += timedelta(minutes=2)
        assert other._begin() is not None

    carrier.before_each = takes_over

    assert await slow.look() == 0
    assert await other.look() == 1


async def test_a_list_of_many_pages_is_read_by_one_process_to_its_end(lite: Database, carrier: CarrierList) -> None:
    """Given pages that take a minute each, when another process would look too, then the turn is still the first's."""
    heard_before(lite, timedelta(hours=4))
    clock = [now()]
    slow, other = carrier.looker(lite, lambda: clock[0]), carrier.looker(lite, lambda: clock[0])
    carrier.paged = True
    for number in range(4):
        carrier.got(f"SM{number}", "hola")
    turns: list[object] = []

    def takes_a_minute() -> None:
        clock[0] += timedelta(minutes=1)
        turns.append(other._begin())

    carrier.before_each = takes_a_minute

    assert (await slow.look(), turns) == (4, [None] * 4)


async def test_a_list_that_breaks_off_is_read_again_from_where_it_was(lite: Database, carrier: CarrierList) -> None:
    """Given a list whose end cannot be had, when it is asked for again, then it is from no later than before."""
    heard_before(lite, timedelta(hours=4))
    looker = carrier.looker(lite)
    carrier.got("SM1", "hola", timedelta(hours=2))
    carrier.got("SM2", "hola")
    carrier.paged = True

    def breaks_off() -> None:
        carrier.down = len(carrier.asked_since) > 1

    carrier.before_each = breaks_off
    for _ in range(2):
        with pytest.raises(ProviderError):
            await looker.look()
    carrier.before_each, carrier.down = lambda: None, False

    assert await looker.look() == 1
    assert keys(lite) == ["SM0:delivered", "SM1:received", "SM2:received"]
    assert len(set(carrier.asked_since)) == 1


async def test_a_stop_that_the_sandbox_could_not_post_is_fetched_over_http(tmp_path: Path, lite: Database) -> None:
    """Given a world whose posts find nobody, when its list is asked over HTTP, then the borrower's STOP is there."""
    moment = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
    with sandbox(tmp_path / "log.jsonl") as world:
        world.listener.answer = lambda posted: 503
        [person] = world.enrol("L1")
        with lite.writing() as session:
            entered(session, "L1", person_id="p", phone=person["phone"])
        world.sms(person["phone"], at="2026-03-20T09:30:00+00:00")
        world.act("L1", "stop")
        settings = SETTINGS.model_copy(
            update={
                "base_url": str(world.http.base_url).rstrip("/"),
                "auth_token": SecretStr(TOKEN),
                "numbers": (SENDER,),
            }
        )
        async with httpx.AsyncClient(trust_env=False) as client:
            looker = MissedMessages(lite, TwilioInbox(settings, client), lambda: moment)
            assert (await looker.look(), await looker.look()) == (1, 0)
        async with running(lite, FakeTemporal()):
            await until(lambda: opted_out(lite, "L1") == {Channel.SMS})


def configured(**given: Any) -> Settings:
    web = given.pop("web", Web())
    twilio = Twilio(account_sid=ACCOUNT, auth_token=SecretStr("tok"), **given) if given else None
    return Settings(_env_file=None, twilio=twilio, web=web)


@pytest.mark.parametrize(
    ("given", "asks"),
    [
        ({}, False),
        ({"sender": "Credialba"}, False),
        ({"sender": OURS, "web": Web(clock=Clock.REQUESTS)}, False),
        ({"sender": "Credialba", "voice_sender": OURS}, True),
        ({"whatsapp_sender": OURS}, True),
        ({"messaging_service_sid": f"MG{'b' * 32}"}, True),
    ],
)
async def test_only_where_twilio_has_a_number_to_write_to_is_it_asked(
    lite: Database, given: dict[str, Any], asks: bool
) -> None:
    async with missed_messages(configured(**given), lite) as looker:
        assert (looker is not None) is asks


async def test_a_setting_that_twilio_would_not_take_keeps_no_web_app_from_its_start(
    lite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with missed_messages(configured(sender=OURS, messaging_service_sid="mine"), lite) as looker:
        assert looker is None

    assert "RECOBRO_TWILIO__MESSAGING_SERVICE_SID is not as Twilio writes it" in caplog.text
    assert "mine" not in caplog.text
