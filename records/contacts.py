"""The contact ledger. Deciding about a contact and reserving it is one transaction per person:

    with database.writing() as session:
        loan, person = contacts.lock_person(session, lender, loan_id)
        earlier = contacts.find(session, loan, step, occurrence, entry=entry)
        decision = decide(request, contacts.person_events(session, person, since), ...)
        contacts.record_decision(session, loan, person, ...)
        if decision.verdict is Verdict.ALLOWED:
            contacts.reserve(session, loan, person, ...)

Whoever else wants to contact the same person waits at `lock_person`, so two can never both pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, insert, or_, tuple_
from sqlmodel import Session, col, select

from domain.call_flow import Heard
from domain.contact import Channel, ContactEvent, ContactEventKind, Decision, Purpose
from domain.contact_orders import RECEIPT
from domain.conversation.model import HOLDS_OVER, REPLY
from domain.costs import Cost
from records import loans
from records.tables import Contact, ContactDecision, ContactLedger, ContactState, Loan, Person

# Reports come in any order and more than once; what proves more stands.
_PROVES = {
    ContactState.RESERVED: 0,
    ContactState.SENDING: 1,
    ContactState.UNKNOWN: 2,
    ContactState.DROPPED: 3,
    ContactState.FAILED: 4,
    ContactState.SENT: 5,
    ContactState.UNDELIVERED: 6,
    ContactState.DELIVERED: 7,
    ContactState.READ: 8,
}
_NOTHING_SENT = frozenset({ContactState.DROPPED, ContactState.FAILED})
_LOCKED = (
    select(Loan, Person)
    .join(Person, col(Person.id) == col(Loan.person_ref))
    .where(col(Loan.lender) == bindparam("lender"), col(Loan.loan_id) == bindparam("loan_id"))
    .with_for_update(of=Person)
    .execution_options(populate_existing=True)
)
_FIND = select(Contact).where(
    col(Contact.loan_ref) == bindparam("loan"),
    col(Contact.entry) == bindparam("entry"),
    col(Contact.step) == bindparam("step"),
    col(Contact.occurrence) == bindparam("occurrence"),
)
_OF_STEP = (
    select(col(Loan.entry), Contact)
    .join(
        Contact,
        and_(
            col(Contact.loan_ref) == col(Loan.id),
            col(Contact.entry) == bindparam("entry"),
            col(Contact.step) == bindparam("step"),
            col(Contact.occurrence) == bindparam("occurrence"),
        ),
        isouter=True,
    )
    .where(col(Loan.lender) == bindparam("lender"), col(Loan.loan_id) == bindparam("loan_id"))
)
# Below the mapping of objects, which takes as long again: nobody needs these rows as objects.
_KEEP_DECISION = insert(ContactDecision.__table__)  # type: ignore[attr-defined]
_NOTE_EVENT = insert(ContactLedger.__table__)  # type: ignore[attr-defined]
_STATES = select(Contact.state, Contact.purpose).where(col(Contact.loan_ref) == bindparam("loan"))
_EVENTS = (
    select(ContactLedger, Loan.loan_id)
    .join(Loan, col(Loan.id) == col(ContactLedger.loan_ref), isouter=True)
    .where(
        col(ContactLedger.person_ref) == bindparam("person"),
        col(ContactLedger.at) >= bindparam("since"),
        col(ContactLedger.counts),
    )
    .order_by(col(ContactLedger.at), col(ContactLedger.id))
)
_HELD_OVER = select(Contact.id).where(
    col(Contact.person_ref) == bindparam("person"),
    col(Contact.reserved_at) >= bindparam("since"),
    col(Contact.step) == REPLY,
    col(Contact.template).in_([kind.value for kind in HOLDS_OVER]),
)


@dataclass(frozen=True)
class Reserved:
    """The contact is this caller's to send."""

    contact: Contact


