"""Reads the countries' pay calendars from YAML; whatever is wrong is told with file, line and field."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from config.yaml_source import Problem, read_yaml
from domain.pay_calendar import PayCalendar

PAY_CALENDARS_FOLDER = Path(__file__).parent / "pay_calendars"
ELSEWHERE = "other"


class PayCalendarError(ValueError):
    """A calendar that cannot be used; the text holds a line for everything found wrong."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@lru_cache(maxsize=64)
def pay_calendar(country: str, folder: Path = PAY_CALENDARS_FOLDER) -> PayCalendar:
    """The calendar of a country (ISO 3166), else the one for elsewhere. Raises PayCalendarError."""
    file = folder / f"{country}.yaml"
    if not file.is_file():
        return _load(folder / f"{ELSEWHERE}.yaml").model_copy(update={"country": country})
    return _load(file)


def _load(file: Path) -> PayCalendar:
    source = read_yaml(file)
    if source.problems:
        raise PayCalendarError(tuple(source.problems))
    try:
        return PayCalendar.model_validate(source.data)
    except ValidationError as error:
        raise PayCalendarError(
            tuple(
                Problem(
                    file=source.file,
                    line=source.line_of(each["loc"]),
                    field=".".join(str(part) for part in each["loc"]),
                    reason=each["msg"].removeprefix("Value error, "),
                )
                for each in error.errors(include_url=False, include_input=False)
            )
        ) from None
