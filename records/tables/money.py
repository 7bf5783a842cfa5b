"""Payments, payment links, and the consents by which balances are read. Amounts are minor units."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, false, text
from sqlmodel import Field

from records.sealed import Sealed
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class LinkState(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    PAID = "paid"


class PaymentSource(StrEnum):
    WEBHOOK = "webhook"
    SIGNAL = "signal"
    RECORD = "record"


class ConsentStatus(StrEnum):
    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    REJECTED = "rejected"


class PaymentLink(Record, table=True):
    """A link to pay one amount for one purpose.

    `generation` rises when a link of the same purpose and amount was paid or closed before and a new one is
    needed; at most one is active at a time.
    """

    __tablename__ = "payment_link"
    __table_args__ = (
        UniqueConstraint("loan_ref", "entry", "purpose", "amount_minor", "generation"),
        UniqueConstraint("provider", "provider_link_id"),
        Index(
            "uq_payment_link_active",
            "loan_ref",
            "entry",
            "purpose",
            "amount_minor",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
        Index(
            "ix_payment_link_to_be_closed",
            "provider",
            "expires_at",
            sqlite_where=text("expires_at = changed_at"),
            postgresql_where=text("expires_at = changed_at"),
        ),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        one_of("state", LinkState),
    )

    id: int | None = Field(default=None, primary_key=True)
    loan_ref: int = Field(foreign_key="loan.id")
    entry: int
    purpose: str = Field(max_length=40)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    generation: int = 1
    provider: str = Field(max_length=40)
    provider_link_id: str = Field(max_length=255)
    url: str
    reference: str | None = Field(default=None, max_length=40, index=True)
    """What the provider gives back with each payment; also the end-to-end identification of a transfer."""
    expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    state: LinkState = Field(default=LinkState.ACTIVE, sa_type=EnumText(LinkState))
    created_at: datetime = Field(sa_type=UTCDateTime)
    changed_at: datetime = Field(sa_type=UTCDateTime)


class Payment(Record, table=True):
    """Money received, once per provider and payment id, however often and by whatever way it is reported.

    Without `loan_ref` it is unmatched: `named_lender` and `named_loan` are what the report said.
    """

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("provider", "payment_id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        one_of("source", PaymentSource),
    )

    id: int | None = Field(default=None, primary_key=True)
    provider: str = Field(max_length=128)
    payment_id: str = Field(max_length=255)
    loan_ref: int | None = Field(default=None, foreign_key="loan.id", index=True)
    entry: int | None = None
    named_lender: str | None = Field(default=None, max_length=64)
    named_loan: str | None = Field(default=None, max_length=64)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    paid_at: datetime = Field(sa_type=UTCDateTime)
    """Value date: when the money counts as paid."""
    received_at: datetime = Field(sa_type=UTCDateTime)
    reversed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    refunded_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    """What was given back of it because more had been paid than was due."""
    source: PaymentSource = Field(sa_type=EnumText(PaymentSource))


class PaymentInquiry(Record, table=True):
    """A payment to be asked about at `next_at`; None: nothing more is to be heard of it.

    `reference` is the provider's id of the payment; of a transfer begun at a bank it is our own, and `gateway_id` the
    bank's. `redirect_url` is where the borrower can go on confirming.
    """

    __tablename__ = "payment_inquiry"
    __table_args__ = (UniqueConstraint("provider", "reference"),)

    id: int | None = Field(default=None, primary_key=True)
    provider: str = Field(max_length=40)
    reference: str = Field(max_length=255)
    link_ref: int | None = Field(default=None, foreign_key="payment_link.id", index=True)
    request_id: str | None = Field(default=None, max_length=36)
    gateway_id: str | None = Field(default=None, max_length=255)
    redirect_url: str | None = None
    status: str = Field(default="pointed at", max_length=40)
    tries: int = 0
    created_at: datetime = Field(sa_type=UTCDateTime)
    next_at: datetime | None = Field(default=None, sa_type=UTCDateTime, index=True)


class RefundState(StrEnum):
    """APPROVED: to be given back, or it is not known yet that it was. FAILED: the gateway did not."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DONE = "done"
    REJECTED = "rejected"
    FAILED = "failed"


