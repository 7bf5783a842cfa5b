"""What a message means for the records and the loans, from its words to its consequences."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from domain.call_flow import Heard
from domain.contact import Channel, Purpose
from domain.ledger_entries import LoanEnd
from domain.opt_out_words import OptOutReading
from domain.webhook_news import CallHeard, InboundNews, MediaNews
from records import attachments, cases, consents, contacts, loans, people, threads
from records.database import Database
from records.tables import Audit, Consent, ConsentRequest, InboundMessage, LoanState
from tests.records.portfolios import LENDER, NOW, enter, handed
from web.consequence import Consequence
from web.delivery_news import record_call_heard
from web.hearing import MessageReader
from web.inbound_news import record_inbound

PHONE = "+34600000001"
READER = MessageReader()


def two_loans(
    database: Database, state: LoanState = LoanState.IN_COLLECTION, *, language: str = "es", country: str = "ES"
) -> None:
    """L1 and L2 of one person; of L2 they were handed over last."""
    same = {"person_id": "p-1", "phone": PHONE, "email": "ana@example.com", "language": language, "country": country}
    same |= {"timezone": "America/New_York"} if country == "US" else {}
    with database.writing() as session:
        enter(session, [handed("L1", **same), handed("L2", **same)])
        for loan in loans.listing(session):
            loans.begin(session, loan)
            if state is LoanState.ENDED:
                loans.end(session, loan, kind=LoanEnd.CURED, at=NOW, final_state={})


def heard(database: Database, words: str, channel: Channel = Channel.SMS, **more: Any) -> Consequence:
    news = InboundNews(
        provider="twilio", provider_message_id="SM1", channel=channel, sender_address=PHONE, text=words, **more
    )
    with database.writing() as session:
        return record_inbound(session, news, NOW, READER)


def sent_a_file(database: Database, kind: str, number: int = 1, caption: str = "") -> Consequence:
    news = MediaNews(
        provider="meta", provider_message_id=f"wamid.{number}", channel=Channel.WHATSAPP, sender_address=PHONE,
        text=caption, kind=kind, media_id=f"m{number}", mime_type="image/jpeg",
    )  # fmt: skip
    with database.writing() as session:
        return record_inbound(session, news, NOW, READER)


def understood(told: Consequence) -> dict[str, Any] | None:
    """The labels that the loan hears of the message."""
    payloads = [each.payload for each in told.signals if each.name == "reply_understood"]
    return payloads[0] if payloads else None


def closed(database: Database) -> frozenset[Channel]:
    with database.reading() as session:
        return people.opted_out(session, people.by_phone(session, PHONE)[0])


def in_the_tray(database: Database) -> list[str]:
    with database.reading() as session:
        return [case.reason for case, _ in cases.listing(session)]


@pytest.mark.parametrize(
    ("words", "intents"),
    [
        ("no me escriban mas, ya pague y mandé el comprobante", {"already_paid", "payment_receipt"}),
        ("borren mis datos de su base de datos, ejerzo mi derecho de supresion", set()),
        ("habeas data, exijo eliminar mis datos", set()),
        ("ejerzo mis derechos ARCO", set()),
        ("quiero ejercer mi derecho de acceso", set()),
        ("quero meus dados apagados conforme LGPD", set()),
        ("ya descanse en paz mi suegra, no molesten mas", {"vulnerable"}),
    ],
)
def test_what_is_said_beside_a_stop_is_told_and_the_channel_is_closed(
    database: Database, words: str, intents: set[str]
) -> None:
    """Given a stop that also says that it is paid, or asks by right for what is kept of them, when it comes in, then
    the channel is closed and the loan hears of the rest, marked as not to be answered."""
    two_loans(database)

    told = understood(heard(database, words))

    assert closed(database) == {Channel.SMS}
    assert told is not None
    assert intents <= set(told["intents"])
    assert told["closes_channel"] is True
    assert intents or told["needs_human"]


def test_a_bare_stop_is_told_as_a_stop_alone(database: Database) -> None:
    two_loans(database)

    told = heard(database, "BAJA")

    assert [(each.name.value, each.loan_id) for each in told.signals] == [("opt_out", "L1"), ("opt_out", "L2")]


@pytest.mark.parametrize("state", [LoanState.IN_COLLECTION, LoanState.ENDED])
def test_what_may_be_a_stop_is_always_read_by_a_person(database: Database, state: LoanState) -> None:
    """Given a word that may ask for silence, or for something else, when it comes in, then the channel is closed and a
    person reads it, whether the loan hears of it or has ended."""
    two_loans(database, state, language="pt")

    told = understood(heard(database, "cancelar"))

    assert closed(database) == {Channel.SMS}
    if state is LoanState.ENDED:
        assert len(in_the_tray(database)) == 1
    else:
        assert told is not None
        assert (told["needs_human"], told["closes_channel"]) == (True, True)


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP])
def test_who_wants_no_calls_is_still_written_to(database: Database, channel: Channel) -> None:
    """Given "stop calling me" in a message, then all loans of the person hear that calls are closed, and the way they
    wrote by is open."""
    two_loans(database)

    told = heard(database, "dejen de llamarme por telefono", channel)

    assert closed(database) == {Channel.CALL}
    stops = [(each.loan_id, each.payload["channel"]) for each in told.signals if each.name == "opt_out"]
    assert stops == [("L1", "call"), ("L2", "call")]
    with database.reading() as session:
        assert people.flags(session, people.by_phone(session, PHONE)[0]) == frozenset()


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP])
@pytest.mark.parametrize("words", ["no me llamen por aquí", "no llamar", "no me llamen, tampoco me escriban"])
def test_no_calls_this_way_closes_the_way_it_came_by_and_ends_no_other(
    database: Database, words: str, channel: Channel
) -> None:
    """Given no calls "by this", a stop word about calls, or calls and messages one by one, when it comes in, then both
    are closed, and contact by other ways goes on."""
    two_loans(database)

    heard(database, words, channel)

    assert closed(database) == {channel, Channel.CALL}
    with database.reading() as session:
        assert people.flags(session, people.by_phone(session, PHONE)[0]) == frozenset()


@pytest.mark.parametrize(
    ("words", "channel", "ways"),
    [
        ("stop calling me", Channel.SMS, {Channel.SMS, Channel.CALL}),
        ("stop calling me", Channel.WHATSAPP, {Channel.SMS, Channel.WHATSAPP, Channel.CALL}),
        ("stop calling and text me", Channel.SMS, {Channel.CALL}),
        ("do not call me, whatsapp only", Channel.WHATSAPP, {Channel.SMS, Channel.CALL}),
        ("do not call me, email only please", Channel.SMS, {Channel.SMS, Channel.CALL}),
        ("no me llamen por aquí", Channel.WHATSAPP, {Channel.SMS, Channel.WHATSAPP, Channel.CALL}),
    ],
)
def test_in_the_us_who_wants_no_calls_gets_no_texts_unless_they_ask_for_them(
    database: Database, words: str, channel: Channel, ways: set[Channel]
) -> None:
    """Given a person in the US, where a text is a call by law, when they want no calls, then no texts leave either."""
    two_loans(database, language="en", country="US")

    heard(database, words, channel)

    assert closed(database) == ways


@pytest.mark.parametrize("words", ["No me llamen, prefiero sms o whatsapp", "Do not call me. Text or email only"])
def test_who_prefers_messages_to_calls_is_not_silenced_for_good(database: Database, words: str) -> None:
    two_loans(database)

    heard(database, words)

    assert closed(database) == {Channel.CALL}
    with database.reading() as session:
        assert people.flags(session, people.by_phone(session, PHONE)[0]) == frozenset()


def test_nobody_is_answered_whose_words_the_model_alone_takes_for_a_stop_and_a_grave_thing(database: Database) -> None:
    """Given words that no rule takes for a stop, but the model does beside a complaint or a payment, when they come in,
    then the channel stays open, a person reads them, and the loan hears that nothing is to be answered."""
    two_loans(database)

    told = understood(heard(database, "8 calls before noon is harassment. You'll have it Thursday, now quit it"))

    assert closed(database) == set()
    assert told is not None
    assert "opt_out" in told["intents"]
    assert (told["needs_human"], told["closes_channel"]) == (True, True)


def test_what_a_carrier_took_for_a_stop_closes_its_channel_whatever_the_words_name(database: Database) -> None:
    """It blocks what we send from then on."""
    two_loans(database)

    heard(database, "no me llamen", carrier_reading=OptOutReading.OPT_OUT)

    assert closed(database) == {Channel.SMS, Channel.CALL}


def test_who_wants_no_contact_by_any_way_gets_none(database: Database) -> None:
    """Given "do not contact me by any means", when it comes in, then nothing may leave from that moment on by any way,
    and each loan hears of it as of an opt-out of all."""
    two_loans(database)

    told = heard(database, "no me contacten mas por ningún medio")

    stops = [(each.loan_id, each.payload["channel"]) for each in told.signals if each.name == "opt_out"]
    assert stops[-2:] == [("L1", "all"), ("L2", "all")]
    with database.reading() as session:
        assert people.flags(session, people.by_phone(session, PHONE)[0]) == {"cease"}


@pytest.mark.parametrize(("kind", "intent", "person"), [("image", "payment_receipt", False), ("audio", "other", True)])
def test_a_file_without_a_word_is_heard_once_and_stands_in_the_thread(
    database: Database, kind: str, intent: str, person: bool
) -> None:
    """Given a photo of a receipt, or a voice message, without a caption, when it is told twice, then the loan hears of
    a receipt, or that a person has to listen, and the thread shows that it came."""
    two_loans(database)

    first, again = sent_a_file(database, kind), sent_a_file(database, kind)

    told = understood(first)
    assert told is not None
    assert (told["intents"], told["needs_human"]) == ([intent], person)
    assert understood(again) is None
    assert first.outcome == f"message_{kind}"
    with database.reading() as session:
        [loan] = [one for one in loans.listing(session) if one.loan_id == told_about(first)]
        assert [each.text for each in threads.thread_of(session, loan)] == [
            f"[{'imagen' if kind == 'image' else kind}]"
        ]
        assert sum(len(attachments.of_loan(session, one)) for one in loans.listing(session)) == 1


@pytest.mark.parametrize(("kind", "intent"), [("image", "payment_receipt"), ("audio", "other")])
def test_a_file_that_is_only_told_of_is_heard_as_one_that_is_fetched(
    database: Database, kind: str, intent: str
) -> None:
    """Given the picture of a transfer by a carrier whose files are not fetched, when it comes twice, then the loan
    hears of a receipt once, and the thread shows that it came."""
    two_loans(database)

    first, again = heard(database, "", Channel.WHATSAPP, kind=kind), heard(database, "", Channel.WHATSAPP, kind=kind)

    told = understood(first)
    assert told is not None
    assert told["intents"] == [intent]
    assert understood(again) is None
    with database.reading() as session:
        [loan] = [one for one in loans.listing(session) if one.loan_id == told_about(first)]
        assert [each.text for each in threads.thread_of(session, loan)] == [
            f"[{'imagen' if kind == 'image' else kind}]"
        ]


@pytest.mark.parametrize("kind", ["location", "contacts", "reaction", "sticker", "text"])
def test_what_is_neither_words_nor_a_file_is_no_answer(database: Database, kind: str) -> None:
    two_loans(database)

    assert heard(database, "", Channel.WHATSAPP, kind=kind).signals == ()


def told_about(told: Consequence) -> str:
    return next(each.loan_id for each in told.signals if each.name == "reply_understood")


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_a_file_without_a_word_after_the_end_is_for_a_person(database: Database, kind: str) -> None:
    two_loans(database, LoanState.ENDED)

    sent_a_file(database, kind)

    assert len(in_the_tray(database)) == 1


def test_a_sticker_says_nothing(database: Database) -> None:
    two_loans(database)

    assert sent_a_file(database, "sticker").signals == ()


@pytest.mark.parametrize(
    "words",
    [
        "soy su abogado, diríjanse a mí",
        "soy la tutora legal, está incapacitado",
        "sou a curadora dele",
        "te equivocaste, la cuota es de 15 mil",
        "se ha equivocado, yo pagué el lunes",
    ],
)
def test_a_stranger_with_something_to_judge_is_seen_by_a_person(database: Database, words: str) -> None:
    """Given a lawyer or guardian who answers, or a "stranger" who speaks of paying and may be the borrower, then the
    loan hears that somebody else wrote and that a person must look, and nothing that could be an answer."""
    two_loans(database)

    told = understood(heard(database, words))

    assert told is not None
    assert ("wrong_person" in told["intents"], told["needs_human"]) == (True, True)
    assert not {"says", "faq", "day_named", "closes_channel"} & told.keys()


@pytest.mark.parametrize("words", ["numero equivocado", "se equivoca de numero, yo no conozco a esa persona"])
def test_a_plain_wrong_number_is_nobodys_business(database: Database, words: str) -> None:
    two_loans(database)

    assert understood(heard(database, words)) is None


@pytest.mark.parametrize("state", [LoanState.IN_COLLECTION, LoanState.ENDED])
def test_a_death_told_by_a_stranger_is_heard_of(database: Database, state: LoanState) -> None:
    """Given "wrong number, the man you look for has died", then every loan of the person hears of it; where all have
    ended a person reads it."""
    two_loans(database, state)

    told = heard(database, "número equivocado, el señor que buscan ya murió")

    if state is LoanState.ENDED:
        assert len(in_the_tray(database)) == 1
        return
    payload = understood(told)
    assert payload is not None
    assert payload["intents"] == ["vulnerable", "wrong_person"]
    assert [each.payload["kind"] for each in told.signals if each.name == "circumstance_reported"] == ["vulnerable"]


def number_in_use(database: Database) -> bool:
    """Whether the borrower's number is still written to."""
    with database.reading() as session:
        return people.address(session, people.by_phone(session, PHONE)[0], Channel.SMS) == PHONE


