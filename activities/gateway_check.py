"""Comparing the gateways' own lists of a day's payments with the records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Protocol, runtime_checkable

from sqlmodel import col, select

from activities.gateways import Gateways
from domain.gateway_lists import Difference, Listed, compare
from providers.ports import GatewayPayment
from records.database import Database
from records.tables import GatewayCheck, Loan, Payment

FURTHEST_BACK = timedelta(days=30)
"""Before the day that is compared: days that nobody compared are made up for, 31 with it."""
_FURTHER = timedelta(days=1)
"""Both lists are read so much beyond the day: the sides may date a payment differently around midnight."""


@runtime_checkable
class ListsPayments(Protocol):
    """A gateway that can say what was paid in a span of time."""

    async def payments_between(self, begins: datetime, ends: datetime, at: datetime) -> tuple[GatewayPayment, ...]:
        """Payments whose money came from `begins` until before `ends`; more is harmless. Raises ProviderError."""
        ...


class GatewayChecks:
    def __init__(self, database: Database, gateways: Gateways) -> None:
        self._database = database
        self._lists: dict[str, list[ListsPayments]] = {}
        for offer, gateway in gateways.known:
            if isinstance(gateway, ListsPayments):
                self._lists.setdefault(offer.name, []).append(gateway)

    @property
    def providers(self) -> Sequence[str]:
        """Those that can be asked for their list."""
        return sorted(self._lists)

    def days_unchecked(self, provider: str, day: date) -> Sequence[date]:
        """The days until `day` that are to be compared, in order: since the first that ever was those that were not, no
        further back than `FURTHEST_BACK`; `day` itself always, also again."""
        known = select(col(GatewayCheck.day)).where(GatewayCheck.provider == provider, GatewayCheck.day < day)
        with self._database.reading() as session:
            compared = set(session.exec(known).all())
        begin = max(min(compared, default=day), day - FURTHEST_BACK)
        days = (begin + timedelta(days=number) for number in range((day - begin).days + 1))
        return [each for each in days if each not in compared]

    async def check(self, provider: str, day: date, zone: tzinfo, now: datetime) -> tuple[Difference, ...]:
        """Every difference of the day, over all accounts of the provider. Raises ProviderError."""
        begins = datetime.combine(day, time(), zone)
        ends = datetime.combine(day + timedelta(days=1), time(), zone)
        theirs: dict[str, Listed] = {}
        for account in self._lists[provider]:
            for paid in await account.payments_between(begins - _FURTHER, ends + _FURTHER, now):
                if paid.amount.amount_minor <= 0:
                    continue  # a card that was only checked
                theirs[paid.payment_id] = Listed(
                    payment_id=paid.payment_id,
                    amount_minor=paid.amount.amount_minor,
                    currency=paid.amount.currency,
                    paid_at=paid.paid_at,
                    taken_back=paid.refunded,
                )
        ours = await asyncio.to_thread(self._ours, provider, begins - _FURTHER, ends + _FURTHER, list(theirs))
        found = compare(provider, theirs.values(), ours, begins, ends)
        await asyncio.to_thread(self._keep, provider, day, len(found), now)
        return found

    def _ours(self, provider: str, begins: datetime, ends: datetime, named: list[str]) -> list[Listed]:
        with self._database.reading() as session:
            known = (
                select(Payment, Loan.loan_id)
                .join(Loan, col(Loan.id) == col(Payment.loan_ref), isouter=True)
                .where(Payment.provider == provider)
            )
            rows = list(session.exec(known.where(Payment.paid_at >= begins, Payment.paid_at < ends)).all())
            for start in range(0, len(named), 500):
                rows += session.exec(known.where(col(Payment.payment_id).in_(named[start : start + 500]))).all()
        return [
            Listed(
                payment_id=payment.payment_id,
                amount_minor=payment.amount_minor,
                currency=payment.currency,
                paid_at=payment.paid_at,
                taken_back=payment.reversed_at is not None,
                loan_id=loan_id,
            )
            for payment, loan_id in rows
        ]

    def _keep(self, provider: str, day: date, differences: int, now: datetime) -> None:
        with self._database.writing() as session:
            row = session.get(GatewayCheck, (provider, day)) or GatewayCheck(
                provider=provider, day=day, differences=differences, checked_at=now
            )
            row.differences, row.checked_at = differences, now
            session.add(row)
