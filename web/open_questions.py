"""The question of ours that a message may answer, as the contact ledger has it, and what the message then says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from pydantic import JsonValue
from sqlmodel import Session, col, select

from domain.contact import Channel
from domain.conversation import short_answers
from domain.conversation.answering import PROPOSAL_STANDS
from domain.conversation.model import REPLY, AnswerKind
from domain.conversation.short_answers import ASKS_A_DAY, ASKS_YES_OR_NO, NAMES_A_DAY
from domain.money import minor_digits
from domain.quoted_back import own_words
from domain.replies.labels import Intent, Understanding
from domain.replies.local_day import local_day
from records.tables import Contact, ContactState, InboundMessage, Loan, Person

_NEVER_READ: Final = frozenset(
    {ContactState.RESERVED, ContactState.DROPPED, ContactState.FAILED, ContactState.UNDELIVERED}
)
_SAID_BESIDE: Final = frozenset(
    {AnswerKind.FAQ, AnswerKind.BALANCE, AnswerKind.HOW_TO_PAY, AnswerKind.NOT_UNDERSTOOD, AnswerKind.CHECKING_PAYMENT}
)
"""What may be said while a question stays open."""


def may_be_read(told: Contact) -> bool:
    return told.state not in _NEVER_READ


def stands(told: Contact, at: datetime) -> bool:
    """Whether what it asks still waited for an answer `at` that moment."""
    return timedelta(0) <= at - told.reserved_at <= PROPOSAL_STANDS


def asks_yes_or_no(told: Contact) -> bool:
    return told.step == REPLY and told.template in ASKS_YES_OR_NO


def as_answered(
    session: Session, loan: Loan, person: Person, channel: Channel, text: str, said: Understanding, at: datetime
) -> Understanding:
    """What the borrower said, as an answer to what they were asked last about the loan, if that waits."""
    told = _open_question(session, loan, channel, at)
    if told is None:
        return said
    day = local_day(at, person.country, person.timezone)
    asked = AnswerKind(told.template)
    answered = short_answers.as_answered(text, said, asked, told.text or "", person.name, day, person.country)
    another = short_answers.other_day(text, asked, day, person.country) is not None
    if asked is AnswerKind.CONFIRM_PROMISE and another and answered.intents == (Intent.PROMISE_TO_PAY,):
        return replace(answered, promise_amount=answered.promise_amount or _sum_read_back(session, loan, told))
    return answered


def _sum_read_back(session: Session, loan: Loan, told: Contact) -> Decimal | None:
    """The sum of the promise that was read back, where one was named: another day for it changes nothing of that."""
    promise = session.exec(
        select(InboundMessage)
        .where(
            InboundMessage.loan_ref == loan.id,
            col(InboundMessage.promise_date).is_not(None),
            col(InboundMessage.at) <= told.reserved_at,
        )
        .order_by(col(InboundMessage.at).desc(), col(InboundMessage.id).desc())
        .limit(1)
    ).first()
    if promise is None or promise.promise_amount_minor is None:
        return None
    return Decimal(promise.promise_amount_minor).scaleb(-minor_digits(loan.currency))


def answer_in(session: Session, loan: Loan, person: Person, message: InboundMessage) -> dict[str, JsonValue] | None:
    """What the loan hears of a message that only agrees to what was asked, or only names another day for it."""
    told = _open_question(session, loan, message.channel, message.at)
    if told is None or Intent.OPT_OUT in message.intents or Intent.WRONG_PERSON in message.intents:
        return None
    text, asked = own_words(message.text or ""), AnswerKind(told.template)
    if short_answers.accepts(text, asked, told.text or "", person.name):
        return {"says": "yes"}
    sent_on = local_day(message.at, person.country, person.timezone)
    day = short_answers.other_day(text, asked, sent_on, person.country)
    if day is None or message.intents != [Intent.PROMISE_TO_PAY] or asked not in NAMES_A_DAY:
        return None
    return {"asks_to_move": True, "day_named": day.isoformat()}


def _open_question(session: Session, loan: Loan, channel: Channel, at: datetime) -> Contact | None:
    """The last question about the loan that was told by this channel and that nothing else has followed."""
    told = session.exec(
        select(Contact)
        .where(
            Contact.loan_ref == loan.id,
            Contact.entry == loan.entry,
            Contact.step == REPLY,
            Contact.channel == channel,
            col(Contact.reserved_at) <= at,
            col(Contact.reserved_at) >= at - PROPOSAL_STANDS,
        )
        .order_by(col(Contact.reserved_at).desc(), col(Contact.id).desc())
    ).all()
    last = next((each for each in told if may_be_read(each) and each.template not in _SAID_BESIDE), None)
    return last if last is not None and last.template in ASKS_YES_OR_NO | ASKS_A_DAY else None
