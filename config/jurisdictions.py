"""Reads the jurisdiction packs from YAML; a broken pack is refused with file, line, field and rule.

A file holds both profiles of a country: a field may be given as {literal: ..., strict: ...}, and a rule with
`profiles: [strict]` stands in the strict profile only. Our changes to the library's calendar are in
config/holidays/<COUNTRY>.yaml, a lender's own rules in a folder of the lender's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from config.yaml_source import bomb_in
from domain.contact_rules.calendar import holidays_of, known_categories, known_regions
from domain.contact_rules.lender import LenderPack
from domain.contact_rules.model import Profile
from domain.contact_rules.pack import Pack
from domain.contact_rules.rulebook import RuleBook

SHIPPED = Path(__file__).with_name("jurisdictions")
HOLIDAYS = Path(__file__).with_name("holidays")
_PROFILES = tuple(profile.value for profile in Profile)


class JurisdictionError(Exception):
    """A pack that cannot be used: `file`, `line` (from 1), `field` (dotted path) and what was expected."""

    def __init__(self, file: Path, line: int, field: str, problem: str) -> None:
        self.file = file
        self.line = line
        self.field = field
        super().__init__(f"{file}, line {line}, {field or 'pack'}: {problem}")


def load_rulebook(
    directory: Path = SHIPPED,
    profile: Profile = Profile.STRICT,
    lender: Path | None = None,
    holidays: Path = HOLIDAYS,
) -> RuleBook:
    """All packs `<COUNTRY>.yaml` of a directory in this profile, with the lender's own beside them.

    Raises JurisdictionError for the first pack that is broken in either profile, for a lender's rule that
    would be laxer than the law's, and when there is no pack at all.
    """
    books = load_rulebooks(directory, lender, holidays)
    if profile not in books:
        raise JurisdictionError(directory, 1, "", f"expected at least one {profile} pack <COUNTRY>.yaml")
    return books[profile]


def load_rulebooks(
    directory: Path = SHIPPED, lender: Path | None = None, holidays: Path = HOLIDAYS
) -> dict[Profile, RuleBook]:
    """The rules in each profile that any pack of the directory holds. Raises as `load_rulebook` does."""
    packs: dict[Profile, list[Pack]] = {}
    for file in sorted(directory.glob("*.yaml")):
        for profile, pack in load_both(file, holidays).items():
            packs.setdefault(profile, []).append(pack)
    return {
        profile: RuleBook(found if lender is None else _with_lender(found, profile, lender))
        for profile, found in packs.items()
    }


def load_pack(file: Path, profile: Profile = Profile.STRICT, holidays: Path = HOLIDAYS) -> Pack:
    """One pack. Raises JurisdictionError: not readable, not YAML, or not a pack of that country and profile."""
    both = load_both(file, holidays)
    if profile not in both:
        raise JurisdictionError(file, 1, "profiles", f"expected the {profile} profile")
    return both[profile]


def load_both(file: Path, holidays: Path = HOLIDAYS) -> dict[Profile, Pack]:
    """A country's pack in each profile that the file holds. Raises JurisdictionError."""
    document = _read(file, "expected a mapping with country, version, zones and rules")
    changes = holidays / file.name
    calendar = _read(changes, "expected a mapping with country and calendar") if changes.is_file() else {}
    found: dict[Profile, Pack] = {}
    wanted = document.get("profiles", list(_PROFILES))
    if not isinstance(wanted, list) or not wanted or not set(wanted) <= set(_PROFILES):
        raise JurisdictionError(file, _line(document, ("profiles",)), "profiles", "expected literal, strict or both")
    for name in wanted:
        profile = Profile(name)
        resolved = _Resolved(file, document, profile)
        try:
            pack = Pack.model_validate({**resolved.values, "profile": profile})
        except ValidationError as error:
            raise resolved.refused(error) from error
        if pack.country != file.stem:
            line = _line(document, ("country",))
            raise JurisdictionError(file, line, "country", f"expected {file.stem}, as the file is named")
        if calendar:
            pack = _with_changes(pack, changes, calendar)
        _check_calendar(pack, file, document, resolved)
        found[profile] = pack
    return found


def _with_changes(pack: Pack, file: Path, document: dict[str, Any]) -> Pack:
    """The pack with the changes of config/holidays that its profile knows."""
    resolved = _Resolved(file, document, pack.profile)
    if resolved.values.get("country") != pack.country:
        raise JurisdictionError(file, _line(document, ("country",)), "country", f"expected {pack.country}")
    unknown = set(document) - {"country", "calendar"}
    if unknown:
        name = sorted(unknown)[0]
        raise JurisdictionError(file, _line(document, (name,)), name, "expected country and calendar only")
    try:
        return Pack.model_validate(
            {
                **{name: getattr(pack, name) for name in Pack.model_fields},
                "calendar": resolved.values.get("calendar", ()),
            }
        )
    except ValidationError as error:
        raise resolved.refused(error) from error


