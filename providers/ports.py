"""What Recobro asks of the outside world: a bank's data, a payment gateway, a messenger.

Every call takes `at`, the aware time of the task it serves, and tells it to the provider (`Date`), so that a
campaign rehearsed on skipped time is consistent on both sides. Every call may raise
`providers.errors.ProviderError` and, for bad arguments only, `ValueError`. Addresses and texts are left out
of `repr`.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from domain.contact import Channel
from domain.events.values import Moment
from domain.money import Money
from domain.payment_references import reference_of
from domain.webhook_news import DeliveryState
from domain.what_next import Reaction


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class ConsentStatus(StrEnum):
    """A consent's life by Berlin Group XS2A 1.3; only VALID may be read with."""

    RECEIVED = "received"
    VALID = "valid"
    PARTIALLY_AUTHORISED = "partiallyAuthorised"
    REJECTED = "rejected"
    REVOKED_BY_PSU = "revokedByPsu"
    EXPIRED = "expired"
    TERMINATED_BY_TPP = "terminatedByTpp"


class ConsentRequest(_Value):
    """A recurring consent to read balances.

    `iban` None asks for whatever accounts the debtor picks at the bank. `valid_until` is inclusive, a local
    date of the bank. `psu_ip` is the debtor's own address: a consent is only asked for while the debtor is
    there. `reads_a_day` are unattended reads; more than 4 need an agreement with the bank.
    """

    reference: str = ""
    """Ours, by which a provider without an id of the consent yet can be asked to name it again."""
    iban: SecretStr | None = None
    language: str = "es"
    valid_until: date
    reads_a_day: int = Field(default=4, ge=1)
    psu_ip: str = Field(repr=False)
    return_url: str
    failed_url: str | None = None


class Consent(_Value):
    """`valid_until` (inclusive) is what the bank granted, or what was asked where it has not said yet; None: it ends
    only when it is taken back. `id` is empty where the provider tells it when the debtor comes back. `reads_a_day` is
    what the bank granted, `reference` what it was asked under, where they are told.
    """

    id: str
    status: ConsentStatus
    valid_until: date | None
    reads_a_day: int | None = None
    reference: str | None = None
    authorise_url: str | None = Field(default=None, repr=False)


class BankAccount(_Value):
    """An account a consent covers; `id` is what `balance` takes, and changes with the consent."""

    id: str
    currency: str


class BalanceReading(_Value):
    """A balance in minor units; negative when overdrawn. `balance_type` is the bank's own word."""

    amount_minor: int
    currency: str
    balance_type: str
    read_at: AwareDatetime


class Credit(_Value):
    """Money that came to an account; `booked_on` is a local day of the bank. Nothing of who paid it, or why."""

    booked_on: date
    amount_minor: int = Field(gt=0)
    currency: str


class LinkRequest(_Value):
    """A link to pay exactly `amount` once. The same `idempotency_key` must carry the same other fields.

    From `expires_at` on nothing may be paid through it; None leaves that to the gateway.
    """

    idempotency_key: str
    amount: Money
    lender: str
    loan_id: str
    description: str
    at: AwareDatetime
    expires_at: AwareDatetime | None = None

    @property
    def reference(self) -> str:
        """What the gateway carries along and gives back with each payment, where it cannot repeat a request."""
        return reference_of(self.idempotency_key)


class PaymentLink(_Value):
    id: str
    url: str
    amount: Money
    created_at: AwareDatetime


class GatewayPayment(_Value):
    """A payment the gateway holds. `refunded`: it has since been taken back in full."""

    payment_id: str
    amount: Money
    paid_at: Moment
    refunded: bool = False


class PaymentState(StrEnum):
    """PENDING may still become anything; TAKEN_BACK was paid and has been refunded in full or charged back."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    TAKEN_BACK = "taken_back"


class PaymentReport(_Value):
    """A payment as the gateway knows it now. `reference` is ours (see LinkRequest), where it carries one.

    `refunded_minor`: what of one that stands was given back, by whomever, as far as the gateway says it.
    """

    payment_id: str
    state: PaymentState
    amount: Money
    paid_at: Moment
    reference: str | None = None
    refunded_minor: int = Field(default=0, ge=0)


class RefundRequest(_Value):
    """Give back `amount` of a payment.

    `asked_before`: the gateway was asked for this refund and its answer was lost, so that it may have been given back
    already. `given_back_before_minor`: what a gateway of `RefundsBySum` said before it was asked the first time; None:
    not known. The same `idempotency_key` must carry the same payment and amount.
    """

    idempotency_key: str
    payment_id: str
    amount: Money
    given_back_before_minor: int | None = Field(default=None, ge=0)
    asked_before: bool = False
    at: AwareDatetime


class RefundState(StrEnum):
    """PENDING: the gateway will do it; FAILED: it did not, and the money is still the lender's to give back."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"


class Refund(_Value):
    id: str
    state: RefundState


class TemplateValue(_Value):
    """What stands at one place of an approved template."""

    name: str
    text: str = Field(repr=False)


class ApprovedTemplate(_Value):
    """A template that WhatsApp approved, by its name and language there, with its values in their order.

    `named`: its places have names; else they are numbered.
    """

    name: str
    language: str
    values: tuple[TemplateValue, ...] = ()
    named: bool = True


class Attachment(_Value):
    """A file that goes with an e-mail; `media_type` such as application/pdf.

    With a `content_id` it is a picture that the HTML part shows as `cid:<content_id>`.
    """

    filename: str = Field(pattern=r"^[A-Za-z0-9._-]{1,120}$")
    media_type: str = Field(pattern=r"^[a-z]+/[a-z0-9.+-]+$")
    content: bytes = Field(repr=False)
    content_id: str | None = Field(default=None, pattern=r"^[a-z0-9.-]{1,60}$")


