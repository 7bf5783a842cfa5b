"""A person's own words by the one contact path: what law, platforms and content rules say; and out once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from activities.contact_slots import ContactSlots
from activities.orders import ContactOrder
from activities.own_words import Draft, Judged, WordsJudge, WordsRefused, open_channels
from activities.whatsapp_limits import WhatsAppLimits
from config.messaging_settings import Twilio
from config.settings import Settings
from domain.contact import Channel, Purpose
from domain.contact_rules import Caps
from domain.events.borrower import Circumstance
from domain.events.contacts import ContactOutcome
from domain.own_words import TEMPLATE, step_of
from records import contact_ledger, contacts, own_words, people
from records.database import Database
from records.tables import ContactState, InboundMessage
from tests.activities.outside import (
    LENDER,
    RULES,
    TUESDAY,
    Dies,
    desk_for,
    enter_loan,
    loan_row,
    mails_to,
    person_of,
    remind,
    settings_for,
    texts_to,
)
from tests.activities.test_whatsapp import borrower, cloud, messages_to, wrote_in
from tests.sandbox.running import World

HOUR = timedelta(hours=1)
SATURDAY_NIGHT = datetime.fromisoformat("2026-03-14T23:30:00+01:00")
WORDS = "Hemos mirado su pregunta: el pago del dia 3 nos consta."


def heard(database: Database, loan_id: str, channel: Channel, at: datetime) -> None:
    """The borrower wrote."""
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, loan_id)
        contact_ledger.add_inbound(session, person, channel, at)
        assert person.id is not None
        session.add(
            InboundMessage(
                person_ref=person.id, loan_ref=loan.id, at=at, channel=channel, provider="x",
                provider_message_id=f"{loan_id}{at.isoformat()}", text="¿Llegó mi pago?", language="es",
                intents=["other"], confidence=0.4, needs_human=True,
            )
        )  # fmt: skip


def judge(
    database: Database,
    settings: Settings,
    loan_id: str,
    text: str = WORDS,
    channel: Channel | None = Channel.SMS,
    at: datetime = TUESDAY,
    reported: Circumstance | None = None,
    **more: Any,
) -> Judged:
    slots = ContactSlots(RULES, Caps(), whatsapp=WhatsAppLimits(settings.whatsapp_tier, settings.meta))
    judging = WordsJudge(database, settings, slots)
    with database.reading() as session:
        return judging.judge(session, loan_row(session, loan_id), Draft(text, channel, **more), at, reported)


def kept(database: Database, loan_id: str, text: str = WORDS, channel: Channel = Channel.SMS, **more: Any) -> None:
    with database.writing() as session:
        own_words.keep(
            session,
            loan_row(session, loan_id),
            **{
                "words_id": f"w-{loan_id.lower()}",
                "by": "account:7",
                "channel": channel,
                "subject": None,
                "text": text,
                "until": TUESDAY + timedelta(days=3),
                "case_id": None,
                "at": TUESDAY,
                **more,
            },
        )


def order(loan_id: str, channel: Channel = Channel.SMS, **changes: Any) -> ContactOrder:
    words_id = f"w-{loan_id.lower()}"
    return remind(
        loan_id,
        **{
            "step": step_of(words_id),
            "channels": (channel,),
            "template": TEMPLATE,
            "purpose": Purpose.REPLY,
            "words": words_id,
            "give_up_at": TUESDAY + timedelta(days=3),
            **changes,
        },
    )


def test_before_it_is_kept_one_sees_how_it_reads_what_it_costs_and_that_it_answers(
    lite: Database, world: World
) -> None:
    loan_id = enter_loan(lite)
    heard(lite, loan_id, Channel.SMS, TUESDAY - HOUR)

    told = judge(lite, settings_for(world), loan_id, channel=None)

    assert told.message.text.startswith(f"{WORDS} Credialba (ref. {loan_id}). ")
    assert (told.channel, told.answers, told.not_before, told.segments) == (Channel.SMS, True, None, 1)
    assert told.cost_micros > 0
    with lite.reading() as session:
        person = people.of_loan(session, loan_row(session, loan_id))
        assert open_channels(session, person)[0] is Channel.SMS


def test_an_answer_goes_at_night_and_what_is_unasked_for_waits_for_the_hours(lite: Database, world: World) -> None:
    asked, unasked = enter_loan(lite), enter_loan(lite)
    heard(lite, asked, Channel.SMS, SATURDAY_NIGHT - HOUR)
    settings = settings_for(world)

    answer = judge(lite, settings, asked, at=SATURDAY_NIGHT)
    contact = judge(lite, settings, unasked, at=SATURDAY_NIGHT)

    assert (answer.answers, answer.not_before) == (True, None)
    assert not contact.answers
    assert contact.not_before == datetime.fromisoformat("2026-03-16T09:00:00+01:00")
    assert contact.rules


@pytest.mark.parametrize("reported", list(Circumstance))
def test_under_a_dispute_only_an_answer_goes_and_that_a_person_writes_is_none_yet(
    lite: Database, world: World, reported: Circumstance
) -> None:
    loan_id = enter_loan(lite)
    settings = settings_for(world)
    with pytest.raises(WordsRefused, match=r"stop\."):
        judge(lite, settings, loan_id, reported=reported)

    heard(lite, loan_id, Channel.SMS, TUESDAY - 3 * HOUR)
    answered(lite, loan_id, "reply_person")
    assert judge(lite, settings, loan_id, reported=reported).answers

    answered(lite, loan_id, TEMPLATE, occurrence=2)
    with pytest.raises(WordsRefused, match=r"stop\."):
        judge(lite, settings, loan_id, reported=reported)


def answered(database: Database, loan_id: str, template: str, occurrence: int = 1) -> None:
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, loan_id)
        contacts.reserve(
            session, loan, person, step="reply", occurrence=occurrence, purpose=Purpose.REPLY, channel=Channel.SMS,
            template=template, at=TUESDAY - 2 * HOUR + timedelta(minutes=occurrence), state=ContactState.SENT,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "channel", "more", "why"),
    [
        ("  \n ", Channel.SMS, {}, "there are no words"),
        ("a" * 801, Channel.SMS, {}, "801 characters are too long for sms: at most 800"),
        ("a" * 2_001, Channel.WHATSAPP, {}, "at most 2,000"),
        ("hola", Channel.CALL, {}, "nobody writes by call"),
        ("hola", Channel.SMS, {"subject": "x"}, "only an e-mail has a subject"),
        ("Pague hoy o procederemos al embargo de su nomina", Channel.SMS, {}, r"ALL\.content\.jail"),
        ("Si no paga le demandaremos en el juzgado", Channel.EMAIL, {}, r"content\.(legal_threat|judicial)"),
        ("Vamos a hablar con su familia y con su jefe", Channel.SMS, {}, "third_parties"),
        ("Hola", Channel.EMAIL, {"subject": "Su deuda vencida"}, r"ALL\.content\.discreet_subject"),
    ],
)
def test_what_may_not_be_said_is_refused_with_the_rule(
    lite: Database, world: World, text: str, channel: Channel, more: dict[str, Any], why: str
) -> None:
    loan_id = enter_loan(lite)

    with pytest.raises(WordsRefused, match=why):
        judge(lite, settings_for(world), loan_id, text, channel, **more)


def test_nobody_who_closed_a_channel_or_whose_address_is_dead_is_written_to_and_the_way_left_is_named(
    lite: Database, world: World
) -> None:
    loan_id = enter_loan(lite)
    phone, _ = person_of(lite, loan_id)
    settings = settings_for(world)
    heard(lite, loan_id, Channel.SMS, TUESDAY - HOUR)
    with lite.writing() as session:
        _, person = contacts.lock_person(session, LENDER, loan_id)
        people.opt_out(session, person, Channel.SMS, source="test", at=TUESDAY)
    with pytest.raises(WordsRefused, match=r"stop\.channel_opt_out.*; write by email instead"):
        judge(lite, settings, loan_id)
    with lite.writing() as session:
        _, person = contacts.lock_person(session, LENDER, loan_id)
        people.close_address(session, person, Channel.SMS, phone, reason="wrong_person", at=TUESDAY)
    with pytest.raises(WordsRefused, match="no open address for sms; write by email instead"):
        judge(lite, settings, loan_id)


def test_more_segments_than_the_lender_pays_for_are_refused(lite: Database, world: World) -> None:
    loan_id = enter_loan(lite)
    given = settings_for(world)
    assert given.twilio is not None
    twilio = Twilio.model_validate({**dict(given.twilio), "most_segments": 1})

    with pytest.raises(WordsRefused, match="SMS where RECOBRO_TWILIO__MOST_SEGMENTS allows 1: write less"):
        judge(lite, settings_for(world, twilio=twilio), loan_id, "Palabras " * 40)


async def test_it_goes_out_once_and_stands_in_the_ledger_as_what_it_is(lite: Database, world: World) -> None:
    asked, unasked = enter_loan(lite), enter_loan(lite)
    heard(lite, asked, Channel.SMS, TUESDAY - HOUR)
    for loan_id in (asked, unasked):
        kept(lite, loan_id)

    async with desk_for(lite, settings_for(world)) as desk:
        for loan_id in (asked, unasked):
            first = await desk.contact(order(loan_id))
            again = await desk.contact(order(loan_id), TUESDAY + HOUR)

            assert (first.outcome, first.channel) == (ContactOutcome.SENT, Channel.SMS)
            assert again.outcome is ContactOutcome.SENT
            [sent] = texts_to(world, person_of(lite, loan_id)[0])
            assert sent["body"].startswith(WORDS)
            assert desk.row(order(loan_id)).text == sent["body"]
        assert desk.row(order(asked)).purpose is Purpose.REPLY
        assert desk.row(order(unasked)).purpose is Purpose.COLLECTION
        # A second contact of the day is one too many; an answer is counted by no limit.
        refused = await desk.refused(remind(unasked), TUESDAY + HOUR)
        assert refused.type == "NotYet"


async def test_a_lost_answer_does_not_make_two_of_it(lite: Database, world: World) -> None:
    loan_id = enter_loan(lite)
    kept(lite, loan_id)
    dying = lambda given: {**given, Channel.SMS: Dies(given[Channel.SMS], "after")}  # noqa: E731

    async with desk_for(lite, settings_for(world), messengers=dying) as desk:
        report, _ = await desk.until_done(order(loan_id))

    assert report.outcome is ContactOutcome.SENT
    assert len(texts_to(world, person_of(lite, loan_id)[0])) == 1


async def test_an_e_mail_has_its_subject_and_its_lines(lite: Database, world: World) -> None:
    loan_id = enter_loan(lite)
    kept(
        lite, loan_id, "Primera línea.\n\nSegunda: <b>sin</b> {{ lender_phone }}.", Channel.EMAIL, subject="Tu consulta"
    )

    async with desk_for(lite, settings_for(world)) as desk:
        report = await desk.contact(order(loan_id, Channel.EMAIL))

    assert report.outcome is ContactOutcome.SENT
    [mail] = mails_to(world, person_of(lite, loan_id)[1])
    assert mail["subject"] == "Tu consulta - Credialba"
    assert "Primera línea.\n\nSegunda: <b>sin</b> {{ lender_phone }}.\n\nUn saludo," in mail["text"].replace(
        "\r\n", "\n"
    )


@pytest.mark.parametrize("how", ["opted out", "disputed", "content", "gone"])
async def test_what_changed_since_it_was_written_keeps_it_from_going_and_nobody_tries_for_days(
    lite: Database, world: World, how: str
) -> None:
    loan_id = enter_loan(lite)
    changes: dict[str, Any] = {}
    if how != "gone":
        kept(lite, loan_id, "Procederemos al embargo" if how == "content" else WORDS)
    if how == "opted out":
        with lite.writing() as session:
            _, person = contacts.lock_person(session, LENDER, loan_id)
            people.opt_out(session, person, Channel.SMS, source="test", at=TUESDAY)
    elif how == "disputed":
        changes["circumstance"] = Circumstance.DISPUTE

    async with desk_for(lite, settings_for(world)) as desk:
        report = await desk.contact(order(loan_id, **changes))

        assert report.outcome is ContactOutcome.UNREACHABLE
        assert "embargo" not in str(report), "Temporal hears the rule, never the words"
        told = {"opted out": "stop.channel_opt_out", "disputed": "stop.dispute"}
        told |= {"content": "content rules: ALL.content.jail", "gone": "the words are not in the records any more"}
        assert told[how] in ", ".join(report.refused)
        assert texts_to(world, person_of(lite, loan_id)[0]) == []
        assert all("embargo" not in str(line) for line in desk.audit(loan_id, "message_not_written"))


async def test_whatsapp_takes_own_words_inside_the_window_alone(lite: Database, world: World) -> None:
    inside, phone = borrower(lite)
    outside, silent = borrower(lite)
    wrote_in(lite, inside, timedelta(hours=23))
    wrote_in(lite, outside, timedelta(hours=25))
    settings = cloud(world)

    assert judge(lite, settings, inside, channel=Channel.WHATSAPP).answers
    with pytest.raises(WordsRefused, match=r"only within 24 hours.*write by sms or email instead, or send an approved"):
        judge(lite, settings, outside, channel=Channel.WHATSAPP)
    for loan_id in (inside, outside):
        kept(lite, loan_id, channel=Channel.WHATSAPP)
    async with desk_for(lite, settings) as desk:
        sent = await desk.contact(order(inside, Channel.WHATSAPP))
        refused = await desk.contact(order(outside, Channel.WHATSAPP))

    assert (sent.outcome, refused.outcome) == (ContactOutcome.SENT, ContactOutcome.UNREACHABLE)
    assert any("whatsapp." in rule for rule in refused.refused)
    [message] = messages_to(world, phone)
    assert (message["template"], message["body"].startswith(WORDS)) == (None, True)
    assert messages_to(world, silent) == []
