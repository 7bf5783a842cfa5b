"""What a borrower wrote: kept, understood, and told to the loan it is about as labels, never as words."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from pydantic import JsonValue
from sqlmodel import Session, col, select

from config.faq import FaqError, load_faq
from domain.contact import Channel
from domain.conversation.moving_words import another_day
from domain.conversation.unanswered import ABOUT_A_PAYMENT
from domain.conversation.yes_no import read_yes_no
from domain.money import MOST_MINOR, minor_digits
from domain.opt_out_words import has_another_sense
from domain.quoted_back import own_words
from domain.replies.bare_files import is_file, is_heard, said_by, shown_as
from domain.replies.labels import MOST_INTENTS, Intent, Understanding, in_order
from domain.replies.local_day import local_day
from domain.webhook_news import InboundNews, MediaNews
from domain.who_writes import Writer, as_meant, who_writes
from records import contacts, people
from records.tables import Contact, InboundMessage, Loan, LoanState, Person
from replies.classify import in_use, shipped
from replies.questions import question_asked
from web.bare_words import Word, what_it_answers
from web.open_questions import answer_in, as_answered
from web.ports import OwedSignal, SignalName

_LOG = logging.getLogger("recobro.web.hearing")
_SURELY = 0.8
_SURELY_IN_A_WORD = 0.9
_FOR_ALL_LOANS = {Intent.VULNERABLE: "vulnerable"}
"""What is true of the person holds all their loans, whichever they wrote about."""
_NEVER_MISSED = (
    Intent.VULNERABLE,
    Intent.DISPUTE,
    Intent.COMPLAINT,
    Intent.PAYMENT_RECEIPT,
    Intent.ALREADY_PAID,
    Intent.PROMISE_TO_PAY,
    Intent.HARDSHIP,
)
_NOTHING_MORE = frozenset({Intent.OPT_OUT, Intent.ACKNOWLEDGEMENT, Intent.OTHER})
"""What says no more than a stop does."""
_MAY_NAME_A_DAY = frozenset({Intent.PROMISE_TO_PAY, Intent.REQUEST_PLAN, Intent.OTHER, Intent.ACKNOWLEDGEMENT})
"""What a message that asks for another day to pay on can be about first."""


@dataclass(frozen=True)
class MessageReader:
    """Reads messages with the model that agents' corrections led to, and knows the lender's own answers.

    `model`: where a better model than the shipped one may lie. `faq`: a folder in place of config/faq.
    """

    model: Path | None = None
    faq: Path | None = None

    def read(self, text: str, at: datetime, person: Person, channel: Channel) -> Understanding:
        classifier = in_use(self.model) if self.model is not None else shipped()
        return classifier.understand(text, at, person.country, channel.value, person.timezone)

    def warm(self) -> None:
        """Read in what understanding takes, some seconds of CPU, before the first message waits for it."""
        classifier = in_use(self.model) if self.model is not None else shipped()
        classifier.understand("hola", datetime.now(UTC), "ES")
        self.question("hola", "es")

    def question(self, text: str, language: str) -> str | None:
        """Which of the lender's questions it asks. A file that cannot be read answers none, and is told in the log."""
        try:
            return question_asked(text, load_faq(language, self.faq))
        except FaqError as error:
            _LOG.warning("no answer to common questions: %s", error)
            return None


@dataclass(frozen=True)
class Heard:
    """A message as it is kept, the loan it is about, whose word it is taken for, and how a bare yes or no counts."""

    message: InboundMessage
    loan: Loan | None
    writer: Writer
    word: Word = Word.ANSWER


def said_at(session: Session, news: InboundNews, at: datetime) -> datetime:
    """When a message that came in at `at` was written, as far as that is told: not after it came in.

    A mail's date is by its writer's own clock: it was not written before the mail of ours that it answers.
    """
    written = min(news.written_at or at, at)
    if news.channel is not Channel.EMAIL:
        return written
    answered = contact_answered(session, news)
    return written if answered is None else min(max(written, answered.reserved_at), at)


