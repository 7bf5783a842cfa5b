"""What a provider's webhook tells, in our own words.

Parsers in `providers/webhooks/` turn a verified body into these values; nothing behind them needs to know
Stripe's or Twilio's fields. Senders' addresses and texts are left out of `repr`, so that a log line or an
assertion cannot carry them.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from domain.call_flow import CallEnd, Heard
from domain.contact import Channel
from domain.events.values import Moment
from domain.opt_out_words import OptOutReading
from domain.platform_rules import Category, Quality, TemplateStatus
from domain.what_next import Reaction

_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")


def _whole(value: object) -> object:
    return _HALF_A_CHARACTER.sub("\ufffd", value) if isinstance(value, str) else value


Written = Annotated[str, BeforeValidator(_whole)]
"""What somebody wrote. A platform that cuts a text may cut an emoji in two: the half is no character and cannot be
kept, and what was written around it counts."""


class DeliveryState(StrEnum):
    """How far a message got. DELIVERED, READ and FAILED are final, but READ may follow DELIVERED."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"

    @property
    def has_failed(self) -> bool:
        return self is DeliveryState.FAILED

    @property
    def is_final(self) -> bool:
        return self in (DeliveryState.DELIVERED, DeliveryState.READ, DeliveryState.FAILED)


class PaymentNews(BaseModel):
    """Money was received. `amount_minor` is in Recobro's minor units (CLDR digits), not the provider's.

    `lender` and `loan_id` are None when the provider sent no reference: the payment must then be matched
    by `link_id`, by `reference` or by a person, never dropped.
    """

    model_config = ConfigDict(frozen=True)

    payment_id: str
    provider: str
    amount_minor: int
    currency: str
    paid_at: Moment
    lender: str | None
    loan_id: str | None
    link_id: str | None
    reference: str | None = None
    """Ours, where the provider carries one along (see domain.payment_references)."""
    entry: int | None = None
    """The hand-over whose debt it pays, from 1, where who tells it says so."""
    of_a_day: bool = False
    """Whether who tells it, the lender, knows the day alone: `paid_at` is its midnight in UTC."""


class PaymentPointer(BaseModel):
    """Something happened to a payment; what, the provider must be asked: the webhook itself proves nothing of it."""

    model_config = ConfigDict(frozen=True)

    payment_id: str
    provider: str


class ReversalNews(BaseModel):
    """A payment was taken back (refund, chargeback). Loan unknown: match by `payment_id`.

    `amount_minor` of `currency`: how much of it, where the provider tells that; None: all of it. `entry` as of
    payments.
    """

    model_config = ConfigDict(frozen=True)

    payment_id: str
    provider: str
    reversed_at: Moment
    lender: str | None = None
    loan_id: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    entry: int | None = None

    def may_leave_some(self, standing_minor: int, currency: str) -> bool:
        """Whether something may be left of a payment that counts for `standing_minor` of `currency`."""
        return may_leave_some((self.amount_minor, self.currency), (standing_minor, currency))


def may_leave_some(taken: tuple[int | None, str | None], standing: tuple[int, str]) -> bool:
    """Whether a reversal of so many minor units of a currency may leave some of what stands; None: it takes all."""
    minor, currency = taken
    if minor is None:
        return False
    return currency != standing[1] or minor < standing[0]


class PartRefundNews(BaseModel):
    """`refunded_minor` of a payment was given back so far, less than all: by our own refund, or by somebody else's."""

    model_config = ConfigDict(frozen=True)

    payment_id: str
    provider: str
    refunded_minor: int


class DeliveryNews(BaseModel):
    """A message moved on. `message_id` is ours, from the callback address; None if it was not in it.

    `reaction` says what to do and is None unless the message failed.
    """

    model_config = ConfigDict(frozen=True)

    message_id: str | None
    provider: str
    provider_message_id: str
    state: DeliveryState
    error_code: str | None = None
    reaction: Reaction | None = None
    lender: str | None = None
    loan_id: str | None = None


