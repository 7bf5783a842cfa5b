"""What people write when none of their loans is in collection nor about to be: a person reads it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from domain.cases import queue_for
from domain.ledger_entries import CaseKind
from domain.replies.labels import Intent
from records import cases, people, strategies
from records.tables import CaseState, InboundMessage, Loan, LoanState, Person
from web.consequence import note

_FOR_A_PERSON = frozenset(
    {Intent.ALREADY_PAID, Intent.PAYMENT_RECEIPT, Intent.HARDSHIP, Intent.REQUEST_PLAN, Intent.CALLBACK_REQUEST}
)

_WHEN = {LoanState.ENDED: "after the loan had ended", LoanState.WAITING: "while the loan was not in collection"}


def hand_to_a_person(
    session: Session, person: Person, message: InboundMessage, at: datetime, about: Loan | None = None
) -> None:
    """A case of the loan it is about, once while one is open; it is settled in the records (`case decide`).

    Where it is about none, of the loan that ended last; where none has ended, of the one that was handed over last.
    """
    known = people.loans_of(session, person)
    ended = [loan for loan in known if loan.state is LoanState.ENDED]
    idle = ended or [loan for loan in known if loan.state is LoanState.WAITING]
    wanted = message.needs_human or not _FOR_A_PERSON.isdisjoint(Intent(name) for name in message.intents)
    if (about is None and not idle) or not wanted:
        return
    loan = about or max(idle, key=lambda each: (each.ended_at or at, each.id or 0))
    message.loan_ref = loan.id
    session.add(message)
    said = ", ".join(message.intents)
    if not _waits(session, loan):
        strategy = strategies.of_loan(session, loan)
        terms = strategy.conversation
        queue, tray = queue_for(strategy, terms.queue if terms is not None else None)
        cases.open(
            session,
            loan,
            case_id=cases.of_records(loan, message.id or 0),
            queue=queue,
            kind=CaseKind.HANDOFF.value,
            at=at,
            sla_at=at + timedelta(hours=tray.sla_hours),
            reason=f"the borrower wrote {_WHEN[loan.state]}: {said.replace('_', ' ')}",
        )
    note(session, at, "borrower", "reply_after_the_end", loan.lender, loan.loan_id, {"intents": said})


def _waits(session: Session, loan: Loan) -> bool:
    open_ones = cases.of_loan(session, loan)
    return any(case.kind == CaseKind.HANDOFF.value and case.state is CaseState.OPEN for case in open_ones)
