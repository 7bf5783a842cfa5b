"""Several people at one number: what one of them says is not counted for the other, and what protects holds for all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.contact import Channel, Purpose
from domain.conversation.model import REPLY, AnswerKind
from domain.message_names import of_whatsapp
from domain.webhook_news import InboundNews
from providers.webhooks import meta, twilio
from records import attachments, cases, contact_ledger, contacts, loans, people, person_export, threads
from records.database import Database
from records.tables import ContactState
from tests.records.portfolios import LENDER, NOW, enter, handed
from web.consequence import Consequence
from web.hearing import MessageReader
from web.inbound_news import record_inbound
from web.news import record_news

PHONE = "+34600000001"
READER = MessageReader()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
JUAN, MARIA = "L1", "L2"


@pytest.fixture
def couple(database: Database) -> Database:
    """Juan owes L1, María owes L2; they have one telephone."""
    with database.writing() as session:
        both = [handed(JUAN, name="Juan Pérez Gil", phone=PHONE), handed(MARIA, name="María López Ruiz", phone=PHONE)]
        enter(session, both)
        for loan in loans.listing(session):
            loans.begin(session, loan)
    return database


def wrote(
    database: Database,
    loan_id: str,
    at: datetime,
    *,
    step: str = "r1",
    template: str = "first",
    channel: Channel = Channel.SMS,
    state: ContactState = ContactState.SENT,
    sender: str | None = None,
    message_id: str | None = None,
    lender: str = LENDER,
) -> None:
    with database.writing() as session:
        loan, person = contacts.lock_person(session, lender, loan_id)
        occurrence = len(contacts.of_loan(session, loan)) + 1
        purpose = Purpose.REPLY if step == REPLY else Purpose.COLLECTION
        contact = contacts.reserve(
            session, loan, person, step=step, occurrence=occurrence, purpose=purpose, channel=channel,
            template=template, at=at, address=PHONE,
        ).contact  # fmt: skip
        contact.sender = sender
        provider = "meta" if channel is Channel.WHATSAPP else "twilio"
        contacts.advance(session, contact, state, at=at, provider=provider, provider_message_id=message_id)


def asked(database: Database, loan_id: str, at: datetime, kind: AnswerKind = AnswerKind.CONFIRM_PROMISE) -> None:
    wrote(database, loan_id, at, step=REPLY, template=kind.value)


def heard(
    database: Database, words: str, at: datetime = NOW, *, number: int = 1, channel: Channel = Channel.SMS, **more: Any
) -> Consequence:
    news = InboundNews(
        provider="meta" if channel is Channel.WHATSAPP else "twilio",
        provider_message_id=f"SM{number}",
        channel=channel,
        sender_address=PHONE,
        text=words,
        **more,
    )
    with database.writing() as session:
        return record_inbound(session, news, at, READER)


def replies(told: Consequence) -> dict[str, dict[str, Any]]:
    """The labels that loans hear of the message, by loan."""
    return {each.loan_id: each.payload for each in told.signals if each.name == "reply_understood"}


def held(told: Consequence) -> set[tuple[str, object]]:
    return {(each.loan_id, each.payload["kind"]) for each in told.signals if each.name == "circumstance_reported"}


def words_kept(database: Database, loan_id: str) -> Sequence[str | None]:
    with database.reading() as session:
        said = threads.thread_of(session, loans.get(session, LENDER, loan_id))
        return [each.text for each in said if each.who == "borrower"]


def test_a_yes_is_an_answer_of_the_one_who_was_asked_last(couple: Database) -> None:
    """Given a promise read back to María and after it one to Juan, when "sí" comes, then Juan's loan alone hears it,
    and it stands in nothing that is kept of María."""
    asked(couple, MARIA, NOW - HOUR)
    asked(couple, JUAN, NOW - MINUTE)

    told = replies(heard(couple, "sí"))

    assert {loan_id: each.get("says") for loan_id, each in told.items()} == {JUAN: "yes"}
    assert (words_kept(couple, JUAN), words_kept(couple, MARIA)) == (["sí"], [])
    with couple.reading() as session:
        maria = people.of_loan(session, loans.get(session, LENDER, MARIA))
        assert person_export.export(session, maria)["messages_received"] == []


def test_a_promise_is_of_whose_loan_was_written_about_last(couple: Database) -> None:
    wrote(couple, JUAN, NOW - HOUR)
    wrote(couple, MARIA, NOW - MINUTE)

    told = replies(heard(couple, "pago el viernes"))

    assert list(told) == [MARIA]
    assert told[MARIA]["promise_date"] is not None


def test_a_message_heard_late_answers_what_was_said_until_it_was_written(couple: Database) -> None:
    wrote(couple, JUAN, NOW - 3 * HOUR)
    wrote(couple, MARIA, NOW - HOUR)

    told = replies(heard(couple, "pago el viernes", written_at=NOW - 2 * HOUR))

    assert list(told) == [JUAN]


@pytest.mark.parametrize(
    "state", [ContactState.RESERVED, ContactState.DROPPED, ContactState.FAILED, ContactState.UNDELIVERED]
)
def test_nobody_answers_what_did_not_reach_them(couple: Database, state: ContactState) -> None:
    wrote(couple, JUAN, NOW - HOUR)
    wrote(couple, MARIA, NOW - MINUTE, state=state)

    assert list(replies(heard(couple, "pago el viernes"))) == [JUAN]


def test_what_was_said_by_the_same_way_goes_before_what_came_later_by_another(couple: Database) -> None:
    wrote(couple, JUAN, NOW - HOUR)
    wrote(couple, MARIA, NOW - MINUTE, channel=Channel.EMAIL)

    assert list(replies(heard(couple, "pago el viernes"))) == [JUAN]


def test_where_nobody_was_written_to_one_loan_alone_reads_the_promise_back(couple: Database) -> None:
    assert len(replies(heard(couple, "pago el viernes"))) == 1


def test_who_still_owes_is_meant_before_whose_loan_has_ended(couple: Database) -> None:
    wrote(couple, JUAN, NOW - DAY)
    wrote(couple, MARIA, NOW - HOUR)
    with couple.writing() as session:
        loans.end(session, loans.get(session, LENDER, MARIA), kind="cured", at=NOW, final_state={})

    assert list(replies(heard(couple, "pago el viernes"))) == [JUAN]


def whatsapp(words: str, **more: object) -> bytes:
    """One message as Meta tells of it."""
    message = {"from": PHONE.removeprefix("+"), "id": "wamid.in", "type": "text", "text": {"body": words}, **more}
    metadata = {"display_phone_number": "34911000002", "phone_number_id": "1002"}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "messages": [message]}
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def test_the_message_that_was_picked_to_be_answered_says_whose_answer_it_is(couple: Database) -> None:
    """Given a message about Juan's loan and a later one about María's, when somebody answers Juan's by quoting it, then
    his loan alone hears the answer."""
    wrote(couple, JUAN, NOW - HOUR, channel=Channel.WHATSAPP, message_id=of_whatsapp("wamid.to-juan"))
    wrote(couple, MARIA, NOW - MINUTE, channel=Channel.WHATSAPP, message_id=of_whatsapp("wamid.to-maria"))

    with couple.writing() as session:
        told = record_news(session, meta.parse(whatsapp("pago el viernes", context={"id": "wamid.to-juan"})), NOW)

    assert list(replies(told)) == [JUAN]


def test_by_twilio_too(couple: Database) -> None:
    wrote(couple, JUAN, NOW - HOUR, channel=Channel.WHATSAPP)
    wrote(couple, MARIA, NOW - MINUTE, channel=Channel.WHATSAPP)
    with couple.writing() as session:
        [first] = contacts.of_loan(session, loans.get(session, LENDER, JUAN))
        first.provider, first.provider_message_id = "twilio", "SMjuan"
        session.add(first)
    body = f"MessageSid=SM9&From=whatsapp:%2B{PHONE[1:]}&To=whatsapp:%2B34911&OriginalRepliedMessageSid=SMjuan"

    with couple.writing() as session:
        news = twilio.parse("https://us.example/webhooks/twilio", f"{body}&Body=pago+el+viernes".encode())
        told = record_news(session, news, NOW)

    assert list(replies(told)) == [JUAN]


def test_one_persons_answer_to_a_message_is_about_its_loan(database: Database) -> None:
    """Given two loans of one person, when they answer by quoting the older message, then its loan hears it."""
    with database.writing() as session:
        same = {"person_id": "p", "phone": PHONE, "email": "ana@example.com"}
        enter(session, [handed("L1", **same), handed("L2", **same)])
        for loan in loans.listing(session):
            loans.begin(session, loan)
    wrote(database, "L1", NOW - HOUR, channel=Channel.WHATSAPP, message_id="wa.1")
    wrote(database, "L2", NOW - MINUTE, channel=Channel.WHATSAPP, message_id="wa.2")

    told = heard(database, "pago el viernes", channel=Channel.WHATSAPP, quotes="wa.1")

    assert list(replies(told)) == ["L1"]


def test_a_file_is_kept_with_the_loan_whose_message_it_answers(couple: Database) -> None:
    wrote(couple, JUAN, NOW - HOUR, channel=Channel.WHATSAPP, message_id=of_whatsapp("wamid.to-juan"))
    wrote(couple, MARIA, NOW - MINUTE, channel=Channel.WHATSAPP)
    photo = {"type": "image", "image": {"id": "77", "mime_type": "image/jpeg"}, "context": {"id": "wamid.to-juan"}}

    with couple.writing() as session:
        told = record_news(session, meta.parse(whatsapp("", **photo)), NOW)
        kept = {loan.loan_id: len(attachments.of_loan(session, loan)) for loan in loans.listing(session)}

    assert (kept, list(replies(told))) == ({JUAN: 1, MARIA: 0}, [JUAN])


@pytest.mark.parametrize("written_to", ["34911000001", "+34 911 000 001"])
def test_a_message_answers_what_came_from_the_number_it_was_written_to(couple: Database, written_to: str) -> None:
    """Given that Juan was written to from one number of ours and María, later, from another, when a message comes to
    the first, then it is Juan's."""
    wrote(couple, JUAN, NOW - DAY, sender="+34911000001")
    wrote(couple, MARIA, NOW - MINUTE, sender="+34911000002")

    assert list(replies(heard(couple, "pago el viernes", written_to=written_to))) == [JUAN]
    assert list(replies(heard(couple, "pago el viernes", number=2, written_to="34911000009"))) == [MARIA]


