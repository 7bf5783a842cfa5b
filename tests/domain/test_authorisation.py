"""Which channels a person agreed to: a lender's file takes away, and never adds to the person's own word."""

from __future__ import annotations

import pytest

from domain.authorisation import channels_after_file
from domain.contact import Channel


def channels(text: str | None) -> frozenset[Channel] | None:
    return None if text is None else frozenset(Channel(name) for name in text.split())


@pytest.mark.parametrize(
    ("told", "noted", "holding", "told_before", "then"),
    [
        ("sms", None, None, None, "sms"),
        ("sms email", None, "sms", "sms", "sms email"),
        ("sms email", "email", "email", "sms", "email"),
        ("sms email", "", "", "sms", ""),
        ("sms", "sms email", "sms email", "call", "sms"),
        ("sms email", "sms email", "sms", "sms", "sms email"),
        ("sms", "sms whatsapp", "sms whatsapp", "sms", "sms whatsapp"),
        ("sms", "email", "email", None, ""),
    ],
    ids=[
        "nothing was known",
        "only files have spoken",
        "a file adds a channel",
        "a file opens what the person closed altogether",
        "the lender knows of a withdrawal",
        "a file takes its withdrawal back",
        "a file that is no news takes nothing away",
        "they agree on nothing",
    ],
)
def test_of_the_persons_word_and_the_file_holds_what_both_allow(
    told: str, noted: str | None, holding: str | None, told_before: str | None, then: str
) -> None:
    found = channels_after_file(
        channels(told) or frozenset(),
        noted=channels(noted),
        holding=channels(holding),
        told_before=channels(told_before),
    )

    assert found == channels(then)