@pytest.mark.parametrize(
    "words",
    [
        "soy el titular",
        "you have the right number but she is not here",
        "No es un número equivocado, soy yo",
        "this is not the wrong number",
        "soy Ana",
        "me he equivocado",
        "cambie de numero",
        "no soy moroso",
    ],
)
def test_whoever_says_that_it_is_them_or_may_be_them_keeps_their_number_and_a_person_reads_it(
    database: Database, words: str
) -> None:
    """Given words that the model takes for a stranger's, when they say that the number is right, or could be the
    borrower's own, then the number stays in use, no loan hears that it is lost, and a person must look."""
    two_loans(database)

    told = heard(database, words)

    payload = understood(told)
    assert number_in_use(database)
    assert "contact_failed" not in {each.name.value for each in told.signals}
    assert payload is not None
    assert payload["needs_human"] is True


@pytest.mark.parametrize(("words", "says"), [("Wrong", "no"), ("That's not right", "no"), ("Incorrecto", "no")])
def test_a_no_to_what_was_read_back_is_told_as_one_and_closes_no_number(
    database: Database, words: str, says: str
) -> None:
    two_loans(database)

    told = heard(database, words)

    payload = understood(told)
    assert number_in_use(database)
    assert payload is not None
    assert (payload["says"], "wrong_person" in payload["intents"]) == (says, False)
    assert told.outcome == "message_not_about_this"


