"""Reaching the borrower once: decide, take the contact's place, write, send, and know what became of it.

At most once: the place is taken before the message leaves, and a message whose fate is unknown is looked
up at the carrier, never sent again blindly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from temporalio import activity

from activities.balances import BalanceReader, ConsentOver
from activities.capabilities import Contacts
from activities.clock import ask_again, task_time, try_again_in
from activities.contact_slots import ContactSlots, NoChannel, NotWanted, NotYet, Slot
from activities.links import LinkIssuer
from activities.message_writing import message_context, write_message
from activities.orders import ContactOrder
from activities.provider_waits import call_again
from config.message_context import RenderedMessage
from config.settings import Settings
from config.templates import TemplateError
from domain.contact import Channel
from domain.events import ContactOutcome, ContactReported
from domain.planning import REREAD_AFTER
from domain.what_next import Effect, WhatNext
from providers.errors import ProviderError
from providers.ports import Messenger, OutgoingMessage, Sent
from records import contacts, loans, people
from records.database import Database
from records.tables import Contact, ContactState

LOOK_UP_SLACK = timedelta(minutes=5)


@dataclass(frozen=True)
class _Ready:
    """A place that is taken, and the message that fills it."""

    contact_id: int
    message: OutgoingMessage


class _Next(Enum):
    """Why another channel must be tried: this message cannot go by it, or it is closed for good."""

    MESSAGE_REFUSED = auto()
    CHANNEL_CLOSED = auto()


class ContactSender(Contacts):
    def __init__(
        self,
        database: Database,
        slots: ContactSlots,
        messengers: Mapping[Channel, Messenger],
        links: LinkIssuer,
        balances: BalanceReader,
        settings: Settings,
    ) -> None:
        self._database = database
        self._slots = slots
        self._messengers = messengers
        self._links = links
        self._balances = balances
        self._settings = settings

    @activity.defn(name="contact")
    async def contact(self, order: ContactOrder) -> ContactReported:
        """Send the message at the next lawful slot, by the first channel that works.

        Waiting for the slot is asking to be tried again at it: that leaves nothing in the history.
        """
        now = task_time()
        earlier = await asyncio.to_thread(self._earlier, order)
        if earlier is not None and (settled := await self._settle(order, earlier, now)) is not None:
            return settled
        failed: dict[Channel, _Next] = {}
        while True:
            open_order = order.model_copy(update={"channels": tuple(c for c in order.channels if c not in failed)})
            answer = await asyncio.to_thread(self._look, open_order, now)
            if not isinstance(answer, Slot):
                closed = tuple(c for c, why in failed.items() if why is _Next.CHANNEL_CLOSED)
                return self._without_slot(order, answer, closed, now)
            if self._balance_is_old(order, now) and not await self._funds_still_there(order, now):
                return self._report(order, ContactOutcome.FUNDS_GONE)
            link_url, link_ref = await self._link(order, now)
            ready = await asyncio.to_thread(self._take, open_order, answer, link_url, link_ref, now)
            if ready is None:
                continue
            outcome = await self._send(order, ready, now)
            if isinstance(outcome, ContactReported):
                return outcome
            failed[answer.channel] = outcome

    # Before it is sent

    def _look(self, order: ContactOrder, now: datetime) -> Slot | NotYet | NoChannel | NotWanted:
        """Ask the rules and keep their answers; take nothing yet."""
        with self._database.writing() as session:
            loan, person = contacts.lock_person(session, order.lender, order.loan_id)
            return self._slots.find(session, loan, person, order, now, keep=True)

    def _without_slot(
        self, order: ContactOrder, answer: NotYet | NoChannel | NotWanted, closed: tuple[Channel, ...], now: datetime
    ) -> ContactReported:
        match answer:
            case NotYet():
                until = answer.until
                if order.give_up_at is not None and until >= order.give_up_at:
                    if now >= order.give_up_at:
                        return self._report(order, ContactOutcome.NOT_WANTED)
                    until = order.give_up_at
                raise ask_again(until, f"not before {answer.until:%a %d %b %H:%M} UTC: {answer.why}", "NotYet")
            case NoChannel():
                return self._report(
                    order, ContactOutcome.UNREACHABLE, closed=closed, refused=answer.refused, ceased=answer.ceased
                )
            case NotWanted():
                return self._report(order, ContactOutcome.NOT_WANTED)

    def _balance_is_old(self, order: ContactOrder, now: datetime) -> bool:
        return order.balance_read_at is not None and now - order.balance_read_at > REREAD_AFTER

    async def _funds_still_there(self, order: ContactOrder, now: datetime) -> bool:
        assert order.threshold is not None
        try:
            return await self._balances.funds_are_there(order.lender, order.loan_id, order.threshold, now)
        except ConsentOver:
            return False
        except ProviderError as error:
            raise call_again(error, now, activity.info().attempt) from None

    async def _link(self, order: ContactOrder, now: datetime) -> tuple[str | None, int | None]:
        if not order.with_link:
            return None, None
        try:
            link = await self._links.link_for_balance(order.lender, order.loan_id, now)
        except ProviderError as error:
            raise call_again(error, now, activity.info().attempt) from None
        return link.url, link.id

    def _take(
        self, order: ContactOrder, slot: Slot, link_url: str | None, link_ref: int | None, now: datetime
    ) -> _Ready | None:
        """Decide again and take the place, in one transaction of the person; None when the answer changed."""
        with self._database.writing() as session:
            loan, person = contacts.lock_person(session, order.lender, order.loan_id)
            if self._slots.find(session, loan, person, order, now, keep=False) != slot:
                return None
            lender = self._settings.lender_named(order.lender)
            context = message_context(session, loan, person, lender, slot.channel, now, link_url)
            try:
                text = write_message(order.template, slot.channel, person.language, context)
            except TemplateError as error:
                raise try_again_in(timedelta(hours=1), f"template: {error}", "Template") from None
            contact = self._slots.take(session, loan, person, order, slot, now)
            contact.link_ref, contact.text = link_ref, text.text
            session.add(contact)
            session.flush()
            assert contact.id is not None
            return _Ready(contact.id, self._message(order, contact, text, now))

    def _message(self, order: ContactOrder, contact: Contact, text: RenderedMessage, now: datetime) -> OutgoingMessage:
        assert contact.address is not None
        return OutgoingMessage(
            message_id=contact.message_id,
            channel=contact.channel,
            to=contact.address,
            subject=text.subject,
            text=text.text,
            html=text.html,
            valid_until=contact.valid_until,
            loan_id=order.loan_id,
            lender=order.lender,
            at=now,
        )

    # Sending

    async def _send(self, order: ContactOrder, ready: _Ready, now: datetime) -> ContactReported | _Next:
        messenger = self._messengers.get(ready.message.channel)
        if messenger is None:
            await asyncio.to_thread(self._failed, ready, "not_configured", now)
            return _Next.MESSAGE_REFUSED
        try:
            sent = await messenger.send(ready.message)
        except ProviderError as error:
            return await self._after_error(order, ready, messenger, error, now)
        return await self._sent(order, ready, sent, now)

    async def _after_error(
        self, order: ContactOrder, ready: _Ready, messenger: Messenger, error: ProviderError, now: datetime
    ) -> ContactReported | _Next:
        if error.effect is Effect.UNKNOWN:
            if not messenger.can_look_up:
                return await self._unknown(order, ready, error, now)
            # The place stays taken: the next attempt looks the message up before anything else.
            raise call_again(error, now, activity.info().attempt) from None
        if error.opted_out or error.address_is_dead or error.reaction.try_other_channel:
            await asyncio.to_thread(self._closed, ready, error, now)
            return _Next.CHANNEL_CLOSED if error.opted_out or error.address_is_dead else _Next.MESSAGE_REFUSED
        if error.what_next is WhatNext.TERMINAL:
            await asyncio.to_thread(self._failed, ready, error.code, now)
            return _Next.MESSAGE_REFUSED
        await asyncio.to_thread(self._given_back, ready, error.code, now)
        raise call_again(error, now, activity.info().attempt) from None

    async def _settle(
        self, order: ContactOrder, earlier: _Ready | ContactState, now: datetime
    ) -> ContactReported | None:
        """What became of an earlier attempt at this contact; None when it may be sent (again)."""
        if isinstance(earlier, ContactState):
            return self._report(order, ContactOutcome.SENT) if _left_us(earlier) else None
        messenger = self._messengers.get(earlier.message.channel)
        if messenger is None or not messenger.can_look_up:
            return await self._unknown(order, earlier, None, now)
        try:
            found = await messenger.look_up(earlier.message, earlier.message.at - LOOK_UP_SLACK, now)
        except ProviderError as error:
            raise call_again(error, now, activity.info().attempt) from None
        if found is not None:
            return await self._sent(order, earlier, found, now)
        await asyncio.to_thread(self._given_back, earlier, "never_arrived", now)
        return None

    def _earlier(self, order: ContactOrder) -> _Ready | ContactState | None:
        """An attempt that was begun: its state, or what is needed to look it up when its fate is open."""
        with self._database.reading() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            contact = contacts.find(session, loan, order.step, order.occurrence)
            if contact is None:
                return None
            if contact.state is not ContactState.SENDING:
                return contact.state
            assert contact.id is not None
            begun = contact.reserved_at
            return _Ready(
                contact.id,
                self._message(order, contact, RenderedMessage(subject=None, text=contact.text or "", html=None), begun),
            )

    # What became of it

    async def _sent(self, order: ContactOrder, ready: _Ready, sent: Sent, now: datetime) -> ContactReported:
        def write() -> None:
            with self._database.writing() as session:
                contact = contacts.get(session, ready.contact_id)
                contacts.advance(
                    session,
                    contact,
                    ContactState.SENT,
                    at=now,
                    provider=sent.provider,
                    provider_message_id=sent.provider_message_id,
                )

        await asyncio.to_thread(write)
        return self._report(order, ContactOutcome.SENT, channel=ready.message.channel)

    async def _unknown(
        self, order: ContactOrder, ready: _Ready, error: ProviderError | None, now: datetime
    ) -> ContactReported:
        """It may have arrived and nobody can be asked: it counts as sent and is never sent again."""
        code = error.code if error else "interrupted"
        await asyncio.to_thread(self._advance, ready, ContactState.UNKNOWN, code, now)
        return self._report(order, ContactOutcome.SENT, channel=ready.message.channel)

    def _closed(self, ready: _Ready, error: ProviderError, now: datetime) -> None:
        with self._database.writing() as session:
            contact = contacts.get(session, ready.contact_id)
            person = people.of_loan(session, contacts.loan_of(session, contact))
            if error.opted_out:
                people.opt_out(session, person, contact.channel, source=error.provider, at=now)
            if error.address_is_dead and contact.address is not None:
                people.close_address(session, person, contact.channel, contact.address, reason=error.code, at=now)
            contacts.give_back(session, contact)
            contacts.advance(session, contact, ContactState.FAILED, at=now, error_code=error.code)

    def _failed(self, ready: _Ready, code: str, now: datetime) -> None:
        self._advance(ready, ContactState.FAILED, code, now, give_back=True)

    def _given_back(self, ready: _Ready, code: str, now: datetime) -> None:
        self._advance(ready, ContactState.DROPPED, code, now, give_back=True)

    def _advance(
        self, ready: _Ready, state: ContactState, code: str, now: datetime, *, give_back: bool = False
    ) -> None:
        with self._database.writing() as session:
            contact = contacts.get(session, ready.contact_id)
            if give_back:
                contacts.give_back(session, contact)
            contacts.advance(session, contact, state, at=now, error_code=code[:80])

    def _report(
        self,
        order: ContactOrder,
        outcome: ContactOutcome,
        *,
        channel: Channel | None = None,
        closed: tuple[Channel, ...] = (),
        refused: tuple[str, ...] = (),
        ceased: bool = False,
    ) -> ContactReported:
        if outcome is ContactOutcome.SENT and channel is None:
            channel = self._channel_of(order)
        return ContactReported(
            step=order.step,
            occurrence=order.occurrence,
            outcome=outcome,
            channel=channel,
            closed=closed,
            refused=refused,
            ceased=ceased,
        )

    def _channel_of(self, order: ContactOrder) -> Channel | None:
        with self._database.reading() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            contact = contacts.find(session, loan, order.step, order.occurrence)
            return contact.channel if contact else None


def _left_us(state: ContactState) -> bool:
    """Whether a contact in this state was sent, as far as anyone can know."""
    return state not in (ContactState.RESERVED, ContactState.DROPPED, ContactState.FAILED)
