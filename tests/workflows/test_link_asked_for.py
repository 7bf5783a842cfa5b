"""A link that was asked for on the telephone, while another answer to the borrower waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from domain.contact_orders import ASKED
from domain.conversation.model import REPLY
from domain.conversation.terms import ConversationTerms
from domain.events.contacts import ContactOutcome, ContactReported
from tests.workflows.skipping import facts, failed_tasks, replays, settled, stage, strategy


def said(begin: datetime) -> dict[str, Any]:
    """The borrower asks how much it is."""
    return {
        "message_id": "twilio:SM1",
        "channel": "sms",
        "received_at": begin.isoformat(),
        "intents": ["ask_balance"],
        "confidence": 0.95,
    }


async def test_a_link_whose_day_ends_while_another_answer_waits_is_for_a_person_and_the_loan_goes_on() -> None:
    """Given a link asked for by keypad and then a message to answer, and a gateway and a carrier that are away over
    midnight, when they are back, then the answer goes out, the link does not, and a person was asked at midnight."""
    async with stage() as on:
        begin = await on.morning()
        back = begin + timedelta(days=2)

        def away(now: datetime, order: Any) -> datetime | ContactReported:
            sent = ContactReported(
                step=order.step, occurrence=order.occurrence, outcome=ContactOutcome.SENT, channel=order.channels[0]
            )
            return now + timedelta(hours=1) if order.step in (ASKED, REPLY) and now < back else sent

        on.world.answer = away
        handle = await on.start(facts(due_date=begin.date()), strategy(watch=None, conversation=ConversationTerms()))
        await settled(handle)
        await handle.signal("call_choice", {"step": "day-3", "occurrence": 1, "wish": "pay_now"})
        await settled(handle)
        await handle.signal("reply_understood", said(begin))
        await settled(handle)
        await on.reach(begin + timedelta(days=1))
        state = (await handle.query("view"))["state"]
        at_midnight = [case["kind"] for case in state["cases"]]
        written = [entry.entry for entry in on.world.entries]
        await on.reach(back + timedelta(hours=2))

        assert at_midnight == ["handoff"]
        assert state.get("held_since") is not None, "its clock stands still until the person has decided"
        assert "case_opened" in written, "the records know it while the answer still waits"
        assert on.world.sent() == [REPLY]
        assert await failed_tasks(handle) == []
        await replays(handle)
