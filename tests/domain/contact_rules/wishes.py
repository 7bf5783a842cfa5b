"""Short ways to say who wants to contact whom, for the tests of the contact rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from config.jurisdictions import load_rulebook
from domain.contact import Channel, ContactEvent, ContactEventKind, ContactRequest, Decision, Purpose
from domain.contact_rules import Caps, RuleBook, decide


@cache
def shipped() -> RuleBook:
    return load_rulebook()


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
    )


def ask(request: ContactRequest, at: datetime, *events: ContactEvent, lender: Caps | None = None) -> Decision:
    return decide(request, at, events, shipped(), lender or Caps())


def rule_ids(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]