def _with_lender(packs: list[Pack], profile: Profile, directory: Path) -> list[Pack]:
    """The packs with the lender's own rules beside theirs."""
    by_country = {pack.country: pack for pack in packs}
    files = sorted(directory.glob("*.yaml"))
    if not files:
        raise JurisdictionError(directory, 1, "", "expected at least one pack <COUNTRY>.yaml of the lender")
    for file in files:
        document = _read(file, "expected a mapping with country, version and rules")
        resolved = _Resolved(file, document, profile)
        try:
            own = LenderPack.model_validate(resolved.values)
        except ValidationError as error:
            raise resolved.refused(error) from error
        law = by_country.get(own.country)
        if law is None or own.country != file.stem:
            line = _line(document, ("country",))
            raise JurisdictionError(file, line, "country", f"expected {file.stem}, a country with a pack")
        try:
            by_country[own.country] = own.added_to(law)
        except PydanticCustomError as error:
            path = _place_between_rules(document, error.context or {})
            raise JurisdictionError(file, _line(document, path), _dotted(path), error.message()) from error
        except ValidationError as error:
            raise resolved.refused(error) from error
    return list(by_country.values())


def _read(file: Path, expected: str) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise JurisdictionError(file, 1, "", f"cannot be read: {type(error).__name__}") from error
    if (bomb := bomb_in(text)) is not None:
        raise JurisdictionError(file, 1, "", bomb)
    try:
        document = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise JurisdictionError(file, line, "", f"not YAML: {error.problem}") from error
    except YAMLError as error:
        raise JurisdictionError(file, 1, "", "not YAML") from error
    except Exception as error:
        # A number or a date that is none, deep nesting: the library lets its own errors through.
        raise JurisdictionError(file, 1, "", f"not YAML that can be read ({type(error).__name__})") from error
    if not isinstance(document, dict):
        raise JurisdictionError(file, 1, "", expected)
    return document


class _Resolved:
    """What a document says in one profile, and where each of its rules stands in the file."""

    def __init__(self, file: Path, document: dict[str, Any], profile: Profile) -> None:
        self._file, self._document, self._profile = file, document, profile
        self._places: dict[str, list[int]] = {}
        self.values: dict[str, Any] = {}
        for name, value in document.items():
            if name == "profiles":
                continue
            if isinstance(value, list):
                self.values[name] = self._rules(name, value)
            else:
                self.values[name] = self._choose(value, (name,))

    def _rules(self, section: str, rules: list[Any]) -> list[Any]:
        kept: list[Any] = []
        places: list[int] = []
        for number, rule in enumerate(rules):
            if isinstance(rule, dict):
                profiles = rule.get("profiles", list(_PROFILES))
                if not isinstance(profiles, list) or not profiles or not set(profiles) <= set(_PROFILES):
                    raise self._wrong((section, number, "profiles"), "expected literal, strict or both")
                if self._profile.value not in profiles:
                    continue
                rule = {
                    key: self._choose(value, (section, number, key)) for key, value in rule.items() if key != "profiles"
                }
            kept.append(rule)
            places.append(number)
        self._places[section] = places
        return kept

    def _choose(self, value: Any, path: tuple[int | str, ...]) -> Any:
        if not isinstance(value, dict) or not value or not set(value) <= set(_PROFILES):
            return value
        if set(value) != set(_PROFILES):
            raise self._wrong(path, "expected literal and strict, or one value for both")
        return value[self._profile.value]

    def _wrong(self, path: tuple[int | str, ...], problem: str) -> JurisdictionError:
        return JurisdictionError(self._file, _line(self._document, path), _dotted(path), problem)

    def refused(self, error: ValidationError) -> JurisdictionError:
        """The first fault, at the line where it stands, with the rule's id."""
        first = error.errors(include_url=False)[0]
        path = tuple(first["loc"]) or _place_between_rules(self._document, first.get("ctx", {}))
        if first["loc"] and len(path) > 1 and isinstance(path[1], int):
            places = self._places.get(str(path[0]))
            if places is not None:
                path = (path[0], places[path[1]], *path[2:])
        problem = first["msg"].removeprefix("Value error, ")
        rule = _rule_at(self._document, path)
        if rule and rule not in problem:
            problem = f"{rule}: {problem}"
        return self._wrong(path, problem)


def _rule_at(document: dict[str, Any], path: tuple[int | str, ...]) -> str:
    """The id of the rule a path leads into, if it has one."""
    if len(path) < 2 or not isinstance(path[1], int):
        return ""
    try:
        found = document[str(path[0])][path[1]].get("id", "")
    except (KeyError, IndexError, AttributeError, TypeError):
        return ""
    return found if isinstance(found, str) else ""


def _check_calendar(pack: Pack, file: Path, document: Any, resolved: _Resolved) -> None:
    """The `holidays` library must know the country, or days would be open unseen; so must categories and cities."""
    try:
        holidays_of(pack.country, None, ("public",), 2026)
    except NotImplementedError as error:
        line = _line(document, ("country",))
        raise JurisdictionError(file, line, "country", "no holiday calendar is known") from error
    known = known_categories(pack.country) | {change.category for change in pack.calendar}
    for rule in pack.holidays:
        if not set(rule.categories) <= known:
            path = (*_place_between_rules(document, {"rule_id": rule.id})[:-1], "categories")
            problem = f"{rule.id}: expected categories of this country's calendar: {', '.join(sorted(known))}"
            raise JurisdictionError(file, _line(document, path), _dotted(path), problem)
    for city, own in pack.city_calendars.items():
        if own.calendar not in known_regions(pack.country):
            path = ("city_calendars", city)
            raise JurisdictionError(file, _line(document, path), _dotted(path), "expected a calendar of the library")


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