@dataclass(frozen=True)
class OfStep:
    """The contact of a step in one hand-over, if it was reserved, and which hand-over is the loan's current one."""

    contact: Contact | None
    current_entry: int


@dataclass(frozen=True)
class AlreadyReserved:
    """The same step and occurrence was reserved before; `contact` says how far it came."""

    contact: Contact


def lock_person(session: Session, lender: str, loan_id: str) -> tuple[Loan, Person]:
    """Lock the person who owes a loan until this transaction ends; needs `Database.writing()`.

    On SQLite the transaction itself is the lock. Raises loans.UnknownLoan.
    """
    found = session.exec(_LOCKED, params={"lender": lender, "loan_id": loan_id}).first()
    if found is None:
        raise loans.UnknownLoan(f"no loan {loan_id!r} of lender {lender!r}")
    return found


def find(session: Session, loan: Loan, step: str, occurrence: int, *, entry: int | None = None) -> Contact | None:
    """The contact of a step in the loan's current entry, or another `entry`, if it was reserved."""
    named = {"loan": loan.id, "entry": loan.entry if entry is None else entry, "step": step, "occurrence": occurrence}
    return session.exec(_FIND, params=named).first()


def of_step(session: Session, lender: str, loan_id: str, step: str, occurrence: int, *, entry: int) -> OfStep:
    """The contact of a step in the hand-over `entry` of a loan, by the loan's name. Raises loans.UnknownLoan."""
    named = {"lender": lender, "loan_id": loan_id, "entry": entry, "step": step, "occurrence": occurrence}
    found = session.exec(_OF_STEP, params=named).first()
    if found is None:
        raise loans.UnknownLoan(f"no loan {loan_id!r} of lender {lender!r}")
    current, contact = found
    return OfStep(contact, current)


def purposes_in(session: Session, loan: Loan, states: Collection[ContactState]) -> frozenset[Purpose]:
    """The purposes of the loan's contacts, over all its entries, that are in one of these states."""
    found = session.exec(_STATES, params={"loan": loan.id})
    return frozenset(Purpose(purpose) for state, purpose in found if state in states)


def get(session: Session, contact_id: int) -> Contact:
    """A contact by its own id. Raises KeyError."""
    contact = session.get(Contact, contact_id)
    if contact is None:
        raise KeyError(contact_id)
    return contact


def get_locked(session: Session, contact_id: int) -> Contact:
    """As `get`, its person locked first: what the carrier tells meanwhile is not written over. Raises KeyError."""
    whose = session.exec(select(Contact.person_ref).where(Contact.id == contact_id)).first()
    if whose is None:
        raise KeyError(contact_id)
    session.exec(select(Person.id).where(Person.id == whose).with_for_update()).one()
    return get(session, contact_id)


def by_own_id(session: Session, message_id: str) -> Contact | None:
    """The contact of one of our own message ids."""
    return session.exec(select(Contact).where(Contact.message_id == message_id)).first()


def by_message(session: Session, provider: str, message_id: str) -> Contact | None:
    """The contact a provider's message id belongs to."""
    return session.exec(
        select(Contact).where(Contact.provider == provider, Contact.provider_message_id == message_id)
    ).first()


def people_of_messages(session: Session, named: Iterable[tuple[str, str]], own_ids: Iterable[str]) -> set[int]:
    """To whom these messages went, by provider and its message id or by our own, as surrogate keys."""
    by_provider = tuple_(col(Contact.provider), col(Contact.provider_message_id)).in_(list(named))
    by_us = col(Contact.message_id).in_(list(own_ids))
    return set(session.exec(select(Contact.person_ref).where(or_(by_provider, by_us))))


def of_loan(session: Session, loan: Loan) -> Sequence[Contact]:
    """All contacts of a loan, oldest first."""
    return session.exec(select(Contact).where(Contact.loan_ref == loan.id).order_by(col(Contact.id))).all()


