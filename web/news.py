"""What a webhook's news means for the records, and which loans have to hear of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue
from sqlmodel import Session

from config.costs import costs_in_force
from domain.call_flow import CallEnd, Heard
from domain.contact import Channel, ContactEventKind
from domain.events import AddressFailure, CallWish
from domain.opt_out_words import OptOutReading, read_opt_out
from domain.platform_rules import NO_MARKETING, TemplateStatus
from domain.replies import Intent
from domain.webhook_news import (
    CallEnded,
    CallHeard,
    Complained,
    DeliveryNews,
    DeliveryState,
    Ignored,
    InboundNews,
    MediaNews,
    PartRefundNews,
    PaymentNews,
    PaymentPointer,
    ReversalNews,
    SenderNews,
    TemplateNews,
    WebhookNews,
)
from domain.what_next import Reaction, WhatNext
from domain.wrong_person_words import says_wrong_person
from records import attachments, audit, contacts, inquiries, links, loans, payments, people, platforms, refunds
from records.tables import Contact, ContactState, LinkState, Loan, LoanState, PaymentSource, Person
from web.hearing import MessageReader, hear, must_be_seen, says, signals_for, wants_to_stop
from web.ports import OwedSignal, SignalName

_REACHED = {
    DeliveryState.SENT: ContactState.SENT,
    DeliveryState.DELIVERED: ContactState.DELIVERED,
    DeliveryState.READ: ContactState.READ,
}
_SEEN = {DeliveryState.DELIVERED: ContactEventKind.DELIVERED, DeliveryState.READ: ContactEventKind.READ}


class Consequence(BaseModel):
    """What was done with the news, in one word, and the signals that are owed for it, in order."""

    model_config = ConfigDict(frozen=True)

    outcome: str
    signals: tuple[OwedSignal, ...] = ()
    person_ref: int | None = None
    """Whose news it was, if that is known."""


def record_news(
    session: Session, news: Iterable[WebhookNews], at: datetime, reader: MessageReader = MessageReader()
) -> Consequence:
    """Write what belongs in the records; `at` is when the webhook came in. One transaction with its mark."""
    outcomes: list[str] = []
    signals: list[OwedSignal] = []
    person_ref: int | None = None
    for one in news:
        match one:
            case PaymentNews():
                consequence = _payment(session, one, at)
            case PaymentPointer():
                inquiries.note(session, one.provider, one.payment_id, at)
                consequence = Consequence(outcome="payment_pointed_at")
            case ReversalNews():
                consequence = _reversal(session, one, at)
            case PartRefundNews():
                consequence = _part_refund(session, one, at)
            case DeliveryNews():
                consequence = _delivery(session, one, at)
            case TemplateNews():
                consequence = _template(session, one, at)
            case SenderNews():
                consequence = _sender(session, one, at)
            case InboundNews():
                consequence = _inbound(session, one, at, reader)
            case CallHeard():
                consequence = _call_heard(session, one, at)
            case CallEnded():
                consequence = _call_ended(session, one, at)
            case Complained():
                consequence = _complained(session, one, at)
            case Ignored():
                consequence = _ignored(session, one, at)
        outcomes.append(consequence.outcome)
        signals += consequence.signals
        person_ref = person_ref or consequence.person_ref
    return Consequence(outcome=", ".join(outcomes)[:80] or "nothing", signals=tuple(signals), person_ref=person_ref)


def lock_ahead(session: Session, many: Iterable[Iterable[WebhookNews]]) -> None:
    """Lock what recording all this news will touch, as everybody does: payments, then people in their order.

    One transaction of many webhooks locks several people; whoever locked them in another order would wait for it
    while it waits for them. On SQLite a writing transaction is alone anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    news = [one for each in many for one in each]
    payments.lock(
        session, [(one.provider, one.payment_id) for one in news if isinstance(one, PaymentNews | ReversalNews)]
    )
    reports = [one for one in news if isinstance(one, DeliveryNews)]
    persons = set(people.refs_by_phone(session, [one.sender_address for one in news if isinstance(one, InboundNews)]))
    if reports:
        named = [(one.provider, one.provider_message_id) for one in reports]
        persons |= contacts.people_of_messages(session, named, [one.message_id for one in reports if one.message_id])
    people.lock_many(session, persons)


