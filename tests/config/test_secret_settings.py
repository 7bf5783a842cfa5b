"""Secrets of our own making open or sign something: one that anybody guesses is an error at the start."""

from __future__ import annotations

import pytest

from config.settings import BadSettings, load_encryption, load_settings

TOKEN = "RECOBRO_ENCRYPTION__CODEC_TOKEN"
OIDC = {
    "RECOBRO_OIDC__ISSUER": "https://id.example",
    "RECOBRO_OIDC__CLIENT_ID": "recobro",
    "RECOBRO_OIDC__CLIENT_SECRET": "given by the provider",
    "RECOBRO_OIDC__ROLES": "{}",
}


@pytest.mark.parametrize("name", [TOKEN, "RECOBRO_WEB__LINK_SECRET", "RECOBRO_OIDC__STATE_SECRET"])
@pytest.mark.parametrize("given", ["", "s3cret", "x" * 31])
def test_a_secret_that_is_empty_or_short_is_told_in_one_line_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str
) -> None:
    """Given a secret that was left empty or is short, when a process starts, then it ends with what it expected."""
    for each, value in ((OIDC if "OIDC" in name else {}) | {name: given}).items():
        monkeypatch.setenv(each, value)

    with pytest.raises(BadSettings) as told:
        load_settings()

    assert str(told.value) == f"{name}: Value error, expected 32 characters or more, not {len(given)}"


def test_an_empty_codec_token_opens_nothing_because_nothing_starts_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a codec token that was left empty, then not even what only needs the keys has settings; else whoever shows
    an empty token would decode all that Temporal keeps."""
    monkeypatch.setenv(TOKEN, "")

    with pytest.raises(BadSettings, match=TOKEN):
        load_encryption()


def test_a_long_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "x" * 32)

    token = load_encryption().codec_token

    assert token is not None
    assert token.get_secret_value() == "x" * 32
