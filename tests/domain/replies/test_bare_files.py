"""Files that come without a word."""

from __future__ import annotations

import pytest

from domain.replies.bare_files import is_heard, said_by, shown_as
from domain.replies.labels import Intent


@pytest.mark.parametrize("kind", ["image", "document"])
def test_a_photo_or_a_document_is_a_receipt(kind: str) -> None:
    said = said_by(kind, "es")

    assert (said.intents, said.needs_human) == ((Intent.PAYMENT_RECEIPT,), False)


@pytest.mark.parametrize("kind", ["audio", "voice", "video", "hologram"])
def test_what_has_to_be_listened_to_or_watched_is_for_a_person(kind: str) -> None:
    said = said_by(kind, "es")

    assert (said.intents, said.needs_human) == ((Intent.OTHER,), True)


def test_a_file_stands_in_the_conversation_in_the_language_of_its_person() -> None:
    assert [shown_as("image", language) for language in ("es", "pt", "en", "xx")] == [
        "[imagen]", "[imagem]", "[image]", "[imagen]",
    ]  # fmt: skip
    assert shown_as("hologram", "pt") == "[arquivo]"


def test_a_sticker_says_nothing() -> None:
    assert not is_heard("sticker")
    assert is_heard("voice")
