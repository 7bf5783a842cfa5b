"""Whatever stands in a signal, the loan refuses it or acts on it, and goes on: what is read never fails the rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.collection import apply
from domain.contact import Channel
from domain.conversation.terms import ConversationTerms
from domain.entering import enter
from domain.events.agreements import PromiseMade
from domain.events.borrower import CircumstanceReported, OptOut
from domain.events.control import Pause
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived
from domain.ledger_entries import AddressEntry
from domain.loan_snapshot import restore, snapshot
from domain.loan_state import LoanState
from domain.planning import plan
from domain.strategy import BalanceWatch
from tests.domain.simulated_loan import CATALOGUE, START, facts, strategy
from tests.nasty import JSON, TEXT, fuzzing
from workflows.messages import SIGNALS, read_signal

DAY = timedelta(days=1)
AT = START.isoformat()
GOOD: dict[str, dict[str, Any]] = {
    "payment_received": {
        "payment_id": "p9",
        "amount_minor": 5_000,
        "currency": "EUR",
        "paid_at": AT,
        "provider": "stripe",
        "entry": 1,
    },
    "payment_reversed": {"payment_id": "p1", "provider": "stripe", "entry": 1},
    "payment_refunded": {"payment_id": "p1", "provider": "stripe", "refunded_minor": 100, "entry": 1},
    "opt_out": {"channel": "sms", "at": AT},
    "opt_in": {"channel": "sms", "at": AT},
    "circumstance_reported": {"kind": "dispute"},
    "contact_failed": {"step": "day-3", "occurrence": 1, "channel": "sms", "reason": "dead"},
    "consent_given": {"valid_until": "2026-06-01"},
    "ask_consent": {},
    "promise_made": {
        "amount_minor": 5_000,
        "date": "2026-03-10",
        "by": "bot",
        "via": "message",
        "currency": "EUR",
        "evidence": {"at": AT, "message_id": "SM1"},
    },
    "call_choice": {"step": "day-3", "occurrence": 1, "wish": "promise", "promised_on": "2026-03-10"},
    "debit_returned": {"step": "day-3", "occurrence": 1, "reason": "AM04"},
    "reply_understood": {
        "message_id": "twilio:SM1",
        "channel": "sms",
        "received_at": AT,
        "intents": ["promise_to_pay"],
        "confidence": 0.9,
        "promise_date": "2026-03-10",
        "promise_amount_minor": 5_000,
        "asks_to_move": False,
        "day_named": "2026-03-11",
        "says": None,
        "faq": None,
        "needs_human": False,
    },
    "notice_ordered": {
        "notice_id": "n1",
        "template": "help_offer",
        "channels": ["sms"],
        "until": "2026-03-20T00:00:00Z",
    },
    "notice_withdrawn": {"notice_id": "n1"},
}
DAYS = ("0001-01-01", "1969-12-31", "1970-01-01", "2026-03-02", "2199-12-31", "2200-01-01", "3025-03-05", "9999-12-31")
MOMENTS = tuple(f"{day}T{time}" for day in DAYS for time in ("00:00:00Z", "00:00:00+14:00", "23:59:59-12:00"))
NUMBERS = (0, 1, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**30, -1, 1e308, 0.5, True)
VALUES = st.sampled_from(DAYS + MOMENTS) | st.sampled_from(NUMBERS) | JSON | TEXT


def heard(state: LoanState, *events: LoanEvent) -> LoanState:
    for event in events:
        state, refused = apply(state, event, START)
        assert refused is None
    return state


def states() -> dict[str, LoanState]:
    """A loan where it can be when a signal comes."""
    watch = BalanceWatch(channels=(Channel.SMS,), template="funds", renew_days_before=10)
    rules = strategy(watch=watch, **CATALOGUE).model_copy(update={"conversation": ConversationTerms()})
    fresh = enter(facts(consent=True), rules, START)
    payment = PaymentReceived(payment_id="p1", amount_minor=30_000, currency="EUR", paid_at=START, provider="stripe")
    promise = PromiseMade(amount_minor=5_000, date=(START + 5 * DAY).date(), by="agent-1", via="agent")
    return {
        "fresh": fresh,
        "promised": heard(fresh, promise),
        "paid": heard(fresh, payment),
        "ceased": heard(fresh, OptOut(channel="all")),
        "disputed": heard(fresh, CircumstanceReported(kind="dispute")),
        "paused": heard(fresh, Pause(until=START + 30 * DAY)),
    }


STATES = states()


def survives(name: str, payload: object) -> None:
    event = read_signal(name, payload)
    if isinstance(event, str):
        return
    for state in STATES.values():
        after, _ = apply(state, event, START)
        for days in (0, 1, 40):
            later, _ = plan(after, START + days * DAY)
            assert restore(snapshot(later), later.facts, later.strategy).cases == later.cases
            assert LoanState.model_validate_json(later.model_dump_json()) == later
            places = [e.occurrence for e in later.outbox if isinstance(e, AddressEntry)]
            assert all(place is None or place < 2**31 for place in places), "the records can count so far"


@pytest.mark.parametrize("name", SIGNALS)
def test_every_signal_as_it_should_be_is_read(name: str) -> None:
    assert not isinstance(read_signal(name, GOOD[name]), str)
    survives(name, GOOD[name])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("call_choice", {"promised_on": "2300-01-01"}),
        ("reply_understood", {"promise_date": "3025-03-05", "day_named": None}),
        ("reply_understood", {"day_named": "3025-03-05"}),
        ("consent_given", {"valid_until": "0001-01-01"}),
        ("contact_failed", {"occurrence": 2**63}),
        ("debit_returned", {"occurrence": 2**63}),
    ],
)
def test_a_day_or_number_beyond_all_sense_is_refused(name: str, changes: dict[str, Any]) -> None:
    read = read_signal(name, GOOD[name] | changes)

    assert isinstance(read, str)
    assert read.startswith(next(iter(changes)))


def test_a_consent_that_the_bank_gave_without_an_end_is_taken() -> None:
    """Banks write the last day of the calendar where there is none."""
    assert not isinstance(read_signal("consent_given", {"valid_until": "9999-12-31"}), str)
    survives("consent_given", {"valid_until": "9999-12-31"})


PLACES = [(name, field) for name, model in SIGNALS.items() for field in model.model_fields]


@fuzzing(400)
@given(st.sampled_from(PLACES), VALUES, st.integers(0), VALUES)
def test_any_value_in_any_field_of_any_signal_leaves_a_loan_that_goes_on(
    place: tuple[str, str], value: object, other: int, another: object
) -> None:
    name, field = place
    survives(name, GOOD[name] | {field: value})
    fields = list(SIGNALS[name].model_fields)
    survives(name, GOOD[name] | {fields[other % len(fields)]: another, field: value})


@fuzzing(100)
@given(st.sampled_from(sorted(SIGNALS)), JSON)
def test_any_payload_leaves_a_loan_that_goes_on(name: str, payload: object) -> None:
    survives(name, payload)
