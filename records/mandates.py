"""Mandates to collect by direct debit: kept, found, used up, ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import insert
from sqlmodel import Session, col, select

from domain.direct_debit import MandateScheme, MandateStatus, SequenceType, has_lapsed
from domain.portfolio import PortfolioLoan
from records import debits, person_keys
from records.locks import all_at_a_time, one_at_a_time
from records.sealed import Private
from records.tables import Debit, Loan, Mandate, Person
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
    scheme: MandateScheme | None = None,
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
            scheme=scheme,
            sequence=sequence,
            created_at=at,
            changed_at=at,
        )
    )
    session.flush()
    return True


def enter(
    session: Session,
    lender: str,
    rows: Sequence[PortfolioLoan],
    people: Mapping[str, int],
    key_ids: Mapping[int, str],
    at: datetime,
) -> dict[str, str]:
    """Keep the mandates that rows of a lender's file name, in bulk; by loan, why one could not be kept.

    `people` are their own numbers by the lender's id, `key_ids` their keys by the number. A mandate that is kept
    already stays as it is: one that was blocked or cancelled is not brought to life by a file.
    """
    named = {loan.mandate_reference: loan for loan in reversed(rows) if loan.mandate_reference and loan.mandate_iban}
    if not named:
        return {}
    all_at_a_time(session, [f"mandate:{lender}:{reference}" for reference in named])
    known = {
        row.reference: row
        for row in session.exec(
            select(Mandate).where(Mandate.lender == lender, col(Mandate.reference).in_(named))
        ).all()
    }
    keys = person_keys.of(session)
    refused = {
        loan.loan_id: f"mandate reference {row.reference!r} is another mandate's"
        for loan in rows
        if (row := known.get(loan.mandate_reference or "")) is not None
        and (row.person_ref, row.iban, row.signed_on)
        != (people[loan.person_id], loan.mandate_iban, loan.mandate_signed_on)
    }
    new = []
    for reference, loan in named.items():
        if reference in known:
            continue
        ref = people[loan.person_id]
        assert loan.mandate_iban is not None
        new.append(
            {
                "lender": lender,
                "person_ref": ref,
                "reference": reference,
                "iban": Private(loan.mandate_iban, key_ids[ref]),
                "holder": None if loan.mandate_holder is None else Private(loan.mandate_holder, key_ids[ref]),
                "iban_index": keys.index(IBAN, loan.mandate_iban),
                "bic": None,
                "signed_on": loan.mandate_signed_on,
                "scheme": loan.mandate_scheme,
                "sequence": loan.mandate_sequence or SequenceType.FRST,
                "status": MandateStatus.ACTIVE,
                "reason": None,
                "last_used_on": None,
                "created_at": at,
                "changed_at": at,
            }
        )
    if new:
        session.execute(insert(Mandate), new)
    return refused


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


def usable(
    session: Session, loan: Loan, on: date, scheme: str | None = None, debit: Debit | None = None
) -> Mandate | None:
    """The mandate a debit of `loan` may be made under on a day; of several, the one signed last. As `is_usable`."""
    rows = session.exec(
        select(Mandate)
        .where(Mandate.person_ref == loan.person_ref)
        .order_by(col(Mandate.signed_on).desc(), col(Mandate.id).desc())
    ).all()
    return next((row for row in rows if is_usable(session, row, on, scheme, debit)), None)


def is_usable(
    session: Session, mandate: Mandate, on: date, scheme: str | None = None, debit: Debit | None = None
) -> bool:
    """Whether `debit`, or one that is still to be ordered, may be made under a mandate on a day, in that scheme.

    A mandate that names no scheme is good in any. A one-off mandate is good for one debit, of one loan.
    """
    return (
        mandate.status is MandateStatus.ACTIVE
        and bool(mandate.iban)
        and not has_lapsed(mandate.last_used_on or mandate.signed_on, on)
        and (scheme is None or mandate.scheme is None or mandate.scheme == scheme)
        and not (mandate.sequence is SequenceType.OOFF and debits.under_mandate(session, mandate, debit))
    )


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