def _payment(session: Session, news: PaymentNews, at: datetime) -> Consequence:
    lender, loan_id = news.lender, news.loan_id
    link = links.by_provider_id(session, news.provider, news.link_id) if news.link_id else None
    if link is None and news.reference:
        link = links.by_reference(session, news.provider, news.reference)
    if link is not None and (lender is None or loan_id is None):
        owner = loans.by_ref(session, link.loan_ref)
        lender, loan_id = owner.lender, owner.loan_id
    recorded = payments.record(
        session,
        provider=news.provider,
        payment_id=news.payment_id,
        lender=lender,
        loan_id=loan_id,
        amount_minor=news.amount_minor,
        currency=news.currency,
        paid_at=news.paid_at,
        received_at=at,
        source=PaymentSource.WEBHOOK,
    )
    payment = recorded.payment
    if link is not None:
        links.set_state(session, link, LinkState.PAID, at=at)
    details: dict[str, JsonValue] = {
        "provider": payment.provider,
        "payment_id": payment.payment_id,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
    }
    if payment.loan_ref is None:
        if recorded.new:
            _note(session, at, news.provider, "payment_unmatched", lender, loan_id, details)
        return Consequence(outcome="payment_unmatched")
    loan = loans.by_ref(session, payment.loan_ref)
    if recorded.new:
        _note(session, at, news.provider, "payment_recorded", loan.lender, loan.loan_id, details)
    received = OwedSignal(
        lender=loan.lender,
        loan_id=loan.loan_id,
        name=SignalName.PAYMENT_RECEIVED,
        payload={
            "payment_id": payment.payment_id,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "paid_at": payment.paid_at.isoformat(),
            "provider": payment.provider,
        },
        restart=recorded.new,
    )
    signals = [received]
    if payment.reversed_at is not None and recorded.new:
        signals.append(_reversed(loan, payment.payment_id, payment.provider, restart=True))
    outcome = "payment" if recorded.new else "payment_known"
    return Consequence(outcome=outcome, signals=tuple(signals), person_ref=loan.person_ref)


def _reversal(session: Session, news: ReversalNews, at: datetime) -> Consequence:
    before = payments.find(session, news.provider, news.payment_id)
    known = before is not None and before.reversed_at is not None
    payment = payments.reverse(session, provider=news.provider, payment_id=news.payment_id, at=news.reversed_at)
    details: dict[str, JsonValue] = {"provider": news.provider, "payment_id": news.payment_id}
    if payment is None:
        _note(session, at, news.provider, "reversal_before_payment", news.lender, news.loan_id, details)
        return Consequence(outcome="reversal_before_payment")
    if payment.loan_ref is None:
        return Consequence(outcome="reversal_unmatched")
    loan = loans.by_ref(session, payment.loan_ref)
    if not known:
        _note(session, at, news.provider, "payment_reversed", loan.lender, loan.loan_id, details)
    signal = _reversed(loan, payment.payment_id, payment.provider, restart=not known)
    outcome = "reversal_known" if known else "reversal"
    return Consequence(outcome=outcome, signals=(signal,), person_ref=loan.person_ref)


def _reversed(loan: Loan, payment_id: str, provider: str, *, restart: bool) -> OwedSignal:
    return OwedSignal(
        lender=loan.lender,
        loan_id=loan.loan_id,
        name=SignalName.PAYMENT_REVERSED,
        payload={"payment_id": payment_id, "provider": provider},
        restart=restart,
    )


def _template(session: Session, news: TemplateNews, at: datetime) -> Consequence:
    platforms.template_changed(
        session,
        news.provider,
        news.name,
        news.language,
        status=news.status,
        category=news.category,
        quality=news.quality,
        reason=news.reason,
        at=at,
    )
    told = {"status": news.status, "category": news.category, "quality": news.quality, "reason": news.reason or None}
    details: dict[str, JsonValue] = {"name": news.name, "language": news.language}
    details |= {name: str(value) for name, value in told.items() if value is not None}
    _note(session, at, news.provider, "template_status", None, None, details)
    return Consequence(outcome=f"template_{news.status or 'changed'}")


def _sender(session: Session, news: SenderNews, at: datetime) -> Consequence:
    platforms.sender_changed(session, news.provider, news.sender, quality=news.quality, tier=news.tier, at=at)
    details: dict[str, JsonValue] = {"sender": news.sender, "event": news.event}
    _note(session, at, news.provider, "sender_quality", None, None, details)
    return Consequence(outcome=f"sender_{news.event}"[:80])


