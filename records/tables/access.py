"""Who may come in: accounts of people with their sessions, API keys of services, attempts to sign in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field

from domain.access import Role
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class Account(Record, table=True):
    """A person who may sign in: by password, or through the lender's own provider (`issuer`, `subject`)."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("issuer", "subject"), one_of("role", Role))

    id: int | None = Field(default=None, primary_key=True)
    login: str = Field(max_length=64, unique=True)
    """Lower case."""
    role: Role = Field(sa_type=EnumText(Role))
    password_hash: str | None = Field(default=None, max_length=255)
    issuer: str | None = Field(default=None, max_length=255)
    subject: str | None = Field(default=None, max_length=255)
    created_at: datetime = Field(sa_type=UTCDateTime)
    last_signed_in_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class SignInSession(Record, table=True):
    """A person who is signed in. The token itself is with their browser alone."""

    __tablename__ = "sign_in_session"

    token_hash: str = Field(primary_key=True, max_length=64)
    account_ref: int = Field(foreign_key="account.id", index=True)
    created_at: datetime = Field(sa_type=UTCDateTime)
    last_seen_at: datetime = Field(sa_type=UTCDateTime)


class SignInAttempt(Record, table=True):
    """An attempt that has not succeeded. `subject` is the hash of a sign-in name or of a network address."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("ix_sign_in_attempt_subject", "subject", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    subject: str = Field(max_length=64)
    at: datetime = Field(sa_type=UTCDateTime, index=True)


class ApiKey(Record, table=True):
    """A service's key: known by `prefix`, proven by a secret of which only the hash is here."""

    __tablename__ = "api_key"

    prefix: str = Field(primary_key=True, max_length=16)
    name: str = Field(max_length=80)
    secret_hash: str = Field(max_length=64)
    scopes: list[str] = Field(sa_type=JSON)
    lender: str | None = Field(default=None, max_length=64)
    created_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
