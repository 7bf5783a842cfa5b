"""Records that an older version kept under WhatsApp's own ids: after the upgrade no number is read out of them, and
what Meta tells of those messages still finds them."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from typing import Any

from alembic import command
from sqlalchemy import NullPool, create_engine, text
from sqlmodel import select

from domain.contact import Channel, Purpose
from domain.message_names import of_whatsapp
from providers.webhooks import meta
from records import agreements, attachments, contacts, loans, people, person_export, webhooks
from records.contacts import Reserved
from records.database import Database, alembic_config
from records.tables import AgreementEvidence, Attachment, Contact, ContactState, InboundMessage, Webhook
from tests.records.portfolios import LENDER, NOW, entered

NUMBER = "34600000001"


def wamid(own: str) -> str:
    told = b"\x1c\x18\x0b" + NUMBER.encode() + b"\x15\x02\x00\x12\x18\x14" + own.ljust(20, "0").encode() + b"\x00"
    return "wamid." + base64.b64encode(told).decode()


SENT, WROTE, BOTH = wamid("5E47"), wamid("3A4A"), wamid("B07A")


def posted(**value: list[dict[str, Any]]) -> bytes:
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", **value}}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()


DELIVERED = posted(statuses=[{"id": SENT, "status": "delivered"}])
TOLD = posted(messages=[{"from": NUMBER, "id": WROTE, "type": "text", "text": {"body": "vale"}}])
SEVERAL = posted(statuses=[{"id": SENT, "status": "read"}, {"id": BOTH, "status": "read"}])


def keep(database: Database, event_key: str, body: bytes, provider: str = "meta", outcome: str = "message") -> int:
    with database.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        told = {"provider": provider, "url": "u", "headers": {}, "verified": True, "received_at": NOW, "due_at": NOW}
        kept = webhooks.store(session, event_key=event_key, body=body, **told)  # type: ignore[arg-type]
        signal = {"name": "reply_understood", "payload": {"message_id": f"meta:{WROTE}", "confidence": 0.9}}
        given: dict[str, Any] = {"outcome": outcome, "signals": [signal], "persons": [person.id]}
        webhooks.mark_recorded(session, kept.id, NOW, **given)
        return kept.id


def filled(database: Database) -> None:
    """A message that was sent, one that came with a file, a yes to an agreement, and what Meta told of them."""
    with database.writing() as session:
        entered(session, "L1")
        loan = loans.get(session, LENDER, "L1")
        person = people.of_loan(session, loan)
        told = {"step": "r1", "occurrence": 1, "purpose": Purpose.COLLECTION, "channel": Channel.WHATSAPP}
        taken = contacts.reserve(session, loan, person, template="t", at=NOW, **told)  # type: ignore[arg-type]
        assert isinstance(taken, Reserved)
        taken.contact.provider, taken.contact.provider_message_id = "meta", SENT
        taken.contact.state, taken.contact.sent_at = ContactState.SENT, NOW
        assert loan.id is not None
        assert person.id is not None
        said: dict[str, Any] = {"intents": ["acknowledgement"], "confidence": 0.9, "needs_human": False}
        session.add(
            InboundMessage(
                person_ref=person.id,
                loan_ref=loan.id,
                at=NOW,
                channel=Channel.WHATSAPP,
                provider="meta",
                provider_message_id=WROTE,
                text="vale",
                language="es",
                **said,
            )
        )
        file: dict[str, Any] = {"media_id": "1003383421387256", "kind": "image", "mime_type": "image/jpeg"}
        named: dict[str, Any] = {"provider": "meta", "provider_message_id": WROTE, "caption": None, "at": NOW}
        attachments.note(session, person, loan, channel=Channel.WHATSAPP, **file, **named)
        agreements.keep_words(session, loan, "vale", at=NOW, message_id=f"meta:{WROTE}")
        agreements.keep_words(session, loan, "sí", at=NOW, message_id="call:r1:1")


def at_the_version_before(database: Database, url: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), "0032")


def everything(url: str) -> str:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    tables = ("contact", "inbound_message", "attachment", "webhook", "agreement_evidence")
    with engine.connect() as connection:
        return str([connection.execute(text(f"SELECT * FROM {table}")).all() for table in tables])


def test_no_number_is_read_out_of_ids_and_what_meta_tells_of_old_messages_finds_them(
    database: Database, database_url: str
) -> None:
    filled(database)
    keep(database, f"{SENT}:sent", b"{}")
    keep(database, WROTE, b"{}")
    at_the_version_before(database, database_url)

    database.migrate()

    left = [token for token in re.findall(r"[A-Za-z0-9+/]{20,}", everything(database_url)) if numbered(token)]
    assert left == []
    (status,) = meta.parse(DELIVERED)
    (message,) = meta.parse(TOLD)
    with database.reading() as session:
        contact = contacts.by_message(session, "meta", status.provider_message_id)  # type: ignore[union-attr]
        assert contact is not None
        assert contact.id == session.exec(select(Contact.id)).one()
        name = message.provider_message_id  # type: ignore[union-attr]
        assert session.exec(select(InboundMessage.provider_message_id)).one() == name
        assert session.exec(select(Attachment.provider_message_id)).one() == name
        evidence = session.exec(select(AgreementEvidence.message_id).order_by(AgreementEvidence.id)).all()  # type: ignore[arg-type]
        assert list(evidence) == [f"meta:{name}", "call:r1:1"]
        owed = [signal["payload"]["message_id"] for row in session.exec(select(Webhook)) for signal in row.signals]
        assert owed == [f"meta:{name}"] * 2


def numbered(token: str) -> bool:
    whole = token[: len(token) // 4 * 4]
    return NUMBER.encode() in base64.b64decode(whole)


def test_a_delivery_that_comes_again_after_the_upgrade_is_a_duplicate(database: Database, database_url: str) -> None:
    filled(database)
    of_several = meta.event_key(SEVERAL)
    keep(database, f"{SENT}:delivered", DELIVERED)
    keep(database, WROTE, TOLD)
    keep(database, of_several, SEVERAL)
    keep(database, "wamid.of-another-provider", b"{}", provider="lender")
    at_the_version_before(database, database_url)

    database.migrate()

    with database.reading() as session:
        kept = {row.event_key for row in session.exec(select(Webhook))}
    assert kept == {meta.event_key(DELIVERED), meta.event_key(TOLD), of_several, "wamid.of-another-provider"}
    assert meta.event_key(DELIVERED) == f"{of_whatsapp(SENT)}:delivered"


def test_what_an_older_version_sealed_under_one_person_beside_a_strangers_words_is_in_nobodys_export(
    database: Database, database_url: str
) -> None:
    filled(database)
    both = keep(database, "all:1", b'{"text": "words of a stranger"}', outcome="message_unclear, unknown_sender")
    alone = keep(database, "one", b'{"text": "words of their own"}', provider="twilio")
    at_the_version_before(database, database_url)

    database.migrate()

    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        told = json.dumps(person_export.export(session, person), default=str)
        bodies = {row.id: bytes(row.body) for row in session.exec(select(Webhook))}
    assert "words of a stranger" not in told
    assert "words of their own" in told
    assert (bodies[both], bodies[alone]) == (b"", b'{"text": "words of their own"}')


def test_the_upgrade_takes_more_rows_than_one_page(database: Database, database_url: str) -> None:
    with database.writing() as session:
        rows = [
            {"key": f"wamid.{number}:sent", "at": NOW + timedelta(seconds=number), "yes": True, "nothing": b""}
            for number in range(2_100)
        ]
        session.connection().execute(
            text(
                "INSERT INTO webhook (provider, event_key, url, body, headers, received_at, verified, signals, "
                "relay_attempts, next_try_at) VALUES ('meta', :key, '', :nothing, '{}', :at, :yes, '[]', 0, :at)"
            ),
            rows,
        )
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), "0032")

    database.migrate()

    with engine.connect() as connection:
        kept = set(connection.execute(text("SELECT event_key FROM webhook")).scalars())
    assert kept == {f"{of_whatsapp(f'wamid.{number}')}:sent" for number in range(2_100)}
