"""How long records of collection are kept after the last of them: `retention.yaml`, by country."""

from __future__ import annotations

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


@lru_cache(maxsize=1)
def _known() -> dict[str, Retention]:
    return TypeAdapter(dict[str, Retention]).validate_python(read_yaml(_FILE).data)
