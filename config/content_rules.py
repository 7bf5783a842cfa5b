"""Reads the content rules of every market from YAML; whatever is wrong is told with file, line and field.

`config/content/<COUNTRY>.yaml` is a market, `everywhere.yaml` holds in all of them, `vocabulary.yaml` has the
phrases that several markets forbid or ask for.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from config.yaml_source import FieldPath, Problem, YamlSource, read_yaml
from domain.contact_rules.model import Profile
from domain.content_rules.checking import ContentBook, facts_of
from domain.content_rules.model import EVERYWHERE, ContentPack, ForbiddenRule, Need, RequiredRule, WordList
from domain.content_rules.phrases import pattern_of

CONTENT_FOLDER = Path(__file__).parent / "content"
_VOCABULARY = "vocabulary"
_Model = TypeVar("_Model", bound=BaseModel)


class ContentRulesError(ValueError):
    """Content rules that cannot be used; `problems` holds everything found wrong, file by file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def load_content(folder: Path = CONTENT_FOLDER, profile: Profile = Profile.STRICT) -> ContentBook:
    """All content rules of a folder. Raises ContentRulesError."""
    if folder == CONTENT_FOLDER:
        return _shipped(profile)
    return _load(folder, profile)


@lru_cache(maxsize=2)
def _shipped(profile: Profile) -> ContentBook:
    return _load(CONTENT_FOLDER, profile)


def _load(folder: Path, profile: Profile) -> ContentBook:
    problems: list[Problem] = []
    vocabulary = _vocabulary(folder / f"{_VOCABULARY}.yaml", problems)
    packs: list[ContentPack] = []
    ids: dict[str, str] = {}
    for file in sorted(folder.glob("*.yaml")):
        if file.stem != _VOCABULARY and (pack := _pack(file, vocabulary, ids, problems)) is not None:
            packs.append(pack)
    if not packs and not problems:
        problems.append(Problem(file=str(folder), reason="holds no content rules", expected="<COUNTRY>.yaml"))
    if problems:
        raise ContentRulesError(tuple(problems))
    return ContentBook(packs, vocabulary, profile)


def _vocabulary(file: Path, problems: list[Problem]) -> dict[str, WordList]:
    source = read_yaml(file)
    problems += source.problems
    found: dict[str, WordList] = {}
    if not isinstance(source.data, dict):
        if not source.problems:
            problems.append(_problem(source, (), "is no list of names", "a name with words by language"))
        return found
    for name, value in source.data.items():
        words = _validated(WordList, value, source, (name,), problems)
        if words is not None:
            found[name] = words
            for language, phrases in words.words.items():
                _check_phrases(phrases, source, (name, "words", language), problems)
            _check_phrases(words.excused, source, (name, "excused"), problems)
    return found


def _pack(
    file: Path, vocabulary: dict[str, WordList], ids: dict[str, str], problems: list[Problem]
) -> ContentPack | None:
    source = read_yaml(file)
    problems += source.problems
    if source.data is None:
        return None
    pack = _validated(ContentPack, source.data, source, (), problems)
    if pack is None:
        return None
    if pack.country != file.stem:
        problems.append(_problem(source, ("country",), f"is {pack.country}", f"{file.stem}, as the file is named"))
    prefix = "ALL" if pack.country == EVERYWHERE else pack.country
    for section in ("forbidden", "required", "notices"):
        for number, rule in enumerate(getattr(pack, section)):
            path: FieldPath = (section, number)
            if rule.id.split(".")[0] != prefix:
                problems.append(_problem(source, (*path, "id"), f"{rule.id} is of another market", f"{prefix}...."))
            if rule.id in ids:
                problems.append(_problem(source, (*path, "id"), f"{rule.id} stands twice", f"first in {ids[rule.id]}"))
            ids[rule.id] = file.name
            if isinstance(rule, ForbiddenRule | RequiredRule):
                _check_rule(rule, vocabulary, source, path, problems)
            else:
                _check_sentences(rule.sentences, source, path, problems)
    return pack


def _check_rule(
    rule: ForbiddenRule | RequiredRule,
    vocabulary: dict[str, WordList],
    source: YamlSource,
    path: FieldPath,
    problems: list[Problem],
) -> None:
    for number, name in enumerate(rule.vocabulary):
        if name not in vocabulary:
            near = difflib.get_close_matches(name, vocabulary, n=1)
            hint = near[0] if near else ", ".join(sorted(vocabulary)) or f"a name in {_VOCABULARY}.yaml"
            place = (*path, "vocabulary", number)
            problems.append(_problem(source, place, f"the vocabulary has no {name!r}", hint))
    for language, phrases in rule.words.items():
        _check_phrases(phrases, source, (*path, "words", language), problems)
    if isinstance(rule, ForbiddenRule):
        _check_phrases(rule.excused, source, (*path, "excused"), problems)


def _check_phrases(phrases: tuple[str, ...], source: YamlSource, path: FieldPath, problems: list[Problem]) -> None:
    for number, phrase in enumerate(phrases):
        try:
            pattern_of(phrase)
        except ValueError as error:
            problems.append(_problem(source, (*path, number), str(error)))


def _check_sentences(
    sentences: dict[str, tuple[str, ...]], source: YamlSource, path: FieldPath, problems: list[Problem]
) -> None:
    known = [need.value for need in Need]
    for language, lines in sentences.items():
        for number, line in enumerate(lines):
            for name in facts_of(line):
                if name not in known:
                    near = difflib.get_close_matches(name, known, n=1)
                    place = (*path, "sentences", language, number)
                    expected = near[0] if near else ", ".join(known)
                    problems.append(_problem(source, place, f"there is no fact {name!r}", expected))


def _validated(
    model: type[_Model], value: object, source: YamlSource, path: FieldPath, problems: list[Problem]
) -> _Model | None:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            place = tuple(part for part in each["loc"] if part != "[key]")
            problems.append(_problem(source, (*path, *place), each["msg"].removeprefix("Value error, ")))
        return None


def _problem(source: YamlSource, path: FieldPath, reason: str, expected: str = "") -> Problem:
    return Problem(
        file=source.file,
        line=source.line_of(path),
        field=".".join(str(part) for part in path),
        reason=reason,
        expected=expected,
    )
