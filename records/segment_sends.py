"""Messages to a segment: which loans meet a condition, which have heard of it, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, col, select, update

from domain.contact import Channel
from domain.money import Money
from domain.notices import step_of
from domain.segment import Condition, LoanRow
from records import payments, people
from records.tables import Contact, Loan, LoanState, Person, SegmentSend, SegmentSendLoan, SegmentSendState
from records.tables.money import Consent, ConsentStatus

_PAGE = 500


class UnknownSend(LookupError):
    """No message to a segment has this id."""


class SendExists(ValueError):
    """Another message to a segment has this id."""


@dataclass(frozen=True)
class SendProgress:
    """Counts of loans: `total` = `waiting` + `told` + `refused`. `contacts` of those told, by the ledger's state."""

    total: int
    waiting: int
    told: int
    refused: int
    contacts: dict[str, int]


@dataclass(frozen=True)
class Claimed:
    """A loan to tell. `over`: the hand-over it was picked for is, the loan was handed over again since."""

    ref: int
    lender: str
    loan_id: str
    over: bool


def get(session: Session, send_id: str) -> SegmentSend:
    """Raises UnknownSend."""
    send = session.get(SegmentSend, send_id)
    if send is None:
        raise UnknownSend(f"no message to a segment {send_id!r}")
    return send


def listing(session: Session) -> Sequence[SegmentSend]:
    """All, oldest first."""
    return session.exec(select(SegmentSend).order_by(col(SegmentSend.created_at), col(SegmentSend.id))).all()


def matching(session: Session, lender: str, condition: Condition, at: datetime) -> Iterator[tuple[Loan, Person]]:
    """The lender's loans in collection that meet the condition at `at`, in the order they were handed over."""
    last = 0
    while True:
        page = session.exec(
            select(Loan, Person)
            .join(Person, col(Person.id) == col(Loan.person_ref))
            .where(Loan.lender == lender, Loan.state == LoanState.IN_COLLECTION, col(Loan.id) > last)
            .order_by(col(Loan.id))
            .limit(_PAGE)
        ).all()
        for loan, person in page:
            assert loan.id is not None
            last = loan.id
            if condition.holds(row_of(session, loan, person, at)):
                yield loan, person
        if len(page) < _PAGE:
            return


def row_of(session: Session, loan: Loan, person: Person, at: datetime) -> LoanRow:
    """The loan by the names of `domain.segment.FIELDS`; days past due by the borrower's own date."""
    due = payments.balance_due(session, loan)
    today = at.astimezone(ZoneInfo(person.timezone)).date() if person.timezone else None
    has_consent = select(Consent.id).where(Consent.person_ref == person.id, Consent.status == ConsentStatus.VALID)
    return {
        "dpd": Decimal((today - loan.due_date).days) if today is not None else None,
        "amount": Money(amount_minor=max(due, 0), currency=loan.currency).major,
        "currency": loan.currency,
        "country": person.country,
        "region": person.region,
        "city": person.city,
        "language": person.language,
        "grade": loan.grade,
        "stage": loan.stage,
        "strategy": loan.strategy_name,
        "campaign": loan.campaign_id,
        "loan": loan.loan_id,
        "consent": session.exec(has_consent).first() is not None,
        "phone": people.address(session, person, Channel.SMS) is not None,
        "email": people.address(session, person, Channel.EMAIL) is not None,
    }


def create(session: Session, send: SegmentSend, loans: Sequence[tuple[int, int]]) -> None:
    """Keep the order and its loans, given as (loan ref, entry). Raises SendExists."""
    if session.get(SegmentSend, send.id) is not None:
        raise SendExists(f"a message to a segment {send.id!r} exists already: `campaign sends` lists all")
    send.total = len(loans)
    session.add(send)
    session.flush()
    session.add_all(SegmentSendLoan(send_id=send.id, loan_ref=ref, entry=entry) for ref, entry in loans)
    session.flush()


