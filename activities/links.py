"""Payment links: one for each amount of a loan, reused while it is valid, closed when nothing is due."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from activities.counting import count
from activities.gateways import Gateways
from config.metric_catalogue import LINKS, PROVIDER_FAILURES
from domain.gateway_choice import BANK
from domain.money import Money
from domain.payable import payable
from domain.payment_references import reference_of
from domain.what_next import WhatNext
from providers import ports
from providers.errors import ProviderError, refusal
from providers.ports import LinkRequest, PaymentGateway
from records import audit, inquiries, links, loans, payments, people
from records.database import Database
from records.locks import one_at_a_time
from records.tables import LinkState, Loan, LoanState, PaymentLink

PURPOSE = "balance"
LINK_LIVES = timedelta(days=120)
CLOSE_WITHIN = 10.0
"""Seconds for the links of a loan: gateways are waited for longer than the records can be kept waiting."""
_AT_ONCE = 20
STILL_USEFUL = timedelta(days=2)
"""A link with less of its life left is made anew: who reads a message on the weekend must be able to pay."""

_LOG = logging.getLogger("recobro.links")

# A link that the gateway does not have takes no money: it is as good as closed.
_NO_SUCH_LINK = frozenset({"resource_missing", "404"})


class NoGateway(Exception):
    """No payment gateway is configured, or none that may be used for the loan now."""


@dataclass(frozen=True)
class _Found:
    """What the records say of a loan's links: what is due, the link in use, and those to be closed."""

    due: Money
    known: PaymentLink | None
    stale: list[PaymentLink]
    key: str
    country: str
    why_no_transfer: str | None


