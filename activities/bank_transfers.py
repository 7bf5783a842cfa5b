"""Payments from account to account as one more way to pay: our own page, the borrower's bank, its status until final.

The link leads to a page of ours, because the bank wants the borrower there when a payment is begun. For one link a
payment is begun at most once: the place is taken in the records before the bank is asked, and where no answer came the
link is closed and no transfer is offered for the loan again; what the bank took all the same is known by its reference.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr
from sqlmodel import Session

from activities.found_payments import is_of_an_earlier_hand_over, keep_report, show_of_an_earlier_hand_over
from activities.transfer_standing import NOTHING_COMES, Standing, standing_of
from config.signed_addresses import SignedAddresses
from domain.gateway_choice import BANK
from domain.money import Money
from domain.what_next import Effect, WhatNext
from providers.errors import ProviderError, refusal
from providers.payments.berlin_group_pis import BerlinGroupPayments, InitiationRequest
from providers.payments.berlin_group_pis_codes import STATES, TO_BE_CONFIRMED, TransactionStatus
from providers.ports import (
    GatewayPayment,
    LinkRequest,
    PaymentReport,
    PaymentState,
    Refund,
    RefundRequest,
)
from providers.ports import PaymentLink as MadeLink
from records import audit, inquiries, links, loans, payments, people
from records.database import Database
from records.next_payment import left_to_pay
from records.tables import LinkState, LoanState, PaymentInquiry, PaymentLink

PAGE = "pay"
ASK_FIRST = timedelta(seconds=30)
ASK_AT_MOST = timedelta(hours=6)


@dataclass(frozen=True)
class TransferView:
    """What the page shows. `go_on_at`: where the borrower confirms at their bank. `elsewhere`: UNDER_WAY or UNKNOWN
    where another transfer of the loan may arrive yet. `next_payment_minor`: what is left of the next payment of the
    agreement in force, which alone is asked for while it is kept, 0 where all of it is paid; None where none is.
    `leads_on`: who holds the link may be shown more of the loan; not by one of an earlier hand-over, nor by one that
    a stranger may hold. `asking`: its bank was asked a moment ago and may be answering."""

    lender: str
    loan_id: str
    amount: Money
    language: str
    country: str
    standing: Standing
    still_due: bool
    go_on_at: str | None = None
    elsewhere: Standing | None = None
    next_payment_minor: int | None = None
    leads_on: bool = True
    asking: bool = False

    @property
    def offers(self) -> bool:
        """Whether another link may be asked for in this one's place."""
        if not self.still_due or not self.leads_on or self.elsewhere is not None or self.next_payment_minor == 0:
            return False
        less = self.next_payment_minor is not None and self.next_payment_minor < self.amount.amount_minor
        return self.standing is Standing.CLOSED or (self.standing is Standing.OPEN and less)


