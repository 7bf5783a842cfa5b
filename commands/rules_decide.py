"""`rules decide`: JSON lines in, a decision a line out."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from domain.contact import Actor, Channel, ContactEvent, ContactRequest, Decision, Moratorium, Purpose, Verdict
from domain.contact_rules import Caps, Profile, RuleBook, decide
from domain.contact_rules.regions import region_code

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_SAME_COUNTRY = {"UK": "GB"}
_TYPO = 0.8


def _within_reason(at: datetime) -> datetime:
    if not _EARLIEST <= at < _LATEST:
        raise ValueError("expected a moment from 2000 to 2099")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_within_reason)]


class LineEvent(ContactEvent):
    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    at: Moment
    loan_id: str | None = Field(None, alias="debt")


class Line(BaseModel):
    """One question, as docs/contact-rules.md describes it."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    country: str
    channel: Channel
    at: Moment
    region: str | None = None
    city: str | None = None
    timezone: str | None = None
    timezones: tuple[str, ...] | None = None
    profile: Profile = Profile.STRICT
    actor: Actor = Actor.CREDITOR
    purpose: Purpose = Purpose.COLLECTION
    person: str | None = None
    debt: str | None = None
    flags: frozenset[str] | None = None
    authorised_channels: frozenset[Channel] | None = None
    moratorium: Moratorium | None = None
    events: tuple[LineEvent, ...] | None = None

    def request(self, book: RuleBook) -> ContactRequest:
        zones = dict.fromkeys((*(self.timezones or ()), *((self.timezone,) if self.timezone else ())))
        country = self.country.strip().upper()
        country = _SAME_COUNTRY.get(country, country)
        pack, region = book.pack(country), self.region or None
        if pack is not None and region is not None:
            # One that is no region stays as it is, and the rules refuse it.
            region = region_code(pack, region) or region
        return ContactRequest.model_construct(
            loan_id=self.debt or "",
            channel=self.channel,
            purpose=self.purpose,
            country=country,
            region=region,
            timezones=tuple(zones),
            opted_out=frozenset(),
            flags=self.flags or frozenset(),
            city=self.city or None,
            actor=self.actor,
            authorised_channels=self.authorised_channels,
            moratorium=self.moratorium,
        )


_KEYS = frozenset({"id", *Line.model_fields})
_EVENT_KEYS = frozenset({"at", "channel", "kind", "debt", "actor"})


class BadLine(ValueError):
    """A line that asks nothing that can be answered; the text names the field and never its value."""


def answers(lines: Iterable[bytes], books: Mapping[Profile, RuleBook], caps: Caps) -> Iterator[tuple[bool, str]]:
    """For each line that is not empty: whether it was good, and the line of JSON that answers it."""
    for number, line in enumerate(lines, 1):
        text = line.strip(b" \t\r\n\xef\xbb\xbf") if number == 1 else line.strip()
        if not text:
            continue
        given: Any = None
        try:
            given = _object(text)
            yield True, _dump(_answer(given, books, caps))
        except BadLine as wrong:
            name = given.get("id") if isinstance(given, dict) else None
            yield (
                False,
                _dump({"id": name if isinstance(name, str | int) else None, "error": f"line {number}: {wrong}"}),
            )


def _object(text: bytes) -> Any:
    try:
        given = json.loads(text)
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


def _answer(given: dict[str, Any], books: Mapping[Profile, RuleBook], caps: Caps) -> dict[str, Any]:
    name = given.get("id")
    if not isinstance(name, str | int):
        raise BadLine("id: expected a text or a number")
    _keys(given, _KEYS, "")
    events = given.get("events")
    if isinstance(events, list):
        for number, event in enumerate(events):
            if isinstance(event, dict) and not event.keys() <= _EVENT_KEYS:
                _keys(event, _EVENT_KEYS, f"events.{number}.")
    try:
        line = Line.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadLine(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None
    try:
        decision = decide(line.request(books[line.profile]), line.at, line.events or (), books[line.profile], caps)
    except OverflowError:
        raise BadLine("at: out of range") from None
    return {"id": name, **told(decision, line.timezone or (line.timezones[0] if line.timezones else None))}


def _keys(given: Mapping[str, Any], known: frozenset[str], prefix: str) -> None:
    """Keys of the caller's own pass; one that is nearly ours was meant to be ours, and must not be left unread."""
    for key in given.keys() - known:
        near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=_TYPO)
        if near:
            raise BadLine(f"{prefix}{key}: no such key; did you mean {near[0]}?")


def told(decision: Decision, timezone: str | None) -> dict[str, Any]:
    """A decision as JSON; `not_before` on the person's own clock."""
    answer: dict[str, Any] = {"decision": decision.verdict.value}
    if decision.verdict is Verdict.NOT_BEFORE and decision.not_before is not None:
        answer["not_before"] = decision.not_before.astimezone(ZoneInfo(timezone or "UTC")).isoformat()
    answer["reasons"] = [
        {"rule": reason.rule, "source": reason.source, "text": reason.text} for reason in decision.reasons
    ]
    return answer


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
