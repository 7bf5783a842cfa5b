"""Addresses at which a person is asked for a consent: whoever holds one may give it, and do nothing else with it."""

from __future__ import annotations

import hmac
import re
from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session

from records import people, person_keys
from records.tables import Person

GOOD_FOR = timedelta(days=30)
_LABEL = "consent link"
_TOKEN = re.compile(r"([0-9a-f]{1,12})\.([0-9a-f]{1,6})\.([0-9a-f]{24})")


def make(session: Session, person: Person, at: datetime) -> str:
    """A token for the person, good for `GOOD_FOR`; the same all day long. Short: it goes into text messages."""
    last = (at + GOOD_FOR).date().toordinal()
    return f"{person.id:x}.{last:x}.{_sign(session, person.id or 0, last)}"


def person_of(session: Session, token: str, at: datetime) -> Person | None:
    """Whose token it is; None for one that is forged or past its time, and for a person who was erased.

    None too once somebody else answered at an address of the person's since the day it was made on: they may hold it,
    and would connect an account of their own.
    """
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        return None
    person_ref, last = int(parts[1], 16), int(parts[2], 16)
    if not hmac.compare_digest(parts[3], _sign(session, person_ref, last)):
        return None
    if at.date() > date.fromordinal(last):
        return None
    person = session.get(Person, person_ref)
    if person is None or people.is_erased(session, person):
        return None
    made = datetime.combine(date.fromordinal(last), time(), UTC) - GOOD_FOR
    return None if people.a_stranger_read_after(session, person, made) else person


def _sign(session: Session, person_ref: int, last: int) -> str:
    return person_keys.of(session).index(_LABEL, f"{person_ref}.{last}")[:24]
