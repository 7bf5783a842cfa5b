"""Whatever breaks on the way, by the carrier's own log: never two messages, and one in the end where one is owed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from activities.contact_clock import ContactClock
from activities.contact_places import Ready
from config.messaging_settings import Smtp, SmtpSecurity, Twilio
from config.payment_settings import Stripe
from domain.contact import Channel
from domain.events.contacts import ContactOutcome
from providers.ports import Sent
from records import contacts, loans
from records.database import Database
from records.tables import ContactState
from tests.activities.outside import (
    TUESDAY,
    Desk,
    Dies,
    desk_for,
    enter_loan,
    fresh,
    mails_to,
    nowhere,
    offer,
    person_of,
    remind,
    settings_for,
    texts_to,
)
from tests.records.portfolios import LENDER
from tests.sandbox.running import ACCOUNT, SENDER, TOKEN, World

ROOT = Path(__file__).parents[2]
BY_MAIL = (Channel.EMAIL,)
BY_TEXT = (Channel.SMS,)


async def test_an_answer_lost_after_the_text_was_taken_is_looked_up_and_not_sent_again(
    both: Desk, world: World
) -> None:
    given = fresh()
    loan_id = enter_loan(both.database, **given)
    world.fault("twilio", "lost_answer", count=1)

    first = await both.refused(remind(loan_id))
    between = both.row(remind(loan_id)).state
    report, _ = await both.until_done(remind(loan_id), TUESDAY + timedelta(seconds=2))

    assert str(first).startswith("twilio_retry: twilio connection_lost")
    assert between is ContactState.SENDING
    assert (report.outcome, report.channel) == (ContactOutcome.SENT, Channel.SMS)
    [text] = texts_to(world, given["phone"])
    assert both.row(remind(loan_id)).provider_message_id == text["sid"]


async def test_an_answer_lost_after_the_mail_was_taken_counts_as_sent(both: Desk, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(both.database, **given)
    order = remind(loan_id, channels=BY_MAIL)
    world.fault("smtp", "lost_answer", count=1)

    report = await both.contact(order)
    again = await both.contact(order, TUESDAY + timedelta(hours=1), attempt=2)

    assert report.outcome is again.outcome is ContactOutcome.SENT
    assert both.row(order).state is ContactState.UNKNOWN
    assert both.counted(loan_id) == 1
    assert len(mails_to(world, given["email"])) == 1


@pytest.mark.parametrize(
    ("channel", "kind"),
    [
        (Channel.SMS, "429"),
        (Channel.SMS, "500"),
        (Channel.SMS, "drop"),
        (Channel.EMAIL, "429"),
        (Channel.EMAIL, "drop"),
    ],
)
async def test_a_carrier_in_trouble_gets_the_message_later_and_once(
    desk: Desk, world: World, channel: Channel, kind: str
) -> None:
    given = fresh()
    loan_id = enter_loan(desk.database, **given)
    order = remind(loan_id, channels=(channel,))
    world.fault("twilio" if channel is Channel.SMS else "smtp", kind, count=2)

    put_off = await desk.refused(order)
    row, counted = desk.row(order), desk.counted(loan_id)
    report, when = await desk.until_done(order, TUESDAY + timedelta(seconds=2))

    assert put_off.next_retry_delay is not None
    assert put_off.next_retry_delay > timedelta(seconds=1)
    surely_not_sent = row.state is ContactState.DROPPED
    assert surely_not_sent is (kind == "429" or channel is Channel.EMAIL)
    assert counted == (0 if surely_not_sent else 1)
    assert (report.outcome, report.channel) == (ContactOutcome.SENT, channel)
    assert when < TUESDAY + timedelta(hours=8)
    sent = texts_to(world, given["phone"]) + mails_to(world, given["email"])
    assert len(sent) == 1
    assert desk.counted(loan_id) == 1


async def test_a_mail_server_that_refuses_the_recipient_leaves_the_step_to_the_next_channel(
    desk: Desk, world: World
) -> None:
    given = fresh()
    loan_id = enter_loan(desk.database, **given)
    world.fault("smtp", "500", count=1)

    report = await desk.contact(remind(loan_id, channels=(Channel.EMAIL, Channel.SMS)))

    assert (report.outcome, report.channel, report.closed) == (ContactOutcome.SENT, Channel.SMS, ())
    assert desk.counted(loan_id) == 1
    assert mails_to(world, given["email"]) == []


async def test_a_text_of_unknown_fate_is_not_given_up_before_it_can_have_arrived(desk: Desk, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(desk.database, **given)
    world.fault("twilio", "500", count=1)
    await desk.refused(remind(loan_id))

    early = await desk.refused(remind(loan_id), TUESDAY + timedelta(seconds=10), attempt=2)
    report = await desk.contact(remind(loan_id), TUESDAY + timedelta(minutes=4), attempt=3)

    assert str(early).startswith("Unsettled: the carrier does not know the message yet")
    assert early.next_retry_delay is not None
    # Counted from when it was begun, which is when the place was taken and not when the attempt began.
    assert timedelta(minutes=2, seconds=50) <= early.next_retry_delay < timedelta(minutes=3, seconds=40)
    assert report.outcome is ContactOutcome.SENT
    assert len(texts_to(world, given["phone"])) == 1


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
async def test_with_nobody_at_the_carriers_address_nothing_counts_and_it_goes_out_when_it_is_back(
    lite: Database, world: World, channel: Channel
) -> None:
    given = fresh()
    loan_id = enter_loan(lite, **given)
    order = remind(loan_id, channels=(channel,))
    port = int(nowhere().rsplit(":", 1)[1])
    gone = settings_for(
        world,
        twilio=Twilio(base_url=nowhere(), account_sid=ACCOUNT, auth_token=TOKEN, sender=SENDER),
        smtp=Smtp(host="127.0.0.1", port=port, security=SmtpSecurity.NONE, from_address="a@credialba.example"),
    )
    async with desk_for(lite, gone) as desk:
        failures = [await desk.refused(order, TUESDAY + timedelta(minutes=n), attempt=n + 1) for n in range(3)]
        assert desk.row(order).state is ContactState.DROPPED
        assert desk.counted(loan_id) == 0
    async with desk_for(lite, settings_for(world)) as desk:
        report = await desk.contact(order, TUESDAY + timedelta(minutes=20), attempt=4)

    assert all("unreachable" in str(failure) for failure in failures)
    assert [failure.next_retry_delay for failure in failures] == [timedelta(seconds=s) for s in (2, 4, 8)]
    assert report.outcome is ContactOutcome.SENT
    assert len(texts_to(world, given["phone"]) + mails_to(world, given["email"])) == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
async def test_dying_around_the_sending_leaves_at_most_one_message(
    database: Database, world: World, channel: Channel, when: str
) -> None:
    given = fresh()
    loan_id = enter_loan(database, **given)
    order = remind(loan_id, channels=(channel,))
    dying = desk_for(
        database, settings_for(world), messengers=lambda real: {name: Dies(each, when) for name, each in real.items()}
    )
    async with dying as desk:
        with pytest.raises(RuntimeError, match="died"):
            await desk.contact(order)
        report, _ = await desk.until_done(order, TUESDAY + timedelta(minutes=2))

    sent = texts_to(world, given["phone"]) + mails_to(world, given["email"])
    # Nobody can ask a mail server: what may have left counts as sent.
    assert len(sent) == (0 if channel is Channel.EMAIL and when == "before" else 1)
    assert (report.outcome, report.channel) == (ContactOutcome.SENT, channel)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_worker_killed_around_the_sending_sends_one_message_in_the_end(
    both: Desk, world: World, when: str, database_url: str
) -> None:
    given = fresh()
    loan_id = enter_loan(both.database, **given)

    done = subprocess.run(
        [sys.executable, "-m", "tests.activities.dying", database_url, str(world.http.base_url), loan_id, when],
        cwd=ROOT,
        timeout=100,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    between = both.row(remind(loan_id)).state
    report, _ = await both.until_done(remind(loan_id), TUESDAY + timedelta(minutes=2))

    assert done.returncode == -signal.SIGKILL
    assert between is ContactState.SENDING
    assert report.outcome is ContactOutcome.SENT
    assert len(texts_to(world, given["phone"])) == 1
    assert both.counted(loan_id) == 1


async def test_the_attempt_after_a_failed_one_may_use_another_channel_under_the_same_place(
    desk: Desk, world: World
) -> None:
    given = fresh()
    loan_id = enter_loan(desk.database, **given)
    world.fault("twilio", "429", count=1)

    await desk.refused(remind(loan_id))
    report = await desk.contact(remind(loan_id, channels=BY_MAIL), TUESDAY + timedelta(minutes=5), attempt=2)

    assert report.channel is Channel.EMAIL
    assert desk.counted(loan_id) == 1
    assert texts_to(world, given["phone"]) == []
    assert len(mails_to(world, given["email"])) == 1


async def test_a_refused_key_waits_for_the_operator_and_gives_the_place_back(lite: Database, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(lite, **given)
    wrong = Twilio(
        base_url=str(world.http.base_url),
        account_sid=ACCOUNT,
        auth_token="wrong",
        sender=SENDER,
    )
    async with desk_for(lite, settings_for(world, twilio=wrong)) as desk:
        failure = await desk.refused(remind(loan_id, channels=BY_TEXT))

        assert failure.next_retry_delay == timedelta(hours=1)
        assert str(failure) == "twilio_stop_sender: twilio 20003: the credentials were refused"
        assert desk.counted(loan_id) == 0


async def test_without_a_carrier_an_operator_is_asked_for_and_not_the_borrowers_data(
    lite: Database, world: World
) -> None:
    loan_id = enter_loan(lite)
    async with desk_for(lite, settings_for(world, twilio=None, smtp=None)) as desk:
        failure = await desk.refused(remind(loan_id))
    given = fresh()
    other = enter_loan(lite, **given)
    async with desk_for(lite, settings_for(world, twilio=None)) as desk:
        by_mail = await desk.contact(remind(other))
        nobody = await desk.contact(remind(enter_loan(lite, **fresh(email=None))))

    assert str(failure) == "NotConfigured: no carrier is configured for sms, email"
    assert failure.next_retry_delay == timedelta(hours=1)
    assert by_mail.channel is Channel.EMAIL
    assert nobody.outcome is ContactOutcome.UNREACHABLE
    assert nobody.refused == ("sms: no carrier is configured", "no address for email")


async def test_without_a_gateway_no_offer_goes_out_half_made(lite: Database, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(lite, **given)
    async with desk_for(lite, settings_for(world, stripe=None)) as desk:
        failure = await desk.refused(offer(loan_id))

    assert "no payment gateway is configured" in str(failure)
    assert failure.next_retry_delay == timedelta(hours=1)
    assert texts_to(world, given["phone"]) == []


@pytest.mark.parametrize("kind", ["429", "500", "drop", "lost_answer"])
async def test_a_gateway_in_trouble_delays_the_offer_and_makes_one_link(desk: Desk, world: World, kind: str) -> None:
    given = fresh()
    loan_id = enter_loan(desk.database, **given)
    world.fault("stripe", kind, count=2)

    failure = await desk.refused(offer(loan_id))
    report, _ = await desk.until_done(offer(loan_id), TUESDAY + timedelta(seconds=2))

    assert failure.next_retry_delay is not None
    assert report.outcome is ContactOutcome.SENT
    [link] = world.entries("link_created", loan_id)
    [text] = texts_to(world, given["phone"])
    assert link["link_id"] in text["body"]


async def test_a_gateway_that_is_not_there_is_tried_later(lite: Database, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(lite, **given)
    away = Stripe(base_url=nowhere(), api_key="sk", webhook_secret="wh")
    async with desk_for(lite, settings_for(world, stripe=away)) as desk:
        failure = await desk.refused(offer(loan_id), attempt=3)

    assert str(failure).startswith("stripe_retry: stripe unreachable")
    assert failure.next_retry_delay == timedelta(seconds=8)
    assert texts_to(world, given["phone"]) == []


# Messages that cannot be written


@pytest.mark.parametrize(
    ("loan", "order", "says"),
    [
        ({}, {"template": "no-such"}, "there is no such template"),
        ({}, {"template": "payment_link"}, "needs link_url"),
        ({"language": "fr"}, {}, "templates/fr/_opt_out.sms.txt"),
        ({"name": "x" * 201}, {}, "borrower_name: Value should have at most 200 items"),
    ],
)
async def test_a_message_that_cannot_be_written_waits_for_the_operator_and_takes_no_place(
    desk: Desk, world: World, loan: dict[str, str], order: dict[str, str], says: str
) -> None:
    given = fresh(**loan)
    loan_id = enter_loan(desk.database, **given)

    failure = await desk.refused(remind(loan_id, **order))
    await desk.refused(remind(loan_id, **order), TUESDAY + timedelta(hours=1), attempt=2)

    assert failure.type == "Template"
    assert says in str(failure)
    assert failure.next_retry_delay == timedelta(hours=1)
    assert texts_to(world, given["phone"]) == mails_to(world, given["email"]) == []
    assert desk.counted(loan_id) == 0
    [noted] = desk.audit(loan_id, "message_not_written")
    assert says in noted["why"]


async def test_a_template_that_is_mended_sends_at_the_next_try(desk: Desk, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(desk.database, **given)
    await desk.refused(remind(loan_id, template="no-such"))

    report = await desk.contact(remind(loan_id), TUESDAY + timedelta(hours=1), attempt=2)

    assert report.outcome is ContactOutcome.SENT
    assert len(texts_to(world, given["phone"])) == 1


async def test_a_message_the_carrier_told_of_meanwhile_is_not_sent_again(both: Desk, world: World) -> None:
    """Given a place that was given back because the carrier did not know the message, when its status comes in before
    the place is taken again, then it is not sent a second time: what became of it is looked up."""
    loan_id = enter_loan(both.database)
    phone, _ = person_of(both.database, loan_id)
    await both.contact(remind(loan_id))
    with both.database.writing() as session:
        contact = contacts.find(session, loans.get(session, LENDER, loan_id), "r1", 1)
        assert contact is not None
        contacts.advance(session, contact, ContactState.DELIVERED, at=TUESDAY)

    with pytest.raises(ApplicationError, match="has the place") as refused:
        both.sender._places.take(remind(loan_id), None, None, ContactClock(TUESDAY))

    assert refused.value.type == "Taken"
    assert both.row(remind(loan_id)).state is ContactState.DELIVERED
    assert len(texts_to(world, phone)) == 1


async def test_what_the_carrier_tells_while_the_answer_is_written_down_stands(both: Desk) -> None:
    """Given a message that was just taken by the carrier, when word that it was read is recorded at the same moment,
    then it stands as read."""
    loan_id = enter_loan(both.database)
    await both.contact(remind(loan_id))
    row = both.row(remind(loan_id))
    assert row.id is not None
    with both.database.writing() as session:
        contacts.get(session, row.id).state = ContactState.SENDING
    ready = both.sender._places.earlier(remind(loan_id))
    assert isinstance(ready, Ready)
    sent = Sent(provider="twilio", provider_message_id=row.provider_message_id or "SM")

    with ThreadPoolExecutor(1) as pool:
        with both.database.writing() as session:
            contacts.lock_person(session, LENDER, loan_id)
            contacts.advance(session, contacts.get(session, row.id), ContactState.READ, at=TUESDAY)
            writing = pool.submit(both.sender._places.sent, remind(loan_id), ready, sent, TUESDAY)
            time.sleep(0.3)
        writing.result(20)

    assert both.row(remind(loan_id)).state is ContactState.READ