class InboundNews(BaseModel):
    """A person wrote to us. `sender_address` is E.164 for SMS and WhatsApp; empty where the platform hides it, and then
    the message `quotes` one of ours.

    `carrier_reading` is what the carrier itself understood and already acted upon (Twilio's `OptOutType`):
    if it is OPT_OUT the carrier blocks further messages whatever we think. `written_at` is when it was written by the
    sender's or the platform's clock, where that is told: a message may come in days later, and after a newer one.
    """

    model_config = ConfigDict(frozen=True)

    channel: Channel
    provider: str
    sender_address: str = Field(repr=False)
    text: Written = Field(repr=False)
    provider_message_id: str
    carrier_reading: OptOutReading | None = None
    written_at: Moment | None = None
    kind: str = "text"
    """What came; where it is not words `text` is empty, and a person has to look."""
    answers: tuple[str, ...] = ()
    """Of an e-mail: our own ids of the mails of ours that it answers, the latest among them."""
    mail_id: str | None = Field(default=None, repr=False)
    """Of an e-mail: its own Message-ID with its angle brackets, which an answer to it names."""
    other_spellings: tuple[str, ...] = Field(default=(), repr=False)
    """How else the sender's number may stand in the records, where the platform writes it in its own way."""
    written_to: str | None = None
    """Which number of ours it came to: as a message's `sender` is called with the provider, where it tells that."""
    quotes: str | None = None
    """The provider's id of the message of ours that was picked to be answered, as contacts keep it."""


class MediaNews(InboundNews):
    """A person sent a file; `text` is its caption, or empty. `media_id` is what the provider gives it out under."""

    media_id: str
    mime_type: str = ""


class NumberChanged(BaseModel):
    """A person took another number with the platform; `address` is the one they had, in E.164."""

    model_config = ConfigDict(frozen=True)

    provider: str
    provider_message_id: str
    address: str = Field(repr=False)
    other_spellings: tuple[str, ...] = Field(default=(), repr=False)


class TemplateNews(BaseModel):
    """A template of ours changed with the platform; what is None is not told."""

    model_config = ConfigDict(frozen=True)

    provider: str
    name: str
    language: str
    status: TemplateStatus | None = None
    category: Category | None = None
    quality: Quality | None = None
    reason: str = ""


class SenderNews(BaseModel):
    """A number of ours changed with the platform. `sender` is its digits or the platform's id of it."""

    model_config = ConfigDict(frozen=True)

    provider: str
    sender: str
    event: str
    quality: Quality | None = None
    tier: int | None = None


class CallHeard(BaseModel):
    """Something was learned on a call: who answered, or what was pressed. `message_id` is ours."""

    model_config = ConfigDict(frozen=True)

    message_id: str
    provider: str
    provider_message_id: str
    heard: Heard
    promised_on: date | None = None


class CallEnded(BaseModel):
    """A call is over after `seconds` of connection. `message_id` is ours, from the callback address."""

    model_config = ConfigDict(frozen=True)

    message_id: str | None
    provider: str
    provider_message_id: str
    end: CallEnd
    seconds: int
    reaction: Reaction | None = None


class Complained(BaseModel):
    """A reader called a mail of ours unwanted, or left the list by their mail program. `kind`: the provider's word."""

    model_config = ConfigDict(frozen=True)

    message_id: str | None
    provider: str
    provider_message_id: str
    kind: str


class ConsentNews(BaseModel):
    """A consent to read is over for the reason `over`, or its last day is `valid_until`. `kind`: the source's words."""

    model_config = ConfigDict(frozen=True)

    provider: str
    consent_id: str = Field(repr=False)
    kind: str
    over: str | None = None
    valid_until: date | None = None


class Ignored(BaseModel):
    """Verified and understood, but nothing that a loan's rules act on; `kind` says what it was.

    `needs_person`: money or words moved in a way that only a person can judge, so it must be shown to one;
    `reference` is then the provider's id of what it is about, where there is one.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    needs_person: bool = False
    reference: str | None = None


WebhookNews = (
    PaymentNews
    | PaymentPointer
    | ReversalNews
    | PartRefundNews
    | DeliveryNews
    | MediaNews
    | InboundNews
    | NumberChanged
    | TemplateNews
    | SenderNews
    | CallHeard
    | CallEnded
    | Complained
    | ConsentNews
    | Ignored
)
