"""Files that people send and messages nobody reported on, against the sandbox's Meta and carrier over real HTTP."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import select

from activities.composition import whatsapp_settings
from activities.errands import Errands
from domain.contact import Channel
from domain.ledger_entries import LoanEnd
from domain.webhook_news import MediaNews
from providers.messaging.twilio import TwilioMessenger, TwilioSettings
from providers.messaging.whatsapp_media import FileRefused, WhatsAppMedia
from records import attachments, contacts, erasure, loans, person_export
from records.database import Database
from records.tables import Attachment, AttachmentState, Webhook
from tests.activities.outside import LENDER, TUESDAY, desk_for, enter_loan, person_of, remind
from tests.activities.test_whatsapp import cloud
from tests.sandbox.running import ACCOUNT, TOKEN, World
from web.news import record_news
from web.sources import Delivery, TwilioWebhooks

LATER = TUESDAY + timedelta(hours=3)


def media(world: World, client: httpx.AsyncClient, largest: int = 8_000_000) -> WhatsAppMedia:
    given = whatsapp_settings(cloud(world))
    assert given is not None
    return WhatsAppMedia(given, client, largest)


def sent_a_photo(database: Database, phone: str, message_id: str, caption: str = "") -> str:
    news = MediaNews(
        channel=Channel.WHATSAPP, provider="meta", sender_address=phone, text=caption, provider_message_id=message_id,
        kind="image", media_id="123456", mime_type="image/jpeg",
    )  # fmt: skip
    with database.writing() as session:
        return record_news(session, [news], TUESDAY).outcome


async def test_a_photo_is_fetched_sealed_kept_with_the_loan_exported_and_erased(
    database: Database, world: World
) -> None:
    loan_id = enter_loan(database)
    phone, _ = person_of(database, loan_id)
    assert sent_a_photo(database, phone, "wamid.p1", "aquí está el recibo") == "message_not_about_this"
    assert sent_a_photo(database, phone, "wamid.p1", "aquí está el recibo") == "message_not_about_this"

    async with httpx.AsyncClient(trust_env=False) as client:
        errands = Errands(database, media(world, client), None, lambda: LATER)
        assert await errands.once() == 1
        assert await errands.once() == 0

    with database.reading() as session:
        loan = loans.get(session, LENDER, loan_id)
        [kept] = attachments.of_loan(session, loan)
        assert (kept.state, kept.mime_type, kept.size) == (AttachmentState.KEPT, "image/jpeg", len(kept.content or b""))
        assert (kept.content or b"").startswith(b"\xff\xd8\xff")
        raw = session.connection().exec_driver_sql("SELECT content, caption FROM attachment").one()
        assert b"\xff\xd8\xff" not in bytes(raw[0])
        assert "recibo" not in str(raw[1])
    with database.writing() as session:
        _, owner = contacts.lock_person(session, LENDER, loan_id)
        [told] = person_export.export(session, owner)["attachments"]
        assert (told["caption"], told["loan_id"]) == ("aquí está el recibo", loan_id)
        assert told["content"].startswith("/9j/")
        loan = loans.get(session, LENDER, loan_id)
        loans.end(session, loan, kind=LoanEnd.CURED, at=LATER, final_state=None)

        person_id = owner.person_id

    erasure.erase(database, LENDER, person_id, at=LATER, actor="test")
    with database.reading() as session:
        assert session.exec(select(Attachment)).all() == []


async def test_what_is_too_large_or_not_what_it_says_is_not_kept(world: World) -> None:
    def answers(kind: str, content: bytes, url: str = "https://lookaside.fbsbx.com/x") -> httpx.AsyncClient:
        def handle(request: httpx.Request) -> httpx.Response:
            assert request.url.host in ("graph.facebook.com", "lookaside.fbsbx.com")
            if request.url.host == "graph.facebook.com":
                return httpx.Response(200, json={"url": url, "mime_type": kind, "id": "1"})
            return httpx.Response(200, content=content)

        return httpx.AsyncClient(transport=httpx.MockTransport(handle))

    given = whatsapp_settings(cloud(world))
    assert given is not None
    given = given.model_copy(update={"base_url": "https://graph.facebook.com"})
    for kind, content, why in (
        ("image/jpeg", b"\xff\xd8\xff" + b"x" * 100, "too_large"),
        ("image/jpeg", b"<html>", "not_what_it_says"),
        ("application/x-msdownload", b"MZ", "kind"),
        ("image/svg+xml", b"<svg", "kind"),
    ):
        async with answers(kind, content) as client:
            with pytest.raises(FileRefused, match=why):
                await WhatsAppMedia(given, client, 50).fetch("1", TUESDAY)
    async with answers("image/jpeg", b"\xff\xd8\xff", "https://evil.example/steal?facebook.com") as client:
        with pytest.raises(Exception, match="unreadable_answer"):
            await WhatsAppMedia(given, client, 50).fetch("1", TUESDAY)


async def test_a_file_that_cannot_be_had_is_tried_again_a_bounded_number_of_times(lite: Database, world: World) -> None:
    loan_id = enter_loan(lite)
    phone, _ = person_of(lite, loan_id)
    sent_a_photo(lite, phone, "wamid.p2")
    now = [LATER]
    async with httpx.AsyncClient(trust_env=False) as client:
        errands = Errands(lite, media(world, client), None, lambda: now[0])
        world.fault("meta", "500")
        tries = 0
        while await errands.once():
            tries += 1
            now[0] += timedelta(hours=6)
    with lite.reading() as session:
        [row] = session.exec(select(Attachment)).all()
        assert (tries, row.tries, row.state) == (attachments.MOST_TRIES, attachments.MOST_TRIES, AttachmentState.LOST)


async def test_a_message_nobody_reported_on_is_asked_for_and_its_own_report_later_is_a_repeat(
    lite: Database, world: World
) -> None:
    [person] = world.enrol("unheard", due_date="2026-02-20", as_of="2026-03-10T08:00:00+00:00")
    loan_id = enter_loan(lite, loan_id="unheard", phone=person["phone"], email=person["email"])
    order = remind(loan_id, channels=(Channel.SMS,))
    async with desk_for(lite, cloud(world)) as desk:
        await desk.contact(order)
        sid = desk.row(order).provider_message_id
    here = str(world.http.base_url).rstrip("/")
    async with httpx.AsyncClient(trust_env=False) as client:
        settings = TwilioSettings(
            base_url=here, account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), sender="+15005550006"
        )
        now = [TUESDAY + timedelta(minutes=30)]
        errands = Errands(lite, None, TwilioMessenger(settings, client), lambda: now[0])
        assert await errands.once() == 0
        now[0] = TUESDAY + timedelta(hours=20)
        assert await errands.once() == 1
        assert await errands.once() == 0

    with lite.writing() as session:
        [stored] = session.exec(select(Webhook)).all()
        assert stored.event_key.startswith(f"{sid}:")
        delivery = Delivery(url=stored.url, headers=stored.headers, body=stored.body)
        source = TwilioWebhooks(SecretStr(TOKEN))
        assert source.event_key(delivery) == stored.event_key
        outcome = record_news(session, source.parse(delivery), now[0]).outcome
        assert outcome in ("message_delivered", "message_failed")
