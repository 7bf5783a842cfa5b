"""Loans in collection, the strategy each one is pinned to, and the campaigns they came with."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class LoanState(StrEnum):
    WAITING = "waiting"
    IN_COLLECTION = "in_collection"
    ENDED = "ended"


class CampaignState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"


class StrategySnapshot(Record, table=True):
    """A strategy exactly as it was when loans were pinned to it; its content is its key."""

    __tablename__ = "strategy_snapshot"

    digest: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=40)
    version: int
    data: dict[str, Any] = Field(sa_type=JSON)
    kept_at: datetime = Field(sa_type=UTCDateTime)


class Loan(Record, table=True):
    """One loan handed over for collection.

    `entry` counts how often it was handed over. Payments, contacts and links belong to one entry, because a
    later hand-over states a new amount that already knows what was paid before.
    """

    __tablename__ = "loan"
    __table_args__ = (
        UniqueConstraint("lender", "loan_id"),
        Index("ix_loan_state", "state", "end_kind"),
        CheckConstraint("amount_due_minor > 0", name="amount_positive"),
        CheckConstraint("(state = 'ended') = (end_kind IS NOT NULL)", name="end_named"),
        one_of("state", LoanState),
    )

    id: int | None = Field(default=None, primary_key=True)
    lender: str = Field(max_length=64)
    loan_id: str = Field(max_length=64)
    person_ref: int = Field(foreign_key="person.id", index=True)
    entry: int = 1
    currency: str = Field(max_length=3)
    amount_due_minor: int = Field(sa_type=BigInteger)
    """What was overdue when this entry was handed over."""
    adjusted_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    """What agreements changed in it: interest of a new schedule, less what a settlement forgave."""
    due_date: date
    grade: str | None = Field(default=None, max_length=40)
    campaign_id: str | None = Field(default=None, max_length=80, foreign_key="campaign.id", index=True)
    strategy_name: str = Field(max_length=40)
    strategy_version: int
    strategy_digest: str = Field(max_length=64, foreign_key="strategy_snapshot.digest")
    state: LoanState = Field(default=LoanState.WAITING, sa_type=EnumText(LoanState))
    entered_at: datetime = Field(sa_type=UTCDateTime)
    end_kind: str | None = Field(default=None, max_length=40)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    final_state: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """What the workflow knew when it ended; a reversal after the end starts again from it."""
    stage: str | None = Field(default=None, max_length=20)
    dpd: int | None = None
    next_action: str | None = None
    next_action_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    reported_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class LoanWrite(Record, table=True):
    """The key of something a loan's workflow had written; the same key is not written twice."""

    __tablename__ = "loan_write"

    loan_ref: int = Field(primary_key=True, foreign_key="loan.id")
    key: str = Field(primary_key=True, max_length=160)
    at: datetime = Field(sa_type=UTCDateTime)


class Campaign(Record, table=True):
    __tablename__ = "campaign"
    __table_args__ = (one_of("state", CampaignState),)

    id: str = Field(primary_key=True, max_length=80)
    name: str = Field(max_length=120)
    lender: str = Field(max_length=64)
    strategy_key: str = Field(max_length=60)
    source_file: str
    state: CampaignState = Field(default=CampaignState.RUNNING, sa_type=EnumText(CampaignState))
    created_at: datetime = Field(sa_type=UTCDateTime)
    total: int = 0


class CampaignLoan(Record, table=True):
    """A loan's place in a campaign. While `released_at` is empty no other campaign may hold the loan."""

    __tablename__ = "campaign_loan"
    __table_args__ = (
        Index(
            "uq_campaign_loan_live",
            "loan_ref",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
        UniqueConstraint("campaign_id", "position"),
        CheckConstraint("refused IS NULL OR released_at IS NOT NULL", name="refused_not_held"),
    )

    campaign_id: str = Field(primary_key=True, max_length=80, foreign_key="campaign.id")
    loan_ref: int = Field(primary_key=True, foreign_key="loan.id")
    position: int
    """Place in the order of starting, from 1; the highest priority first."""
    priority: int = 0
    started_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    refused: str | None = Field(default=None, max_length=200)
    released_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