class RefundWay(StrEnum):
    GATEWAY = "gateway"
    TRANSFER = "transfer"


class RefundTask(Record, table=True):
    """Money beyond what was due, to be given back of one payment: proposed by one person, approved by another.

    `reference` is the gateway's id of the refund, or that of the transfer.
    """

    __tablename__ = "refund"
    __table_args__ = (
        Index(
            "uq_refund_live",
            "case_id",
            unique=True,
            sqlite_where=text("state IN ('proposed', 'approved', 'done')"),
            postgresql_where=text("state IN ('proposed', 'approved', 'done')"),
        ),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        one_of("state", RefundState),
        one_of("way", RefundWay),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(foreign_key="collection_case.case_id", max_length=200)
    loan_ref: int = Field(foreign_key="loan.id", index=True)
    payment_ref: int = Field(foreign_key="payment.id", index=True)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    way: RefundWay = Field(sa_type=EnumText(RefundWay))
    state: RefundState = Field(default=RefundState.PROPOSED, sa_type=EnumText(RefundState))
    proposed_by: str = Field(max_length=64)
    proposed_at: datetime = Field(sa_type=UTCDateTime)
    decided_by: str | None = Field(default=None, max_length=64)
    decided_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    reference: str | None = Field(default=None, max_length=255)
    why: str | None = Field(default=None, max_length=200)
    """Of what was rejected or failed; of what is approved, that the gateway was asked and its answer is not known."""
    given_back_before_minor: int | None = Field(default=None, sa_type=BigInteger)
    """What the gateway itself said was given back of the payment, before it was asked the first time; None where it
    was not asked or cannot say."""
    done_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class EarlyReversal(Record, table=True):
    """A reversal that was reported before its payment; the payment is reversed the moment it arrives.

    `amount_minor` of `currency`: how much was taken back, where that was told; None: all of it.
    """

    __tablename__ = "early_reversal"

    provider: str = Field(primary_key=True, max_length=128)
    payment_id: str = Field(primary_key=True, max_length=255)
    at: datetime = Field(sa_type=UTCDateTime)
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = Field(default=None, max_length=3)


class Consent(Record, table=True):
    """A person's consent to read the balance of one account; `valid_until` is inclusive."""

    __tablename__ = "consent"
    __table_args__ = (
        UniqueConstraint("person_ref", "provider", "consent_index"),
        one_of("status", ConsentStatus),
    )

    id: int | None = Field(default=None, primary_key=True)
    person_ref: int = Field(foreign_key="person.id")
    provider: str = Field(max_length=40)
    consent_id: str = Field(sa_type=Sealed("consent.consent_id"))
    account_id: str = Field(sa_type=Sealed("consent.account_id"))
    consent_index: str = Field(default="", max_length=64)
    valid_until: date | None = None
    status: ConsentStatus = Field(default=ConsentStatus.VALID, sa_type=EnumText(ConsentStatus))
    reads_per_day: int = 4
    over_because: str | None = Field(default=None, max_length=80)
    """Why it is not valid any more: "replaced", "revoked", or the bank's word."""
    transactions: bool | None = None
    """Whether its giver was told that what comes in is read too; None: not known, as of one from a lender's file."""
    end_at_source: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Nothing is read under it any more, and it lives on there until the source is told."""
    credits_read_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    """When it was last asked for transactions, to learn when money comes in."""
    changed_at: datetime = Field(sa_type=UTCDateTime)


class BalanceRead(Record, table=True):
    """One read of a balance, successful or not; `outcome` is "read" or the bank's error code."""

    __tablename__ = "balance_read"
    __table_args__ = (Index("ix_balance_read_consent_at", "consent_ref", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    consent_ref: int = Field(foreign_key="consent.id")
    loan_ref: int = Field(foreign_key="loan.id", index=True)
    at: datetime = Field(sa_type=UTCDateTime)
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    outcome: str = Field(max_length=80)