def heard_before(session: Session, senders: Iterable[Person], news: InboundNews) -> bool:
    """Whether this message is kept already with any of those it may be from: then all that follows from it is done."""
    known = select(InboundMessage.id).where(
        InboundMessage.provider == news.provider,
        InboundMessage.provider_message_id == news.provider_message_id,
        col(InboundMessage.person_ref).in_([person.id for person in senders]),
    )
    return session.exec(known.limit(1)).first() is not None


def is_bare_file(news: InboundNews, words: str) -> bool:
    """Whether all that came is a file, be it fetched or only told of; `words` are the sender's own beside it."""
    return not words and (is_heard(news.kind) if isinstance(news, MediaNews) else is_file(news.kind))


def hear(session: Session, person: Person, news: InboundNews, at: datetime, reader: MessageReader) -> Heard:
    """Understand one message that was written at `at`, as one of this person's; `keep` writes it down."""
    loan = loan_written_about(session, person, news, at)
    words = own_words(news.text)
    word = Word.ANSWER
    if loan is not None and read_yes_no(words) is not None:
        loan, word = _answers(session, person, news, at, loan)
    bare = is_bare_file(news, words)
    words = words or news.text
    said = said_by(news.kind, person.language) if bare else reader.read(words, at, person, news.channel)
    writer = Writer.BORROWER if bare else who_writes(words, said, person.name)
    said = said if bare else as_meant(words, said, writer)
    if not bare and loan is not None and writer is Writer.BORROWER:
        said = as_answered(session, loan, person, news.channel, words, said, at)
    assert person.id is not None
    message = InboundMessage(
        person_ref=person.id,
        loan_ref=loan.id if loan is not None else None,
        at=at,
        channel=news.channel,
        provider=news.provider,
        provider_message_id=news.provider_message_id,
        text=shown_as(news.kind, person.language) if bare and not news.text else news.text,
        mail_id=news.mail_id,
        language=said.language,
        intents=[intent.value for intent in said.intents],
        confidence=said.confidence,
        reason=said.reason.value if said.reason else None,
        promise_date=said.promise_date,
        promise_amount_minor=_minor(said.promise_amount, loan.currency) if loan is not None else None,
        needs_human=said.needs_human,
    )
    return Heard(message, loan, writer, word)


def _answers(session: Session, person: Person, news: InboundNews, at: datetime, about: Loan) -> tuple[Loan, Word]:
    """The loan that a bare yes or no is for, and how it counts there."""
    picked = contact_answered(session, news)
    quotes = picked is not None or news.quotes is not None
    words = own_words(news.text)
    found = what_it_answers(session, person, words, news.channel, at, about, picked=picked, quotes=quotes)
    return found.loan, found.word


def keep(session: Session, heard: Heard) -> None:
    session.add(heard.message)
    session.flush()


def loan_written_about(session: Session, person: Person, news: InboundNews, at: datetime) -> Loan | None:
    """The loan of the message of ours that they picked to answer; else the one in collection they were last written to
    about by this channel, else by any, else the latest.

    What was sent after `at`, when they wrote, counts only where nothing was before: a message may be heard late.
    Where none is in collection it is one that is about to be, found in the same way; none where a mail answers one
    about a loan that has ended.
    """
    answered = contact_answered(session, news)
    if answered is not None and answered.person_ref != person.id:
        answered = None
    not_ended = {loan.id: loan for loan in people.loans_of(session, person) if loan.state is not LoanState.ENDED}
    if answered is not None and answered.loan_ref in not_ended:
        return not_ended[answered.loan_ref]
    collected = {ref: loan for ref, loan in not_ended.items() if loan.state is LoanState.IN_COLLECTION}
    open_loans = collected or (not_ended if answered is None else {})
    if not open_loans:
        return None
    every = session.exec(
        select(Contact)
        .where(Contact.person_ref == person.id, col(Contact.loan_ref).in_(list(open_loans)))
        .order_by(col(Contact.reserved_at).desc(), col(Contact.id).desc())
    ).all()
    wrote = [each for each in every if each.reserved_at <= at] or every
    same = next((each for each in wrote if each.channel is news.channel), wrote[0] if wrote else None)
    return open_loans[same.loan_ref] if same is not None else list(open_loans.values())[-1]


