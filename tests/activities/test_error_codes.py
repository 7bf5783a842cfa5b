"""What each error code of a carrier leads to: in the answer to the call, and in a status that comes later."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from config.approved_templates import load_approved
from domain.contact import Channel, Purpose
from domain.contact_rules import NO_WHATSAPP_MARKETING
from domain.events.contacts import ContactOutcome
from domain.platform_rules import PlatformTemplate, TemplateStatus
from domain.webhook_news import DeliveryNews, DeliveryState
from domain.what_next import WhatNext
from providers.errors import ProviderError
from providers.messaging import meta_codes, twilio_codes
from providers.ports import DeliveryReport, OutgoingMessage, Sent
from records import contacts, people, platforms
from records.database import Database
from records.tables import ContactState
from tests.activities.outside import LENDER, TUESDAY, Desk, desk_for, remind
from tests.activities.test_whatsapp import HOUR, approved, borrower, cloud, wrote_in
from tests.sandbox.running import World
from web.news import record_news

WEEK = timedelta(days=7)


class Refuses:
    """A carrier that refuses the next message with an error, and takes any other."""

    def __init__(self) -> None:
        self.error: ProviderError | None = None
        self.taken: list[OutgoingMessage] = []

    @property
    def can_look_up(self) -> bool:
        return True

    async def send(self, message: OutgoingMessage) -> Sent:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.taken.append(message)
        return Sent(provider="meta", provider_message_id=f"wamid.{message.message_id}")

    async def look_up(self, message: OutgoingMessage, since: Any, at: Any) -> Sent | None:
        return None

    async def delivery_state(self, provider_message_id: str, at: Any) -> DeliveryReport:
        raise AssertionError


HELD = [
    PlatformTemplate(name=o.ours.name, language=o.ours.language, status=TemplateStatus.APPROVED, body=o.ours.body)
    for o in load_approved()
]


def all_is_well(database: Database) -> None:
    """Every number is awake and every template approved."""
    with database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM platform_sender")
        platforms.keep_templates(session, "meta", HELD, TUESDAY)


def desk(database: Database, world: World, channel: Channel, carrier: Refuses) -> AbstractAsyncContextManager[Desk]:
    mails = Refuses()
    return desk_for(database, cloud(world), messengers=lambda real: {channel: carrier, Channel.EMAIL: mails})


NEXT, SAME, HOURLY = "next channel", "same channel", "operator, hourly"
META: Mapping[int, str] = {
    0: HOURLY, 190: HOURLY, 3: HOURLY, 10: HOURLY, 200: HOURLY, 131005: HOURLY, 131008: HOURLY, 131009: HOURLY,
    33: HOURLY, 100: HOURLY, 133010: HOURLY, 131042: HOURLY, 131045: HOURLY, 4: "again in 15 min",
    80007: "again in 15 min", 131056: "again in 6 s",
    130429: "again in 2 s", 131000: "again in 2 s", 131016: "again in 2 s", 131057: "again in 2 s",
    135000: "again in 2 s", 131048: f"{NEXT}, number rests", 368: f"{NEXT}, number rests",
    131031: f"{NEXT}, number rests", 130497: f"{NEXT}, number rests", 132000: f"{NEXT}, template stopped",
    132001: f"{NEXT}, template stopped", 132007: f"{NEXT}, template stopped", 132012: f"{NEXT}, template stopped",
    132015: f"{NEXT}, template stopped", 132016: f"{NEXT}, template stopped", 131021: NEXT,
    131026: f"{NEXT}, address closed", 131047: f"{SAME}, as template", 131049: NEXT, 130472: NEXT,
    131050: f"{NEXT}, no marketing", 131051: NEXT, 132005: NEXT, 137000: NEXT, 999999: NEXT,
    1: "looked up in 2 s", 2: "looked up in 2 s",
}  # fmt: skip
TWILIO: Mapping[int, str] = {
    20429: "again in 2 s", 20500: "looked up in 2 s", 20503: "looked up in 2 s", 63018: "again in 2 s",
    21730: "again in 60 min", 21611: "again in 30 min", 30001: "again in 30 min", 30003: NEXT, 30008: "again in 2 s",
    30610: "again in 60 min", 20003: HOURLY, 21212: HOURLY, 21408: HOURLY, 21603: HOURLY, 21606: HOURLY, 21659: HOURLY,
    30002: HOURLY, 30007: NEXT, 30034: HOURLY, 30450: HOURLY,
    11200: HOURLY, 13224: HOURLY, 13225: HOURLY, 30036: NEXT, 21211: f"{NEXT}, address closed",
    21612: f"{NEXT}, address closed", 21614: f"{NEXT}, address closed", 30004: NEXT, 30005: f"{NEXT}, address closed",
    30006: f"{NEXT}, address closed", 21610: f"{NEXT}, opted out", 21617: NEXT, 63003: f"{NEXT}, address closed",
    63014: f"{NEXT}, opted out", 63016: NEXT,
}  # fmt: skip


async def done_next(office: Desk, channel: Channel, carrier: Refuses, error: ProviderError) -> str:
    """What became of a message that was refused so, in the words of the table."""
    all_is_well(office.database)
    loan_id, phone = borrower(office.database)
    if error.reaction.needs_template:
        wrote_in(office.database, loan_id, HOUR)
    carrier.error, carrier.taken = error, []
    order = remind(loan_id, channels=(channel, Channel.EMAIL))
    try:
        report = await office.contact(order)
    except ApplicationError as put_off:
        wait = put_off.next_retry_delay or timedelta(0)
        seconds = int(wait.total_seconds())
        if office.row(order).state is ContactState.SENDING:
            return f"looked up in {seconds} s"
        if error.what_next is WhatNext.STOP_SENDER:
            return HOURLY if wait == HOUR else f"operator in {seconds} s"
        return f"again in {seconds // 60} min" if seconds >= 60 else f"again in {seconds} s"
    told = [SAME if report.channel is channel else NEXT]
    told += ["as template"] if carrier.taken and carrier.taken[0].approved is not None else []
    return ", ".join(told + side_effects(office.database, loan_id, channel, phone))


def side_effects(database: Database, loan_id: str, channel: Channel, phone: str) -> list[str]:
    with database.reading() as session:
        _, person = contacts.lock_person(session, LENDER, loan_id)
        found = ["address closed"] if people.is_closed(session, person, channel, phone) else []
        found += ["opted out"] if channel in people.opted_out(session, person) else []
        found += ["no marketing"] if NO_WHATSAPP_MARKETING in people.flags(session, person) else []
        found += ["number rests"] if any(s.rested_until for s in platforms.senders(session, "meta").values()) else []
        stopped = (TemplateStatus.PAUSED, TemplateStatus.DISABLED)
        held = platforms.templates(session, "meta").values()
        return found + (["template stopped"] if any(t.status in stopped for t in held) else [])


__all__ = ["approved"]
PROVIDERS = pytest.mark.parametrize(("provider", "channel"), [("meta", Channel.WHATSAPP), ("twilio", Channel.SMS)])


@PROVIDERS
@pytest.mark.usefixtures("approved")
async def test_every_code_in_an_answer_does_what_the_table_says(
    lite: Database, world: World, provider: str, channel: Channel
) -> None:
    codes, table = (meta_codes, META) if provider == "meta" else (twilio_codes, TWILIO)
    carrier, done = Refuses(), {}

    async with desk(lite, world, channel, carrier) as office:
        for code in table:
            reaction = codes.reaction_to_answer(code, 400, changes_something=True)
            done[code] = await done_next(office, channel, carrier, ProviderError(provider, str(code), reaction))

    assert {*codes.CODES} - {*table} == set()
    assert done == dict(table)


LATER_META = {
    **{code: "next channel" for code in META},
    **{code: SAME for code in (1, 2, 130429, 131000, 131016, 131047, 131057, 135000)},
    **{code: f"{NEXT}, number rests" for code in (131048, 368, 131031, 130497)},
    **{code: f"{NEXT}, template stopped" for code in (132000, 132001, 132007, 132012, 132015, 132016)},
    131026: f"{NEXT}, address closed", 131050: f"{NEXT}, no marketing",
}  # fmt: skip
LATER_TWILIO = {
    **{code: "next channel" for code in TWILIO},
    **{code: SAME for code in (20429, 20500, 20503, 63018, 30008)},
    **{code: f"{NEXT}, address closed" for code in (21211, 21612, 21614, 30005, 30006, 63003)},
    **{code: "opted out" for code in (21610, 63014)},
}


@PROVIDERS
@pytest.mark.usefixtures("approved")
async def test_every_code_in_a_later_status_does_what_the_table_says(
    lite: Database, world: World, provider: str, channel: Channel
) -> None:
    codes: Any = meta_codes if provider == "meta" else twilio_codes
    table = LATER_META if provider == "meta" else LATER_TWILIO
    carrier, done = Refuses(), {}

    async with desk(lite, world, channel, carrier) as office:
        for code in table:
            all_is_well(lite)
            loan_id, phone = borrower(lite)
            await office.contact(remind(loan_id, channels=(channel, Channel.EMAIL)))
            news = DeliveryNews(
                message_id=None,
                provider="meta",
                provider_message_id=f"wamid.{carrier.taken[-1].message_id}",
                state=DeliveryState.FAILED,
                error_code=str(code),
                reaction=codes.reaction_to_failed_delivery(code if provider == "meta" else str(code)),
            )
            with lite.writing() as session:
                signals = record_news(session, [news], TUESDAY + HOUR).signals
            reasons = [signal.payload["reason"] for signal in signals if "reason" in signal.payload]
            told = [] if not reasons else [SAME if reasons == ["try_again"] else NEXT]
            done[code] = ", ".join(told + side_effects(lite, loan_id, channel, phone))

    assert done == table


@pytest.mark.usefixtures("approved")
async def test_who_stopped_marketing_on_whatsapp_is_reminded_and_sent_receipts_as_before(
    lite: Database, world: World
) -> None:
    """Given a person who told WhatsApp that they want no marketing, when they are reminded and sent a receipt, then
    the reminder that was refused goes by mail and what follows goes by text, mail and WhatsApp."""
    texts, carrier = Refuses(), Refuses()
    all_is_well(lite)
    loan_id, _ = borrower(lite)
    reaction = meta_codes.reaction_to_answer(131050, 400, changes_something=True)
    carrier.error = ProviderError("meta", "131050", reaction)
    every = {Channel.WHATSAPP: carrier, Channel.SMS: texts, Channel.EMAIL: texts}

    async with desk_for(lite, cloud(world), messengers=lambda real: every) as office:
        first = await office.contact(remind(loan_id, channels=(Channel.WHATSAPP, Channel.EMAIL)))
        later = [
            await office.contact(remind(loan_id, step=f"later-{channel}", channels=(channel,)), TUESDAY + n * WEEK)
            for n, channel in enumerate(every, 1)
        ]
        receipt = await office.contact(
            remind(loan_id, step="told", purpose=Purpose.TRANSACTIONAL, channels=(Channel.SMS,))
        )

    assert (first.outcome, first.channel) == (ContactOutcome.SENT, Channel.EMAIL)
    assert [report.channel for report in later] == list(every)
    assert (receipt.outcome, receipt.channel) == (ContactOutcome.SENT, Channel.SMS)
