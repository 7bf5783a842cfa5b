"""Strategy files: found by name and version, read into `domain.strategy`, every mistake told with its line.

`<name>.yaml` is the version new loans start with; `<name>@<version>.yaml` is an older one, kept for the
loans that still run on it.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from config.strategy_parts import StrategyReader
from config.strategy_templates import template_problems
from config.templates import TEMPLATES_FOLDER, languages
from config.yaml_source import Problem, read_yaml
from domain.strategy import Strategy

STRATEGIES_FOLDER = Path(__file__).parent / "strategies"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_KEY = re.compile(r"([a-z0-9][a-z0-9_-]{0,39})@([1-9][0-9]{0,8})")


class StrategyError(ValueError):
    """A strategy that cannot be used; `problems` holds everything found wrong, in the order of the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class StrategyFile(BaseModel):
    """A strategy with the file it came from and the languages its templates were checked in."""

    model_config = ConfigDict(frozen=True)

    path: Path
    strategy: Strategy
    languages: tuple[str, ...]


def read_strategy_file(path: Path, *, templates: Path = TEMPLATES_FOLDER) -> StrategyFile:
    """Read and check one strategy file. Raises StrategyError."""
    source = read_yaml(path)
    reader = StrategyReader(source)
    strategy = reader.read()
    spoken = reader.languages or languages(templates)
    problems = [*source.problems, *template_problems(source, spoken, templates)]
    if strategy is None or problems:
        unique = dict.fromkeys(problems)
        raise StrategyError(tuple(sorted(unique, key=lambda problem: problem.line or 0)))
    return StrategyFile(path=path, strategy=strategy, languages=spoken)


def load_strategy(path: Path, *, templates: Path = TEMPLATES_FOLDER) -> Strategy:
    """The strategy in a file. Raises StrategyError."""
    return read_strategy_file(path, templates=templates).strategy


def find_strategy(
    name_or_path: str | Path,
    version: int | None = None,
    *,
    folder: Path = STRATEGIES_FOLDER,
    templates: Path = TEMPLATES_FOLDER,
) -> Strategy:
    """The strategy of that name, `name@version`, or file. Raises StrategyError."""
    return find_strategy_file(name_or_path, version, folder=folder, templates=templates).strategy


def find_strategy_file(
    name_or_path: str | Path,
    version: int | None = None,
    *,
    folder: Path = STRATEGIES_FOLDER,
    templates: Path = TEMPLATES_FOLDER,
) -> StrategyFile:
    """As `find_strategy`, with the file's path and languages. Without a version: the current one."""
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in text or "\\" in text or text.endswith((".yaml", ".yml")):
        found = read_strategy_file(Path(name_or_path), templates=templates)
        if version is not None and found.strategy.version != version:
            raise _error(text, f"holds version {found.strategy.version}", f"version {version}", field="version")
        return found
    if version is None and (key := _KEY.fullmatch(text)):
        text, version = key.group(1), int(key.group(2))
    if not _NAME.fullmatch(text):
        raise _error(repr(text[:80]), "is no strategy name", "lower-case letters, digits, - and _, or a file")
    current = folder / f"{text}.yaml"
    older = None if version is None else folder / f"{text}@{version}.yaml"
    if older is not None and older.is_file():
        return _as_named(read_strategy_file(older, templates=templates), text, version)
    if current.is_file():
        found = _as_named(read_strategy_file(current, templates=templates), text, None)
        if version is None or found.strategy.version == version:
            return found
        kept = ", ".join(str(number) for number in _versions(text, folder, found.strategy.version))
        raise _error(f"{text}@{version}", "there is no such version", f"one of {kept}")
    known = sorted({file.name.removesuffix(".yaml").split("@")[0] for file in folder.glob("*.yaml")})
    near = difflib.get_close_matches(text, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise _error(text, f"there is no such strategy{hint}", f"one of {', '.join(known) or 'none'}")


def list_strategies(
    folder: Path = STRATEGIES_FOLDER, *, templates: Path = TEMPLATES_FOLDER
) -> tuple[StrategyFile, ...]:
    """Every strategy in the folder, current versions before the older ones kept beside them.

    Raises StrategyError with the problems of all files when one cannot be used.
    """
    found: list[StrategyFile] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml"), key=lambda file: (file.name.split("@")[0], file.name)):
        name = path.name.removesuffix(".yaml")
        try:
            found.append(find_strategy_file(name, folder=folder, templates=templates))
        except StrategyError as error:
            problems.extend(error.problems)
    if problems:
        raise StrategyError(tuple(problems))
    by_age = sorted(found, key=lambda each: -each.strategy.version)
    return tuple(sorted(by_age, key=lambda each: each.strategy.name))


def _as_named(found: StrategyFile, name: str, version: int | None) -> StrategyFile:
    strategy = found.strategy
    if strategy.name != name:
        raise _error(str(found.path), f"the file holds {strategy.name!r}", repr(name), field="name")
    if version is not None and strategy.version != version:
        raise _error(str(found.path), f"the file holds {strategy.version}", str(version), field="version")
    return found


def _versions(name: str, folder: Path, current: int) -> list[int]:
    older = (_KEY.fullmatch(file.name.removesuffix(".yaml")) for file in folder.glob(f"{name}@*.yaml"))
    return sorted({current, *(int(key.group(2)) for key in older if key)})


def _error(file: str, reason: str, expected: str, field: str = "") -> StrategyError:
    return StrategyError((Problem(file=file, field=field, reason=reason, expected=expected),))
