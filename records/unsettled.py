"""What of a loan still needs its person though it may have ended: money to be given back, a question not decided."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, union
from sqlalchemy.sql.selectable import CompoundSelect
from sqlmodel import Session, col, select

from domain.ledger_entries import CaseKind
from records.tables import CaseState, CollectionCase, Loan, Person, RefundState, RefundTask

# A refund that failed is owed as long as its case is open: another may be proposed.
_REFUND_WAITS = col(RefundTask.state).in_((RefundState.PROPOSED, RefundState.APPROVED))
_CASE_WAITS = and_(
    col(CollectionCase.state) == CaseState.OPEN,
    col(CollectionCase.kind).in_((CaseKind.REFUND.value, CaseKind.PAYMENT_QUERY.value, CaseKind.CIRCUMSTANCE.value)),
)


def of_person(session: Session, person: Person) -> Sequence[str]:
    """In words for an operator, each with what names it: "refund 7 (approved)", "case demo-P-1-1-1 (refund)"."""
    own = select(Loan.id).where(Loan.person_ref == person.id)
    refunds = select(RefundTask).where(col(RefundTask.loan_ref).in_(own), _REFUND_WAITS)
    cases = select(CollectionCase).where(col(CollectionCase.loan_ref).in_(own), _CASE_WAITS)
    return [
        *(
            f"refund {task.id} ({task.state.value})"
            for task in session.exec(refunds.order_by(col(RefundTask.id))).all()
        ),
        *(
            f"case {case.case_id} ({case.kind.replace('_', ' ')})"
            for case in session.exec(cases.order_by(col(CollectionCase.opened_at), col(CollectionCase.case_id))).all()
        ),
    ]


def people() -> CompoundSelect[tuple[int]]:
    """The keys of everyone for whom something waits, as a query to select by."""
    return union(
        select(Loan.person_ref).join(RefundTask, col(RefundTask.loan_ref) == col(Loan.id)).where(_REFUND_WAITS),
        select(Loan.person_ref).join(CollectionCase, col(CollectionCase.loan_ref) == col(Loan.id)).where(_CASE_WAITS),
    )
