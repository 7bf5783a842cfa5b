"""A message as content rules see it: its parts, what it must be able to show, and what it is sent in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser

from pydantic import BaseModel, ConfigDict

from domain.contact import Actor, Channel, Purpose
from domain.content_rules.model import Need, Part


class Wording(BaseModel):
    """What is said. `html` is markup; what a reader sees of it is what counts."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    subject: str | None = None
    text: str
    html: str | None = None

    def parts(self) -> Iterator[tuple[Part, str]]:
        if self.subject is not None:
            yield Part.SUBJECT, self.subject
        yield Part.TEXT, self.text
        if self.html is not None:
            yield Part.HTML, visible_text(self.html)


class Facts(BaseModel):
    """What is known of sender and debt, as it is spelled in the message; each fact may have several spellings.

    Empty: not known.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    creditor: tuple[str, ...] = ()
    agency: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    phone: tuple[str, ...] = ()
    responsible: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()
    amount: tuple[str, ...] = ()
    calculated_on: tuple[str, ...] = ()

    def of(self, need: Need) -> tuple[str, ...]:
        value: tuple[str, ...] = getattr(self, need.value)
        return value


class Circumstances(BaseModel):
    """Where and how a message goes out.

    `market` is the country of the person (ISO 3166-1 alpha-2). `told`: the purposes of the messages about this loan
    that are known to have reached them. `debt_age_years` counts from the oldest unpaid due date; None is not known.
    """

    model_config = ConfigDict(frozen=True)

    market: str
    channel: Channel
    purpose: Purpose = Purpose.COLLECTION
    actor: Actor = Actor.CREDITOR
    told: frozenset[Purpose] = frozenset()
    disputed: bool = False
    debt_age_years: float | None = None
    promotion_consent: bool = False


class _Seen(HTMLParser):
    """Collects what a reader sees. Blocks end sentences; words keep together across inline marks."""

    _SILENT = frozenset({"style", "script"})
    _BLOCKS = frozenset(
        {"p", "div", "br", "tr", "td", "th", "li", "h1", "h2", "h3", "h4", "title", "table", "ul", "ol"}
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        if tag in self._BLOCKS:
            self.pieces.append("\n\n")
        self.pieces += [f" {value} " for name, value in attrs if name in ("alt", "title") and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        if tag in self._BLOCKS:
            self.pieces.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


@lru_cache(maxsize=64)
def visible_text(html: str) -> str:
    """What a reader of `html` sees, without markup."""
    seen = _Seen()
    seen.feed(html)
    seen.close()
    return "".join(seen.pieces)
