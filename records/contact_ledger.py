"""What happened with a person, in the order of time, as the contact rules count it: the person's contact ledger.

Attempts are noted as contacts.reserve takes their place. What counts for no rule stays, marked as that.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, insert
from sqlmodel import Session, col, select

from domain.contact import Channel, ContactEvent, ContactEventKind, Purpose
from domain.conversation.model import HOLDS_OVER, REPLY
from records.tables import Contact, ContactLedger, ContactState, Loan, Person

_ONCE = frozenset(
    {ContactEventKind.ATTEMPT, ContactEventKind.DELIVERED, ContactEventKind.READ, ContactEventKind.CONVERSATION}
)
_NOTHING_SENT = frozenset({ContactState.DROPPED, ContactState.FAILED})
# Below the mapping of objects, which takes as long again: nobody needs this row as an object.
_NOTE_EVENT = insert(ContactLedger.__table__)  # type: ignore[attr-defined]
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


def counts(contact: Contact) -> bool:
    """Whether a contact counts for rules: not a transactional one, nor one of which nothing was sent."""
    return contact.purpose is not Purpose.TRANSACTIONAL and contact.state not in _NOTHING_SENT


def note(session: Session, contact: Contact, kind: ContactEventKind, at: datetime) -> None:
    """Note what happened with a contact, which is written already."""
    event = {
        "person_ref": contact.person_ref,
        "loan_ref": contact.loan_ref,
        "contact_ref": contact.id,
        "at": at,
        "channel": contact.channel,
        "kind": kind,
        "counts": counts(contact),
    }
    session.connection().execute(_NOTE_EVENT, event)


def add_event(session: Session, contact: Contact, kind: ContactEventKind, at: datetime) -> bool:
    """Note what happened with a contact; what happens once is noted once: False after that."""
    if kind in _ONCE:
        noted = select(ContactLedger.id).where(ContactLedger.contact_ref == contact.id, ContactLedger.kind == kind)
        if session.exec(noted).first() is not None:
            return False
    note(session, contact, kind, at)
    session.flush()
    return True


def add_talk(session: Session, loan: Loan, channel: Channel, kind: ContactEventKind, at: datetime) -> None:
    """Note a part of a call or visit that people made, which is no contact of the machine's."""
    session.add(ContactLedger(person_ref=loan.person_ref, loan_ref=loan.id, at=at, channel=channel, kind=kind))
    session.flush()


def recount(session: Session, contact: Contact, *, counts: bool) -> None:
    """Everything noted of a contact counts for rules from now on, or no longer."""
    for event in session.exec(select(ContactLedger).where(ContactLedger.contact_ref == contact.id)).all():
        event.counts = counts
        session.add(event)


def move_attempt(session: Session, contact: Contact, at: datetime) -> None:
    """The contact's one attempt is now one at `at`, by the channel that the contact has now."""
    noted = select(ContactLedger).where(
        ContactLedger.contact_ref == contact.id, ContactLedger.kind == ContactEventKind.ATTEMPT
    )
    attempt = session.exec(noted).one()
    attempt.at, attempt.channel, attempt.counts = at, contact.channel, contact.purpose is not Purpose.TRANSACTIONAL
    session.add(attempt)


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


def add_talk_begun(session: Session, person: Person, channel: Channel, at: datetime) -> None:
    """Note that the person called or came, where the loan they spoke of is told and gets the talk itself."""
    assert person.id is not None
    session.add(ContactLedger(person_ref=person.id, at=at, channel=channel, kind=ContactEventKind.INBOUND))
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
