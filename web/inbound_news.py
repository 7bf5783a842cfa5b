"""News of the person: what they wrote or sent, that somebody else reads, that they want to hear no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import JsonValue
from sqlmodel import Session

from domain.closed_by_stop import closed_by_words
from domain.consent_words import Withdrawal, read_stop, read_withdrawal
from domain.contact import Channel
from domain.conversation.paying_words import names_paying
from domain.events.contacts import NOTHING_SENT, AddressFailure
from domain.opt_out_scope import StopScope, asks_for_a_call, named_scope
from domain.opt_out_words import OptOutReading, read_opt_out
from domain.quoted_back import own_words
from domain.replies.labels import Intent
from domain.webhook_news import (
    Complained,
    InboundNews,
    MediaNews,
)
from domain.who_writes import Writer
from records import attachments, contact_ledger, contacts, people
from records.tables import Contact, Loan, LoanState, Person
from web.after_the_end import hand_to_a_person
from web.bare_words import Word, needs_a_person
from web.consequence import Consequence, about, note
from web.hearing import (
    MessageReader,
    contact_answered,
    hear,
    heard_before,
    is_bare_file,
    keep,
    may_ask_for_silence,
    must_be_seen,
    said_at,
    says_more,
    signals_for,
    wants_to_stop,
)
from web.ports import OwedSignal, SignalName
from web.shared_numbers import at_the_wrong_number, concerns, holds_all, signals_for_others, whom_it_answers
from web.withdrawn_consents import may_be_read, withdraw

_STOPS = (OptOutReading.OPT_OUT, OptOutReading.UNCLEAR)
_CEASE = "cease"


def record_inbound(session: Session, news: InboundNews, at: datetime, reader: MessageReader) -> Consequence:
    """Take in a message that came at `at`; it counts from when it was written. Told again it is passed over."""
    senders = senders_of(session, news)
    for spelling in news.other_spellings:
        senders = senders or people.by_phone(session, spelling)
    if not senders:
        answered = contact_answered(session, news)
        if answered is not None:
            return _answer_from_elsewhere(session, _in_own_words(news), answered, at, reader)
        unknown: dict[str, JsonValue] = {"channel": news.channel, "reference": news.provider_message_id}
        note(session, at, news.provider, "message_from_unknown_sender", None, None, unknown)
        return _stop_to_a_lost_mail(session, news, at, reader)
    written = said_at(session, news, at)
    whole, news = news, _in_own_words(news)
    meant = whom_it_answers(session, senders, news, written)
    new = not isinstance(whole, MediaNews) or _file(session, whole, meant.person, written, at)
    bare_file = is_bare_file(news, news.text)
    if not news.text and not bare_file:
        # Nothing is said: a reaction, a place, a sticker.
        if new:
            contact_ledger.add_inbound(session, meant.person, news.channel, written)
        if not isinstance(news, MediaNews):
            details: dict[str, JsonValue] = {"kind": f"message:{news.kind}", "reference": news.provider_message_id}
            note(session, at, news.provider, "webhook_needs_person", meant.person.lender, None, details)
        return Consequence(outcome=f"message_{news.kind}"[:80], person_refs=about(meant.person.id))
    reading = news.carrier_reading
    if reading not in (OptOutReading.OPT_OUT, OptOutReading.OPT_IN):
        reading = read_stop(news.text, meant.person.language)
    withdrawn = read_withdrawal(news.text)
    outcome = f"message_{news.kind}"[:80] if bare_file else f"message_{reading}"
    if heard_before(session, senders, news):
        return Consequence(outcome=outcome, person_refs=about(*(person.id for person in senders)))
    signals: list[OwedSignal] = []
    concerned: list[int | None] = []
    wrong_person = False
    by_meant = hear(session, meant.person, whole, written, reader)
    for person in senders:
        others = not meant.is_person(person)
        heard = hear(session, person, whole, written, reader) if others else by_meant
        ends_consent = withdrawn not in (None, Withdrawal.MAYBE) and may_be_read(session, person)
        if others and not ends_consent and not concerns(heard, meant, by_meant, news, reading):
            continue
        keep(session, heard)
        concerned.append(person.id)
        message, loan = heard.message, heard.loan
        wrong_address = at_the_wrong_number(heard, by_meant)
        stranger = wrong_address or heard.writer is Writer.RELATIVE
        if withdrawn is not None and not stranger:
            withdraw(session, person, message, withdrawn, at)
        wrong_person = wrong_person or heard.writer is Writer.ANOTHER
        contact_ledger.add_inbound(session, person, news.channel, written, by_another=stranger)
        if wrong_address:
            signals += _close_wrong_address(session, person, news, at)
        elif heard.writer is Writer.BORROWER and _opens_address(session, person, news, written):
            # Whoever writes from a number has it: whatever the carrier said of it before.
            note(session, at, "recipient", "address_opened", person.lender, None, {"channel": news.channel})
        plain = reading is OptOutReading.NOT_ABOUT_THIS and not stranger
        stops = plain and wants_to_stop(message, news.text)
        # What is not clear is taken as a wish to stop until a person has read it.
        closed = _closed_by(news, reading, person.country) if stops or reading in _STOPS else ()
        silent = plain and may_ask_for_silence(message)
        no_calls = Channel.CALL in closed and not asks_for_a_call(news.text)
        more = not stranger and says_more(message, no_calls=no_calls)
        # Of a payment named beside a stop the model may hear nothing.
        paying = names_paying(news.text) and (stranger or (bool(closed) and not more))
        doubtful = others and meant.may_be_answered_by(message.person_ref, news.text)
        word = Word.UNSURE if doubtful else heard.word if not others else Word.ANSWER
        asked = not stranger and not others and needs_a_person(word, Intent(message.intents[0]))
        if reading is OptOutReading.UNCLEAR or silent or paying or doubtful or asked:
            message.needs_human = True
            session.add(message)
        seen = must_be_seen(message, stranger=stranger)
        if others:
            # Their loan hears nothing of it that would be an answer of theirs, or would be answered.
            told = doubtful or silent or reading is OptOutReading.UNCLEAR or (stranger and seen)
            for_a_person = told or (holds_all(message) and not stranger)
            signals += [] if told or stranger else signals_for_others(heard, people.loans_of(session, person))
        else:
            told = seen or (bool(closed) and more) or (plain and not stops)
            for_a_person = seen or not stranger
        if loan is not None and told:
            here = silent or news.channel in closed
            signals += signals_for(
                session,
                person,
                message,
                loan,
                reader,
                stranger=stranger,
                closes_channel=here,
                stop_is_done=bool(closed) and not here,
                no_calls=no_calls,
                word=word,
            )
        if (loan is None or loan.state is LoanState.WAITING) and for_a_person:
            # Its loan may start in weeks, and a person reads it now.
            hand_to_a_person(session, person, message, at, loan)
        source = f"{news.provider} {'unclear message' if reading is OptOutReading.UNCLEAR else 'message'}"
        for channel in closed:
            signals += close_channel(session, person, channel, source, at, said_at=written)
        if closed and _ends_all_contact(news, reading):
            signals += cease(session, person, source, at)
        elif reading is OptOutReading.OPT_IN:
            signals += open_channel(session, person, news.channel, news.provider, at, said_at=written)
    if wrong_person:
        outcome = "message_wrong_person"
    return Consequence(outcome=outcome, signals=tuple(signals), person_refs=about(*concerned))


def _answer_from_elsewhere(
    session: Session, news: InboundNews, answered: Contact, at: datetime, reader: MessageReader
) -> Consequence:
    """An answer to a message of ours, from an address that the records do not know of whom it went to.

    No loan hears the words, which may be anybody's: a person is shown that they came. But a stop can only close, and on
    WhatsApp nobody can quote what did not come to them: it closes what it asks for to whom the message went. A mail can
    be passed on, and ends nothing from another mailbox.
    """
    person, loan = people.get(session, answered.person_ref), contacts.loan_of(session, answered)
    if news.text or is_bare_file(news, news.text):
        details: dict[str, JsonValue] = {
            "kind": "answer_from_another_address",
            "channel": news.channel,
            "reference": news.provider_message_id,
        }
        note(session, at, news.provider, "webhook_needs_person", loan.lender, loan.loan_id, details)
    reading = news.carrier_reading
    if reading is not OptOutReading.OPT_OUT:
        reading = read_stop(news.text, person.language)
    stops = reading in _STOPS or (
        reading is OptOutReading.NOT_ABOUT_THIS
        and bool(news.text)
        and wants_to_stop(hear(session, person, news, at, reader).message, news.text)
    )
    if not stops or news.channel is Channel.EMAIL:
        return Consequence(outcome="unknown_sender")
    written = said_at(session, news, at)
    source = f"{news.provider} {'unclear message' if reading is OptOutReading.UNCLEAR else 'message'}"
    signals: list[OwedSignal] = []
    for channel in _closed_by(news, reading, person.country):
        signals += close_channel(session, person, channel, source, at, said_at=written)
    if _ends_all_contact(news, reading):
        signals += cease(session, person, source, at)
    return Consequence(outcome=f"message_{reading}", signals=tuple(signals), person_refs=about(person.id))


def _in_own_words(news: InboundNews) -> InboundNews:
    """Without what it quotes of ours. What its carrier took for a stop or a start has happened: it is left whole."""
    words = news.text if news.carrier_reading in (OptOutReading.OPT_OUT, OptOutReading.OPT_IN) else own_words(news.text)
    if words == news.text:
        return news
    kind = news.kind if words or isinstance(news, MediaNews) else "quotation"
    return news.model_copy(update={"text": words, "kind": kind})


def _stop_to_a_lost_mail(session: Session, news: InboundNews, at: datetime, reader: MessageReader) -> Consequence:
    """An answer to a mail of ours that the records lost, as those of a backup do.

    Nothing proves who wrote it: nothing is kept, and no loan hears the words. But a stop can only close, so it closes
    what it asks for to everyone with the address.
    """
    outcome = "unknown_sender"
    stopped: list[int | None] = []
    signals: list[OwedSignal] = []
    lost = news.channel is Channel.EMAIL and contacts.names_a_lost_one(session, news.answers)
    news = _in_own_words(news)
    for person in people.by_email(session, news.sender_address) if lost else ():
        reading = read_opt_out(news.text, person.language)
        asked = reading is OptOutReading.NOT_ABOUT_THIS
        if reading in _STOPS or (asked and wants_to_stop(hear(session, person, news, at, reader).message, news.text)):
            outcome = f"message_{reading}"
            stopped.append(person.id)
            for channel in _closed_by(news, reading, person.country):
                signals += close_channel(session, person, channel, f"{news.provider} message", at)
    return Consequence(outcome=outcome, signals=tuple(signals), person_refs=about(*stopped))


def _closed_by(news: InboundNews, reading: OptOutReading, country: str) -> tuple[Channel, ...]:
    return closed_by_words(news.text, news.channel, country, plain=_is_plain_stop(news, reading))


def _ends_all_contact(news: InboundNews, reading: OptOutReading) -> bool:
    return _is_plain_stop(news, reading) and named_scope(news.text, news.channel) is StopScope.EVERYTHING


def _is_plain_stop(news: InboundNews, reading: OptOutReading) -> bool:
    return reading is OptOutReading.OPT_OUT and news.carrier_reading is not OptOutReading.OPT_OUT


def senders_of(session: Session, news: InboundNews) -> Sequence[Person]:
    """Who writes. By e-mail only whoever got the mail of ours that is answered, from the address it went to."""
    if news.channel is not Channel.EMAIL:
        return people.by_phone(session, news.sender_address) if news.sender_address else ()
    contact = contact_answered(session, news)
    person = people.get(session, contact.person_ref) if contact is not None else None
    same = person is not None and (person.email or "").casefold() == news.sender_address.casefold()
    return (person,) if person is not None and same else ()


def _file(session: Session, news: MediaNews, person: Person, written: datetime, at: datetime) -> bool:
    """A file is noted with the loan it is about, and fetched soon after; False where it was told of before."""
    picked = contact_answered(session, news)
    if picked is not None and picked.person_ref == person.id:
        loan = session.get(Loan, picked.loan_ref)
    else:
        loan = attachments.loan_meant(session, person, news.channel, written)
    new = attachments.note(
        session,
        person,
        loan,
        channel=news.channel,
        provider=news.provider,
        provider_message_id=news.provider_message_id,
        media_id=news.media_id,
        kind=news.kind,
        mime_type=news.mime_type,
        caption=news.text or None,
        at=at,
    )
    if new:
        details: dict[str, JsonValue] = {"channel": news.channel, "kind": news.kind, "mime_type": news.mime_type}
        loan_id = loan.loan_id if loan is not None else None
        note(session, at, news.provider, "file_received", person.lender, loan_id, details)
    return new


def _opens_address(session: Session, person: Person, news: InboundNews, written: datetime) -> bool:
    return people.open_address(session, person, news.channel, _address_of(person, news), written_at=written)


def _address_of(person: Person, news: InboundNews) -> str:
    """As the records spell it: a platform may write the same number in a way of its own."""
    return people.known_address(person, news.channel) or news.sender_address


def _close_wrong_address(session: Session, person: Person, news: InboundNews, at: datetime) -> tuple[OwedSignal, ...]:
    """Somebody else reads this address: it is closed, and each loan in collection looks for another way."""
    people.lock(session, person)
    reason = AddressFailure.WRONG_PERSON.value
    people.close_address(session, person, news.channel, _address_of(person, news), reason=reason, at=at)
    signals = []
    for loan in people.loans_of(session, person):
        if loan.state is LoanState.ENDED:
            continue
        details: dict[str, JsonValue] = {"channel": news.channel, "reason": reason}
        note(session, at, "recipient", "address_closed", loan.lender, loan.loan_id, details)
        sent = [c for c in contacts.of_loan(session, loan) if c.channel is news.channel and c.entry == loan.entry]
        payload: dict[str, JsonValue] = {
            "step": sent[-1].step if sent else NOTHING_SENT,
            "occurrence": sent[-1].occurrence if sent else 1,
            "channel": news.channel.value,
            "reason": reason,
        }
        signals.append(
            OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=SignalName.CONTACT_FAILED, payload=payload)
        )
    return tuple(signals)


def record_complaint(session: Session, news: Complained, at: datetime) -> Consequence:
    """Whoever says that our mail is unwanted, to their own program, gets no more of it about any loan."""
    contact = contacts.by_message(session, news.provider, news.provider_message_id)
    if contact is None and news.message_id is not None:
        contact = contacts.by_own_id(session, news.message_id)
    if contact is None:
        return Consequence(outcome="unknown_message")
    person = people.get(session, contact.person_ref)
    signals = close_channel(session, person, contact.channel, f"{news.provider} {news.kind}", at)
    return Consequence(outcome="complaint", signals=signals, person_refs=about(contact.person_ref))


def close_channel(
    session: Session, person: Person, channel: Channel, source: str, at: datetime, *, said_at: datetime | None = None
) -> tuple[OwedSignal, ...]:
    """No more by this channel about any loan of the person; the signals that are owed for it.

    `said_at`: when the person said so, where that is another moment than `at`, when it came in.
    """
    people.lock(session, person)
    owed = [loan for loan in people.loans_of(session, person) if loan.state is not LoanState.ENDED]
    if people.opt_out(session, person, channel, source=source, at=said_at or at):
        for loan_id in _noted_under(session, person, owed):
            details: dict[str, JsonValue] = {"channel": channel, "source": source}
            note(session, at, "borrower", "opt_out", person.lender, loan_id, details)
    return _told(SignalName.OPT_OUT, owed, channel, people.opted_out_at(session, person, channel) or at)


def cease(session: Session, person: Person, source: str, at: datetime) -> tuple[OwedSignal, ...]:
    """No more contact by any way about any loan of the person; the signals that are owed for it."""
    people.lock(session, person)
    owed = [loan for loan in people.loans_of(session, person) if loan.state is not LoanState.ENDED]
    if people.raise_flag(session, person, _CEASE, source=source, at=at):
        for loan_id in _noted_under(session, person, owed):
            note(session, at, "borrower", "opt_out", person.lender, loan_id, {"channel": "all", "source": source})
    payload: dict[str, JsonValue] = {"channel": "all"}
    return tuple(
        OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=SignalName.OPT_OUT, payload=payload) for loan in owed
    )


def open_channel(
    session: Session, person: Person, channel: Channel, source: str, at: datetime, *, said_at: datetime
) -> tuple[OwedSignal, ...]:
    """Messages by this channel again, unless the person closed it after `said_at`; the signals that are owed for it.

    They are owed too where the records had it open: a loan may have missed that. Whoever never closed it opens nothing,
    so that a stop they wrote before and that comes later counts everywhere.
    """
    people.lock(session, person)
    if people.opt_in(session, person, channel, at=said_at):
        note(session, at, source, "opt_in", person.lender, None, {"channel": channel})
    if people.opted_out_at(session, person, channel) is not None or not people.has_opted_out(session, person, channel):
        return ()
    owed = [loan for loan in people.loans_of(session, person) if loan.state is not LoanState.ENDED]
    return _told(SignalName.OPT_IN, owed, channel, said_at)


def _noted_under(session: Session, person: Person, owed: Sequence[Loan]) -> Sequence[str | None]:
    """Loans that the audit trail names a person's stop by: those that are owed, else those that ended."""
    return [loan.loan_id for loan in owed or people.loans_of(session, person)] or [None]


def _told(name: SignalName, loans: Sequence[Loan], channel: Channel, said_at: datetime) -> tuple[OwedSignal, ...]:
    """By `at` a loan knows which was said last, in whatever order it hears of a STOP and a START."""
    payload: dict[str, JsonValue] = {"channel": channel.value, "at": said_at.isoformat()}
    return tuple(OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=name, payload=payload) for loan in loans)
