"""Small campaigns on the whole stack: real Temporal, worker, web app and sandbox world, each its own process."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from commands.rehearsal import Plan, Rehearsal, begin_of, next_first_day
from config.strategies import find_strategy
from domain.portfolio import PortfolioLoan
from records.tables import Contact, Loan, Payment

FIRST_DAY = next_first_day()


def portfolio(number: int) -> tuple[PortfolioLoan, ...]:
    """US loans, 8 to 75 days past due, without contact data: the world invents it."""
    return tuple(
        PortfolioLoan(
            line=index + 2,
            loan_id=f"L{index + 1:03}",
            person_id=f"P{index + 1:03}",
            name=None,
            phone=None,
            email=None,
            language="en",
            country="US",
            region=("NY", "CA", "TX", "IL")[index % 4],
            city=None,
            timezone=None,
            currency="USD",
            amount_due_minor=12_000 + 3_700 * index,
            due_date=FIRST_DAY - timedelta(days=(8, 23, 75)[index % 3]),
            bank_consent=None,
            bank_account=None,
            consent_valid_until=None,
            grade="B",
        )
        for index in range(number)
    )


def plan(folder: Path, number: int, *, seed: int = 5, days: int = 135, **changes: Any) -> Plan:
    return Plan(
        **{
            "loans": portfolio(number),
            "strategy": find_strategy("us-consumer"),
            "seed": seed,
            "begins": begin_of(FIRST_DAY),
            "days": days,
            "preset": "prime",
            "folder": folder,
            **changes,
        }
    )


def story(rehearsal: Rehearsal) -> dict[str, Any]:
    """What a campaign came to, loan by loan, in the records: for comparing two runs."""
    with rehearsal.database.reading() as session:
        loans = {loan.id: loan for loan in session.exec(select(Loan)).all()}
        contacts = Counter(
            (loans[c.loan_ref].loan_id, c.step, c.occurrence, c.channel.value)
            for c in session.exec(select(Contact)).all()
        )
        payments = Counter(
            (loans[p.loan_ref].loan_id if p.loan_ref else None, p.amount_minor)
            for p in session.exec(select(Payment)).all()
        )
    return {
        "ends": {loan.loan_id: loan.end_kind for loan in loans.values()},
        "contacts": contacts,
        "payments": payments,
    }
