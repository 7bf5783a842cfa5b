"""Days that operators name, as they begin where the borrowers they are about live."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from commands.console import moment_of

if TYPE_CHECKING:
    from sqlmodel import Session

    from records.tables import Loan


def last_begin(text: str, option: str, zones: Sequence[str]) -> datetime:
    """A moment, or a day: when it has begun in all `zones` (IANA names; UTC where there is none). Raises Refused."""
    return max(_begins(text, option, zones))


def first_begin(text: str, option: str, zones: Sequence[str]) -> datetime:
    """A moment, or a day: when it begins in the first of `zones` (as in `last_begin`). Raises Refused."""
    return min(_begins(text, option, zones))


def zones_of_campaign(session: Session, campaign_id: str) -> Sequence[str]:
    """Where the borrowers of the loans live that a campaign holds, as far as it is known."""
    from sqlmodel import col, select

    from records.tables import CampaignLoan, Loan, Person

    wanted = (
        select(Person.timezone)
        .join(Loan, col(Loan.person_ref) == col(Person.id))
        .join(CampaignLoan, col(CampaignLoan.loan_ref) == col(Loan.id))
        .where(CampaignLoan.campaign_id == campaign_id, col(CampaignLoan.released_at).is_(None))
    )
    return [zone for zone in session.exec(wanted.distinct()) if zone]


def zones_in_collection(session: Session, lender: str) -> Sequence[str]:
    """Where the borrowers of a lender's loans in collection live, as far as it is known."""
    from sqlmodel import col, select

    from records.tables import Loan, LoanState, Person

    wanted = (
        select(Person.timezone)
        .join(Loan, col(Loan.person_ref) == col(Person.id))
        .where(Loan.lender == lender, Loan.state == LoanState.IN_COLLECTION)
    )
    return [zone for zone in session.exec(wanted.distinct()) if zone]


def zones_of_loan(session: Session, loan: Loan) -> Sequence[str]:
    """Where a loan's borrower lives; nothing where that is not known."""
    from records import people

    zone = people.of_loan(session, loan).timezone
    return [zone] if zone else []


def _begins(text: str, option: str, zones: Sequence[str]) -> list[datetime]:
    return [moment_of(text, option, ZoneInfo(zone)) for zone in zones] or [moment_of(text, option, UTC)]
