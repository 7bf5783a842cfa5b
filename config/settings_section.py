"""What a group of settings is: frozen, and a name that it does not know is an error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SettingsSection(BaseModel):
    """Settings that belong together under one name, such as `stripe`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
