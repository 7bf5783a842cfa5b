"""What a campaign came to, counted in the records. Amounts are minor units."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from records import campaigns
from records.tables import Campaign, CampaignLoan, CampaignState, CaseState, CollectionCase, Contact, Loan, Payment
from records.tables import LoanState as Place


@dataclass(frozen=True)
class CurrencyFigures:
    """`due_minor` was handed over with the loans; `recovered_minor` was paid since and not taken or given back.

    It counts, for each loan, at most what was due.
    """

    currency: str
    loans: int
    due_minor: int
    recovered_minor: int


def standing(session: Session, campaign: Campaign, progress: campaigns.Progress) -> str:
    """running, paused, stopped, or finished once every loan it started has ended.

    One that finished runs again while a loan of it whose payment was taken back is in collection.
    """
    if campaign.state is CampaignState.FINISHED:
        return "running" if in_collection(session, campaign.id) else "finished"
    if campaign.state is not CampaignState.RUNNING:
        return campaign.state.value
    return "finished" if progress.waiting == 0 and progress.open <= 0 else "running"


def money(session: Session, campaign_id: str) -> list[CurrencyFigures]:
    """Of the loans that are in this campaign's hands or ended in them, by currency."""
    due = session.exec(
        select(Loan.currency, func.count(), func.sum(Loan.amount_due_minor))
        .where(Loan.campaign_id == campaign_id)
        .group_by(Loan.currency)
        .order_by(Loan.currency)
    ).all()
    kept = func.sum(col(Payment.amount_minor) - col(Payment.refunded_minor))
    most = col(Loan.amount_due_minor)
    of_each = (
        select(Loan.currency, case((kept > most, most), else_=kept).label("minor"))
        .join(Payment, (col(Payment.loan_ref) == col(Loan.id)) & (col(Payment.entry) == col(Loan.entry)))
        .where(Loan.campaign_id == campaign_id, col(Payment.reversed_at).is_(None))
        .group_by(col(Loan.id), Loan.currency, most)
        .subquery()
    )
    paid = dict(session.exec(select(of_each.c.currency, func.sum(of_each.c.minor)).group_by(of_each.c.currency)).all())
    return [CurrencyFigures(code, count, int(total), int(paid.get(code) or 0)) for code, count, total in due]


def contacts_by_state(session: Session, campaign_id: str) -> dict[str, int]:
    """How many contacts are in which state, those of the loans' current entry."""
    rows = session.exec(
        select(Contact.state, func.count())
        .join(Loan, (col(Contact.loan_ref) == col(Loan.id)) & (col(Contact.entry) == col(Loan.entry)))
        .where(Loan.campaign_id == campaign_id)
        .group_by(Contact.state)
    ).all()
    return {str(state): count for state, count in rows}


def open_cases(session: Session, campaign_id: str) -> int:
    return session.exec(
        select(func.count())
        .select_from(CollectionCase)
        .join(Loan, col(CollectionCase.loan_ref) == col(Loan.id))
        .where(Loan.campaign_id == campaign_id, CollectionCase.state == CaseState.OPEN)
    ).one()


def in_collection(session: Session, campaign_id: str) -> int:
    """Loans of the campaign that are in collection now."""
    return session.exec(
        select(func.count())
        .select_from(Loan)
        .join(CampaignLoan, col(CampaignLoan.loan_ref) == col(Loan.id))
        .where(
            CampaignLoan.campaign_id == campaign_id,
            Loan.campaign_id == campaign_id,
            Loan.state == Place.IN_COLLECTION,
        )
    ).one()
