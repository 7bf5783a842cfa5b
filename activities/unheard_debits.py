"""A direct debit of which the bank tells nothing: closed by a person who found out there what became of it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from activities.due_debits import BANK_ZONE
from domain.direct_debit import DebitState, no_longer_awaited_from
from records import audit, debits, loans, mandates
from records.tables import Debit, DebitFile

NOT_COLLECTED = "a person saw at the bank that it was not collected"


class NotToSettle(RuntimeError):
    """The debit is not one that a person may close, or not yet; the text says why."""


def settle(session: Session, reference: str, *, came: bool, by: str, at: datetime) -> Debit:
    """Close a filed debit: its money came, or nothing was collected. Another debit of its loan may follow.

    No payment is booked: money that came and that no loan counts is recorded by itself. The loan is told nothing, since
    it has given the debit up by the day from which this is possible. Raises NotToSettle.
    """
    debit = debits.by_reference(session, reference)
    if debit is None:
        raise NotToSettle(f"no direct debit {reference[:35]!r}")
    if debit.state is not DebitState.FILED or debit.collect_on is None:
        raise NotToSettle(f"direct debit {debit.reference} is {debit.state.value}")
    first_day = no_longer_awaited_from(debit.collect_on)
    if at.astimezone(BANK_ZONE).date() < first_day:
        raise NotToSettle(f"the bank may still tell of direct debit {debit.reference}: settle it from {first_day} on")
    file = session.get_one(DebitFile, debit.file_ref) if debit.file_ref is not None else None
    if file is not None and file.answered_at is None:
        raise NotToSettle(f"it is not known whether the bank has file {file.message_id}: starter.py debit submit")
    if not came and debits.has_brought_money(session, debit):
        raise NotToSettle(f"the bank told of money of direct debit {debit.reference}: starter.py reconcile list")
    if came:
        debits.set_state(session, debit, DebitState.COLLECTED, at=at)
        mandates.collected(session, mandates.by_ref(session, debit.mandate_ref), debit.collect_on, at)
    else:
        debits.set_state(session, debit, DebitState.REJECTED, at=at, reason=NOT_COLLECTED)
    loan = loans.by_ref(session, debit.loan_ref)
    audit.append(
        session,
        at=at,
        actor=by[:80],
        action="debit_settled_by_hand",
        lender=loan.lender,
        loan_id=loan.loan_id,
        details={"reference": debit.reference, "came": came, "amount_minor": debit.amount_minor},
    )
    return debit
