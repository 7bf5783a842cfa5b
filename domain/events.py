"""What can happen to a loan in collection: the contract's signals and updates, and our own reports.

Field names and types are the public contract (docs/contract.md).
"""

from __future__ import annotations

import operator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from domain.agreements.model import AgreementKind, Evidence, Via
from domain.agreements.terms import Authority, Name
from domain.contact import Channel
from domain.message_names import WithoutNumber
from domain.money import MOST_MINOR
from domain.replies.labels import Intent, Reason

Reference = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]
YEARS = range(1970, 2200)
"""Those that a moment or a day may be of: any other is a slip."""


def _written_out(value: object) -> object:
    """A bare number may mean seconds, milliseconds or a typo: it is not guessed."""
    if not isinstance(value, str | datetime):
        raise ValueError("expected a moment with its zone such as 2026-03-02T09:00:00+01:00")
    return value


def _in_utc(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"the year must lie between {YEARS[0]} and {YEARS[-1]}")
    return value.astimezone(UTC)


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""A moment as the contract takes it: ISO 8601 text with a zone; kept in UTC."""


def _a_day(value: object) -> object:
    if isinstance(value, datetime) or not isinstance(value, str | date):
        raise ValueError("expected a local date such as 2026-03-02")
    return value


def _in_our_time(value: date) -> date:
    if value.year not in YEARS:
        raise ValueError(f"the year must lie between {YEARS[0]} and {YEARS[-1]}")
    return value


Day = Annotated[date, BeforeValidator(_a_day), AfterValidator(_in_our_time)]
"""A date where the borrower lives: ISO 8601 text."""


def _not_long_past(value: date) -> date:
    if value.year < YEARS[0]:
        raise ValueError(f"the year must be {YEARS[0]} or later")
    return value


LastDay = Annotated[date, BeforeValidator(_a_day), AfterValidator(_not_long_past)]
"""The day something lasts to, however far ahead: banks write 9999-12-31 where there is no end."""
Amount = Annotated[int, Field(gt=0, le=MOST_MINOR, strict=True)]
Warrant = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]
"""Proof of `by` and `role`, see `config/warrants.py`. It is checked where the order arrives, not by what follows."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)


HandOver = Annotated[int, Field(ge=1, strict=True)]
"""Which time the lender handed the loan over, from 1."""
Occurrence = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""Which time a step is taken, from 1; no further than the records can count."""


class PaymentReceived(_Event):
    """Money arrived. `amount_minor` in minor units of `currency`; `paid_at` is the value date.

    `entry`: the hand-over whose debt it pays, as Recobro's records have it; None: the one that is collected now.
    """

    payment_id: Reference
    amount_minor: int = Field(gt=0, le=MOST_MINOR, strict=True)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    paid_at: Moment
    provider: Reference
    entry: HandOver | None = None


class PaymentReversed(_Event):
    """A payment was taken back. Without `provider` the payment id alone must be unambiguous; `entry` as of payments."""

    payment_id: Reference
    provider: Reference | None = None
    entry: HandOver | None = None


class PaymentRefunded(_Event):
    """Money beyond what was due was given back: `refunded_minor` of the payment so far, in all.

    `entry` as of payments.
    """

    payment_id: Reference
    provider: Reference
    refunded_minor: int = Field(gt=0, le=MOST_MINOR, strict=True)
    entry: HandOver | None = None


class OptOut(_Event):
    """The borrower closed one channel, or `all`: then nobody contacts them again about any loan.

    `at`: when they said so, where Recobro's records know it; None: now.
    """

    channel: Channel | Literal["all"]
    at: Moment | None = None


class OptIn(_Event):
    """At `at` the borrower opened a channel again that they had closed, as Recobro's records know already."""

    channel: Channel
    at: Moment


class Circumstance(StrEnum):
    DISPUTE = "dispute"
    HARDSHIP = "hardship"
    BEREAVEMENT = "bereavement"
    VULNERABLE = "vulnerable"


class CircumstanceReported(_Event):
    """Something that stops all collection until a person has decided."""

    kind: Circumstance


class AddressFailure(StrEnum):
    DEAD = "dead"
    WRONG_PERSON = "wrong_person"
    UNDELIVERED = "undelivered"
    TRY_AGAIN = "try_again"
    """Undelivered for a reason that passes: the same channel may be used once more for this step."""


class ContactFailed(_Event):
    """A message that had been sent did not arrive. `step` and `occurrence` name the contact.

    `at`: when Recobro's records closed the address, where they did; earlier versions do not tell it.
    """

    step: Reference
    occurrence: Occurrence
    channel: Channel
    reason: AddressFailure
    at: Moment | None = Field(None, exclude_if=operator.not_)


class CallWish(StrEnum):
    PAY_NOW = "pay_now"
    PROMISE = "promise"
    PERSON = "person"


class CallChoice(_Event):
    """On a call, the right person pressed a key: a link now, a day to pay on, or a person to speak with.

    `step` and `occurrence` name the call's contact; the same wish of the same call counts once.
    """

    step: Reference
    occurrence: Occurrence
    wish: CallWish
    promised_on: Day | None = None


