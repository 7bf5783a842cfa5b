"""One delivery of a provider that tells of several people: none of them can be told of another."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlmodel import select

from domain.contact import Channel, Purpose
from providers.webhooks import sendgrid
from records import contacts, loans, people, person_export, webhooks
from records.contacts import Reserved
from records.database import Database
from records.tables import ContactState, Webhook
from tests.records.portfolios import LENDER, NOW, enter, handed
from web.news import record_news

_PEOPLE = {"L1": "ana@uno.example", "L2": "bea@dos.example"}


def mailed(database: Database) -> None:
    with database.writing() as session:
        rows = [handed(loan_id, email=address) for loan_id, address in _PEOPLE.items()]
        enter(session, rows, campaign_id="c")
        for loan_id, address in _PEOPLE.items():
            loan = loans.get(session, LENDER, loan_id)
            told = {"step": "r1", "occurrence": 1, "purpose": Purpose.COLLECTION, "channel": Channel.EMAIL}
            person = people.of_loan(session, loan)
            taken = contacts.reserve(session, loan, person, template="t", at=NOW, address=address, **told)  # type: ignore[arg-type]
            assert isinstance(taken, Reserved)
            taken.contact.provider, taken.contact.provider_message_id = "sendgrid", f"of-{loan_id}"
            taken.contact.state, taken.contact.sent_at = ContactState.SENT, NOW


def delivered(*loan_ids: str) -> bytes:
    return json.dumps(
        [
            {"event": "delivered", "email": _PEOPLE[each], "sg_message_id": f"of-{each}.x", "sg_event_id": f"e-{each}"}
            for each in loan_ids
        ]
    ).encode()


def take_in(database: Database, body: bytes) -> None:
    at = NOW + timedelta(minutes=1)
    given = {"provider": "sendgrid", "url": "https://us.example/webhooks/sendgrid", "headers": {}, "verified": True}
    with database.writing() as session:
        key = sendgrid.event_key(body)
        kept = webhooks.store(session, event_key=key, body=body, received_at=at, due_at=at, **given)  # type: ignore[arg-type]
        done = record_news(session, sendgrid.parse(body), at)
        webhooks.mark_recorded(session, kept.id, at, outcome=done.outcome, signals=[], persons=done.person_refs)


def known_of(database: Database, loan_id: str) -> str:
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, loan_id))
        return json.dumps(person_export.export(session, person), default=str)


def test_what_told_of_two_people_is_in_nobodys_export_and_not_kept(database: Database) -> None:
    mailed(database)

    take_in(database, delivered("L1", "L2"))

    assert "bea@dos.example" not in known_of(database, "L1")
    assert "ana@uno.example" not in known_of(database, "L2")
    with database.reading() as session:
        [kept] = session.exec(select(Webhook)).all()
        states = [contact.state for contact in contacts.of_loan(session, loans.get(session, LENDER, "L2"))]
    assert (kept.body, kept.person_ref) == (b"", None)
    assert states == [ContactState.DELIVERED]


def test_what_told_of_one_person_is_in_their_export(database: Database) -> None:
    mailed(database)

    take_in(database, delivered("L2"))

    told = json.loads(known_of(database, "L2"))
    assert len(told["messages_of_providers"]) == 1
    assert json.loads(known_of(database, "L1"))["messages_of_providers"] == []
