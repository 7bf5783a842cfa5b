"""What a loan will come to if nothing happens, and what would happen if something did.

Both are asked of the functions by which the loan itself decides; nothing here knows a rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.actions import AskOffers, Finish, OrderDebit, Wait
from domain.collection import apply
from domain.contact import Channel
from domain.contact_orders import SendContact
from domain.events.agreements import OffersMade
from domain.events.balance import FundsSeen
from domain.events.borrower import Circumstance, CircumstanceReported, OptOut
from domain.events.control import CaseDecision, Decide, Resume
from domain.events.debits import DebitOutcome, DebitReported
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.ledger_entries import LoanEnd
from domain.loan_parts import OpenCase, StepRecord
from domain.loan_state import LoanState
from domain.planning import plan
from domain.watching import watch_wanted

_MOST_WAITS = 200


@dataclass(frozen=True)
class Forecast:
    """What comes if nothing else happens, from `at` on.

    `contact` is the next one and `contact_at` when it falls due, before the contact rules were asked. Without
    one, `end` says how the loan ends at `ends_at`; with neither the loan waits for somebody. `until` and `why`
    are what it waits for first. `passed` are the steps that come to nothing on the way, `opened` the cases.
    """

    at: datetime
    contact: SendContact | None
    contact_at: datetime | None
    end: LoanEnd | None
    ends_at: datetime | None
    until: datetime | None
    why: str
    passed: tuple[StepRecord, ...]
    opened: tuple[OpenCase, ...]


def forecast(state: LoanState, at: datetime) -> Forecast:
    """Let the time pass until the next contact, the end, or a wait without an end."""
    before = state
    first: Wait | None = None
    now = at
    for _ in range(_MOST_WAITS):
        state, action = plan(state, now)
        if isinstance(action, SendContact):
            return _told(before, state, at, first, contact=action, moment=now)
        if isinstance(action, OrderDebit):
            # As if there were a mandate: the records know, the loan does not.
            planned = DebitReported(
                step=action.step, occurrence=action.occurrence, outcome=DebitOutcome.PLANNED, released=action.released
            )
            state, _ = apply(state, planned, now)
            continue
        if isinstance(action, AskOffers):
            # The engine knows balances and holidays that the loan does not: as if it had nothing to offer.
            state, _ = apply(state, OffersMade(number=action.asking.number), now)
            continue
        if isinstance(action, Finish):
            return _told(before, state, at, first, end=state.end, moment=now)
        first = first or action
        if action.until is None:
            break
        now = max(action.until, now + timedelta(microseconds=1))
    return _told(before, state, at, first)


def _told(
    before: LoanState,
    after: LoanState,
    at: datetime,
    first: Wait | None,
    *,
    contact: SendContact | None = None,
    end: LoanEnd | None = None,
    moment: datetime | None = None,
) -> Forecast:
    known = {case.case_id for case in before.cases}
    return Forecast(
        at=at,
        contact=contact,
        contact_at=moment if contact else None,
        end=end,
        ends_at=moment if end else None,
        until=first.until if first else None,
        why=first.why if first else "",
        passed=tuple(r for r in after.records[len(before.records) :] if r.result == "passed_over"),
        opened=tuple(case for case in after.cases if case.case_id not in known),
    )


@dataclass(frozen=True)
class Change:
    """If `cause` came now: what the loan would be then, and what it would come to. `refused`: it would not listen."""

    cause: str
    event: LoanEvent
    state: LoanState
    forecast: Forecast
    refused: str | None


def what_would_change_it(state: LoanState, at: datetime, *, watching_balance: bool) -> tuple[Change, ...]:
    """The things that can happen to this loan now, each tried on it."""
    return tuple(_tried(state, at, cause, event) for cause, event in _possible(state, at, watching_balance))


def _tried(state: LoanState, at: datetime, cause: str, event: LoanEvent) -> Change:
    after, refused = apply(state, event, at)
    return Change(cause, event, after, forecast(after, at), refused)


def _possible(state: LoanState, at: datetime, watching: bool) -> list[tuple[str, LoanEvent]]:
    if state.end is not None:
        counted = [payment for payment in state.payments if not payment.reversed]
        if state.end is not LoanEnd.CURED or not counted:
            return []
        last = counted[-1]
        reversal = PaymentReversed(payment_id=last.payment_id, provider=last.provider)
        return [("the last payment is reversed", reversal)]
    found: list[tuple[str, LoanEvent]] = []
    if state.balance_minor > 0:
        payment = PaymentReceived(
            payment_id="if-paid",
            amount_minor=state.balance_minor,
            currency=state.facts.currency,
            paid_at=at,
            provider="forecast",
        )
        found.append(("the borrower pays all that is due", payment))
    if (watching or watch_wanted(state)) and state.strategy.watch is not None:
        found.append(("the balance watch sees the money", FundsSeen(read_at=at)))
    if state.paused_until is not None:
        found.append(("somebody resumes it", Resume()))
    for case in state.cases:
        for decision in (CaseDecision.CONTINUE, CaseDecision.RECALL):
            order = Decide(case_id=case.case_id, decision=decision, by="forecast")
            found.append((f"somebody decides {decision} on case {case.case_id}", order))
    if not state.ceased:
        channel = _channel_in_use(state, at)
        if channel is not None:
            found.append((f"the borrower opts out of {channel}", OptOut(channel=channel)))
        found.append(("the borrower asks for no contact at all", OptOut(channel="all")))
    if state.circumstance is None:
        hardship = CircumstanceReported(kind=Circumstance.HARDSHIP)
        found.append(("hardship is reported (as would a dispute, bereavement or vulnerability)", hardship))
    return found


def _channel_in_use(state: LoanState, at: datetime) -> Channel | None:
    coming = forecast(state, at).contact
    return coming.channels[0] if coming is not None and coming.channels else None