def test_whom_only_the_model_surely_takes_for_a_stranger_is_left_alone_and_a_person_reads_it(
    database: Database,
) -> None:
    two_loans(database)

    payload = understood(heard(database, "yo no soy Pedro"))

    assert not number_in_use(database)
    assert payload is not None
    assert (payload["intents"][0], payload["needs_human"]) == ("wrong_person", True)


@pytest.mark.parametrize(
    ("words", "says"),
    [("yes please", "yes"), ("confirmo por favor", "yes"), ("afirmativo por favor", "yes"), ("mejor no", "no")],
)
def test_a_plain_yes_or_no_is_an_answer_and_holds_no_loan(database: Database, words: str, says: str) -> None:
    """Given a plain yes or no of which the model reads distress or a stop, when it comes in, then its loan hears the
    answer, and no other loan is held."""
    two_loans(database)

    told = heard(database, words)

    payload = understood(told)
    assert payload is not None
    assert (payload["says"], payload.get("closes_channel")) == (says, None)
    assert "vulnerable" not in payload["intents"]
    assert "circumstance_reported" not in {each.name.value for each in told.signals}


@pytest.mark.parametrize("words", ["sí, mi mamá murió", "ok, pero me quiero morir"])
def test_distress_told_beside_a_yes_holds_every_loan(database: Database, words: str) -> None:
    two_loans(database)

    told = heard(database, words)

    payload = understood(told)
    assert payload is not None
    assert payload["intents"][0] == "vulnerable"
    assert [each.payload["kind"] for each in told.signals if each.name == "circumstance_reported"] == ["vulnerable"]


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        ("no me llamen mandenme el link para pagar", "ask_how_to_pay"),
        ("no me llamen, a que cuenta deposito?", "ask_how_to_pay"),
        ("ya no me marquen, cuanto debo?", "ask_balance"),
    ],
)
def test_what_is_asked_beside_a_stop_of_calls_is_answered_by_the_way_that_stays_open(
    database: Database, words: str, asks: str
) -> None:
    two_loans(database)

    payload = understood(heard(database, words))

    assert closed(database) == {Channel.CALL}
    assert payload is not None
    assert payload["intents"] == [asks]
    assert (payload["needs_human"], payload.get("closes_channel")) == (False, None)