class ReplyUnderstood(_Event):
    """What a message of the borrower says, as it was understood; never its words.

    `promise_date` is a local date of the borrower. `says` is a plain yes or no to what was asked. `faq` names an answer
    of the lender's own that fits. `asks_to_move`: its words ask for another day than the one that was agreed;
    `day_named`: the local date they ask for, or name where no promise is read. `closes_channel`: the same words closed
    the channel they came by, or may have: they are acted on and never answered.
    """

    message_id: Annotated[Reference, WithoutNumber]
    channel: Channel
    received_at: Moment
    intents: tuple[Intent, ...] = Field(min_length=1, max_length=3)
    confidence: float = Field(ge=0, le=1)
    reason: Reason | None = None
    promise_date: Day | None = None
    promise_amount_minor: int | None = Field(None, gt=0, le=MOST_MINOR)
    needs_human: bool = False
    says: Literal["yes", "no"] | None = None
    faq: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    text_sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    asks_to_move: bool = Field(False, exclude_if=operator.not_)
    day_named: Day | None = None
    closes_channel: bool = Field(False, exclude_if=operator.not_)


class NoticeOrdered(_Event):
    """A one-off message: `template` by the first of `channels` that works, at a lawful slot before `until` (exclusive).

    `notice_id` is the same for all loans of one order, and a loan takes each once.
    """

    notice_id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$")
    template: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    channels: tuple[Channel, ...] = Field(min_length=1, max_length=6)
    with_link: bool = False
    until: Moment


class NoticeWithdrawn(_Event):
    """A one-off message that has not been sent yet is not to be sent."""

    notice_id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$")


class WordsWritten(_Event):
    """A person of ours wrote to the borrower in own words, which are in the records under `words_id`; never the words.

    They go out by `channel` before `until` (exclusive), once. `role` is what `by` may do here. `case_id`: the open case
    that they answer, decided as `continue` with them.
    """

    words_id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    channel: Channel
    until: Moment
    by: Reference
    role: Authority
    case_id: Reference | None = None
    warrant: Warrant | None = None


class WordsWithdrawn(_Event):
    """What a person of ours wrote and what has not gone out yet is not to be sent. `role` is what `by` may do here."""

    words_id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    by: Reference
    role: Authority
    warrant: Warrant | None = None


class Pause(_Event):
    """`until` exclusive. `of_campaign`: its whole campaign pauses; a pause of this loan alone stays beside it."""

    until: Moment
    of_campaign: bool = False


class Resume(_Event):
    """End the pause; `of_campaign`: only the campaign's, a pause of this loan's own goes on."""

    of_campaign: bool = False


class CloseReason(StrEnum):
    RECALLED = "recalled"
    SOLD = "sold"
    WRITTEN_OFF = "written_off"


class Close(_Event):
    reason: CloseReason


class CaseDecision(StrEnum):
    """What a person decides: the sequence goes on, or the loan leaves collection."""

    CONTINUE = "continue"
    RECALL = "recall"
    SELL = "sell"
    WRITE_OFF = "write_off"


class Decide(_Event):
    case_id: Reference
    decision: CaseDecision
    by: Reference
    note: str = Field("", max_length=2000)
    warrant: Warrant | None = None


class PromiseMade(_Event):
    """The borrower promised `amount_minor` by the end of `date`. `by` is who took it down: an agent's id, or a service.

    `currency` may be left out; when given it must be the loan's.
    """

    amount_minor: Amount
    date: Day
    by: Reference
    via: Via
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    evidence: Evidence | None = None
    warrant: Warrant | None = None


HOLIDAYS_TOLD = 120
"""More than the working days that are holidays in five years."""


class AgreedPayment(_Event):
    due: Day
    amount_minor: Amount


class TermsAgreed(_Event):
    """Terms of the strategy's catalogue, as `option` of it and as the offer engine gave the payments.

    `role` is what `by` may agree on alone. With `evidence` the borrower has said yes; without it this is an offer.
    `holidays`: days on which no payment is put should the dates move on later.
    """

    option: Name
    payments: tuple[AgreedPayment, ...] = Field(min_length=1, max_length=60)
    by: Reference
    role: Authority
    via: Via
    evidence: Evidence | None = None
    holidays: tuple[Day, ...] = Field((), max_length=HOLIDAYS_TOLD, exclude_if=operator.not_)
    warrant: Warrant | None = None


class PlanAgreed(TermsAgreed):
    """The debt in instalments."""


class SettlementAgreed(TermsAgreed):
    """Less than the debt, and the rest is forgiven when all of it has come."""


class RestructuringAgreed(TermsAgreed):
    """A new schedule in the place of the old one."""


class MadeOffer(_Event):
    """An offer of the engine that the machine may make: of which kind, and the order that agrees on it."""

    kind: AgreementKind
    terms: TermsAgreed


