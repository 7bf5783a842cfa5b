"""When a borrower is asked for a consent, and what having one means."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.actions import Wait
from domain.agreements.model import Via
from domain.collection import apply
from domain.consent_renewal import NOT_USED, TAKEN_BACK, is_renewal, worth_renewing
from domain.contact import Channel
from domain.contact_orders import CONSENT, SendContact
from domain.entering import enter
from domain.events.agreements import PromiseMade
from domain.events.balance import AskConsent, ConsentGiven, WatchEnded
from domain.events.contacts import ContactOutcome, ContactReported
from domain.loan_snapshot import restore, snapshot
from domain.loan_state import LoanState
from domain.planning import plan
from domain.strategy import BalanceWatch
from domain.watching import watch_wanted
from tests.domain.simulated_loan import PROMISES, START, facts, strategy

UNTIL = date(2026, 3, 24)


def watch(**more: Any) -> BalanceWatch:
    return BalanceWatch(channels=(Channel.SMS, Channel.EMAIL), template="funds", **more)


def asks(state: LoanState, start: datetime, days: int) -> list[tuple[datetime, SendContact]]:
    """The consent requests of some days, all sent at once; other contacts are sent too."""
    found, now, end = [], start, start + timedelta(days=days)
    while now < end:
        state, action = plan(state, now)
        if isinstance(action, SendContact):
            if action.step == CONSENT:
                found.append((now, action))
            report = ContactReported(
                step=action.step, occurrence=action.occurrence, outcome=ContactOutcome.SENT, channel=action.channels[0]
            )
            state, _ = apply(state, report, now)
        elif isinstance(action, Wait) and action.until is not None:
            now = max(action.until, now + timedelta(microseconds=1))
        else:
            break
    return found


def consented(until: date | None = UNTIL, **more: Any) -> LoanState:
    given = facts().model_copy(update={"consent": True, "consent_until": until})
    return enter(given, strategy(watch=watch(**{"renew_days_before": 10, **more})), START)


def test_a_renewal_is_asked_for_once_so_many_days_before_the_date_the_bank_named() -> None:
    found = asks(consented(), START, 60)

    assert [(at.astimezone(UTC).date(), order.occurrence, order.template) for at, order in found] == [
        (date(2026, 3, 14), 1, "consent_request")
    ]


def test_nobody_is_asked_where_the_strategy_does_not_say_so_or_the_bank_named_no_day() -> None:
    assert asks(consented(renew_days_before=None), START, 60) == []
    assert asks(consented(until=None), START, 60) == []


def test_the_next_consent_has_an_end_of_its_own_to_be_asked_for() -> None:
    state = consented()
    state, refused = apply(state, ConsentGiven(valid_until=date(2026, 4, 20)), START + timedelta(days=1))

    found = asks(state, START + timedelta(days=1), 70)

    assert refused is None
    assert [at.astimezone(UTC).date() for at, _ in found] == [date(2026, 4, 10)]


def test_a_consent_given_while_it_was_asked_for_is_asked_to_be_renewed_in_its_turn() -> None:
    asking = datetime(2026, 3, 14, 12, tzinfo=UTC)
    state, order = plan(consented(), asking)
    assert isinstance(order, SendContact)
    state, _ = apply(state, ConsentGiven(valid_until=date(2026, 4, 20)), asking)

    report = ContactReported(
        step=order.step, occurrence=order.occurrence, outcome=ContactOutcome.SENT, channel=Channel.SMS
    )
    state, _ = apply(state, report, asking)

    assert [at.astimezone(UTC).date() for at, _ in asks(state, asking, 40)] == [date(2026, 4, 10)]


def test_a_consent_given_anew_lets_a_watch_go_on_that_was_over() -> None:
    state, _ = apply(consented(), WatchEnded(reason="consent: CONSENT_EXPIRED"), START)
    assert not watch_wanted(state)

    state, _ = apply(state, ConsentGiven(valid_until=None), START)

    assert watch_wanted(state)
    assert state.facts.consent


def test_whoever_is_asked_by_hand_is_asked_at_once_and_once() -> None:
    state = enter(facts().model_copy(update={"consent": False}), strategy(watch=watch()), START)
    state, refused = apply(state, AskConsent(), START)

    found = asks(state, START, 30)

    assert refused is None
    assert [at for at, _ in found] == [START]


def test_a_consent_is_not_asked_for_that_nobody_would_use() -> None:
    state = enter(facts(), strategy(watch=None), START)

    state, refused = apply(state, AskConsent(), START)

    assert refused is not None
    assert asks(state, START, 30) == []


def test_a_request_that_could_not_be_tried_is_tried_the_next_day() -> None:
    now = datetime(2026, 3, 14, 12, tzinfo=UTC)
    state, order = plan(consented(), now)
    while isinstance(order, SendContact) and order.step != CONSENT:
        state, _ = apply(
            state, ContactReported(step=order.step, occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS), now
        )
        state, order = plan(state, now)
    assert isinstance(order, SendContact)
    state, _ = apply(state, ContactReported(step=CONSENT, occurrence=1, outcome=ContactOutcome.FAILED), now)

    assert isinstance(plan(state, now)[1], Wait)
    again = plan(state, now + timedelta(days=1))[1]
    assert isinstance(again, SendContact)
    assert (again.step, again.occurrence) == (CONSENT, 1)


@pytest.mark.parametrize("why", [TAKEN_BACK, NOT_USED])
def test_whoever_asks_while_a_renewal_that_nobody_wants_waits_is_heard(why: str) -> None:
    """Given a renewal that waits for its moment, when its borrower takes the consent back, an operator asks for a new
    one, and the renewal is not sent, then the operator's request goes out, once, and no other renewal."""
    now = datetime(2026, 3, 14, 12, tzinfo=UTC)
    state, order = plan(consented(), now)
    assert isinstance(order, SendContact)
    assert is_renewal(state, order)
    state, refused = apply(state, AskConsent(), now)

    report = ContactReported(
        step=order.step, occurrence=order.occurrence, outcome=ContactOutcome.UNREACHABLE, refused=(why,)
    )
    state, _ = apply(state, report, now)

    assert refused is None
    assert not is_renewal(state, order)
    assert [(at, again.occurrence) for at, again in asks(state, now, 20)] == [(now, order.occurrence + 1)]


