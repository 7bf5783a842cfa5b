"""Campaigns of records restored from a backup: what Temporal knows of them is written again, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from records import campaigns, loans
from records.tables import Campaign, CampaignLoan, CampaignState, Loan, LoanState


@dataclass(frozen=True)
class StateTold:
    """Where a campaign's workflow said that it stands; `order` and `until` as in `campaigns.set_state`."""

    state: CampaignState
    at: datetime
    order: int | None = None
    until: datetime | None = None


def tell_again(session: Session, campaign: Campaign, told: Sequence[StateTold]) -> bool:
    """Take the campaign where its workflow told the records it stands, last of all; whether that changed anything.

    `told`: all it ever told, in order. What came before the last pause or stop that the trail holds is known: written
    anew, it would stand there as the later. Works in `Database.writing` alone.
    """
    noted = campaigns.noted_orders(session, campaign)
    known = max((place for place, one in enumerate(told, 1) if (one.state, one.order) in noted), default=0)
    before = campaign.state
    for one in told[known:]:
        campaigns.set_state(session, campaign, one.state, at=one.at, order=one.order, until=one.until)
    return campaign.state is not before


def begin_again(session: Session, started: Mapping[tuple[str, str], datetime]) -> int:
    """Mark loans that wait as started by the campaign that holds them; how many that were.

    `started`: by lender and loan id, since when the workflow of their present hand-over has been there.
    """
    waiting = session.exec(
        select(Loan, CampaignLoan.position)
        .join(
            CampaignLoan,
            (col(CampaignLoan.loan_ref) == col(Loan.id)) & (col(CampaignLoan.campaign_id) == col(Loan.campaign_id)),
            isouter=True,
        )
        .where(Loan.state == LoanState.WAITING)
        .order_by(col(Loan.id))
    ).all()
    done = 0
    for loan, position in waiting:
        at = started.get((loan.lender, loan.loan_id))
        if at is None:
            continue
        if position is not None and loan.campaign_id is not None:
            campaigns.mark_started(session, loan.campaign_id, [position], at=at)
        else:
            loans.begin(session, loan)
        done += 1
    return done
