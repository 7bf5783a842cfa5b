"""Reading mapping files, and choosing the one that fits a header."""

import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from config.yaml_source import bomb_in
from intake.errors import PortfolioError
from intake.mapping import ColumnNames, Mapping

MAPPINGS_FOLDER = Path(__file__).resolve().parent.parent / "config" / "intake"


def folded(text: str) -> str:
    """Text without case, accents, blanks and punctuation ("Nº préstamo" is "noprestamo")."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


def load_mapping(path: Path) -> Mapping:
    """A mapping file. PortfolioError names file, line and field of a fault, and how many more there are."""
    try:
        text = path.read_text(encoding="utf-8")
        if (bomb := bomb_in(text)) is not None:
            raise PortfolioError(f"{path.name}: {bomb}")
        document = YAML(typ="rt").load(text)
    except PortfolioError:
        raise
    except FileNotFoundError:
        raise PortfolioError(f"mapping file {path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PortfolioError(f"mapping file {path} cannot be read: {error}") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PortfolioError(f"{path.name}, line {line}: {error.problem or 'not YAML'}") from None
    except YAMLError as error:
        raise PortfolioError(f"{path.name}: not YAML: {error}") from None
    except Exception as error:
        # A version or a date that is none, deep nesting: the library lets its own errors through.
        raise PortfolioError(f"{path.name}: not YAML that can be read ({type(error).__name__})") from None
    if not isinstance(document, CommentedMap):
        raise PortfolioError(f"{path.name}, line 1: expected a mapping with name and fields")
    try:
        return Mapping.model_validate(_plain(document))
    except ValidationError as error:
        raise PortfolioError(_first_fault(path, document, error)) from None


def _plain(node: object) -> object:
    if isinstance(node, CommentedMap):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value) for value in node]
    if isinstance(node, bool):
        return node
    if isinstance(node, float):
        return Decimal(repr(float(node)))
    return node


def _first_fault(path: Path, document: CommentedMap, error: ValidationError) -> str:
    faults = error.errors(include_url=False)
    deepest = max(faults, key=lambda fault: len(_steps(document, fault["loc"])))
    steps = _steps(document, deepest["loc"])
    field = ".".join(str(step) for step in steps)
    if deepest["type"] == "missing":
        field = ".".join([*map(str, steps), str(deepest["loc"][-1])])
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    message = deepest["msg"].removeprefix("Value error, ")
    return f"{path.name}, line {_line(document, steps)}, {field or 'mapping'}: {message}{more}"


def _steps(document: CommentedMap, location: tuple[int | str, ...]) -> list[int | str]:
    """The part of a pydantic location that exists in the file; names of union members are not in it."""
    node: Any = document  # ruamel's nodes are untyped
    steps: list[int | str] = []
    for step in location:
        if isinstance(node, CommentedMap) and step in node:
            steps.append(step)
            node = node[step]
        elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            steps.append(step)
            node = node[step]
    return steps


def _line(document: CommentedMap, steps: list[int | str]) -> int:
    node: Any = document
    line = 1
    for step in steps:
        if isinstance(node, CommentedMap):
            line = node.lc.key(step)[0] + 1
        else:
            line = node.lc.item(step)[0] + 1
        node = node[step]
    return int(line)


def named_mapping(name: str | Path, folder: Path) -> Mapping:
    """A mapping by its name in `folder`, or by the path of a file."""
    text = str(name)
    if isinstance(name, Path) or text.endswith((".yaml", ".yml")) or "/" in text or "\\" in text:
        return load_mapping(Path(name))
    path = folder / f"{text}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml"))) or "none"
        raise PortfolioError(f"no mapping is called {text!r}; there are: {known}; or give the path of a file")
    return load_mapping(path)


def missing_columns(mapping: Mapping, header: list[str]) -> list[ColumnNames]:
    """The columns the mapping cannot do without and the header does not have."""
    present = {folded(name) for name in header}
    return [names for names in mapping.required_columns() if not any(folded(name) in present for name in names)]


def fitting_mapping(header: list[str], folder: Path) -> Mapping:
    """The one mapping of `folder` whose required columns the header has. PortfolioError if not just one."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise PortfolioError(f"there are no mapping files in {folder}")
    mappings = [load_mapping(file) for file in files]
    missed = {mapping.name: missing_columns(mapping, header) for mapping in mappings}
    fitting = [mapping for mapping in mappings if not missed[mapping.name]]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(mapping.name for mapping in fitting)
        raise PortfolioError(f"several mappings fit this file: {names}; choose one with --mapping")
    told = "; ".join(f"{name} misses {_listed(names)}" for name, names in missed.items())
    raise PortfolioError(
        f"no mapping fits the columns of this file: {told}; choose or write one and give it with --mapping"
    )


def require_columns(mapping: Mapping, header: list[str]) -> None:
    """Raise PortfolioError if the header lacks a column the mapping needs."""
    missing = missing_columns(mapping, header)
    if missing:
        raise PortfolioError(
            f"mapping {mapping.name} misses {_listed(missing)}; "
            f"the file has {_listed([(name,) for name in header if name])}"
        )


def _listed(columns: list[ColumnNames], limit: int = 12) -> str:
    shown = [f"{names[0][:40]!r}" for names in columns[:limit]]
    more = f" and {len(columns) - limit} more" if len(columns) > limit else ""
    return ", ".join(shown) + more
