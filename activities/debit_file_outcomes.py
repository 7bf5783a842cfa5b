"""What becomes of a file of direct debits: where the bank collects nothing of it, its debits wait for another."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from activities.due_debits import BANK_ZONE, NO_LONGER_AWAITED, NOT_AS_ANNOUNCED, drop
from domain.direct_debit import DebitState, outcome_known_by
from providers.debit_bank import DUPLICATES
from records import audit, debits
from records.tables import DebitFile, LoanState

ACCEPTED = "accepted"
WITHDRAWN = "withdrawn"
"""The bank never had the file, and what stood in it was no longer to be collected so."""
TAKEN_BACK = "taken back"
"""By a person who knows that the bank collects nothing of it."""


def file_refused(session: Session, file: DebitFile, code: str, at: datetime) -> bool:
    """The bank took nothing of the file: its debits wait for another one. False when that changes nothing.

    A refusal as a duplicate says that the bank has the file. A refusal of a file that the bank took is shown to a
    person: it may be of a second copy, while the first is being collected.
    """
    if code in DUPLICATES or file.outcome not in (None, ACCEPTED):
        return False
    if file.outcome == ACCEPTED:
        show_to_person(session, file, "refused_after_accepted", code, at)
        return False
    back_to_planned(session, file, f"file refused: {code}", at)
    file.answered_at, file.outcome = at, code[:80]
    session.add(file)
    audit.append(
        session,
        at=at,
        actor="bank",
        action="debit_file_refused",
        lender=file.lender,
        details={"file": file.message_id, "code": code},
    )
    return True


def show_to_person(
    session: Session, file: DebitFile, what: str, code: str | None, at: datetime, reference: str | None = None
) -> None:
    """To a person, who alone can find out at the bank what it has. `reference`: of one debit in the file."""
    audit.append(
        session,
        at=at,
        actor="bank",
        action="webhook_needs_person",
        lender=file.lender,
        details={"kind": f"debit_file:{what}", "reference": reference or file.message_id, "code": code},
    )


def back_to_planned(session: Session, file: DebitFile, why: str, at: datetime) -> int:
    """The debits of a file of which nothing is collected wait for another; how many.

    One that is kept back comes back to its loan, which took it to be with the bank and would not let it go again. One
    whose outcome should be known by now will not be made: its loan no longer waits for it.
    """
    today = at.astimezone(BANK_ZONE).date()
    number = 0
    for debit, loan, _ in debits.in_file(session, file):
        if debit.state is not DebitState.FILED:
            continue
        debit.file_ref, debit.batch_id = None, None
        if debit.collect_on is not None and today > outcome_known_by(debit.collect_on):
            drop(session, debit, loan, f"{why}; {NO_LONGER_AWAITED}", None, at)
        elif not debit.released:
            left = loan.state is LoanState.ENDED or loan.entry != debit.entry
            drop(session, debit, loan, f"{why}; it was kept back", None if left else NOT_AS_ANNOUNCED, at)
        else:
            debits.set_state(session, debit, DebitState.PLANNED, at=at, reason=why)
            number += 1
    return number
