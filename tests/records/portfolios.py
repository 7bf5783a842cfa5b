"""A small portfolio for tests of the records and of what stands on them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from sqlmodel import Session

from domain.portfolio import PortfolioLoan
from domain.strategy import Strategy
from records import campaigns, loans, portfolio
from records.portfolio import Entered
from records.tables import Loan

LENDER = "acme"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

STRATEGY = Strategy.model_validate(
    {
        "name": "plain",
        "version": 1,
        "title": "Plain",
        "steps": [{"id": "r1", "kind": "remind", "dpd": 1, "channels": ["sms"], "template": "first"}],
        "ends": {"after_days": 90},
    }
)


def handed(loan_id: str, **changes: object) -> PortfolioLoan:
    """A loan of 100.00 EUR; its line follows the number in its id."""
    digits = "".join(letter for letter in loan_id if letter.isdigit())
    values: dict[str, object] = {
        "line": int(digits or 0) + 2,
        "loan_id": loan_id,
        "person_id": f"p-{loan_id}",
        "name": "Ana",
        "phone": f"+346{int(digits or 0):08d}",
        "email": f"{loan_id.lower()}@example.com",
        "language": "es",
        "country": "ES",
        "timezone": "Europe/Madrid",
        "currency": "EUR",
        "amount_due_minor": 10_000,
        "due_date": date(2026, 2, 20),
    }
    return PortfolioLoan.model_validate(values | changes)


def enter(
    session: Session,
    rows: Iterable[PortfolioLoan],
    campaign_id: str = "c1",
    at: datetime = NOW,
    lender: str = LENDER,
) -> Entered:
    campaign = campaigns.create(
        session,
        campaign_id=campaign_id,
        name=campaign_id,
        lender=lender,
        strategy_key=STRATEGY.key,
        source_file="loans.csv",
        at=NOW,
    )
    return portfolio.enter_portfolio(session, campaign, rows, strategy=STRATEGY, at=at)


def entered(session: Session, *loan_ids: str, **changes: object) -> list[Loan]:
    """The named loans, entered into campaign c1 and in collection."""
    enter(session, [handed(loan_id, **changes) for loan_id in loan_ids])
    found = [loans.get(session, LENDER, loan_id) for loan_id in loan_ids]
    for loan in found:
        loans.begin(session, loan)
    return found


def handed_over_again(session: Session, loan_id: str, amount_due_minor: int = 6_000) -> Loan:
    """The loan ended not cured and came back for this amount: in its second entry, and in collection."""
    loans.end(session, loans.get(session, LENDER, loan_id), kind="not_cured", at=NOW, final_state={})
    enter(session, [handed(loan_id, amount_due_minor=amount_due_minor)], campaign_id=f"again-{loan_id}")
    loan = loans.get(session, LENDER, loan_id)
    loans.begin(session, loan)
    return loan