class BankTransfers:
    """`PaymentGateway`, and what stands behind the page."""

    name = BANK

    def __init__(self, database: Database, bank: BerlinGroupPayments, addresses: SignedAddresses) -> None:
        self._database = database
        self._bank = bank
        self._addresses = addresses

    # A gateway like the others

    async def create_link(self, request: LinkRequest) -> MadeLink:
        """The address of our page: nobody is asked, so nothing can be lost."""
        until = request.expires_at or request.at + timedelta(days=30)
        return MadeLink(
            id=request.reference,
            url=self._addresses.address(PAGE, request.reference, until),
            amount=request.amount,
            created_at=request.at,
        )

    async def deactivate_link(self, link_id: str, at: datetime) -> None:
        """The page looks at the records, where the link is closed; a transfer under way cannot be called back."""

    async def link_payments(self, link_id: str, at: datetime) -> tuple[GatewayPayment, ...]:
        under_way = await asyncio.to_thread(self._inquiry, link_id)
        if under_way is None:
            return ()
        await self.poll(under_way, at)
        with self._database.reading() as session:
            paid = payments.find(session, BANK, link_id)
        if paid is None:
            return ()
        amount = Money(amount_minor=paid.amount_minor, currency=paid.currency)
        return (GatewayPayment(payment_id=link_id, amount=amount, paid_at=paid.paid_at),)

    async def refund(self, request: RefundRequest) -> Refund:
        raise refusal(
            BANK, "by_bank_transfer", WhatNext.TERMINAL, "a transfer is given back by a transfer of the lender"
        )

    # The page

    def view(self, reference: str, now: datetime) -> TransferView | None:
        """How the link of this reference stands; None where there is none."""
        with self._database.reading() as session:
            link = links.by_reference(session, BANK, reference)
            return None if link is None else self._view(session, link, now)

    async def begin(self, reference: str, iban: str, psu_ip: str, now: datetime) -> TransferView | None:
        """Begin the transfer unless it was begun before; how it then stands.

        Raises ProviderError where the bank refused and nothing was begun: it may be tried with another account.
        """
        request_id = uuid.uuid4()
        taken = await asyncio.to_thread(self._take_place, reference, str(request_id), now)
        if taken is None:
            return await asyncio.to_thread(self.view, reference, now)
        link, inquiry_id = taken
        page = link.url
        try:
            begun = await self._bank.initiate(
                InitiationRequest(
                    request_id=request_id,
                    reference=reference,
                    amount=Money(amount_minor=link.amount_minor, currency=link.currency),
                    debtor_iban=SecretStr(iban),
                    psu_ip=psu_ip,
                    description=await asyncio.to_thread(self._loan_id, link),
                    return_url=f"{page}/back",
                    failed_url=f"{page}/back",
                    at=now,
                )
            )
        except ProviderError as error:
            if error.effect is Effect.NONE:
                await asyncio.to_thread(self._give_place_back, inquiry_id)
                raise
            await asyncio.to_thread(self._unknown, reference, inquiry_id, error.code, now)
            return await asyncio.to_thread(self.view, reference, now)
        if begun.not_confirmable:
            await asyncio.to_thread(self._not_confirmable, reference, inquiry_id, begun.payment_id, now)
        else:
            await asyncio.to_thread(
                self._begun, inquiry_id, begun.payment_id, begun.status, begun.redirect_url, now + ASK_FIRST
            )
        return await asyncio.to_thread(self.view, reference, now)

    # Its status, until it is final

    async def poll(self, one: PaymentInquiry, now: datetime) -> None:
        """Ask the bank how the transfer stands. Raises ProviderError where it cannot be had now."""
        if one.gateway_id is None or one.status in (PaymentState.PAID, *NOTHING_COMES):
            return
        status = await self._bank.status(one.gateway_id, now)
        await asyncio.to_thread(self._heard, one, status, now)

    def _heard(self, one: PaymentInquiry, status: TransactionStatus, now: datetime) -> None:
        assert one.id is not None
        state = STATES[status]
        with self._database.writing(durable=True) as session:
            link = links.by_reference(session, BANK, one.reference)
            assert link is not None
            if state is PaymentState.PENDING:
                over = now >= one.created_at + inquiries.GIVE_UP
                wait = min(ASK_FIRST * 2 ** min(one.tries, 12), ASK_AT_MOST)
                inquiries.answered(session, one.id, status.value, None if over else now + wait)
                if over:
                    _for_a_person(session, one.reference, "transfer_not_final", now)
                return
            inquiries.answered(session, one.id, state.value, None)
            amount = Money(amount_minor=link.amount_minor, currency=link.currency)
            if state is not PaymentState.PAID:
                links.set_state(session, link, LinkState.INACTIVE, at=now)
            elif is_of_an_earlier_hand_over(session, BANK, one.reference, link, one.created_at):
                # A bank tells no day of settlement: it lies anywhere between the beginning and now.
                show_of_an_earlier_hand_over(session, BANK, one.reference, link, amount, now, actor=BANK)
            else:
                report = PaymentReport(
                    payment_id=one.reference, state=state, amount=amount, paid_at=now, reference=one.reference
                )
                keep_report(session, BANK, report, now)

    def _view(self, session: Session, link: PaymentLink, now: datetime) -> TransferView:
        loan = loans.by_ref(session, link.loan_ref)
        person = people.of_loan(session, loan)
        due = payments.balance_due(session, loan)
        begun = inquiries.find(session, BANK, link.reference or "")
        over = link.expires_at is not None and now >= link.expires_at
        left = left_to_pay(session, loan)
        most = due if left is None or left.most_minor is None else min(due, left.most_minor)
        standing, go_on_at = standing_of(begun), None
        if link.state is LinkState.PAID:
            standing = Standing.PAID
        elif begun is not None and standing is Standing.UNDER_WAY:
            go_on_at = _page(begun.redirect_url) if begun.status in TO_BE_CONFIRMED else None
        elif begun is None and link.state is LinkState.ACTIVE and most >= link.amount_minor and not over:
            standing = Standing.OPEN
        others = {
            standing_of(each) for each in inquiries.unsettled_transfers(session, loan, now) if each.link_ref != link.id
        }
        return TransferView(
            lender=loan.lender,
            loan_id=loan.loan_id,
            amount=Money(amount_minor=link.amount_minor, currency=link.currency),
            language=person.language,
            country=person.country,
            standing=standing,
            still_due=due > 0 and loan.state is not LoanState.ENDED,
            go_on_at=go_on_at,
            elsewhere=next((each for each in (Standing.UNKNOWN, Standing.UNDER_WAY) if each in others), None),
            next_payment_minor=None if left is None else left.next_minor,
            asking=begun is not None and begun.status == inquiries.BEGINNING and now < begun.created_at + ASK_FIRST,
            leads_on=link.entry == loan.entry and not people.a_stranger_read_after(session, person, link.created_at),
        )

    def _inquiry(self, reference: str) -> PaymentInquiry | None:
        with self._database.reading() as session:
            return inquiries.find(session, BANK, reference)

    def _loan_id(self, link: PaymentLink) -> str:
        with self._database.reading() as session:
            return loans.by_ref(session, link.loan_ref).loan_id

    def _take_place(self, reference: str, request_id: str, now: datetime) -> tuple[PaymentLink, int] | None:
        with self._database.writing(durable=True) as session:
            link = links.by_reference(session, BANK, reference)
            if link is None or self._view(session, link, now).standing is not Standing.OPEN:
                return None
            taken = inquiries.begin(session, link, request_id, now)
            if taken is None or taken.id is None:
                return None
            return link, taken.id

    def _give_place_back(self, inquiry_id: int) -> None:
        with self._database.writing() as session:
            inquiries.forget(session, inquiry_id)

    def _begun(
        self, inquiry_id: int, payment_id: str, status: TransactionStatus, redirect_url: str | None, next_at: datetime
    ) -> None:
        with self._database.writing(durable=True) as session:
            inquiries.begun(session, inquiry_id, payment_id, status.value, redirect_url, next_at)

    def _unknown(self, reference: str, inquiry_id: int, code: str, now: datetime) -> None:
        with self._database.writing(durable=True) as session:
            inquiries.answered(session, inquiry_id, inquiries.UNKNOWN, None)
            link = links.by_reference(session, BANK, reference)
            if link is not None:
                links.set_state(session, link, LinkState.INACTIVE, at=now)
            _for_a_person(session, reference, f"transfer_unknown:{code}"[:80], now)

    def _not_confirmable(self, reference: str, inquiry_id: int, payment_id: str, now: datetime) -> None:
        """The bank has no page for it: the transfer is not carried out, and the next one would end the same way."""
        with self._database.writing(durable=True) as session:
            inquiries.begun(session, inquiry_id, payment_id, inquiries.NOT_CONFIRMABLE, None, None)
            link = links.by_reference(session, BANK, reference)
            if link is not None:
                links.set_state(session, link, LinkState.INACTIVE, at=now)
            _for_a_person(session, reference, "transfer_not_confirmable", now)


def _page(address: str | None) -> str | None:
    """An earlier version kept the address of an OAuth2 server's configuration (RFC 8414), where nobody can confirm."""
    return None if address is None or "/.well-known/oauth-authorization-server" in address else address


def _for_a_person(session: Session, reference: str, kind: str, now: datetime) -> None:
    details = {"kind": kind, "reference": reference}
    audit.append(session, at=now, actor=BANK, action="webhook_needs_person", details=details)