def reserve(
    session: Session,
    loan: Loan,
    person: Person,
    *,
    step: str,
    occurrence: int,
    purpose: Purpose,
    channel: Channel,
    template: str,
    at: datetime,
    address: str | None = None,
    valid_until: datetime | None = None,
    link_ref: int | None = None,
    text: str | None = None,
    state: ContactState = ContactState.RESERVED,
    entry: int | None = None,
) -> Reserved | AlreadyReserved:
    """Take the one place of (loan, entry, step, occurrence) and note an attempt in the person's ledger.

    `entry`: the hand-over; None: the loan's current one.

    Call it under `lock_person`. Transactional contacts are noted but do not count for any rule.
    """
    entry = loan.entry if entry is None else entry
    earlier = find(session, loan, step, occurrence, entry=entry)
    if earlier is not None:
        return AlreadyReserved(earlier)
    assert loan.id is not None
    assert person.id is not None
    contact = Contact(
        message_id=_message_id(loan, entry, step, occurrence, at),
        loan_ref=loan.id,
        person_ref=person.id,
        entry=entry,
        step=step,
        occurrence=occurrence,
        purpose=purpose,
        channel=channel,
        address=address,
        template=template,
        reserved_at=at,
        changed_at=at,
        valid_until=valid_until,
        link_ref=link_ref,
        text=text,
        state=state,
    )
    session.add(contact)
    session.flush()
    _note_event(session, contact, ContactEventKind.ATTEMPT, at)
    return Reserved(contact)


def advance(
    session: Session,
    contact: Contact,
    state: ContactState,
    *,
    at: datetime,
    provider: str | None = None,
    provider_message_id: str | None = None,
    valid_until: datetime | None = None,
    link_ref: int | None = None,
    error_code: str | None = None,
) -> bool:
    """Move a contact on as `move` does, and keep what else is known of it.

    `dropped` and `failed` say that nothing was sent: the attempt then counts for no rule. `undelivered` is a
    message that was sent and did not arrive; it counts, as does one whose fate is `unknown`.
    """
    contact.provider = provider or contact.provider
    contact.provider_message_id = provider_message_id or contact.provider_message_id
    contact.valid_until = valid_until or contact.valid_until
    contact.link_ref = link_ref or contact.link_ref
    counted = _counts(contact)
    moved = move(contact, state, at=at)
    if moved:
        contact.error_code = error_code
    if moved and (counts := _counts(contact)) != counted:
        for event in session.exec(select(ContactLedger).where(ContactLedger.contact_ref == contact.id)).all():
            event.counts = counts
            session.add(event)
    session.add(contact)
    session.flush()
    return moved


def move(contact: Contact, state: ContactState, *, at: datetime) -> bool:
    """Take over `state` if it proves more than what is known; else False and the contact stays as it is."""
    if state is ContactState.SENT and contact.sent_at is None:
        contact.sent_at = at
    if _PROVES[state] <= _PROVES[contact.state]:
        return False
    contact.state, contact.changed_at = state, at
    return True


def give_up_begun(session: Session, loan: Loan, *, at: datetime) -> None:
    """What was begun before the loan ended and whose fate is not known, but for the receipt, which an ended loan still
    sends: nobody asks the carrier for it any more. It counts as sent, and `doctor` finds it."""
    begun = select(Contact).where(
        col(Contact.loan_ref) == loan.id,
        col(Contact.entry) == loan.entry,
        col(Contact.state) == ContactState.SENDING,
        col(Contact.step) != RECEIPT,
    )
    for contact in session.exec(begun).all():
        advance(session, contact, ContactState.UNKNOWN, at=at, error_code="loan ended")


def _counts(contact: Contact) -> bool:
    return contact.purpose is not Purpose.TRANSACTIONAL and contact.state not in _NOTHING_SENT


