"""Delivery reports and borrowers' own messages, as Twilio sends them."""

from __future__ import annotations

import pytest

from domain.contact import Channel, ContactEventKind, Purpose
from records import audit, contact_ledger, contacts, loans, people
from records.database import Database
from records.tables import Contact, ContactState
from tests.records.portfolios import LENDER, NOW, enter, entered, handed
from tests.web.outside import FakeTemporal, running, until
from tests.web.test_webhooks import all_relayed, stored

PHONE = "+34600000001"


def sent(database: Database, loan_id: str = "L1", *, known: bool = True) -> Contact:
    """A message on its way; `known`: the answer to our call is stored already."""
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, loan_id)
        contact = contacts.reserve(
            session,
            loan,
            person,
            step="r1",
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.SMS,
            template="first",
            at=NOW,
            address=person.phone,
        ).contact
        if known:
            contacts.advance(session, contact, ContactState.SENT, at=NOW, provider="twilio", provider_message_id="SM1")
        return contact


def report(status: str, code: str = "") -> dict[str, str]:
    return {"MessageSid": "SM1", "MessageStatus": status, "To": PHONE, "AccountSid": "AC1"} | (
        {"ErrorCode": code} if code else {}
    )


def message(text: str, sid: str = "SM9", sender: str = PHONE, **more: str) -> dict[str, str]:
    fields = {
        "MessageSid": sid,
        "SmsStatus": "received",
        "From": sender,
        "To": "+34911",
        "Body": text,
        **more,
    }
    return fields


def state_of(database: Database, loan_id: str = "L1") -> Contact:
    with database.reading() as session:
        return contacts.of_loan(session, loans.get(session, LENDER, loan_id))[0]


def opted_out(database: Database, loan_id: str) -> frozenset[Channel]:
    with database.reading() as session:
        return people.opted_out(session, people.of_loan(session, loans.get(session, LENDER, loan_id)))


def events(database: Database) -> list[ContactEventKind]:
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        return [event.kind for event in contact_ledger.person_events(session, person, NOW)]


async def test_a_delivery_stands_in_the_records_and_troubles_no_workflow(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
    sent(database)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        for status in ("delivered", "sent", "read", "delivered"):
            assert await web.twilio(report(status)) == 200
        await until(lambda: len(stored(database)) == 3 and all_relayed(database))

    assert state_of(database).state is ContactState.READ
    assert sorted(events(database)) == ["attempt", "delivered", "read"]
    assert temporal.attempts == 0


async def test_a_report_that_overtakes_the_answer_to_our_own_call_finds_its_message(
    database: Database,
) -> None:
    with database.writing() as session:
        entered(session, "L1")
    contact = sent(database, known=False)
    async with running(database, FakeTemporal()) as web:
        query = f"message={contact.message_id}&loan=L1&lender={LENDER}"
        assert await web.twilio(report("delivered"), query=query) == 200
        await until(lambda: all_relayed(database))

    after = state_of(database)
    assert (after.state, after.provider_message_id) == (ContactState.DELIVERED, "SM1")


@pytest.mark.parametrize(
    ("code", "reason", "address"),
    [("30005", "dead", None), ("30008", "try_again", PHONE), ("30007", "undelivered", PHONE)],
)
async def test_a_failed_message_is_told_to_its_loan_and_a_dead_number_is_closed(
    database: Database, code: str, reason: str, address: str | None
) -> None:
    with database.writing() as session:
        entered(session, "L1", "L2", person_id="p", phone=PHONE)
    sent(database)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.twilio(report("undelivered", code)) == 200
        assert await web.twilio(report("failed", code)) == 200
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))

    with database.reading() as session:
        owner = people.of_loan(session, loans.get(session, LENDER, "L1"))
        closed = people.closed_since(session, owner, Channel.SMS, PHONE)
    payload = {"step": "r1", "occurrence": 1, "channel": "sms", "reason": reason}
    payload |= {"at": closed.isoformat()} if closed is not None else {}
    assert (closed is not None) is (reason == "dead"), "the loan hears when the records closed it"
    assert temporal.calls == [("contact_failed", "L1", payload)]
    assert (state_of(database).state, state_of(database).error_code) == (ContactState.UNDELIVERED, code)
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L2"))
        assert people.address(session, person, Channel.SMS) == address


async def test_an_address_refused_after_delivery_is_closed_and_the_step_stays_done(database: Database) -> None:
    """Given a message that was told as delivered, when it is told as undeliverable hours later, twice, then the address
    is closed, the contact stays delivered and its step is not done again by another channel."""
    with database.writing() as session:
        entered(session, "L1", phone=PHONE)
    sent(database)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        for status, code in (("delivered", ""), ("undelivered", "30005"), ("failed", "30005")):
            assert await web.twilio(report(status, code)) == 200
        await until(lambda: len(stored(database)) == 3 and all_relayed(database))

    assert state_of(database).state is ContactState.DELIVERED
    assert temporal.calls == []
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert people.address(session, person, Channel.SMS) is None