@pytest.mark.parametrize("words", ["no me llamen, escríbanme", "don't call me, text me"])
def test_who_wants_messages_instead_of_calls_is_not_told_of_as_asking_for_a_call(
    database: Database, words: str
) -> None:
    """Given no calls and messages instead, of which the model reads a wish to be called, when it comes in, then calls
    are closed and no loan hears of a call to make."""
    two_loans(database)

    told = heard(database, words)

    assert closed(database) == {Channel.CALL}
    assert understood(told) is None


@pytest.mark.parametrize("words", ["no me llamen en la mañana, llámenme en la tarde"])
def test_who_wants_to_be_called_at_another_hour_is_told_of_as_asking_for_a_call(database: Database, words: str) -> None:
    two_loans(database)

    payload = understood(heard(database, words))

    assert closed(database) == {Channel.CALL}
    assert payload is not None
    assert "callback_request" in payload["intents"]


@pytest.mark.parametrize(
    "words", ["no me escriban por whatsapp, solo por aquí", "no me manden whatsapp, solo por este número"]
)
def test_who_wants_no_messages_by_another_way_keeps_the_one_they_wrote_by(database: Database, words: str) -> None:
    """Given no messages by a way that is named, and "only here", when it comes in by another, then the named way is
    closed and no other, and a person reads it."""
    two_loans(database)

    payload = understood(heard(database, words))

    assert closed(database) == {Channel.WHATSAPP}
    assert payload is not None
    assert (payload["needs_human"], payload.get("closes_channel")) == (True, None)


