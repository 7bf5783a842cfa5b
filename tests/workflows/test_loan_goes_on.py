"""A loan that had ended goes on from what the records kept of it; a running one moves to another strategy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.contact import Channel
from domain.events.contacts import ContactOutcome, ContactReported
from domain.loan_snapshot import restore
from domain.loans import LoanFacts
from domain.strategy import BalanceWatch, Receipt
from tests.domain.simulated_loan import facts, strategy
from tests.workflows.skipping import Stage, failed_tasks, replays, settled, stage
from workflows.loan import LoanCollection
from workflows.messages import MigrateOrder, Signal


def payment(payment_id: str, amount_minor: int, paid_at: str) -> dict[str, Any]:
    return {
        "payment_id": payment_id,
        "amount_minor": amount_minor,
        "currency": "EUR",
        "paid_at": paid_at,
        "provider": "bank",
    }


async def goes_on(on: Stage, loan: LoanFacts, name: str, payload: dict[str, Any]) -> Any:
    """As the webhooks' relay does it: the last final state, and the news that makes the loan go on."""
    plan = strategy(watch=None)
    state = restore(on.world.snapshots[-1], loan, plan)
    return await on.start(loan, plan, state=state, signals=(Signal(name=name, payload=payload),))


async def test_a_reversal_after_the_end_continues_the_sequence_and_the_ledger() -> None:
    async with stage() as on:
        begin = await on.morning()
        loan = facts(due_date=begin.date() - timedelta(days=1))
        handle = await on.start(loan, strategy(watch=None))
        await on.pass_days(3)
        await handle.signal("payment_received", payment("p-1", 30_000, begin.isoformat()))
        await on.pass_days(0.1)  # not result(): waiting for a result lets the server's clock run away
        assert on.world.sent() == ["day-3", "receipt"]

        again = await goes_on(on, loan, "payment_reversed", {"payment_id": "p-1"})
        await on.pass_days(8)
        status = await again.query("status")
        assert (status["end"], status["balance_minor"]) == (None, 30_000)
        assert on.world.sent() == ["day-3", "receipt", "day-8", "big"]
        await again.execute_update("close", {"reason": "sold"})
        await again.result()
        kinds = [entry.entry for entry in on.world.entries]
        assert kinds == ["payment", "end", "reversal", "reopened", "end"]
        assert on.world.seen == set(range(5)), "each entry has a number of its own over the loan's whole life"
        assert await failed_tasks(again) == []
        await replays(again)


async def test_what_came_while_the_receipt_waited_is_in_the_final_state() -> None:
    async with stage() as on:
        begin = await on.morning()
        loan = facts(due_date=begin.date() - timedelta(days=1))
        slot = begin + timedelta(days=2)
        on.world.answer = lambda now, order: slot if now < slot else None
        handle = await on.start(loan, strategy(watch=None))
        await handle.signal("payment_received", payment("p-1", 30_000, begin.isoformat()))
        await on.pass_days(1)
        await handle.signal("payment_received", payment("p-2", 500, begin.isoformat()))
        await handle.result()

        again = await goes_on(on, loan, "payment_reversed", {"payment_id": "p-1"})
        await on.pass_days(0.1)
        status = await again.query("status")
        assert status["balance_minor"] == 29_500
        assert status["cases"] == [], "the refund of money that was taken back is off"
        kinds = [entry.entry for entry in on.world.entries]
        assert kinds == ["payment", "end", "payment", "case_opened", "reversal", "reopened", "case_closed"]


async def test_a_duplicate_after_the_end_sends_no_second_receipt() -> None:
    async with stage() as on:
        begin = await on.morning()
        loan = facts(due_date=begin.date() - timedelta(days=1))
        handle = await on.start(loan, strategy(watch=None))
        await handle.signal("payment_received", payment("p-1", 30_000, begin.isoformat()))
        await handle.result()
        again = await goes_on(on, loan, "payment_received", payment("p-1", 30_000, begin.isoformat()))
        assert (await again.result()).end == "cured"
        assert on.world.sent() == ["receipt"]


async def test_moving_to_another_version_changes_what_comes_and_how_the_balance_is_watched() -> None:
    async with stage() as on:
        begin = await on.morning()
        loan = facts(due_date=begin.date() - timedelta(days=1), consent=True)
        handle = await on.start(loan, strategy())
        await on.pass_days(3)
        watch = BalanceWatch(channels=(Channel.SMS,), template="funds", reads_per_day=1)
        newer = strategy(version=2, watch=watch, steps=[s for s in strategy().steps if s.id in ("day-3", "last")])
        answer = await handle.execute_update("migrate", MigrateOrder(strategy=newer))
        assert answer["detail"] == "moved from test@1 to test@2"
        await on.pass_days(0.1)
        before = len(on.world.reads)
        await on.pass_days(10)
        assert 9 <= len(on.world.reads) - before <= 11
        await on.pass_days(60)
        assert on.world.sent() == ["day-3", "last"]
        assert await failed_tasks(handle) == []


