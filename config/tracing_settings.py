"""Settings of tracing: where spans go, and how many."""

from __future__ import annotations

from pydantic import Field, SecretStr

from config.settings_section import SettingsSection


class Tracing(SettingsSection):
    """OpenTelemetry: `endpoint` is a collector's OTLP/HTTP address without `/v1/traces`; `share` of traces are kept."""

    endpoint: str = Field(pattern=r"^https?://")
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    share: float = Field(1.0, ge=0, le=1)
