"""The person's transaction: ask the contact rules and take the contact's one place, atomically."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from activities.counting import count
from activities.orders import ContactOrder
from activities.whatsapp_limits import WhatsAppLimits
from config.metric_catalogue import REFUSALS
from domain.agreements.model import DOCUMENT
from domain.contact import Actor, Channel, ContactEvent, ContactRequest, Decision, Purpose, Verdict
from domain.contact_rules import Caps, RuleBook, candidate_zones, decide, unanswered_since
from domain.events.borrower import Circumstance
from records import contact_decisions, contact_ledger, contacts, payments, people
from records.tables import Contact, ContactState, Loan, LoanState, Person

LEDGER_DAYS = timedelta(days=45)
"""How much of a person's ledger the rules may look at; the longest period any rule counts is shorter."""

LONGEST_CALL = timedelta(hours=1)

_CEASE = "cease"
_STOPS = {
    Circumstance.DISPUTE: "dispute",
    Circumstance.HARDSHIP: "hardship",
    Circumstance.VULNERABLE: "vulnerable",
    Circumstance.BEREAVEMENT: "vulnerable",
}
"""What a reported circumstance is to contact law, until somebody has decided: only answers go out."""


@dataclass(frozen=True)
class Slot:
    """The contact may go out now: to `address` by `channel`, until `window_ends` (exclusive)."""

    channel: Channel
    address: str
    window_ends: datetime | None


@dataclass(frozen=True)
class NotYet:
    """Not before `until`; `why` names the rules."""

    until: datetime
    why: str


@dataclass(frozen=True)
class NoChannel:
    """Nothing of the step's channels can ever be used; `refused` are rule ids, `ceased` a stop by the person."""

    refused: tuple[str, ...]
    ceased: bool


@dataclass(frozen=True)
class NotWanted:
    """The records say there is nothing to write about: paid, ended, or handed over again since it was ordered."""


Answer = Slot | NotYet | NoChannel | NotWanted


