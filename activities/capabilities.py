"""The names and signatures of the activities, for workflows to call without importing what they use."""

from __future__ import annotations

from temporalio import activity

from activities.orders import ContactOrder, LedgerOrder, WatchOrder, WatchReport
from domain.events import ContactReported


class Contacts:
    @activity.defn(name="contact")
    async def contact(self, order: ContactOrder) -> ContactReported:
        raise NotImplementedError


class Balances:
    @activity.defn(name="watch_balance")
    async def watch(self, order: WatchOrder) -> WatchReport:
        raise NotImplementedError


class Ledger:
    @activity.defn(name="write_ledger")
    async def write(self, order: LedgerOrder) -> None:
        raise NotImplementedError
