"""Short ways to say who wants to contact whom, for the tests of the contact rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from config.jurisdictions import load_rulebook
from domain.contact import Actor, Channel, ContactEvent, ContactEventKind, ContactRequest, Decision, Purpose
from domain.contact_rules import Caps, Profile, RuleBook, decide


@cache
def shipped(profile: Profile = Profile.STRICT) -> RuleBook:
    return load_rulebook(profile=profile)


def local(text: str, zone: str, fold: int = 0) -> datetime:
    """A local time written as "2026-11-21 20:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def event(at: datetime, channel: str, kind: str = "attempt", loan: str | None = "A") -> ContactEvent:
    return ContactEvent(at=at, channel=Channel(channel), kind=ContactEventKind(kind), loan_id=loan)


def wish(
    country: str,
    *zones: str,
    channel: str = "sms",
    region: str | None = None,
    purpose: str = "collection",
    loan: str = "A",
    flags: Sequence[str] = (),
    opted_out: Sequence[str] = (),
    city: str | None = None,
    actor: str = "creditor",
    authorised: Sequence[str] | None = None,
) -> ContactRequest:
    return ContactRequest(
        loan_id=loan,
        channel=Channel(channel),
        purpose=Purpose(purpose),
        country=country,
        region=region,
        timezones=zones,
        opted_out=frozenset(Channel(name) for name in opted_out),
        flags=frozenset(flags),
        city=city,
        actor=Actor(actor),
        authorised_channels=None if authorised is None else frozenset(Channel(name) for name in authorised),
    )


def ask(
    request: ContactRequest,
    at: datetime,
    *events: ContactEvent,
    lender: Caps | None = None,
    profile: str = "strict",
) -> Decision:
    return decide(request, at, events, shipped(Profile(profile)), lender or Caps())


def rule_ids(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]
