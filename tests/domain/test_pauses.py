"""A loan's own pause beside its campaign's: neither ends, shortens or outlives the other."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.collection import apply
from domain.entering import enter
from domain.events.control import Pause, Resume
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.loan_state import LoanState
from domain.pauses import ended_without_campaigns_pause
from tests.domain.simulated_loan import START, facts, strategy

DAY = timedelta(days=1)
OWN = START + 60 * DAY
WITHOUT_END = START + timedelta(days=3640, microseconds=1)
PAID = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=START, provider="bank")
TAKEN_BACK = PaymentReversed(payment_id="p", provider="bank")


def fresh() -> LoanState:
    return enter(facts(), strategy(), START)


def hears(state: LoanState, *events: LoanEvent, days: int = 0) -> LoanState:
    for event in events:
        state, refused = apply(state, event, START + days * DAY)
        assert refused is None, refused
    return state


def kept_by_an_earlier_version(state: LoanState) -> LoanState:
    data = state.model_dump(mode="json")
    return LoanState.model_validate({k: v for k, v in data.items() if not k.endswith("_pause_until")})


def test_a_pause_of_before_the_upgrade_is_neither_shortened_nor_ended_by_the_campaigns() -> None:
    """Given a loan whose state an earlier version kept, paused alone until a day, when its campaign is paused for three
    days, and goes on, then the loan stands still until its own day."""
    state = kept_by_an_earlier_version(hears(fresh(), Pause(until=OWN)))

    state = hears(state, Pause(until=START + 3 * DAY, of_campaign=True))
    assert state.paused_until == OWN
    state = hears(state, Resume(of_campaign=True), days=1)

    assert state.paused_until == OWN


@pytest.mark.parametrize("until", [START + 3 * DAY, START + 30 * DAY])
def test_a_campaigns_pause_that_is_given_again_lasts_until_its_new_end(until: datetime) -> None:
    state = hears(fresh(), Pause(until=START + 9 * DAY, of_campaign=True), Pause(until=until, of_campaign=True))

    assert state.paused_until == until


def test_a_campaigns_pause_of_before_the_upgrade_ends_when_it_goes_on() -> None:
    """Whether it was kept with the state or is heard again from the history, and whether it was paused once more."""
    heard = hears(fresh(), Pause(until=WITHOUT_END))
    for state in (heard, kept_by_an_earlier_version(heard)):
        again = hears(state, Pause(until=WITHOUT_END + DAY, of_campaign=True), days=1)

        assert hears(state, Resume(of_campaign=True), days=2).paused_until is None
        assert hears(again, Resume(of_campaign=True), days=2).paused_until is None


def test_ten_years_that_a_person_named_are_the_loans_own() -> None:
    state = hears(fresh(), Pause(until=START + 3640 * DAY), Pause(until=WITHOUT_END, of_campaign=True))

    state = hears(state, Resume(of_campaign=True), days=1)

    assert state.paused_until == START + 3640 * DAY


def test_an_earlier_history_with_two_pauses_holds_as_it_did_until_the_last() -> None:
    state = hears(fresh(), Pause(until=WITHOUT_END), Pause(until=OWN))

    assert state.paused_until == OWN


def test_a_campaign_whose_pause_never_came_here_ends_none_of_the_loans_own() -> None:
    state = hears(fresh(), Pause(until=OWN))

    state, refused = apply(state, Resume(of_campaign=True), START + DAY)

    assert refused == "the loan is paused by itself, not by its campaign"
    assert state.paused_until == OWN


class TestAPaymentThatIsTakenBack:
    def test_brings_back_the_pause_of_the_loans_own_and_of_its_campaign(self) -> None:
        own = hears(hears(fresh(), Pause(until=OWN), PAID), TAKEN_BACK, days=5)
        both = hears(
            hears(fresh(), Pause(until=OWN), Pause(until=WITHOUT_END, of_campaign=True), PAID), TAKEN_BACK, days=5
        )

        assert own.paused_until == OWN
        assert both.paused_until == WITHOUT_END

    @pytest.mark.parametrize("earlier", [False, True], ids=["this version", "an earlier one"])
    def test_brings_back_no_pause_of_a_campaign_that_goes_on(self, earlier: bool) -> None:
        """Given a loan that was paid while its campaign was paused, when the campaign goes on before the payment is
        taken back, then the loan goes on too, and a later pause of its own ends at its day."""
        state = fresh()
        pause = Pause(until=WITHOUT_END, of_campaign=not earlier)
        state = hears(state, pause, PAID)
        if earlier:
            state = kept_by_an_earlier_version(state)
        state = hears(state, Resume(of_campaign=True), days=1)

        state = hears(state, TAKEN_BACK, days=5)

        assert (state.end, state.paused_until) == (None, None)
        assert hears(state, Pause(until=OWN), days=6).paused_until == OWN

    def test_brings_back_the_loans_own_alone_where_its_campaign_goes_on(self) -> None:
        state = hears(fresh(), Pause(until=OWN), Pause(until=WITHOUT_END, of_campaign=True), PAID)
        told, recorded = hears(state, Resume(of_campaign=True)), ended_without_campaigns_pause(state, START)

        for state in (told, recorded):
            assert hears(state, TAKEN_BACK, days=5).paused_until == OWN

    def test_a_campaign_that_goes_on_changes_nothing_of_a_paid_loan_it_did_not_pause(self) -> None:
        state = hears(fresh(), Pause(until=OWN), PAID)

        state, refused = apply(state, Resume(of_campaign=True), START + DAY)

        assert refused == "the loan is not paused"
        assert hears(state, TAKEN_BACK, days=5).paused_until == OWN
