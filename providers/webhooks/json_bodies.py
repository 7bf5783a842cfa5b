"""Reading a proven webhook's body as JSON."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from providers.webhooks.refused import RefusedReason, WebhookRefused

_LONGEST_KEY = 200
_WRITTEN = re.compile(r"[!-~]*")
LONGEST_NAME: Final = 64
"""Characters of a lender's or a loan's name."""


def json_object(provider: str, raw_body: bytes) -> dict[str, Any]:
    """The body's object. Raises WebhookRefused (UNREADABLE)."""
    try:
        value = json.loads(raw_body)
    except (ValueError, RecursionError):
        raise WebhookRefused(provider, RefusedReason.UNREADABLE) from None
    if not isinstance(value, dict):
        raise WebhookRefused(provider, RefusedReason.UNREADABLE)
    return value


def objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; anything else in it, or anything else than a list, is left out."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def named(value: object, longest: int = 128) -> str | None:
    """An id as the records and loans can hold it: plain characters without spaces. None for anything else."""
    return value if isinstance(value, str) and 0 < len(value) <= longest and _WRITTEN.fullmatch(value) else None


def one_key(provider: str, parts: Sequence[str]) -> str:
    """One key for a delivery that tells several things, the same whenever it tells the same things.

    Raises WebhookRefused (UNREADABLE) where there is nothing to tell deliveries apart by.
    """
    if not parts:
        raise WebhookRefused(provider, RefusedReason.UNREADABLE)
    if len(parts) == 1 and len(parts[0]) <= _LONGEST_KEY and parts[0].isprintable():
        return parts[0]
    return f"all:{hashlib.sha256(chr(10).join(parts).encode(errors='surrogatepass')).hexdigest()}"
