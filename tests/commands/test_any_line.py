"""Whatever is on a line of `rules decide` or `webhooks verify`: one answer for it, never a traceback."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import rules_decide, webhooks_verify
from config.jurisdictions import load_rulebooks
from domain.contact_rules import Caps, Profile, RuleBook
from tests.commands.test_rules import QUESTION
from tests.commands.test_webhooks_verify import VECTORS
from tests.nasty import JSON, TEXT, fuzzing

NOW = datetime(2026, 3, 14, tzinfo=UTC)
NASTY = st.binary(max_size=120) | st.sampled_from(
    [b"[" * 100_000, b'{"a":' * 20_000, b"9" * 10_000, b"\x00", b"\xef\xbb\xbf{}"]
)


@pytest.fixture(scope="module")
def books() -> dict[Profile, RuleBook]:
    return load_rulebooks()


def changed(good: dict[str, Any]) -> st.SearchStrategy[bytes]:
    keys = st.sampled_from([*good, "event", "body_base64", "timezones"]) | TEXT
    return st.dictionaries(keys, JSON, min_size=1, max_size=3).map(
        lambda change: json.dumps({**good, **change}).encode()
    )


@fuzzing(80)
@given(line=NASTY | changed(QUESTION))
def test_any_line_of_rules_decide(books: dict[Profile, RuleBook], line: bytes) -> None:
    lines = line.replace(b"\r", b" ").split(b"\n")

    for good, answer in rules_decide.answers(lines, books, Caps()):
        assert ("decision" in json.loads(answer)) is good


@fuzzing(120)
@given(line=NASTY | st.sampled_from(VECTORS).flatmap(changed))
def test_any_line_of_webhooks_verify(line: bytes) -> None:
    for good, answer in webhooks_verify.answers([line], lambda: NOW):
        assert ("verdict" in json.loads(answer)) is good
