"""How long records of collection are kept after the last of them: `retention.yaml`, by country."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from config.yaml_source import read_yaml

_FILE = Path(__file__).parent / "retention.yaml"


class Retention(BaseModel):
    """`years` from the last contact, payment or end of a loan; `source` and `evidence` as in the contact packs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    years: int = Field(ge=0, le=100)
    evidence: str
    source: str
    text: str


def retention_of(country: str) -> Retention:
    """What holds in a country (ISO 3166-1 alpha-2)."""
    known = _known()
    return known.get(country, known["otherwise"])


def kept_until(country: str, last_at: datetime) -> datetime:
    """The moment until which records of a country are kept whose last event was at `last_at`."""
    years = retention_of(country).years
    try:
        return last_at.replace(year=last_at.year + years)
    except ValueError:  # the 29th of February
        return last_at.replace(year=last_at.year + years, month=3, day=1)


def longest_years() -> int:
    """The longest that records are kept in any country, in years: for what is not known to be anybody's."""
    return max(one.years for one in _known().values())


@lru_cache(maxsize=1)
def _known() -> dict[str, Retention]:
    return TypeAdapter(dict[str, Retention]).validate_python(read_yaml(_FILE).data)
