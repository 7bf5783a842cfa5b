"""What of a loan still needs its person though it may have ended: money to be given back or on its way, a question not
decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, union
from sqlalchemy.sql.selectable import CompoundSelect
from sqlmodel import Session, col, select

from domain.direct_debit import DebitState
from domain.ledger_entries import CaseKind
from records.inquiries import BEGINNING, UNKNOWN
from records.tables import (
    CaseState,
    CollectionCase,
    Debit,
    Loan,
    PaymentInquiry,
    PaymentLink,
    Person,
    RefundState,
    RefundTask,
)

MAY_COME_WITHIN = timedelta(days=14)
"""How long money is waited for of a transfer that a bank may have taken without saying so; nobody ever tells of it."""

# A refund that failed is owed as long as its case is open: another may be proposed.
_REFUND_WAITS = col(RefundTask.state).in_((RefundState.PROPOSED, RefundState.APPROVED))
_CASE_WAITS = and_(
    col(CollectionCase.state) == CaseState.OPEN,
    col(CollectionCase.kind).in_((CaseKind.REFUND.value, CaseKind.PAYMENT_QUERY.value, CaseKind.CIRCUMSTANCE.value)),
)

# One that waits for a file is in it before an erasure that overlooked it has emptied its mandate.
_DEBIT_WAITS = or_(
    col(Debit.state) == DebitState.FILED, and_(col(Debit.state) == DebitState.PLANNED, col(Debit.released))
)


def _transfer_waits(at: datetime) -> ColumnElement[bool]:
    not_told = and_(
        col(PaymentInquiry.status).in_((BEGINNING, UNKNOWN)), col(PaymentInquiry.created_at) > at - MAY_COME_WITHIN
    )
    return or_(col(PaymentInquiry.next_at).is_not(None), not_told)


def of_person(session: Session, person: Person, at: datetime) -> Sequence[str]:
    """In words for an operator, each with what names it: "refund 7 (approved)", "case demo-P-1-1-1 (refund)",
    "direct debit RCB... (filed)", "transfer 3f2a... (ACCP)"."""
    own = select(Loan.id).where(Loan.person_ref == person.id)
    refunds = select(RefundTask).where(col(RefundTask.loan_ref).in_(own), _REFUND_WAITS)
    cases = select(CollectionCase).where(col(CollectionCase.loan_ref).in_(own), _CASE_WAITS)
    debits = select(Debit).where(col(Debit.loan_ref).in_(own), _DEBIT_WAITS)
    links = select(PaymentLink.id).where(col(PaymentLink.loan_ref).in_(own))
    transfers = select(PaymentInquiry).where(col(PaymentInquiry.link_ref).in_(links), _transfer_waits(at))
    return [
        *(
            f"refund {task.id} ({task.state.value})"
            for task in session.exec(refunds.order_by(col(RefundTask.id))).all()
        ),
        *(
            f"case {case.case_id} ({case.kind.replace('_', ' ')})"
            for case in session.exec(cases.order_by(col(CollectionCase.opened_at), col(CollectionCase.case_id))).all()
        ),
        *(
            f"direct debit {debit.reference} ({debit.state.value})"
            for debit in session.exec(debits.order_by(col(Debit.id))).all()
        ),
        *(
            f"transfer {one.reference} ({one.status})"
            for one in session.exec(transfers.order_by(col(PaymentInquiry.id))).all()
        ),
    ]


def people(at: datetime) -> CompoundSelect[tuple[int]]:
    """The keys of everyone for whom something waits, as a query to select by."""
    return union(
        select(Loan.person_ref).join(RefundTask, col(RefundTask.loan_ref) == col(Loan.id)).where(_REFUND_WAITS),
        select(Loan.person_ref).join(CollectionCase, col(CollectionCase.loan_ref) == col(Loan.id)).where(_CASE_WAITS),
        select(Loan.person_ref).join(Debit, col(Debit.loan_ref) == col(Loan.id)).where(_DEBIT_WAITS),
        select(Loan.person_ref)
        .join(PaymentLink, col(PaymentLink.loan_ref) == col(Loan.id))
        .join(PaymentInquiry, col(PaymentInquiry.link_ref) == col(PaymentLink.id))
        .where(_transfer_waits(at)),
    )
