"""What borrowers write is kept under their key, understood, and told to the right loan as labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select

from commands.case import settle_in_records
from domain.contact import Channel, Purpose
from domain.events.control import CaseDecision, Decide
from domain.replies.labels import Intent
from domain.webhook_news import InboundNews
from records import cases, contacts, loans, people, threads
from records.database import Database
from records.person_export import export
from records.tables import InboundMessage, LoanState, Person
from replies.model import SHIPPED, load, save
from tests.records.portfolios import LENDER, NOW, enter, handed
from tests.web.outside import FakeTemporal, running, until
from tests.web.test_messages import message
from tests.web.test_webhooks import all_relayed, stored
from web.hearing import MessageReader
from web.inbound_news import record_inbound
from web.ports import SignalAnswer

PHONE = "+34600000001"


def two_loans(database: Database) -> None:
    """L1 and L2 of one person, both in collection; they were last written to about L1."""
    with database.writing() as session:
        enter(session, [handed("L1"), handed("L2", person_id="p-L1", phone=PHONE, email="l1@example.com")])
        for loan in loans.listing(session):
            loans.begin(session, loan)
        loan, person = contacts.lock_person(session, LENDER, "L1")
        contacts.reserve(
            session,
            loan,
            person,
            step="r1",
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.SMS,
            template="first",
            at=NOW,
            address=PHONE,
        )


async def heard(database: Database, words: str) -> FakeTemporal:
    two_loans(database)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.twilio(message(words, sender=PHONE)) == 200
        await until(lambda: len(stored(database)) == 1 and all_relayed(database))
    return temporal


async def test_the_loan_they_were_written_to_about_hears_labels_and_no_words(database: Database) -> None:
    temporal = await heard(database, "hola, cuánto debo exactamente?")

    ((name, loan_id, payload),) = temporal.calls
    assert (name, loan_id, payload["intents"]) == ("reply_understood", "L1", ["ask_balance"])
    assert "debo" not in str(payload)
    with database.reading() as session:
        kept = session.exec(select(InboundMessage)).one()
        raw = session.connection().execute(text("SELECT text FROM inbound_message")).scalar_one()
        assert kept.text == "hola, cuánto debo exactamente?"
        assert "debo" not in str(raw)


async def test_a_plain_yes_is_told_as_one(database: Database) -> None:
    temporal = await heard(database, "Sí, gracias")

    assert temporal.calls[0][2]["says"] == "yes"


@pytest.mark.parametrize(
    ("words", "asks", "day"),
    [
        ("no puedo el 1, ¿puedo pagar la cuota el 15?", True, "15"),
        ("me pueden cambiar la fecha de la cuota?", True, None),
        ("les pago el 15", None, None),
        ("cuánto debo exactamente?", None, None),
    ],
)
async def test_who_asks_for_another_day_is_heard_so_and_the_day_with_it(
    database: Database, words: str, asks: bool | None, day: str | None
) -> None:
    temporal = await heard(database, words)

    payload = temporal.calls[0][2]
    named = payload.get("day_named")
    assert (payload.get("asks_to_move"), named[-2:] if named else None) == (asks, day)


async def test_words_of_distress_hold_every_loan_of_the_person(database: Database) -> None:
    temporal = await heard(database, "no puedo mas, me quiero morir, dejenme en paz")

    told = {(name, loan_id) for name, loan_id, _ in temporal.calls}
    assert {("reply_understood", "L1"), ("circumstance_reported", "L2")} <= told


DISTRESS = "no puedo mas, me quiero morir, dejenme en paz"


@pytest.mark.parametrize("collected", [("L1",), ()])
async def test_words_of_distress_hold_loans_that_are_about_to_start_too(
    database: Database, collected: tuple[str, ...]
) -> None:
    """Given a person with loans that a campaign holds and has not started yet, when they write in distress, then each
    of those is to hear of it before it collects."""
    two_loans(database)
    with database.writing() as session:
        for loan in loans.listing(session):
            if loan.loan_id not in collected:
                loan.state = LoanState.WAITING
                session.add(loan)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.twilio(message(DISTRESS, sender=PHONE)) == 200
        await until(lambda: len(stored(database)) == 1 and all_relayed(database))

    told = {(name, loan_id) for name, loan_id, _ in temporal.calls}
    assert {("reply_understood", "L1"), ("circumstance_reported", "L2")} <= told


async def test_it_is_a_loan_in_collection_that_hears_of_a_message_before_one_that_waits(database: Database) -> None:
    two_loans(database)
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        loan.state = LoanState.WAITING
        session.add(loan)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.twilio(message("hola, cuánto debo exactamente?", sender=PHONE)) == 200
        await until(lambda: len(stored(database)) == 1 and all_relayed(database))

    assert [(name, loan_id) for name, loan_id, _ in temporal.calls] == [("reply_understood", "L2")]


async def test_what_is_written_while_no_campaign_holds_the_loan_is_for_a_person(database: Database) -> None:
    """Given loans whose campaign was stopped before it started them, when their borrower disputes, then a person reads
    it, once, and can settle the case."""
    two_loans(database)
    with database.writing() as session:
        for loan in loans.listing(session):
            loan.state = LoanState.WAITING
            loans.release(session, loan, NOW)
    temporal = FakeTemporal()
    temporal.answers = {"L1": SignalAnswer.NOT_FOUND, "L2": SignalAnswer.NOT_FOUND}
    async with running(database, temporal) as web:
        for sid in ("SM1", "SM2"):
            assert await web.twilio(message("no reconozco esa deuda, no es mia", sender=PHONE, sid=sid)) == 200
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))

    with database.reading() as session:
        [(case, loan)] = cases.listing(session)
    assert (case.kind, case.reason) == ("handoff", "the borrower wrote while the loan was not in collection: dispute")
    order = Decide(case_id=case.case_id, decision=CaseDecision.CONTINUE, by="ana")
    assert settle_in_records(database, loan, order).endswith("decided: continue")


@pytest.mark.parametrize("ended", [(), ("L2",)])
async def test_what_is_written_before_its_loan_starts_is_read_by_a_person_at_once(
    database: Database, ended: tuple[str, ...]
) -> None:
    """Given a loan that a campaign has yet to start, perhaps in weeks, when its borrower says that they have paid, then
    it hears of it once it starts and a person reads it now, and can settle the case although the loan runs by then."""
    two_loans(database)
    with database.writing() as session:
        for loan in loans.listing(session):
            if loan.loan_id in ended:
                loans.end(session, loan, kind="cured", at=NOW, final_state={})
            else:
                loan.state = LoanState.WAITING
                session.add(loan)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.twilio(message("ya pagué ayer", sender=PHONE)) == 200
        await until(lambda: len(stored(database)) == 1 and all_relayed(database))

    with database.writing() as session:
        [(case, loan)] = cases.listing(session)
        loans.begin(session, loan)
    assert (case.kind, loan.loan_id) == ("handoff", "L1")
    assert ("reply_understood", "L1") in {(name, loan_id) for name, loan_id, _ in temporal.calls}
    order = Decide(case_id=case.case_id, decision=CaseDecision.CONTINUE, by="ana")
    assert settle_in_records(database, loan, order).endswith("decided: continue")


async def test_a_question_the_lender_has_an_answer_to_is_named(database: Database) -> None:
    temporal = await heard(database, "es seguro el enlace?")

    assert temporal.calls[0][2].get("faq") == "is_it_safe"


async def test_a_stranger_at_the_number_closes_it_and_is_not_answered(database: Database) -> None:
    temporal = await heard(database, "se equivoca de numero, yo no conozco a esa persona")

    assert {name for name, *_ in temporal.calls} == {"contact_failed"}


async def test_all_of_it_is_in_the_persons_export(database: Database) -> None:
    await heard(database, "les pago el viernes")

    with database.reading() as session:
        (person,) = people.by_phone(session, PHONE)
        rows = export(session, person)["messages_received"]
    assert [row["text"] for row in rows] == ["les pago el viernes"]


async def test_a_relative_who_tells_of_a_death_closes_the_number_and_the_loan_hears_of_it(database: Database) -> None:
    temporal = await heard(database, "soy su hermana, el falleció la semana pasada, este telefono ahora es mio")

    told = {(name, loan_id) for name, loan_id, _ in temporal.calls}
    assert ("contact_failed", "L1") in told
    assert ("reply_understood", "L1") in told


def test_the_model_that_corrections_led_to_is_the_one_that_reads(tmp_path: Path) -> None:
    """A model with thresholds out of reach hears the first intent only."""
    model = tmp_path / "replies.model"
    known = load(SHIPPED)
    save(replace(known, about={**known.about, "thresholds": dict.fromkeys(Intent, 2.0)}), model)
    person = Person(lender=LENDER, person_id="p", language="es", country="ES", updated_at=NOW)

    text = "perdí el trabajo y no puedo pagar, quiero un plan de pagos"
    ours = MessageReader(model).read(text, NOW, person, Channel.SMS)
    shipped = MessageReader().read(text, NOW, person, Channel.SMS)

    assert shipped.intents == (Intent.REQUEST_PLAN, Intent.HARDSHIP)
    assert ours.intents == (Intent.REQUEST_PLAN,)


def test_the_lenders_own_answers_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "es.yaml").write_text("ours:\n  asked: [cual es vuestro color]\n  answer: Verde.\n", encoding="utf-8")
    reader = MessageReader(faq=tmp_path)

    assert reader.question("cuál es vuestro color?", "es") == "ours"
    assert reader.question("es seguro el enlace?", "es") is None


def test_a_file_of_answers_that_cannot_be_read_stops_no_message(tmp_path: Path) -> None:
    (tmp_path / "es.yaml").write_text("ours: [", encoding="utf-8")

    assert MessageReader(faq=tmp_path).question("es seguro el enlace?", "es") is None


async def test_a_message_after_the_end_that_needs_a_person_is_a_case_in_the_tray(database: Database) -> None:
    two_loans(database)
    with database.writing() as session:
        for loan in loans.listing(session):
            loans.end(session, loan, kind="cured", at=NOW, final_state=None)
    temporal = FakeTemporal()

    async with running(database, temporal) as web:
        for number, words in enumerate(["gracias", "ya pagué y me siguen escribiendo", "exijo hablar con una persona"]):
            assert await web.twilio(message(words, sender=PHONE, sid=f"SM{number}")) == 200
        await until(lambda: len(stored(database)) == 3 and all_relayed(database))

    assert temporal.calls == []
    with database.reading() as session:
        opened = cases.listing(session)
        assert [(case.kind, loan.state.value) for case, loan in opened] == [("handoff", "ended")]


async def test_a_dead_number_is_open_again_when_its_owner_writes_and_a_strangers_is_not(database: Database) -> None:
    two_loans(database)
    with database.writing() as session:
        (person, *_) = people.by_phone(session, PHONE)
        people.close_address(session, person, Channel.SMS, PHONE, reason="30005", at=NOW)
        people.close_address(session, person, Channel.WHATSAPP, PHONE, reason="wrong_person", at=NOW)
        assert not people.open_address(session, person, Channel.WHATSAPP, PHONE, written_at=NOW)
    async with running(database, FakeTemporal()) as web:
        assert await web.twilio(message("hola, cuánto debo exactamente?", sender=PHONE)) == 200
        await until(lambda: len(stored(database)) == 1 and all_relayed(database))

    with database.reading() as session:
        (person, *_) = people.by_phone(session, PHONE)
        assert not people.is_closed(session, person, Channel.SMS, PHONE)


async def test_a_stranger_at_a_number_that_takes_no_texts_is_neither_called_nor_written_to(database: Database) -> None:
    """Given a number that was closed for texts only, when a stranger answers from it, then no channel uses it."""
    two_loans(database)
    with database.writing() as session:
        (person, *_) = people.by_phone(session, PHONE)
        people.close_address(session, person, Channel.SMS, PHONE, reason="twilio 30006", at=NOW)
        assert people.address(session, person, Channel.CALL) == PHONE
    async with running(database, FakeTemporal()) as web:
        assert await web.twilio(message("se equivoca de numero, yo no conozco a esa persona", sender=PHONE)) == 200
        await until(lambda: len(stored(database)) == 1 and all_relayed(database))

    with database.reading() as session:
        (person, *_) = people.by_phone(session, PHONE)
        by = (Channel.SMS, Channel.WHATSAPP, Channel.CALL)
        assert [people.address(session, person, channel) for channel in by] == [None, None, None]


@pytest.mark.parametrize(("sender", "heard_of"), [("l1@example.com", 1), ("husband@example.com", 0)])
async def test_an_e_mail_is_believed_from_the_address_that_our_mail_went_to(
    database: Database, sender: str, heard_of: int
) -> None:
    two_loans(database)
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, "L2")
        wrote = contacts.reserve(
            session,
            loan,
            person,
            step="r1",
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.EMAIL,
            template="first",
            at=NOW,
            address="l1@example.com",
        )
        assert isinstance(wrote, contacts.Reserved)
        own_id = wrote.contact.message_id
        news = InboundNews(
            channel=Channel.EMAIL,
            provider="mail",
            sender_address=sender,
            text="¿cuánto debo exactamente?",
            provider_message_id="a1",
            answers=(own_id,),
            mail_id="<theirs@mail.example>",
        )
        wrote.contact.sent_at, wrote.contact.provider_message_id = NOW, f"<{own_id}@lender.example>"
        session.add(wrote.contact)
        told = record_inbound(session, news, NOW, MessageReader())
        session.flush()
        answer = wrote.contact.model_copy(update={"id": -1})
        named = threads.mails_answered(session, answer)
        raw = session.connection().execute(text("SELECT mail_id FROM inbound_message")).scalar()

    assert [signal.loan_id for signal in told.signals] == ["L2"] * heard_of
    assert told.outcome == ("message_not_about_this" if heard_of else "unknown_sender")
    assert named == ((f"<{own_id}@lender.example>", "<theirs@mail.example>") if heard_of else ())
    assert "theirs" not in str(raw), "it is kept under the person's key"


async def test_the_number_of_an_account_beside_a_stop_is_no_sum_and_the_stop_is_heard(database: Database) -> None:
    """Given a message that ends contact and names the account it will be paid to, when it comes in, then it is kept
    once, the channel is closed, and no sum is promised: what no column could hold had kept it from being read."""
    words = "No me escriban más. Mañana deposito a la clabe 646180157000000004 mil pesos"

    await heard(database, words)

    with database.reading() as session:
        [kept] = session.exec(select(InboundMessage)).all()
        [person] = session.exec(select(Person)).all()
        closed = people.opted_out(session, person)
    assert (kept.text, kept.promise_amount_minor) == (words, None)
    assert Channel.SMS in closed


async def test_a_message_whose_loan_ended_before_it_heard_of_it_is_for_a_person(database: Database) -> None:
    """Given a message about a loan in collection, when its workflow closes before the signal reaches it, then a person
    reads it, once, as what is written after the end."""
    two_loans(database)
    temporal = FakeTemporal()
    temporal.down = True
    async with running(database, temporal) as web:
        assert await web.twilio(message("no reconozco esa deuda, no es mia", sender=PHONE)) == 200
        await until(lambda: len(stored(database)) == 1 and bool(stored(database)[0].signals))
        with database.writing() as session:
            loans.end(session, loans.get(session, LENDER, "L1"), kind="cured", at=NOW, final_state={})
        temporal.answers["L1"] = SignalAnswer.LOAN_ENDED
        temporal.down = False
        await until(lambda: all_relayed(database))

    with database.reading() as session:
        [case] = cases.of_loan(session, loans.get(session, LENDER, "L1"))
    assert (case.kind, "wrote after the loan had ended: dispute" in case.reason) == ("handoff", True)


async def test_a_message_waits_for_a_loan_that_nothing_carries_at_the_moment(database: Database) -> None:
    """Given a loan in collection whose workflow is gone, when its borrower disputes, then the dispute is told once the
    loan is carried again."""
    two_loans(database)
    temporal = FakeTemporal()
    temporal.answers["L1"] = SignalAnswer.NOT_FOUND
    async with running(database, temporal) as web:
        assert await web.twilio(message("no reconozco esa deuda, no es mia", sender=PHONE)) == 200
        await until(lambda: temporal.attempts >= 2)
        waits = not all_relayed(database)
        temporal.answers["L1"] = SignalAnswer.ACCEPTED
        await until(lambda: all_relayed(database))

    assert waits
    assert ("reply_understood", "L1") in [(name, loan_id) for name, loan_id, _ in temporal.calls]
