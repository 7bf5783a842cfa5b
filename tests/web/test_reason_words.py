"""A reason says the same in each language."""

from __future__ import annotations

import re

from web.reason_words import PHRASES, WORDS


def test_every_phrase_names_the_same_in_each_language() -> None:
    for english, *others in PHRASES:
        wanted = set(re.findall(r"\{(\w+)\}", english)) - {"name"}
        for other in others:
            assert set(re.findall(r"\{(\w+)\}", other)) - {"name"} == wanted, english
    assert set(WORDS["es"]) == set(WORDS["pt"])