async def test_news_before_its_time_is_heard_when_its_time_has_come() -> None:
    """A loan whose clock was skipped ahead before it ended never hears of anything earlier than that."""
    async with stage() as on:
        begin = await on.morning()
        loan = facts(due_date=begin.date() - timedelta(days=1))
        handle = await on.start(loan, strategy(watch=None), not_before=begin + timedelta(days=10))
        await handle.signal("opt_out", {"channel": "sms"})
        await on.pass_days(9)
        assert on.world.sent() == []
        assert on.world.entries == []
        await on.pass_days(2)
        assert [entry.entry for entry in on.world.entries][:1] == ["opt_out"]
        assert await failed_tasks(handle) == []


async def test_a_running_loan_writes_again_by_a_channel_that_was_opened_again() -> None:
    """Given a loan that heard a STOP by text, when the START that followed is told to it, then its next message may go
    by text again, and its history replays."""
    async with stage() as on:
        begin = await on.morning()
        handle = await on.start(facts(due_date=begin.date() - timedelta(days=1)), strategy(watch=None))
        stopped, wanted = (begin + timedelta(seconds=seconds) for seconds in (-120, -60))
        await handle.signal("opt_out", {"channel": "sms", "at": stopped.isoformat()})
        closed = (await handle.query(LoanCollection.status)).closed_channels
        await handle.signal("opt_in", {"channel": "sms", "at": wanted.isoformat()})
        opened = await handle.query(LoanCollection.status)
        await on.pass_days(4)

        assert closed == (Channel.SMS,)
        assert (opened.closed_channels, opened.refusal_count) == ((), 0)
        assert Channel.SMS in on.world.contacts[0][1].channels
        assert [entry.entry for entry in on.world.entries][:1] == ["opt_out"]
        await replays(handle)


async def test_a_loan_whose_contact_answers_for_another_rests_instead_of_asking_for_ever() -> None:
    """Given an activity that answers each later contact with the report of the first, so that nothing changes, when
    hours pass, then the loan asks once an hour, and a payment is heard meanwhile."""
    async with stage() as on:
        begin = await on.morning()
        loan = facts(due_date=begin.date() - timedelta(days=2))
        first = ContactReported(step="day-3", occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS)
        on.world.answer = lambda _at, order: None if order.step == "receipt" else first
        handle = await on.start(loan, strategy(watch=None))
        await on.reach(begin + timedelta(days=6, hours=4, minutes=30))
        await settled(handle)
        asked = on.world.sent().count("day-8")

        await handle.signal("payment_received", payment("p-1", 30_000, begin.isoformat()))
        await on.pass_days(0.1)

        assert 2 <= asked <= 8
        assert on.world.sent()[-1] == "receipt"
        assert await failed_tasks(handle) == []


async def test_what_is_to_be_said_long_after_the_strategys_days_goes_out_while_the_loan_stands_still() -> None:
    """Given a pause longer than the strategy's 90 days, a receipt was given a time limit that lay in the past, which
    no server takes: the loan stopped for good."""
    receipts = Receipt(channels=(Channel.SMS,), template="receipt", part_template="part")
    async with stage() as on:
        begin = await on.morning()
        loan = facts(due_date=begin.date() - timedelta(days=1))
        handle = await on.start(loan, strategy(watch=None, receipt=receipts))
        await handle.execute_update("pause", {"until": (begin + timedelta(days=300)).isoformat()})
        await on.pass_days(120)

        paid = {"amount_minor": 1_000, "currency": "EUR", "paid_at": (await on.now()).isoformat()}
        await handle.signal("payment_received", {"payment_id": "p-1", "provider": "stripe", **paid})
        await on.pass_days(2)

        assert on.world.sent()[-1] == "part-receipt"
        assert await failed_tasks(handle) == []
        await replays(handle)


@pytest.mark.parametrize(("entry", "named"), [(1, None), (2, 2)])
async def test_a_contact_names_the_hand_over_it_is_of(entry: int, named: int | None) -> None:
    """Nothing travels for the first, so that its history stays small; without a name the second's would not go out."""
    async with stage() as on:
        begin = await on.morning()
        loan = facts(due_date=begin.date() - timedelta(days=1), entry=entry)
        await on.start(loan, strategy(watch=None))
        await on.pass_days(4)

        assert {order.entry for _, order in on.world.contacts} == {named}
