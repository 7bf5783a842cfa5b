"""Phrases that leave no doubt, and words that are the whole message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.replies.labels import Intent
from replies import classify
from replies.cues import said_in
from replies.data import TRAINING, read_folder
from replies.features import words_of

AT = datetime(2026, 11, 27, 15, tzinfo=UTC)


def test_a_phrase_that_leaves_no_doubt_is_right_on_what_people_wrote() -> None:
    examples = read_folder(TRAINING)[::4]

    told = [(intent, example) for example in examples for intent in said_in(words_of(example.text))]
    wrong = [example.text for intent, example in told if intent not in example.intents]

    assert len(told) > 80
    assert len(wrong) <= len(told) * 0.03, wrong


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("claro que voy a pagar, cuenten con ello", Intent.PROMISE_TO_PAY),
        ("quiero cancelar mi deuda hoy", Intent.PROMISE_TO_PAY),
        ("no", Intent.OTHER),
        ("paguen ustedes", Intent.REFUSAL),
        ("mi tío, el titular, ya descansa en paz", Intent.VULNERABLE),
        ("llevo dos meses pidiendo mi paz y salvo", Intent.COMPLAINT),
        ("ese link es raro, para mí que me quieren robar", Intent.DISPUTE),
        ("asesor", Intent.REQUEST_AGENT),
    ],
)
def test_what_leaves_no_doubt_comes_first(words: str, intent: Intent) -> None:
    assert classify(words, AT, "MX").intent is intent


def test_a_promise_in_mockery_is_no_promise() -> None:
    assert classify("claro que sí, les voy a pagar... en sus sueños", AT, "MX").intent is Intent.REFUSAL