class ContactSlots:
    def __init__(
        self,
        rules: RuleBook,
        caps: Caps,
        actor_of: Callable[[str], Actor] = lambda lender: Actor.CREDITOR,
        whatsapp: WhatsAppLimits | None = None,
    ) -> None:
        """`actor_of`: as what a lender, by its key, collects; some rules bind only agencies."""
        self._rules = rules
        self.whatsapp = whatsapp or WhatsAppLimits(None)
        self._caps = caps
        self._actor_of = actor_of

    def find(
        self, session: Session, loan: Loan, person: Person, order: ContactOrder, at: datetime, *, keep: bool
    ) -> Answer:
        """The first of the order's channels that the rules allow now. `keep`: write every decision down.

        A preferred channel that is only closed for the moment is waited for; one that is closed for good
        gives way to the next.
        """
        asks = order.purpose is Purpose.COLLECTION or order.with_link
        if asks and (loan.state is LoanState.ENDED or payments.payable_due(session, loan) <= 0):
            return NotWanted()
        refused: list[str] = []
        flags = stops_of(session, person, order.circumstance)
        for channel in order.channels:
            address = people.address(session, person, channel)
            if address is None:
                refused.append(f"no address for {channel}")
                continue
            if channel is Channel.CALL and people.identity(person) is None:
                refused.append("nothing is known by which a call could tell the right person")
                continue
            own_words = order.words is not None
            decision = self.decision(
                session,
                loan,
                person,
                order.purpose,
                channel,
                at,
                flags,
                own_words=own_words,
                is_document=order.step == DOCUMENT,
            )
            if channel is Channel.WHATSAPP and decision.verdict is Verdict.ALLOWED:
                decision = self._within_limits(session, person, at, decision)
            if keep:
                contact_decisions.record(
                    session,
                    loan,
                    person,
                    step=order.step,
                    occurrence=order.occurrence,
                    channel=channel,
                    at=at,
                    decision=decision,
                    rules_version=self._rules.versions.get(person.country, "none"),
                )
            if decision.verdict is Verdict.ALLOWED:
                return Slot(channel, address, decision.window_ends)
            rules = [reason.rule for reason in decision.reasons]
            if keep:
                for rule in dict.fromkeys(rules):
                    count(REFUSALS, rule=rule, verdict=decision.verdict)
            if decision.verdict is Verdict.NOT_BEFORE:
                assert decision.not_before is not None
                return NotYet(decision.not_before, ", ".join(rules))
            refused += rules
        return NoChannel(tuple(dict.fromkeys(refused)), _CEASE in flags)

    def _within_limits(self, session: Session, person: Person, at: datetime, lawful: Decision) -> Decision:
        """What the law allows, unless WhatsApp's own limits make it wait; the law is asked again then."""
        held = self.whatsapp.held(session, person, at)
        if held is None:
            return lawful
        return Decision(verdict=Verdict.NOT_BEFORE, not_before=held.until, reasons=(held.reason,))

    def decision(
        self,
        session: Session,
        loan: Loan,
        person: Person,
        purpose: Purpose,
        channel: Channel,
        at: datetime,
        flags: frozenset[str] | None = None,
        *,
        own_words: bool = False,
        is_document: bool = False,
        after: ContactEvent | None = None,
    ) -> Decision:
        """What the rules say of a contact at `at`, by the person's ledger as it stands; keeps nothing.

        `flags`: the person's stop states, where they are known already. `own_words`: a person answers, so what only
        said that they would has not answered yet. `after`: what happens at this moment and may not be written yet.
        """
        request = ContactRequest(
            loan_id=loan.loan_id,
            channel=channel,
            purpose=purpose,
            country=person.country,
            region=person.region,
            city=person.city,
            timezones=candidate_zones(self._rules.pack(person.country), person.region, person.timezone),
            opted_out=people.opted_out(session, person),
            flags=people.flags(session, person) if flags is None else flags,
            actor=self._actor_of(loan.lender),
            authorised_channels=people.authorised_channels(person),
            is_document=is_document,
        )
        events = contact_ledger.person_events(session, person, at - LEDGER_DAYS, held_over=own_words)
        if after is not None and not any(_is_the_same(event, after) for event in events):
            events = [*events, after]
        return decide(request, at, events, self._rules, self._caps)

    def goes_at_once(
        self,
        session: Session,
        loan: Loan,
        person: Person,
        purpose: Purpose,
        channels: Sequence[Channel],
        at: datetime,
        *,
        after: ContactEvent,
    ) -> bool:
        """Whether a contact by the first of the channels that can be used at all would leave now, once `after`, which
        happens at this moment, stands in the ledger too."""
        for channel in channels:
            if people.address(session, person, channel) is None:
                continue
            decision = self.decision(session, loan, person, purpose, channel, at, after=after)
            if decision.verdict is not Verdict.NEVER:
                return decision.verdict is Verdict.ALLOWED
        return False

    def answers(self, session: Session, person: Person, channel: Channel, at: datetime) -> bool:
        """Whether a person's words by `channel` answer what the borrower wrote there; else they count as a demand."""
        events = contact_ledger.person_events(session, person, at - LEDGER_DAYS, held_over=True)
        return unanswered_since(channel, events) is not None

    def take(
        self,
        session: Session,
        loan: Loan,
        person: Person,
        order: ContactOrder,
        slot: Slot,
        at: datetime,
        *,
        text: str | None = None,
        link_ref: int | None = None,
    ) -> Contact:
        """Take the contact's place for `slot`; it is being sent from now on. Call it in the deciding transaction."""
        reserved = contacts.reserve(
            session,
            loan,
            person,
            step=order.step,
            occurrence=order.occurrence,
            entry=order.of_entry,
            purpose=order.purpose,
            channel=slot.channel,
            template=order.template,
            at=at,
            address=slot.address,
            valid_until=slot.window_ends,
            link_ref=link_ref,
            text=text,
            state=ContactState.SENDING,
        )
        contact = reserved.contact
        if isinstance(reserved, contacts.AlreadyReserved):
            contacts.take_again(session, contact, channel=slot.channel, address=slot.address, at=at)
            contacts.advance(session, contact, ContactState.SENDING, at=at, valid_until=slot.window_ends)
            contact.link_ref, contact.text = link_ref, text
            session.add(contact)
        contact.approved_as = contact.segments = contact.sender = None
        if slot.channel is Channel.WHATSAPP:
            contact.sender = self.whatsapp.number_for(session, person, at)
        return contact


def _is_the_same(event: ContactEvent, told: ContactEvent) -> bool:
    """Whether an event of the ledger is the one that is told of by its own moment: a call is no longer than this."""
    return (event.kind, event.channel, event.loan_id) == (told.kind, told.channel, told.loan_id) and (
        told.at - event.at < LONGEST_CALL
    )


def stops_of(session: Session, person: Person, circumstance: Circumstance | None) -> frozenset[str]:
    """The person's stop states, with what was reported of the loan and waits for a decision."""
    flags = people.flags(session, person)
    return flags if circumstance is None else flags | {_STOPS[circumstance]}
