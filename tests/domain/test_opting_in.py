"""A borrower who stopped messages by a channel and wants them again, as a running loan hears of it."""

from __future__ import annotations

from datetime import timedelta

from domain.contact import Channel
from domain.events.borrower import OptIn, OptOut
from tests.domain.simulated_loan import START
from tests.domain.test_collection import entries, loan

MINUTE = timedelta(minutes=1)


def stop(minutes: int) -> OptOut:
    return OptOut(channel=Channel.SMS, at=START + minutes * MINUTE)


def start(minutes: int) -> OptIn:
    return OptIn(channel=Channel.SMS, at=START + minutes * MINUTE)


def test_who_wants_messages_again_is_written_to_by_that_channel_again() -> None:
    """Given a loan that heard a STOP by text, when it hears of the START that followed, then its next step goes by
    text, and it tells the records nothing that they know."""
    subject = loan()
    subject.pass_days(1)
    subject.hear(stop(0))

    assert subject.hear(start(5)) is None
    subject.pass_days(40)

    assert subject.state.closed_channels == ()
    assert Channel.SMS in subject.contacts[0][1].channels
    assert entries(subject)[:1] == ["opt_out"]
    assert "opt_in" not in entries(subject)


def test_what_was_said_last_counts_in_whatever_order_it_is_heard() -> None:
    told: dict[str, tuple[list[OptIn | OptOut], bool]] = {
        "a START that overtook its STOP": ([start(5), stop(0)], False),
        "a START that came after a later STOP": ([stop(0), stop(10), start(5)], True),
        "a STOP that was told again after the START": ([stop(0), start(5), stop(0)], False),
        "a STOP after the START": ([stop(0), start(5), stop(10)], True),
        "a START of the moment of its STOP": ([stop(5), start(5)], True),
        "a STOP of the moment of its START": ([start(5), stop(5)], True),
    }
    closed = {}
    for name, (news, _) in told.items():
        subject = loan()
        subject.pass_days(1)
        for event in news:
            assert subject.hear(event) is None
        closed[name] = Channel.SMS in subject.state.closed_channels

    assert closed == {name: expected for name, (_, expected) in told.items()}


def test_a_stop_without_a_moment_is_of_now_and_always_counts() -> None:
    """As the lender's own systems tell it."""
    subject = loan()
    subject.pass_days(1)
    subject.hear(start(5))

    subject.hear(OptOut(channel=Channel.SMS))

    assert subject.state.closed_channels == (Channel.SMS,)


def test_a_start_opens_one_channel_alone_and_never_a_loan_whose_borrower_wants_no_contact_at_all() -> None:
    subject = loan()
    subject.pass_days(1)
    subject.hear(stop(0))
    subject.hear(OptOut(channel=Channel.EMAIL))
    subject.hear(OptOut(channel="all"))

    subject.hear(start(5))

    assert subject.state.closed_channels == (Channel.EMAIL,)
    assert subject.state.ceased
