"""Headers of a mail that both ways of sending it share."""

from __future__ import annotations

from collections.abc import Sequence


def unsubscribe_headers(url: str | None) -> dict[str, str]:
    """By which a mail program offers to end a sender's mails with one click (RFC 2369, RFC 8058).

    `url` takes a POST without any further question. Only over https may a program do so; else there is no header.

    The relay must sign these headers too (DKIM `h=`), or programs do not act on them.
    """
    if url is None or not url.isascii() or any(char in url for char in " <>\r\n"):
        return {}
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def thread_headers(answers: Sequence[str]) -> dict[str, str]:
    """By which a mail program shows an answer beneath what it answers (RFC 5322 3.6.4), the mail answered last."""
    plain = [each for each in answers if each.isascii() and not any(char in each for char in " \r\n\t")]
    return {"In-Reply-To": plain[-1], "References": " ".join(plain)} if plain else {}
