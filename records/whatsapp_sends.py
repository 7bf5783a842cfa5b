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


def outside_window(session: Session, at: datetime, period: timedelta, window: timedelta) -> list[tuple[datetime, str]]:
    """Every message of the last `period` that left outside its person's window, with a key of the person."""
    lately = (
        Contact.channel == Channel.WHATSAPP,
        col(Contact.state).not_in(_NEVER_LEFT),
        col(Contact.reserved_at) > at - period,
        col(Contact.reserved_at) <= at,
    )
    sent = session.exec(select(Contact.reserved_at, Contact.person_ref).where(*lately)).all()
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
    return [(when, str(person_ref)) for when, person_ref in sent if not _inside(inbound.get(person_ref), when, window)]


def _inside(inbound: list[datetime] | None, when: datetime, window: timedelta) -> bool:
    """Whether a message at `when` left within the window that the person's last one before it had opened."""
    if not inbound:
        return False
    before = bisect_right(inbound, when)
    return before > 0 and when - inbound[before - 1] < window
