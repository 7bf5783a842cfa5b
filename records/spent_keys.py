"""Keys of days and of months come to their end: what nobody was found for is emptied, and its key destroyed.

Until then whatever was sealed under them could be read in every backup, also of who was erased since.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, LargeBinary, and_, func, or_, type_coerce, update
from sqlmodel import Session, col, select

from records import person_keys
from records.database import Database
from records.sealed import PrivateBytes
from records.tables import BankEntryRow, EntryState, Webhook
from records.tables.sealing import OF_DAYS, OF_MONTHS, month_key

WEBHOOKS_KEPT = timedelta(days=30)
"""As long as anything looks back at what webhooks brought."""
BEFORE_DAYS = f"{OF_DAYS}before"
"""The key that earlier versions' webhooks were sealed under when bodies began to be sealed: one more day, so to say."""
_OVERDUE = timedelta(days=35)
_DAY = re.compile(rf"{OF_DAYS}(\d{{4}}-\d{{2}}-\d{{2}})")
_MONTH = re.compile(rf"{OF_MONTHS}(\d{{4}}-\d{{2}})")
_PAGE = 1_000
_DAYS_AT_A_TIME = 30


@dataclass(frozen=True)
class Spent:
    """How many keys were destroyed, and which days and months are past their time and wait all the same."""

    days: int
    months: int
    waiting: tuple[str, ...]

    def told(self) -> str:
        waits = f"; still needed: {', '.join(self.waiting)}" if self.waiting else ""
        return f"keys of {self.days} days and {self.months} months destroyed{waits}"


def destroy_spent(database: Database, at: datetime, years: int) -> Spent:
    """Empty and destroy what is past its time at `at`; safe to repeat, and after it broke off it goes on.

    Days: thirty days later, once each of their webhooks is with its loan. Months: `years` after their end, once none of
    their entries waits for a person. What came back with restored records, sealed under keys that are gone, is emptied
    of what stands beside it in the open. Raises KeysMissing where the store of keys is not these records' own.
    """
    last_day = _last_day(at, WEBHOOKS_KEPT)
    with database.reading() as session:
        days = _days_before(session, last_day)
        held = _needed_by_webhooks(session) & set(days)
        months = {
            key_id: first
            for key_id in database.keys.beginning_with(OF_MONTHS)
            if (found := _MONTH.fullmatch(key_id))
            and _is_past(first := date.fromisoformat(f"{found[1]}-01"), at, years)
        }
        unmatched = {key_id for key_id, first in months.items() if _waits(session, first)}
    gone_days = [key_id for key_id in days if key_id not in held]
    gone_months = {key_id: first for key_id, first in months.items() if key_id not in unmatched}
    for begin in range(0, len(gone_days), _DAYS_AT_A_TIME):
        some = gone_days[begin : begin + _DAYS_AT_A_TIME]
        _empty_webhooks(database, some, last_day)
        database.keys.destroy(some)
    _empty_webhooks_without_key(database, last_day)
    for first in gone_months.values():
        _empty_entries(database, first)
    if gone_months:
        database.keys.destroy(gone_months)
    for first in _months_without_key(database, at, years):
        _empty_entries(database, first)
    return Spent(len(gone_days), len(gone_months), tuple(sorted(held | unmatched)))


def overdue(session: Session, at: datetime) -> list[str]:
    """The keys of days that nothing needs and nobody has destroyed for five days: no daily run does its last job."""
    needed = _needed_by_webhooks(session) | {BEFORE_DAYS}
    return [key_id for key_id in _days_before(session, _last_day(at, _OVERDUE)) if key_id not in needed]


_SEALED_UNDER = func.substr(type_coerce(col(Webhook.body), LargeBinary), 1, len("v1.") + 40, type_=LargeBinary())
"""The beginning of a body as the database holds it, which names its key."""


def _last_day(at: datetime, kept: timedelta) -> date:
    return (at.astimezone(UTC) - kept).date()


def _days_before(session: Session, last_day: date) -> list[str]:
    """The keys of days before, the earliest first."""
    known = person_keys.of(session).beginning_with(OF_DAYS)
    days = [one for one in known if (day := _DAY.fullmatch(one)) and date.fromisoformat(day[1]) < last_day]
    if BEFORE_DAYS not in known:
        return days
    sealed = person_keys.sealed_under(BEFORE_DAYS)
    beginning = func.substr(type_coerce(col(Webhook.body), LargeBinary), 1, len(sealed), type_=LargeBinary())
    young = select(Webhook.id).where(col(Webhook.received_at) >= _midnight(last_day), beginning == sealed)
    return days if session.exec(young.limit(1)).first() is not None else [BEFORE_DAYS, *days]


