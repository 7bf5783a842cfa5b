"""When money came to people, as far as reads of their balances have shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from domain.arrival_model import KEPT, SLOTS, Arrival, of_weight
from records.tables import BookingHour, IncomeSeen

_HOURS = select(BookingHour.slot, BookingHour.thousandths).where(
    col(BookingHour.provider) == bindparam("provider"), col(BookingHour.country) == bindparam("country")
)

_KNOWN = select(IncomeSeen.seen, IncomeSeen.watched_since).where(col(IncomeSeen.person_ref) == bindparam("person"))
_IS_WATCHED = select(IncomeSeen.watched_since).where(col(IncomeSeen.person_ref) == bindparam("person"))
_WATCHED = insert(IncomeSeen.__table__)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Known:
    """What is remembered of one person."""

    watched_since: datetime
    arrivals: tuple[Arrival, ...]


def known(session: Session, person_ref: int) -> Known | None:
    """None when the person was never read."""
    row = session.exec(_KNOWN, params={"person": person_ref}).first()
    return None if row is None else Known(row[1], _arrivals(row[0]))


def watched(session: Session, person_ref: int, at: datetime) -> None:
    """The person's balance was read; the first time is remembered."""
    if session.exec(_IS_WATCHED, params={"person": person_ref}).first() is None:
        session.connection().execute(_WATCHED, {"person_ref": person_ref, "watched_since": at, "changed_at": at})


def remember(session: Session, person_ref: int, arrival: Arrival) -> bool:
    """Keep an arrival; False when it is too small beside what is known. The oldest ones make room."""
    row = session.get(IncomeSeen, person_ref)
    assert row is not None
    kept = of_weight([*_arrivals(row.seen), arrival])
    if arrival not in kept:
        return False
    told = [[one.after.isoformat(), one.by.isoformat(), one.amount_minor] for one in kept[-KEPT:]]
    row.seen, row.changed_at = json.dumps(told, separators=(",", ":")), arrival.by
    session.add(row)
    session.flush()
    return True


def remember_history(
    session: Session, person_ref: int, arrivals: Sequence[Arrival], since: datetime, at: datetime
) -> None:
    """Keep what the account's own list says came in from `since` to `at`, beside what reads have shown.

    A day on which reads saw money come is known already. The days without money count too: whoever is known from
    `since` on and was not paid on a pay day speaks against it.
    """
    row = session.get(IncomeSeen, person_ref)
    if row is None:
        row = IncomeSeen(person_ref=person_ref, watched_since=since, changed_at=at)
    before = _arrivals(row.seen)
    new = [one for one in arrivals if not any(one.after < other.by and other.after < one.by for other in before)]
    kept = of_weight(sorted([*before, *new], key=lambda one: one.by))[-KEPT:]
    told = [[one.after.isoformat(), one.by.isoformat(), one.amount_minor] for one in kept]
    row.seen, row.changed_at = json.dumps(told, separators=(",", ":")), at
    row.watched_since = min(row.watched_since, since)
    session.add(row)
    session.flush()


def booking_hours(session: Session, provider: str, country: str) -> list[float]:
    """Arrivals of all people by half hour of the local day."""
    counts = [0.0] * SLOTS
    for slot, thousandths in session.exec(_HOURS, params={"provider": provider, "country": country}):
        counts[slot] = thousandths / 1000
    return counts


def count_booking(session: Session, provider: str, country: str, shares: Sequence[tuple[int, float]]) -> None:
    """Add one arrival, spread over half hours."""
    counted = [
        {"provider": provider, "country": country, "slot": slot, "thousandths": round(share * 1000)}
        for slot, share in sorted(shares)
        if share >= 0.0005
    ]
    if not counted:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(BookingHour)
    added = BookingHour.thousandths + insert.excluded.thousandths
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["provider", "country", "slot"], set_={"thousandths": added}
        ).values(counted)
    )


def _arrivals(seen: str | None) -> tuple[Arrival, ...]:
    return tuple(
        Arrival(datetime.fromisoformat(after), datetime.fromisoformat(by), amount)
        for after, by, amount in json.loads(seen or "[]")
    )
