"""News of what was sent: how far a message came, why it failed, how a call went."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue
from sqlmodel import Session

from config.costs import costs_in_force
from domain.call_flow import CallEnd, Heard
from domain.closed_by_stop import closed_by_stop
from domain.contact import Channel, ContactEventKind
from domain.contact_rules import NO_WHATSAPP_MARKETING
from domain.events.borrower import CallWish
from domain.events.contacts import AddressFailure
from domain.message_names import of_whatsapp
from domain.platform_rules import TemplateStatus
from domain.webhook_news import (
    CallEnded,
    CallHeard,
    DeliveryNews,
    DeliveryState,
)
from domain.what_next import Reaction, WhatNext
from records import contact_ledger, contacts, loans, people, platforms
from records.tables import Contact, ContactState, Person
from web.consequence import Consequence, about, note
from web.inbound_news import close_channel
from web.ports import OwedSignal, SignalName

_REACHED = {
    DeliveryState.SENT: ContactState.SENT,
    DeliveryState.DELIVERED: ContactState.DELIVERED,
    DeliveryState.READ: ContactState.READ,
}


_SEEN = {DeliveryState.DELIVERED: ContactEventKind.DELIVERED, DeliveryState.READ: ContactEventKind.READ}


_WISHES = {Heard.PAY_NOW: CallWish.PAY_NOW, Heard.PROMISE: CallWish.PROMISE, Heard.PERSON: CallWish.PERSON}


_HUNG_UP = "hung_up"
"""Answered by somebody who did not say who they are."""


def record_delivery(session: Session, news: DeliveryNews, at: datetime) -> Consequence:
    contact = _contact_of(session, news)
    if contact is None:
        return Consequence(outcome="unknown_message")
    if news.state is DeliveryState.FAILED:
        failed = _failed_delivery(session, contact, news, at)
        return failed.model_copy(update={"person_refs": about(contact.person_ref)})
    reached = _REACHED.get(news.state)
    if reached is None:
        return Consequence(outcome=f"message_{news.state}", person_refs=about(contact.person_ref))
    _advance(session, contact, reached, news, at)
    if news.state in _SEEN:
        contact_ledger.add_event(session, contact, _SEEN[news.state], at)
    return Consequence(outcome=f"message_{news.state}", person_refs=about(contact.person_ref))


def _contact_of(session: Session, news: DeliveryNews) -> Contact | None:
    contact = contacts.by_message(session, news.provider, news.provider_message_id)
    if contact is None and news.message_id is not None:
        # The report can be faster than the answer to the call that sent the message, or the answer was lost.
        contact = contacts.by_own_id(session, news.message_id)
        held = contact.provider_message_id if contact is not None else None
        # A worker of an earlier build keeps Meta's own id.
        if held is not None and news.provider_message_id not in (held, of_whatsapp(held)):
            return None  # one that was taken again since: the news is of the earlier attempt
    return contact


def _failed_delivery(session: Session, contact: Contact, news: DeliveryNews, at: datetime) -> Consequence:
    delivered = contact.state is ContactState.DELIVERED
    late = not _advance(session, contact, ContactState.UNDELIVERED, news, at)
    if late and not delivered:
        return Consequence(outcome="message_failed_late")
    loan = loans.by_ref(session, contact.loan_ref)
    person = people.get(session, contact.person_ref)
    if news.reaction is not None:
        _number_or_template(session, contact, person, news, news.reaction, at)
    if news.reaction is not None and news.reaction.opted_out:
        signals = close_channel(session, person, contact.channel, f"{news.provider} {news.error_code}", at)
        return Consequence(outcome="opt_out", signals=signals)
    dead = news.reaction is not None and news.reaction.address_is_dead and not _wrote_since(session, person, contact)
    if dead and contact.address is not None:
        reason = f"{news.provider} {news.error_code}"
        if people.close_address(session, person, contact.channel, contact.address, reason=reason, at=at):
            details: dict[str, JsonValue] = {"channel": contact.channel, "reason": reason}
            note(session, at, news.provider, "address_closed", loan.lender, loan.loan_id, details)
    if late:
        # A mailbox may refuse what its server took hours before: that is true of the address, and the step is done.
        return Consequence(outcome="message_failed_late")
    if contact.entry != loan.entry:
        return Consequence(outcome="message_failed")
    # The person has another address since: the message may go there.
    moved = dead and contact.address != people.known_address(person, contact.channel)
    payload: dict[str, JsonValue] = {
        "step": contact.step,
        "occurrence": contact.occurrence,
        "channel": contact.channel.value,
        "reason": (AddressFailure.TRY_AGAIN if moved else _why(dead, news.reaction)).value,
    }
    if dead and not moved and contact.address is not None:
        # By the same moment the loan and the records know whether a message opens the address again.
        closed = people.closed_since(session, person, contact.channel, contact.address)
        payload |= {"at": closed.isoformat()} if closed is not None else {}
    failed = OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=SignalName.CONTACT_FAILED, payload=payload)
    return Consequence(outcome="message_failed", signals=(failed,))


def record_call_heard(session: Session, news: CallHeard, at: datetime) -> Consequence:
    """A conversation counts for the rules from the moment the right person was known."""
    contact = contacts.by_own_id(session, news.message_id)
    if contact is None:
        return Consequence(outcome="unknown_message")
    contacts.heard(session, contact, news.heard, at)
    outcome = f"call_{news.heard}"
    if news.heard is Heard.DO_NOT_CALL:
        person = people.get(session, contact.person_ref)
        source = f"{news.provider} keypad"
        closed = closed_by_stop(Channel.CALL, person.country)
        signals = tuple(told for channel in closed for told in close_channel(session, person, channel, source, at))
        return Consequence(outcome=outcome, signals=signals, person_refs=about(contact.person_ref))
    loan = loans.by_ref(session, contact.loan_ref)
    wish = _WISHES.get(news.heard)
    if wish is None or contact.entry != loan.entry:
        return Consequence(outcome=outcome, person_refs=about(contact.person_ref))
    payload: dict[str, JsonValue] = {"step": contact.step, "occurrence": contact.occurrence, "wish": wish.value}
    if news.promised_on is not None:
        payload["promised_on"] = news.promised_on.isoformat()
    asked = OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=SignalName.CALL_CHOICE, payload=payload)
    return Consequence(outcome=outcome, signals=(asked,), person_refs=about(contact.person_ref))


def record_call_ended(session: Session, news: CallEnded, at: datetime) -> Consequence:
    """Charge the call. One that did not reach the right person did not arrive: the step goes on by other channels."""
    contact = contacts.by_message(session, news.provider, news.provider_message_id)
    if contact is None and news.message_id is not None:
        contact = contacts.by_own_id(session, news.message_id)
    if contact is None:
        return Consequence(outcome="unknown_message")
    person = people.get(session, contact.person_ref)
    contacts.charge(session, contact, costs_in_force().call(person.country, news.seconds))
    if contact.outcome is not None and Heard(contact.outcome).with_the_right_person:
        return Consequence(outcome="call_answered", person_refs=about(contact.person_ref))
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
        update={"outcome": f"call_{word}", "person_refs": about(contact.person_ref)}
    )


def _wrote_since(session: Session, person: Person, contact: Contact) -> bool:
    """Whoever writes from an address has it, though word of an earlier message that failed comes after theirs."""
    theirs = contact.address == people.known_address(person, contact.channel)
    return theirs and people.wrote_since(session, person, contact.channel, contact.reserved_at)


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
            note(session, at, news.provider, "sender_rested", None, None, {**details, "sender": contact.sender})
    if reaction.stops_template and contact.approved_as is not None:
        language, _, name = contact.approved_as.partition(":")
        status = TemplateStatus.DISABLED if news.error_code == "132016" else TemplateStatus.PAUSED
        platforms.template_changed(session, news.provider, name, language, status=status, reason=why, at=at)
        note(session, at, news.provider, "template_stopped", None, None, {**details, "name": name})
    if reaction.stops_marketing:
        people.raise_flag(session, person, NO_WHATSAPP_MARKETING, source=news.provider, at=at)


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