def _part_refund(session: Session, news: PartRefundNews, at: datetime) -> Consequence:
    """Ours are known before the gateway tells of them; any other moved money by somebody else's hand."""
    payment = payments.find(session, news.provider, news.payment_id)
    if payment is not None and news.refunded_minor <= refunds.given_back(session, payment):
        return Consequence(outcome="refund_known")
    details: dict[str, JsonValue] = {"kind": "refund:partial", "reference": news.payment_id}
    _note(session, at, news.provider, "webhook_needs_person", None, None, details)
    return Consequence(outcome="refund_of_others")


def _delivery(session: Session, news: DeliveryNews, at: datetime) -> Consequence:
    contact = _contact_of(session, news)
    if contact is None:
        return Consequence(outcome="unknown_message")
    if news.state is DeliveryState.FAILED:
        failed = _failed_delivery(session, contact, news, at)
        return failed.model_copy(update={"person_ref": contact.person_ref})
    reached = _REACHED.get(news.state)
    if reached is None:
        return Consequence(outcome=f"message_{news.state}", person_ref=contact.person_ref)
    _advance(session, contact, reached, news, at)
    if news.state in _SEEN:
        contacts.add_event(session, contact, _SEEN[news.state], at)
    return Consequence(outcome=f"message_{news.state}", person_ref=contact.person_ref)


def _contact_of(session: Session, news: DeliveryNews) -> Contact | None:
    contact = contacts.by_message(session, news.provider, news.provider_message_id)
    if contact is None and news.message_id is not None:
        # The report can be faster than the answer to the call that sent the message, or the answer was lost.
        contact = contacts.by_own_id(session, news.message_id)
        if contact is not None and contact.provider_message_id not in (None, news.provider_message_id):
            return None  # one that was taken again since: the news is of the earlier attempt
    return contact


def _failed_delivery(session: Session, contact: Contact, news: DeliveryNews, at: datetime) -> Consequence:
    if not _advance(session, contact, ContactState.UNDELIVERED, news, at):
        return Consequence(outcome="message_failed_late")
    loan = loans.by_ref(session, contact.loan_ref)
    person = people.get(session, contact.person_ref)
    if news.reaction is not None:
        _number_or_template(session, contact, person, news, news.reaction, at)
    if news.reaction is not None and news.reaction.opted_out:
        signals = close_channel(session, person, contact.channel, f"{news.provider} {news.error_code}", at)
        return Consequence(outcome="opt_out", signals=signals)
    dead = news.reaction is not None and news.reaction.address_is_dead
    if dead and contact.address is not None:
        reason = f"{news.provider} {news.error_code}"
        if people.close_address(session, person, contact.channel, contact.address, reason=reason, at=at):
            details: dict[str, JsonValue] = {"channel": contact.channel, "reason": reason}
            _note(session, at, news.provider, "address_closed", loan.lender, loan.loan_id, details)
    if contact.entry != loan.entry:
        return Consequence(outcome="message_failed")
    failed = OwedSignal(
        lender=loan.lender,
        loan_id=loan.loan_id,
        name=SignalName.CONTACT_FAILED,
        payload={
            "step": contact.step,
            "occurrence": contact.occurrence,
            "channel": contact.channel.value,
            "reason": _why(dead, news.reaction).value,
        },
    )
    return Consequence(outcome="message_failed", signals=(failed,))


_WISHES = {Heard.PAY_NOW: CallWish.PAY_NOW, Heard.PROMISE: CallWish.PROMISE, Heard.PERSON: CallWish.PERSON}


def _call_heard(session: Session, news: CallHeard, at: datetime) -> Consequence:
    """A conversation counts for the rules from the moment the right person was known."""
    contact = contacts.by_own_id(session, news.message_id)
    if contact is None:
        return Consequence(outcome="unknown_message")
    contacts.heard(session, contact, news.heard, at)
    outcome = f"call_{news.heard}"
    if news.heard is Heard.DO_NOT_CALL:
        person = people.get(session, contact.person_ref)
        signals = close_channel(session, person, Channel.CALL, f"{news.provider} keypad", at)
        return Consequence(outcome=outcome, signals=signals, person_ref=contact.person_ref)
    loan = loans.by_ref(session, contact.loan_ref)
    wish = _WISHES.get(news.heard)
    if wish is None or contact.entry != loan.entry:
        return Consequence(outcome=outcome, person_ref=contact.person_ref)
    payload: dict[str, JsonValue] = {"step": contact.step, "occurrence": contact.occurrence, "wish": wish.value}
    if news.promised_on is not None:
        payload["promised_on"] = news.promised_on.isoformat()
    asked = OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=SignalName.CALL_CHOICE, payload=payload)
    return Consequence(outcome=outcome, signals=(asked,), person_ref=contact.person_ref)


