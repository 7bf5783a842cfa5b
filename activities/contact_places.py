"""A contact's place in the records: taken before the message leaves, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlmodel import Session

from activities.clock import try_again_in
from activities.contact_clock import ContactClock
from activities.contact_costs import ContactCosts
from activities.contact_messages import ContactMessages, Unwritable
from activities.contact_slots import ContactSlots, NoChannel, NotWanted, NotYet, Slot
from activities.counting import count
from activities.link_pictures import with_qr_code
from activities.orders import ContactOrder
from activities.receipts import NO_FILES, NOTHING, Enclosed, Files, Receipts
from config.message_context import RenderedMessage
from config.metric_catalogue import CONTACTS
from config.settings import Settings
from domain.consent_renewal import NOT_USED, TAKEN_BACK
from domain.contact import Channel, ContactEventKind, Purpose
from domain.contact_orders import PART_RECEIPT, RECEIPT
from domain.contact_rules import NO_WHATSAPP_MARKETING
from domain.payable import payable
from domain.platform_rules import TemplateStatus
from providers.errors import ProviderError
from providers.ports import OutgoingMessage, Sent
from records import (
    audit,
    consents,
    contact_ledger,
    contacts,
    loans,
    owed_signals,
    payments,
    people,
    platforms,
    threads,
    webhooks,
)
from records.database import Database
from records.tables import ContactState, Loan, PaymentLink, Person

_FREE = frozenset({ContactState.RESERVED, ContactState.DROPPED, ContactState.FAILED})
"""States of a contact that surely has not left us."""
TOLD_WITHIN = timedelta(seconds=5)
TELLS_OF_READING = frozenset({Channel.WHATSAPP, Channel.EMAIL})


@dataclass(frozen=True)
class Ready:
    """A place that is taken, and the message that fills it."""

    contact_id: int
    message: OutgoingMessage


class Changed(Enum):
    """What was found before no longer holds: look again."""

    CHANGED = auto()


@dataclass(frozen=True)
class NewsWaits:
    """A webhook came in that nobody has read yet: it may be a payment, or a stop. `newest`: the id of the last one."""

    newest: int


class ContactPlaces:
    """Every transaction of a contact; each is short, because others of the person wait for it."""

    def __init__(self, database: Database, slots: ContactSlots, settings: Settings, receipts: Receipts) -> None:
        self._database = database
        self._receipts = receipts
        self._slots = slots
        self._settings = settings
        self._costs = ContactCosts(settings)
        self._messages = ContactMessages(settings)

    def look(self, order: ContactOrder, now: datetime) -> Slot | NotYet | NoChannel | NotWanted:
        """What the rules say now; holds nobody up and keeps nothing."""
        with self._database.reading() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            return self._decide(session, loan, people.of_loan(session, loan), order, now, keep=False)

    def refused(self, order: ContactOrder, now: datetime) -> NotYet | NoChannel | NotWanted | Changed:
        """Keep the decisions that stand in the way."""
        with self._database.writing() as session:
            loan, person = contacts.lock_person(session, order.lender, order.loan_id)
            answer = self._decide(session, loan, person, order, now, keep=True)
            return Changed.CHANGED if isinstance(answer, Slot) else answer

    def take(
        self,
        order: ContactOrder,
        expected: Slot | None,
        link: PaymentLink | None,
        clock: ContactClock,
        enclosed: Enclosed = NOTHING,
        *,
        files: Files = NO_FILES,
        as_template: bool = False,
        heard: int | None = None,
        papers_at: datetime | None = None,
    ) -> Ready | NotYet | NoChannel | NotWanted | Changed | NewsWaits:
        """Decide, keep the decisions and take the place, in one transaction of the person.

        What `clock` says once it is this caller's turn is the moment of the contact; `papers_at`, if another, the one
        that `files` were typeset for.

        A demand goes only when all news that came in is in the records, or all up to the webhook `heard`: so it
        waits for what was there when it was going to be sent, and not for ever where news never ends. Nor does it go
        while the loan has still to hear of what its borrower wrote: words may be distress, or a dispute.

        `expected` None takes any slot. `as_template`: on WhatsApp only an approved template may go. `link` must be
        over what is due at this very moment. `enclosed` goes with it. Durable: what was sent is known after a power
        cut too. Raises Unwritable, and NotTypeset where a receipt's e-mail takes along what `files`
        has not; then nothing was taken.
        """
        try:
            with self._database.writing(durable=True) as session:
                loan, person = contacts.lock_person(session, order.lender, order.loan_id)
                now = clock.now()
                taken = contacts.find(session, loan, order.step, order.occurrence, entry=order.of_entry)
                if taken is not None and taken.state not in _FREE:
                    # Another attempt was quicker, or the carrier told of a message it did not seem to know.
                    why = "an attempt before this one has the place; what became of it is looked up"
                    raise try_again_in(timedelta(seconds=2), why, "Taken")
                if order.purpose is Purpose.COLLECTION or order.words is not None:
                    waiting = webhooks.unheard(session)
                    if waiting is not None and (heard is None or waiting.oldest <= heard):
                        return NewsWaits(waiting.newest)
                    if owed_signals.words_untold(session, loan):
                        return NotYet(now + TOLD_WITHIN, "the loan has still to hear of what the borrower wrote")
                answer = self._decide(session, loan, person, order, now, keep=True)
                if not isinstance(answer, Slot):
                    return answer
                if expected is not None and answer != expected:
                    return Changed.CHANGED
                if order.words is not None and not self._slots.answers(session, person, answer.channel, now):
                    # Nothing of the borrower waits for it: it is held and counted as what we begin ourselves.
                    order = order.model_copy(update={"purpose": Purpose.COLLECTION})
                if link is not None and link.amount_minor != _payable(
                    order, payments.balance_due(session, loan), loan.currency
                ):
                    return Changed.CHANGED
                if order.step in (RECEIPT, PART_RECEIPT):
                    enclosed = self._receipts.enclosed(
                        session, loan, person, order, answer.channel, files, papers_at or now
                    )
                approved = self._messages.approved(
                    session, loan, person, order, answer.channel, now, as_template, enclosed.address
                )
                text = self._messages.written(
                    session, loan, person, order, answer.channel, link, now, enclosed, approved
                )
                link_ref = link.id if link else None
                written = text.message.text
                contact = self._slots.take(session, loan, person, order, answer, now, text=written, link_ref=link_ref)
                contact.approved_as = None if approved is None else f"{approved.ours.language}:{approved.ours.name}"
                if answer.channel is Channel.SMS and (twilio := self._settings.twilio) is not None:
                    contact.segments = self._costs.segments(text.message.text, twilio, person.country)
                    contact.sender = twilio.sender_for(person.country)
                session.add(contact)
                assert contact.id is not None
                message = self._messages.outgoing(order, contact, person, text.message, now, enclosed)
                if contact.channel is Channel.EMAIL and (order.purpose is Purpose.REPLY or order.words is not None):
                    message = message.model_copy(update={"answers": threads.mails_answered(session, contact)})
                if link is not None:
                    message = with_qr_code(message, link.url)
                return Ready(contact.id, message.model_copy(update={"approved": text.approved}))
        except Unwritable as why:
            self._note_unwritable(order, str(why), clock.now())
            raise

    def earlier(self, order: ContactOrder) -> Ready | ContactState | NotWanted | None:
        """An attempt that was begun: its state, or what is needed to look it up when its fate is open.

        NotWanted where none has left us and the order's hand-over is over. Raises loans.UnknownLoan.
        """
        with self._database.reading() as session:
            found = self._of_order(session, order)
            contact = found.contact
            if (contact is None or contact.state in _FREE) and found.current_entry != order.of_entry:
                return NotWanted()
            if contact is None or contact.state is not ContactState.SENDING:
                return contact.state if contact else None
            assert contact.id is not None
            text = RenderedMessage(subject=None, text=contact.text or "", html=None)
            person = people.get(session, contact.person_ref)
            return Ready(contact.id, self._messages.outgoing(order, contact, person, text, contact.reserved_at))

    def channel_used(self, order: ContactOrder) -> Channel | None:
        with self._database.reading() as session:
            contact = self._of_order(session, order).contact
            return contact.channel if contact else None

    def was_read(self, order: ContactOrder) -> bool:
        """Whether the earlier contact that this one repeats is known to have been read, or was answered since.

        Where a channel never tells of reading, that it arrived has to do.
        """
        assert order.unless_read is not None
        with self._database.reading() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            earlier = contacts.find(session, loan, order.step, order.unless_read, entry=order.of_entry)
            if earlier is None:
                return False
            if earlier.state is ContactState.READ:
                return True
            if earlier.state is ContactState.DELIVERED and earlier.channel not in TELLS_OF_READING:
                return True
            since = earlier.sent_at or earlier.reserved_at
            events = contact_ledger.person_events(session, people.of_loan(session, loan), since)
            return any(event.kind is ContactEventKind.INBOUND for event in events)

    def dead_channels(self, order: ContactOrder) -> dict[Channel, datetime]:
        """The order's channels whose address proved dead, in this attempt or before, and when."""
        with self._database.reading() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            person = people.of_loan(session, loan)
            return people.dead_channels(session, person, order.channels)

    def sent(self, order: ContactOrder, ready: Ready, sent: Sent, now: datetime) -> dict[Channel, datetime]:
        """It left us. Gives the order's dead channels, as `dead_channels` does."""
        with self._database.writing() as session:
            _, person = contacts.lock_person(session, order.lender, order.loan_id)
            contact = contacts.get(session, ready.contact_id)
            self._costs.charge(session, contact, person, sent.sheets)
            contacts.advance(
                session,
                contact,
                ContactState.SENT,
                at=now,
                provider=sent.provider,
                provider_message_id=sent.provider_message_id,
            )
            dead = people.dead_channels(session, person, order.channels)
        count(CONTACTS, channel=ready.message.channel, outcome="sent")
        return dead

    def unknown(self, ready: Ready, code: str, now: datetime) -> None:
        """It may have arrived, and nobody can be asked: it counts as charged too."""
        with self._database.writing() as session:
            contact = contacts.get_locked(session, ready.contact_id)
            contacts.advance(session, contact, ContactState.UNKNOWN, at=now, error_code=code[:80])
            self._costs.charge(session, contact, people.get(session, contact.person_ref))
        count(CONTACTS, channel=ready.message.channel, outcome="unknown")

    def began_to_leave(self, order: ContactOrder) -> datetime | None:
        """When the contact that was sent had its place: nobody can have answered it before."""
        with self._database.reading() as session:
            contact = self._of_order(session, order).contact
            return contact.reserved_at if contact else None

    def failed(self, order: ContactOrder, ready: Ready, error: ProviderError, now: datetime) -> None:
        """It cannot go by this channel; nothing was sent."""
        self._advance(ready, ContactState.FAILED, error.code, now, give_back=True)
        with self._database.writing() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            why = f"{_gave_way(order, ready.message.channel)}{error.provider} {error.code}"
            loans.first_time(session, loan, why[:150], now, entry=order.of_entry)
        count(CONTACTS, channel=ready.message.channel, outcome="failed")

    def given_back(self, ready: Ready, code: str, now: datetime) -> None:
        """Nothing was sent; the place may be taken again later."""
        self._advance(ready, ContactState.DROPPED, code, now, give_back=True)
        count(CONTACTS, channel=ready.message.channel, outcome="given_back")

    def gave_way(self, order: ContactOrder) -> dict[Channel, str]:
        """The channels by which an earlier try of this contact found that it cannot go, each with why."""
        with self._database.reading() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            found: dict[Channel, str] = {}
            for channel in order.channels:
                keys = loans.keys_beginning(session, loan, _gave_way(order, channel), entry=order.of_entry)
                if keys:
                    found[channel] = f"{channel}: {keys[0]}"
            return found

    def put_off(self, order: ContactOrder, ready: Ready, now: datetime, *, at_most: int) -> tuple[datetime, int]:
        """When this contact was first put off by its carrier, for a while, on the channel of `ready`, and how often it
        was, now included; no more than `at_most` are counted.
        """
        key = f"put_off:{order.step}:{order.occurrence}:{ready.message.channel}"
        with self._database.writing() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            since, times = loans.first_time(session, loan, key, now, entry=order.of_entry), 1
            if since == now:
                return since, times
            for times in range(2, at_most + 1):
                if loans.once_each(session, loan, [(f"{key}:{times}", now)], entry=order.of_entry)[0]:
                    break
            return since, times

    def closed(self, order: ContactOrder, ready: Ready, error: ProviderError, now: datetime) -> None:
        """The provider says that the address is dead, or that its owner told it to stop: for all their loans."""
        with self._database.writing() as session:
            _, person = contacts.lock_person(session, order.lender, order.loan_id)
            contact = contacts.get(session, ready.contact_id)
            if error.opted_out:
                people.opt_out(session, person, contact.channel, source=error.provider, at=now)
            if error.address_is_dead and contact.address is not None:
                people.close_address(session, person, contact.channel, contact.address, reason=error.code[:80], at=now)
            contacts.give_back(session, contact)
            contacts.advance(session, contact, ContactState.FAILED, at=now, error_code=error.code[:80])
        count(CONTACTS, channel=ready.message.channel, outcome="address_closed")

    def _of_order(self, session: Session, order: ContactOrder) -> contacts.OfStep:
        return contacts.of_step(
            session, order.lender, order.loan_id, order.step, order.occurrence, entry=order.of_entry
        )

    def _decide(
        self, session: Session, loan: Loan, person: Person, order: ContactOrder, at: datetime, *, keep: bool
    ) -> Slot | NotYet | NoChannel | NotWanted:
        """What the rules say, unless the loan was handed over again: then what was ordered before is not true of it,
        not even that it was paid in full.
        """
        if order.of_entry != loan.entry:
            return NotWanted()
        if order.of_no_use:
            return NoChannel((NOT_USED,), ceased=False)
        if order.renews and consents.taken_back(session, person):
            return NoChannel((TAKEN_BACK,), ceased=False)
        return self._slots.find(session, loan, person, order, at, keep=keep)

    def rest_sender(self, order: ContactOrder, ready: Ready, error: ProviderError, now: datetime) -> None:
        """The provider will not take more from this number for now: it rests, and its people move to others."""
        assert error.reaction.rest_sender is not None
        until, sender = now + error.reaction.rest_sender, ready.message.sender
        if sender is None:
            return
        with self._database.writing() as session:
            if platforms.rest_sender(session, error.provider, sender, until=until, reason=str(error), at=now):
                self._note(session, order, "sender_rested", {"sender": sender, "why": str(error)}, error.provider, now)

    def stop_template(self, order: ContactOrder, ready: Ready, error: ProviderError, now: datetime) -> None:
        """The provider will not take this template: it is not used until the list from there says otherwise."""
        template = ready.message.approved
        if template is None:
            return
        told = {"name": template.name, "language": template.language, "why": str(error)}
        with self._database.writing() as session:
            platforms.template_changed(
                session,
                error.provider,
                template.name,
                template.language,
                status=TemplateStatus.DISABLED if error.code == "132016" else TemplateStatus.PAUSED,
                reason=str(error),
                at=now,
            )
            self._note(session, order, "template_stopped", told, error.provider, now)

    def no_marketing(self, order: ContactOrder, error: ProviderError, now: datetime) -> None:
        """The person told the platform that they want no marketing of ours by it."""
        with self._database.writing() as session:
            _, person = contacts.lock_person(session, order.lender, order.loan_id)
            people.raise_flag(session, person, NO_WHATSAPP_MARKETING, source=error.provider, at=now)

    def _note(
        self, session: Session, order: ContactOrder, action: str, told: dict[str, str], actor: str, at: datetime
    ) -> None:
        audit.append(
            session, at=at, actor=actor, action=action, lender=order.lender, loan_id=order.loan_id, details=dict(told)
        )

    def _advance(self, ready: Ready, state: ContactState, code: str, now: datetime, *, give_back: bool = False) -> None:
        with self._database.writing() as session:
            contact = contacts.get_locked(session, ready.contact_id)
            if give_back:
                contacts.give_back(session, contact)
            contacts.advance(session, contact, state, at=now, error_code=code[:80])

    def _note_unwritable(self, order: ContactOrder, why: str, now: datetime) -> None:
        """Once in the audit trail: the Web UI shows only the last of a loan's failures."""
        with self._database.writing() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            if loans.once(session, loan, f"unwritable:{order.step}:{order.occurrence}", now):
                audit.append(
                    session,
                    at=now,
                    actor="contact",
                    action="message_not_written",
                    lender=order.lender,
                    loan_id=order.loan_id,
                    details={"step": order.step, "occurrence": order.occurrence, "why": why},
                )


def _gave_way(order: ContactOrder, channel: Channel) -> str:
    return f"gave_way:{order.step}:{order.occurrence}:{channel}:"


def _payable(order: ContactOrder, due_minor: int, currency: str) -> int:
    asked = due_minor if order.agreed is None else min(due_minor, order.agreed.amount_minor)
    return payable(asked, currency)
