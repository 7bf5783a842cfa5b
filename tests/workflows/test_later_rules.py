"""Rules that came later: new runs go by them, a run that met the case before replays as it went; no other is marked.

Which of them meet a grace that ends on a weekend depends on the day of the test: those markers count where meant.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHandle

from activities.orders import ContactOrder
from domain.agreements.model import LINK, Evidence, Instalment, Via
from domain.agreements.offers import agreeing, offers, request_of
from domain.agreements.terms import Authority
from domain.collection import apply
from domain.conversation.terms import ConversationTerms
from domain.entering import enter
from domain.events.contacts import ContactOutcome, ContactReported
from domain.events.payments import PaymentReceived, PaymentRefunded
from domain.strategy import Step, StepKind, Strategy
from tests.domain.simulated_loan import CATALOGUE, PROMISES
from tests.workflows.skipping import Stage, facts, failed_tasks, replays, settled, stage, strategy
from tests.workflows.test_rests import markers
from workflows.messages import LoanView, Signal
from workflows.running_loan import GRACE_MOVES_ON

DEBIT = Step(id="debit", kind=StepKind.DEBIT, dpd=1, notice_days=0)


@pytest.fixture(params=["new", "earlier"])
def version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """ "earlier": the runs of this test are recorded as a version without the later rules would have."""
    if request.param == "earlier":
        monkeypatch.setattr(workflow, "patched", lambda name: False)
    return str(request.param)


async def kept_and_told_again(on: Stage) -> WorkflowHandle[Any, Any]:
    """A promise of a part that was made, kept and told a second time."""
    begin = await on.morning()
    handle = await on.start(facts(due_date=begin.date() - timedelta(days=1)), strategy(promises=PROMISES, watch=None))
    day = (begin + timedelta(days=5)).date().isoformat()
    said = {"at": begin.isoformat(), "message_id": "SM1", "text_sha256": "0" * 64}
    order = {"amount_minor": 10_000, "date": day, "by": "keypad", "via": "keypad", "evidence": said}
    await handle.signal("promise_made", order)
    await handle.signal("promise_made", order)
    paid = {"amount_minor": 10_000, "currency": "EUR", "paid_at": begin.isoformat(), "provider": "stripe"}
    await handle.signal("payment_received", {"payment_id": "p-1", **paid})
    await settled(handle)
    await handle.signal("promise_made", order)
    await settled(handle)
    return handle


async def test_a_promise_told_once_more_after_it_was_kept_is_not_made_anew(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a promise that was kept, when its signal is delivered again, then nothing is promised and nothing can be
    broken; a run that took it for a new promise before still replays."""
    async with stage() as on:
        handle = await kept_and_told_again(on)
        agreements = (await handle.query("view"))["state"]["agreements"]
        failed = await failed_tasks(handle)
        monkeypatch.undo()
        history = await replays(handle)

    assert failed == []
    assert [one["state"] for one in agreements] == (["kept"] if version == "new" else ["kept", "open"])
    assert markers(history, GRACE_MOVES_ON) == (1 if version == "new" else 0)


async def promised_instead_of_a_debit(on: Stage) -> WorkflowHandle[Any, Any]:
    """A debit that was let go and is kept back, because its borrower promised to pay."""
    begin = await on.morning()
    plan = strategy(steps=(DEBIT, *strategy().steps), promises=PROMISES)
    handle = await on.start(facts(due_date=begin.date() - timedelta(days=1), consent=True), plan)
    async with asyncio.timeout(30):
        while not on.world.debits:
            await on.pass_days(0.1)
    await settled(handle)
    on.world.reads.clear()
    day = (await on.now() + timedelta(days=5)).date().isoformat()
    await handle.signal("promise_made", {"amount_minor": 10_000, "date": day, "by": "agent-1", "via": "agent"})
    await settled(handle)
    await on.pass_days(1.1)
    return handle