def claim_page(session: Session, send_id: str, limit: int) -> list[Claimed]:
    """Loans that have not heard of it; each stays here until it is marked."""
    return [
        Claimed(ref, lender, loan_id, over=bool(over))
        for ref, lender, loan_id, over in session.exec(
            select(SegmentSendLoan.loan_ref, Loan.lender, Loan.loan_id, Loan.entry != SegmentSendLoan.entry)
            .join(Loan, col(Loan.id) == col(SegmentSendLoan.loan_ref))
            .where(
                SegmentSendLoan.send_id == send_id,
                col(SegmentSendLoan.told_at).is_(None),
                col(SegmentSendLoan.refused).is_(None),
            )
            .order_by(col(SegmentSendLoan.loan_ref))
            .limit(limit)
        ).all()
    ]


def may_have_heard(
    session: Session, send_id: str, *, after: int, limit: int, at_once: int
) -> list[tuple[int, str, str]]:
    """(loan ref, lender, loan id) of its loans in collection that were not refused, from the first ref above `after`.

    Told ones, and the next `at_once`, which are told together: before a crash or a stop some of them may have been told
    and not marked so.
    """
    not_marked = (
        select(SegmentSendLoan.loan_ref)
        .where(
            SegmentSendLoan.send_id == send_id,
            col(SegmentSendLoan.told_at).is_(None),
            col(SegmentSendLoan.refused).is_(None),
        )
        .order_by(col(SegmentSendLoan.loan_ref))
        .limit(at_once)
    )
    next_ones = session.exec(not_marked).all()
    return [
        (ref, lender, loan_id)
        for ref, lender, loan_id in session.exec(
            select(SegmentSendLoan.loan_ref, Loan.lender, Loan.loan_id)
            .join(Loan, col(Loan.id) == col(SegmentSendLoan.loan_ref))
            .where(
                SegmentSendLoan.send_id == send_id,
                SegmentSendLoan.loan_ref > after,
                col(SegmentSendLoan.refused).is_(None),
                col(SegmentSendLoan.told_at).is_not(None) | col(SegmentSendLoan.loan_ref).in_(next_ones),
                Loan.state == LoanState.IN_COLLECTION,
            )
            .order_by(col(SegmentSendLoan.loan_ref))
            .limit(limit)
        ).all()
    ]


def mark_told(session: Session, send_id: str, refs: Sequence[int], *, at: datetime) -> None:
    _mark(session, send_id, refs, told_at=at)


def mark_refused(session: Session, send_id: str, refs: Sequence[int], *, reason: str) -> None:
    _mark(session, send_id, refs, refused=reason[:200])


def _mark(session: Session, send_id: str, refs: Sequence[int], **values: object) -> None:
    session.exec(
        update(SegmentSendLoan)
        .where(
            col(SegmentSendLoan.send_id) == send_id,
            col(SegmentSendLoan.loan_ref).in_(refs),
            col(SegmentSendLoan.told_at).is_(None),
        )
        .values(**values)
    )


def set_state(session: Session, send_id: str, state: SegmentSendState) -> None:
    """A stopped one stays stopped. Raises UnknownSend."""
    send = get(session, send_id)
    if send.state is not SegmentSendState.STOPPED:
        send.state = state
        session.add(send)
        session.flush()


def progress(session: Session, send_id: str) -> SendProgress:
    """How far it came. Raises UnknownSend."""
    send = get(session, send_id)
    was_told = col(SegmentSendLoan.told_at).is_not(None)
    refused = col(SegmentSendLoan.refused).is_not(None)
    counts = {
        (bool(heard), bool(no)): number
        for heard, no, number in session.exec(
            select(was_told, refused, func.count())
            .where(SegmentSendLoan.send_id == send_id)
            .group_by(was_told, refused)
        ).all()
    }
    states = session.exec(
        select(Contact.state, func.count())
        .join(SegmentSendLoan, col(SegmentSendLoan.loan_ref) == col(Contact.loan_ref))
        .where(
            SegmentSendLoan.send_id == send_id,
            Contact.step == step_of(send_id),
            Contact.entry == SegmentSendLoan.entry,
        )
        .group_by(Contact.state)
    ).all()
    found = {str(state): number for state, number in states}
    heard = sum(number for (was, _), number in counts.items() if was)
    no = sum(number for (was, no), number in counts.items() if no and not was)
    return SendProgress(
        total=send.total,
        waiting=send.total - heard - no,
        told=heard,
        refused=no,
        contacts=found,
    )
