"""Messages that say two things, and words of many countries that say one."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from domain.replies.labels import ORDER, Intent, Reason
from replies import classify
from replies.concepts import concept_of
from replies.data import Example
from replies.features import words_of
from replies.mixing import mixed

AT = datetime(2026, 11, 27, 15, tzinfo=UTC)
_ALONE = [
    Example("cuánto debo?", (Intent.ASK_BALANCE,), None, False, "a"),
    Example("cómo pago?", (Intent.ASK_HOW_TO_PAY,), None, False, "b"),
    Example("me despidieron", (Intent.HARDSHIP,), Reason.JOB_LOSS, False, "c"),
    Example("puedo pagar en cuotas?", (Intent.REQUEST_PLAN,), None, False, "d"),
    Example("gracias", (Intent.ACKNOWLEDGEMENT,), None, False, "e"),
]


def test_two_acts_in_one_message_keep_both_labels_in_the_settled_order() -> None:
    made = list(mixed(_ALONE * 20, random.Random(3), every=1))

    assert {each.intents for each in made} >= {
        (Intent.ASK_HOW_TO_PAY, Intent.ASK_BALANCE),
        (Intent.REQUEST_PLAN, Intent.HARDSHIP),
    }
    for each in made:
        assert list(each.intents) == sorted(set(each.intents), key=ORDER.index)
        assert (each.reason is Reason.JOB_LOSS) == (Intent.HARDSHIP in each.intents)
        assert Intent.ACKNOWLEDGEMENT not in each.intents


@pytest.mark.parametrize(
    "words", ["cuanto debo? y como pago?", "dígame cuánto es y a qué cuenta", "pasame el alias y el monto"]
)
def test_both_questions_are_heard(words: str) -> None:
    assert classify(words, AT, "MX").intents == (Intent.ASK_HOW_TO_PAY, Intent.ASK_BALANCE)


@pytest.mark.parametrize(
    ("words", "concept"),
    [
        ("plata lana guita grana money", "~cash"),
        ("deposito consigno transfiero yapeo", "~payi"),
        ("despidieron corrieron cesante demitido", "~jobloss"),
        ("llaméis llamadme llamen", "~call"),
    ],
)
def test_words_of_many_countries_are_one_thing(words: str, concept: str) -> None:
    assert {concept_of(word) for word in words_of(words)} == {concept}
