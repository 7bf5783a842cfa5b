"""The contact ledger. Deciding about a contact and reserving it is one transaction per person:

    with database.writing() as session:
        loan, person = contacts.lock_person(session, lender, loan_id)
        earlier = contacts.find(session, loan, step, occurrence, entry=entry)
        decision = decide(request, contact_ledger.person_events(session, person, since), ...)
        contact_decisions.record(session, loan, person, ...)
        if decision.verdict is Verdict.ALLOWED:
            contacts.reserve(session, loan, person, ...)

Whoever else wants to contact the same person waits at `lock_person`, so two can never both pass.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, or_, tuple_
from sqlmodel import Session, col, select

from domain.call_flow import Heard
from domain.contact import Channel, ContactEventKind, Purpose
from domain.contact_orders import RECEIPT
from domain.costs import Cost
from records import contact_ledger, loans, person_keys
from records.tables import Contact, ContactState, Loan, Person

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
_OWN_ID = re.compile(r"[0-9a-f]{32}")
_STATES = select(Contact.state, Contact.purpose).where(col(Contact.loan_ref) == bindparam("loan"))


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


def names_a_lost_one(session: Session, message_ids: Collection[str]) -> bool:
    """Whether these are ids such as ours, none of which the records know."""
    ours = [each for each in message_ids if _OWN_ID.fullmatch(each)]
    return bool(ours) and not people_of_messages(session, (), ours)


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
        message_id=_message_id(session, loan, entry, step, occurrence),
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
    contact_ledger.note(session, contact, ContactEventKind.ATTEMPT, at)
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
    counted = contact_ledger.counts(contact)
    moved = move(contact, state, at=at)
    if moved:
        contact.error_code = error_code
    if moved and (counts := contact_ledger.counts(contact)) != counted:
        contact_ledger.recount(session, contact, counts=counts)
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


def _message_id(session: Session, loan: Loan, entry: int, step: str, occurrence: int) -> str:
    """The same whenever it is reserved: what comes in for it after a restore finds the contact that was caught up.

    By the key of these records' fingerprints: nobody guesses it, and other records give another, so that an e-mail's
    Message-ID is unique in the world.
    """
    named = f"{loan.lender}\n{loan.loan_id}\n{entry}\n{step}\n{occurrence}"
    return person_keys.of(session).index("contact.message_id", named)[:32]


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
        contact_ledger.add_event(session, contact, ContactEventKind.CONVERSATION, at)


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
    contact_ledger.move_attempt(session, contact, at)
    session.flush()


def give_back(session: Session, contact: Contact) -> None:
    """Nothing was sent: what was noted of the attempt counts for no rule."""
    contact_ledger.recount(session, contact, counts=False)
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