async def test_the_account_is_watched_while_a_promise_keeps_a_debit_back(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a debit that a promise keeps back, when days pass, then the balance is read for the promised sum; a run in
    which it was not before still replays."""
    async with stage() as on:
        handle = await promised_instead_of_a_debit(on)
        reads, debits = len(on.world.reads), [order.released for order in on.world.debits]
        failed = await failed_tasks(handle)
        monkeypatch.undo()
        history = await replays(handle)

    assert failed == []
    assert debits == [True, False]
    assert (reads > 0) is (version == "new")
    assert markers(history, GRACE_MOVES_ON) == (1 if version == "new" else 0)


async def asked_for_a_person_after_a_case_lapsed(on: Stage) -> WorkflowHandle[Any, Any]:
    """A loan whose case nobody decided in time, and whose borrower presses the key for a person afterwards."""
    begin = await on.morning()
    handle = await on.start(facts(due_date=begin.date() - timedelta(days=40)), strategy(watch=None))
    await on.pass_days(4)
    await handle.signal("call_choice", {"step": "day-8", "occurrence": 1, "wish": "person"})
    await settled(handle)
    await on.pass_days(1)
    return handle


async def test_who_asks_for_a_person_after_a_case_has_lapsed_is_heard(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a case that lapsed, when the borrower asks for a person, then the loan stands still with a new one; a run
    in which that was one more line of the trail still replays."""
    async with stage() as on:
        handle = await asked_for_a_person_after_a_case_lapsed(on)
        status = await handle.query("status")
        failed = await failed_tasks(handle)
        monkeypatch.undo()
        history = await replays(handle)

    assert failed == []
    assert (status["hold"] is not None) is (version == "new")
    assert markers(history, GRACE_MOVES_ON) == (1 if version == "new" else 0)


async def promised_beside_a_wish_for_a_person(on: Stage) -> WorkflowHandle[Any, Any]:
    """A loan whose borrower presses the key for a person, and then the one that promises to pay."""
    begin = await on.morning()
    handle = await on.start(facts(due_date=begin.date() - timedelta(days=1)), strategy(promises=PROMISES, watch=None))
    await handle.signal("call_choice", {"step": "day-3", "occurrence": 1, "wish": "person"})
    day = (begin + timedelta(days=5)).date().isoformat()
    await handle.signal("call_choice", {"step": "day-3", "occurrence": 1, "wish": "promise", "promised_on": day})
    await settled(handle)
    return handle


async def test_who_wants_a_person_waits_for_one_though_they_promise_to_pay(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a wish for a person, when the borrower promises by keypad, then the case waits; a run in which the promise
    closed it still replays."""
    async with stage() as on:
        handle = await promised_beside_a_wish_for_a_person(on)
        status = await handle.query("status")
        failed = await failed_tasks(handle)
        monkeypatch.undo()
        history = await replays(handle)

    assert failed == []
    assert len(status["cases"]) == (1 if version == "new" else 0)
    assert markers(history, GRACE_MOVES_ON) == (1 if version == "new" else 0)


def sent(order: ContactOrder) -> ContactReported:
    outcome, channel = ContactOutcome.SENT, order.channels[0]
    return ContactReported(step=order.step, occurrence=order.occurrence, outcome=outcome, channel=channel)


async def monthly_payments(handle: WorkflowHandle[Any, Any], plan: Strategy, begin: datetime) -> tuple[Instalment, ...]:
    """What is agreed on by keypad as the loan's first agreement."""
    state = (await handle.query("view", result_type=LoanView)).state
    offer = next(o for o in offers(request_of(state, begin, Authority.MACHINE), plan).offers if o.option == "monthly")
    said = Evidence(at=begin, message_id="SM1")
    agreed = agreeing(offer, by="keypad", role=Authority.MACHINE, via=Via.KEYPAD, evidence=said)
    await handle.execute_update("plan", agreed.model_dump(mode="json", exclude_none=True))
    agreed_on: LoanView = await handle.query("view", result_type=LoanView)
    return agreed_on.state.agreements[-1].instalments


async def money_is_seen(on: Stage, handle: WorkflowHandle[Any, Any], at: datetime) -> None:
    await on.reach(at)
    async with asyncio.timeout(30):
        while (await handle.query("view", result_type=LoanView)).state.funds_seen_at is None:
            await on.pass_days(0.1)
    await settled(handle)


async def moved_while_its_link_waits(on: Stage) -> WorkflowHandle[Any, Any]:
    """A plan whose first payment was found in the account, and moved on before its link found a lawful hour."""
    begin = await on.morning()
    on.world.funds_at = lambda at: True
    on.world.answer = lambda at, order: at + timedelta(days=1) if order.step == LINK else sent(order)
    plan = strategy(**CATALOGUE)
    handle = await on.start(facts(due_date=begin.date() - timedelta(days=1), consent=True), plan)
    await settled(handle)
    due = (await monthly_payments(handle, plan, begin))[0].due
    on.world.reads.clear()
    await money_is_seen(on, handle, begin + timedelta(days=(due - begin.date()).days - 3))
    moved = {"number": 1, "to": (due + timedelta(days=5)).isoformat(), "by": "keypad"}
    await handle.execute_update("move_due_date", moved)
    await settled(handle)
    return handle


async def test_a_moved_due_date_is_not_asked_for_with_money_seen_for_the_day_before(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given money that was seen and a link that waits, when the due date moves, then the account is to be looked at
    anew before the new day; a run in which the link still waited replays."""
    async with stage() as on:
        handle = await moved_while_its_link_waits(on)
        view = await handle.query("view", result_type=LoanView)
        failed = await failed_tasks(handle)
        monkeypatch.undo()
        history = await replays(handle)

    assert failed == []
    assert len(on.world.reads) == 1
    assert (view.state.funds_seen_at is None, view.watching_balance) == (version == "new", version == "new")
    assert markers(history, GRACE_MOVES_ON) == (1 if version == "new" else 0)


async def test_money_that_went_back_twice_has_a_case(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a debit of which a part was given back by transfer, when the bank takes it back too, then a person is
    asked; a run in which nobody was asked still replays past the time that the case would have had."""
    async with stage() as on:
        begin = await on.morning()
        owing, plan = facts(due_date=begin.date() - timedelta(days=1)), strategy(watch=None)
        debited = {"payment_id": "p1", "provider": "sepa-dd"}
        state = enter(owing, plan, begin)
        for event in (
            PaymentReceived(amount_minor=35_000, currency="EUR", paid_at=begin, **debited),
            PaymentRefunded(refunded_minor=5_000, **debited),
        ):
            state, _ = apply(state, event, begin)
        paid = state.model_copy(update={"outbox": (), "cases": (), "receipt_due": False})
        handle = await on.start(owing, plan, state=paid, signals=(Signal(name="payment_reversed", payload=debited),))
        await settled(handle)
        status = await handle.query("status")
        await on.pass_days(12)
        failed = await failed_tasks(handle)
        monkeypatch.undo()
        history = await replays(handle)

    assert failed == []
    assert [case["kind"] for case in status["cases"]] == (["payment_query"] if version == "new" else [])
    assert markers(history, GRACE_MOVES_ON) == (1 if version == "new" else 0)


async def promised_for_a_friday(on: Stage) -> WorkflowHandle[Any, Any]:
    """A promise with two days of grace, whose money arrives on the Monday after."""
    begin = await on.morning()
    owing = facts(due_date=begin.date() - timedelta(days=1), currency="USD")
    handle = await on.start(owing, strategy(promises=PROMISES, watch=None))
    friday = begin + timedelta(days=(4 - begin.weekday()) % 7 or 7)
    order = {"amount_minor": 10_000, "date": friday.date().isoformat(), "by": "agent-1", "via": "agent"}
    await handle.signal("promise_made", order)
    await on.reach(friday + timedelta(days=3))
    paid = {"payment_id": "p-1", "amount_minor": 10_000, "currency": "USD", "provider": "bank"}
    await handle.signal("payment_received", {**paid, "paid_at": (friday + timedelta(days=3)).isoformat()})
    await settled(handle)
    return handle


async def test_money_that_arrives_on_the_working_day_after_the_grace_keeps_a_promise(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a promise for a Friday with two days of grace, when its money arrives on Monday, then it is kept; a run in
    which it was broken on Sunday night still replays."""
    async with stage() as on:
        handle = await promised_for_a_friday(on)
        state = (await handle.query("view", result_type=LoanView)).state
        failed = await failed_tasks(handle)
        monkeypatch.undo()
        history = await replays(handle)

    assert failed == []
    expected = ("kept", 0) if version == "new" else ("broken", 1)
    assert (state.agreements[0].state, state.broken_promises) == expected
    assert markers(history) == (1 if version == "new" else 0)


async def test_what_is_agreed_on_after_such_a_breach_is_judged_by_the_later_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a run in which an earlier version let a promise break on a Sunday, when another is made by the code as it
    is, then that one is kept by what arrives on Monday, and the whole run replays."""
    patched = workflow.patched
    monkeypatch.setattr(workflow, "patched", lambda name: False)
    async with stage() as on:
        handle = await promised_for_a_friday(on)
        monkeypatch.setattr(workflow, "patched", lambda name: not name.endswith("-1") and patched(name))
        friday = await on.now() + timedelta(days=4)
        order = {"amount_minor": 5_000, "date": friday.date().isoformat(), "by": "agent-1", "via": "agent"}
        await handle.signal("promise_made", order)
        monday = friday + timedelta(days=3)
        await on.reach(monday)
        paid = {"payment_id": "p-2", "amount_minor": 5_000, "currency": "USD", "provider": "bank"}
        await handle.signal("payment_received", {**paid, "paid_at": monday.isoformat()})
        await settled(handle)
        state = (await handle.query("view", result_type=LoanView)).state
        failed = await failed_tasks(handle)
        monkeypatch.undo()
        await replays(handle)

    assert failed == []
    assert [agreement.state for agreement in state.agreements] == ["broken", "kept"]


async def test_a_grace_that_ends_on_a_working_day_marks_no_run() -> None:
    """Given a promise whose grace ends on a Wednesday, when nothing is paid, then it is broken and nothing marked."""
    async with stage() as on:
        begin = await on.morning()
        owing = facts(due_date=begin.date() - timedelta(days=1), currency="USD")
        handle = await on.start(owing, strategy(promises=PROMISES, watch=None))
        monday = begin + timedelta(days=7 - begin.weekday())
        order = {"amount_minor": 10_000, "date": monday.date().isoformat(), "by": "agent-1", "via": "agent"}
        await handle.signal("promise_made", order)
        await on.reach(monday + timedelta(days=3))
        await settled(handle)
        state = (await handle.query("view", result_type=LoanView)).state
        history = await replays(handle)

    assert (state.agreements[0].state, state.broken_promises) == ("broken", 1)
    assert markers(history) == 0


async def test_who_says_that_they_have_paid_is_not_reminded_before_somebody_has_looked(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a reminder that is due tomorrow, when the borrower says that they have paid, then it waits for the case; a
    run in which it went out still replays, and each is marked once, however often it is said."""
    async with stage() as on:
        begin = await on.morning()
        owing = facts(due_date=begin.date() - timedelta(days=2))
        handle = await on.start(owing, strategy(watch=None, conversation=ConversationTerms()))
        await settled(handle)
        for number in (1, 2):
            said = {"channel": "sms", "received_at": begin.isoformat(), "intents": ["already_paid"], "confidence": 0.95}
            await handle.signal("reply_understood", {"message_id": f"twilio:SM{number}", **said})
            await settled(handle)
        await on.pass_days(1.5)
        await settled(handle)
        sent = on.world.sent()
        failed = await failed_tasks(handle)
        monkeypatch.undo()
        history = await replays(handle)

    assert failed == []
    assert sent == ["reply", "reply"] + ([] if version == "new" else ["day-3"])
    assert markers(history) == (1 if version == "new" else 0)
