"""Payment links: one for each amount of a loan, reused while it is valid, closed when nothing is due."""

from __future__ import annotations

import asyncio
from datetime import datetime

from sqlmodel import Session, col, select

from activities.counting import count
from config.metric_catalogue import LINKS
from domain.money import Money
from providers.errors import ProviderError
from providers.ports import LinkRequest, PaymentGateway
from records import links, loans, payments
from records.database import Database
from records.locks import one_at_a_time
from records.tables import LinkState, Loan, LoanState, PaymentLink

PURPOSE = "balance"

# A link that the gateway does not have takes no money: it is as good as closed.
_NO_SUCH_LINK = frozenset({"resource_missing", "404"})


class NoGateway(Exception):
    """No payment gateway is configured."""


class LinkIssuer:
    def __init__(self, database: Database, gateway: PaymentGateway | None) -> None:
        self._database = database
        self._gateway = gateway

    @property
    def gateway(self) -> PaymentGateway | None:
        return self._gateway

    async def link_for_balance(
        self, lender: str, loan_id: str, at: datetime, *, at_most_minor: int | None = None
    ) -> PaymentLink:
        """The link that pays exactly what is due now, or `at_most_minor` of it; made once, however often this is tried.

        Links of the loan over other amounts are closed first, and before a new one is made those that were
        paid. Raises ProviderError, NoGateway.
        """
        if self._gateway is None:
            raise NoGateway("no payment gateway is configured: set RECOBRO_STRIPE__API_KEY")
        amount, known, stale, key = await asyncio.to_thread(self._look, lender, loan_id, at_most_minor)
        for link in stale:
            await self._close(link, at)
        if known is not None:
            count(LINKS, outcome="reused")
            return known
        made = await self._gateway.create_link(
            LinkRequest(
                idempotency_key=key,
                amount=amount,
                lender=lender,
                loan_id=loan_id,
                description=loan_id,
                at=at,
            )
        )
        kept = await asyncio.to_thread(self._keep, lender, loan_id, amount, made.id, made.url, at)
        count(LINKS, outcome="made")
        return kept

    async def close_all(self, lender: str, loan_id: str, at: datetime) -> None:
        """Nothing is due: no link of the loan may take money any more. Raises ProviderError."""
        if self._gateway is None:
            return
        for link in await asyncio.to_thread(self._payable, lender, loan_id):
            await self._close(link, at)

    async def close_stale(self, lender: str, loan_id: str, at: datetime) -> None:
        """No link may take another amount than what is due now. Raises ProviderError."""
        if self._gateway is None:
            return
        for link in await asyncio.to_thread(self._stale, lender, loan_id):
            await self._close(link, at)

    async def _close(self, link: PaymentLink, at: datetime) -> None:
        assert self._gateway is not None
        try:
            await self._gateway.deactivate_link(link.provider_link_id, at)
        except ProviderError as error:
            if error.code not in _NO_SUCH_LINK:
                raise
        await asyncio.to_thread(self._mark_closed, link, at)
        count(LINKS, outcome="closed")

    def _look(
        self, lender: str, loan_id: str, at_most_minor: int | None
    ) -> tuple[Money, PaymentLink | None, list[PaymentLink], str]:
        with self._database.reading() as session:
            loan = loans.get(session, lender, loan_id)
            due = payments.balance_due(session, loan)
            if at_most_minor is not None:
                due = min(due, at_most_minor)
            # The number first: on PostgreSQL a link may be kept between two queries. Then it is found, or the number is
            # still the one it was made by, and the gateway answers with that same link.
            number = links.next_generation(session, loan, PURPOSE, due)
            known = links.active(session, loan, PURPOSE, due)
            payable = _payable(session, loan) if known is None else links.open_links(session, loan)
            stale = [link for link in payable if known is None or link.id != known.id]
            key = f"{lender}:{loan_id}:{loan.entry}:{PURPOSE}:{due}:{number}"
            return Money(amount_minor=due, currency=loan.currency), known, stale, key

    def _keep(self, lender: str, loan_id: str, amount: Money, link_id: str, url: str, at: datetime) -> PaymentLink:
        with self._database.writing() as session:
            one_at_a_time(session, f"link:{lender}:{loan_id}")
            loan = loans.get(session, lender, loan_id)
            return links.keep(
                session,
                loan,
                purpose=PURPOSE,
                amount_minor=amount.amount_minor,
                generation=links.next_generation(session, loan, PURPOSE, amount.amount_minor),
                provider="stripe",
                provider_link_id=link_id,
                url=url,
                at=at,
            )

    def _payable(self, lender: str, loan_id: str) -> list[PaymentLink]:
        with self._database.reading() as session:
            return _payable(session, loans.get(session, lender, loan_id))

    def _stale(self, lender: str, loan_id: str) -> list[PaymentLink]:
        with self._database.reading() as session:
            loan = loans.get(session, lender, loan_id)
            due = 0 if loan.state is LoanState.ENDED else payments.balance_due(session, loan)
            return [link for link in _payable(session, loan) if due <= 0 or link.amount_minor != due]

    def _mark_closed(self, link: PaymentLink, at: datetime) -> None:
        with self._database.writing() as session:
            kept = links.by_provider_id(session, link.provider, link.provider_link_id)
            if kept is not None:
                links.set_state(session, kept, LinkState.INACTIVE, at=at)


def _payable(session: Session, loan: Loan) -> list[PaymentLink]:
    """Links that take money at the gateway, or may: one that was paid stays open there until it is closed."""
    paid = session.exec(
        select(PaymentLink)
        .where(PaymentLink.loan_ref == loan.id, PaymentLink.entry == loan.entry, PaymentLink.state == LinkState.PAID)
        .order_by(col(PaymentLink.id))
    ).all()
    return [*links.open_links(session, loan), *paid]