class LinkIssuer:
    """`link_lives`: how long a link may be paid."""

    def __init__(self, database: Database, gateways: Gateways | None, link_lives: timedelta = LINK_LIVES) -> None:
        self._database = database
        self.gateways = gateways or Gateways()
        self._link_lives = link_lives

    async def link_for_balance(
        self, lender: str, loan_id: str, at: datetime, *, at_most_minor: int | None = None
    ) -> PaymentLink:
        """The link that pays what is due now, or `at_most_minor` of it, as far as that can be paid in its currency.

        Made once, however often this is tried.

        Links of the loan over other amounts, and one that is about to expire, are closed first, and before a new one
        is made those that were paid. Raises ProviderError, NoGateway.
        """
        found = await asyncio.to_thread(self._look, lender, loan_id, at, at_most_minor)
        where = (lender, found.country, found.due.currency)
        # A transfer that the bank may have taken without telling us is never begun again.
        without = frozenset({BANK}) if found.why_no_transfer is not None else frozenset[str]()
        gateway = self.gateways.for_loan(*where, without)
        if gateway is None and self.gateways.for_loan(*where) is not None:
            no_other = f"no other way to pay is configured for {found.due.currency} in {found.country}"
            raise NoGateway(f"{found.why_no_transfer}, and {no_other}")
        if gateway is None:
            ways = "RECOBRO_STRIPE__API_KEY, RECOBRO_MERCADOPAGO__ACCOUNTS, RECOBRO_CONEKTA__API_KEY"
            raise NoGateway(
                f"no payment gateway is configured for {found.due.currency} in {found.country}: set one of {ways}"
            )
        for link in found.stale:
            await self._close(link, at)
        if found.known is not None:
            count(LINKS, outcome="reused")
            return found.known
        expires_at = at + self._link_lives
        made = await gateway.create_link(
            LinkRequest(
                idempotency_key=found.key,
                amount=found.due,
                lender=lender,
                loan_id=loan_id,
                description=loan_id,
                at=at,
                expires_at=expires_at,
            )
        )
        kept = await asyncio.to_thread(self._keep, lender, loan_id, gateway, found, made, at, expires_at)
        if kept.provider_link_id != made.id:
            # Another worker was faster, at a gateway that makes two of two requests.
            await gateway.deactivate_link(made.id, at)
            count(LINKS, outcome="reused")
            return kept
        count(LINKS, outcome="made")
        return kept

    async def close_all(self, lender: str, loan_id: str, at: datetime) -> None:
        """Nothing is due: no link of the loan may take money any more.

        What the gateway does not close now is left to `close_left`. Raises ProviderError.
        """
        await self._close_each(lender, loan_id, at, only_stale=False)

    async def close_stale(self, lender: str, loan_id: str, at: datetime) -> None:
        """No link may take another amount than what is due now. As `close_all`."""
        await self._close_each(lender, loan_id, at, only_stale=True)

    def any_left(self) -> bool:
        """Whether `close_left` has anything to try."""
        return bool(self._accounts())

    async def close_left(self, at: datetime) -> int:
        """Try the links that could not be closed when they should have been; how many that were.

        An account that fails is asked about nothing else this time, and about that link after all its others.
        """
        tried = 0
        for provider, currencies in await asyncio.to_thread(self._accounts):
            for link in await asyncio.to_thread(self._left, provider, currencies):
                tried += 1
                try:
                    await self._close_by(_in(CLOSE_WITHIN), link, at)
                except ProviderError as error:
                    count(PROVIDER_FAILURES, provider=error.provider, what_next=error.what_next)
                    _LOG.warning("a payment link is not closed yet: %s", error)
                    await asyncio.to_thread(self._withdraw, [link], at)
                    break
        return tried

    async def _close_each(self, lender: str, loan_id: str, at: datetime, *, only_stale: bool) -> None:
        if not self.gateways.known:
            return
        found = [
            link
            for link in await asyncio.to_thread(self._payable, lender, loan_id, only_stale)
            if self._can_close(link)
        ]
        # Before any gateway is asked: whatever becomes of this attempt, they are closed some time.
        await asyncio.to_thread(self._withdraw, found, at)
        failed, until = None, _in(CLOSE_WITHIN)
        for link in found:
            try:
                await self._close_by(until, link, at)
            except ProviderError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def _can_close(self, link: PaymentLink) -> bool:
        """Not one of a gateway that is not configured any more."""
        return self.gateways.of(link.provider, link.currency) is not None

    async def _close_by(self, until: float, link: PaymentLink, at: datetime) -> None:
        """`until`: by the loop's clock. Raises ProviderError."""
        try:
            async with asyncio.timeout_at(until):
                await self._close(link, at)
        except TimeoutError:
            raise refusal(link.provider, "no_answer", WhatNext.RETRY, "the gateway does not answer") from None

    async def _close(self, link: PaymentLink, at: datetime) -> None:
        gateway = self.gateways.of(link.provider, link.currency)
        if gateway is None:
            # Nobody here can close it. Withdrawn or about to expire, it must not stand in the way of one that is good.
            if link.expires_at is not None and link.expires_at - at < STILL_USEFUL:
                await asyncio.to_thread(self._mark_closed, link, at)
            return
        try:
            await gateway.deactivate_link(link.provider_link_id, at)
        except ProviderError as error:
            if error.code not in _NO_SUCH_LINK:
                raise
        await asyncio.to_thread(self._mark_closed, link, at)
        count(LINKS, outcome="closed")

    def _look(self, lender: str, loan_id: str, at: datetime, at_most_minor: int | None) -> _Found:
        with self._database.reading() as session:
            loan = loans.get(session, lender, loan_id)
            due = payments.balance_due(session, loan)
            if at_most_minor is not None:
                due = min(due, at_most_minor)
            due = payable(due, loan.currency)
            # The number first: on PostgreSQL a link may be kept between two queries. Then it is found, or the number is
            # still the one it was made by, and the gateway answers with that same link.
            number = links.next_generation(session, loan, PURPOSE, due)
            known = links.active(session, loan, PURPOSE, due)
            if known is not None and known.expires_at is not None and known.expires_at - at < STILL_USEFUL:
                known = None
            open_links = _payable(session, loan) if known is None else links.open_links(session, loan)
            stale = [link for link in open_links if known is None or link.id != known.id]
            return _Found(
                due=Money(amount_minor=due, currency=loan.currency),
                known=known,
                stale=stale,
                key=f"{lender}:{loan_id}:{loan.entry}:{PURPOSE}:{due}:{number}",
                country=people.of_loan(session, loan).country,
                why_no_transfer=inquiries.why_no_transfer(session, loan, at),
            )

    def _keep(
        self,
        lender: str,
        loan_id: str,
        gateway: PaymentGateway,
        found: _Found,
        made: ports.PaymentLink,
        at: datetime,
        expires_at: datetime,
    ) -> PaymentLink:
        amount_minor = found.due.amount_minor
        with self._database.writing() as session:
            one_at_a_time(session, f"link:{lender}:{loan_id}")
            loan = loans.get(session, lender, loan_id)
            faster = links.active(session, loan, PURPOSE, amount_minor)
            if faster is not None:
                return faster
            return links.keep(
                session,
                loan,
                purpose=PURPOSE,
                amount_minor=amount_minor,
                generation=links.next_generation(session, loan, PURPOSE, amount_minor),
                provider=gateway.name,
                provider_link_id=made.id,
                url=made.url,
                at=at,
                reference=reference_of(found.key),
                expires_at=expires_at,
            )

    def _payable(self, lender: str, loan_id: str, only_stale: bool) -> list[PaymentLink]:
        with self._database.reading() as session:
            loan = loans.get(session, lender, loan_id)
            open_links = _payable(session, loan)
            if not only_stale:
                return open_links
            due = 0 if loan.state is LoanState.ENDED else payments.payable_due(session, loan)
            return [link for link in open_links if due <= 0 or link.amount_minor != due]

    def _mark_closed(self, link: PaymentLink, at: datetime) -> None:
        with self._database.writing() as session:
            kept = links.by_provider_id(session, link.provider, link.provider_link_id)
            if kept is not None:
                links.closed(session, kept, at=at)

    def _withdraw(self, found: list[PaymentLink], at: datetime) -> None:
        if not found:
            return
        with self._database.writing() as session:
            for link in found:
                kept = links.by_provider_id(session, link.provider, link.provider_link_id)
                if kept is not None:
                    links.withdraw(session, kept, at=at)

    def _left(self, provider: str, currencies: Sequence[str]) -> Sequence[PaymentLink]:
        with self._database.reading() as session:
            return links.to_be_closed(session, provider, currencies, _AT_ONCE)

    def _accounts(self) -> list[tuple[str, list[str]]]:
        """Each account that has links to close, by its provider and the currencies of those links."""
        with self._database.reading() as session:
            waiting = links.accounts_to_be_closed_at(session)
        accounts: dict[int, tuple[str, list[str]]] = {}
        for provider, currency in waiting:
            if (gateway := self.gateways.of(provider, currency)) is not None:
                accounts.setdefault(id(gateway), (provider, []))[1].append(currency)
        return list(accounts.values())


def note_not_closed(database: Database, lender: str, loan_id: str, error: ProviderError, at: datetime) -> None:
    """`doctor` names the loan by this line of the audit trail while its link is not closed."""
    with database.writing() as session:
        audit.append(
            session,
            at=at,
            actor=error.provider,
            action=links.NOT_CLOSED,
            lender=lender,
            loan_id=loan_id,
            details={"code": error.code, "what_next": error.what_next.value},
        )


def _in(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


def _payable(session: Session, loan: Loan) -> list[PaymentLink]:
    """Links that take money at the gateway, or may: one that was paid stays open there until it is closed, and then
    has no life left to end."""
    paid = session.exec(
        select(PaymentLink)
        .where(
            PaymentLink.loan_ref == loan.id,
            PaymentLink.entry == loan.entry,
            PaymentLink.state == LinkState.PAID,
            col(PaymentLink.expires_at).is_not(None),
        )
        .order_by(col(PaymentLink.id))
    ).all()
    return [*links.open_links(session, loan), *paid]
