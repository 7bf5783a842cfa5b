"""Settings of the gateways and banks through which borrowers pay, and of what a borrower is offered."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import Field, SecretStr, field_validator

from config.settings_section import SettingsSection
from config.ways_to_pay import known_ways
from config.webhook_settings import WebhookSender
from domain.gateway_choice import MERCADOPAGO_COUNTRIES


class Stripe(SettingsSection):
    """`more_webhook_secrets` are valid beside the first, while one is being replaced."""

    base_url: str = "https://api.stripe.com"
    api_key: SecretStr
    webhook_secret: SecretStr
    more_webhook_secrets: tuple[SecretStr, ...] = ()


class MercadoPagoAccount(SettingsSection):
    """`excluded_types` are payment types the lender does not take, such as credit_card."""

    access_token: SecretStr
    excluded_types: tuple[str, ...] = ()


class MercadoPago(WebhookSender):
    """An account belongs to one country: {"MX": {"access_token": "APP_USR-..."}}. The secrets prove its webhooks."""

    base_url: str = "https://api.mercadopago.com"
    accounts: dict[str, MercadoPagoAccount] = Field(default_factory=dict)

    @field_validator("accounts")
    @classmethod
    def _served(cls, given: dict[str, MercadoPagoAccount]) -> dict[str, MercadoPagoAccount]:
        if unknown := [country for country in given if country not in MERCADOPAGO_COUNTRIES]:
            raise ValueError(f"{unknown[0][:10]!r}: Mercado Pago serves {', '.join(MERCADOPAGO_COUNTRIES)}")
        return given


class Conekta(SettingsSection):
    """`webhook_public_key` is the PEM text of the account's webhook key, which proves its webhooks."""

    base_url: str = "https://api.conekta.io"
    api_key: SecretStr
    methods: tuple[str, ...] = ("cash", "card", "bank_transfer")
    webhook_public_key: str | None = None
    more_webhook_public_keys: tuple[str, ...] = ()

    @field_validator("webhook_public_key", "more_webhook_public_keys")
    @classmethod
    def _are_keys(cls, given: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        for text in (given,) if isinstance(given, str) else given or ():
            try:
                load_pem_public_key(text.replace("\\n", "\n").encode())
            except ValueError:
                raise ValueError("expected a public key as PEM text: -----BEGIN PUBLIC KEY----- ...") from None
        return given

    @property
    def webhook_public_keys(self) -> tuple[str, ...]:
        """With line breaks, also where a variable held them as `\\n`."""
        keys = (self.webhook_public_key, *self.more_webhook_public_keys)
        return tuple(key.replace("\\n", "\n") for key in keys if key)


class BankPayments(SettingsSection):
    """Payments that the borrower confirms at their own bank (Berlin Group PIS), in euros.

    `base_url` ends before `/v1`; `creditor_*` is the lender's account; `country` is whose borrowers are offered it.
    """

    base_url: str
    access_token: SecretStr | None = None
    creditor_name: str = Field(min_length=1, max_length=70)
    creditor_iban: SecretStr
    product: str = Field("sepa-credit-transfers", pattern=r"^(instant-)?sepa-credit-transfers$")
    country: str = Field("ES", pattern=r"^[A-Z]{2}$")


class Payments(SettingsSection):
    """`ways` by country, in order: {"MX": ["mercadopago", "conekta"], "*": ["stripe"]}. `link_days`: a link's life."""

    ways: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    link_days: int = Field(120, ge=3, le=365)

    @field_validator("ways")
    @classmethod
    def _known_ways(cls, given: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return known_ways(given)