@pytest.mark.parametrize(
    ("words", "channel", "ways"),
    [
        ("Don't contact me by email or any other way, only here", Channel.SMS, {Channel.EMAIL, Channel.CALL}),
        ("No me contacten por correo ni por otro medio, solo por aquí", Channel.SMS, {Channel.EMAIL, Channel.CALL}),
        ("No me llamen ni me manden correos, solo por aquí", Channel.WHATSAPP, {Channel.EMAIL, Channel.CALL}),
        ("Don't call or email me, only here", Channel.SMS, {Channel.EMAIL, Channel.CALL}),
        ("No me llamen ni me manden correos, solo por este whatsapp", Channel.WHATSAPP, {Channel.EMAIL, Channel.CALL}),
        ("No me escriban por correo pero solo por este whatsapp", Channel.WHATSAPP, {Channel.EMAIL}),
        ("no me llamen por whatsapp, solo por aquí", Channel.WHATSAPP, {Channel.CALL}),
    ],
)
def test_only_here_closes_the_calls_and_the_ways_that_are_named_and_keeps_this_one(
    database: Database, words: str, channel: Channel, ways: set[Channel]
) -> None:
    """Given ways that are named, or every other one, or calls, as unwanted, and "only here", when it comes in, then
    just those are closed."""
    two_loans(database)

    heard(database, words, channel)

    assert closed(database) == ways


@pytest.mark.parametrize(
    "words", ["no me manden mensajes ya pague", "ya no me manden mensajes, pasenme la cuenta y pago"]
)
def test_what_is_said_of_paying_beside_a_stop_of_messages_is_a_case(database: Database, words: str) -> None:
    """Given a stop of the way it came by with a payment beside it, when it comes in, then that way is closed, and the
    loan hears of it as of something to act on without an answer."""
    two_loans(database)

    payload = understood(heard(database, words))

    assert closed(database) == {Channel.SMS}
    assert payload is not None
    assert payload["closes_channel"] is True


def test_a_wish_that_is_no_stop_closes_nothing_whatever_the_model_makes_of_it(database: Database) -> None:
    two_loans(database)

    payload = understood(heard(database, "no me molesta que me escribas"))

    assert closed(database) == set()
    assert payload is not None
    assert "opt_out" not in payload["intents"]


def wrote_about(database: Database, loan_id: str, at: datetime) -> None:
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, loan_id)
        contacts.reserve(
            session, loan, person, step="r1", occurrence=1, purpose=Purpose.COLLECTION, channel=Channel.WHATSAPP,
            template="first", at=at, address=PHONE,
        )  # fmt: skip


