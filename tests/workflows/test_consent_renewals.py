"""What the order for a renewal says when a loan's run gives it."""

from __future__ import annotations

from datetime import timedelta

from domain.contact import Channel
from domain.contact_orders import CONSENT
from domain.strategy import BalanceWatch
from tests.workflows.skipping import facts, failed_tasks, replays, stage, strategy

WATCH = BalanceWatch(
    channels=(Channel.SMS,), template="funds", reads_per_day=4, max_offers=1, rest_days=1, renew_days_before=10
)


async def test_a_run_says_whether_it_asks_of_its_own_accord_and_whether_anything_would_be_read() -> None:
    """Given a loan that has made its one offer, when its consent is to be renewed, then the order says that it is of no
    use; what an operator asks for says neither."""
    async with stage() as on:
        begin = await on.morning()
        on.world.funds_at = lambda at: True
        until = (begin + timedelta(days=20)).date()
        loan = facts(due_date=begin.date() - timedelta(days=1), consent=True, consent_until=until)
        handle = await on.start(loan, strategy(watch=WATCH))
        await on.pass_days(12)
        await handle.signal("ask_consent", {})
        await on.pass_days(1)
        orders = [order for _, order in on.world.contacts if order.step == CONSENT]

        assert [(order.renews, order.of_no_use) for order in orders] == [(True, True), (False, False)]
        assert await failed_tasks(handle) == []
        await replays(handle)
