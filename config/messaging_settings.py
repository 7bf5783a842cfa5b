"""Settings of the carriers that take messages and calls to borrowers: WhatsApp, SMS and voice, e-mail."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from config.settings_section import SettingsSection
from config.webhook_settings import WebhookSender


class WhatsAppNumber(SettingsSection):
    """One of the business account's numbers: Meta's `id` of it and its E.164 `number`.

    `tier`: how many people this number alone may write to outside their window in 24 hours; None: only the
    portfolio's limit holds.
    """

    id: str = Field(pattern=r"^[0-9]{1,30}$")
    number: str = Field(pattern=r"^\+[1-9][0-9]{4,14}$")
    tier: int | None = Field(None, ge=1)


class Meta(WebhookSender):
    """The WhatsApp Cloud API. The secrets are the app's; `verify_token` is what we told Meta to ask with.

    With `access_token`, `business_account` and `numbers` messages go out by it. A number is used up to `tier_share`
    of its tier; the rest is left for answers by people.
    """

    verify_token: SecretStr = Field(min_length=1)
    access_token: SecretStr | None = None
    business_account: str | None = Field(None, pattern=r"^[0-9]{1,30}$")
    numbers: tuple[WhatsAppNumber, ...] = ()
    tier_share: float = Field(0.9, gt=0, le=1)
    base_url: str = "https://graph.facebook.com"
    version: str = Field("v23.0", pattern=r"^v[0-9]{1,3}\.[0-9]$")
    templates: Path | None = None
    """A file of your own instead of config/platforms/whatsapp_templates.yaml."""
    largest_file: int = Field(8 * 1024 * 1024, ge=1, le=100 * 1024 * 1024)
    """Files that people send are kept up to so many bytes."""

    @model_validator(mode="after")
    def _sends_wholly_or_not(self) -> Self:
        given = [self.access_token is not None, self.business_account is not None, bool(self.numbers)]
        if any(given) and not all(given):
            raise ValueError("to send: access_token, business_account and numbers, all three")
        if len({number.id for number in self.numbers}) != len(self.numbers):
            raise ValueError("numbers: each id once")
        return self

    @property
    def sends(self) -> bool:
        return bool(self.numbers)


class Twilio(SettingsSection):
    """`sender` is a number or a name; `messaging_service_sid` takes its place where given.

    `senders` are the numbers or names for people of a country, where it is not `sender`: {"MX": "+5255..."}.
    `registered_senders` are the names registered in a country that asks for it, letter by letter, by country:
    {"ES": ["Credialba"]}. `whatsapp_sender` is the number that writes on WhatsApp.
    """

    base_url: str = "https://api.twilio.com"
    account_sid: str
    auth_token: SecretStr
    sender: str | None = None
    messaging_service_sid: str | None = None
    senders: dict[str, str] = Field(default_factory=dict)
    most_segments: int | None = Field(None, ge=1)
    """A text of more segments is not sent; None: as long as the carrier takes."""
    registered_senders: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    whatsapp_sender: str | None = None
    voice_sender: str | None = Field(None, pattern=r"^\+[1-9][0-9]{4,14}$")
    """The number that calls borrowers; without it nobody is called."""
    agents_number: str | None = Field(None, pattern=r"^\+[1-9][0-9]{4,14}$")
    """Where a borrower who asks for a person is put through to; without it they are called back."""
    more_auth_tokens: tuple[SecretStr, ...] = ()
    """Prove webhooks as `auth_token` does, while it is being replaced."""

    @field_validator("senders")
    @classmethod
    def _countries(cls, given: dict[str, str]) -> dict[str, str]:
        for country, sender in given.items():
            if not (len(country) == 2 and country.isascii() and country.isupper()) or not sender.strip():
                raise ValueError('expected countries of two capital letters with a number or name: {"MX": "+52..."}')
        return given

    def sender_for(self, country: str) -> str | None:
        """Under what text messages to `country` leave; None: the messaging service picks, or there is none."""
        return self.senders.get(country) or (None if self.messaging_service_sid else self.sender)

    @property
    def sends_texts(self) -> bool:
        return bool(self.sender or self.messaging_service_sid or self.senders)


class SmtpSecurity(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Smtp(SettingsSection):
    host: str
    port: int = Field(587, ge=1, le=65_535)
    security: SmtpSecurity = SmtpSecurity.STARTTLS
    username: str | None = None
    password: SecretStr | None = None
    from_address: str
    from_name: str = ""
    message_id_domain: str = "recobro.invalid"
    unsubscribe_url: str | None = None


class SendGrid(SettingsSection):
    """E-mail by SendGrid, where no `smtp` is set. `webhook_public_keys` prove its events: base64, as SendGrid shows."""

    base_url: str = "https://api.sendgrid.com"
    api_key: SecretStr
    from_address: str
    from_name: str = ""
    webhook_public_keys: tuple[str, ...] = ()
