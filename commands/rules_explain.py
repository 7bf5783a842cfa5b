"""`rules explain`: one decision in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from commands.console import Refused, iso
from domain.contact import Actor, Channel, ContactEvent, ContactRequest, Decision, Purpose, Reason, Verdict
from domain.contact_rules import KNOWN_FLAGS, Caps, Pack, RuleBook, candidate_zones, decide
from domain.contact_rules.model import Evidence

if TYPE_CHECKING:
    from config.settings import Settings


@dataclass(frozen=True)
class Question:
    """What the options say; None is left to the loan, or to what is usual."""

    channel: Channel
    purpose: Purpose
    country: str | None
    region: str | None
    city: str | None
    timezones: tuple[str, ...]
    flags: frozenset[str]
    actor: Actor | None

    def request(self, pack: Pack, actor: Actor) -> ContactRequest:
        """The request; without a zone, the candidates of the region. Raises Refused for flags nobody knows."""
        unknown = sorted(self.flags - KNOWN_FLAGS)
        if unknown:
            raise Refused(f"--flag: {unknown[0][:40]!r} is no stop state; there are {', '.join(sorted(KNOWN_FLAGS))}")
        return ContactRequest(
            loan_id="",
            channel=self.channel,
            purpose=self.purpose,
            country=pack.country,
            region=self.region,
            city=self.city,
            timezones=self.timezones or pack.zones.of(self.region),
            flags=self.flags,
            actor=self.actor or actor,
        )


def of_loan(
    settings: Settings, book: RuleBook, given: Question, loan_id: str, lender: str | None, at: str | None
) -> tuple[ContactRequest, datetime, Sequence[ContactEvent]]:
    """The request about a loan as the worker would make it, the moment, and the person's ledger. Raises Refused."""
    from activities.contact_slots import LEDGER_DAYS
    from commands import configuration
    from commands.loan_lookup import find_loan
    from records import contact_ledger, people

    database = configuration.records(settings)
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)
        person = people.of_loan(session, loan)
        country, region = given.country or person.country, given.region or person.region
        request = ContactRequest(
            loan_id=loan.loan_id,
            channel=given.channel,
            purpose=given.purpose,
            country=country,
            region=region,
            city=given.city or person.city,
            timezones=given.timezones or candidate_zones(book.pack(country), region, person.timezone),
            opted_out=people.opted_out(session, person),
            flags=people.flags(session, person) | given.flags,
            actor=given.actor or settings.lender_named(loan.lender).collects_as,
            authorised_channels=people.authorised_channels(person),
        )
        moment = asked_at(at, request)
        return request, moment, contact_ledger.person_events(session, person, moment - LEDGER_DAYS)


def asked_at(text: str | None, request: ContactRequest) -> datetime:
    """The moment asked about: without an offset on the person's first clock. Raises Refused."""
    if text is None:
        return datetime.now(UTC).replace(second=0, microsecond=0)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"--at: {text[:40]!r} is no moment: expected one such as 2026-11-21T20:30") from None
    if not 2000 <= at.year < 2100:
        raise Refused("--at: expected a year from 2000 to 2099")
    return at if at.tzinfo is not None else at.replace(tzinfo=_clock(request))


def _clock(request: ContactRequest) -> ZoneInfo:
    try:
        return ZoneInfo(request.timezones[0]) if request.timezones else ZoneInfo("UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused("--timezone: expected an IANA zone, such as America/Santiago") from None


@dataclass(frozen=True)
class Explained:
    request: ContactRequest
    at: datetime
    decision: Decision
    evidence: dict[str, Evidence]
    notes: dict[str, str]
    heading: str

    def lines(self) -> Iterator[str]:
        clock = _clock(self.request)
        yield self.heading
        yield f"Asked for {_local(self.at, clock)}"
        decision = self.decision
        if decision.verdict is Verdict.NOT_BEFORE and decision.not_before is not None:
            yield f"NOT BEFORE {_local(decision.not_before, clock)}"
        elif decision.verdict is Verdict.ALLOWED:
            until = decision.window_ends
            yield "ALLOWED" + (f", until {_local(until, clock)} (excluded)" if until is not None else "")
        else:
            yield "NEVER"
        for reason in decision.reasons:
            evidence = self.evidence.get(reason.rule)
            known = f", {evidence}" if evidence else ""
            yield f"  {reason.rule}: {reason.text} [{reason.source}{known}]"
            if evidence in (Evidence.UNVERIFIED, Evidence.CONFLICTING):
                yield f"    nobody confirmed this; the narrower reading is taken. {self.notes.get(reason.rule, '')}"


def explained(
    request: ContactRequest, at: datetime, events: Sequence[ContactEvent], book: RuleBook, caps: Caps
) -> Explained:
    pack = book.pack(request.country)
    rules = {} if pack is None else {rule.id: rule for rule in pack.rules()}
    place = ", ".join(part for part in (request.city, request.region) if part)
    named = pack.name if pack else request.country
    who = f"{request.channel}, {request.purpose}, {request.actor}"
    version = f", {pack.profile} profile, rules {pack.version}" if pack else ""
    return Explained(
        request=request,
        at=at,
        decision=decide(request, at, events, book, caps),
        evidence={name: rule.evidence for name, rule in rules.items()},
        notes={name: rule.note for name, rule in rules.items()},
        heading=f"{named}{f' ({place})' if place else ''}: {who}{version}; "
        f"clock: {', '.join(request.timezones) or 'not known'}",
    )


def explained_as_json(told: Explained) -> dict[str, Any]:
    decision = told.decision
    return {
        "decision": decision.verdict.value,
        "at": iso(told.at),
        "not_before": None if decision.not_before is None else iso(decision.not_before),
        "window_ends": None if decision.window_ends is None else iso(decision.window_ends),
        "timezones": list(told.request.timezones),
        "reasons": [_reason(reason, told) for reason in decision.reasons],
    }


def _reason(reason: Reason, told: Explained) -> dict[str, Any]:
    evidence = told.evidence.get(reason.rule)
    return {**reason.model_dump(mode="json"), "evidence": evidence.value if evidence else None}


def _local(at: datetime, clock: ZoneInfo) -> str:
    return f"{at.astimezone(clock):%a %Y-%m-%d %H:%M} {clock.key}"
