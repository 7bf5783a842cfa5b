"""A message is judged by the time at which it leaves, however long it took to get it ready."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.contact import Channel, Purpose
from domain.contact_orders import RECEIPT
from domain.events.contacts import ContactOutcome
from records import contact_decisions, loans
from records.tables import ContactState
from tests.activities.outside import (
    TUESDAY,
    Desk,
    enter_loan,
    mails_to,
    offer,
    pay,
    person_of,
    remind,
    texts_to,
)
from tests.records.portfolios import LENDER
from tests.sandbox.running import World

CLOSES = datetime(2026, 3, 10, 20, 0, tzinfo=UTC)
OPENS_AGAIN = datetime(2026, 3, 11, 8, 0, tzinfo=UTC)
LATE = CLOSES - timedelta(seconds=15)


class SteadyClock:
    """The machine's steady clock: stands, or goes on by `step` seconds whenever it is read."""

    def __init__(self, step: float = 0.0) -> None:
        self.seconds = 100.0
        self._step = step

    def __call__(self) -> float:
        self.seconds += self._step
        return self.seconds


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> SteadyClock:
    clock = SteadyClock()
    monkeypatch.setattr("activities.contact_clock.monotonic", clock)
    return clock


def slow_links(desk: Desk, steady: SteadyClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway takes half a minute for a payment link."""
    real = desk.links.link_for_balance

    async def slow(*given: Any, **more: Any) -> Any:
        steady.seconds += 30
        return await real(*given, **more)

    monkeypatch.setattr(desk.links, "link_for_balance", slow)


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS])
async def test_a_window_that_closes_while_the_link_is_made_is_missed_and_the_next_one_waited_for(
    both: Desk, world: World, steady: SteadyClock, monkeypatch: pytest.MonkeyPatch, channel: Channel
) -> None:
    loan_id = enter_loan(both.database)
    phone, email = person_of(both.database, loan_id)
    slow_links(both, steady, monkeypatch)
    order = offer(loan_id, channels=(channel,))

    late = await both.refused(order, LATE)
    sent_late = texts_to(world, phone) + mails_to(world, email)
    report = await both.contact(order, OPENS_AGAIN, attempt=2)

    assert late.type == "NotYet"
    assert late.next_retry_delay == OPENS_AGAIN - LATE
    assert sent_late == []
    assert report.outcome is ContactOutcome.SENT
    assert len(texts_to(world, phone) + mails_to(world, email)) == 1


async def test_a_window_that_closes_between_taking_the_place_and_sending_is_missed_too(
    both: Desk, world: World, steady: SteadyClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_id = enter_loan(both.database)
    _, email = person_of(both.database, loan_id)
    order = remind(loan_id, channels=(Channel.EMAIL, Channel.SMS))
    real: Callable[..., Any] = both.sender._places.take

    def slow(*given: Any, **more: Any) -> Any:
        taken = real(*given, **more)
        steady.seconds += 20
        return taken

    monkeypatch.setattr(both.sender._places, "take", slow)

    late = await both.refused(order, LATE)

    assert (late.type, late.next_retry_delay) == ("NotYet", OPENS_AGAIN - LATE)
    assert mails_to(world, email) == []
    assert both.row(order).state is ContactState.DROPPED
    assert both.counted(loan_id) == 0


async def test_what_is_kept_and_told_to_the_carrier_is_when_it_left(
    desk: Desk, world: World, steady: SteadyClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_id = enter_loan(desk.database)
    phone, _ = person_of(desk.database, loan_id)
    slow_links(desk, steady, monkeypatch)

    await desk.contact(offer(loan_id))

    left = TUESDAY + timedelta(seconds=30)
    [text] = texts_to(world, phone)
    row = desk.row(offer(loan_id))
    assert text["at"] == left.isoformat()
    assert (row.reserved_at, row.sent_at) == (left, left)
    with desk.database.reading() as session:
        kept = contact_decisions.of_loan(session, loans.get(session, LENDER, loan_id))
    assert kept[-1].at == left


async def test_a_receipt_whose_documents_take_their_time_goes_out_with_them(
    desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.contact_clock.monotonic", SteadyClock(step=0.7))
    loan_id = enter_loan(desk.database)
    _, email = person_of(desk.database, loan_id)
    pay(desk.database, loan_id, 10_000)
    order = remind(
        loan_id,
        step=RECEIPT,
        template="payment_received",
        channels=(Channel.EMAIL,),
        purpose=Purpose.TRANSACTIONAL,
    )

    report = await desk.contact(order)

    assert report.outcome is ContactOutcome.SENT
    mails = world.http.get("/_world/mail").json()["mail"]
    [attached] = [mail["attachments"] for mail in mails if mail["to"] == email]
    assert len(attached) == 2