def add_event(session: Session, contact: Contact, kind: ContactEventKind, at: datetime) -> bool:
    """Note what happened with a contact; an attempt, delivery or reading once only: False after that."""
    if kind in (ContactEventKind.ATTEMPT, ContactEventKind.DELIVERED, ContactEventKind.READ):
        noted = select(ContactLedger.id).where(ContactLedger.contact_ref == contact.id, ContactLedger.kind == kind)
        if session.exec(noted).first() is not None:
            return False
    _note_event(session, contact, kind, at)
    session.flush()
    return True


def _note_event(session: Session, contact: Contact, kind: ContactEventKind, at: datetime) -> None:
    """The contact itself is written already."""
    event = {
        "person_ref": contact.person_ref,
        "loan_ref": contact.loan_ref,
        "contact_ref": contact.id,
        "at": at,
        "channel": contact.channel,
        "kind": kind,
        "counts": _counts(contact),
    }
    session.connection().execute(_NOTE_EVENT, event)


def add_inbound(session: Session, person: Person, channel: Channel, at: datetime, *, by_another: bool = False) -> None:
    """Note that the person wrote or called, about no loan in particular.

    Where a contact of ours by that channel went before that counts for rules, the two are an interaction (two_way, of
    that contact's loan), which laws on contacts that were answered rest on. `by_another`: somebody else reads the
    address and wrote, so the person was not reached.
    """
    assert person.id is not None
    session.add(ContactLedger(person_ref=person.id, at=at, channel=channel, kind=ContactEventKind.INBOUND))
    answered = None if by_another else _last_contact(session, person, channel, at)
    if answered is not None:
        session.add(
            ContactLedger(
                person_ref=person.id,
                loan_ref=answered.loan_ref,
                contact_ref=answered.contact_ref,
                at=at,
                channel=channel,
                kind=ContactEventKind.TWO_WAY,
            )
        )
    session.flush()


def _last_contact(session: Session, person: Person, channel: Channel, at: datetime) -> ContactLedger | None:
    """The attempt of the last contact by a channel up to `at` that counts for rules."""
    return session.exec(
        select(ContactLedger)
        .where(
            ContactLedger.person_ref == person.id,
            ContactLedger.channel == channel,
            ContactLedger.kind == ContactEventKind.ATTEMPT,
            col(ContactLedger.counts),
            col(ContactLedger.at) <= at,
        )
        .order_by(col(ContactLedger.at).desc(), col(ContactLedger.id).desc())
    ).first()


def person_events(session: Session, person: Person, since: datetime, *, held_over: bool = False) -> list[ContactEvent]:
    """What counts in the person's ledger from `since` (inclusive), over all their loans, oldest first.

    `held_over`: attempts that only said that a person will answer are marked as that.
    """
    named = {"person": person.id, "since": since}
    rows = session.exec(_EVENTS, params=named).all()
    waiting = set(session.exec(_HELD_OVER, params=named).all()) if held_over else set()
    return [
        ContactEvent(
            at=row.at, channel=row.channel, kind=row.kind, loan_id=loan_id, holds_over=row.contact_ref in waiting
        )
        for row, loan_id in rows
    ]


def record_decision(
    session: Session,
    loan: Loan,
    person: Person,
    *,
    step: str,
    occurrence: int,
    channel: Channel,
    at: datetime,
    decision: Decision,
    rules_version: str,
) -> None:
    """Keep a decision of the contact rules, whatever it was."""
    assert loan.id is not None
    assert person.id is not None
    kept = {
        "loan_ref": loan.id,
        "person_ref": person.id,
        "step": step,
        "occurrence": occurrence,
        "channel": channel,
        "at": at,
        "verdict": decision.verdict,
        "not_before": decision.not_before,
        "window_ends": decision.window_ends,
        "reasons": [reason.model_dump(mode="json") for reason in decision.reasons],
        "rules_version": rules_version,
    }
    session.connection().execute(_KEEP_DECISION, kept)


