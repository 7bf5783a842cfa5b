"""Templates as a platform approved them, and which of ours may be sent by one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.platform_rules.whatsapp import Category, Quality

PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class TemplateStatus(StrEnum):
    """How a template stands with the platform; only APPROVED is sent. UNKNOWN: the platform was not heard yet."""

    APPROVED = "approved"
    PENDING = "pending"
    REJECTED = "rejected"
    PAUSED = "paused"
    DISABLED = "disabled"
    LIMIT_EXCEEDED = "limit_exceeded"
    DELETED = "deleted"
    UNKNOWN = "unknown"


class PlatformTemplate(BaseModel):
    """A template as the platform holds it. `body` is its text with its places; None: not told."""

    model_config = ConfigDict(frozen=True)

    name: str
    language: str
    status: TemplateStatus
    category: Category | None = None
    quality: Quality = Quality.UNKNOWN
    body: str | None = None
    reason: str = ""
    at: AwareDatetime | None = None


class OurTemplate(BaseModel):
    """One way to say a message of ours by a platform's template.

    `template` and `written_in` are ours (a name and a language of two letters); `name` and `language` are the
    platform's. `body` is the text with its places, `{{name}}` or `{{1}}`, exactly as it was submitted; `variables`
    are the values of ours in the order of the places.
    """

    model_config = ConfigDict(frozen=True)

    template: str
    written_in: str
    name: str
    language: str
    category: Category
    named: bool
    body: str
    variables: tuple[str, ...]
    countries: frozenset[str] = frozenset()
    """Only for people of these countries; empty: of all."""


class Unusable(StrEnum):
    """Why no template can carry a message."""

    NOT_MAPPED = "not_mapped"
    NOT_APPROVED = "not_approved"
    STOPPED = "stopped"
    OTHER_WORDS = "other_words"


def candidates(
    ours: Iterable[OurTemplate], template: str, language: str, country: str, present: frozenset[str]
) -> tuple[OurTemplate, ...]:
    """Those that say `template` with the values there are, in the order of the file.

    `present` are our values that this message has. A link or a line the law asks for must not be lost, so one that
    has no place for them is none. A country's own stand before those for all, and one that brings the document's
    address, or names the day by which a person answers, before one that does not.
    """
    must = present & {"link_url", "legal_notice"}
    found = [
        one
        for one in ours
        if one.template == template
        and one.written_in == language
        and (not one.countries or country in one.countries)
        and must <= set(one.variables) <= present
    ]
    # What some have a place for and others not, and the message is poorer without.
    return tuple(
        sorted(
            found,
            key=lambda one: (not one.countries, "document_url" not in one.variables, "answer_by" not in one.variables),
        )
    )


def usable(found: Iterable[OurTemplate], held: Mapping[tuple[str, str], PlatformTemplate]) -> OurTemplate | Unusable:
    """The first that the platform approved with these very words, else why there is none.

    `held` is what the platform told last, by name and language.
    """
    worst = Unusable.NOT_MAPPED
    for one in found:
        known = held.get((one.name, one.language))
        if known is None or known.status in (TemplateStatus.PENDING, TemplateStatus.REJECTED, TemplateStatus.UNKNOWN):
            why = Unusable.NOT_APPROVED
        elif known.status is not TemplateStatus.APPROVED or known.quality in (Quality.PAUSED, Quality.DISABLED):
            why = Unusable.STOPPED
        elif not same_words(one.body, known.body):
            why = Unusable.OTHER_WORDS
        else:
            return one
        worst = why if worst is Unusable.NOT_MAPPED else worst
    return worst


def same_words(ours: str, theirs: str | None) -> bool:
    """Whether a template was approved with the words we hold; spaces do not matter. Not told counts as the same."""
    return theirs is None or _plain(ours) == _plain(theirs)


def _plain(body: str) -> str:
    return " ".join(PLACE.sub(lambda place: f"{{{{{place.group(1)}}}}}", body).split())
