"""Agreements with borrowers, their instalments, and the words by which they were accepted. Amounts are minor units."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from domain.agreements.model import AgreementKind, AgreementState, Via
from records.sealed import Sealed
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class Agreement(Record, table=True):
    """An agreement as it stands; `number` counts within the loan's entry. At most one of an entry is in force.

    `evidence_sha256` is the hash of the words that accepted it, which `agreement_evidence` keeps.
    """

    __tablename__ = "agreement"
    __table_args__ = (
        UniqueConstraint("loan_ref", "entry", "number"),
        Index(
            "uq_agreement_live",
            "loan_ref",
            "entry",
            unique=True,
            sqlite_where=text("state IN ('open', 'active')"),
            postgresql_where=text("state IN ('open', 'active')"),
        ),
        CheckConstraint("total_minor > 0", name="total_positive"),
        one_of("kind", AgreementKind),
        one_of("state", AgreementState),
        one_of("via", Via),
    )

    id: int | None = Field(default=None, primary_key=True)
    loan_ref: int = Field(foreign_key="loan.id")
    entry: int
    number: int
    kind: AgreementKind = Field(sa_type=EnumText(AgreementKind))
    state: AgreementState = Field(sa_type=EnumText(AgreementState))
    made_at: datetime = Field(sa_type=UTCDateTime)
    made_by: str = Field(max_length=128)
    via: Via = Field(sa_type=EnumText(Via))
    balance_minor: int = Field(sa_type=BigInteger)
    """What was due when it was made."""
    total_minor: int = Field(sa_type=BigInteger)
    remission_minor: int = Field(default=0, sa_type=BigInteger)
    added_minor: int = Field(default=0, sa_type=BigInteger)
    adjustment_minor: int = Field(default=0, sa_type=BigInteger)
    """What it changes in the debt as it stands: part of `loan.adjusted_minor`."""
    grace_days: int = 0
    tolerance_minor: int = Field(default=0, sa_type=BigInteger)
    fees_frozen: bool = False
    option: str | None = Field(default=None, max_length=40)
    rule: str | None = Field(default=None, max_length=300)
    version: int | None = None
    revision: int = 0
    """How often its dates were moved."""
    proposed_by: str | None = Field(default=None, max_length=128)
    approved_by: str | None = Field(default=None, max_length=128)
    expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    evidence_message_id: str | None = Field(default=None, max_length=128)
    evidence_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    evidence_sha256: str | None = Field(default=None, max_length=64)
    move_message_id: str | None = Field(default=None, max_length=128)
    move_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    move_sha256: str | None = Field(default=None, max_length=64)
    """The borrower's yes to a due date that was moved, told as the one to the agreement itself is."""
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    changed_at: datetime = Field(sa_type=UTCDateTime)


class AgreementInstalment(Record, table=True):
    """One payment of an agreement: its date as it stands, and how much of it has come."""

    __tablename__ = "agreement_instalment"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount_positive"),)

    agreement_ref: int = Field(primary_key=True, foreign_key="agreement.id")
    number: int = Field(primary_key=True)
    loan_ref: int = Field(foreign_key="loan.id", index=True)
    due: date
    amount_minor: int = Field(sa_type=BigInteger)
    paid_minor: int = Field(default=0, sa_type=BigInteger)
    missed: bool = False
    moved: int = 0


class AgreementEvidence(Record, table=True):
    """The words by which a borrower said yes, sealed; `sha256` is of them in UTF-8."""

    __tablename__ = "agreement_evidence"

    id: int | None = Field(default=None, primary_key=True)
    loan_ref: int = Field(foreign_key="loan.id", index=True)
    at: datetime = Field(sa_type=UTCDateTime)
    message_id: str | None = Field(default=None, max_length=128)
    sha256: str = Field(max_length=64)
    text: str | None = Field(default=None, sa_type=Sealed("agreement_evidence.text"))