def _message_id(loan: Loan, entry: int, step: str, occurrence: int, at: datetime) -> str:
    # Differs between databases as well, so that an e-mail's Message-ID is unique in the world.
    named = f"{loan.lender}\n{loan.loan_id}\n{entry}\n{step}\n{occurrence}\n{at.isoformat()}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def decisions_of(session: Session, loan: Loan) -> Sequence[ContactDecision]:
    """Every decision about a loan, oldest first."""
    return session.exec(
        select(ContactDecision).where(ContactDecision.loan_ref == loan.id).order_by(col(ContactDecision.id))
    ).all()


def charge(session: Session, contact: Contact, cost: Cost) -> None:
    """Keep what a contact cost; what was kept before is replaced."""
    contact.cost_micros, contact.cost_currency = cost.micros, cost.currency
    session.add(contact)


def heard(session: Session, contact: Contact, what: Heard, at: datetime) -> None:
    """Keep what a call taught us; with the right person it is read, and a conversation for every rule, once."""
    known = Heard(contact.outcome) if contact.outcome is not None else None
    order = list(Heard)
    if known is None or order.index(what) > order.index(known):
        contact.outcome = what.value
    session.add(contact)
    session.flush()
    if what.with_the_right_person:
        advance(session, contact, ContactState.READ, at=at)
        noted = select(ContactLedger.id).where(
            ContactLedger.contact_ref == contact.id, ContactLedger.kind == ContactEventKind.CONVERSATION
        )
        if session.exec(noted).first() is None:
            add_event(session, contact, ContactEventKind.CONVERSATION, at)


def take_again(session: Session, contact: Contact, *, channel: Channel, address: str, at: datetime) -> None:
    """Use a contact that surely was not sent for another attempt, perhaps by another channel.

    Its one attempt in the person's ledger is now this one. Call it under `lock_person`, after the rules
    allowed the new attempt.
    """
    contact.channel, contact.address, contact.state = channel, address, ContactState.SENDING
    contact.reserved_at = contact.changed_at = at
    contact.provider = contact.provider_message_id = contact.valid_until = contact.error_code = contact.outcome = None
    contact.cost_micros = contact.cost_currency = None
    session.add(contact)
    noted = select(ContactLedger).where(
        ContactLedger.contact_ref == contact.id, ContactLedger.kind == ContactEventKind.ATTEMPT
    )
    attempt = session.exec(noted).one()
    attempt.at, attempt.channel, attempt.counts = at, channel, contact.purpose is not Purpose.TRANSACTIONAL
    session.add(attempt)
    session.flush()


def give_back(session: Session, contact: Contact) -> None:
    """Nothing was sent: what was noted of the attempt counts for no rule."""
    for event in session.exec(select(ContactLedger).where(ContactLedger.contact_ref == contact.id)).all():
        event.counts = False
        session.add(event)
    session.flush()


def unconfirmed(
    session: Session, provider: str, *, sent_before: datetime, sent_after: datetime, asked_before: datetime, limit: int
) -> list[tuple[int, str]]:
    """Messages that left and of which nothing was heard since: our id and the provider's, oldest first."""
    open_ = (
        select(Contact.id, Contact.provider_message_id)
        .where(
            Contact.state == ContactState.SENT,
            Contact.provider == provider,
            Contact.channel != Channel.CALL,
            col(Contact.provider_message_id).is_not(None),
            col(Contact.sent_at) < sent_before,
            col(Contact.sent_at) > sent_after,
            or_(col(Contact.asked_at).is_(None), col(Contact.asked_at) < asked_before),
        )
        .order_by(col(Contact.sent_at))
        .limit(limit)
    )
    rows = session.exec(open_).all()
    return [(one, told) for one, told in rows if one is not None and told is not None]


def loan_of(session: Session, contact: Contact) -> Loan:
    """The loan a contact is about."""
    return loans.by_ref(session, contact.loan_ref)
