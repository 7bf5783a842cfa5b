"""Reads the platforms' terms from YAML; whatever is wrong is told with file, line and field."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from config.yaml_source import Problem, read_yaml
from domain.platform_rules.model import SmsRules, WhatsAppRules

PLATFORMS_FOLDER = Path(__file__).parent / "platforms"
_Model = TypeVar("_Model", bound=BaseModel)


class PlatformRulesError(ValueError):
    """Terms that cannot be used; `problems` holds everything found wrong with the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@lru_cache(maxsize=4)
def load_whatsapp(folder: Path = PLATFORMS_FOLDER) -> WhatsAppRules:
    """Raises PlatformRulesError."""
    return _load(WhatsAppRules, folder / "whatsapp.yaml")


@lru_cache(maxsize=4)
def load_sms(folder: Path = PLATFORMS_FOLDER) -> SmsRules:
    """Raises PlatformRulesError."""
    return _load(SmsRules, folder / "sms.yaml")


def _load(model: type[_Model], file: Path) -> _Model:
    source = read_yaml(file)
    if source.problems:
        raise PlatformRulesError(tuple(source.problems))
    try:
        return model.model_validate(source.data)
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
        raise PlatformRulesError(problems) from None
