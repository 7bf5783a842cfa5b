"""Webhooks whose news waits, as it should, until a campaign starts the loan it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from records.tables import CampaignLoan, Loan, LoanState, Webhook

WORKFLOW_MISSING = "WorkflowMissing"
"""The relay's error where a loan that may start yet has no workflow."""
_AT_ONCE = 500


@dataclass(frozen=True)
class Unrelayed:
    """`held`: it owes news to nobody but loans that a campaign holds and has not started: they start with it."""

    webhook_id: int
    received_at: datetime
    held: bool


def without_workflow(session: Session) -> list[Unrelayed]:
    """Those not with their loans because a loan had no workflow when they were tried last, the oldest first."""
    rows = session.exec(
        select(Webhook.id, Webhook.received_at, Webhook.signals)
        .where(
            col(Webhook.relayed_at).is_(None),
            col(Webhook.recorded_at).is_not(None),
            Webhook.relay_error == WORKFLOW_MISSING,
        )
        .order_by(col(Webhook.received_at), col(Webhook.id))
    ).all()
    owed = {
        webhook_id: {(str(signal["lender"]), str(signal["loan_id"])) for signal in signals}
        for webhook_id, _, signals in rows
    }
    wait = _held(session, sorted(set[tuple[str, str]]().union(*owed.values())))
    return [
        Unrelayed(webhook_id, received_at, owed[webhook_id] <= wait)
        for webhook_id, received_at, _ in rows
        if webhook_id is not None
    ]


def _held(session: Session, named: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the loans that wait for their start in a campaign, by lender and loan id."""
    held: set[tuple[str, str]] = set()
    for begin in range(0, len(named), _AT_ONCE):
        page = named[begin : begin + _AT_ONCE]
        held.update(
            session.exec(
                select(Loan.lender, Loan.loan_id)
                .join(CampaignLoan, col(CampaignLoan.loan_ref) == col(Loan.id))
                .where(
                    tuple_(col(Loan.lender), col(Loan.loan_id)).in_(page),
                    Loan.state == LoanState.WAITING,
                    col(CampaignLoan.released_at).is_(None),
                )
            ).all()
        )
    return held