def _call_ended(session: Session, news: CallEnded, at: datetime) -> Consequence:
    """Charge the call. One that did not reach the right person did not arrive: the step goes on by other channels."""
    contact = contacts.by_message(session, news.provider, news.provider_message_id)
    if contact is None and news.message_id is not None:
        contact = contacts.by_own_id(session, news.message_id)
    if contact is None:
        return Consequence(outcome="unknown_message")
    person = people.get(session, contact.person_ref)
    contacts.charge(session, contact, costs_in_force().call(person.country, news.seconds))
    if contact.outcome is not None and Heard(contact.outcome).with_the_right_person:
        return Consequence(outcome="call_answered", person_ref=contact.person_ref)
    word = contact.outcome or (_HUNG_UP if news.end is CallEnd.COMPLETED else news.end.value.replace("-", "_"))
    failed = DeliveryNews(
        message_id=contact.message_id,
        provider=news.provider,
        provider_message_id=news.provider_message_id,
        state=DeliveryState.FAILED,
        error_code=word,
        reaction=news.reaction,
    )
    return _failed_delivery(session, contact, failed, at).model_copy(
        update={"outcome": f"call_{word}", "person_ref": contact.person_ref}
    )


_HUNG_UP = "hung_up"
"""Answered by somebody who did not say who they are."""


def _why(dead: bool, reaction: Reaction | None) -> AddressFailure:
    if dead:
        return AddressFailure.DEAD
    passes = reaction is not None and (reaction.what_next is WhatNext.RETRY or reaction.needs_template)
    return AddressFailure.TRY_AGAIN if passes else AddressFailure.UNDELIVERED


def _number_or_template(
    session: Session, contact: Contact, person: Person, news: DeliveryNews, reaction: Reaction, at: datetime
) -> None:
    """What a failed message says of the number it came from and the template it went out as."""
    why = f"{news.provider} {news.error_code}"
    details: dict[str, JsonValue] = {"why": why}
    if reaction.rest_sender is not None and contact.sender is not None:
        until = at + reaction.rest_sender
        if platforms.rest_sender(session, news.provider, contact.sender, until=until, reason=why, at=at):
            _note(session, at, news.provider, "sender_rested", None, None, {**details, "sender": contact.sender})
    if reaction.stops_template and contact.approved_as is not None:
        language, _, name = contact.approved_as.partition(":")
        status = TemplateStatus.DISABLED if news.error_code == "132016" else TemplateStatus.PAUSED
        platforms.template_changed(session, news.provider, name, language, status=status, reason=why, at=at)
        _note(session, at, news.provider, "template_stopped", None, None, {**details, "name": name})
    if reaction.stops_marketing:
        people.raise_flag(session, person, NO_MARKETING, source=news.provider, at=at)


def _advance(session: Session, contact: Contact, state: ContactState, news: DeliveryNews, at: datetime) -> bool:
    return contacts.advance(
        session,
        contact,
        state,
        at=at,
        provider=news.provider,
        provider_message_id=news.provider_message_id,
        error_code=news.error_code,
    )