def test_a_renewal_that_nobody_wants_is_not_tried_again() -> None:
    now = datetime(2026, 3, 14, 12, tzinfo=UTC)
    state, order = plan(consented(), now)
    assert isinstance(order, SendContact)

    report = ContactReported(step=CONSENT, occurrence=1, outcome=ContactOutcome.UNREACHABLE, refused=(TAKEN_BACK,))
    state, _ = apply(state, report, now)

    assert asks(state, now, 20) == []


def test_what_was_asked_for_is_kept_over_a_restart_and_nothing_new_travels_without() -> None:
    plain = enter(facts(), strategy(watch=watch()), START)
    state, _ = apply(consented(), AskConsent(), START)

    assert restore(snapshot(state), state.facts, state.strategy).consent_wanted
    assert not {"consent_wanted", "consent_asked_for"} & snapshot(plain).keys()
    assert not {"renew_days_before", "renew_template"} & watch().model_dump(mode="json").keys()


def test_a_renewal_is_of_use_while_an_offer_is_left_or_an_agreement_is_kept() -> None:
    """Given a watch that has made all its offers, then nothing more is read by itself, and no consent for it is wanted;
    a promise that is kept is watched all the same. What an operator asks for is no renewal."""
    state = consented(max_offers=1)
    spent = state.model_copy(update={"offers_made": 1})
    promised, refused = apply(
        spent.model_copy(update={"strategy": spent.strategy.model_copy(update={"promises": PROMISES})}),
        PromiseMade(amount_minor=30_000, date=date(2026, 3, 6), by="agent-1", via=Via.AGENT),
        START,
    )
    renewal = SendContact(step=CONSENT, occurrence=1, channels=(Channel.SMS,), template="consent_request", what="")

    assert refused is None
    assert (worth_renewing(state), worth_renewing(spent), worth_renewing(promised)) == (True, False, True)
    assert is_renewal(state, renewal)
    assert not is_renewal(apply(state, AskConsent(), START)[0], renewal)