def test_the_number_is_known_from_what_the_providers_tell(couple: Database) -> None:
    wrote(couple, MARIA, NOW - HOUR, channel=Channel.WHATSAPP, sender="1002")
    wrote(couple, JUAN, NOW - MINUTE, channel=Channel.WHATSAPP, sender="1001")
    wrote(couple, MARIA, NOW - HOUR, sender="+34911000002")
    wrote(couple, JUAN, NOW - MINUTE, sender="+34911000001")
    text = f"MessageSid=SM9&From=%2B{PHONE[1:]}&To=%2B34911000002&Body=pago+el+viernes".encode()

    with couple.writing() as session:
        by_meta = record_news(session, meta.parse(whatsapp("pago el viernes")), NOW)
        by_twilio = record_news(session, twilio.parse("https://us.example/webhooks/twilio", text), NOW)

    assert (list(replies(by_meta)), list(replies(by_twilio))) == ([MARIA], [MARIA])


def test_a_yes_to_one_lenders_offer_accepts_no_other_lenders(database: Database) -> None:
    """Given somebody who owes two lenders and has an offer of each, when they say yes, then the offer that came last is
    accepted and the other lender hears nothing of it."""
    with database.writing() as session:
        for lender in ("acme", "other"):
            row = handed("L1", person_id="p", name="Ana García Soto", phone=PHONE)
            enter(session, [row], campaign_id=f"c-{lender}", lender=lender)
            loans.begin(session, loans.get(session, lender, "L1"))
    for lender, at in (("other", NOW - HOUR), ("acme", NOW - MINUTE)):
        offer = AnswerKind.SETTLEMENT_OFFER.value
        wrote(database, "L1", at, step=REPLY, template=offer, lender=lender)

    told = heard(database, "acepto")

    assert [(each.lender, each.payload.get("says")) for each in told.signals] == [("acme", "yes")]


