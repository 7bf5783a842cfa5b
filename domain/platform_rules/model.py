"""What carriers and platforms allow, as data: their own terms, beside the law of the market."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.contact import Actor, Channel, Reason
from domain.contact_rules.model import Evidence

RuleId = Annotated[str, Field(pattern=r"^[a-z]+(\.[a-z0-9_]+)+$")]
_Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Data):
    """`text` is a sentence or paragraph for operators."""

    id: RuleId
    source: Annotated[str, Field(min_length=3, max_length=300)]
    evidence: Evidence
    text: Annotated[str, Field(min_length=10, max_length=1000)]

    @property
    def reason(self) -> Reason:
        doubt = self.evidence in (Evidence.UNVERIFIED, Evidence.CONFLICTING)
        told = f"{self.text} Not verified: the narrower reading is taken." if doubt else self.text
        return Reason(rule=self.id, source=self.source, text=told)


class WindowRule(Rule):
    """Free text goes out less than `hours` after the person's last message or call; later only a template."""

    hours: Annotated[int, Field(ge=1, le=168)]


class TierRule(Rule):
    """Unique people written to outside their window in `hours`, for the whole portfolio of numbers.

    `tiers` ascend; the last may be unlimited (null).
    """

    hours: Annotated[int, Field(ge=1, le=168)]
    tiers: tuple[int | None, ...]

    @model_validator(mode="after")
    def _ascends(self) -> TierRule:
        numbers = [tier for tier in self.tiers if tier is not None]
        if not numbers or numbers != sorted(set(numbers)) or None in self.tiers[:-1]:
            raise ValueError("expected tiers that ascend, and null at the end only")
        return self


class PairRule(Rule):
    """Messages from one number to one person: `burst` at once, then one in `seconds`, and `per_hour` in all."""

    burst: Annotated[int, Field(ge=1)]
    seconds: Annotated[int, Field(ge=1)]
    per_hour: Annotated[int, Field(ge=1)]


class BlockedCategoryRule(Rule):
    """Marketing templates to these countries are not delivered."""

    countries: frozenset[_Country]


class HealthRule(Rule):
    """A person whom WhatsApp held a message back for gets no other in `hours`."""

    hours: Annotated[int, Field(ge=1, le=168)]


class WhatsAppRules(_Data):
    """`policy` is shown to an operator once, before WhatsApp is used; `refused_actors` may not use it at all."""

    policy: Rule
    agency: Rule
    refused_actors: frozenset[Actor]
    opt_in: Rule
    window: WindowRule
    tier: TierRule
    pair: PairRule
    quality: Rule
    template: Rule
    senders: Rule
    health: HealthRule
    marketing: BlockedCategoryRule


class SenderRule(Rule):
    """From `since` (local date, inclusive) a name as sender must be registered, letter by letter."""

    country: _Country
    since: date


class CategoryRule(Rule):
    """A kind of sender or content that a carrier does not take; said to the operator when a campaign starts."""

    carrier: str
    channel: Channel
    countries: frozenset[_Country]
    binds: frozenset[Actor] = frozenset(Actor)


class SmsRules(_Data):
    senders: tuple[SenderRule, ...]
    one_way: Rule
    categories: tuple[CategoryRule, ...]
