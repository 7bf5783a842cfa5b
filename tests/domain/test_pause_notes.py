"""What a loan notes of its pauses tells later who paused it, and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.collection import apply
from domain.entering import enter
from domain.events.control import Pause, Resume
from domain.events.loan_event import LoanEvent
from domain.ledger_entries import NoteEntry
from domain.pause_notes import LONGEST_PAUSE, PAUSED, RESUMED, Noted, Pauses, pauses_of
from tests.domain.simulated_loan import START, facts, strategy

MARCH, MAY = START + timedelta(days=20), START + timedelta(days=80)
OWN, OF_CAMPAIGN = Pause(until=MARCH), Pause(until=MAY, of_campaign=True)


@pytest.mark.parametrize(
    ("heard", "left"),
    [
        ((OWN,), Pauses(MARCH, None)),
        ((OF_CAMPAIGN,), Pauses(None, MAY)),
        ((OWN, OF_CAMPAIGN), Pauses(MARCH, MAY)),
        ((OF_CAMPAIGN, OWN), Pauses(MARCH, MAY)),
        ((OWN, OF_CAMPAIGN, Resume(of_campaign=True)), Pauses(MARCH, None)),
        ((OF_CAMPAIGN, Resume(of_campaign=True)), Pauses(None, None)),
        ((OWN, OF_CAMPAIGN, Resume()), Pauses(None, None)),
    ],
)
def test_the_notes_of_a_loan_say_what_pauses_it(heard: tuple[LoanEvent, ...], left: Pauses) -> None:
    state = enter(facts(), strategy(), START)
    for event in heard:
        state, refused = apply(state, event, START)
        assert refused is None

    told = pauses_of(Noted(one.at, one.action, one.detail) for one in state.outbox if isinstance(one, NoteEntry))

    assert told == left
    assert (state.own_pause_until, state.campaign_pause_until) == left


def test_a_pause_that_does_not_say_whose_it_is_is_the_loans_own() -> None:
    assert pauses_of([Noted(START, PAUSED, MARCH.isoformat())]) == Pauses(MARCH, None)


def test_a_pause_without_an_end_that_does_not_say_whose_it_is_is_the_campaigns() -> None:
    for_ever = START + timedelta(days=3640, microseconds=7)

    assert pauses_of([Noted(START, PAUSED, for_ever.isoformat())]) == Pauses(None, for_ever)


def test_a_pause_whose_end_cannot_be_read_lasts_until_it_is_ended() -> None:
    lines = [Noted(START, PAUSED, "until further notice")]

    assert pauses_of(lines) == Pauses(START + LONGEST_PAUSE, None)
    assert pauses_of([*lines, Noted(START, RESUMED, "by request")]) == Pauses(None, None)
