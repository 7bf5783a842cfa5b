"""The contact decision's interface: who may be contacted, by which channel, when.

The rules themselves live in `domain/contact_rules/`; what is here is what the rest of Recobro says
and hears about a contact.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"
    WHATSAPP = "whatsapp"
    CALL = "call"
    VISIT = "visit"
    POST = "post"


class Actor(StrEnum):
    """Who collects: the creditor itself, or an agency for a debt of others. Some rules bind only one of them."""

    CREDITOR = "creditor"
    AGENCY = "agency"


class Purpose(StrEnum):
    """Why a message is sent; a receipt is transactional and carries no demand."""

    COLLECTION = "collection"
    REPLY = "reply"
    TRANSACTIONAL = "transactional"


class ContactEventKind(StrEnum):
    """What happened on a channel; each rule counts the kinds that its text means by "contact"."""

    ATTEMPT = "attempt"
    DELIVERED = "delivered"
    READ = "read"
    TWO_WAY = "two_way"
    CONVERSATION = "conversation"
    INBOUND = "inbound"


class Verdict(StrEnum):
    ALLOWED = "allowed"
    NOT_BEFORE = "not_before"
    NEVER = "never"


class ContactEvent(BaseModel):
    """One raw event of a person's contact ledger."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    channel: Channel
    kind: ContactEventKind
    loan_id: str | None = None


class ContactRequest(BaseModel):
    """A wish to contact one person about one loan.

    `timezones` are the candidates for where the person is now (IANA names); a moment must be lawful in
    all of them, and none at all means the zone is unknown. `flags` are stop states such as "cease",
    "dispute", "deceased"; `opted_out` are the channels the person closed.
    """

    model_config = ConfigDict(frozen=True)

    loan_id: str
    channel: Channel
    purpose: Purpose = Purpose.COLLECTION
    country: str
    region: str | None = None
    timezones: tuple[str, ...] = ()
    opted_out: frozenset[Channel] = frozenset()
    flags: frozenset[str] = frozenset()


class Reason(BaseModel):
    """A rule that spoke: its id, where it comes from, and a sentence for an operator."""

    model_config = ConfigDict(frozen=True)

    rule: str
    source: str
    text: str


class Decision(BaseModel):
    """`allowed`, `not_before` a moment that is itself allowed, or `never`.

    `window_ends` (with `allowed`) is the exclusive end of the lawful window: a message must not be
    delivered later, so carriers get it as the validity period.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    not_before: AwareDatetime | None = None
    window_ends: datetime | None = None
    reasons: tuple[Reason, ...] = ()
