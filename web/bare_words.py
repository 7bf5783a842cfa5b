"""Which question of ours a bare yes or no answers, of those that a person's loans asked; or that a person has to ask.

A loan knows what it asked and not what was said beside it: a reminder of its own or another loan's message may be what
an "ok" is about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

from sqlmodel import Session, col, select

from domain.contact import Channel
from domain.conversation.answering import PROPOSAL_STANDS
from domain.conversation.model import CLOCKS_APART, HOLDS_OVER, REPLY, AnswerKind
from domain.conversation.unanswered import ABOUT_A_PAYMENT
from domain.conversation.yes_no import read_yes_no
from domain.replies.labels import Intent
from domain.replies.text import plain
from records import people
from records.tables import Contact, InboundMessage, Loan, LoanState, Person
from web.open_questions import asks_yes_or_no, may_be_read

_READ: Final = (Channel.SMS, Channel.EMAIL, Channel.WHATSAPP)
_OVER: Final = frozenset(
    {AnswerKind.PROMISE_TAKEN.value, AnswerKind.AGREED.value, AnswerKind.MOVED.value, AnswerKind.MOVE_DAYS.value}
)
"""What is only said when nothing waits for a yes any more."""
_THANKED_FOR: Final = _OVER | {kind.value for kind in HOLDS_OVER}
"""What a yes is courtesy to: all is done, or a person has it already."""
_OFFERS: Final = re.compile(r"\b(?:acepto|aceptado|aceito|plan(?:o)?|acuerdo|acordo|propuesta|proposta|oferta|offer)\b")
_DAYS: Final = re.compile(r"\b(?:ese dia|esa fecha)\b")
_NAMED_IN: Final[Mapping[str, re.Pattern[str]]] = {
    AnswerKind.PLAN_OFFER.value: _OFFERS,
    AnswerKind.SETTLEMENT_OFFER.value: _OFFERS,
    AnswerKind.CONFIRM_PROMISE.value: _DAYS,
    AnswerKind.CONFIRM_MOVE.value: _DAYS,
}
"""By what a word for yes or no names the question that it answers."""


class Word(Enum):
    """ANSWER: a bare yes or no counts for what its loan asked, if anything; of any other message, nothing. COURTESY: a
    yes to what asked nothing. UNSURE: it may be about something else than the question that waits.
    """

    ANSWER = auto()
    COURTESY = auto()
    UNSURE = auto()


@dataclass(frozen=True)
class Answers:
    loan: Loan
    word: Word = Word.ANSWER


def what_it_answers(
    session: Session,
    person: Person,
    text: str,
    channel: Channel,
    at: datetime,
    otherwise: Loan,
    *,
    picked: Contact | None,
    quotes: bool,
) -> Answers:
    """The loan that a message written at `at` is about, and how a bare yes or no in it counts there.

    `otherwise`: the loan it is about where it answers no question. `picked`: the message of ours that it `quotes`; what
    is quoted may be none that we know.
    """
    said = read_yes_no(text)
    if said is None:
        return Answers(otherwise)
    loans = {one.id: one for one in people.loans_of(session, person) if one.state is LoanState.IN_COLLECTION}
    told = _told(session, loans, at)
    waiting = {
        ref: asked for ref in loans if ref is not None and (asked := _waiting(session, told, ref, at)) is not None
    }
    if picked is not None:
        return Answers(otherwise, _to_picked(picked, waiting.get(otherwise.id or 0), said))
    same = {ref: asked for ref, asked in waiting.items() if asked.channel is channel}
    waiting = same or waiting
    if not waiting:
        return Answers(otherwise)
    named = [asked for asked in waiting.values() if _NAMED_IN[asked.template].search(plain(text))]
    asked = named[0] if len(named) == 1 else max(waiting.values(), key=_order)
    since = [one for one in told if _order(one) > _order(asked) and _left(one) <= at]
    if len(waiting) == 1:
        # What another loan says of itself asks nothing of them, but where they talk with it.
        since = [one for one in since if one.loan_ref == asked.loan_ref or one.step == REPLY]
    if not quotes and (len(named) == 1 or (len(waiting) == 1 and not since)):
        return Answers(loans[asked.loan_ref])
    if since and said == "yes" and _is_thanked_for(since[-1]):
        return Answers(loans[since[-1].loan_ref], Word.COURTESY)
    return Answers(loans[asked.loan_ref], Word.UNSURE)


def needs_a_person(word: Word, first: Intent) -> bool:
    """Whether somebody has to ask what is meant; who says that they paid is heard as saying so."""
    return word is Word.UNSURE and first not in ABOUT_A_PAYMENT


def _told(session: Session, loans: Mapping[int | None, Loan], at: datetime) -> Sequence[Contact]:
    """What these loans wrote of late and may have been read, in the order in which it left."""
    every = session.exec(
        select(Contact)
        .where(col(Contact.loan_ref).in_([ref for ref in loans if ref is not None]))
        .where(Contact.reserved_at >= at - PROPOSAL_STANDS, col(Contact.channel).in_(_READ))
    ).all()
    current = [
        one
        for one in every
        if may_be_read(one) and one.entry == loans[one.loan_ref].entry and _left(one) <= at + CLOCKS_APART
    ]
    return sorted(current, key=_order)


def _waiting(session: Session, told: Sequence[Contact], loan_ref: int, at: datetime) -> Contact | None:
    """The loan's last question, unless it was answered."""
    own = [one for one in told if one.loan_ref == loan_ref]
    asking = [one for one in own if asks_yes_or_no(one)]
    if not asking:
        return None
    asked = asking[-1]
    since = own[own.index(asked) + 1 :]
    if any(one.step == REPLY and one.template in _OVER for one in since):
        return None
    until = min([_left(one) for one in since] + [at])
    heard = session.exec(
        select(InboundMessage)
        .where(InboundMessage.loan_ref == loan_ref, InboundMessage.at >= _left(asked), InboundMessage.at < until)
        .where(col(InboundMessage.needs_human).is_(False))
    ).all()
    return None if any(read_yes_no(one.text or "") is not None for one in heard) else asked


def _to_picked(picked: Contact, asked: Contact | None, said: str) -> Word:
    if asked is None or picked.id == asked.id:
        return Word.ANSWER
    return Word.COURTESY if said == "yes" and _is_thanked_for(picked) else Word.UNSURE


def _is_thanked_for(told: Contact) -> bool:
    return told.step == REPLY and told.template in _THANKED_FOR


def _left(told: Contact) -> datetime:
    return told.sent_at or told.reserved_at


def _order(told: Contact) -> tuple[datetime, int]:
    return _left(told), told.id or 0
