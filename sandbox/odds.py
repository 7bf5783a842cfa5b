"""Reads the borrowers' odds: one YAML file, each value beside its range, evidence and mark."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

DEFAULT_FILE = Path(__file__).with_name("borrowers.yaml")


class BadOdds(ValueError):
    """The file cannot be used; the text names the file and the entry."""


class Odds:
    """Values by dotted name, a preset's laid over the general ones."""

    def __init__(self, values: dict[str, Any], preset: str) -> None:
        self._values = values
        self.preset = preset

    def number(self, dotted: str) -> float:
        return float(self._values[dotted])

    def numbers(self, dotted: str) -> list[float]:
        return [float(x) for x in self._values[dotted]]

    def table(self, dotted: str) -> dict[str, float]:
        return {str(k): float(v) for k, v in self._values[dotted].items()}

    def by_country(self, dotted: str, country: str) -> Any:
        """The country's entry, else `other`: a number or a table."""
        table = self._values[dotted]
        return table[country] if country in table else table.get("other")


def _flatten(path: Path, tree: dict[str, Any], group: str, into: dict[str, Any]) -> None:
    for key, entry in tree.items():
        dotted = f"{group}.{key}" if group else str(key)
        if not isinstance(entry, dict) or not {"value", "range", "evidence", "mark"} <= entry.keys():
            raise BadOdds(f"{path}: {dotted}: expected value, range, evidence and mark")
        into[dotted] = entry["value"]


def load_odds(path: Path = DEFAULT_FILE, preset: str = "prime", **replaced: Any) -> Odds:
    """`replaced` takes dotted names with `__` for the dot: what-if runs and tests."""
    try:
        tree = YAML(typ="safe").load(path)
    except (OSError, YAMLError) as error:
        raise BadOdds(f"{path}: {error}") from error
    presets = tree.pop("presets", {})
    if preset not in presets:
        raise BadOdds(f"{path}: no preset {preset!r}; there are {', '.join(presets)}")
    values: dict[str, Any] = {}
    for group, entries in tree.items():
        _flatten(path, entries, group, values)
    over: dict[str, Any] = {}
    _flatten(path, presets[preset], "", over)
    over |= {name.replace("__", "."): value for name, value in replaced.items()}
    unknown = over.keys() - values.keys()
    if unknown:
        raise BadOdds(f"{path}: preset {preset!r} replaces unknown {', '.join(sorted(unknown))}")
    return Odds(values | over, preset)