class OutgoingMessage(_Value):
    """One message to one address. `message_id` is ours and fixed over all attempts.

    `to` is E.164 for SMS and WhatsApp, an address for e-mail. `valid_until` is the exclusive end of the
    lawful window: the carrier must not deliver at or after it. `sender` is the number or name it goes out under, as the
    provider knows it; None: the adapter's own. For a letter `to` are the lines of the envelope. `approved`: WhatsApp is
    asked to fill this template, and `text` is what that comes to.
    """

    message_id: str
    channel: Channel
    to: str = Field(repr=False)
    subject: str | None = Field(default=None, repr=False)
    text: str = Field(repr=False)
    html: str | None = Field(default=None, repr=False)
    attachments: tuple[Attachment, ...] = Field(default=(), repr=False)
    valid_until: AwareDatetime | None = None
    loan_id: str
    lender: str
    at: AwareDatetime
    sender: str | None = None
    approved: ApprovedTemplate | None = None
    answers: tuple[str, ...] = Field(default=(), repr=False)
    """Of an e-mail that answers one: Message-IDs of the mails before it in the thread, the one it answers last."""
    registered: bool = False
    """Of a letter: whether it is posted with proof."""
    unsubscribe_url: str | None = Field(default=None, repr=False)
    """Takes a POST that ends mails to this person, with no further question (RFC 8058)."""
    language: str = "en"
    country: str = "US"
    """What the message is written in, and where it is read: what is typeset or spoken needs to know."""
    timezone: str | None = None
    """The IANA zone it is read in, where that is known."""


class Sent(_Value):
    provider: str
    provider_message_id: str
    sheets: int = 1
    """Of paper, for letters: what they cost depends on it."""


class DeliveryReport(_Value):
    """Where a message stands; `reaction` is set when it failed."""

    provider_message_id: str
    state: DeliveryState
    error_code: str | None = None
    reaction: Reaction | None = None


class BankData(Protocol):
    async def create_consent(self, request: ConsentRequest, at: datetime) -> Consent: ...

    async def consent(self, consent_id: str, at: datetime) -> Consent:
        """The whole consent, with the `valid_until` the bank granted."""
        ...

    async def consent_status(self, consent_id: str, at: datetime) -> ConsentStatus: ...

    async def revoke_consent(self, consent_id: str, at: datetime) -> None:
        """End a consent at the provider; one that is over already, or unknown there, is no error."""
        ...

    async def accounts(self, consent_id: str, at: datetime, psu_ip: str | None = None) -> tuple[BankAccount, ...]:
        """The accounts of a valid consent; counts as a read like `balance`."""
        ...

    async def balance(
        self, account_id: str, consent_id: str, at: datetime, psu_ip: str | None = None
    ) -> BalanceReading:
        """One reading; unattended (and counted against the day's budget) unless `psu_ip` is given."""
        ...


@runtime_checkable
class TransactionData(Protocol):
    """A source of bank data that can also tell what came in."""

    @property
    def shows_credits(self) -> bool:
        """Whether transactions are asked for, and may be read."""
        ...

    @property
    def limits_consents(self) -> bool:
        """Whether a consent there shows transactions only where it was given for them."""
        ...

    async def credits(
        self, account_id: str, consent_id: str, since: date, at: datetime, psu_ip: str | None = None
    ) -> tuple[Credit, ...]:
        """What came in since a day, inclusive; counts as a read like `balance`. None where `shows_credits` is False."""
        ...


@runtime_checkable
class KeepsReplaced(Protocol):
    """A source at which an older consent lives on when the same person gives another."""

    @property
    def keeps_replaced(self) -> bool: ...


class PaymentGateway(Protocol):
    @property
    def name(self) -> str:
        """The provider's name in the records."""
        ...

    async def create_link(self, request: LinkRequest) -> PaymentLink: ...

    async def deactivate_link(self, link_id: str, at: datetime) -> None: ...

    async def link_payments(self, link_id: str, at: datetime) -> tuple[GatewayPayment, ...]:
        """All payments made through the link, oldest first."""
        ...

    async def refund(self, request: RefundRequest) -> Refund:
        """Give money back. Asked again after an UNKNOWN effect it gives nothing back a second time.

        An error whose effect is UNKNOWN says that what became of an attempt before cannot be found out.
        """
        ...


@runtime_checkable
class RefundsBySum(Protocol):
    """A gateway that says how much of a payment was given back in all; some tell refunds apart by that alone."""

    async def given_back(self, payment_id: str, at: datetime) -> int:
        """What of a payment was given back there, in minor units, by whomever; asked before the first `refund`."""
        ...


class PaymentLookup(Protocol):
    """A gateway that can be asked about one payment, because its webhooks are only pointers."""

    async def payment(self, payment_id: str, at: datetime) -> PaymentReport | None:
        """The payment as it stands; None where this account has no such payment."""
        ...


class Messenger(Protocol):
    @property
    def can_look_up(self) -> bool:
        """Whether `look_up` and `delivery_state` can answer at all."""
        ...

    async def send(self, message: OutgoingMessage) -> Sent: ...

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        """The message as the provider holds it, created at or after `since`; None if it is not there.

        To be asked after `ProviderError.effect` was UNKNOWN. Where `can_look_up` is False the answer is
        always None and proves nothing: the message must then be taken as sent.
        """
        ...

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport: ...
