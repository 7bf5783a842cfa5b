"""A number proved dead and its owner writes from it: the later of the two counts, in whatever order a loan hears."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from domain.collection import apply
from domain.contact import Channel
from domain.events.borrower import OptIn, OptOut, ReplyUnderstood
from domain.events.contacts import ContactOutcome, ContactReported
from domain.events.loan_event import LoanEvent
from domain.loan_state import LoanState
from domain.planning import plan
from domain.replies.labels import Intent
from tests.domain.conversation.test_answering import talking
from tests.domain.simulated_loan import START

HOUR = timedelta(hours=1)


def dead_since(moment: datetime | None) -> ContactReported:
    """A step that went out by e-mail, since its number had proved dead; None: as an earlier version tells it."""
    return ContactReported(
        step="day-3",
        outcome=ContactOutcome.SENT,
        channel=Channel.EMAIL,
        closed=(Channel.SMS,),
        closed_at=() if moment is None else (moment,),
    )


def writes(at: datetime, *intents: Intent) -> ReplyUnderstood:
    return ReplyUnderstood(
        message_id="twilio:SM1",
        channel=Channel.SMS,
        received_at=at,
        intents=intents or (Intent.ASK_BALANCE,),
        confidence=1,
    )


def starts(at: datetime) -> OptIn:
    return OptIn(channel=Channel.SMS, at=at)


def hears(state: LoanState, *events: LoanEvent, at: datetime) -> LoanState:
    """Each kept and read back between, as by a run that starts afresh."""
    for event in events:
        state, refused = apply(LoanState.model_validate(state.model_dump(mode="json")), event, at)
        assert refused is None
    return state


@pytest.mark.parametrize("says", [writes, starts])
@pytest.mark.parametrize(("minutes", "open_again"), [(-30, False), (30, True)])
@pytest.mark.parametrize("report_first", [True, False])
def test_a_number_is_open_again_by_what_was_written_since_the_records_closed_it(
    report_first: bool, minutes: int, open_again: bool, says: Callable[[datetime], LoanEvent]
) -> None:
    """Given a number that the records closed at nine, when its owner writes at half past nine and the loan hears of
    both at ten, whichever first, then it is open, as it is in the records; by words of half past eight it is not."""
    news = [dead_since(START), says(START + timedelta(minutes=minutes))]

    state = hears(talking(), *(news if report_first else reversed(news)), at=START + HOUR)

    assert (Channel.SMS not in state.closed_channels) is open_again


def test_a_report_of_an_earlier_version_closes_a_number_as_of_the_moment_it_is_heard() -> None:
    later = START + HOUR
    before, after = writes(START + HOUR / 2), writes(later + HOUR)

    assert hears(talking(), before, dead_since(None), at=later).closed_channels == (Channel.SMS,)
    assert hears(talking(), dead_since(None), before, at=later).closed_channels == (Channel.SMS,)
    assert hears(talking(), dead_since(None), after, at=later).closed_channels == ()


@pytest.mark.parametrize("report_first", [True, False])
def test_a_stranger_at_the_number_does_not_open_it(report_first: bool) -> None:
    news = [dead_since(START), writes(START + HOUR / 2, Intent.WRONG_PERSON)]

    state = hears(talking(), *(news if report_first else reversed(news)), at=START + HOUR)

    assert state.closed_channels == (Channel.SMS,)


def test_a_start_from_a_dead_number_that_was_stopped_opens_it_for_good() -> None:
    stop = OptOut(channel=Channel.SMS, at=START)

    state = hears(talking(), stop, dead_since(START), starts(START + HOUR), at=START + HOUR)

    assert state.closed_channels == ()


def test_what_was_written_is_remembered_only_while_a_contact_is_under_way() -> None:
    """Else each loan whose borrower writes would carry it along."""
    state = hears(talking(), writes(START), at=START)
    assert state.written_from != ()

    planned, _ = plan(state, START)

    assert "written_from" not in planned.model_dump(mode="json")
    assert "closed_at" not in ContactReported(step="day-3", outcome=ContactOutcome.SENT).model_dump(mode="json")
