"""`replies classify`: JSON lines in, what each message says out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from domain.replies.labels import Understanding
from replies.classify import Classifier

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
CHANNELS = frozenset({"sms", "whatsapp", "email", "call", "voice", "letter", "web"})


class BadLine(ValueError):
    """A line that holds no message; the text names the field and never its value."""


def answers(lines: Iterable[bytes], classifier: Classifier) -> Iterator[tuple[bool, dict[str, Any]]]:
    """For each line that is not empty: whether it was good, and the object that answers it."""
    for number, line in enumerate(lines, 1):
        raw = line.strip(b" \t\r\n\xef\xbb\xbf") if number == 1 else line.strip()
        if not raw:
            continue
        name: str | int | None = None
        try:
            given = _object(raw)
            name = _id(given)
            yield True, told(name, _understood(given, classifier))
        except BadLine as wrong:
            yield False, {"id": name, "error": f"line {number}: {wrong}"}


def told(name: str | int, said: Understanding) -> dict[str, Any]:
    """An understanding as JSON: the day as YYYY-MM-DD, the amount as text with two decimals."""
    return {
        "id": name,
        "intents": [intent.value for intent in said.intents],
        "confidence": said.confidence,
        "reason": said.reason.value if said.reason else None,
        "promise_date": said.promise_date.isoformat() if said.promise_date else None,
        "promise_amount": str(said.promise_amount) if said.promise_amount is not None else None,
        "needs_human": said.needs_human,
        "language": said.language,
    }


def _object(raw: bytes) -> dict[str, Any]:
    try:
        given = json.loads(raw)
    except RecursionError:
        raise BadLine("nested too deeply") from None
    except UnicodeDecodeError:
        raise BadLine("expected UTF-8") from None
    except ValueError as error:
        where = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadLine(f"no JSON{where}: expected one object a line") from None
    if not isinstance(given, dict):
        raise BadLine("expected a JSON object")
    return given


def _id(given: dict[str, Any]) -> str | int:
    name = given.get("id")
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise BadLine("id: expected a text or a number")
    return name


def _understood(given: dict[str, Any], classifier: Classifier) -> Understanding:
    text, country, channel = given.get("text"), given.get("country"), given.get("channel", "sms")
    if not isinstance(text, str):
        raise BadLine("text: expected a text")
    if not isinstance(country, str) or len(country.strip()) != 2 or not country.strip().isalpha():
        raise BadLine("country: expected two letters, such as MX")
    if channel is not None and (not isinstance(channel, str) or not channel):
        raise BadLine("channel: expected a text, such as sms")
    country = country.strip().upper()
    return classifier.understand(
        text.encode("utf-8", "replace").decode("utf-8"),
        _moment(given.get("sent_at")),
        "GB" if country == "UK" else country,
        channel or "sms",
    )


def _moment(given: Any) -> datetime:
    if not isinstance(given, str):
        raise BadLine("sent_at: expected a moment, such as 2026-11-27T10:30:00-05:00")
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise BadLine("sent_at: expected a moment, such as 2026-11-27T10:30:00-05:00") from None
    if not _EARLIEST <= (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) < _LATEST:
        raise BadLine("sent_at: expected a moment from 2000 to 2099")
    return moment