def test_a_yes_after_a_reminder_to_the_other_is_for_a_person(couple: Database) -> None:
    """Given a promise read back to Juan and then a reminder to María, when "sí" comes, then nothing counts as promised,
    and a person asks Juan what was meant."""
    asked(couple, JUAN, NOW - HOUR)
    wrote(couple, MARIA, NOW - MINUTE)

    told = replies(heard(couple, "sí"))

    assert told[JUAN].get("says") is None
    assert told[JUAN]["needs_human"] is True
    assert words_kept(couple, JUAN) == ["sí"]


def test_nobody_is_asked_again_where_it_is_plain_whose_yes_it_is(couple: Database) -> None:
    asked(couple, JUAN, NOW - 2 * HOUR)
    asked(couple, MARIA, NOW - HOUR)

    assert list(replies(heard(couple, "sí"))) == [MARIA]


@pytest.mark.parametrize("since", [timedelta(days=4), -HOUR])
def test_a_question_that_is_over_or_was_not_asked_yet_waits_for_no_yes(couple: Database, since: timedelta) -> None:
    asked(couple, JUAN, NOW - since)
    wrote(couple, MARIA, NOW - MINUTE)

    assert list(replies(heard(couple, "sí"))) == [MARIA]


def test_who_names_themselves_is_who_writes_and_the_others_number_stays_theirs(couple: Database) -> None:
    """Given that Juan was written to last, when María answers with her name that they share the telephone, then it is
    hers, and Juan can be reached by it as before."""
    wrote(couple, MARIA, NOW - HOUR)
    wrote(couple, JUAN, NOW - MINUTE)

    told = heard(couple, "este es el telefono de los dos, soy Maria")

    assert list(replies(told)) == [MARIA]
    assert [each.name for each in told.signals] == ["reply_understood"]
    with couple.reading() as session:
        juan = people.of_loan(session, loans.get(session, LENDER, JUAN))
        assert people.address(session, juan, Channel.SMS) == PHONE


