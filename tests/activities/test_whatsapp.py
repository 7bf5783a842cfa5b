"""WhatsApp by Meta's Cloud API against the sandbox's: which form, which number, and what never goes out twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from activities.orders import ContactOrder
from config.approved_templates import load_approved
from config.messaging_settings import Meta, WhatsAppNumber
from config.settings import Settings
from config.web_settings import Web
from domain.contact import Channel, Purpose
from domain.contact_orders import Agreed
from domain.events.contacts import ContactOutcome
from domain.platform_rules import Quality, TemplateStatus
from domain.sms_segments import sms_size
from domain.webhook_news import DeliveryNews, DeliveryState
from records import contact_ledger, contacts, platforms
from records.database import Database
from records.platform_notices import acknowledge_whatsapp
from records.tables import ContactState
from tests.activities.outside import (
    LENDER,
    TUESDAY,
    desk_for,
    enter_loan,
    fresh,
    mails_to,
    offer,
    person_of,
    remind,
    settings_for,
    texts_to,
)
from tests.sandbox.running import World
from web.news import record_news

WHATSAPP = (Channel.WHATSAPP, Channel.EMAIL)
ONE, TWO = WhatsAppNumber(id="111", number="+34911000111"), WhatsAppNumber(id="222", number="+34911000222")
HOUR = timedelta(hours=1)


def cloud(world: World, *numbers: WhatsAppNumber, **changes: Any) -> Settings:
    meta = Meta(
        webhook_secret=SecretStr("app"),
        verify_token=SecretStr("verify"),
        access_token=SecretStr("EAAtoken"),
        business_account="4195",
        numbers=numbers or (ONE,),
        base_url=str(world.http.base_url).rstrip("/"),
        **changes,
    )
    return settings_for(world, meta=meta, whatsapp_enabled=True)


@pytest.fixture(scope="module")
def approved(shared_world: World) -> None:
    """Every template we ship stands approved at Meta."""
    for one in load_approved():
        assert shared_world.submit(one.ours.name, one.ours.body, one.ours.language).status_code == 200


def borrower(database: Database, **changes: Any) -> tuple[str, str]:
    """A loan whose borrower has WhatsApp and opted in; loan id and phone."""
    given = fresh(authorised_channels=("whatsapp", "email", "sms"), **changes)
    loan_id = enter_loan(database, **given)
    with database.writing() as session:
        acknowledge_whatsapp(session, LENDER, actor="test", rule="x", source="y", at=TUESDAY)
    return loan_id, str(given["phone"])


def wrote_in(database: Database, loan_id: str, ago: timedelta) -> None:
    with database.writing() as session:
        _, person = contacts.lock_person(session, LENDER, loan_id)
        contact_ledger.add_inbound(session, person, Channel.WHATSAPP, TUESDAY - ago)


def messages_to(world: World, phone: str) -> list[dict[str, Any]]:
    return [entry for entry in world.entries("whatsapp") if entry["to"] == phone]


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize(
    ("ago", "template"), [(timedelta(hours=23, minutes=59), None), (timedelta(hours=24), "recobro_account_oldest")]
)
async def test_free_text_goes_inside_the_24_hours_and_a_template_outside_them(
    lite: Database, world: World, ago: timedelta, template: str | None
) -> None:
    loan_id, phone = borrower(lite)
    wrote_in(lite, loan_id, ago)
    order = remind(loan_id, channels=WHATSAPP)

    async with desk_for(lite, cloud(world)) as desk:
        report = await desk.contact(order)

        assert (report.outcome, report.channel) == (ContactOutcome.SENT, Channel.WHATSAPP)
        [sent] = messages_to(world, phone)
        assert (sent["template"], sent["number"]) == (template, "111")
        assert "Credialba" in sent["body"]
        assert "100,00" in sent["body"]
        row = desk.row(order)
        assert row.text == sent["body"]
        assert (row.provider, row.sender) == ("meta", "111")
        assert row.approved_as == (None if template is None else "es:recobro_account_oldest")


@pytest.mark.usefixtures("approved")
async def test_a_message_with_a_link_takes_the_template_that_has_a_place_for_it(lite: Database, world: World) -> None:
    loan_id, phone = borrower(lite)

    async with desk_for(lite, cloud(world)) as desk:
        await desk.contact(offer(loan_id, channels=WHATSAPP))

    [sent] = messages_to(world, phone)
    assert sent["template"] == "recobro_payment_link"
    assert "plink_" in sent["body"]


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize(
    ("step", "template", "name"),
    [
        ("promise.1.reminder", "agreed_reminder", "recobro_agreed_to_pay"),
        ("receipt", "payment_received", "recobro_amount_received_document"),
        ("answer.1", "reply_person", "recobro_reply_person_by"),
    ],
)
async def test_promises_receipts_and_late_answers_have_a_template_too_and_a_receipt_brings_its_document(
    lite: Database, world: World, step: str, template: str, name: str
) -> None:
    loan_id, phone = borrower(lite)
    web = Web(public_url="https://collect.example.com", link_secret=SecretStr("a secret of some length, for links"))
    agreed = Agreed(amount_minor=5_000, due=TUESDAY.date() + timedelta(days=2))
    order = ContactOrder(
        lender=LENDER,
        loan_id=loan_id,
        step=step,
        channels=(Channel.WHATSAPP,),
        template=template,
        purpose=Purpose.TRANSACTIONAL,
        agreed=agreed,
        answer_by=agreed.due if step == "answer.1" else None,
    )

    async with desk_for(lite, cloud(world).model_copy(update={"web": web})) as desk:
        report = await desk.contact(order)

    assert report.outcome is ContactOutcome.SENT
    [sent] = messages_to(world, phone)
    assert sent["template"] == name
    assert ("https://collect.example.com/document/" in sent["body"]) is (step == "receipt")


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("reply_plan_offer", "recobro_reply_plan_offer"),
        ("reply_settlement_offer", "recobro_settlement_terms"),
        ("reply_agreed", "recobro_agreed_confirmed"),
    ],
)
async def test_an_offer_in_several_payments_has_a_template_once_the_window_is_over(
    lite: Database, world: World, template: str, name: str
) -> None:
    """Given a person who asked to pay in parts and whose window is over, when the offer is sent, then it goes as the
    template that lists its payments; none was found to fit, and nothing was sent."""
    loan_id, phone = borrower(lite)
    parts = tuple(Agreed(amount_minor=5_000, due=TUESDAY.date() + timedelta(days=days)) for days in (2, 32))
    order = ContactOrder(
        lender=LENDER,
        loan_id=loan_id,
        step="answer",
        channels=(Channel.WHATSAPP,),
        template=template,
        purpose=Purpose.TRANSACTIONAL,
        agreed=Agreed(amount_minor=10_000, due=parts[-1].due),
        payments=parts,
    )

    async with desk_for(lite, cloud(world)) as desk:
        report = await desk.contact(order)

    assert report.outcome is ContactOutcome.SENT
    [sent] = messages_to(world, phone)
    assert sent["template"] == name
    assert sent["body"].count("50,00") == 2


async def test_what_meta_has_not_approved_or_has_paused_is_not_sent_and_an_operator_hears_of_it(
    lite: Database, world: World
) -> None:
    loan_id, phone = borrower(lite)
    _, email = person_of(lite, loan_id)
    ours = next(one.ours for one in load_approved() if one.ours.template == "due_today")
    only = remind(loan_id, channels=(Channel.WHATSAPP,), template="due_today", step="r2")
    async with desk_for(lite, cloud(world)) as desk:
        world.submit(ours.name, ours.body.replace("hoy", "mañana"), "es")
        other_words = await desk.refused(only)
        with lite.writing() as session:
            platforms.template_changed(session, "meta", ours.name, "es", status=TemplateStatus.PAUSED, at=TUESDAY)
        paused = await desk.refused(only)
        report = await desk.contact(remind(loan_id, channels=WHATSAPP, template="due_today"))

        assert str(other_words).startswith("WhatsApp: whatsapp.template")
        assert str(paused).startswith("WhatsApp: whatsapp.quality")
        assert paused.next_retry_delay == HOUR
        assert report.channel is Channel.EMAIL
        assert messages_to(world, phone) == []
        assert len(mails_to(world, email)) == 1
    world.submit(ours.name, ours.body, "es")


@pytest.mark.usefixtures("approved")
async def test_without_an_opt_in_nothing_goes_outside_the_window(lite: Database, world: World) -> None:
    loan_id = enter_loan(lite)
    phone, _ = person_of(lite, loan_id)

    async with desk_for(lite, cloud(world)) as desk:
        report = await desk.contact(remind(loan_id, channels=WHATSAPP))

    assert report.channel is Channel.EMAIL
    assert messages_to(world, phone) == []


@pytest.mark.usefixtures("approved")
async def test_an_answer_lost_after_the_message_was_taken_is_never_a_second_message(
    database: Database, world: World
) -> None:
    loan_id, phone = borrower(database)
    order = remind(loan_id, channels=WHATSAPP)
    async with desk_for(database, cloud(world)) as desk:
        assert desk.sender._templates is not None
        await desk.sender._templates.fresh(TUESDAY)
        world.fault("meta", "lost_answer", count=1)
        report = await desk.contact(order)
        again = await desk.contact(order, TUESDAY + HOUR, attempt=2)
        row = desk.row(order)

        assert (report.outcome, again.outcome) == (ContactOutcome.SENT, ContactOutcome.SENT)
        assert (row.state, len(messages_to(world, phone))) == (ContactState.UNKNOWN, 1)
        news = DeliveryNews(
            message_id=row.message_id,
            provider="meta",
            provider_message_id="wamid.1",
            state=DeliveryState.DELIVERED,
        )
        with database.writing() as session:
            record_news(session, [news], TUESDAY + HOUR)
        known = desk.row(order)
        assert (known.state, known.provider_message_id) == (ContactState.DELIVERED, "wamid.1")


@pytest.mark.usefixtures("approved")
async def test_a_window_that_whatsapp_finds_closed_is_answered_with_the_template_at_once(
    lite: Database, world: World
) -> None:
    loan_id, phone = borrower(lite)
    wrote_in(lite, loan_id, HOUR)
    async with desk_for(lite, cloud(world)) as desk:
        world.http.post("/_world/whatsapp", json={"error": 131047})
        report = await desk.contact(remind(loan_id, channels=WHATSAPP))

        assert report.channel is Channel.WHATSAPP
        assert [sent["template"] for sent in messages_to(world, phone)] == ["recobro_account_oldest"]
        assert desk.counted(loan_id) == 2  # what they wrote, and one message


@pytest.mark.usefixtures("approved")
async def test_a_number_in_trouble_rests_its_people_move_and_others_keep_the_number_they_know(
    lite: Database, world: World
) -> None:
    mine = [borrower(lite) for _ in range(8)]
    async with desk_for(lite, cloud(world, ONE, TWO)) as desk:
        for loan_id, _ in mine:
            await desk.contact(remind(loan_id, channels=WHATSAPP))
        before = {phone: messages_to(world, phone)[0]["number"] for _, phone in mine}
        assert set(before.values()) == {"111", "222"}

        first = next(loan_id for loan_id, phone in mine if before[phone] == "111")
        world.http.post("/_world/whatsapp", json={"error": 131048})
        for loan_id, _ in [one for one in mine if one[0] == first] + [one for one in mine if one[0] != first]:
            await desk.contact(remind(loan_id, channels=WHATSAPP, step="r2"), TUESDAY + timedelta(days=1))

        assert all(messages_to(world, phone)[1]["number"] == "222" for _, phone in mine)
        [rested] = desk.audit(first, "sender_rested")
        assert rested["sender"] == "111"

        # A day later it is awake again; whoever moved stays with the number they know now.
        for loan_id, phone in mine[:3]:
            await desk.contact(remind(loan_id, channels=WHATSAPP, step="r3"), TUESDAY + timedelta(days=3))
            assert messages_to(world, phone)[2]["number"] == "222"

    with lite.writing() as session:
        for number in ("34911000111", "34911000222"):
            platforms.sender_changed(session, "meta", number, quality=Quality.RED, at=TUESDAY + timedelta(days=9))
    async with desk_for(lite, cloud(world, ONE, TWO)) as desk:
        report = await desk.contact(remind(mine[0][0], channels=WHATSAPP, step="r4"), TUESDAY + timedelta(days=10))
        assert report.channel is Channel.EMAIL


@pytest.mark.usefixtures("approved")
async def test_a_number_is_throttled_below_its_own_tier(lite: Database, world: World) -> None:
    small = ONE.model_copy(update={"tier": 4})
    people_ = [borrower(lite) for _ in range(4)]
    async with desk_for(lite, cloud(world, small, tier_share=0.75)) as desk:
        for loan_id, _ in people_[:3]:
            await desk.contact(remind(loan_id, channels=WHATSAPP))
        fourth = remind(people_[3][0], channels=WHATSAPP)
        held = await desk.refused(fourth, TUESDAY + timedelta(minutes=1))
        later = await desk.contact(fourth, TUESDAY + timedelta(hours=25), attempt=2)

    assert "whatsapp.tier" in str(held)
    assert later.channel is Channel.WHATSAPP


@pytest.mark.usefixtures("approved")
async def test_a_person_whom_whatsapp_protects_gets_nothing_there_for_a_day(lite: Database, world: World) -> None:
    loan_id, phone = borrower(lite)
    async with desk_for(lite, cloud(world)) as desk:
        world.http.post("/_world/whatsapp", json={"error": 131049})
        first = await desk.refused(remind(loan_id, channels=(Channel.WHATSAPP,)))
        held = await desk.refused(remind(loan_id, channels=(Channel.WHATSAPP,), step="r2"), TUESDAY + 2 * HOUR)
        other = await desk.contact(remind(loan_id, channels=WHATSAPP, step="r2"), TUESDAY + 3 * HOUR, attempt=2)
        after = await desk.contact(
            remind(loan_id, channels=(Channel.WHATSAPP,)), TUESDAY + timedelta(hours=25), attempt=2
        )

    assert first.next_retry_delay == timedelta(hours=24)
    assert str(held).startswith("WhatsApp: whatsapp.health")
    assert held.next_retry_delay is not None
    assert timedelta(hours=22) <= held.next_retry_delay < timedelta(hours=22, minutes=1)
    assert (other.channel, after.channel) == (Channel.EMAIL, Channel.WHATSAPP)
    assert len(messages_to(world, phone)) == 1


async def test_the_sender_of_a_text_is_the_countrys_and_its_segments_are_counted_before_it_leaves(
    lite: Database, world: World
) -> None:
    here = settings_for(world)
    assert here.twilio is not None
    twilio = here.twilio.model_copy(update={"senders": {"ES": "+34911222333"}})
    loan_id = enter_loan(lite)
    phone, _ = person_of(lite, loan_id)
    order = remind(loan_id, channels=(Channel.SMS,))

    async with desk_for(lite, settings_for(world, twilio=twilio)) as desk:
        await desk.contact(order)
        [text] = texts_to(world, phone)
        row = desk.row(order)
        assert (text["from"], row.sender) == ("+34911222333", "+34911222333")
        assert row.segments == sms_size(text["body"]).segments

    dear = twilio.model_copy(update={"most_segments": 1})
    long_id = enter_loan(lite, loan_id="L" * 60)
    async with desk_for(lite, settings_for(world, twilio=dear)) as desk:
        refused = await desk.refused(remind(long_id, channels=(Channel.SMS,)))
        assert "RECOBRO_TWILIO__MOST_SEGMENTS allows 1" in str(refused)
        assert "USD" in str(refused)