@pytest.mark.parametrize("as_a_file", [False, True])
def test_a_message_heard_late_is_given_to_the_loan_that_was_written_about_when_they_wrote(
    database: Database, as_a_file: bool
) -> None:
    """Given a message written after one of ours about L1 and before one about L2, when it is fetched last of all, then
    it is about L1, and so is a file."""
    two_loans(database)
    wrote_about(database, "L1", NOW - timedelta(hours=3))
    wrote_about(database, "L2", NOW - timedelta(hours=1))
    written = NOW - timedelta(hours=2)
    if as_a_file:
        with database.writing() as session:
            news = MediaNews(
                provider="meta", provider_message_id="wamid.9", channel=Channel.WHATSAPP, sender_address=PHONE, text="",
                kind="image", media_id="m9", mime_type="image/jpeg", written_at=written,
            )  # fmt: skip
            told = record_inbound(session, news, NOW, READER)
            kept = {loan.loan_id: len(attachments.of_loan(session, loan)) for loan in loans.listing(session)}
        assert kept == {"L1": 1, "L2": 0}
    else:
        told = heard(database, "cuánto debo exactamente?", Channel.WHATSAPP, written_at=written)

    assert told_about(told) == "L1"


def test_a_stranger_whose_number_the_records_spell_otherwise_is_left_alone(database: Database) -> None:
    """Given a Mexican number kept with the old prefix, when WhatsApp tells of a stranger by the new one, then it is not
    used any more."""
    old = "+5215512345678"
    with database.writing() as session:
        enter(session, [handed("L1", phone=old, country="MX", timezone="America/Mexico_City")])
        news = InboundNews(
            provider="meta", provider_message_id="w1", channel=Channel.WHATSAPP, sender_address="+525512345678",
            other_spellings=(old,), text="numero equivocado",
        )  # fmt: skip
        record_inbound(session, news, NOW, READER)
        [person] = people.by_phone(session, old)
        assert people.address(session, person, Channel.SMS) is None


def test_nine_on_the_keypad_closes_texts_too_where_a_text_is_a_call(database: Database) -> None:
    two_loans(database, language="en", country="US")
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, "L1")
        called = contacts.reserve(
            session, loan, person, step="r1", occurrence=1, purpose=Purpose.COLLECTION, channel=Channel.CALL,
            template="first", at=NOW, address=PHONE,
        )  # fmt: skip
        assert isinstance(called, contacts.Reserved)
        news = CallHeard(
            message_id=called.contact.message_id, provider="twilio", provider_message_id="CA1", heard=Heard.DO_NOT_CALL
        )
        told = record_call_heard(session, news, NOW)

    assert closed(database) == {Channel.SMS, Channel.CALL}
    assert {(each.loan_id, each.payload["channel"]) for each in told.signals} == {
        (loan_id, way) for loan_id in ("L1", "L2") for way in ("sms", "call")
    }


@pytest.mark.parametrize(
    ("words", "intents"),
    [
        ("I'm Ana's wife", {"vulnerable", "wrong_person"}),
        ("I'm Ana's wife, she died last week", {"vulnerable", "wrong_person"}),
        ("Ana's husband here, can we get a payment plan?", {"wrong_person"}),
        ("I'm Ana's husband, I will pay on friday", {"wrong_person"}),
        ("I'm Ana's son, how much does she owe?", {"wrong_person"}),
        ("my wife Ana is in ICU", {"vulnerable", "wrong_person"}),
        ("sí, soy su esposo, aceptamos el acuerdo", {"wrong_person"}),
        ("escribo de parte de mi mamá, está enferma", {"wrong_person"}),
        ("Ana es mi madre y tiene cáncer", {"vulnerable", "wrong_person"}),
        ("minha esposa Ana faleceu", {"vulnerable", "wrong_person"}),
        ("a Ana é minha mãe e está internada", {"vulnerable", "wrong_person"}),
    ],
)
def test_a_relative_is_told_of_as_another_and_the_number_stays_open(
    database: Database, words: str, intents: set[str]
) -> None:
    """Given a relative who says so, and a model that hears only distress, a promise or a question, when it comes in,
    then the loan hears that somebody else wrote and what was reported, nothing that could be an answer or a promise,
    and a person must look; the number stays in use."""
    two_loans(database)
    with database.writing() as session:
        people.by_phone(session, PHONE)[0].name = "Ana López"

    told = heard(database, words)
    payload = understood(told)

    assert payload is not None
    assert intents <= set(payload["intents"])
    assert payload["intents"][0] in intents
    assert payload["needs_human"] is True
    assert not {"says", "faq", "day_named", "asks_to_move", "promise_date", "promise_amount_minor"} & payload.keys()
    assert number_in_use(database)


