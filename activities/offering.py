"""Asking the offer engine for the machine: the same engine, the same log as when an agent asks."""

from __future__ import annotations

import asyncio

from temporalio import activity

from activities.capabilities import Offering
from activities.clock import task_time
from activities.orders import OfferOrder
from domain.agreements.model import Via
from domain.agreements.offers import agreeing, offers, with_holidays
from domain.agreements.terms import Authority
from domain.conversation.offering import TOLD_AT_MOST
from domain.events.agreements import MadeOffer, OffersMade, TermsAgreed
from records import loans, offer_log, strategies
from records.database import Database

MACHINE = "machine"
MOST = 4
"""More offers than anybody compares in messages."""


class OfferMaker(Offering):
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name="make_offers")
    async def make(self, order: OfferOrder) -> OffersMade:
        """What the machine may offer now and an answer can tell. Tried again the same; each asking stands in the audit
        trail."""
        return await asyncio.to_thread(self._make, order)

    def _make(self, order: OfferOrder) -> OffersMade:
        request = with_holidays(order.request, order.country, order.region)
        with self._database.writing() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            if request.bearable_minor is None:
                known = offer_log.bearable(session, loan, request.today)
                request = request.model_copy(update={"bearable_minor": known})
            found = offers(request, strategies.of_loan(session, loan))
            offer_log.keep(session, loan, request, found, actor=MACHINE, at=task_time())
        can_be_told = [o for o in found.offers if o.kind in order.kinds and len(o.payments) <= TOLD_AT_MOST]
        wanted = sorted(can_be_told, key=lambda o: order.kinds.index(o.kind))
        made = []
        for offer in wanted[:MOST]:
            terms = agreeing(
                offer, by=MACHINE, role=Authority.MACHINE, via=Via.MESSAGE, holidays=request.holidays
            ).model_dump()
            made.append(MadeOffer(kind=offer.kind, terms=TermsAgreed.model_validate(terms)))
        return OffersMade(number=order.number, offers=tuple(made))
