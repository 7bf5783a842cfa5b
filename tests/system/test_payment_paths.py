"""However a payment becomes known, it stops the loan at once and counts once."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from commands.processes import Processes, executable
from commands.rehearsal import LENDER, Plan, enter, invent_people
from commands.stack import STRIPE_SECRET, Stack
from domain.loans import workflow_id
from domain.portfolio import PortfolioLoan
from records import campaigns
from records.database import Database
from records.tables import Loan, Payment, Webhook
from tests.system.campaigns import plan
from workflows.campaign import Campaign
from workflows.campaign_messages import CampaignInput
from workflows.payload_json import compact_data_converter

pytestmark = pytest.mark.timeout(150)


class Running:
    """A stack with loans in collection that have had their first message."""

    def __init__(self, stack: Stack, given: Plan, client: Client, database: Database) -> None:
        self.stack = stack
        self.given = given
        self.client = client
        self.database = database
        self.world = httpx.Client(base_url=stack.addresses.sandbox, timeout=60)

    def act(self, loan_id: str, what: str, **more: Any) -> dict[str, Any]:
        answer = self.world.post("/_world/act", json={"loan_id": loan_id, "act": what, **more})
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def log(self, kind: str, loan_id: str) -> list[dict[str, Any]]:
        entries = self.world.get("/_world/log").json()["entries"]
        return [entry for entry in entries if entry["kind"] == kind and entry.get("loan_id") == loan_id]

    def messages(self, loan_id: str) -> list[dict[str, Any]]:
        return sorted(self.log("sms", loan_id) + self.log("email", loan_id), key=lambda entry: entry["seq"])

    def signal_by_cli(self, loan_id: str, payload: dict[str, Any]) -> None:
        command = [executable("temporal"), "workflow", "signal", "--address", self.stack.addresses.temporal]
        command += ["--namespace", self.stack.namespace, "--workflow-id", workflow_id(LENDER, loan_id)]
        command += ["--name", "payment_received", "--input", json.dumps(payload)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr

    def post_webhook(self, loan: PortfolioLoan, payment_id: str, at: datetime) -> int:
        """Stripe's own event for a payment, signed as Stripe signs it."""
        session = {
            "id": "cs_test",
            "object": "checkout.session",
            "payment_status": "paid",
            "status": "complete",
            "mode": "payment",
            "amount_total": loan.amount_due_minor,
            "currency": loan.currency.lower(),
            "payment_intent": payment_id,
            "metadata": {"lender": LENDER, "loan_id": loan.loan_id},
        }
        event = {
            "id": f"evt_{payment_id}",
            "object": "event",
            "type": "checkout.session.completed",
            "created": int(at.timestamp()),
            "livemode": False,
            "data": {"object": session},
        }
        body = json.dumps(event).encode()
        signed = f"{int(at.timestamp())}.".encode() + body
        signature = hmac.new(STRIPE_SECRET.encode(), signed, hashlib.sha256).hexdigest()
        answer = httpx.post(
            f"{self.stack.addresses.web}/webhooks/stripe",
            content=body,
            headers={
                "Content-Type": "application/json",
                "Date": format_datetime(at, usegmt=True),
                "Stripe-Signature": f"t={int(at.timestamp())},v1={signature}",
            },
        )
        return answer.status_code

    def payments(self, loan_id: str) -> list[Payment]:
        with self.database.reading() as session:
            loan = session.exec(select(Loan).where(Loan.loan_id == loan_id)).one()
            return list(session.exec(select(Payment).where(Payment.loan_ref == loan.id)).all())

    def end(self, loan_id: str) -> str | None:
        with self.database.reading() as session:
            return session.exec(select(Loan.end_kind).where(Loan.loan_id == loan_id)).one()

    def has_ended(self, loan_id: str, end: str) -> bool:
        return self.end(loan_id) == end

    async def until(self, what: Any, seconds: float = 30) -> None:
        for _ in range(int(seconds * 20)):
            if await asyncio.to_thread(what):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("it did not happen in time")

    async def skip(self, loan_id: str, days: int) -> None:
        """Let a running loan's clock skip ahead; one that ended cannot be moved."""
        skipper = TimeSkipper(self.client, config=TimeSkippingConfig(max_session_skip_count=10_000))
        try:
            await skipper.fast_forward(
                self.client.get_workflow_handle(workflow_id(LENDER, loan_id)), timedelta(days=days)
            )
        except RPCError:
            return


