"""Reads the jurisdiction packs from YAML; a broken pack is refused with file, line and field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from domain.contact_rules.calendar import holidays_of
from domain.contact_rules.model import Pack, Profile
from domain.contact_rules.rulebook import RuleBook

SHIPPED = Path(__file__).with_name("jurisdictions")


class JurisdictionError(Exception):
    """A pack that cannot be used: `file`, `line` (from 1), `field` (dotted path) and what was expected."""

    def __init__(self, file: Path, line: int, field: str, problem: str) -> None:
        self.file = file
        self.line = line
        self.field = field
        super().__init__(f"{file}, line {line}, {field or 'pack'}: {problem}")


def load_rulebook(directory: Path = SHIPPED, profile: Profile = Profile.STRICT) -> RuleBook:
    """All packs `<COUNTRY>.yaml` of a directory that hold this profile.

    Raises JurisdictionError for the first pack that is broken, and when there is none at all.
    """
    files = sorted(directory.glob("*.yaml"))
    packs = [pack for pack in map(load_pack, files) if pack.profile is profile]
    if not packs:
        raise JurisdictionError(directory, 1, "", f"expected at least one {profile} pack <COUNTRY>.yaml")
    return RuleBook(packs)


def load_pack(file: Path) -> Pack:
    """One pack. Raises JurisdictionError: not readable, not YAML, or not a pack of that country."""
    try:
        document = YAML(typ="rt").load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise JurisdictionError(file, 1, "", f"cannot be read: {type(error).__name__}") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise JurisdictionError(file, line, "", f"not YAML: {error.problem}") from error
    except YAMLError as error:
        raise JurisdictionError(file, 1, "", "not YAML") from error
    if not isinstance(document, dict):
        raise JurisdictionError(file, 1, "", "expected a mapping with country, version, hours and caps")
    try:
        pack = Pack.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = first["loc"] or _place_between_rules(document, first.get("ctx", {}))
        problem = first["msg"].removeprefix("Value error, ")
        raise JurisdictionError(file, _line(document, path), _dotted(path), problem) from error
    if pack.country != file.stem:
        line = _line(document, ("country",))
        raise JurisdictionError(file, line, "country", f"expected {file.stem}, as the file is named")
    _check_calendar(pack, file, document)
    return pack


def _check_calendar(pack: Pack, file: Path, document: Any) -> None:
    """The `holidays` library must know the country and the categories, or days would be open unseen."""
    categories = () if pack.holidays is None else pack.holidays.categories
    try:
        holidays_of(pack.country, None, categories or ("public",), 2026)
    except NotImplementedError as error:
        line = _line(document, ("country",))
        raise JurisdictionError(file, line, "country", "no holiday calendar is known") from error
    except ValueError as error:
        path = ("holidays", "categories")
        expected = "expected categories of this country's calendar"
        raise JurisdictionError(file, _line(document, path), _dotted(path), expected) from error


# `document` is whatever YAML held, so its parts have no better type than Any.
def _line(document: Any, path: tuple[int | str, ...]) -> int:
    """The line of the deepest part of `path` that the document holds."""
    line = 1
    node = document
    for part in path:
        if not isinstance(node, CommentedBase):
            break
        try:
            position = node.lc.item(part) if isinstance(part, int) else node.lc.key(part)
        except (KeyError, AttributeError, TypeError):
            break
        line = position[0] + 1
        node = node[part]  # type: ignore[index]
    return line


def _place_between_rules(document: Any, context: dict[str, Any]) -> tuple[int | str, ...]:
    """Where a fault between rules is shown: at the last rule with the id it names, or at a field."""
    if "field" in context:
        return (str(context["field"]),)
    place: tuple[int | str, ...] = ()
    for section, rules in document.items():
        for number, rule in enumerate(rules if isinstance(rules, list) else []):
            if isinstance(rule, dict) and rule.get("id") == context.get("rule_id"):
                place = (section, number, "id")
        if isinstance(rules, dict) and rules.get("id") == context.get("rule_id"):
            place = (section, "id")
    return place


def _dotted(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in path)
