"""Which template that WhatsApp approved says which message of ours, from `platforms/whatsapp_templates.yaml`.

The file holds the very text that is submitted for approval, with our own values and filters in its places. So one text
serves all: what Meta approves, what content rules are held against, what the person reads and the records keep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.message_context import VARIABLES, MessageContext, RenderedMessage
from config.platform_rules import PLATFORMS_FOLDER, PlatformRulesError
from config.templates import TemplateError, Text, text_of
from config.yaml_source import Problem, YamlSource, read_yaml
from domain.platform_rules import PLACE, Category, OurTemplate

APPROVED_FILE = PLATFORMS_FOLDER / "whatsapp_templates.yaml"
LONGEST_BODY = 1_024
"""Meta's limit for a template's body."""

_OPTIONAL = re.compile(r"[ \t]*\[\[(\w+)\|(.*?)\]\]", re.DOTALL)
_FILLED = re.compile(r"\{\{\s*(\w+)((?:\s*\|\s*\w+)*)\s*\}\}")


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    written_in: str = Field(pattern=r"^[a-z]{2}$")
    name: str = Field(pattern=r"^[a-z0-9_]{1,400}$")
    language: str = Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2,4})?$")
    category: Category = Category.UTILITY
    places: str = Field(default="named", pattern=r"^(named|numbered)$")
    countries: tuple[str, ...] = ()
    body: str = Field(min_length=10)


@dataclass(frozen=True)
class ApprovedText:
    """One template as it is known to WhatsApp, and how its places are filled."""

    ours: OurTemplate
    text: Text
    places: tuple[tuple[str, Text], ...]

    def fill(self, context: MessageContext) -> RenderedMessage:
        """What the person will read. Raises TemplateError."""
        text = " ".join(self.text.fill(self.ours.written_in, context).split())
        return RenderedMessage(subject=None, text=text, html=None)

    def values(self, context: MessageContext) -> tuple[tuple[str, str], ...]:
        """What stands at each place, in order: Meta takes no line breaks and no run of spaces. Raises TemplateError."""
        filled = ((name, text.fill(self.ours.written_in, context)) for name, text in self.places)
        return tuple((name, " ".join(value.split())) for name, value in filled)


@lru_cache(maxsize=8)
def load_approved(file: Path = APPROVED_FILE) -> tuple[ApprovedText, ...]:
    """Every template that may be used, in the order of the file. Raises PlatformRulesError with all that is wrong."""
    source = read_yaml(file)
    problems = list(source.problems)
    entries = source.data.get("templates") if isinstance(source.data, dict) else None
    if not problems and not isinstance(entries, list):
        problems.append(Problem(file=source.file, field="templates", reason="is missing", expected="a list"))
    found: list[ApprovedText] = []
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        try:
            found += _texts(_Entry.model_validate(entry), source.file)
        except ValidationError as error:
            problems += [
                _problem(source, number, ".".join(str(part) for part in each["loc"]), each["msg"])
                for each in error.errors(include_url=False, include_input=False)
            ]
        except (TemplateError, ValueError) as error:
            reason = error.reason if isinstance(error, TemplateError) else str(error)
            problems.append(_problem(source, number, "body", reason))
    names = [(one.ours.name, one.ours.language) for one in found]
    for name, language in sorted({key for key in names if names.count(key) > 1}):
        problems.append(Problem(file=source.file, field=name, reason=f"stands there twice in {language}"))
    if problems:
        raise PlatformRulesError(tuple(problems))
    return tuple(found)


def _problem(source: YamlSource, number: int, field: str, reason: str) -> Problem:
    line = source.line_of(("templates", number, field))
    return Problem(file=source.file, line=line, field=f"templates.{number}.{field}", reason=reason)


def _texts(entry: _Entry, file: str) -> Iterator[ApprovedText]:
    """Each choice of the body's optional sentences is a template of its own, named after those it has."""
    labels = [label for label, _ in _OPTIONAL.findall(entry.body)]
    if len(set(labels)) != len(labels) or len(labels) > 3:
        raise ValueError("at most three optional sentences, each label once")
    for size in range(len(labels) + 1):
        for kept in combinations(labels, size):
            chosen = frozenset(kept)
            body = _OPTIONAL.sub(lambda part: " " + part[2].strip() if part[1] in chosen else "", entry.body)  # noqa: B023
            name = "_".join((entry.name, *kept))
            yield _text(entry, name, " ".join(body.split()), file)


def _text(entry: _Entry, name: str, body: str, file: str) -> ApprovedText:
    places: dict[str, str] = {}
    for found in _FILLED.finditer(body):
        known = places.setdefault(found[1], found.group())
        if found[1] not in VARIABLES:
            raise ValueError(f"there is no value {found[1]!r}: expected one of {', '.join(VARIABLES)}")
        if "".join(known.split()) != "".join(found.group().split()):
            raise ValueError(f"{found[1]} stands there in two formats: a place has one value")
    named = entry.places == "named"
    numbers = {variable: str(number) for number, variable in enumerate(places, start=1)}
    submitted = _FILLED.sub(lambda found: f"{{{{{found[1] if named else numbers[found[1]]}}}}}", body)
    plain = PLACE.sub("", submitted)
    if "{{" in plain or "{%" in plain or "[[" in plain:
        raise ValueError("only places such as {{ amount_due|money }} and optional sentences [[label| ...]]")
    if submitted.startswith("{{") or submitted.endswith("}}"):
        raise ValueError("WhatsApp refuses a body that begins or ends with a place")
    if re.search(r"\}\}\s*\{\{", submitted):
        raise ValueError("WhatsApp refuses two places side by side")
    if len(submitted) > LONGEST_BODY:
        raise ValueError(f"{len(submitted)} characters: expected at most {LONGEST_BODY}")
    ours = OurTemplate(
        template=entry.template,
        written_in=entry.written_in,
        name=name,
        language=entry.language,
        category=entry.category,
        named=named,
        body=submitted,
        variables=tuple(places),
        countries=frozenset(entry.countries),
    )
    return ApprovedText(ours, text_of(body, file), tuple((v, text_of(place, file)) for v, place in places.items()))
