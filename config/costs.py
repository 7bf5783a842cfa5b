"""Reads what reaching people costs from YAML; whatever is wrong is told with file, line and field."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from config.settings import Settings
from config.yaml_source import Problem, read_yaml
from domain.costs import CostTable

SHIPPED = Path(__file__).with_name("costs.yaml")


class CostsError(ValueError):
    """A table that cannot be used; `problems` holds everything found wrong with the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class _CostsAlone(BaseSettings):
    model_config = Settings.model_config

    costs: Path | None = None


@lru_cache(maxsize=1)
def costs_in_force() -> CostTable:
    """The table this process's settings name, for where settings do not come by. Raises CostsError."""
    return load_costs(_CostsAlone().costs)


@lru_cache(maxsize=4)
def load_costs(file: Path | None = None) -> CostTable:
    """The table of `file`, else the one that is shipped. Raises CostsError."""
    source = read_yaml(file or SHIPPED)
    if source.problems:
        raise CostsError(tuple(source.problems))
    try:
        return CostTable.model_validate(source.data)
    except ValidationError as error:
        problems = tuple(
            Problem(
                file=source.file,
                line=source.line_of(each["loc"]),
                field=".".join(str(part) for part in each["loc"]),
                reason=each["msg"].removeprefix("Value error, "),
            )
            for each in error.errors(include_url=False, include_input=False)
        )
        raise CostsError(problems) from None