def _needed_by_webhooks(session: Session) -> set[str]:
    unrelayed = select(_SEALED_UNDER).where(col(Webhook.relayed_at).is_(None), col(Webhook.verified))
    return {person_keys.key_named(bytes(head)) for head in session.exec(unrelayed)}


def _empty_webhooks(database: Database, key_ids: Sequence[str], last_day: date) -> None:
    # It is sealed under one of the keys that go, so it reads as empty from then on.
    nothing = PrivateBytes(b"", key_ids[0])
    days = [date.fromisoformat(found[1]) for key_id in key_ids if (found := _DAY.fullmatch(key_id))]
    margin = timedelta(days=2)
    received = col(Webhook.received_at) < _midnight(last_day)
    if BEFORE_DAYS not in key_ids:
        received = col(Webhook.received_at).between(_midnight(min(days)) - margin, _midnight(max(days)) + margin)
    for page in _pages(database, received):
        ids = [ref for ref, key_id in page if key_id in key_ids]
        _write(database, ids, {"body": nothing, "url": "", "headers": {}})


def _empty_webhooks_without_key(database: Database, last_day: date) -> None:
    done = col(Webhook.relayed_at).is_not(None) | ~col(Webhook.verified)
    left = and_(col(Webhook.received_at) < _midnight(last_day), col(Webhook.person_ref).is_(None), done)
    for page in _pages(database, left):
        gone = database.keys.gone({key_id for _, key_id in page if key_id.startswith(OF_DAYS)})
        _write(database, [ref for ref, key_id in page if key_id in gone], {"url": "", "headers": {}})


def _pages(database: Database, which: ColumnElement[bool]) -> Iterator[list[tuple[int, str]]]:
    """Webhooks that are not emptied yet, with the key that each is sealed under."""
    after = 0
    while True:
        wanted = select(Webhook.id, _SEALED_UNDER).where(col(Webhook.id) > after, col(Webhook.url) != "", which)
        with database.reading() as session:
            rows = session.exec(wanted.order_by(col(Webhook.id)).limit(_PAGE)).all()
        if not rows:
            return
        yield [(ref or 0, person_keys.key_named(bytes(head))) for ref, head in rows]
        after = rows[-1][0] or 0


def _write(database: Database, ids: Collection[int], values: dict[str, object]) -> None:
    if not ids:
        return
    with database.writing() as session:
        emptied = update(Webhook).where(col(Webhook.id).in_(ids)).values(**values)
        session.execute(emptied.execution_options(synchronize_session=False))


def _months_without_key(database: Database, at: datetime, years: int) -> list[date]:
    """Months past their time whose key is gone and whose entries are as they were, none of them waiting."""
    told = (BankEntryRow.other_name, BankEntryRow.other_iban, BankEntryRow.iban_index, BankEntryRow.text)
    left = select(col(BankEntryRow.booked_on)).where(
        col(BankEntryRow.person_ref).is_(None),
        col(BankEntryRow.booked_on) < _years_before(at.astimezone(UTC).date(), years),
        or_(*(col(field).is_not(None) for field in told)),
    )
    with database.reading() as session:
        firsts = {day.replace(day=1) for day in session.exec(left.distinct())}
        past = {month_key(first): first for first in firsts if _is_past(first, at, years)}
        gone = database.keys.gone(past)
        return sorted(past[key_id] for key_id in gone if not _waits(session, past[key_id]))


def _waits(session: Session, first: date) -> bool:
    waiting = select(BankEntryRow.id).where(BankEntryRow.state == EntryState.WAITING, _booked_in(first))
    return session.exec(waiting.limit(1)).first() is not None


def _empty_entries(database: Database, first: date) -> None:
    with database.writing() as session:
        session.execute(
            update(BankEntryRow)
            .where(col(BankEntryRow.person_ref).is_(None), _booked_in(first))
            .values(other_name=None, other_iban=None, iban_index=None, text=None)
            .execution_options(synchronize_session=False)
        )


def _booked_in(first: date) -> ColumnElement[bool]:
    return and_(col(BankEntryRow.booked_on) >= first, col(BankEntryRow.booked_on) < _after(first))


def _after(first: date) -> date:
    """The first day of the next month."""
    return (first + timedelta(days=31)).replace(day=1)


def _is_past(first: date, at: datetime, years: int) -> bool:
    """Whether the month that begins on `first` ended `years` ago."""
    after = _after(first)
    return after.replace(year=after.year + years) <= at.astimezone(UTC).date()


def _years_before(day: date, years: int) -> date:
    """The first day of that month, `years` earlier."""
    return day.replace(year=day.year - years, day=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