async def test_a_late_failure_of_an_old_number_leaves_the_new_one_open_and_the_message_goes_there(
    database: Database,
) -> None:
    """Given a person whose number changed after they were written to, when the old one proves dead, then the new one is
    not closed, and the loan hears that it may write once more by the same channel."""
    with database.writing() as session:
        entered(session, "L1", phone=PHONE)
    sent(database)
    with database.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        person.phone = "+34611111111"
        session.add(person)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.twilio(report("undelivered", "30005")) == 200
        await until(lambda: len(stored(database)) == 1 and all_relayed(database))

    assert [(name, payload["reason"]) for name, _, payload in temporal.calls] == [("contact_failed", "try_again")]
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert people.is_closed(session, person, Channel.SMS, PHONE)
        assert people.address(session, person, Channel.SMS) == "+34611111111"


async def test_a_number_somebody_has_written_from_since_is_not_dead(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1", phone=PHONE)
    sent(database)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.twilio(message("mañana pago", sender=PHONE)) == 200
        await until(lambda: len(stored(database)) == 1 and all_relayed(database))
        assert await web.twilio(report("undelivered", "30005")) == 200
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))

    told = [payload["reason"] for name, _, payload in temporal.calls if name == "contact_failed"]
    assert told == ["undelivered"]
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert people.address(session, person, Channel.SMS) == PHONE


async def test_a_failure_that_means_stop_closes_the_channel(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1", "L2", person_id="p")
    sent(database)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.twilio(report("failed", "21610")) == 200
        await until(lambda: all_relayed(database))

    assert opted_out(database, "L2") == {Channel.SMS}
    assert [(name, loan_id) for name, loan_id, _ in temporal.calls] == [("opt_out", "L1"), ("opt_out", "L2")]


async def test_a_report_about_a_message_that_is_not_ours_changes_nothing(database: Database) -> None:
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.twilio(report("failed", "30005"), query="message=nobodys") == 200
        await until(lambda: all_relayed(database))

    assert (stored(database)[0].outcome, temporal.attempts) == ("unknown_message", 0)


@pytest.mark.parametrize("text", ["STOP", "No me escriban más", "hoy pago pero stop ya a esto señores"])
async def test_stop_closes_the_channel_in_all_loans_of_the_person_and_only_theirs(
    database: Database, text: str
) -> None:
    with database.writing() as session:
        entered(session, "L1", "L2", person_id="p", phone=PHONE)
        entered(session, "L3")
        ended = loans.get(session, LENDER, "L2")
        enter(session, [handed("L4", person_id="p", phone=PHONE)], campaign_id="c2")
        loans.end(session, ended, kind="cured", at=NOW, final_state=None)
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.twilio(message(text)) == 200
        assert await web.twilio(message(text)) == 200
        await until(lambda: all_relayed(database))

    # Whatever else the words say is heard too.
    told = [(loan_id, payload["channel"]) for name, loan_id, payload in temporal.calls if name == "opt_out"]
    assert told == [("L1", "sms"), ("L4", "sms")]
    assert opted_out(database, "L1") == {Channel.SMS}
    assert opted_out(database, "L3") == frozenset()
    assert events(database) == [ContactEventKind.INBOUND]
    with database.reading() as session:
        assert [entry.loan_id for entry in audit.of_action(session, "opt_out")] == ["L1", "L4"]


async def test_stop_on_whatsapp_leaves_sms_open(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
    async with running(database, FakeTemporal()) as web:
        assert await web.twilio(message("baja", sender=f"whatsapp:{PHONE}")) == 200
        await until(lambda: all_relayed(database))

    assert opted_out(database, "L1") == {Channel.WHATSAPP}


async def test_wanting_to_pay_off_is_no_stop(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
    temporal = FakeTemporal()
    async with running(database, temporal) as web:
        assert await web.twilio(message("quiero cancelar mi deuda hoy")) == 200
        await until(lambda: all_relayed(database))

    assert opted_out(database, "L1") == frozenset()
    ((name, _, payload),) = temporal.calls
    assert name == "reply_understood"
    assert "opt_out" not in payload["intents"]
    assert events(database) == [ContactEventKind.INBOUND]


async def test_the_carriers_own_reading_of_stop_counts_whatever_the_words(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
    async with running(database, FakeTemporal()) as web:
        assert await web.twilio(message("arrêt", OptOutType="STOP")) == 200
        await until(lambda: all_relayed(database))
        assert opted_out(database, "L1") == {Channel.SMS}
        assert await web.twilio(message("START", sid="SM10")) == 200
        await until(lambda: len(stored(database)) == 2 and all_relayed(database))

    assert opted_out(database, "L1") == frozenset()


async def test_a_strangers_message_is_noted_without_the_number_or_the_words(database: Database) -> None:
    async with running(database, FakeTemporal()) as web:
        assert await web.twilio(message("STOP", sender="+34699887766")) == 200
        await until(lambda: all_relayed(database))

    with database.reading() as session:
        (entry,) = audit.of_action(session, "message_from_unknown_sender")
    assert entry.details.keys() == {"channel", "reference"}
    assert not {"+34699887766", "STOP"} & set(map(str, entry.details.values()))


async def test_an_opt_out_while_temporal_is_away_holds_at_once(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
    temporal = FakeTemporal()
    temporal.down = True
    async with running(database, temporal) as web:
        assert await web.twilio(message("STOP")) == 200
        await until(lambda: opted_out(database, "L1") == {Channel.SMS})
        assert temporal.calls == []
        temporal.down = False
        await until(lambda: all_relayed(database))

    assert [name for name, _, _ in temporal.calls] == ["opt_out"]