def test_a_stop_closes_the_number_for_both(couple: Database) -> None:
    wrote(couple, JUAN, NOW - MINUTE)

    told = heard(couple, "BAJA")

    assert {(each.name.value, each.loan_id) for each in told.signals} == {("opt_out", JUAN), ("opt_out", MARIA)}
    with couple.reading() as session:
        assert [people.opted_out(session, each) for each in people.by_phone(session, PHONE)] == [{Channel.SMS}] * 2


def test_a_promise_beside_a_stop_is_heard_by_one_loan(couple: Database) -> None:
    wrote(couple, MARIA, NOW - HOUR)
    wrote(couple, JUAN, NOW - MINUTE)

    told = heard(couple, "no me llamen mas, pago el viernes")

    assert list(replies(told)) == [JUAN]
    assert {each.loan_id for each in told.signals if each.name == "opt_out"} == {JUAN, MARIA}


def test_what_may_be_a_stop_is_read_for_both(database: Database) -> None:
    with database.writing() as session:
        enter(session, [handed(each, phone=PHONE, language="pt") for each in (JUAN, MARIA)])
        for loan in loans.listing(session):
            loans.begin(session, loan)

    told = replies(heard(database, "cancelar"))

    assert {loan_id: (each["needs_human"], each["closes_channel"]) for loan_id, each in told.items()} == {
        JUAN: (True, True),
        MARIA: (True, True),
    }


def test_a_wrong_number_is_one_for_both(couple: Database) -> None:
    wrote(couple, JUAN, NOW - MINUTE)

    told = heard(couple, "número equivocado")

    assert {(each.name.value, each.loan_id) for each in told.signals} == {
        ("contact_failed", JUAN),
        ("contact_failed", MARIA),
    }


@pytest.mark.parametrize(
    ("words", "kind"), [("mi marido murió ayer", "vulnerable"), ("no reconozco esa deuda", "dispute")]
)
def test_a_death_or_a_dispute_holds_both_and_one_loan_answers(couple: Database, words: str, kind: str) -> None:
    wrote(couple, JUAN, NOW - HOUR)
    wrote(couple, MARIA, NOW - MINUTE)

    told = heard(couple, words)

    assert list(replies(told)) == [MARIA]
    assert held(told) == {(JUAN, kind)}
    assert words_kept(couple, JUAN) == [words]


def test_a_death_is_seen_by_a_person_also_where_the_others_loan_has_ended(couple: Database) -> None:
    with couple.writing() as session:
        loans.end(session, loans.get(session, LENDER, JUAN), kind="cured", at=NOW, final_state={})

    heard(couple, "mi marido murió ayer")

    with couple.reading() as session:
        assert [loan.loan_id for _, loan in cases.listing(session)] == [JUAN]


def test_a_message_told_again_after_the_other_was_written_to_is_not_heard_anew(couple: Database) -> None:
    wrote(couple, JUAN, NOW - HOUR)
    heard(couple, "pago el viernes")
    wrote(couple, MARIA, NOW + MINUTE)

    again = heard(couple, "pago el viernes", NOW + HOUR)

    assert again.signals == ()
    assert words_kept(couple, MARIA) == []


def test_the_contact_rules_take_nobody_for_one_who_answered_in_anothers_place(couple: Database) -> None:
    wrote(couple, JUAN, NOW - HOUR)
    wrote(couple, MARIA, NOW - MINUTE)

    heard(couple, "pago el viernes")

    with couple.reading() as session:
        known = {}
        for loan in loans.listing(session):
            events = contact_ledger.person_events(session, people.of_loan(session, loan), NOW - DAY)
            known[loan.loan_id] = {"inbound", "two_way"} & {event.kind.value for event in events}
    assert known == {JUAN: set(), MARIA: {"inbound", "two_way"}}
