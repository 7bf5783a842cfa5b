"""Headers by which a mail program offers to end a sender's mails with one click (RFC 2369, RFC 8058)."""

from __future__ import annotations


def unsubscribe_headers(url: str | None) -> dict[str, str]:
    """`url` takes a POST without any further question. Only over https may a program do so; else there is no header.

    The relay must sign these headers too (DKIM `h=`), or programs do not act on them.
    """
    if url is None or not url.isascii() or any(char in url for char in " <>\r\n"):
        return {}
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
