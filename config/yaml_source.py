"""YAML read as plain text values that remember the line they stand on.

Scalars stay text: `150.00` never passes through a float, `10:00` never becomes sixty times ten. What a
value means is decided by whoever reads it, and an error can always name its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Value = str | None | list["Value"] | dict[str, "Value"]
FieldPath = tuple[str | int, ...]

_MAX_BYTES = 64 * 1024
# Aliases may repeat a part, but a small file must not unfold into an endless one.
_MAX_VALUES = 5_000
_MAX_DEPTH = 20
_MAX_BRACKETS = 100
_ENDLESS = 10**9
_ALIAS = re.compile(r"\*[^\s*]")
_PLAIN = "tag:yaml.org,2002:"
_KINDS = ("null", "bool", "int", "float", "str", "map", "seq", "timestamp", "merge", "value")
_BUILT_IN = {_PLAIN + kind for kind in _KINDS}


class Problem(BaseModel):
    """One thing wrong with a file; `line` counts from 1 and is None when no line can be named."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int | None = None
    field: str = ""
    reason: str
    expected: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        about = f"{self.field}: " if self.field else ""
        hint = f" (expected {self.expected})" if self.expected else ""
        return f"{place}: {about}{self.reason}{hint}"


@dataclass
class YamlSource:
    """A file's values, the line of each, and what is wrong with its form."""

    file: str
    data: Value = None
    lines: dict[FieldPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, path: FieldPath) -> int | None:
        """The line of `path`, or of the nearest part around it that stands in the file."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None


def read_yaml(path: Path) -> YamlSource:
    """Read one YAML document; whatever is wrong ends up in `problems`, nothing is raised."""
    source = YamlSource(file=str(path))
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return _failed(source, None, "there is no such file")
    except OSError as error:
        return _failed(source, None, f"the file cannot be read: {error.strerror or 'unknown error'}")
    if len(raw) > _MAX_BYTES:
        return _failed(source, None, f"the file has {len(raw)} bytes", f"at most {_MAX_BYTES}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _failed(source, raw[: error.start].count(b"\n") + 1, "the file is not UTF-8 text", "UTF-8")
    if _brackets(text) > _MAX_BRACKETS:
        return _failed(source, None, "broken YAML: nested too deeply", f"at most {_MAX_DEPTH} levels")
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        return _failed(source, mark.line + 1 if mark else None, f"broken YAML: {reason}")
    except RecursionError:
        return _failed(source, None, "broken YAML: nested too deeply", f"at most {_MAX_DEPTH} levels")
    except YAMLError as error:
        return _failed(source, None, f"broken YAML: {str(error).splitlines()[0]}")
    except Exception as error:
        return _failed(source, None, f"broken YAML ({type(error).__name__})")
    if node is None:
        return _failed(source, 1, "the file is empty")
    _Unfolding(source).run(node)
    return source


def bomb_in(text: str) -> str | None:
    """Why a text must not be given to a reader that unfolds it; None: it may, whatever else is wrong with it."""
    if len(text) > 4 * _MAX_BYTES:
        return f"larger than {4 * _MAX_BYTES} characters"
    if _brackets(text) > _MAX_BRACKETS:
        return "nested too deeply"
    if _ALIAS.search(text) is None:
        return None
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        values = 0 if node is None else _unfolded(node, {})
    except RecursionError:
        return "nested too deeply"
    except Exception:
        return None
    return f"unfolds into more than {_MAX_VALUES} values" if values > _MAX_VALUES else None


def _brackets(text: str) -> int:
    """How deep brackets stand in one another at most; the reader's time grows with the square of that."""
    depth = deepest = 0
    for letter in text:
        if letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth = max(depth - 1, 0)
    return deepest


def _unfolded(node: Node, known: dict[int, int]) -> int:
    """How many values a node stands for once its aliases are written out; one inside itself is endless."""
    if id(node) not in known:
        known[id(node)] = _ENDLESS
        parts = [part for pair in node.value for part in pair] if isinstance(node, MappingNode) else node.value
        inside = parts if isinstance(node, MappingNode | SequenceNode) else ()
        known[id(node)] = min(_ENDLESS, 1 + sum(_unfolded(part, known) for part in inside))
    return known[id(node)]


def _failed(source: YamlSource, line: int | None, reason: str, expected: str = "") -> YamlSource:
    source.problems.append(Problem(file=source.file, line=line, reason=reason, expected=expected))
    return source


class _TooMuch(Exception):
    pass


class _Unfolding:
    def __init__(self, source: YamlSource) -> None:
        self._source = source
        self._left = _MAX_VALUES

    def run(self, node: Node) -> None:
        try:
            self._source.lines[()] = node.start_mark.line + 1
            self._source.data = self._value(node, ())
        except _TooMuch as error:
            self._source.data = None
            self._problem(node, (), str(error))

    def _problem(self, node: Node, path: FieldPath, reason: str, expected: str = "") -> None:
        self._source.problems.append(
            Problem(
                file=self._source.file,
                line=node.start_mark.line + 1,
                field=".".join(str(part) for part in path),
                reason=reason,
                expected=expected,
            )
        )

    def _value(self, node: Node, path: FieldPath) -> Value:
        self._left -= 1
        if self._left < 0:
            raise _TooMuch(f"the file unfolds into more than {_MAX_VALUES} values")
        if len(path) > _MAX_DEPTH:
            raise _TooMuch(f"the file is nested more than {_MAX_DEPTH} levels deep")
        if str(node.tag) not in _BUILT_IN:
            self._problem(node, path, f"the tag {str(node.tag)!r} means nothing here", "a plain value")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            items: list[Value] = []
            for index, item in enumerate(node.value):
                self._source.lines[(*path, index)] = item.start_mark.line + 1
                items.append(self._value(item, (*path, index)))
            return items
        if isinstance(node, ScalarNode):
            return None if str(node.tag) == _PLAIN + "null" else str(node.value)
        return None

    def _mapping(self, node: MappingNode, path: FieldPath) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._problem(key_node, path, "a key is a list or a mapping", "a plain word")
                continue
            key = str(key_node.value)
            if key in values:
                first = self._source.lines[(*path, key)]
                self._problem(key_node, (*path, key), f"stands twice (first on line {first})")
                continue
            self._source.lines[(*path, key)] = key_node.start_mark.line + 1
            values[key] = self._value(value_node, (*path, key))
        return values
