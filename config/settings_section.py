"""What a group of settings is: frozen, and a name that it does not know is an error."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

SHORTEST_SECRET = 32


class SettingsSection(BaseModel):
    """Settings that belong together under one name, such as `stripe`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _long(given: SecretStr) -> SecretStr:
    if (length := len(given.get_secret_value())) < SHORTEST_SECRET:
        raise ValueError(f"expected {SHORTEST_SECRET} characters or more, not {length}")
    return given


LongSecret = Annotated[SecretStr, AfterValidator(_long)]
"""A secret of our own making that opens or signs something: 32 characters or more, so an empty one is an error."""