class OffersMade(_Event):
    """What the offer engine has for a borrower who asked: the answer to question `number`, best first."""

    number: int
    offers: tuple[MadeOffer, ...] = ()


class OfferApproved(_Event):
    """`by`, who is another than proposed it, approves offer `number`."""

    number: int = Field(ge=1, le=1000, strict=True)
    by: Reference
    role: Authority
    warrant: Warrant | None = None


class OfferAccepted(_Event):
    """The borrower says yes to offer `number`."""

    number: int = Field(ge=1, le=1000, strict=True)
    by: Reference
    via: Via
    evidence: Evidence
    warrant: Warrant | None = None


class DueDateMoved(_Event):
    """The next unpaid due date of agreement `number` moves to `to`. `evidence`: how the borrower said yes to it."""

    number: int = Field(ge=1, le=1000, strict=True)
    to: Day
    by: Reference
    evidence: Evidence | None = None
    warrant: Warrant | None = None


class AgreementCancelled(_Event):
    """A person calls off agreement `number`, or an offer that waits for its answer."""

    number: int = Field(ge=1, le=1000, strict=True)
    by: Reference
    warrant: Warrant | None = None


class ContactOutcome(StrEnum):
    """SENT; UNREACHABLE by every channel; NOT_WANTED: pointless at the moment of dispatch; FUNDS_GONE: the money
    the message rests on is no longer there; SEEN: what it would say again was read by then; FAILED: given up for a
    technical reason. After NOT_WANTED and FAILED nothing was sent and the same contact is tried again a day later."""

    SENT = "sent"
    UNREACHABLE = "unreachable"
    NOT_WANTED = "not_wanted"
    FUNDS_GONE = "funds_gone"
    SEEN = "seen"
    FAILED = "failed"


class ContactReported(_Event):
    """How an ordered contact ended. `closed` are channels whose address proved dead; `refused` are ids of
    rules that closed a channel for good; `ceased`: the person asked for no contact at all. `sent_at`: when an answer to
    the borrower began to leave; earlier versions do not tell it."""

    step: str
    occurrence: int = Field(1, exclude_if=(1).__eq__)
    outcome: ContactOutcome
    channel: Channel | None = None
    closed: tuple[Channel, ...] = Field((), exclude_if=operator.not_)
    refused: tuple[str, ...] = Field((), exclude_if=operator.not_)
    ceased: bool = Field(False, exclude_if=operator.not_)
    sent_at: Moment | None = Field(None, exclude_if=operator.not_)


class DebitOutcome(StrEnum):
    """PLANNED: it stands in the records and waits. FILED: it is in a file to the bank. SETTLED: its fate is known.
    NO_MANDATE: there is none to collect under. NOT_POSSIBLE: no direct debit in this currency, or nothing is due."""

    PLANNED = "planned"
    FILED = "filed"
    SETTLED = "settled"
    NO_MANDATE = "no_mandate"
    NOT_POSSIBLE = "not_possible"


class DebitReported(_Event):
    """What became of an order to collect by direct debit; `released`: it goes into the next file it is due in.

    `lead_days`: settlement days before its collection on which the bank wants it. `collect_on`: of one that is filed.
    Reports of earlier versions carry neither.
    """

    step: str
    occurrence: int = Field(1, exclude_if=(1).__eq__)
    outcome: DebitOutcome
    released: bool = Field(False, exclude_if=operator.not_)
    lead_days: int | None = Field(None, exclude_if=operator.not_)
    collect_on: date | None = Field(None, exclude_if=operator.not_)


class DebitReturned(_Event):
    """A debit came to nothing: refused before the money came, or taken back afterwards (then the payment is told as
    reversed too). `reason` is an ISO 20022 code such as AM04."""

    step: Reference
    occurrence: Occurrence = 1
    reason: str = Field(pattern=r"^[A-Z]{2}[A-Z0-9]{2}$")


class FundsSeen(_Event):
    read_at: AwareDatetime


class ConsentGiven(_Event):
    """The borrower lets us read their balance, until a day (inclusive) where the bank named one."""

    valid_until: LastDay | None = None


class AskConsent(_Event):
    """Ask the borrower, by a message with a link, to let us read their balance."""


class WatchEnded(_Event):
    """The watch cannot go on: consent expired, revoked, or unknown to the bank."""

    reason: str


LoanEvent = (
    PaymentReceived
    | PaymentReversed
    | PaymentRefunded
    | OptOut
    | OptIn
    | CircumstanceReported
    | ContactFailed
    | CallChoice
    | ReplyUnderstood
    | NoticeOrdered
    | NoticeWithdrawn
    | WordsWritten
    | WordsWithdrawn
    | Pause
    | Resume
    | Close
    | Decide
    | ContactReported
    | FundsSeen
    | ConsentGiven
    | AskConsent
    | WatchEnded
    | PromiseMade
    | AgreementCancelled
    | PlanAgreed
    | SettlementAgreed
    | RestructuringAgreed
    | OfferApproved
    | OfferAccepted
    | DueDateMoved
    | OffersMade
    | DebitReported
    | DebitReturned
)
