"""Settings of the web app: where it listens, whose word it takes, how people sign in."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_network

from pydantic import Field, SecretStr, field_validator

from config.settings_section import LongSecret, SettingsSection
from domain.access import Role


class Clock(StrEnum):
    """`requests`: the web app takes the time from each request's Date header. For rehearsals only."""

    WALL = "wall"
    REQUESTS = "requests"


class Web(SettingsSection):
    """`public_url` is where providers reach the web app, without a slash at its end.

    `trusted_proxies` are the addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed.

    `metrics_port` serves Prometheus metrics apart from everything that is reachable from outside; None: nowhere.
    """

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65_535)
    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    clock: Clock = Clock.WALL
    session_idle_minutes: int = Field(30, ge=1, le=1_440)
    session_hours: int = Field(10, ge=1, le=168)
    """A session ends after so long without a request, and in any case after so many hours."""
    metrics_port: int | None = Field(None, ge=1, le=65_535)
    link_secret: LongSecret | None = None
    """Signs the addresses that borrowers are sent; the same in every process."""

    @property
    def shares_one_address(self) -> bool:
        """Whether all who come have the address of a proxy that nobody named: TLS ends there, never here."""
        https = self.public_url is not None and self.public_url.lower().startswith("https:")
        return https and not self.trusted_proxies

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for each in given:
            ip_network(each)
        return given


class OpenIdConnect(SettingsSection):
    """The lender's own sign-in. `issuer` serves `/.well-known/openid-configuration`.

    `roles` says which value of the claim `role_claim` makes whom: {"collections-ops": "operator"}. `state_secret`
    keeps the state of a sign-in that is under way; the same in every web process.
    """

    issuer: str = Field(pattern=r"^https?://")
    client_id: str
    client_secret: SecretStr
    state_secret: LongSecret
    role_claim: str = "roles"
    roles: dict[str, Role]
    name: str = "OpenID"
    """What the button says."""
