"""Direct debits and the files they go to the bank in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, true
from sqlmodel import Session, col, select

from domain.direct_debit import PROVIDER, DebitState, reference_of
from records import audit
from records.locks import one_at_a_time
from records.tables import BankEntryRow, Contact, ContactState, Debit, DebitFile, EntryState, Loan, Mandate, Payment

_ANNOUNCED = (ContactState.SENT, ContactState.DELIVERED, ContactState.READ, ContactState.UNKNOWN)


def find(session: Session, loan: Loan, entry: int, step: str, occurrence: int) -> Debit | None:
    return session.exec(
        select(Debit).where(
            Debit.loan_ref == loan.id, Debit.entry == entry, Debit.step == step, Debit.occurrence == occurrence
        )
    ).first()


def order(
    session: Session,
    loan: Loan,
    mandate: Mandate,
    *,
    step: str,
    occurrence: int,
    amount_minor: int,
    noticed: bool,
    notice_days: int,
    at: datetime,
) -> Debit:
    """The debit of (loan, entry, step, occurrence), made if it is not there yet."""
    one_at_a_time(session, f"debit:{loan.id}:{loan.entry}:{step}:{occurrence}")
    known = find(session, loan, loan.entry, step, occurrence)
    if known is not None:
        return known
    assert loan.id is not None
    assert mandate.id is not None
    debit = Debit(
        loan_ref=loan.id,
        entry=loan.entry,
        step=step,
        occurrence=occurrence,
        reference=reference_of(loan.lender, loan.loan_id, loan.entry, step, occurrence),
        mandate_ref=mandate.id,
        amount_minor=amount_minor,
        currency=loan.currency,
        noticed=noticed,
        notice_days=notice_days,
        planned_at=at,
        changed_at=at,
    )
    session.add(debit)
    session.flush()
    return debit


def release(session: Session, debit: Debit, released: bool, at: datetime) -> None:
    """Let a planned debit go into the next file it is due in, or keep it back.

    One that is let go begins anew: a file that it was in before says nothing of how long its loan waits for it. Of a
    filed one it is noted: where the bank turns out not to have the file, the debit comes back to its loan.
    """
    if debit.state in (DebitState.PLANNED, DebitState.FILED) and debit.released is not released:
        if released and debit.state is DebitState.PLANNED:
            debit.collect_on = None
        debit.released, debit.changed_at = released, at
        session.add(debit)
        session.flush()


def set_state(session: Session, debit: Debit, state: DebitState, *, at: datetime, reason: str | None = None) -> None:
    debit.state, debit.changed_at = state, at
    debit.reason = reason[:80] if reason is not None else debit.reason
    session.add(debit)
    session.flush()


def drop(session: Session, debit: Debit, loan: Loan, why: str, actor: str, at: datetime) -> None:
    """It is in no file of which anything is collected, and never will be."""
    set_state(session, debit, DebitState.DROPPED, at=at, reason=why)
    audit.append(
        session,
        at=at,
        actor=actor,
        action="debit_dropped",
        lender=loan.lender,
        loan_id=loan.loan_id,
        details={"reference": debit.reference, "why": why},
    )


def by_reference(session: Session, reference: str) -> Debit | None:
    """A debit by its end-to-end reference, locked for this transaction."""
    return session.exec(select(Debit).where(Debit.reference == reference).with_for_update()).first()


def of_loan(session: Session, loan: Loan) -> Sequence[Debit]:
    return session.exec(select(Debit).where(Debit.loan_ref == loan.id).order_by(col(Debit.id))).all()


def is_collecting(session: Session, loan: Loan, besides: Debit | None = None) -> bool:
    """Whether another debit of the loan is with the bank, and what became of it not known; also one of a hand-over
    before: it takes the money all the same.
    """
    filed = select(Debit.id).where(Debit.loan_ref == loan.id, Debit.state == DebitState.FILED, _other_than(besides))
    return session.exec(filed.limit(1)).first() is not None


def under_mandate(session: Session, mandate: Mandate, besides: Debit | None = None) -> bool:
    """Whether another debit under the mandate is with the bank or was collected, of whichever loan."""
    used = select(Debit.id).where(
        Debit.mandate_ref == mandate.id,
        col(Debit.state).in_((DebitState.FILED, DebitState.COLLECTED)),
        _other_than(besides),
    )
    return session.exec(used.limit(1)).first() is not None


def _other_than(debit: Debit | None) -> ColumnElement[bool]:
    return col(Debit.id) != debit.id if debit is not None else true()


def has_brought_money(session: Session, debit: Debit) -> bool:
    """Whether the bank told of money under the debit's reference, also where a person must still say whose it is."""
    told = select(BankEntryRow.id).where(
        BankEntryRow.end_to_end_id == debit.reference,
        col(BankEntryRow.credit),
        col(BankEntryRow.state).in_((EntryState.DEBIT, EntryState.MATCHED, EntryState.WAITING)),
    )
    booked = select(Payment.id).where(Payment.provider == PROVIDER, Payment.payment_id == debit.reference)
    return session.exec(told.limit(1)).first() is not None or session.exec(booked.limit(1)).first() is not None


