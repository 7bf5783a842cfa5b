"""Settings of senders of webhooks: the secrets that prove who sent one."""

from __future__ import annotations

import base64
from typing import Self

from pydantic import Field, SecretStr, model_validator

from config.settings_section import SettingsSection


class WebhookSender(SettingsSection):
    """Whose webhooks are taken in and nothing else. `more_webhook_secrets` as with Stripe."""

    webhook_secret: SecretStr = Field(min_length=1)
    more_webhook_secrets: tuple[SecretStr, ...] = ()

    @property
    def webhook_secrets(self) -> tuple[SecretStr, ...]:
        return self.webhook_secret, *self.more_webhook_secrets


class StandardWebhooksSender(WebhookSender):
    """A secret is base64, with or without `whsec_` before it."""

    @model_validator(mode="after")
    def _secrets_are_base64(self) -> Self:
        for secret in self.webhook_secrets:
            text = secret.get_secret_value().removeprefix("whsec_").rstrip("=")
            try:
                base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
            except ValueError:
                raise ValueError("expected secrets in base64, with or without whsec_ before them") from None
        return self
