"""What the contact ledger knows of messages on WhatsApp, as its limits count them.

A message whose fate is unknown counts; one that surely never left does not. All bounds are `since` excluded,
`until` included.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from domain.contact import Channel, ContactEventKind
from records.tables import Contact, ContactLedger, ContactState, Person

_NEVER_LEFT = (ContactState.RESERVED, ContactState.DROPPED, ContactState.FAILED)


def to_person(session: Session, person: Person, since: datetime, until: datetime) -> list[datetime]:
    """When the person was written to, oldest first."""
    return sorted(
        session.exec(
            select(Contact.reserved_at).where(
                Contact.person_ref == person.id,
                Contact.channel == Channel.WHATSAPP,
                col(Contact.state).not_in(_NEVER_LEFT),
                col(Contact.reserved_at) > since,
                col(Contact.reserved_at) <= until,
            )
        ).all()
    )


def last_inbound(session: Session, person: Person, since: datetime, until: datetime) -> datetime | None:
    """The person's last message or call to us on WhatsApp."""
    found = session.exec(
        select(ContactLedger.at)
        .where(
            ContactLedger.person_ref == person.id,
            ContactLedger.channel == Channel.WHATSAPP,
            ContactLedger.kind == ContactEventKind.INBOUND,
            col(ContactLedger.at) > since,
            col(ContactLedger.at) <= until,
        )
        .order_by(col(ContactLedger.at).desc())
        .limit(1)
    )
    return found.first()


_OUTSIDE = "131047"
"""WhatsApp's word that a person's window was closed, whatever we had counted."""


def window_opened(session: Session, person: Person, since: datetime, until: datetime) -> datetime | None:
    """The message of the person that their window counts from, unless WhatsApp said since that it is closed."""
    opened = last_inbound(session, person, since, until)
    if opened is None:
        return None
    closed = select(Contact.id).where(
        Contact.person_ref == person.id,
        Contact.channel == Channel.WHATSAPP,
        Contact.error_code == _OUTSIDE,
        col(Contact.changed_at) >= opened,
    )
    return None if session.exec(closed.limit(1)).first() is not None else opened


def held_back(session: Session, person: Person, code: str, since: datetime, until: datetime) -> datetime | None:
    """When WhatsApp last refused a message to the person with `code`."""
    found = session.exec(
        select(Contact.changed_at)
        .where(
            Contact.person_ref == person.id,
            Contact.channel == Channel.WHATSAPP,
            Contact.error_code == code,
            col(Contact.changed_at) > since,
            col(Contact.changed_at) <= until,
        )
        .order_by(col(Contact.changed_at).desc())
        .limit(1)
    )
    return found.first()


def last_sender(session: Session, person: Person) -> str | None:
    """The number of ours that wrote to the person last."""
    found = session.exec(
        select(Contact.sender)
        .where(
            Contact.person_ref == person.id,
            Contact.channel == Channel.WHATSAPP,
            col(Contact.sender).is_not(None),
            col(Contact.state).not_in(_NEVER_LEFT),
        )
        .order_by(col(Contact.reserved_at).desc(), col(Contact.id).desc())
        .limit(1)
    )
    return found.first()


def people_by_sender(session: Session, at: datetime, period: timedelta, window: timedelta) -> dict[str, frozenset[str]]:
    """Whom each number wrote to outside their window in the last `period`, by a key of the person."""
    counted: defaultdict[str, set[str]] = defaultdict(set)
    for _, person, sender in _outside(session, at, period, window):
        if sender is not None:
            counted[sender].add(person)
    return {sender: frozenset(people) for sender, people in counted.items()}


def outside_window(session: Session, at: datetime, period: timedelta, window: timedelta) -> list[tuple[datetime, str]]:
    """Every message of the last `period` that left outside its person's window, with a key of the person."""
    return [(when, person) for when, person, _ in _outside(session, at, period, window)]


def _outside(
    session: Session, at: datetime, period: timedelta, window: timedelta
) -> list[tuple[datetime, str, str | None]]:
    lately = (
        Contact.channel == Channel.WHATSAPP,
        col(Contact.state).not_in(_NEVER_LEFT),
        col(Contact.reserved_at) > at - period,
        col(Contact.reserved_at) <= at,
    )
    sent = session.exec(select(Contact.reserved_at, Contact.person_ref, Contact.sender).where(*lately)).all()
    if not sent:
        return []
    inbound: defaultdict[int, list[datetime]] = defaultdict(list)
    heard = select(ContactLedger.person_ref, ContactLedger.at).where(
        col(ContactLedger.person_ref).in_(select(Contact.person_ref).where(*lately)),
        ContactLedger.channel == Channel.WHATSAPP,
        ContactLedger.kind == ContactEventKind.INBOUND,
        col(ContactLedger.at) > at - period - window,
        col(ContactLedger.at) <= at,
    )
    for person_ref, when in session.exec(heard.order_by(col(ContactLedger.at))).all():
        inbound[person_ref].append(when)
    return [
        (when, str(person_ref), sender)
        for when, person_ref, sender in sent
        if not _inside(inbound.get(person_ref), when, window)
    ]


def _inside(inbound: list[datetime] | None, when: datetime, window: timedelta) -> bool:
    """Whether a message at `when` left within the window that the person's last one before it had opened."""
    if not inbound:
        return False
    before = bisect_right(inbound, when)
    return before > 0 and when - inbound[before - 1] < window
