"""A promise on the real workflow: an update with an answer, a signal that is never lost, plain JSON both."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from config.master_keys import MasterKeys
from config.warrants import Warrants
from domain.agreements.model import REMINDER, Evidence, Via
from domain.agreements.offers import agreeing, offers, request_of
from domain.agreements.terms import Authority
from tests.domain.simulated_loan import CATALOGUE, PROMISES, facts, strategy
from tests.workflows.skipping import failed_tasks, replays, stage
from workflows.authority import believe, warranted
from workflows.messages import LoanView


async def test_a_promise_is_answered_kept_and_told_to_the_records() -> None:
    async with stage() as on:
        begin = await on.morning()
        handle = await on.start(facts(due_date=begin.date() - timedelta(days=1)), strategy(promises=PROMISES))
        day = (begin + timedelta(days=6)).date()
        order = {"amount_minor": 30_000, "date": day.isoformat(), "by": "keypad", "via": "keypad"}
        order |= {"evidence": {"at": begin.isoformat(), "message_id": "CA1", "text_sha256": "0" * 64}}

        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update("promise", {**order, "date": (begin - timedelta(days=3)).date().isoformat()})
        answer = await handle.execute_update("promise", order)
        await handle.signal("promise_made", order)
        await on.pass_days(5.5)
        status = await handle.query("status")
        paid = {"amount_minor": 30_000, "currency": "EUR", "paid_at": (await on.now()).isoformat()}
        await handle.signal("payment_received", {"payment_id": "p-1", "provider": "stripe", **paid})
        result = await handle.result()

        assert str(refused.value.cause) == "refused: the date lies in the past"
        assert answer == {"accepted": True, "detail": f"promise 1: 300.00 EUR by {day}", "agreement": 1}
        assert status["hold"] == f"promise 1 until {day}"
        assert status["agreement"]["state"] == "open"
        assert on.world.sent() == [REMINDER, "receipt"]
        assert (result.end, result.balance_minor) == ("cured", 0)
        told = [entry for entry in on.world.entries if entry.entry == "agreement"]
        assert [entry.change for entry in told] == ["agreed", "kept"]
        assert told[0].agreement.evidence is not None
        assert await failed_tasks(handle) == []
        await replays(handle)


WARRANTS = Warrants(MasterKeys({"k1": bytes(range(32))}, "k1"))
OTHERS = Warrants(MasterKeys({"k1": bytes(32)}, "k1"))


async def test_an_authority_beyond_the_machines_and_a_name_of_ours_need_a_warrant() -> None:
    believe(WARRANTS)
    async with stage() as on:
        begin = await on.morning()
        handle = await on.start(facts(due_date=begin.date() - timedelta(days=1)), strategy(**CATALOGUE))
        state = (await handle.query("view", result_type=LoanView)).state
        found = offers(request_of(state, begin, Authority.SUPERVISOR, None), state.strategy)
        low = next(o for o in found.offers if o.kind == "settlement" and o.percent == 60)
        said = Evidence(at=begin, message_id="SM1")
        order = agreeing(low, by="service-1", role=Authority.AGENT, via=Via.MESSAGE, evidence=said)
        asked = order.model_dump(mode="json", exclude_none=True)
        approval = {"number": 1, "by": "account:5", "role": "supervisor"}

        async def refused(update: str, given: dict[str, Any]) -> str:
            with pytest.raises(WorkflowUpdateFailedError) as failure:
                await handle.execute_update(update, given)
            return str(failure.value.cause)

        unsigned = await refused("settlement", asked)
        forged = await refused("settlement", warranted(OTHERS, handle.id, "settlement", asked))
        in_their_name = await refused("settlement", asked | {"role": "machine", "by": "account:5"})
        await handle.execute_update("settlement", asked | {"role": "machine"})
        self_approved = await refused("approve_offer", approval)
        of_another = warranted(WARRANTS, handle.id, "approve_offer", approval | {"number": 2})
        copied = await refused("approve_offer", approval | {"warrant": of_another["warrant"]})
        elsewhere = await refused("approve_offer", warranted(WARRANTS, "loan-other", "approve_offer", approval))
        answer = await handle.execute_update("approve_offer", warranted(WARRANTS, handle.id, "approve_offer", approval))
        believe(None)  # a history is replayed without believing anything

        assert unsigned.startswith("refused: service-1 as agent is not proven")
        assert all("is not proven" in each for each in (forged, in_their_name, self_approved, copied, elsewhere))
        assert answer["agreement"] == 1
        [settled] = (await handle.query("view", result_type=LoanView)).state.agreements
        assert (settled.state, settled.approved_by) == ("active", "account:5")
        await replays(handle)


async def test_nobody_writes_a_persons_name_of_ours_under_what_is_promised_moved_called_off_or_decided() -> None:
    believe(WARRANTS)
    async with stage() as on:
        begin = await on.morning()
        handle = await on.start(facts(due_date=begin.date() - timedelta(days=1)), strategy(**CATALOGUE))
        day = (begin + timedelta(days=6)).date().isoformat()
        said = {"at": begin.isoformat(), "message_id": "SM1"}
        orders: dict[str, dict[str, Any]] = {
            "promise": {"amount_minor": 30_000, "date": day, "by": "account:5", "via": "agent"},
            "accept_offer": {"number": 1, "by": "account:5", "via": "agent", "evidence": said},
            "move_due_date": {"number": 1, "to": day, "by": "apikey:k7"},
            "cancel_agreement": {"number": 1, "by": "account:5"},
            "decide": {"case_id": "demo-L1-1-1", "decision": "continue", "by": "account:5"},
        }

        told = []
        for update, order in orders.items():
            with pytest.raises(WorkflowUpdateFailedError) as failure:
                await handle.execute_update(update, order)
            told.append(str(failure.value.cause))
        await handle.signal("promise_made", orders["promise"])
        unpromised = (await handle.query("view", result_type=LoanView)).state
        answer = await handle.execute_update("promise", warranted(WARRANTS, handle.id, "promise", orders["promise"]))
        believe(None)

        assert all("is not proven" in each for each in told)
        assert unpromised.agreements == ()
        assert [refusal.message for refusal in unpromised.refusals] == ["promise_made"]
        assert answer["agreement"] == 1
        [promise] = (await handle.query("view", result_type=LoanView)).state.agreements
        assert promise.by == "account:5"
        await replays(handle)