def announced_next(session: Session, loan: Loan) -> Debit | None:
    """The planned debit of a loan that is to be announced, the newest."""
    waiting = select(Debit).where(
        Debit.loan_ref == loan.id, Debit.entry == loan.entry, Debit.state == DebitState.PLANNED, col(Debit.noticed)
    )
    return session.exec(waiting.order_by(col(Debit.id).desc()).limit(1)).first()


def released(session: Session, lender: str) -> Sequence[tuple[Debit, Loan]]:
    """Debits that wait for a file, oldest first, locked for this transaction."""
    rows = session.exec(
        select(Debit, Loan)
        .join(Loan, col(Loan.id) == col(Debit.loan_ref))
        .where(Loan.lender == lender, Debit.state == DebitState.PLANNED, col(Debit.released))
        .order_by(col(Debit.id))
        .with_for_update(of=Debit.__table__)  # type: ignore[attr-defined]
    )
    return rows.all()


def lenders_with_released(session: Session) -> Sequence[str]:
    rows = session.exec(
        select(Loan.lender)
        .join(Debit, col(Debit.loan_ref) == col(Loan.id))
        .where(Debit.state == DebitState.PLANNED, col(Debit.released))
        .distinct()
        .order_by(Loan.lender)
    )
    return rows.all()


def announced_at(session: Session, loan: Loan, debit: Debit) -> datetime | None:
    """When the debit's notice went out, as far as anybody knows; None: it did not, or did not arrive."""
    sent = select(func.min(Contact.reserved_at)).where(
        Contact.loan_ref == loan.id,
        Contact.entry == debit.entry,
        Contact.step == debit.step,
        col(Contact.state).in_(_ANNOUNCED),
    )
    return session.exec(sent).one()


def first_filed_for(session: Session, loan: Loan, debit: Debit) -> date | None:
    """The day on which the first file it was in since it was let go was to collect it; None: it was in none since."""
    if debit.collect_on is None:
        return None
    filed = [
        row.details
        for row in audit.of_loan(session, loan.lender, loan.loan_id, action="debit_filed")
        if row.details.get("reference") == debit.reference and row.details.get("collect_on")
    ]
    # What was filed by an earlier version says only its own day.
    return date.fromisoformat(str(filed[-1].get("first_for") or filed[0]["collect_on"])) if filed else None


def new_file(session: Session, lender: str, day: date, *, message_id: str, number: int, at: datetime) -> DebitFile:
    """A file without its hash yet; the caller sees to the rest before the transaction ends."""
    file = DebitFile(
        lender=lender, day=day, number=number, message_id=message_id, sha256="", debits=0, amount_minor=0, made_at=at
    )
    session.add(file)
    session.flush()
    return file


def next_number(session: Session, lender: str, day: date) -> int:
    last = select(func.max(DebitFile.number)).where(DebitFile.lender == lender, DebitFile.day == day)
    return (session.exec(last).one() or 0) + 1


def file_of(session: Session, message_id: str) -> DebitFile | None:
    return session.exec(select(DebitFile).where(DebitFile.message_id == message_id).with_for_update()).first()


def unanswered(session: Session) -> Sequence[DebitFile]:
    """Files of which nobody knows yet whether the bank has them, oldest first."""
    waiting = select(DebitFile).where(col(DebitFile.answered_at).is_(None))
    return session.exec(waiting.order_by(col(DebitFile.id))).all()


def in_file(session: Session, file: DebitFile) -> Sequence[tuple[Debit, Loan, Mandate]]:
    rows = session.exec(
        select(Debit, Loan, Mandate)
        .join(Loan, col(Loan.id) == col(Debit.loan_ref))
        .join(Mandate, col(Mandate.id) == col(Debit.mandate_ref))
        .where(Debit.file_ref == file.id)
        .order_by(Debit.reference)
    )
    return rows.all()


def in_batch(session: Session, batch_id: str) -> Sequence[Debit]:
    return session.exec(select(Debit).where(Debit.batch_id == batch_id).order_by(col(Debit.id))).all()


def listing(session: Session, *, state: DebitState | None = None, limit: int = 1000) -> Sequence[tuple[Debit, Loan]]:
    query = select(Debit, Loan).join(Loan, col(Loan.id) == col(Debit.loan_ref))
    if state is not None:
        query = query.where(Debit.state == state)
    return session.exec(query.order_by(col(Debit.id).desc()).limit(limit)).all()
