"""Settings from the environment and from `.env`: names begin with `RECOBRO_`, parts are joined by `__`.

`RECOBRO_STRIPE__API_KEY=...` sets `stripe.api_key`. Secrets are never printed. The connection to Temporal
is not here: it comes from Temporal's own profiles and `TEMPORAL_*` variables.
"""

from __future__ import annotations

import base64
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self, TypeVar
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from domain.access import Role
from domain.contact import Actor
from domain.contact_rules.model import Profile
from domain.gateway_choice import KNOWN, MERCADOPAGO_COUNTRIES

S = TypeVar("S", bound=BaseSettings)


BELVO_COUNTRIES = ("MX", "CO", "BR")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SmtpSecurity(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Clock(StrEnum):
    """`requests`: the web app takes the time from each request's Date header. For rehearsals only."""

    WALL = "wall"
    REQUESTS = "requests"


def known_ways(given: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """By country, or `*` for every other, names of ways to pay. Raises ValueError naming what is none."""
    for country, names in given.items():
        if country != "*" and not (len(country) == 2 and country.isascii() and country.isupper()):
            raise ValueError(f"{country[:10]!r} is no country: expected two letters such as MX, or *")
        if unknown := [name for name in names if name not in KNOWN]:
            raise ValueError(f"{unknown[0][:40]!r} is no way to pay: expected {', '.join(sorted(KNOWN))}")
    return given


class Lender(_Part):
    """How the lender, or the agency that collects for it, names itself to borrowers.

    `name` is the creditor. The rest is what some markets' law wants in a message (docs/content-rules.md); where
    it is not set and the law asks for it, nothing is sent there and the reason says which setting is missing.
    """

    name: str = "Recobro Demo Lending"
    phone: str = "+1 202-555-0100"
    collects_as: Actor = Actor.CREDITOR
    agency: str | None = None
    agent: str | None = None
    address: str | None = None
    responsible: str | None = None
    complaints: str | None = None
    ways_to_pay: dict[str, tuple[str, ...]] = {}
    """As `payments.ways`, for this lender's borrowers."""

    @field_validator("ways_to_pay")
    @classmethod
    def _known_ways(cls, given: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return known_ways(given)

    @model_validator(mode="after")
    def _agency_has_a_name(self) -> Self:
        if self.collects_as is Actor.AGENCY and not self.agency:
            raise ValueError("an agency must be named: set agency beside collects_as=agency")
        return self


class Bank(_Part):
    """Berlin Group XS2A. `base_url` ends before `/v1`; `zone` is where the bank's day turns."""

    base_url: str
    access_token: SecretStr | None = None
    transactions: bool = False
    """Ask for transactions too, to learn when money comes in; the borrower is told so."""
    zone: str = "Europe/Madrid"


class Belvo(_Part):
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


class Stripe(_Part):
    """`more_webhook_secrets` are valid beside the first, while one is being replaced."""

    base_url: str = "https://api.stripe.com"
    api_key: SecretStr
    webhook_secret: SecretStr
    more_webhook_secrets: tuple[SecretStr, ...] = ()


class WebhookSender(_Part):
    """Whose webhooks are taken in and nothing else. `more_webhook_secrets` as with Stripe."""

    webhook_secret: SecretStr = Field(min_length=1)
    more_webhook_secrets: tuple[SecretStr, ...] = ()

    @property
    def webhook_secrets(self) -> tuple[SecretStr, ...]:
        return self.webhook_secret, *self.more_webhook_secrets


class MercadoPagoAccount(_Part):
    """`excluded_types` are payment types the lender does not take, such as credit_card."""

    access_token: SecretStr
    excluded_types: tuple[str, ...] = ()


class MercadoPago(WebhookSender):
    """An account belongs to one country: {"MX": {"access_token": "APP_USR-..."}}. The secrets prove its webhooks."""

    base_url: str = "https://api.mercadopago.com"
    accounts: dict[str, MercadoPagoAccount] = {}

    @field_validator("accounts")
    @classmethod
    def _served(cls, given: dict[str, MercadoPagoAccount]) -> dict[str, MercadoPagoAccount]:
        if unknown := [country for country in given if country not in MERCADOPAGO_COUNTRIES]:
            raise ValueError(f"{unknown[0][:10]!r}: Mercado Pago serves {', '.join(MERCADOPAGO_COUNTRIES)}")
        return given


class Conekta(_Part):
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


class BankPayments(_Part):
    """Payments that the borrower confirms at their own bank (Berlin Group PIS), in euros.

    `base_url` ends before `/v1`; `creditor_*` is the lender's account; `country` is whose borrowers are offered it.
    """

    base_url: str
    access_token: SecretStr | None = None
    creditor_name: str = Field(min_length=1, max_length=70)
    creditor_iban: SecretStr
    product: str = Field("sepa-credit-transfers", pattern=r"^(instant-)?sepa-credit-transfers$")
    country: str = Field("ES", pattern=r"^[A-Z]{2}$")


class Payments(_Part):
    """`ways` by country, in order: {"MX": ["mercadopago", "conekta"], "*": ["stripe"]}. `link_days`: a link's life."""

    ways: dict[str, tuple[str, ...]] = {}
    link_days: int = Field(120, ge=3, le=365)

    @field_validator("ways")
    @classmethod
    def _known_ways(cls, given: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return known_ways(given)


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


class WhatsAppNumber(_Part):
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


class Twilio(_Part):
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
    senders: dict[str, str] = {}
    most_segments: int | None = Field(None, ge=1)
    """A text of more segments is not sent; None: as long as the carrier takes."""
    registered_senders: dict[str, tuple[str, ...]] = {}
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


class Smtp(_Part):
    host: str
    port: int = Field(587, ge=1, le=65_535)
    security: SmtpSecurity = SmtpSecurity.STARTTLS
    username: str | None = None
    password: SecretStr | None = None
    from_address: str
    from_name: str = ""
    message_id_domain: str = "recobro.invalid"
    unsubscribe_url: str | None = None


class SendGrid(_Part):
    """E-mail by SendGrid, where no `smtp` is set. `webhook_public_keys` prove its events: base64, as SendGrid shows."""

    base_url: str = "https://api.sendgrid.com"
    api_key: SecretStr
    from_address: str
    from_name: str = ""
    webhook_public_keys: tuple[str, ...] = ()


class ContactCaps(_Part):
    """The lender's own limits for each person; only ever stricter than the law's."""

    per_day: int | None = Field(None, ge=1)
    per_week: int | None = Field(None, ge=1)


class Web(_Part):
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
    link_secret: SecretStr | None = Field(None, min_length=32)
    """Signs the addresses that borrowers are sent; the same in every process."""

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for each in given:
            ip_network(each)
        return given


class Encryption(_Part):
    """Master keys by id, base64 of 32 bytes each; `active_key` encrypts, all decrypt (docs/privacy.md).

    `payloads`: encrypt what Temporal keeps too; unset, exactly when keys are set. `temporal_ui` is the origin of the
    Web UI that may ask the web app to decode, such as `http://127.0.0.1:8233`; beside whoever has signed in and keys
    with the scope, holders of `codec_token` may ask. `person_keys_url`: the database of the people's own keys, if not
    beside the records.
    """

    keys: dict[str, SecretStr] = {}
    active_key: str | None = None
    payloads: bool | None = None
    temporal_ui: str | None = Field(None, pattern=r"^https?://[^/]+$")
    codec_token: SecretStr | None = None
    person_keys_url: str | None = None

    @property
    def encrypts_payloads(self) -> bool:
        """Whether Temporal is to keep only ciphertext."""
        return bool(self.keys) if self.payloads is None else self.payloads


class OpenIdConnect(_Part):
    """The lender's own sign-in. `issuer` serves `/.well-known/openid-configuration`.

    `roles` says which value of the claim `role_claim` makes whom: {"collections-ops": "operator"}. `state_secret`
    keeps the state of a sign-in that is under way; the same in every web process.
    """

    issuer: str = Field(pattern=r"^https?://")
    client_id: str
    client_secret: SecretStr
    state_secret: SecretStr = Field(min_length=32)
    role_claim: str = "roles"
    roles: dict[str, Role]
    name: str = "OpenID"
    """What the button says."""


class SepaCreditor(_Part):
    """Who collects by direct debit: the creditor identifier its bank gave it, and the account the money comes to."""

    creditor_id: str = Field(min_length=8, max_length=35)
    iban: str
    bic: str | None = None
    name: str | None = Field(None, max_length=70)
    instrument: Literal["CORE", "B2B"] = "CORE"

    @field_validator("iban")
    @classmethod
    def _is_iban(cls, given: str) -> str:
        from schwifty import IBAN
        from schwifty.exceptions import SchwiftyException

        try:
            return str(IBAN(given))
        except SchwiftyException:
            raise ValueError("expected an IBAN") from None


class DirectDebit(_Part):
    """The bank that takes files of direct debits: by HTTP at `base_url`, or by `folder` (docs/direct-debit.md).

    `creditors` by lender key take the place of `creditor`. `lead_days`: settlement days before a collection on which
    the bank wants the file.
    """

    base_url: str | None = Field(None, pattern=r"^https?://")
    username: str | None = None
    password: SecretStr | None = None
    folder: Path | None = None
    creditor: SepaCreditor | None = None
    creditors: dict[str, SepaCreditor] = {}
    lead_days: int = Field(1, ge=1, le=10)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.base_url is None) == (self.folder is None):
            raise ValueError("expected exactly one of base_url and folder")
        return self

    def creditor_of(self, lender: str) -> SepaCreditor | None:
        return self.creditors.get(lender, self.creditor)


class StatementFolder(_Part):
    """A folder in which a bank's statements appear (docs/reconciliation.md).

    `mapping`: how its CSV files are read; without one there are none. `lender`: whose the account is, where the
    creditors of direct debits do not say it.
    """

    folder: Path
    mapping: Path | None = None
    lender: str | None = Field(None, min_length=1, max_length=64)


class WorkerProcess(_Part):
    """Worker versioning: with a `build_id` a loan stays with the build it began with (docs/upgrades.md).

    `cached_workflows` are kept in memory between two of their tasks; any other is replayed when it wakes.
    """

    deployment: str = "recobro"
    build_id: str | None = Field(None, min_length=1, max_length=200)
    cached_workflows: int = Field(250, ge=0)


class Tracing(_Part):
    """OpenTelemetry: `endpoint` is a collector's OTLP/HTTP address without `/v1/traces`; `share` of traces are kept."""

    endpoint: str = Field(pattern=r"^https?://")
    headers: dict[str, SecretStr] = {}
    share: float = Field(1.0, ge=0, le=1)


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


def load_settings() -> Settings:
    """The settings of this process. Raises BadSettings; the text never holds a value."""
    return _loaded(Settings)


def load_encryption() -> Encryption:
    """Only what the records' keys need. Raises BadSettings as `load_settings` does."""
    return _loaded(_EncryptionAlone).encryption


def _loaded(kind: type[S]) -> S:
    try:
        return kind()
    except ValidationError as wrong:
        lines = [
            f"RECOBRO_{'__'.join(str(part).upper() for part in error['loc'])}: {error['msg']}"
            for error in wrong.errors(include_input=False, include_url=False)
        ]
    except SettingsError as wrong:
        lines = [str(wrong)]
    raise BadSettings("; ".join(lines))
