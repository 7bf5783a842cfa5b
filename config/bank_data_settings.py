"""Settings of the sources of bank data, where borrowers' balances are read with their consent."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import SecretStr, field_validator

from config.settings_section import SettingsSection

BELVO_COUNTRIES = ("MX", "CO", "BR")


class Bank(SettingsSection):
    """Berlin Group XS2A. `base_url` ends before `/v1`; `zone` is where the bank's day turns."""

    base_url: str
    access_token: SecretStr | None = None
    transactions: bool = False
    """Ask for transactions too, to learn when money comes in; the borrower is told so."""
    zone: str = "Europe/Madrid"


class Belvo(SettingsSection):
    """Bank data in `countries`. The secret keys are the account's; `zone` is where a day is reckoned for reads.

    `webhook_authorizations`: what the `Authorization` header of its webhooks is, as set at Belvo; several while it is
    being replaced.
    """

    base_url: str = "https://api.belvo.com"
    widget_url: str = "https://widget.belvo.io/"
    secret_id: str
    secret_password: SecretStr
    countries: tuple[str, ...] = BELVO_COUNTRIES
    zone: str = "America/Mexico_City"
    webhook_authorizations: tuple[SecretStr, ...] = ()
    transactions: bool = False

    @field_validator("webhook_authorizations")
    @classmethod
    def _hard_to_guess(cls, given: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for one in given:
            scheme, _, rest = one.get_secret_value().strip().partition(" ")
            if scheme not in ("Bearer", "Basic") or len(rest.strip()) < 20:
                raise ValueError("expected Bearer or Basic, a blank, and 20 characters or more")
        return given

    @field_validator("countries")
    @classmethod
    def _served(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [country for country in given if country not in BELVO_COUNTRIES]:
            raise ValueError(f"{unknown[0][:10]!r}: Belvo serves {', '.join(BELVO_COUNTRIES)}")
        return given

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError, KeyError):
            raise ValueError("expected an IANA time zone such as America/Mexico_City") from None
        return value
