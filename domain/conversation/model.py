"""A conversation as the loan keeps it: what waits for a yes, and the answer to go out. No words of the borrower."""

from __future__ import annotations

import operator
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.agreements.model import AgreementKind
from domain.contact import Channel
from domain.events.agreements import MadeOffer
from domain.events.borrower import ReplyUnderstood
from domain.message_names import WithoutNumber
from domain.replies.labels import Intent

REPLY = "reply"
"""The step of answers to the borrower, beside the strategy's sequence."""
HEARD_KEPT = 30
EARLY_WORDS_KEPT = 10


class AnswerKind(StrEnum):
    """What the machine can say; each is a template of that name in every language it is to be said in."""

    ASK_DATE = "reply_ask_date"
    CONFIRM_PROMISE = "reply_confirm_promise"
    PROMISE_TAKEN = "reply_promise_taken"
    PROMISE_TOO_FAR = "reply_promise_too_far"
    BALANCE = "reply_balance"
    HOW_TO_PAY = "reply_how_to_pay"
    CHECKING_PAYMENT = "reply_checking_payment"
    PERSON = "reply_person"
    WITH_CARE = "reply_with_care"
    NOT_UNDERSTOOD = "reply_not_understood"
    NOTHING_DUE = "reply_nothing_due"
    FAQ = "reply_faq"
    PLAN_OFFER = "reply_plan_offer"
    SETTLEMENT_OFFER = "reply_settlement_offer"
    AGREED = "reply_agreed"
    CONFIRM_MOVE = "reply_confirm_move"
    MOVE_DAYS = "reply_move_days"
    MOVED = "reply_moved"
    NEXT_PAYMENT = "reply_next_payment"


CLOCKS_APART = timedelta(minutes=2)
"""How far the clocks of those who take messages in and of those who send may be apart."""
HOLDS_OVER = frozenset({AnswerKind.PERSON, AnswerKind.WITH_CARE, AnswerKind.CHECKING_PAYMENT})
"""What only says that a person will answer: the borrower's message still waits for that answer."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Question(_Value):
    """What waits for a yes or a no. `sent_at`: when it began to leave.

    `early`: the last yes or no written before it was known to have left; `earlier`: those written before that one, the
    oldest first.
    """

    early: ReplyUnderstood | None = Field(None, exclude_if=operator.not_)
    earlier: tuple[ReplyUnderstood, ...] = Field((), exclude_if=operator.not_)
    sent_at: AwareDatetime | None = Field(None, exclude_if=operator.not_)

    @property
    def heard_early(self) -> tuple[ReplyUnderstood, ...]:
        """As they were written."""
        return (*self.earlier, self.early) if self.early is not None else ()

    def hearing(self, event: ReplyUnderstood) -> Self:
        """With one more that was heard early; messages may change places on their way."""
        words = sorted((*self.heard_early, event), key=lambda word: word.received_at)[-EARLY_WORDS_KEPT:]
        return self.model_copy(update={"early": words[-1], "earlier": tuple(words[:-1])})

    def hearing_nothing(self) -> Self:
        return self.model_copy(update={"early": None, "earlier": ()})


class Proposed(_Question):
    """A promise that is read back and waits for the borrower's yes: so much by the end of `due`, a local date.

    `answer` is the number of the answer that asks, and `told`: it went out. One without a number was kept by an earlier
    version, which did not ask whether it had.
    """

    amount_minor: int
    due: date
    asked_at: AwareDatetime
    answer: int | None = None
    told: bool = Field(False, exclude_if=operator.not_)


class Asking(_Value):
    """A borrower wants to pay otherwise: the offer engine is asked, for these kinds, and answers question `number`.

    `intents` and `channel` are those of the message; `bearable_minor` is what they said they can pay each time.
    """

    number: int
    kinds: tuple[AgreementKind, ...]
    intents: tuple[Intent, ...]
    channel: Channel
    bearable_minor: int | None = None

    @property
    def needs_human(self) -> bool:
        """Never: a message that does is passed on to a person, and no offer is asked for."""
        return False


class Offered(_Question):
    """Offer `number` of the loan was told to the borrower and waits for their yes; on a no `others` follow.

    `untold` is the number of the answer that tells it, when another answer took its place: it may have left before.
    """

    number: int
    asked_at: AwareDatetime
    others: tuple[MadeOffer, ...] = Field((), exclude_if=operator.not_)
    untold: int | None = None


class Moving(_Question):
    """Another day for the next payment of an agreement: which, or (with `to`) a yes to that day, is waited for.

    `due` is the payment's day as it stands, `amount_minor` what is left of it; `answer` is the number of the answer
    that asks, and `told`: it went out. `void`: news came in between, so a yes is no answer to what was asked.
    """

    agreement: int
    payment: int
    due: date
    amount_minor: int
    answer: int
    asked_at: AwareDatetime
    to: date | None = None
    told: bool = Field(False, exclude_if=operator.not_)
    void: bool = Field(False, exclude_if=operator.not_)


Question = Proposed | Offered | Moving
"""What waits for a yes or a no."""


def written_before(question: Question, event: ReplyUnderstood) -> bool:
    """Whether a message was written before the question began to leave: it is no answer to it, whenever it is heard."""
    return event.received_at < (question.sent_at or question.asked_at) - CLOCKS_APART


class Answer(_Value):
    """What is to be said next, by the channel the borrower wrote by. `amount_minor` and `on` are what it names, or the
    payments of `agreement`."""

    number: int
    kind: AnswerKind
    channel: Channel
    amount_minor: int | None = None
    on: date | None = None
    faq: str | None = None
    agreement: int | None = None


class Conversation(_Value):
    """`turns`: answers since the last progress. `answers`: all that were given. `heard`: ids of the last messages.

    `asked`: how often the offer engine was. `channel`: the one they wrote by last. Either a promise is `proposed`, an
    agreement `offered` or a payment `moving`, so that a yes is a yes to one thing.
    """

    proposed: Proposed | None = None
    answer: Answer | None = None
    asking: Asking | None = None
    offered: Offered | None = None
    moving: Moving | None = None
    another_day_for: int | None = None
    """The promise for which another day was asked: a day that is named then is for what it is over."""
    asked: int = Field(0, exclude_if=operator.not_)
    turns: int = Field(0, exclude_if=operator.not_)
    answers: int = Field(0, exclude_if=operator.not_)
    heard: tuple[Annotated[str, WithoutNumber], ...] = Field((), exclude_if=operator.not_)
    channel: Channel | None = None
    person_until: AwareDatetime | None = None
    """Until when the machine is silent, since a person wrote to the borrower."""