def _inbound(session: Session, news: InboundNews, at: datetime, reader: MessageReader) -> Consequence:
    senders = people.by_phone(session, news.sender_address)
    for spelling in news.other_spellings:
        senders = senders or people.by_phone(session, spelling)
    if not senders:
        _note(session, at, news.provider, "message_from_unknown_sender", None, None, {"channel": news.channel})
        return Consequence(outcome="unknown_sender")
    if isinstance(news, MediaNews):
        _file(session, news, senders, at)
    if not news.text:
        # No word to read: a reaction, a place, a file without a caption.
        for person in senders:
            contacts.add_inbound(session, person, news.channel, at)
        if not isinstance(news, MediaNews):
            details: dict[str, JsonValue] = {"kind": f"message:{news.kind}", "reference": news.provider_message_id}
            _note(session, at, news.provider, "webhook_needs_person", senders[0].lender, None, details)
        return Consequence(outcome=f"message_{news.kind}"[:80], person_ref=senders[0].id)
    reading = news.carrier_reading
    if reading not in (OptOutReading.OPT_OUT, OptOutReading.OPT_IN):
        reading = read_opt_out(news.text, senders[0].language)
    signals: list[OwedSignal] = []
    for person in senders:
        contacts.add_inbound(session, person, news.channel, at)
        message, loan = hear(session, person, news, at, reader)
        stranger = says_wrong_person(news.text) or says(message, Intent.WRONG_PERSON)
        if stranger:
            signals += _close_wrong_address(session, person, news, at)
        plain = reading is OptOutReading.NOT_ABOUT_THIS and not stranger
        stops = plain and wants_to_stop(message, news.text)
        if loan is not None and (must_be_seen(message, stranger=stranger) or (plain and not stops)):
            signals += signals_for(session, person, message, loan, news.text, reader)
        if stops:
            signals += close_channel(session, person, news.channel, f"{news.provider} message", at)
        if reading in (OptOutReading.OPT_OUT, OptOutReading.UNCLEAR):
            # What is not clear is taken as a wish to stop until a person has read it.
            source = "message" if reading is OptOutReading.OPT_OUT else "unclear message"
            signals += close_channel(session, person, news.channel, f"{news.provider} {source}", at)
        elif reading is OptOutReading.OPT_IN and people.opt_in(session, person, news.channel, at=at):
            _note(session, at, news.provider, "opt_in", person.lender, None, {"channel": news.channel})
    outcome = "message_wrong_person" if says_wrong_person(news.text) else f"message_{reading}"
    return Consequence(outcome=outcome, signals=tuple(signals), person_ref=senders[0].id)


def _file(session: Session, news: MediaNews, senders: Sequence[Person], at: datetime) -> None:
    """A file is noted with the loan it is about, and fetched soon after."""
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
        _note(session, at, news.provider, "file_received", person.lender, loan_id, details)


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
        _note(session, at, "recipient", "address_closed", loan.lender, loan.loan_id, details)
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


def _complained(session: Session, news: Complained, at: datetime) -> Consequence:
    """Whoever says that our mail is unwanted, to their own program, gets no more of it about any loan."""
    contact = contacts.by_message(session, news.provider, news.provider_message_id)
    if contact is None and news.message_id is not None:
        contact = contacts.by_own_id(session, news.message_id)
    if contact is None:
        return Consequence(outcome="unknown_message")
    person = people.get(session, contact.person_ref)
    signals = close_channel(session, person, contact.channel, f"{news.provider} {news.kind}", at)
    return Consequence(outcome="complaint", signals=signals, person_ref=contact.person_ref)


def close_channel(
    session: Session, person: Person, channel: Channel, source: str, at: datetime
) -> tuple[OwedSignal, ...]:
    """No more by this channel about any loan of the person; the signals that are owed for it."""
    people.lock(session, person)
    owed = [loan for loan in people.loans_of(session, person) if loan.state is not LoanState.ENDED]
    if people.opt_out(session, person, channel, source=source, at=at):
        named: list[str | None] = [loan.loan_id for loan in owed]
        for loan_id in named or [None]:
            details: dict[str, JsonValue] = {"channel": channel, "source": source}
            _note(session, at, "borrower", "opt_out", person.lender, loan_id, details)
    return tuple(
        OwedSignal(
            lender=loan.lender,
            loan_id=loan.loan_id,
            name=SignalName.OPT_OUT,
            payload={"channel": channel.value},
        )
        for loan in owed
    )


def _ignored(session: Session, news: Ignored, at: datetime) -> Consequence:
    if news.needs_person:
        details: dict[str, JsonValue] = {"kind": news.kind}
        if news.reference is not None:
            details["reference"] = news.reference
        _note(session, at, "webhook", "webhook_needs_person", None, None, details)
    return Consequence(outcome=f"ignored {news.kind}"[:80])


def _note(
    session: Session,
    at: datetime,
    actor: str,
    action: str,
    lender: str | None,
    loan_id: str | None,
    details: dict[str, JsonValue],
) -> None:
    audit.append(session, at=at, actor=actor, action=action, lender=lender, loan_id=loan_id, details=dict(details))
