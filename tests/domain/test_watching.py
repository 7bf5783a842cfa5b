"""When the balance watch looks."""

from __future__ import annotations

from domain.entering import enter
from domain.watching import watch_wanted
from tests.domain.simulated_loan import START, facts, strategy


def test_with_consent_and_open_channels_the_balance_is_watched() -> None:
    state = enter(facts(consent=True), strategy(), START)
    assert watch_wanted(state)
    assert not watch_wanted(enter(facts(consent=False), strategy(), START))
    assert not watch_wanted(enter(facts(consent=True), strategy(watch=None), START))
