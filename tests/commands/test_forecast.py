"""What `loan why` foretells must be what the loan would do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from commands.forecast import forecast, what_would_change_it
from commands.why_words import rule_text, what_words
from config.strategies import find_strategy
from domain.actions import Finish, Wait
from domain.collection import apply
from domain.contact import Channel
from domain.contact_orders import SendContact
from domain.entering import enter
from domain.events.borrower import Circumstance, CircumstanceReported, OptOut
from domain.events.contacts import ContactOutcome, ContactReported
from domain.events.control import Pause
from domain.ledger_entries import LoanEnd
from domain.loan_state import LoanState
from domain.loans import LoanFacts
from domain.planning import plan
from tests.domain.test_own_words import START, ordered

STRATEGY = find_strategy("es-microloan")
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def loan(dpd: int = 4, *, amount: int = 10_000, consent: bool = False) -> LoanState:
    facts = LoanFacts(
        lender="demo",
        loan_id="L1",
        country="ES",
        timezone="Europe/Madrid",
        currency="EUR",
        amount_due_minor=amount,
        due_date=date(2026, 11, 23) - timedelta(days=dpd),
        consent=consent,
    )
    return enter(facts, STRATEGY, NOW)


@st.composite
def situations(draw: st.DrawFn) -> tuple[LoanState, datetime]:
    """Loans some way into their life: contacts made, perhaps paused, a channel closed, a circumstance told."""
    state = loan(
        draw(st.integers(-3, 85)), amount=draw(st.sampled_from([4_000, 5_000, 90_000])), consent=draw(st.booleans())
    )
    now = NOW
    for _ in range(draw(st.integers(0, 6))):
        state, action = plan(state, now)
        if isinstance(action, SendContact):
            outcome = draw(st.sampled_from([ContactOutcome.SENT, ContactOutcome.UNREACHABLE]))
            report = ContactReported(
                step=action.step, occurrence=action.occurrence, outcome=outcome, channel=action.channels[0]
            )
            state, _ = apply(state, report, now)
        elif isinstance(action, Wait) and action.until is not None:
            now = max(action.until, now)
        else:
            break
    for event in draw(
        st.lists(
            st.sampled_from(
                [
                    Pause(until=now + timedelta(days=9, hours=5)),
                    OptOut(channel=Channel.SMS),
                    OptOut(channel=Channel.EMAIL),
                    OptOut(channel="all"),
                    CircumstanceReported(kind=Circumstance.DISPUTE),
                ]
            ),
            max_size=2,
        )
    ):
        state, _ = apply(state, event, now)
    return plan(state, now)[0], now


@given(situations())
def test_the_contact_foretold_is_the_one_the_loan_makes_when_it_wakes_as_it_plans(
    situation: tuple[LoanState, datetime],
) -> None:
    state, now = situation
    told = forecast(state, now)

    for _ in range(300):
        state, action = plan(state, now)
        if not isinstance(action, Wait) or action.until is None:
            break
        now = max(now, action.until)

    if isinstance(action, SendContact):
        assert (told.contact, told.contact_at) == (action, now)
    else:
        assert told.contact is None
        assert told.end == (state.end if isinstance(action, Finish) else None)


@given(situations())
def test_asking_changes_nothing_and_answers_the_same_until_the_first_wait_is_over(
    situation: tuple[LoanState, datetime],
) -> None:
    state, now = situation
    told = forecast(state, now)

    later = now + (told.until - now) / 2 if told.until is not None and told.until > now else now
    again = forecast(state, later)

    assert (again.contact, again.end, again.ends_at) == (told.contact, told.end, told.ends_at)
    if told.contact_at is not None and told.contact_at > later:
        assert again.contact_at == told.contact_at


@given(situations())
def test_paying_all_always_ends_it_as_cured_and_nothing_but_a_receipt_follows(
    situation: tuple[LoanState, datetime],
) -> None:
    state, now = situation
    if state.end is not None:
        return

    [paid] = [
        change
        for change in what_would_change_it(state, now, watching_balance=False)
        if change.cause == "the borrower pays all that is due"
    ]

    assert paid.state.end is LoanEnd.CURED
    assert paid.forecast.contact is None or paid.forecast.contact.step == "receipt"


def test_steps_that_will_come_to_nothing_are_told_with_their_reason() -> None:
    told = forecast(loan(20, amount=4_000), NOW)

    assert told.contact is not None
    assert told.contact.step == "call"
    assert [(record.step, record.because) for record in told.passed] == [
        ("talk", "amount due is below the step's minimum")
    ]


def test_a_handover_on_the_way_is_told() -> None:
    told = forecast(loan(20, amount=90_000), NOW)

    assert [case.queue for case in told.opened] != []
    assert told.contact_at is not None
    assert told.contact_at > NOW + timedelta(days=2)


def test_what_a_person_wrote_is_named_as_that() -> None:
    state, order = plan(ordered(), START)
    assert isinstance(order, SendContact)

    assert what_words(state, order) == "what a person wrote to the borrower"
    assert rule_text(state, order) == "a person wrote to the borrower in own words"
