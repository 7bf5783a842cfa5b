"""A contact that its carrier puts off again and again: for a day and three tries it waits, then the step goes on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.contact import Channel
from domain.events.contacts import ContactOutcome
from domain.what_next import Reaction, WhatNext
from providers.errors import WINDOW_CLOSED, ProviderError, refusal
from providers.messaging.smtp_codes import Stage, reaction_to
from providers.messaging.twilio_codes import CODES as TWILIO
from providers.ports import DeliveryReport, OutgoingMessage, Sent
from records.database import Database
from tests.activities.outside import TUESDAY, desk_for, enter_loan, remind, settings_for
from tests.sandbox.running import World

TEN_MINUTES = timedelta(minutes=10)
NEXT_DAY = TUESDAY + timedelta(days=1, hours=1)
MISTYPED_DOMAIN = ProviderError("smtp", "4.1.2", reaction_to(450, "4.1.2", Stage.RECIPIENT))
FULL = ProviderError("smtp", "552", reaction_to(552, None, Stage.CONTENT))
QUEUE_FULL = ProviderError("twilio", "30001", TWILIO[30001])
MAINTENANCE = ProviderError("twilio", "21730", TWILIO[21730])


class PutsOff:
    """A carrier that says `error` to every message."""

    can_look_up = False

    def __init__(self, error: ProviderError) -> None:
        self.error = error
        self.asked = 0

    async def send(self, message: OutgoingMessage) -> Sent:
        self.asked += 1
        raise self.error

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        return None

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport:
        raise AssertionError


class Takes(PutsOff):
    def __init__(self) -> None:
        super().__init__(MAINTENANCE)

    async def send(self, message: OutgoingMessage) -> Sent:
        self.asked += 1
        return Sent(provider="other", provider_message_id=message.message_id)


@pytest.mark.parametrize("error", [MISTYPED_DOMAIN, FULL], ids=["domain not found", "mailbox full"])
async def test_a_mailbox_that_is_refused_for_a_day_gives_way_to_the_next_channel(
    lite: Database, world: World, error: ProviderError
) -> None:
    """Given a step by mail, then text, whose mail is refused for now, when a day has passed, then the text goes out;
    until then the mail alone is tried."""
    mails, texts = PutsOff(error), Takes()
    carriers = {Channel.EMAIL: mails, Channel.SMS: texts}
    order = remind(enter_loan(lite), channels=(Channel.EMAIL, Channel.SMS))

    async with desk_for(lite, settings_for(world), messengers=lambda _: carriers) as desk:
        first = await desk.refused(order)
        await desk.refused(order, TUESDAY + timedelta(hours=6), attempt=2)
        waited_for = (mails.asked, texts.asked)
        report = await desk.contact(order, NEXT_DAY, attempt=3)

    assert first.next_retry_delay == error.delay
    assert waited_for == (2, 0)
    assert (report.outcome, report.channel) == (ContactOutcome.SENT, Channel.SMS)
    assert report.closed == ()


async def test_where_there_is_no_other_channel_a_person_hears_of_it_after_a_day(lite: Database, world: World) -> None:
    carriers = {Channel.EMAIL: PutsOff(MISTYPED_DOMAIN)}
    order = remind(enter_loan(lite), channels=(Channel.EMAIL,))

    async with desk_for(lite, settings_for(world), messengers=lambda _: carriers) as desk:
        await desk.refused(order)
        await desk.refused(order, TUESDAY + TEN_MINUTES, attempt=2)
        report = await desk.contact(order, NEXT_DAY, attempt=3)

    assert report.outcome is ContactOutcome.UNREACHABLE
    assert report.refused == ("email: smtp 4.1.2",)


@pytest.mark.parametrize("error", [QUEUE_FULL, MAINTENANCE], ids=["queue full", "maintenance"])
async def test_a_carrier_that_takes_nothing_for_a_day_gives_way_too_but_burns_no_step(
    lite: Database, world: World, error: ProviderError
) -> None:
    """Given texts that Twilio puts off, when a day has passed, then a borrower with a mailbox gets a mail, and the
    step of one without waits on: the fault is not theirs."""
    mails = Takes()
    carriers = {Channel.SMS: PutsOff(error), Channel.EMAIL: mails}
    with_mail, without = enter_loan(lite), enter_loan(lite, email=None)

    async with desk_for(lite, settings_for(world), messengers=lambda _: carriers) as desk:
        for loan_id in (with_mail, without):
            await desk.refused(remind(loan_id))
            await desk.refused(remind(loan_id), TUESDAY + TEN_MINUTES, attempt=2)
        report = await desk.contact(remind(with_mail), NEXT_DAY, attempt=3)
        waits = await desk.refused(remind(without), NEXT_DAY, attempt=3)

    assert (report.outcome, report.channel, mails.asked) == (ContactOutcome.SENT, Channel.EMAIL, 1)
    assert waits.next_retry_delay == error.delay
    assert waits.type == "twilio_later"


async def test_a_day_of_an_operators_fault_or_of_closed_windows_is_none_of_being_put_off(
    lite: Database, world: World
) -> None:
    """Given a contact that met a refused key and a window that had closed, when its mail is put off two days later,
    then its own day only begins."""
    key = ProviderError("smtp", "5.7.8", Reaction(what_next=WhatNext.STOP_SENDER, meaning="refused"))
    late = refusal("smtp", WINDOW_CLOSED, WhatNext.LATER, "its lawful window has closed: ask for the next")
    mails, texts = PutsOff(key), Takes()
    carriers = {Channel.EMAIL: mails, Channel.SMS: texts}
    order = remind(enter_loan(lite), channels=(Channel.EMAIL, Channel.SMS))

    async with desk_for(lite, settings_for(world), messengers=lambda _: carriers) as desk:
        for attempt, error in enumerate((key, late), 1):
            mails.error = error
            await desk.refused(order, TUESDAY + attempt * TEN_MINUTES, attempt)
        mails.error = MISTYPED_DOMAIN
        await desk.refused(order, TUESDAY + timedelta(days=2), attempt=3)

    assert (mails.asked, texts.asked) == (3, 0)


async def test_each_contact_and_each_channel_has_a_day_of_its_own(lite: Database, world: World) -> None:
    mails, texts = PutsOff(MISTYPED_DOMAIN), PutsOff(QUEUE_FULL)
    carriers = {Channel.EMAIL: mails, Channel.SMS: texts}
    order = remind(enter_loan(lite), channels=(Channel.EMAIL, Channel.SMS))

    async with desk_for(lite, settings_for(world), messengers=lambda _: carriers) as desk:
        await desk.refused(order)
        await desk.refused(order, TUESDAY + TEN_MINUTES, attempt=2)
        put_off = await desk.refused(order, NEXT_DAY, attempt=3)
        another = await desk.refused(order.model_copy(update={"occurrence": 2}), NEXT_DAY + TEN_MINUTES)

    assert put_off.next_retry_delay == QUEUE_FULL.delay
    assert another.next_retry_delay == MISTYPED_DOMAIN.delay
    assert texts.asked == 1


async def test_a_mailbox_that_asks_to_be_tried_again_soon_is_tried_soon_after_a_weekend_too(
    lite: Database, world: World
) -> None:
    """Given a mail that is put off just before the hours in which mail may go are over, when it is put off again days
    later, as greylists do which have forgotten it by then, then it is tried ten minutes after, and goes out."""
    mails, texts = PutsOff(MISTYPED_DOMAIN), Takes()
    carriers: dict[Channel, PutsOff] = {Channel.EMAIL: mails, Channel.SMS: texts}
    order = remind(enter_loan(lite), channels=(Channel.EMAIL, Channel.SMS))
    after_the_weekend = TUESDAY + timedelta(days=3)

    async with desk_for(lite, settings_for(world), messengers=lambda _: carriers) as desk:
        await desk.refused(order)
        again = await desk.refused(order, after_the_weekend, attempt=2)
        carriers[Channel.EMAIL] = Takes()
    async with desk_for(lite, settings_for(world), messengers=lambda _: carriers) as desk:
        report = await desk.contact(order, after_the_weekend + TEN_MINUTES, attempt=3)

    assert again.next_retry_delay == MISTYPED_DOMAIN.delay
    assert (report.outcome, report.channel, texts.asked) == (ContactOutcome.SENT, Channel.EMAIL, 0)


async def test_a_channel_that_refused_for_good_is_not_asked_again_while_another_waits(
    lite: Database, world: World
) -> None:
    """Given texts that are put off for a day and a mailbox that is refused for good, when the text is tried on, then
    the mail is left alone, and is named with why should the contact end."""
    gone = ProviderError("carrier", "7", Reaction(what_next=WhatNext.TERMINAL, meaning="refused for good"))
    texts, mails = PutsOff(QUEUE_FULL), PutsOff(gone)
    carriers = {Channel.SMS: texts, Channel.EMAIL: mails}
    order = remind(enter_loan(lite))

    async with desk_for(lite, settings_for(world), messengers=lambda _: carriers) as desk:
        await desk.refused(order)
        await desk.refused(order, TUESDAY + TEN_MINUTES, attempt=2)
        for attempt in range(3, 6):
            await desk.refused(order, NEXT_DAY + attempt * TEN_MINUTES, attempt)
        texts.error = gone
        report = await desk.contact(order, NEXT_DAY + 6 * TEN_MINUTES, attempt=6)

    assert (texts.asked, mails.asked) == (6, 1)
    assert report.outcome is ContactOutcome.UNREACHABLE
    assert sorted(report.refused) == ["email: carrier 7", "sms: carrier 7"]


async def test_an_answer_says_when_it_began_to_leave(lite: Database, world: World) -> None:
    """A yes that is heard before the report is weighed by it; of other contacts nobody asks."""
    carriers = {Channel.SMS: Takes()}
    loan_id = enter_loan(lite)
    answer = remind(loan_id, step="reply", channels=(Channel.SMS,))

    async with desk_for(lite, settings_for(world), messengers=lambda _: carriers) as desk:
        told = await desk.contact(answer)
        looked_up = await desk.contact(answer, NEXT_DAY, attempt=2)
        other = await desk.contact(remind(loan_id, channels=(Channel.SMS,)), NEXT_DAY + timedelta(days=8))

    assert told.sent_at is not None
    assert told.sent_at >= TUESDAY
    assert looked_up.sent_at == told.sent_at
    assert (other.outcome, other.sent_at) == (ContactOutcome.SENT, None)
