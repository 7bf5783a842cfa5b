"""Ending mails with one click, as a mail program presses it, and complaints that come back by webhook."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from config.signed_addresses import SignedAddresses
from domain.contact import Channel, Purpose
from records import contacts, people
from records.database import Database
from records.tables import ContactState
from tests.providers.test_mail_reports import COMPLAINT, report
from tests.records.portfolios import LENDER, entered
from tests.web.outside import PUBLIC, FakeTemporal, running, until
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
