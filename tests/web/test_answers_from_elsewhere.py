"""Answers to messages of ours from addresses that the records do not know of whom they went to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import select

from domain.contact import Channel, Purpose
from domain.webhook_news import InboundNews
from records import audit, contacts, people
from records.database import Database
from records.tables import ContactState, InboundMessage
from tests.records.portfolios import LENDER, entered
from web.consequence import Consequence
from web.hearing import MessageReader
from web.inbound_news import record_inbound

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PHONE, ELSEWHERE = "+34600000001", "+34699887766"


def wrote_to_ana(database: Database, **address: str) -> None:
    """L1 and L2 are Ana's, and she was written to about L1 by each way."""
    address |= {"phone": PHONE, "email": "ana@example.com"}
    with database.writing() as session:
        entered(session, "L1", "L2", person_id="p-1", **address)
        loan, person = contacts.lock_person(session, LENDER, "L1")
        for provider, channel in (("meta", Channel.WHATSAPP), ("smtp", Channel.EMAIL)):
            contact = contacts.reserve(
                session, loan, person, step=channel.value, occurrence=1, purpose=Purpose.COLLECTION, channel=channel,
                template="first", at=NOW,
            ).contact  # fmt: skip
            contact.message_id = f"own-{channel}"
            contacts.advance(
                session, contact, ContactState.SENT, at=NOW, provider=provider, provider_message_id=f"wa.{channel}"
            )


def heard(database: Database, text: str, **more: Any) -> Consequence:
    told: dict[str, Any] = {
        "provider": "meta", "channel": Channel.WHATSAPP, "provider_message_id": "wa.new", "sender_address": ELSEWHERE,
        "quotes": "wa.whatsapp",
    }  # fmt: skip
    with database.writing() as session:
        return record_inbound(session, InboundNews(text=text, **(told | more)), NOW, MessageReader())


def closed(database: Database) -> frozenset[Channel]:
    with database.reading() as session:
        return people.opted_out(session, people.by_phone(session, PHONE)[0])


def shown(database: Database) -> list[tuple[str | None, str | None, dict[str, Any]]]:
    with database.reading() as session:
        rows = audit.of_action(session, "webhook_needs_person")
        return [(row.lender, row.loan_id, row.details) for row in rows]


def is_shown(channel: str, reference: str = "wa.new") -> list[tuple[str, str, dict[str, str]]]:
    return [
        (LENDER, "L1", {"kind": "answer_from_another_address", "channel": channel, "reference": reference})
    ]  # fmt: skip


@pytest.mark.parametrize("sender", [ELSEWHERE, ""])
@pytest.mark.parametrize("words", ["BAJA", "no me escriban más"])
def test_a_stop_that_quotes_our_message_from_another_number_closes_whatsapp(
    database: Database, words: str, sender: str
) -> None:
    """Given a borrower with a new number, or one that Meta hides, when they quote our message and ask for silence, then
    it is closed for all their loans, and a person is shown it; nothing is kept as theirs."""
    wrote_to_ana(database)

    told = heard(database, words, sender_address=sender)

    assert Channel.WHATSAPP in closed(database)
    assert {(each.name, each.loan_id, each.payload["channel"]) for each in told.signals} >= {
        ("opt_out", loan_id, "whatsapp") for loan_id in ("L1", "L2")
    }
    assert told.person_refs
    assert shown(database) == is_shown("whatsapp")
    with database.reading() as session:
        assert session.exec(select(InboundMessage)).all() == []


@pytest.mark.parametrize("words", ["mañana pago", "sí", "ya pagué", "ALTA", "número equivocado"])
def test_other_words_that_quote_our_message_from_another_number_are_shown_and_heard_by_nobody(
    database: Database, words: str
) -> None:
    wrote_to_ana(database)

    told = heard(database, words)

    assert (told.outcome, told.signals, closed(database)) == ("unknown_sender", (), frozenset())
    assert shown(database) == is_shown("whatsapp")


@pytest.mark.parametrize("more", [{"quotes": None}, {"quotes": "wa.of-nobody"}, {"quotes": "wa.email"}])
def test_a_strangers_stop_that_quotes_nothing_of_ours_closes_nothing_and_is_noted(
    database: Database, more: dict[str, Any]
) -> None:
    wrote_to_ana(database)

    told = heard(database, "BAJA", **more)

    assert (told.outcome, told.signals, closed(database)) == ("unknown_sender", (), frozenset())
    with database.reading() as session:
        [row] = audit.of_action(session, "message_from_unknown_sender")
    assert row.details == {"channel": "whatsapp", "reference": "wa.new"}


def test_a_reaction_from_another_number_is_shown_to_nobody(database: Database) -> None:
    wrote_to_ana(database)

    told = heard(database, "", kind="reaction")

    assert (told.outcome, shown(database)) == ("unknown_sender", [])


def test_a_stop_from_another_mailbox_ends_nothing_and_is_shown_to_a_person(database: Database) -> None:
    wrote_to_ana(database)

    told = heard(
        database, "BAJA", provider="mail", channel=Channel.EMAIL, sender_address="eva@example.com", quotes=None,
        answers=("own-email",), provider_message_id="m1",
    )  # fmt: skip

    assert (told.outcome, told.signals, closed(database)) == ("unknown_sender", (), frozenset())
    assert shown(database) == is_shown("email", "m1")


def test_a_stop_from_the_number_that_is_known_is_heard_as_ever(database: Database) -> None:
    wrote_to_ana(database)

    told = heard(database, "BAJA", sender_address=PHONE)

    assert told.outcome == "message_opt_out"
    assert Channel.WHATSAPP in closed(database)
    assert shown(database) == []