def contact_answered(session: Session, news: InboundNews) -> Contact | None:
    """The message of ours that an e-mail answers, or that was picked to be answered in another program."""
    if news.channel is not Channel.EMAIL:
        quoted = contacts.by_message(session, news.provider, news.quotes) if news.quotes is not None else None
        return quoted if quoted is not None and quoted.channel is news.channel else None
    found = (contacts.by_own_id(session, each) for each in reversed(news.answers))
    return next((contact for contact in found if contact is not None and contact.channel is Channel.EMAIL), None)


def signals_for(
    session: Session,
    person: Person,
    message: InboundMessage,
    loan: Loan,
    reader: MessageReader,
    *,
    stranger: bool = False,
    closes_channel: bool = False,
    stop_is_done: bool = False,
    no_calls: bool = False,
    word: Word = Word.ANSWER,
) -> list[OwedSignal]:
    """What the loan hears of the message; and the person's other loans where it is true of the person.

    `stranger`: somebody else at the number wrote it. `closes_channel`: it asks for no more by the channel it came by,
    or may. Neither is an answer to anything, nor answered. `stop_is_done`: what it asks for no more of is closed, and
    not the channel it came by: what else it says is answered. `no_calls`: it closes calls and asks for none, whatever
    the model hears. `word`: how a bare yes or no counts: one that may be meant for something else is none here.
    """
    text = own_words(message.text or "")
    unanswered = stranger or closes_channel
    intents = tuple(Intent(name) for name in message.intents)
    if no_calls:
        intents = tuple(intent for intent in intents if intent is not Intent.CALLBACK_REQUEST) or (Intent.OPT_OUT,)
    if stop_is_done:
        intents = tuple(intent for intent in intents if intent is not Intent.OPT_OUT) or intents
    payload: dict[str, JsonValue] = {
        "message_id": _named(message),
        "channel": message.channel.value,
        "received_at": message.at.isoformat(),
        "intents": list(_of_a_stranger(message) if stranger else intents),
        "confidence": message.confidence,
        "needs_human": message.needs_human or (not unanswered and Intent.OPT_OUT in intents),
        "text_sha256": hashlib.sha256((message.text or "").encode()).hexdigest(),
    }
    if message.reason is not None:
        payload["reason"] = message.reason
    if message.promise_date is not None:
        payload["promise_date"] = message.promise_date.isoformat()
    if message.promise_amount_minor is not None:
        payload["promise_amount_minor"] = message.promise_amount_minor
    if unanswered:
        payload |= {} if stranger else {"closes_channel": True}
    elif (plain := read_yes_no(text)) is not None:
        payload |= _plainly(plain, intents, word)
    elif (answer := answer_in(session, loan, person, message)) is not None:
        payload |= answer
    else:
        if (faq := reader.question(text, person.language)) is not None:
            payload["faq"] = faq
        payload |= _another_day(message, intents[0], person, text)
    told = [_owed(loan, SignalName.REPLY_UNDERSTOOD, payload)]
    for intent, kind in _FOR_ALL_LOANS.items():
        if intent.value in message.intents:
            others = [
                each
                for each in people.loans_of(session, person)
                if each.id != loan.id and each.state is not LoanState.ENDED
            ]
            told += [_owed(other, SignalName.CIRCUMSTANCE_REPORTED, {"kind": kind}) for other in others]
    return told


def _plainly(said: str, intents: tuple[Intent, ...], word: Word) -> dict[str, JsonValue]:
    """What is told of a bare yes or no. Courtesy is told as that, whatever a single word may be read as besides; who
    says "hecho" may have paid.
    """
    if word is Word.ANSWER:
        return {"says": said}
    if word is Word.COURTESY and intents[0] not in ABOUT_A_PAYMENT:
        return {"intents": [Intent.ACKNOWLEDGEMENT], "confidence": 1.0}
    return {}


