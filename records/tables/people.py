"""People, the unit of contact: who they are and by which ways they may not be contacted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field

from domain.contact import Channel
from records.sealed import Sealed
from records.tables.base import Record
from records.types import EnumText, UTCDateTime, one_of


class Person(Record, table=True):
    """One customer of one lender. Its row is locked while a contact is decided and reserved."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("lender", "person_id"),)

    id: int | None = Field(default=None, primary_key=True)
    lender: str = Field(max_length=64)
    person_id: str = Field(max_length=64)
    name: str | None = Field(default=None, sa_type=Sealed("person.name"))
    phone: str | None = Field(default=None, sa_type=Sealed("person.phone"))
    """E.164."""
    email: str | None = Field(default=None, sa_type=Sealed("person.email"))
    birth_year: str | None = Field(default=None, sa_type=Sealed("person.birth_year"))
    id_digits: str | None = Field(default=None, sa_type=Sealed("person.id_digits"))
    """Four digits each: by one of them the right person is told on a call."""
    postal_address: str | None = Field(default=None, sa_type=Sealed("person.postal_address"))
    """Lines as they stand on an envelope below the name, separated by line breaks."""
    phone_index: str | None = Field(default=None, max_length=64, index=True)
    email_index: str | None = Field(default=None, max_length=64, index=True)
    """Keyed fingerprints: what telephone and e-mail are found by."""
    key_id: str | None = Field(default=None, max_length=40)
    """The person's own data key; None before they have data and after they were erased."""
    erased_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    language: str = Field(max_length=2)
    country: str = Field(max_length=2)
    region: str | None = Field(default=None, max_length=3)
    city: str | None = Field(default=None, max_length=100)
    timezone: str | None = Field(default=None, max_length=64)
    authorised_channels: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    """The channels the person agreed to; None is not known, and then the lender vouches for each."""
    channels_noted: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    channels_noted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    """The channels agreed to by the person's own word, as an operator noted it, and when; None: no such word."""
    channels_in_file: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    """The channels agreed to by the last file that named any."""
    updated_at: datetime = Field(sa_type=UTCDateTime)


class ClosedAddress(Record, table=True):
    """A phone number or e-mail address that must not be used again by this channel (dead, wrong person).

    The address itself is the key, as a keyed fingerprint: a new number handed over later is open.
    """

    __tablename__ = "closed_address"
    __table_args__ = (UniqueConstraint("person_ref", "channel", "address_index"), one_of("channel", Channel))

    id: int | None = Field(default=None, primary_key=True)
    person_ref: int = Field(foreign_key="person.id")
    channel: Channel = Field(sa_type=EnumText(Channel))
    address_index: str = Field(max_length=64, index=True)
    reason: str = Field(max_length=80)
    at: datetime = Field(sa_type=UTCDateTime)


class OptOut(Record, table=True):
    """A channel the person closed for all their loans, until they open it again."""

    __tablename__ = "opt_out"
    __table_args__ = (UniqueConstraint("person_ref", "channel"), one_of("channel", Channel))

    id: int | None = Field(default=None, primary_key=True)
    person_ref: int = Field(foreign_key="person.id")
    channel: Channel = Field(sa_type=EnumText(Channel))
    at: datetime = Field(sa_type=UTCDateTime)
    source: str = Field(max_length=80)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class PersonFlag(Record, table=True):
    """A stop state of the person such as "cease", "dispute" or "deceased"."""

    __tablename__ = "person_flag"
    __table_args__ = (UniqueConstraint("person_ref", "flag"),)

    id: int | None = Field(default=None, primary_key=True)
    person_ref: int = Field(foreign_key="person.id")
    flag: str = Field(max_length=40)
    at: datetime = Field(sa_type=UTCDateTime)
    source: str = Field(max_length=80)
    cleared_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
