"""A worker in a process of its own: the product's, with providers that answer at once, or the bare one.

`python -m benchmarks.worker_process product|bare|campaign`; address, queue and database come from the environment,
as for `worker.py`. The providers stand in the worker's own process, so that the outside world costs next to nothing
and what is measured is Recobro. `campaign` carries campaigns only, and its loans are started on the queue
`<queue>-loans`, so that starting them can be measured without what they do next.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import datetime

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.worker import Worker

import worker
from activities.campaigns import CampaignRunner
from activities.composition import Outside
from benchmarks import bare
from config.logs import set_up_logs
from config.settings import load_settings
from domain.contact import Channel
from providers.ports import BalanceReading, DeliveryReport, OutgoingMessage, Sent
from records.database import Database
from workflows.campaign import Campaign
from workflows.connection import connect, ensure_search_attributes
from workflows.loan_control import TemporalLoans
from workflows.runner import workflow_runner


class EmptyAccounts:
    """A bank where nobody has money; of its calls only the one a watch makes."""

    async def balance(self, _account: str, _consent: str, at: datetime, psu_ip: str | None = None) -> BalanceReading:
        return BalanceReading(amount_minor=0, currency="EUR", balance_type="interimAvailable", read_at=at)


class TakesAll:
    """A carrier that takes every message."""

    can_look_up = False

    async def send(self, message: OutgoingMessage) -> Sent:
        return Sent(provider="stand-in", provider_message_id=message.message_id)

    async def look_up(self, _message: OutgoingMessage, _since: datetime, _at: datetime) -> Sent | None:
        return None

    async def delivery_state(self, _provider_message_id: str, _at: datetime) -> DeliveryReport:
        raise NotImplementedError


async def product(stop: asyncio.Event) -> None:
    settings = load_settings()
    set_up_logs(json=False)
    database = Database(settings.database_url)
    database.check()
    client = await connect()
    await ensure_search_attributes(client)
    carrier = TakesAll()
    outside = Outside(
        bank=EmptyAccounts(),  # type: ignore[arg-type]
        messengers={Channel.SMS: carrier, Channel.EMAIL: carrier},
    )
    worker.spare_the_collector()
    await worker.serve(client, settings, database, stop, outside=outside)
    database.dispose()


async def campaigns_only(stop: asyncio.Event) -> None:
    settings = load_settings()
    database = Database(settings.database_url)
    client = await connect()
    await ensure_search_attributes(client)
    work = CampaignRunner(database, TemporalLoans(client, f"{settings.task_queue}-loans"))
    alone = Worker(
        client,
        task_queue=settings.task_queue,
        workflows=[Campaign],
        activities=[work.start_loans, work.instruct_loans, work.set_state, work.await_ends],
        workflow_runner=workflow_runner(),
    )
    worker.spare_the_collector()
    async with alone:
        print("worker ready", flush=True)
        await stop.wait()
    database.dispose()


async def plain(stop: asyncio.Event) -> None:
    settings = load_settings()
    client = await Client.connect(**ClientConfig.load_client_connect_config())
    await bare.serve(client, settings.task_queue, settings.worker.cached_workflows, stop)


async def main(kind: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await {"product": product, "bare": plain, "campaign": campaigns_only}[kind](stop)
    # The SDK's threads need a moment, or the interpreter may abort while it exits (sdk-python#300).
    await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
