"""Settings from the environment and from `.env`: names begin with `RECOBRO_`, parts are joined by `__`.

`RECOBRO_STRIPE__API_KEY=...` sets `stripe.api_key`. Secrets are never printed. The connection to Temporal
is not here: it comes from Temporal's own profiles and `TEMPORAL_*` variables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from config.bank_data_settings import Bank, Belvo
from config.bank_file_settings import DirectDebit, StatementFolder
from config.encryption_settings import Encryption
from config.lender_settings import ContactCaps, Lender
from config.messaging_settings import Meta, SendGrid, Smtp, Twilio
from config.payment_settings import BankPayments, Conekta, MercadoPago, Payments, Stripe
from config.tracing_settings import Tracing
from config.web_settings import OpenIdConnect, Web
from config.webhook_settings import StandardWebhooksSender, WebhookSender
from config.worker_settings import WorkerProcess
from domain.contact_rules.model import Profile

S = TypeVar("S", bound=BaseSettings)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="RECOBRO_",
        env_nested_delimiter="__",
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: str = "sqlite:///var/recobro.db"
    task_queue: str = "recobro"
    worker: WorkerProcess = WorkerProcess()
    lender: Lender = Lender()
    lenders: dict[str, Lender] = {}
    caps: ContactCaps = ContactCaps()
    jurisdictions: Path | None = None
    profile: Profile = Profile.STRICT
    guard_minutes: int = Field(0, ge=0, le=240)
    """Nothing is begun in the last so many minutes of a lawful window."""
    lender_rules: Path | None = None
    """A folder of the lender's own packs, stricter than the law's (docs/contact-rules.md)."""
    print_folder: Path | None = None
    """Where letters are laid for the printer; without it none are written."""
    print_registered: frozenset[str] = frozenset()
    """Templates whose letters are posted with proof: ["review_notice"]."""
    costs: Path | None = None
    """A table of what channels and gateways charge in place of config/costs.yaml."""
    faq: Path | None = None
    """A folder of the lender's own answers to common questions, `<language>.yaml`, in place of config/faq."""
    replies_model: Path = Path("var/replies/replies.model")
    """Where `replies retrain` puts a better model to use; without a file there the model that ships is used."""
    bank: Bank | None = None
    belvo: Belvo | None = None
    stripe: Stripe | None = None
    direct_debit: DirectDebit | None = None
    statements: tuple[StatementFolder, ...] = ()
    twilio: Twilio | None = None
    smtp: Smtp | None = None
    sendgrid: SendGrid | None = None
    mail_reports: WebhookSender | None = None
    """Whoever reads the bounce mailbox, and posts what mail servers write back."""
    meta: Meta | None = None
    mercadopago: MercadoPago | None = None
    conekta: Conekta | None = None
    bank_payments: BankPayments | None = None
    payments: Payments = Payments()
    gocardless: WebhookSender | None = None
    standard_webhooks: StandardWebhooksSender | None = None
    whatsapp_enabled: bool = False
    """Write on WhatsApp. Its policy is shown once before a campaign uses it; an agency is refused."""
    whatsapp_tier: int | None = 250
    """How many people the business portfolio may write to outside their window in 24 hours; None: unlimited."""
    web: Web = Web()
    encryption: Encryption = Encryption()
    oidc: OpenIdConnect | None = None
    case_webhook_url: str | None = None
    """Told of every case that opens or moves (POST, JSON), before the loan goes on."""
    json_logs: bool = False
    tracing: Tracing | None = None
    metrics_host: str = "127.0.0.1"
    """Where workers and the web app serve metrics; they are not guarded, so keep them on an inner network."""

    @field_validator("whatsapp_tier", mode="before")
    @classmethod
    def _tier(cls, value: object) -> object:
        from config.platform_rules import load_whatsapp

        tiers = {str(tier or "unlimited"): tier for tier in load_whatsapp().tier.tiers}
        named = "unlimited" if value is None else str(value).strip().lower()
        if named not in tiers:
            raise ValueError(f"expected one of {', '.join(tiers)}")
        return tiers[named]

    @model_validator(mode="after")
    def _transfers_have_a_page(self) -> Self:
        if self.bank_payments is not None and (self.web.public_url is None or self.web.link_secret is None):
            raise ValueError(
                "bank payments are begun on a page: set RECOBRO_WEB__PUBLIC_URL and RECOBRO_WEB__LINK_SECRET"
            )
        return self

    @property
    def bank_data_by_country(self) -> dict[str, str]:
        """The source of bank data of each country that has one of its own; any other is served by `bank`."""
        return dict.fromkeys(self.belvo.countries, "belvo") if self.belvo is not None else {}

    @property
    def asks_for_consents(self) -> bool:
        """Whether somebody can be asked to let their balance be read: a source to read, and a page to say yes."""
        return self.web.public_url is not None and (self.bank is not None or self.belvo is not None)

    def lender_named(self, key: str) -> Lender:
        return self.lenders.get(key, self.lender)


class _EncryptionAlone(BaseSettings):
    model_config = Settings.model_config

    encryption: Encryption = Encryption()


class BadSettings(ValueError):
    """Settings that cannot be used: one line for each, naming the variable and what was expected."""


def load_settings(file: Path = Path(".env")) -> Settings:
    """The settings of this process. Raises BadSettings; the text never holds a value."""
    return _loaded(Settings, file)


def load_encryption() -> Encryption:
    """Only what the records' keys need. Raises BadSettings as `load_settings` does."""
    return _loaded(_EncryptionAlone).encryption


def _loaded(kind: type[S], file: Path = Path(".env")) -> S:
    try:
        return kind(_env_file=file)
    except ValidationError as wrong:
        lines = [
            f"RECOBRO_{'__'.join(str(part).upper() for part in error['loc'])}: {error['msg']}"
            for error in wrong.errors(include_input=False, include_url=False)
        ]
    except SettingsError as wrong:
        lines = [str(wrong)]
    raise BadSettings("; ".join(lines))
