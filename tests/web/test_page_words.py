"""Each page says the same in every language it is written in."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from domain.agreements.model import Via
from domain.collection import apply
from domain.contact import Channel
from domain.entering import enter
from domain.events.agreements import PromiseMade
from domain.events.borrower import Circumstance, CircumstanceReported
from domain.events.control import Pause
from domain.events.loan_event import LoanEvent
from domain.replies.labels import Intent
from records.tables import ContactState
from tests.domain.simulated_loan import CATALOGUE, START, facts, strategy
from web import (
    agree_words,
    agreement_words,
    consent_words,
    documents,
    message_words,
    page_words,
    pay_words,
    refused_pages,
    standstill,
    thread_words,
    unsubscribe,
)


@pytest.mark.parametrize(
    "words",
    [
        page_words._WORDS,
        agreement_words.AGREEMENT_WORDS,
        thread_words.THREAD_WORDS,
        message_words.MESSAGE_WORDS,
        agree_words._WORDS,
        pay_words._WORDS,
        consent_words._WORDS,
        standstill.STANDSTILL_WORDS,
        refused_pages._WORDS,
        documents._WORDS,
        unsubscribe._WORDS,
    ],
)
def test_every_language_has_every_word_another_has_with_the_same_places(words: dict[str, dict[str, str]]) -> None:
    assert set(words) == {"en", "es", "pt"}
    for key in {key for said in words.values() for key in said}:
        places = {language: sorted(re.findall(r"\{\w*\}", said[key])) for language, said in words.items()}
        assert places["en"] == places["es"] == places["pt"], key


def test_whose_browser_asks_for_portuguese_reads_it() -> None:
    language, words = page_words.words_for("pt-BR,pt;q=0.9,en;q=0.8")

    assert (language, words["approve"]) == ("pt", "Aprovar")


@pytest.mark.parametrize("language", ["en", "es", "pt"])
def test_every_intent_and_every_state_of_a_message_has_words(language: str) -> None:
    words = message_words.MESSAGE_WORDS[language]

    assert {f"intent_{intent.value}" for intent in Intent} <= set(words)
    assert {f"state_{state.value}" for state in ContactState} <= set(words)


@pytest.mark.parametrize("language", ["en", "es", "pt"])
def test_every_channel_of_a_conversation_has_words(language: str) -> None:
    said = {channel.value for channel in Channel} | {"case"}

    assert {f"channel_{each}" for each in said} <= set(message_words.MESSAGE_WORDS[language])


@pytest.mark.parametrize("words", [agree_words._WORDS, pay_words._WORDS, consent_words._WORDS, documents._WORDS])
def test_the_pages_that_messages_lead_to_address_a_borrower_as_the_messages_do(
    words: dict[str, dict[str, str]],
) -> None:
    formal = re.compile(r"\b(usted|su|sus|suyo|le|llame|elija|pague|vea|díganos|llámenos)\b", re.IGNORECASE)

    assert {key: said for key, said in words["es"].items() if formal.search(said)} == {}


PROMISE = PromiseMade(amount_minor=30_000, date=date(2026, 3, 10), by="agent-1", via=Via.AGENT)


@pytest.mark.parametrize(
    ("event", "language", "words"),
    [
        (CircumstanceReported(kind=Circumstance.BEREAVEMENT), "es", "Fallecimiento comunicado: tiene que decidir"),
        (CircumstanceReported(kind=Circumstance.DISPUTE), "pt", "Contestação comunicada: uma pessoa precisa decidir"),
        (Pause(until=datetime(2026, 3, 9, 14, tzinfo=UTC)), "es", "En pausa hasta el 9 mar 2026, 14:00 UTC"),
        (PROMISE, "pt", "Promessa 1 até 10 de mar. de 2026"),
        (PROMISE, "es", "Compromiso 1 hasta el 10 mar 2026"),
        (PROMISE, "en", "Promise 1 until"),
    ],
)
def test_why_a_loan_stands_still_is_told_in_the_language_of_the_page(
    event: LoanEvent, language: str, words: str
) -> None:
    state = enter(facts(), strategy(**CATALOGUE), START)
    assert standstill.standstill(state, language) is None

    state, _ = apply(state, event, START)

    assert words in (standstill.standstill(state, language) or "")


@pytest.mark.parametrize(
    ("end", "told"), [(None, None), ("written_off", "dado por perdido"), ("lost_file", "lost file")]
)
def test_how_a_loan_ended_is_told_too(end: str | None, told: str | None) -> None:
    assert standstill.ended_as(end, "es") == told
