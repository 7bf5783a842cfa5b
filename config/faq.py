"""Common questions and the lender's own answers, by language: `config/faq/<language>.yaml`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from config.yaml_source import bomb_in

FAQ_FOLDER = Path(__file__).parent / "faq"
LONGEST_ANSWER = 400
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class FaqError(ValueError):
    """One line: which file and entry, and what was expected."""


@dataclass(frozen=True)
class Question:
    """`asked` are ways to ask it, `answer` is one line of the lender's."""

    id: str
    asked: tuple[str, ...]
    answer: str


def load_faq(language: str, folder: Path | None = None) -> tuple[Question, ...]:
    """The questions of a language, in the lender's own `folder` where there is one; none without a file.

    Raises FaqError.
    """
    file = (folder or FAQ_FOLDER) / f"{language}.yaml"
    try:
        stamp = file.stat().st_mtime_ns
    except OSError:
        return ()
    return _load(file, stamp)


def faq_answer(id: str, language: str, folder: Path | None = None) -> str | None:
    """The answer to a question, None where the language has none. Raises FaqError."""
    return next((each.answer for each in load_faq(language, folder) if each.id == id), None)


# The time stamp is part of the key, so that an edited file is read again.
@lru_cache(maxsize=16)
def _load(file: Path, stamp: int) -> tuple[Question, ...]:
    try:
        text = file.read_text(encoding="utf-8")
        if (bomb := bomb_in(text)) is not None:
            raise FaqError(f"{file.name}: {bomb}")
        data = YAML(typ="safe").load(text)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise FaqError(f"{file.name}: cannot be read: {str(error).splitlines()[0][:160]}") from None
    except FaqError:
        raise
    except Exception as error:
        # A version that is none, a number or a date that is none: the library lets its own errors through.
        raise FaqError(f"{file.name}: not YAML that can be read ({type(error).__name__})") from None
    if data is None:
        return ()
    if not isinstance(data, dict):
        raise FaqError(f"{file.name}: expected questions by id")
    return tuple(_question(file.name, str(key), value) for key, value in data.items())


def _question(file: str, id: str, value: object) -> Question:
    where = f"{file}: {id[:40]}"
    if not _ID.fullmatch(id):
        raise FaqError(f"{where}: expected small letters, digits, - and _, at most 40")
    asked = value.get("asked") if isinstance(value, dict) else None
    answer = value.get("answer") if isinstance(value, dict) else None
    if not isinstance(asked, list) or not asked or not all(isinstance(each, str) and each.strip() for each in asked):
        raise FaqError(f"{where}: asked: expected a list of ways to ask it")
    if not isinstance(answer, str) or not 1 <= len(answer.strip()) <= LONGEST_ANSWER or "\n" in answer.strip():
        raise FaqError(f"{where}: answer: expected one line of at most {LONGEST_ANSWER} characters")
    return Question(id, tuple(each.strip() for each in asked), answer.strip())
