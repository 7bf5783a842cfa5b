"""What interrupts what: each interruption of a loan with an agreement, and what becomes of the agreement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.agreements.model import AgreementKind, Evidence, Via
from domain.agreements.offers import agreeing, offers, request_of
from domain.agreements.terms import Authority
from domain.contact import Channel
from domain.events.agreements import PromiseMade
from domain.events.borrower import Circumstance, CircumstanceReported, OptOut
from domain.events.contacts import AddressFailure, ContactFailed
from domain.events.control import Close, CloseReason, Pause
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.loan_state import LoanState

PROMISE, PLAN, SETTLEMENT, RESTRUCTURING = AgreementKind
OPTION = {PLAN: "monthly", SETTLEMENT: "late", RESTRUCTURING: "half-year"}


@dataclass(frozen=True)
class Row:
    """`then` is the agreement's state, of a promise `promise`; `stands_still`: nothing at all is written."""

    events: Callable[[LoanState, datetime], list[LoanEvent]]
    then: str
    promise: str
    end: str | None = None
    stands_still: bool = False
    but: dict[AgreementKind, str] = field(default_factory=dict)
    """Ends of the loan that differ by kind."""


def paid(amount: int, at: datetime, name: str = "p1") -> PaymentReceived:
    return PaymentReceived(payment_id=name, provider="bank", amount_minor=amount, currency="EUR", paid_at=at)


def agreement_of(kind: AgreementKind, state: LoanState, now: datetime) -> LoanEvent:
    """The order that brings an agreement of this kind into force at once."""
    said = Evidence(at=now.replace(microsecond=0), message_id="SM1")
    if kind is PROMISE:
        day = state.facts.local_date(now) + timedelta(days=6)
        return PromiseMade(amount_minor=12_000, date=day, by="agent-1", via=Via.AGENT, evidence=said)
    request = request_of(state, now, Authority.AGENT)
    offer = next(o for o in offers(request, state.strategy).offers if o.option == OPTION[kind] and not o.approval)
    given: dict[str, Any] = {"role": Authority.AGENT, "via": Via.MESSAGE, "holidays": request.holidays}
    return agreeing(offer, by="agent-1", evidence=said, **given)


def _circumstance(kind: Circumstance) -> Row:
    return Row(lambda state, now: [CircumstanceReported(kind=kind)], "active", "void", stands_still=True)


def _closed(reason: CloseReason) -> Row:
    return Row(lambda state, now: [Close(reason=reason)], "void", "void", end=reason.value)


TABLE: dict[str, Row] = {
    "paid in full": Row(
        lambda state, now: [paid(state.balance_minor, now)],
        "completed",
        "kept",
        end="cured",
        but={SETTLEMENT: "settled"},
    ),
    "part paid": Row(lambda state, now: [paid(3_000, now)], "active", "open"),
    "overpaid": Row(
        lambda state, now: [paid(state.balance_minor + 5_000, now)],
        "completed",
        "kept",
        end="cured",
        but={SETTLEMENT: "settled"},
    ),
    "payment reversed": Row(
        lambda state, now: [paid(12_000, now), PaymentReversed(payment_id="p1", provider="bank")], "active", "open"
    ),
    "late news of an earlier payment": Row(lambda state, now: [paid(3_000, now - timedelta(days=9))], "active", "open"),
    "dispute": _circumstance(Circumstance.DISPUTE),
    "hardship": _circumstance(Circumstance.HARDSHIP),
    "bereavement": _circumstance(Circumstance.BEREAVEMENT),
    "vulnerability": _circumstance(Circumstance.VULNERABLE),
    "channel opt-out": Row(lambda state, now: [OptOut(channel=Channel.SMS)], "active", "open"),
    "cease all contact": Row(lambda state, now: [OptOut(channel="all")], "active", "open"),
    "wrong person": Row(
        lambda state, now: [
            ContactFailed(step="day-3", occurrence=1, channel=Channel.SMS, reason=AddressFailure.WRONG_PERSON)
        ],
        "active",
        "open",
    ),
    "paused": Row(lambda state, now: [Pause(until=now + timedelta(days=2))], "active", "open", stands_still=True),
    "recalled": _closed(CloseReason.RECALLED),
    "sold": _closed(CloseReason.SOLD),
    "written off": _closed(CloseReason.WRITTEN_OFF),
}