# A permission to read the account, taken back in words


def lets_us_read(database: Database, person_id: str = "p-1") -> None:
    given: dict[str, Any] = {"consent_id": person_id, "account_id": "a", "valid_until": None, "reads_per_day": 4}
    with database.writing() as session:
        person = next(one for one in people.by_phone(session, PHONE) if one.person_id == person_id)
        consents.grant(session, person, provider="xs2a", at=NOW, **given)
        consents.ask(session, person, provider="xs2a", reference=person_id.ljust(32, "r"), at=NOW)


def over(database: Database) -> list[str | None]:
    """Why consents, and requests for one, are over: None of what is not."""
    with database.reading() as session:
        rows = session.exec(select(Consent)).all()
        asked = session.exec(select(ConsentRequest)).all()
        return [row.over_because for row in rows] + [one.outcome for one in asked]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", "Revoco el permiso para consultar mi saldo"),
        ("es", "quiero quitar el permiso de consultar mi saldo"),
        ("en", "I withdraw my consent to see my balance"),
        ("pt", "retiro a permissão de consultar o meu saldo"),
    ],
)
def test_a_consent_that_is_taken_back_in_words_is_over_at_once_and_no_balance_is_told(
    database: Database, language: str, words: str
) -> None:
    """Given somebody who lets their account be read, when they write that they take it back, then nothing can be read
    from that moment, the bank is to be told, no channel is closed, and a person answers: the debt was not asked for."""
    two_loans(database, language=language)
    lets_us_read(database)

    told = understood(heard(database, words))

    assert over(database) == [consents.REVOKED_HERE, consents.REVOKED_HERE]
    assert closed(database) == frozenset()
    assert told is not None
    assert (told["needs_human"], "ask_balance" in told["intents"]) == (True, False)
    with database.reading() as session:
        assert [row.actor for row in session.exec(select(Audit)).all() if row.action == "consent_over"] == ["borrower"]


@pytest.mark.parametrize(
    ("words", "ended", "shut"),
    [
        ("Retiro el permiso para usar mi cuenta de WhatsApp", True, True),
        ("Retiro el permiso para consultar mi saldo y para usar mi número", True, True),
        ("Retiro mi consentimiento", True, True),
        ("Retiro mi permiso, no miren mi cuenta", True, True),
        ("quiero dejar de compartir mi saldo", True, False),
        ("El banco quitó el acceso a mi cuenta, no puedo pagar hoy", False, False),
        ("¿cuál es mi saldo? no les di permiso de verlo", False, False),
    ],
)
def test_what_may_be_a_stop_closes_the_channel_and_ends_the_consent_and_what_is_not_sure_is_for_a_person(
    database: Database, words: str, ended: bool, shut: bool
) -> None:
    """Given somebody who lets their account be read, when they write of a permission, then whatever may be taken back
    is, a person reads it, and in no case is it answered with the debt."""
    two_loans(database)
    lets_us_read(database)

    told = understood(heard(database, words))

    assert (consents.REVOKED_HERE in over(database), bool(closed(database))) == (ended, shut)
    with database.reading() as session:
        [message] = session.exec(select(InboundMessage)).all()
    assert (message.needs_human, "ask_balance" in message.intents) == (True, False)
    assert told is None or "ask_balance" not in told["intents"]


def test_a_bare_permission_of_somebody_without_a_consent_is_what_may_be_a_stop_and_no_more(database: Database) -> None:
    two_loans(database)

    heard(database, "Retiro mi consentimiento")

    assert closed(database)
    assert over(database) == []


def test_whoever_asks_how_to_take_it_back_keeps_it_until_a_person_has_answered(database: Database) -> None:
    two_loans(database)
    lets_us_read(database)

    told = understood(heard(database, "¿cómo retiro el permiso para ver mi saldo?"))

    assert over(database) == [None, None]
    assert told is not None
    assert told["needs_human"]


