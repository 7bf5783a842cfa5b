"""The names and signatures of the activities, for workflows to call without importing what they use."""

from __future__ import annotations

from temporalio import activity

from activities.campaign_orders import InstructOrder, InstructReport, StartOrder, StartReport, StateOrder
from activities.daily_orders import DayOrder, DayReport
from activities.orders import ContactOrder, DebitOrder, LedgerOrder, OfferOrder, WatchOrder, WatchReport
from activities.segment_orders import SendStateOrder, TellOrder, TellReport
from domain.events.agreements import OffersMade
from domain.events.contacts import ContactReported
from domain.events.debits import DebitReported


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


class Debits:
    @activity.defn(name="order_debit")
    async def order(self, order: DebitOrder) -> DebitReported:
        raise NotImplementedError


class Offering:
    @activity.defn(name="make_offers")
    async def make(self, order: OfferOrder) -> OffersMade:
        raise NotImplementedError


class CampaignWork:
    @activity.defn(name="start_loans")
    async def start_loans(self, order: StartOrder) -> StartReport:
        raise NotImplementedError

    @activity.defn(name="instruct_loans")
    async def instruct_loans(self, order: InstructOrder) -> InstructReport:
        raise NotImplementedError

    @activity.defn(name="set_campaign_state")
    async def set_state(self, order: StateOrder) -> None:
        raise NotImplementedError

    @activity.defn(name="await_ends")
    async def await_ends(self, campaign_id: str) -> dict[str, int]:
        raise NotImplementedError


class SegmentWork:
    @activity.defn(name="tell_loans")
    async def tell_loans(self, order: TellOrder) -> TellReport:
        raise NotImplementedError

    @activity.defn(name="withdraw_message")
    async def withdraw_message(self, send_id: str) -> int:
        raise NotImplementedError

    @activity.defn(name="set_send_state")
    async def set_send_state(self, order: SendStateOrder) -> None:
        raise NotImplementedError


class DailyWork:
    @activity.defn(name="daily_job")
    async def job(self, order: DayOrder) -> DayReport:
        raise NotImplementedError
