"""When to look at a balance next: at the moments at which this person's money has probably come.

What is known of a person (arrivals between reads) and of their bank's booking hours grows with every read that sees
more money than the one before; the rules are in `domain.arrival_model` and `domain.read_placement`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, literal
from sqlmodel import Session, col, select

from activities.read_budget import READ, counted_since
from config.pay_calendars import pay_calendar
from domain.arrival_model import hours_of, jump, learn, slots_of, spread
from domain.read_placement import next_read, place
from records import consents, incomes, people
from records.people import Whereabouts
from records.tables import BalanceRead, Consent, Loan

APART = timedelta(minutes=15)
"""People are read at moments of their own within so long, so that a bank is not asked about all at once."""
_ENOUGH_HISTORY = timedelta(hours=25)
_BEFORE = (
    select(BalanceRead.at, BalanceRead.amount_minor)
    .where(
        col(BalanceRead.consent_ref) == bindparam("consent"),
        col(BalanceRead.outcome) == literal(READ),
        col(BalanceRead.at) < bindparam("at"),
    )
    .order_by(col(BalanceRead.at).desc())
    .limit(1)
)


def note_reading(
    session: Session, consent: Consent, person: Whereabouts, at: datetime, amount_minor: int, zone: ZoneInfo
) -> None:
    """Learn from a reading just kept: whether money came since the one before it. `zone`: the bank's."""
    incomes.watched(session, person.id, at)
    before = session.exec(_BEFORE, params={"consent": consent.id, "at": at}).first()
    if before is None or before[1] is None:
        return
    came = jump(before[1], before[0], amount_minor, at)
    if came is None or not incomes.remember(session, person.id, came):
        return
    here = _zone(person, zone)
    base = slots_of(pay_calendar(person.country).booking_hours)
    crowd = incomes.booking_hours(session, consent.provider, person.country)
    shares = spread(came, here, hours_of(base, here, (), crowd))
    incomes.count_booking(session, consent.provider, person.country, shares)


def next_look(session: Session, loan: Loan, at: datetime, reads_per_day: int, zone: ZoneInfo) -> datetime | None:
    """The next moment to read the balance of who owes `loan`; None without a consent. `zone`: the bank's."""
    consent = consents.active(session, loan, at.astimezone(zone).date())
    if consent is None:
        return None
    return next_look_under(session, consent, people.whereabouts(session, loan.person_ref), at, reads_per_day, zone)


def next_look_under(
    session: Session, consent: Consent, person: Whereabouts, at: datetime, reads_per_day: int, zone: ZoneInfo
) -> datetime:
    """As `next_look`, under the person's consent that is known to be valid."""
    known = incomes.known(session, person.id)
    crowd = incomes.booking_hours(session, consent.provider, person.country)
    arrivals = known.arrivals if known else ()
    since = known.watched_since if known else None
    here = _zone(person, zone)
    model = learn(pay_calendar(person.country), here, arrivals, since, at, crowd, ahead=5)
    plan = place(model, min(reads_per_day, consent.reads_per_day))
    taken = counted_since(session, consent, at - _ENOUGH_HISTORY)
    return next_read(plan, at, taken, _offset(consent))


def _zone(person: Whereabouts, otherwise: ZoneInfo) -> ZoneInfo:
    return ZoneInfo(person.timezone) if person.timezone else otherwise


def _offset(consent: Consent) -> timedelta:
    digest = hashlib.blake2b(consent.consent_index.encode(), digest_size=4).digest()
    return timedelta(seconds=int.from_bytes(digest, "big") % int(APART.total_seconds()))
