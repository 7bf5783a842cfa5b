"""Refunds: proposed, decided by another, given back once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from domain.money import Money
from domain.refunds import why_not_given_back as rests_on_nothing
from records import audit, loans, payments
from records.locks import one_at_a_time
from records.tables import CaseState, CollectionCase, Loan, Payment, RefundState, RefundTask, RefundWay

_ASKED = "the gateway was asked, and its answer is not known"
_ASKED_AGAIN = "the gateway was asked more than once, and its answer is not known"
_RESTORED = "the records were restored since: the gateway may have been asked, and its answer is not known"
LOOK_THERE = "the gateway was asked before and its answer was lost: look there whether the money went back"
"""Of one that failed so it is not known for sure."""
NOT_MADE = "a person saw at the gateway that it was not given back"


class UnknownRefund(LookupError):
    """No refund has this number."""


class RefundMoved(RuntimeError):
    """It is not in the state this needs; the text says which."""


def propose(
    session: Session,
    case: CollectionCase,
    payment: Payment,
    *,
    amount_minor: int,
    way: RefundWay,
    by: str,
    at: datetime,
) -> RefundTask:
    """A new proposal. Raises RefundMoved when the case has one that was not rejected and did not fail."""
    one_at_a_time(session, f"refund:{case.case_id}")
    if (live := _live(session, case.case_id)) is not None:
        raise RefundMoved(f"refund {live.id} of this case is {live.state.value}")
    assert payment.id is not None
    task = RefundTask(
        case_id=case.case_id,
        loan_ref=case.loan_ref,
        payment_ref=payment.id,
        amount_minor=amount_minor,
        currency=payment.currency,
        way=way,
        proposed_by=by,
        proposed_at=at,
    )
    session.add(task)
    session.flush()
    _note(session, task, "refund_proposed", by, at)
    return task


def get(session: Session, number: int) -> RefundTask:
    """A refund by its number, locked for this transaction. Raises UnknownRefund."""
    task = session.exec(select(RefundTask).where(RefundTask.id == number).with_for_update()).first()
    if task is None:
        raise UnknownRefund(f"no refund {number}")
    return task


def decide(
    session: Session, task: RefundTask, *, approved: bool, by: str, at: datetime, why: str | None = None
) -> None:
    """Raises RefundMoved when it is decided already; the same person's same decision again changes nothing."""
    wanted = RefundState.APPROVED if approved else RefundState.REJECTED
    if task.decided_by == by and task.state in (wanted, RefundState.DONE if approved else wanted):
        return
    if task.state is not RefundState.PROPOSED:
        raise RefundMoved(f"refund {task.id} is {task.state.value}")
    task.state, task.decided_by, task.decided_at = wanted, by, at
    if why is not None or not approved:
        task.why = why
    session.add(task)
    session.flush()
    _note(session, task, "refund_approved" if approved else "refund_rejected", by, at)


def why_not_given_back(session: Session, task: RefundTask) -> str | None:
    """Why an approved refund is not to be given back any more, as the records stand now, or None."""
    payment = session.get_one(Payment, task.payment_ref)
    case = session.get_one(CollectionCase, task.case_id)
    loan = loans.by_ref(session, task.loan_ref)
    return rests_on_nothing(
        task.amount_minor,
        # Of an entry that is over it is no longer known what was due.
        excess_minor=-payments.balance_due(session, loan) if payment.entry == loan.entry else None,
        left_of_payment_minor=payment.amount_minor - payment.refunded_minor,
        taken_back=payment.reversed_at is not None,
        case_open=case.state is CaseState.OPEN,
    )


def was_asked_for(task: RefundTask) -> bool:
    """Whether the gateway may have given it back already: it was asked, and its answer was lost."""
    return task.state is RefundState.APPROVED and task.why in (_ASKED, _ASKED_AGAIN, _RESTORED)


def note_asked(session: Session, task: RefundTask, given_back_before_minor: int | None) -> bool:
    """The gateway is about to be asked for the first time; what it says it had given back of the payment before.

    False, with nothing changed, when another attempt asks, or has asked, or the refund is not approved any more.
    """
    if task.state is not RefundState.APPROVED or was_asked_for(task):
        return False
    task.why, task.given_back_before_minor = _ASKED, given_back_before_minor
    session.add(task)
    session.flush()
    return True


def why_given_back_elsewhere(session: Session, task: RefundTask) -> str | None:
    """Why a refund that was noted as asked for is not made: its gateway says that more of the payment was given back
    than the records know of, such as on the gateway's own pages. None: it may be made.
    """
    payment = session.get_one(Payment, task.payment_ref)
    others = select(RefundTask).where(
        RefundTask.payment_ref == payment.id, RefundTask.state == RefundState.APPROVED, RefundTask.id != task.id
    )
    under_way = sum(one.amount_minor for one in session.exec(others).all() if was_asked_for(one))
    there, here = task.given_back_before_minor or 0, payment.refunded_minor
    if there <= here + under_way:
        return None
    told, known = (Money(amount_minor=minor, currency=payment.currency).major for minor in (there, here))
    return (
        f"{payment.provider[:20]} says that {told} {payment.currency} of the payment went back already, and {known} is "
        "known here: look there; propose that --transfer and say it is paid"
    )


def note_asked_again(session: Session, task: RefundTask) -> None:
    """The gateway is about to be asked once more: that an earlier attempt did nothing says no longer that none did."""
    if was_asked_for(task):
        task.why = _ASKED_AGAIN
        session.add(task)
        session.flush()


