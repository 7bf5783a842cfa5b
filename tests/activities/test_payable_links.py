"""What a link asks for can be paid and is what the message says; a link is closed where it was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import Session, select

from activities.gateways import Gateways
from activities.links import LinkIssuer
from activities.unheard_payments import UnheardPayments
from config.payment_settings import MercadoPago, MercadoPagoAccount, Payments
from domain.gateway_choice import Offer
from domain.money import Money
from domain.what_next import WhatNext
from providers import ports
from providers.errors import refusal
from records import links, loans, payments, people
from records.database import Database
from records.tables import LinkState, PaymentLink
from tests.activities.outside import TUESDAY, enter_loan, settings_for
from tests.activities.test_ways_to_pay import issuing, made
from tests.records.portfolios import LENDER
from tests.sandbox.running import World

COLOMBIA = {"country": "CO", "currency": "COP", "timezone": "America/Bogota", "region": None}


def colombian_settings(world: World) -> Any:
    return settings_for(
        world,
        mercadopago=MercadoPago(
            base_url=str(world.http.base_url).rstrip("/"),
            webhook_secret=SecretStr("whs"),
            accounts={"CO": MercadoPagoAccount(access_token=SecretStr("APP_USR-1"))},
        ),
        payments=Payments(ways={"CO": ("mercadopago",)}),
    )


@pytest.mark.parametrize(("agreed", "asked"), [(None, 15_000_000), (3_333_334, 3_333_300)])
async def test_a_debt_with_centavos_gets_a_link_that_mercado_pago_takes(
    lite: Database, world: World, agreed: int | None, asked: int
) -> None:
    """Given 150,000.37 pesos, when a link is made for them or for an instalment, then it asks for whole pesos."""
    loan_id = enter_loan(lite, amount_due_minor=15_000_037, **COLOMBIA)
    async with issuing(lite, colombian_settings(world)) as issuer:
        first = await issuer.link_for_balance(LENDER, loan_id, TUESDAY, at_most_minor=agreed)
        again = await issuer.link_for_balance(LENDER, loan_id, TUESDAY, at_most_minor=agreed)

    assert (first.amount_minor, again.id) == (asked, first.id)
    assert [entry["amount_minor"] for entry in made(world, loan_id)] == [asked]
    with lite.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, loan_id)) == 15_000_037, "the books keep it"


@dataclass
class Account:
    """One country's account: it knows its own links alone."""

    own: set[str] = field(default_factory=set)
    closed: list[str] = field(default_factory=list)
    name: str = "mercadopago"

    async def create_link(self, request: ports.LinkRequest) -> ports.PaymentLink:
        raise AssertionError("no link is made here")

    async def deactivate_link(self, link_id: str, at: datetime) -> None:
        self._must_know(link_id)
        self.closed.append(link_id)

    async def link_payments(self, link_id: str, at: datetime) -> tuple[ports.GatewayPayment, ...]:
        self._must_know(link_id)
        amount = Money(amount_minor=10_000, currency="ARS")
        return (ports.GatewayPayment(payment_id=f"p-{link_id}", amount=amount, paid_at=at),)

    async def refund(self, request: ports.RefundRequest) -> ports.Refund:
        raise AssertionError("no refund is made here")

    def _must_know(self, link_id: str) -> None:
        if link_id not in self.own:
            raise refusal("mercadopago", "404", WhatNext.TERMINAL, "there is no such object")


def moved_to_chile(database: Database) -> tuple[str, str]:
    """A loan in Argentine pesos with an open link of that account; its borrower lives in Chile by now."""
    argentina = {"country": "AR", "currency": "ARS", "timezone": "America/Argentina/Buenos_Aires", "region": None}
    loan_id = enter_loan(database, **argentina)
    with database.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        links.keep(
            session,
            loan,
            purpose="balance",
            amount_minor=10_000,
            generation=1,
            provider="mercadopago",
            provider_link_id=f"ar-{loan_id}",
            url="https://x.example",
            at=TUESDAY,
        )
        person = people.of_loan(session, loan)
        person.country = "CL"
        session.add(person)
    return loan_id, f"ar-{loan_id}"


def accounts(link_id: str) -> tuple[Gateways, Account, Account]:
    here, there = Account(own={link_id}), Account()
    known: Any = [
        (Offer(name="mercadopago", country="CL", currency="CLP"), there),
        (Offer(name="mercadopago", country="AR", currency="ARS"), here),
    ]
    return Gateways(known), here, there


def state_of(session: Session, loan_id: str) -> list[LinkState]:
    rows = session.exec(select(PaymentLink).where(PaymentLink.loan_ref == loans.get(session, LENDER, loan_id).id))
    return [row.state for row in rows.all()]


async def test_a_link_of_a_borrower_who_moved_is_closed_at_the_account_that_made_it(lite: Database) -> None:
    loan_id, link_id = moved_to_chile(lite)
    gateways, argentine, chilean = accounts(link_id)

    await LinkIssuer(lite, gateways).close_all(LENDER, loan_id, TUESDAY)

    assert (argentine.closed, chilean.closed) == ([link_id], [])
    with lite.reading() as session:
        assert state_of(session, loan_id) == [LinkState.INACTIVE]


async def test_a_payment_through_the_link_of_a_borrower_who_moved_is_found(lite: Database) -> None:
    loan_id, link_id = moved_to_chile(lite)
    gateways, _, _ = accounts(link_id)
    asking = UnheardPayments(lite, gateways)

    assert await asking.find(LENDER, loan_id, asking.payable(LENDER, loan_id), TUESDAY) == 1

    with lite.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, loan_id)) == 0


async def test_a_link_of_an_account_that_is_gone_is_not_called_closed_by_another(lite: Database) -> None:
    loan_id, link_id = moved_to_chile(lite)
    gateways, _, chilean = accounts(link_id)
    only_chile = Gateways(gateways.known[:1])

    await LinkIssuer(lite, only_chile).close_all(LENDER, loan_id, TUESDAY)

    assert chilean.closed == []
    with lite.reading() as session:
        assert state_of(session, loan_id) == [LinkState.ACTIVE]
