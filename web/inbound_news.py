"""News of the person: what they wrote or sent, that somebody else reads, that they want to hear no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import JsonValue
from sqlmodel import Session

from domain.contact import Channel
from domain.events import AddressFailure
from domain.opt_out_words import OptOutReading, read_opt_out
from domain.replies.labels import Intent
from domain.webhook_news import (
    Complained,
    InboundNews,
    MediaNews,
)
from domain.wrong_person_words import says_wrong_person
from records import attachments, contacts, people
from records.tables import Loan, LoanState, Person
from web.after_the_end import hand_to_a_person
from web.consequence import Consequence, about, note
from web.hearing import MessageReader, contact_answered, hear, must_be_seen, said_at, says, signals_for, wants_to_stop
from web.ports import OwedSignal, SignalName


def record_inbound(session: Session, news: InboundNews, at: datetime, reader: MessageReader) -> Consequence:
    """Take in a message that came at `at`; it counts from when it was written. Told again it is passed over."""
    senders = senders_of(session, news)
    for spelling in news.other_spellings:
        senders = senders or people.by_phone(session, spelling)
    if not senders:
        note(session, at, news.provider, "message_from_unknown_sender", None, None, {"channel": news.channel})
        return Consequence(outcome="unknown_sender")
    written = said_at(session, news, at)
    new = not isinstance(news, MediaNews) or _file(session, news, senders, at)
    if not news.text:
        # No word to read: a reaction, a place, a file without a caption.
        for person in senders if new else ():
            contacts.add_inbound(session, person, news.channel, written)
        if not isinstance(news, MediaNews):
            details: dict[str, JsonValue] = {"kind": f"message:{news.kind}", "reference": news.provider_message_id}
            note(session, at, news.provider, "webhook_needs_person", senders[0].lender, None, details)
        return Consequence(outcome=f"message_{news.kind}"[:80], person_refs=about(*(person.id for person in senders)))
    reading = news.carrier_reading
    if reading not in (OptOutReading.OPT_OUT, OptOutReading.OPT_IN):
        reading = read_opt_out(news.text, senders[0].language)
    signals: list[OwedSignal] = []
    for person in senders:
        heard = hear(session, person, news, written, reader)
        if heard is None:
            continue
        message, loan = heard
        stranger = says_wrong_person(news.text) or says(message, Intent.WRONG_PERSON)
        contacts.add_inbound(session, person, news.channel, written, by_another=stranger)
        if stranger:
            signals += _close_wrong_address(session, person, news, at)
        elif people.open_address(session, person, news.channel, news.sender_address):
            # Whoever writes from a number has it: whatever the carrier said of it before.
            note(session, at, "recipient", "address_opened", person.lender, None, {"channel": news.channel})
        plain = reading is OptOutReading.NOT_ABOUT_THIS and not stranger
        stops = plain and wants_to_stop(message, news.text)
        if loan is not None and (must_be_seen(message, stranger=stranger) or (plain and not stops)):
            signals += signals_for(session, person, message, loan, news.text, reader)
        if (loan is None or loan.state is LoanState.WAITING) and not stranger:
            # Its loan may start in weeks, and a person reads it now.
            hand_to_a_person(session, person, message, at, loan)
        if stops:
            signals += close_channel(session, person, news.channel, f"{news.provider} message", at, said_at=written)
        if reading in (OptOutReading.OPT_OUT, OptOutReading.UNCLEAR):
            # What is not clear is taken as a wish to stop until a person has read it.
            source = "message" if reading is OptOutReading.OPT_OUT else "unclear message"
            signals += close_channel(session, person, news.channel, f"{news.provider} {source}", at, said_at=written)
        elif reading is OptOutReading.OPT_IN:
            signals += open_channel(session, person, news.channel, news.provider, at, said_at=written)
    outcome = "message_wrong_person" if says_wrong_person(news.text) else f"message_{reading}"
    return Consequence(outcome=outcome, signals=tuple(signals), person_refs=about(*(person.id for person in senders)))


def senders_of(session: Session, news: InboundNews) -> Sequence[Person]:
    """Who writes. By e-mail only whoever got the mail of ours that is answered, from the address it went to."""
    if news.channel is not Channel.EMAIL:
        return people.by_phone(session, news.sender_address)
    contact = contact_answered(session, news)
    person = people.get(session, contact.person_ref) if contact is not None else None
    same = person is not None and (person.email or "").casefold() == news.sender_address.casefold()
    return (person,) if person is not None and same else ()


def _file(session: Session, news: MediaNews, senders: Sequence[Person], at: datetime) -> bool:
    """A file is noted with the loan it is about, and fetched soon after; False where it was told of before."""
    owed = [(person, attachments.loan_meant(session, person, news.channel)) for person in senders]
    person, loan = next(((p, one) for p, one in owed if one is not None and one.state is not LoanState.ENDED), owed[0])
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


def _close_wrong_address(session: Session, person: Person, news: InboundNews, at: datetime) -> tuple[OwedSignal, ...]:
    """Somebody else reads this address: it is closed, and each loan in collection looks for another way."""
    people.lock(session, person)
    reason = AddressFailure.WRONG_PERSON.value
    people.close_address(session, person, news.channel, news.sender_address, reason=reason, at=at)
    signals = []
    for loan in people.loans_of(session, person):
        if loan.state is LoanState.ENDED:
            continue
        details: dict[str, JsonValue] = {"channel": news.channel, "reason": reason}
        note(session, at, "recipient", "address_closed", loan.lender, loan.loan_id, details)
        sent = [c for c in contacts.of_loan(session, loan) if c.channel is news.channel and c.entry == loan.entry]
        payload: dict[str, JsonValue] = {
            "step": sent[-1].step if sent else "none",
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
        named: list[str | None] = [loan.loan_id for loan in owed]
        for loan_id in named or [None]:
            details: dict[str, JsonValue] = {"channel": channel, "source": source}
            note(session, at, "borrower", "opt_out", person.lender, loan_id, details)
    return _told(SignalName.OPT_OUT, owed, channel, people.opted_out_at(session, person, channel) or at)


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


def _told(name: SignalName, loans: Sequence[Loan], channel: Channel, said_at: datetime) -> tuple[OwedSignal, ...]:
    """By `at` a loan knows which was said last, in whatever order it hears of a STOP and a START."""
    payload: dict[str, JsonValue] = {"channel": channel.value, "at": said_at.isoformat()}
    return tuple(OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=name, payload=payload) for loan in loans)