@asynccontextmanager
async def running(folder: Path, number: int) -> AsyncIterator[Running]:
    with Processes(folder / "logs") as processes:
        stack = Stack(processes, folder, skipping=True, namespace="rehearsal", seed=3, preset="prime")
        await asyncio.to_thread(stack.start)
        given = plan(folder, number)
        database = Database(stack.environment["RECOBRO_DATABASE_URL"])
        client = await Client.connect(
            stack.addresses.temporal, namespace=stack.namespace, data_converter=compact_data_converter
        )
        loans = await invent_people(stack.addresses.sandbox, given)
        await asyncio.to_thread(enter, database, given, "c1", loans)
        await client.start_workflow(
            Campaign.run, CampaignInput(campaign_id="c1", begin_at=given.begins), id="campaign-c1", task_queue="recobro"
        )
        here = Running(stack, given, client, database)

        def started() -> bool:
            with database.reading() as session:
                return campaigns.progress(session, "c1").waiting == 0

        await here.until(started)
        await asyncio.gather(*(here.skip(loan.loan_id, 10) for loan in given.loans))
        yield here
        here.world.close()
        database.dispose()


def signal(loan: Any, payment_id: str, paid_at: datetime) -> dict[str, Any]:
    return {
        "payment_id": payment_id,
        "amount_minor": loan.amount_due_minor,
        "currency": loan.currency,
        "paid_at": paid_at.isoformat(),
        "provider": "stripe",
    }


async def test_a_payment_counts_once_by_cli_and_by_webhook_and_nothing_reaches_the_borrower_after_it(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, 3) as here:
        by_cli, by_webhook, by_both = here.given.loans
        at = here.given.begins + timedelta(days=10)

        # When one is paid by the Temporal CLI, one by a signed webhook, and one payment is told by both.
        here.signal_by_cli(by_cli.loan_id, signal(by_cli, "bank-1", at))
        here.act(by_webhook.loan_id, "pay")
        here.signal_by_cli(by_both.loan_id, signal(by_both, "pi_both", at))
        assert here.post_webhook(by_both, "pi_both", at) == 200
        for loan in here.given.loans:
            await here.until(partial(here.has_ended, loan.loan_id, "cured"))
        told = {loan.loan_id: len(here.messages(loan.loan_id)) for loan in here.given.loans}
        for loan in here.given.loans:
            await here.skip(loan.loan_id, 90)

        # Then each counts once, and what reaches the borrower after it is the receipt and nothing else.
        for loan in here.given.loans:
            assert [p.amount_minor for p in here.payments(loan.loan_id)] == [loan.amount_due_minor]
            later = here.messages(loan.loan_id)[told[loan.loan_id] :]
            assert len(later) <= 1
            receipts = [
                m for m in here.messages(loan.loan_id) if "received" in (m.get("body") or m.get("text") or "").lower()
            ]
            assert len(receipts) == 1
            assert receipts[0] == here.messages(loan.loan_id)[-1]


async def test_a_webhook_is_kept_while_temporal_is_down_and_reaches_its_loan_afterwards(tmp_path: Path) -> None:
    async with running(tmp_path, 1) as here:
        loan = here.given.loans[0]

        # Given Temporal is killed.
        here.stack.processes.stop("temporal", kill=True)

        # When the borrower pays, the webhook is answered 2xx, because it is stored.
        here.act(loan.loan_id, "pay")
        answered = [w for w in here.log("webhook", loan.loan_id) if w["provider"] == "stripe"]
        assert [w["status"] for w in answered] == [200]
        with here.database.reading() as session:
            kept = session.exec(select(Webhook).where(Webhook.provider == "stripe")).all()
        assert len(kept) == 1
        await asyncio.sleep(1.5)
        assert here.end(loan.loan_id) is None

        # Then it reaches the loan when Temporal is back.
        await asyncio.to_thread(here.stack.start_temporal)
        await here.until(lambda: here.end(loan.loan_id) == "cured", seconds=60)
        assert len(here.payments(loan.loan_id)) == 1
