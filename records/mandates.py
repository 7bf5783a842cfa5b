"""Mandates to collect by direct debit: kept, found, used up, ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session, col, select

from domain.direct_debit import MandateStatus, SequenceType, has_lapsed
from records import person_keys
from records.locks import one_at_a_time
from records.tables import Loan, Mandate, Person
from records.tables.sealing import IBAN


class MandateExists(ValueError):
    """The lender has used this mandate reference for something else."""


class UnknownMandate(LookupError):
    """The lender has no mandate of this reference."""


def add(
    session: Session,
    person: Person,
    *,
    reference: str,
    iban: str,
    signed_on: date,
    sequence: SequenceType,
    at: datetime,
    holder: str | None = None,
    bic: str | None = None,
) -> bool:
    """Keep a mandate once; False when exactly this one is kept already. Raises MandateExists.

    `iban` without spaces, checked before. A mandate that was cancelled is not brought to life.
    """
    one_at_a_time(session, f"mandate:{person.lender}:{reference}")
    known = find(session, person.lender, reference)
    if known is not None:
        same = (known.person_ref, known.iban, known.signed_on) == (person.id, iban, signed_on)
        if same and known.status is MandateStatus.ACTIVE:
            return False
        why = f"is {known.status}: a new one needs a reference of its own" if same else "is another mandate's"
        raise MandateExists(f"mandate reference {reference!r} {why}")
    assert person.id is not None
    session.add(
        Mandate(
            lender=person.lender,
            person_ref=person.id,
            reference=reference,
            iban=iban,
            holder=holder,
            bic=bic,
            signed_on=signed_on,
            sequence=sequence,
            created_at=at,
            changed_at=at,
        )
    )
    session.flush()
    return True


def find(session: Session, lender: str, reference: str) -> Mandate | None:
    return session.exec(select(Mandate).where(Mandate.lender == lender, Mandate.reference == reference)).first()


def get(session: Session, lender: str, reference: str) -> Mandate:
    """As `find`, but raises UnknownMandate."""
    mandate = find(session, lender, reference)
    if mandate is None:
        raise UnknownMandate(f"no mandate {reference!r} of lender {lender!r}")
    return mandate


def by_ref(session: Session, mandate_ref: int) -> Mandate:
    """A mandate by its surrogate key. Raises KeyError."""
    mandate = session.get(Mandate, mandate_ref)
    if mandate is None:
        raise KeyError(mandate_ref)
    return mandate


def of_person(session: Session, person_ref: int) -> Sequence[Mandate]:
    """All mandates of a person, oldest first."""
    return session.exec(select(Mandate).where(Mandate.person_ref == person_ref).order_by(col(Mandate.id))).all()


def usable(session: Session, loan: Loan, on: date) -> Mandate | None:
    """The mandate a debit of `loan` may be made under on a day; the one signed last."""
    active = select(Mandate).where(Mandate.person_ref == loan.person_ref, Mandate.status == MandateStatus.ACTIVE)
    rows = session.exec(active.order_by(col(Mandate.signed_on), col(Mandate.id))).all()
    good = [row for row in rows if row.iban and not has_lapsed(row.last_used_on or row.signed_on, on)]
    return good[-1] if good else None


def people_of(session: Session, iban: str) -> frozenset[int]:
    """Who has a mandate over an account."""
    index = person_keys.of(session).index(IBAN, iban)
    return frozenset(session.exec(select(Mandate.person_ref).where(Mandate.iban_index == index)).all())


def listing(session: Session, *, lender: str | None = None, status: MandateStatus | None = None) -> Sequence[Mandate]:
    query = select(Mandate).order_by(col(Mandate.id))
    if lender is not None:
        query = query.where(Mandate.lender == lender)
    if status is not None:
        query = query.where(Mandate.status == status)
    return session.exec(query).all()


def set_status(session: Session, mandate: Mandate, status: MandateStatus, *, reason: str, at: datetime) -> bool:
    """False when it changes nothing. What was cancelled stays so."""
    if mandate.status in (status, MandateStatus.CANCELLED):
        return False
    mandate.status, mandate.reason, mandate.changed_at = status, reason[:80], at
    session.add(mandate)
    session.flush()
    return True


def collected(session: Session, mandate: Mandate, on: date, at: datetime) -> None:
    """A collection succeeded: the next one is no longer the first, and a one-off mandate is used up."""
    mandate.last_used_on = max(on, mandate.last_used_on or on)
    if mandate.sequence is SequenceType.FRST:
        mandate.sequence = SequenceType.RCUR
    mandate.changed_at = at
    session.add(mandate)
    session.flush()
    if mandate.sequence is SequenceType.OOFF:
        set_status(session, mandate, MandateStatus.CANCELLED, reason="used up: it was for one debit", at=at)
