"""Each page says the same in every language it is written in."""

from __future__ import annotations

import re

import pytest

from web import agree_words, agreement_words, consent_words, page_words, pay_words, thread_words


@pytest.mark.parametrize(
    "words",
    [
        page_words._WORDS,
        agreement_words.AGREEMENT_WORDS,
        thread_words.THREAD_WORDS,
        agree_words._WORDS,
        pay_words._WORDS,
        consent_words._WORDS,
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
