"""The contact decision's interface: who may be contacted, by which channel, when.

The rules themselves live in `domain/contact_rules/`; what is here is what the rest of Recobro says
and hears about a contact.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"
    WHATSAPP = "whatsapp"
    CALL = "call"
    VISIT = "visit"
    POST = "post"


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


class Actor(StrEnum):
    """Who contacts: the creditor itself, or an agency that collects for another (assignees as well)."""

    CREDITOR = "creditor"
    AGENCY = "agency"


class Verdict(StrEnum):
    ALLOWED = "allowed"
    NOT_BEFORE = "not_before"
    NEVER = "never"


class ContactEvent(BaseModel):
    """One raw event of a person's contact ledger.

    `actor` is kept for the record: a creditor and its agency share every counter, so no rule asks for it.
    """

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    channel: Channel
    kind: ContactEventKind
    loan_id: str | None = None
    actor: Actor | None = None
    holds_over: bool = False
    """Of an attempt: it only says that a person will answer, so what the borrower wrote still waits for that."""


class MoratoriumKind(StrEnum):
    """`crisis`: a mental health crisis; it ends thirty days after the treatment, whenever that is."""

    STANDARD = "standard"
    CRISIS = "crisis"


class Moratorium(BaseModel):
    """A breathing space that runs: its first local date and, of a crisis, the treatment's last once known."""

    model_config = ConfigDict(frozen=True)

    kind: MoratoriumKind = MoratoriumKind.STANDARD
    starts: date
    treatment_ended: date | None = None


class ContactRequest(BaseModel):
    """A wish to contact one person about one loan. An empty `loan_id` stands for a debt that is not named.

    `timezones` are the candidates for where the person is now (IANA names); a moment must be lawful in
    all of them, and none at all means the zone is unknown. `flags` are stop states such as "cease",
    "dispute", "deceased", or facts that a rule asks for; `opted_out` are the channels the person closed.
    `region` is an ISO 3166-2 code without the country, `city` a name as people write it. None is "not known",
    and a rule that only some regions or cities have then binds in the strict profile. `authorised_channels`
    are those the person agreed to; None leaves it to the caller, who then vouches for the channel. `is_document`:
    it puts an agreement in writing, which nobody may have asked for just now.
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
    city: str | None = None
    actor: Actor = Actor.CREDITOR
    authorised_channels: frozenset[Channel] | None = None
    moratorium: Moratorium | None = None
    is_document: bool = False


class Reason(BaseModel):
    """A rule that spoke: its id, where it comes from, and a sentence for an operator.

    `version` is that of the pack the rule stands in; empty for what stands in no pack.
    """

    model_config = ConfigDict(frozen=True)

    rule: str
    source: str
    text: str
    version: str = Field("", exclude_if=lambda version: version == "")


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
