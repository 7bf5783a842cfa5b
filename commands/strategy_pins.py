"""What the records note a loan to run on, as `strategy migrate` moves it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from domain.strategy import Strategy
from records import audit, loans, strategies
from records.database import Database
from records.tables import Loan
from records.tables import LoanState as Place


def pin(database: Database, loan: Loan, target: Strategy, *, waiting: bool = False) -> bool:
    """Note the new pin. With `waiting` only of a loan that still waits to be started; False: it does not."""
    with database.writing() as session:
        row = loans.get(session, loan.lender, loan.loan_id)
        if waiting and row.state is not Place.WAITING:
            return False
        before = f"{row.strategy_name}@{row.strategy_version}"
        strategies.pin(session, row, target, now := datetime.now(UTC))
        details = {"detail": f"{before} to {target.key}"}
        who = (row.lender, row.loan_id)
        audit.append(session, at=now, actor="operator", action="pinned", lender=who[0], loan_id=who[1], details=details)
        return True


def pin_back(database: Database, every: Sequence[Loan], target: Strategy) -> None:
    """Note these loans, as they were read, on the strategies they had, where they are noted on `target` now."""
    here = strategies.digest(target)
    with database.writing() as session:
        for was in every:
            row = loans.get(session, was.lender, was.loan_id)
            if row.strategy_digest != here or row.entry != was.entry or row.state is Place.ENDED:
                continue
            before = strategies.load(session, was.strategy_digest)
            strategies.pin(session, row, before, now := datetime.now(UTC))
            details = {"detail": f"{target.key} to {before.key}, which it may still run on"}
            audit.append(
                session,
                at=now,
                actor="operator",
                action="pinned",
                lender=row.lender,
                loan_id=row.loan_id,
                details=details,
            )