def test_it_ends_the_consents_of_everybody_at_the_number_it_came_from(database: Database) -> None:
    """Given a couple with one telephone who both let their accounts be read, when one takes it back, then both are."""
    with database.writing() as session:
        enter(session, [handed("L1", person_id="p-1", phone=PHONE), handed("L2", person_id="p-2", phone=PHONE)])
        for loan in loans.listing(session):
            loans.begin(session, loan)
    lets_us_read(database, "p-1")
    lets_us_read(database, "p-2")

    told = heard(database, "ya no les autorizo a ver mi saldo")

    assert over(database) == [consents.REVOKED_HERE] * 4
    assert [each.loan_id for each in told.signals] == ["L2"], "only the loan they were last of answers"


ASKED_ES = (
    "ACME: entendemos que pagas 120,00 € el 5 de junio (ref. L1). Responde SI si es correcto, o dinos otra fecha. "
    "Responde BAJA para no recibir SMS"
)
ASKED_EN = "ACME: we understand you would pay $120. Reply YES if that is right. Reply STOP to end texts"


@pytest.mark.parametrize("words", [f"Le gusta “{ASKED_ES}”", f"Liked “{ASKED_EN}”", f"Reacted 👍 to “{ASKED_EN}”"])
def test_a_telephones_reaction_that_quotes_us_says_nothing(database: Database, words: str) -> None:
    """Given our text that says how to stop, when a telephone sends its reaction to it as a message, then no channel is
    closed, and no loan hears a stop, a yes or a promise."""
    two_loans(database)

    told = heard(database, words)

    assert (closed(database), told.signals, told.outcome) == (frozenset(), (), "message_quotation")


@pytest.mark.parametrize("words", [f"> {ASKED_ES}\nSí", f"“{ASKED_ES}” sí"])
def test_an_answer_beneath_our_quoted_text_is_heard_alone(database: Database, words: str) -> None:
    """Given an answer beneath our text, when it comes in, then the loan hears the answer, and people read the whole."""
    two_loans(database)

    payload = understood(heard(database, words))

    assert closed(database) == frozenset()
    assert payload is not None
    assert (payload["says"], payload.get("promise_date")) == ("yes", None)
    with database.reading() as session:
        assert [each.text for each in session.exec(select(InboundMessage)).all()] == [words]


@pytest.mark.parametrize("words", ['"STOP"', f"> {ASKED_ES}\nBAJA", f"Liked “{ASKED_EN}” STOP"])
def test_a_stop_in_quotation_marks_or_beside_a_quotation_stops(database: Database, words: str) -> None:
    two_loans(database)

    heard(database, words)

    assert closed(database) == {Channel.SMS}


def test_who_stops_by_to_pay_closes_nothing(database: Database) -> None:
    two_loans(database, language="en")

    payload = understood(heard(database, "I'll stop by the office Friday to pay"))

    assert closed(database) == frozenset()
    assert payload is not None
    assert payload["intents"][0] == "promise_to_pay"


def test_a_stop_that_a_carrier_acted_on_counts_although_it_quotes_us(database: Database) -> None:
    two_loans(database)

    heard(database, f"Liked “{ASKED_EN}”", carrier_reading=OptOutReading.OPT_OUT)

    assert closed(database) == {Channel.SMS}


@pytest.mark.parametrize(
    "words",
    [
        "ya déjenme", "bloqueados", "dejadme", "déjame", "borrame", "elimíneme", "remove me", "go away", "STOP2",
        "BAJA1", "no+sms", "SOTP", "STOPP", "unsuscribe", "para com isso", "B A J A", "st0p",
    ],
)  # fmt: skip
def test_a_stop_in_a_word_or_two_closes_the_channel(database: Database, words: str) -> None:
    """Given a stop mistyped, or in a word or two that the model surely hears, when it comes in, then it closes."""
    two_loans(database)

    heard(database, words)

    assert closed(database) == {Channel.SMS}


@pytest.mark.parametrize(
    "words",
    [
        "cancelar", "cancelado", "ya", "ya no", "basta con 50", "déjame pagar el viernes", "déjame pensar",
        "remove the fee", "go ahead", "parada", "baja médica", "no + tiempo", "para viernes", "quiero cancelar",
        "bloqueado", "cuenta bloqueada", "dejame ver",
    ],
)  # fmt: skip
def test_a_word_or_two_with_another_sense_close_nothing(database: Database, words: str) -> None:
    two_loans(database, country="MX")

    heard(database, words)

    assert closed(database) == frozenset()
