"""The loans of a lender's file, entered in bulk: anew, or for a new hand-over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, select

from domain.portfolio import PortfolioLoan
from domain.strategy import Strategy
from records.tables import Campaign, CampaignLoan, Loan, LoanState


@dataclass(frozen=True)
class RefusedLoan:
    loan_id: str
    line: int
    reason: str


def enter_loans(
    session: Session,
    campaign: Campaign,
    people: dict[str, int],
    rows: Sequence[PortfolioLoan],
    strategy: Strategy,
    pinned: str,
    at: datetime,
) -> tuple[dict[str, int], list[RefusedLoan]]:
    """The keys of the loans that this campaign now has a new place for, and what was refused."""
    wanted = {loan.loan_id: loan for loan in rows}
    known = {
        loan.loan_id: loan
        for loan in session.exec(
            select(Loan).where(Loan.lender == campaign.lender, col(Loan.loan_id).in_(wanted))
        ).all()
    }
    refs = [loan.id for loan in known.values()]
    holders = dict(
        session.exec(
            select(CampaignLoan.loan_ref, CampaignLoan.campaign_id).where(
                col(CampaignLoan.loan_ref).in_(refs), col(CampaignLoan.released_at).is_(None)
            )
        ).all()
    )
    here = set(
        session.exec(
            select(CampaignLoan.loan_ref).where(
                col(CampaignLoan.loan_ref).in_(refs), CampaignLoan.campaign_id == campaign.id
            )
        ).all()
    )
    refused: list[RefusedLoan] = []
    entered: dict[str, int] = {}
    new: list[dict[str, Any]] = []
    for loan_id, handed in wanted.items():
        values = {
            "person_ref": people[handed.person_id],
            "currency": handed.currency,
            "amount_due_minor": handed.amount_due_minor,
            "adjusted_minor": 0,
            "due_date": handed.due_date,
            "grade": handed.grade,
            "campaign_id": campaign.id,
            "strategy_name": strategy.name,
            "strategy_version": strategy.version,
            "strategy_digest": pinned,
            "state": LoanState.WAITING,
            "entered_at": at,
        }
        loan = known.get(loan_id)
        if loan is None:
            new.append({"lender": campaign.lender, "loan_id": loan_id, "entry": 1, **values})
            continue
        assert loan.id is not None
        if loan.id in here:
            continue
        reason = _why_refused(loan, holders.get(loan.id))
        if reason is not None:
            refused.append(RefusedLoan(loan_id, handed.line, reason))
            continue
        cleared = (
            "end_kind",
            "ended_at",
            "final_state",
            "stage",
            "dpd",
            "next_action",
            "next_action_at",
            "reported_at",
        )
        for field, value in {**dict.fromkeys(cleared), **values, "entry": loan.entry + 1}.items():
            setattr(loan, field, value)
        session.add(loan)
        entered[loan_id] = loan.id
    session.flush()
    if new:
        session.execute(insert(Loan), new)
        found = session.exec(
            select(Loan.loan_id, Loan.id).where(
                Loan.lender == campaign.lender, col(Loan.loan_id).in_([row["loan_id"] for row in new])
            )
        ).all()
        entered |= {loan_id: ref for loan_id, ref in found if ref is not None}
    return entered, refused


def _why_refused(loan: Loan, holder: str | None) -> str | None:
    if holder is not None:
        return f"held by campaign {holder}"
    if loan.state is LoanState.IN_COLLECTION:
        return "in collection already"
    return None
