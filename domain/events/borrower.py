"""What borrowers say, write or choose, and what is said of how they are."""

from __future__ import annotations

import operator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.contact import Channel
from domain.events.values import Day, Event, Moment, Occurrence, Reference
from domain.message_names import WithoutNumber
from domain.money import MOST_MINOR
from domain.replies.labels import Intent, Reason


class OptOut(Event):
    """The borrower closed one channel, or `all`: then nobody contacts them again about any loan.

    `at`: when they said so, where Recobro's records know it; None: now.
    """

    channel: Channel | Literal["all"]
    at: Moment | None = None


class OptIn(Event):
    """At `at` the borrower opened a channel again that they had closed, as Recobro's records know already."""

    channel: Channel
    at: Moment


class Circumstance(StrEnum):
    DISPUTE = "dispute"
    HARDSHIP = "hardship"
    BEREAVEMENT = "bereavement"
    VULNERABLE = "vulnerable"


class CircumstanceReported(Event):
    """Something that stops all collection until a person has decided."""

    kind: Circumstance


class CallWish(StrEnum):
    PAY_NOW = "pay_now"
    PROMISE = "promise"
    PERSON = "person"


class CallChoice(Event):
    """On a call, the right person pressed a key: a link now, a day to pay on, or a person to speak with.

    `step` and `occurrence` name the call's contact; the same wish of the same call counts once.
    """

    step: Reference
    occurrence: Occurrence
    wish: CallWish
    promised_on: Day | None = None


class ReplyUnderstood(Event):
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
