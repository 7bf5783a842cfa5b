"""Settings of a worker process."""

from __future__ import annotations

from pydantic import Field

from config.settings_section import SettingsSection


class WorkerProcess(SettingsSection):
    """Worker versioning: with a `build_id` a loan stays with the build it began with (docs/upgrades.md).

    `cached_workflows` are kept in memory between two of their tasks; any other is replayed when it wakes.
    """

    deployment: str = "recobro"
    build_id: str | None = Field(None, min_length=1, max_length=200)
    cached_workflows: int = Field(250, ge=0)