def _of_a_stranger(message: InboundMessage) -> tuple[Intent, ...]:
    """That somebody else wrote is told first but for distress, also where words say so which the model passes over."""
    return in_order((Intent.WRONG_PERSON, *map(Intent, message.intents)))[:MOST_INTENTS]


def message_named(session: Session, loan: Loan, message_id: str) -> InboundMessage | None:
    """What the loan's borrower wrote, by the id under which the loan hears of it."""
    wrote = session.exec(select(InboundMessage).where(InboundMessage.loan_ref == loan.id)).all()
    return next((message for message in wrote if _named(message) == message_id), None)


def _named(message: InboundMessage) -> str:
    return f"{message.provider}:{message.provider_message_id}"[:128]


def _another_day(message: InboundMessage, first: Intent, person: Person, text: str) -> dict[str, JsonValue]:
    """Whether another day to pay on is asked for, and which; what is read as promised needs no second word."""
    if first not in _MAY_NAME_A_DAY:
        return {}
    found = another_day(text, local_day(message.at, person.country, person.timezone), person.country)
    told: dict[str, JsonValue] = {"asks_to_move": True} if found.asks else {}
    if found.day is not None and (found.asks or found.day != message.promise_date):
        told["day_named"] = found.day.isoformat()
    return told


def says(message: InboundMessage, intent: Intent) -> bool:
    return intent.value in message.intents


def wants_to_stop(message: InboundMessage, text: str) -> bool:
    """Whether it surely asks, before all else, for no more messages by this channel.

    The words that law and carriers know are read elsewhere. What only may ask for it goes to a person: a channel closed
    by mistake is never heard of again. Of one or two words the model has to be surer.
    """
    first = message.intents[0] == Intent.OPT_OUT and message.confidence >= _SURELY
    if not first or read_yes_no(text) is not None:
        return False
    in_a_word = len(text.split()) <= 2
    return not in_a_word or (message.confidence >= _SURELY_IN_A_WORD and not has_another_sense(text))


def may_ask_for_silence(message: InboundMessage) -> bool:
    """Whether the model reads a stop beside what is never missed: nobody is answered who may have asked for silence.

    Never of a plain yes or no: that is an answer to us.
    """
    grave = says(message, Intent.OPT_OUT) and any(says(message, intent) for intent in _NEVER_MISSED)
    return grave and read_yes_no(own_words(message.text or "")) is None


def says_more(message: InboundMessage, *, no_calls: bool = False) -> bool:
    """Whether it says more than a stop does: what is asked or told beside one is acted on.

    `no_calls`: it closes calls and asks for none, whatever the model hears.
    """
    nothing_more = _NOTHING_MORE | {Intent.CALLBACK_REQUEST} if no_calls else _NOTHING_MORE
    return any(Intent(name) not in nothing_more for name in message.intents)


def must_be_seen(message: InboundMessage, *, stranger: bool) -> bool:
    """Whether it says what is never missed for the sake of another wish, such as to be left in peace.

    Of a stranger at the number only that the borrower is in distress, or dead, or what a person has to judge, such as
    who speaks for the borrower: a debt is not theirs to dispute, nor to promise.
    """
    grave = (Intent.VULNERABLE,) if stranger else _NEVER_MISSED
    return message.needs_human or any(says(message, intent) for intent in grave)


def _owed(loan: Loan, name: SignalName, payload: dict[str, JsonValue]) -> OwedSignal:
    return OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=name, payload=payload)


def _minor(amount: Decimal | None, currency: str) -> int | None:
    """In minor units; None too for what no loan is about: an account's number is no sum."""
    if amount is None:
        return None
    minor = int(amount.scaleb(minor_digits(currency)))
    return minor if 0 < minor <= MOST_MINOR else None
