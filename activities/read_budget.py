"""The day's reads of a consent, shared by all loans of the person and taken before the bank is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, literal, or_, update
from sqlmodel import Session, col, select

from records import consents
from records.locks import all_at_a_time
from records.tables import BalanceRead, Consent, Loan

DAY = timedelta(days=1)
FRESH_FOR = timedelta(minutes=25)
"""A reading so young is good for the person's other loans too; reads are placed half an hour apart at the closest."""
ANSWERS_WITHIN = timedelta(minutes=1)
BEGUN = "begun"
READ = "read"
OTHER_CURRENCY = "other_currency"
EXCEEDED = "ACCESS_EXCEEDED"

# What the bank served, or may have served without our hearing of it. An answer that refuses is no read.
_COUNTED = (
    BEGUN,
    "accounts",
    "credits",
    READ,
    OTHER_CURRENCY,
    "timeout",
    "connection_lost",
    "unreadable_answer",
    "no_usable_balance",
)

# Put together once: every read of a balance asks these.
_SAME = select(Consent.id).where(
    col(Consent.provider) == bindparam("provider"), col(Consent.consent_index) == bindparam("index")
)
"""The rows of one consent of the bank: people of several lenders may have handed over the same."""
_SAME_ACCOUNT = select(Consent.id).where(
    col(Consent.provider) == bindparam("provider"),
    or_(col(Consent.consent_index) == bindparam("index"), col(Consent.person_ref) == bindparam("person")),
)
"""Also those that the person gave there before: the law counts the account's reads, under whatever consent."""
_FRESH = (
    select(BalanceRead.at, BalanceRead.amount_minor)
    .join(Loan, col(Loan.id) == col(BalanceRead.loan_ref))
    .where(
        col(BalanceRead.consent_ref) == bindparam("consent"),
        col(BalanceRead.outcome) == literal(READ),
        col(Loan.currency) == bindparam("currency"),
        col(BalanceRead.at) >= bindparam("after"),
        col(BalanceRead.at) <= bindparam("until"),
    )
    .order_by(col(BalanceRead.at).desc(), col(BalanceRead.id).desc())
)
_BEGUN = (
    select(BalanceRead.at)
    .where(
        col(BalanceRead.consent_ref) == bindparam("consent"),
        col(BalanceRead.outcome) == literal(BEGUN),
        col(BalanceRead.at) > bindparam("after"),
        col(BalanceRead.at) <= bindparam("until"),
    )
    .order_by(col(BalanceRead.at).desc())
)
_REFUSED = select(BalanceRead.id).where(
    col(BalanceRead.consent_ref).in_(_SAME),
    col(BalanceRead.outcome) == literal(EXCEEDED),
    col(BalanceRead.at) >= bindparam("since"),
)
_OUTCOME = (
    update(BalanceRead.__table__)  # type: ignore[attr-defined]
    .where(col(BalanceRead.id) == bindparam("read"))
    .values(outcome=bindparam("became"), amount_minor=bindparam("amount"))
)
_COUNTED_SINCE = (
    select(BalanceRead.at)
    .where(
        col(BalanceRead.consent_ref).in_(_SAME_ACCOUNT),
        col(BalanceRead.at) >= bindparam("since"),
        or_(*(col(BalanceRead.outcome) == literal(outcome) for outcome in _COUNTED)),
    )
    .order_by(col(BalanceRead.at))
)


@dataclass(frozen=True)
class Taken:
    """One read of the day is this caller's: the row is kept whatever becomes of it."""

    read_id: int
    consent: Consent
    at: datetime


@dataclass(frozen=True)
class ReadBefore:
    """The same account was read a moment ago, perhaps for another loan of the person."""

    at: datetime
    amount_minor: int


@dataclass(frozen=True)
class BeingRead:
    """Another loan is just reading the account; what it reads will do from `ask_at` on."""

    ask_at: datetime


@dataclass(frozen=True)
class UsedUp:
    """No read is left; the next one is free at `free_at`."""

    free_at: datetime


def take_read(
    session: Session, consent: Consent, loan: Loan, at: datetime, zone: ZoneInfo
) -> Taken | ReadBefore | BeingRead | UsedUp:
    """A fresh reading, else one of the consent's reads. `zone`: where the bank's calendar day turns.

    Never more than the consent allows within 24 hours, nor within a calendar day of 25, over all loans, campaigns and
    lenders that hold it, and over the person's other consents there: the bank counts the consent, whoever's it is here,
    and the law the account (RTS on SCA, art. 36(5)(b)). Needs `Database.writing()`; on PostgreSQL
    others who want a read of this consent wait for it.
    """
    same = (f"consent:{consent.provider}:{consent.consent_index}", f"consents of:{consent.person_ref}")
    all_at_a_time(session, same)
    if (fresh := _fresh(session, consent, loan, at)) is not None:
        return fresh
    if (begun := _being_read(session, consent, at)) is not None:
        return BeingRead(begun + ANSWERS_WITHIN)
    today, tomorrow = _day(at, zone)
    if _refused_since(session, consent, today):
        return UsedUp(tomorrow)
    reads = counted_since(session, consent, min(today, at - DAY))
    if len(reads) >= consent.reads_per_day:
        free_at = reads[len(reads) - consent.reads_per_day] + DAY + timedelta(seconds=1)
        return UsedUp(free_at if free_at > at else tomorrow)
    return Taken(consents.record_read(session, consent, loan, at=at, outcome=BEGUN), consent, at)


def keep_outcome(session: Session, read_id: int, outcome: str, amount_minor: int | None = None) -> None:
    """What became of a read that was taken."""
    session.connection().execute(_OUTCOME, {"read": read_id, "became": outcome[:80], "amount": amount_minor})


def _fresh(session: Session, consent: Consent, loan: Loan, at: datetime) -> ReadBefore | None:
    span = {"after": at - FRESH_FOR, "until": at}
    row = session.exec(_FRESH, params={"consent": consent.id, "currency": loan.currency, **span}).first()
    return None if row is None or row[1] is None else ReadBefore(row[0], row[1])


def _being_read(session: Session, consent: Consent, at: datetime) -> datetime | None:
    """Since when a read is under way. An answer that takes longer is taken for lost, and the read stays counted."""
    return session.exec(_BEGUN, params={"consent": consent.id, "after": at - ANSWERS_WITHIN, "until": at}).first()


def _refused_since(session: Session, consent: Consent, since: datetime) -> bool:
    return session.exec(_REFUSED, params={**_same(consent), "since": since}).first() is not None


def counted_since(session: Session, consent: Consent, since: datetime) -> list[datetime]:
    """The reads that count against the consent, oldest first."""
    given = {**_same(consent), "person": consent.person_ref, "since": since}
    return list(session.exec(_COUNTED_SINCE, params=given).all())


def _same(consent: Consent) -> dict[str, object]:
    return {"provider": consent.provider, "index": consent.consent_index}


def _day(at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The bank's calendar day around `at`: when it began, and when the next one does."""
    today = at.astimezone(zone).date()
    return datetime.combine(today, time(0), zone), datetime.combine(today + DAY, time(0), zone)
