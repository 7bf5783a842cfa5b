"""Ending mails with one click, as a mail program presses it, and complaints that come back by webhook."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import delete

from activities.orders import ContactOrder
from config.signed_addresses import SignedAddresses
from domain.contact import Channel, Purpose
from providers.webhooks import mail_reports
from records import contacts, people
from records.database import Database
from records.tables import Contact, ContactLedger, ContactState
from tests.commands.test_catch_up import Run, caught_up
from tests.providers.test_mail_reports import COMPLAINT, report
from tests.records.portfolios import LENDER, entered
from tests.web.outside import PUBLIC, FakeTemporal, running, until
from web.consequence import Consequence
from web.news import record_news
from web.sources import MailReports
from web.unsubscribe import KIND

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
ADDRESSES = SignedAddresses(SecretStr("s" * 32), PUBLIC)
SECRET = SecretStr("bounce-secret")


def mailed(database: Database, message_id: str | None = None) -> str:
    """A mail that went out about L1; its own id."""
    with database.writing() as session:
        entered(session, "L1", email="ana@example.com")
        loan, person = contacts.lock_person(session, LENDER, "L1")
        contact = contacts.reserve(
            session,
            loan,
            person,
            step="mail",
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.EMAIL,
            template="late_notice",
            at=NOW,
            address=person.email,
        ).contact
        contact.message_id = message_id or contact.message_id
        contacts.advance(
            session,
            contact,
            ContactState.SENT,
            at=NOW,
            provider="smtp",
            provider_message_id=f"<{contact.message_id}@credialba.example>",
        )
        return contact.message_id


def closed(database: Database) -> bool:
    with database.reading() as session:
        _, person = contacts.lock_person(session, LENDER, "L1")
        return Channel.EMAIL in people.opted_out(session, person)


async def test_one_click_ends_mails_for_good_and_looking_at_the_page_does_not(database: Database) -> None:
    message, temporal = mailed(database), FakeTemporal()
    path = ADDRESSES.address(KIND, message, NOW - timedelta(days=1)).removeprefix(PUBLIC)
    async with running(database, temporal, now=lambda _: NOW, addresses=ADDRESSES) as web:
        seen = await web.client.get(path)
        untouched = closed(database)
        click = {"List-Unsubscribe": "One-Click"}
        answers = [await web.client.post(path, data=click) for _ in range(2)]
        await until(lambda: bool(temporal.calls))

    assert (seen.status_code, "<form" in seen.text, untouched) == (200, True, False)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert closed(database)
    assert [(name, loan_id) for name, loan_id, _ in temporal.calls] == [("opt_out", "L1")]
    assert temporal.calls[0][2] == {"channel": "email", "at": NOW.isoformat()}


def answered(database: Database, sender: str, message: str, words: str) -> Consequence:
    mail = f"From: {sender}\nMessage-ID: <a@mail.example>\nIn-Reply-To: <{message}@credialba.example>\n\n{words}\n"
    with database.writing() as session:
        return record_news(session, mail_reports.parse(mail.encode()), NOW)


async def restored(database: Database) -> str:
    """A mail that went out after the backup from which the records were restored, and were caught up; its own id."""
    message = mailed(database)
    with database.writing() as session:
        session.exec(delete(ContactLedger))
        session.exec(delete(Contact))
    order = ContactOrder(lender=LENDER, loan_id="L1", step="mail", channels=(Channel.EMAIL,), template="late_notice")
    await caught_up(database, Run("L1", (), sent=((order, Channel.EMAIL),)))
    return message


async def test_one_click_ends_mails_after_the_records_were_restored_from_before_the_mail(database: Database) -> None:
    path = ADDRESSES.address(KIND, await restored(database), NOW).removeprefix(PUBLIC)

    async with running(database, FakeTemporal(), now=lambda _: NOW, addresses=ADDRESSES) as web:
        answer = await web.client.post(path)

    assert answer.status_code == 200
    assert closed(database)


@pytest.mark.parametrize("caught_up_with", [True, False])
async def test_an_answer_that_says_stop_ends_mails_after_the_records_were_restored_from_before_the_mail(
    database: Database, caught_up_with: bool
) -> None:
    """Given a mail that the backup does not know, when it is answered BAJA, then mails end, also where no catching up
    brought it back, as of one that its loan was just sending."""
    message = await restored(database)
    if not caught_up_with:
        message = "0" * 32
    answer = (
        f"From: Ana <ana@example.com>\nMessage-ID: <a@mail.example>\nIn-Reply-To: <{message}@credialba.example>\n\n"
    )

    with database.writing() as session:
        told = record_news(session, mail_reports.parse(f"{answer}BAJA\n".encode()), NOW)

    assert closed(database)
    assert [(each.name, each.loan_id) for each in told.signals] == [("opt_out", "L1")]


@pytest.mark.parametrize(
    ("sender", "answers", "words"),
    [
        ("eva@example.com", "0" * 32, "BAJA"),
        ("ana@example.com", "an-invoice", "BAJA"),
        ("ana@example.com", "0" * 32, "mañana pago"),
    ],
)
async def test_what_is_no_stop_to_a_mail_of_ours_that_was_lost_ends_nothing(
    database: Database, sender: str, answers: str, words: str
) -> None:
    await restored(database)

    told = answered(database, sender, answers, words)

    assert (told.outcome, told.signals) == ("unknown_sender", ())
    assert not closed(database)


async def test_an_answer_to_a_known_mail_from_another_address_ends_nothing(database: Database) -> None:
    message = mailed(database)
    with database.writing() as session:
        entered(session, "L2", email="eva@example.com")

    told = answered(database, "eva@example.com", message, "BAJA")

    assert (told.outcome, told.signals) == ("unknown_sender", ())


async def test_an_address_that_we_did_not_sign_ends_nothing(database: Database) -> None:
    message = mailed(database)
    forged = SignedAddresses(SecretStr("x" * 32), PUBLIC).address(KIND, message, NOW).removeprefix(PUBLIC)
    other = ADDRESSES.address("pay", message, NOW).removeprefix(PUBLIC).replace("/pay/", "/unsubscribe/")
    async with running(database, FakeTemporal(), now=lambda _: NOW, addresses=ADDRESSES) as web:
        answers = [await web.client.post(path) for path in (forged, other, "/unsubscribe/made-up")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert not closed(database)


async def test_a_bounce_goes_on_by_another_channel_and_a_complaint_ends_mails(database: Database) -> None:
    mailed(database, "m-1")
    temporal = FakeTemporal()
    sources = {"mail": MailReports(SECRET)}
    async with running(database, temporal, now=lambda _: NOW, more=sources) as web:
        for mail in (report("failed", "5.1.1"), COMPLAINT):
            mark = hmac.new(b"bounce-secret", mail, hashlib.sha256).hexdigest()
            headers = {"X-Recobro-Signature": f"sha256={mark}", "Content-Type": "message/rfc822"}
            assert (await web.client.post("/webhooks/mail", content=mail, headers=headers)).status_code == 200
        await until(lambda: len(temporal.calls) == 2)

    names = {name: payload for name, _, payload in temporal.calls}
    assert names["contact_failed"]["reason"] == "dead"
    assert names["opt_out"]["channel"] == "email"
    assert closed(database)


async def test_the_page_speaks_the_language_of_whom_the_mail_went_to(database: Database) -> None:
    """Given a borrower who is written to in English, when a browser in another language opens the address, then the
    page is in English; of an address that names nobody it is in the browser's."""
    message = mailed(database)
    with database.writing() as session:
        _, person = contacts.lock_person(session, LENDER, "L1")
        person.language = "en"
        session.add(person)
    path = ADDRESSES.address(KIND, message, NOW).removeprefix(PUBLIC)
    asked = {"accept-language": "pt-BR,pt"}
    async with running(database, FakeTemporal(), now=lambda _: NOW, addresses=ADDRESSES) as web:
        seen = await web.client.get(path, headers=asked)
        done = await web.client.post(path, headers=asked)
        unknown = await web.client.get("/unsubscribe/made-up", headers=asked)

    assert '<html lang="en">' in seen.text
    assert "<title>Stop e-mails</title>" in seen.text
    assert "You will get no more e-mails" in done.text
    assert "Este link não funciona." in unknown.text