def doubt_after_restore(session: Session) -> list[RefundTask]:
    """The records are of an earlier day: what waits to be given back may have been since. Those refunds, oldest first.

    A gateway is asked whether it has made one before it is asked to; that stays so for one that is approved later.
    """
    open_ones = (RefundState.PROPOSED, RefundState.APPROVED)
    found = session.exec(
        select(RefundTask).where(col(RefundTask.state).in_(open_ones)).order_by(col(RefundTask.id)).with_for_update()
    ).all()
    for task in found:
        if task.way is RefundWay.GATEWAY and task.why not in (_ASKED, _ASKED_AGAIN):
            task.why, task.given_back_before_minor = _RESTORED, None
            session.add(task)
    session.flush()
    return list(found)


def is_open_for(session: Session, payment: Payment) -> bool:
    """Whether some of this payment is still to be given back."""
    open_ones = (RefundState.PROPOSED, RefundState.APPROVED)
    found = select(RefundTask.id).where(RefundTask.payment_ref == payment.id, col(RefundTask.state).in_(open_ones))
    return session.exec(found.limit(1)).first() is not None


def note_not_asked(session: Session, task: RefundTask) -> None:
    """The attempt that asked first has surely done nothing; this stands only where no other asked meanwhile."""
    if task.state is RefundState.APPROVED and task.why == _ASKED:
        task.why, task.given_back_before_minor = None, None
        session.add(task)
        session.flush()


def done(session: Session, task: RefundTask, *, reference: str, at: datetime) -> Payment:
    """The money was given back, once: the payment counts for that much less. The payment.

    One that was given up counts too where it was made all the same: by the lender's transfer, or by a gateway whose
    answer was lost.
    """
    payment = session.get_one(Payment, task.payment_ref, with_for_update=True)
    if task.state is RefundState.DONE:
        return payment
    made_anyway = task.state is RefundState.FAILED and (task.way is RefundWay.TRANSFER or is_in_doubt(task))
    if task.state is not RefundState.APPROVED and not made_anyway:
        raise RefundMoved(f"refund {task.id} is {task.state.value}")
    if made_anyway and (live := _live(session, task.case_id)) is not None:
        raise RefundMoved(f"refund {live.id} took its place and is {live.state.value}")
    task.state, task.reference, task.done_at, task.why = RefundState.DONE, reference[:255], at, None
    payment.refunded_minor += task.amount_minor
    session.add_all((task, payment))
    session.flush()
    _note(session, task, "refund_done", task.decided_by or "", at)
    return payment


def failed(session: Session, task: RefundTask, *, why: str, at: datetime) -> None:
    """The gateway will not give it back, or nothing is to be given back: it may be proposed anew."""
    if task.state is RefundState.APPROVED:
        task.state, task.why = RefundState.FAILED, why[:200]
        session.add(task)
        session.flush()
        _note(session, task, "refund_failed", task.decided_by or "", at)


def is_in_doubt(task: RefundTask) -> bool:
    """Whether the gateway was asked for it and nobody knows if it gave the money back."""
    return was_asked_for(task) or (task.state is RefundState.FAILED and task.why is not None and LOOK_THERE in task.why)


def not_made(session: Session, task: RefundTask, *, by: str, at: datetime) -> None:
    """A person looked at the gateway, which did not give it back: it may be proposed anew. Raises RefundMoved."""
    if not is_in_doubt(task):
        raise RefundMoved(f"refund {task.id} is {task.state.value}, and no answer about it was lost")
    task.state, task.why = RefundState.FAILED, NOT_MADE
    session.add(task)
    session.flush()
    _note(session, task, "refund_failed", by, at)


def left_in_doubt(session: Session, case_id: str) -> RefundTask | None:
    """A refund of the case that failed and whose money may have gone back all the same."""
    failed_ones = select(RefundTask).where(
        RefundTask.case_id == case_id,
        RefundTask.state == RefundState.FAILED,
        col(RefundTask.why).contains(LOOK_THERE, autoescape=True),
    )
    return session.exec(failed_ones.order_by(col(RefundTask.id).desc())).first()


def given_back(session: Session, payment: Payment) -> int:
    """What of a payment was given back, or is being given back right now."""
    under_way = session.exec(
        select(func.coalesce(func.sum(RefundTask.amount_minor), 0)).where(
            RefundTask.payment_ref == payment.id, RefundTask.state == RefundState.APPROVED
        )
    ).one()
    return payment.refunded_minor + int(under_way)


def listing(session: Session, *, state: RefundState | None = None) -> list[tuple[RefundTask, Loan]]:
    """Refunds with their loans, oldest first."""
    query = select(RefundTask, Loan).join(Loan, col(Loan.id) == col(RefundTask.loan_ref))
    if state is not None:
        query = query.where(RefundTask.state == state)
    return [(task, loan) for task, loan in session.exec(query.order_by(col(RefundTask.id))).all()]


def _live(session: Session, case_id: str) -> RefundTask | None:
    """The case's refund that was not rejected and did not fail."""
    live = (RefundState.PROPOSED, RefundState.APPROVED, RefundState.DONE)
    return session.exec(
        select(RefundTask).where(RefundTask.case_id == case_id, col(RefundTask.state).in_(live))
    ).first()


def _note(session: Session, task: RefundTask, action: str, by: str, at: datetime) -> None:
    loan = loans.by_ref(session, task.loan_ref)
    audit.append(
        session,
        at=at,
        actor=by,
        action=action,
        lender=loan.lender,
        loan_id=loan.loan_id,
        details={
            "refund": task.id,
            "case_id": task.case_id,
            "amount_minor": task.amount_minor,
            "currency": task.currency,
            "way": task.way.value,
            "reference": task.reference,
        },
    )
