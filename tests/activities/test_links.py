from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import col, select

from activities.errands import Errands
from activities.gateways import Gateways
from activities.links import LinkIssuer
from domain.contact import Channel
from domain.gateway_choice import Offer
from domain.ledger_entries import EndEntry, LoanEnd, OptOutEntry, PaymentEntry, ReversalEntry
from domain.loans import Payment
from domain.what_next import WhatNext
from providers import ports
from providers.errors import ProviderError, refusal
from providers.ports import GatewayPayment, LinkRequest, Refund, RefundRequest
from records import links, loans
from records.database import Database
from records.tables import LinkState, PaymentLink
from tests.activities.outside import TUESDAY, Desk, enter_loan, pay
from tests.records.portfolios import LENDER
from tests.sandbox.running import World

PART = Payment(provider="stripe", payment_id="pi_1", amount_minor=2_500, paid_at=TUESDAY)


async def link(desk: Desk, loan_id: str) -> PaymentLink:
    return await desk.links.link_for_balance(LENDER, loan_id, TUESDAY)


def closed(world: World, loan_id: str) -> list[str]:
    return [e["link_id"] for e in world.entries("link_updated", loan_id) if not e["active"]]


async def test_an_amount_has_one_link_that_is_used_again(both: Desk, world: World) -> None:
    loan_id = enter_loan(both.database)

    first, again = await link(both, loan_id), await link(both, loan_id)

    assert first.id == again.id
    [made] = world.entries("link_created", loan_id)
    assert (made["amount_minor"], made["currency"], made["link_id"]) == (10_000, "EUR", first.provider_link_id)
    assert closed(world, loan_id) == []


async def test_workers_that_ask_at_the_same_instant_get_the_same_link(both: Desk, world: World) -> None:
    loan_id = enter_loan(both.database)

    found = await asyncio.gather(*(link(both, loan_id) for _ in range(5)))

    assert len({one.provider_link_id for one in found}) == 1
    assert len(world.entries("link_created", loan_id)) == 1


async def test_after_a_part_payment_a_new_link_takes_the_old_ones_place(both: Desk, world: World) -> None:
    loan_id = enter_loan(both.database)
    old = await link(both, loan_id)
    pay(both.database, loan_id, 2_500)

    new = await link(both, loan_id)

    assert [e["amount_minor"] for e in world.entries("link_created", loan_id)] == [10_000, 7_500]
    assert closed(world, loan_id) == [old.provider_link_id]
    assert new.state is LinkState.ACTIVE


@pytest.mark.parametrize("count", [1, 2])
async def test_an_answer_lost_after_the_link_was_made_gives_the_same_link(desk: Desk, world: World, count: int) -> None:
    """Lost once it is the price's answer, lost twice the link's as well."""
    loan_id = enter_loan(desk.database)
    world.fault("stripe", "lost_answer", count=count)
    for _ in range(count):
        with pytest.raises(ProviderError):
            await link(desk, loan_id)

    found = await link(desk, loan_id)

    [made] = world.entries("link_created", loan_id)
    assert found.provider_link_id == made["link_id"]


async def test_when_the_loan_ends_its_links_take_no_more_money(both: Desk, world: World) -> None:
    loan_id = enter_loan(both.database)
    made = await link(both, loan_id)

    await both.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.RECALLED, by="request"))
    await both.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.RECALLED, by="request"))

    assert closed(world, loan_id) == [made.provider_link_id]
    assert world.http.post(f"/pay/{made.provider_link_id}").status_code == 410


@pytest.mark.parametrize("paid_before", [False, True])
async def test_a_gateway_that_is_down_at_the_end_is_asked_until_the_link_is_closed(
    both: Desk, world: World, paid_before: bool
) -> None:
    """Given a gateway that closes nothing, when the loan ends, then its end and what comes behind it stand in the
    records at once, and the link is closed later; one that was paid too, so that it is not paid twice."""
    loan_id = enter_loan(both.database)
    made = await link(both, loan_id)
    if paid_before:
        with both.database.writing() as session:
            kept = links.by_provider_id(session, "stripe", made.provider_link_id)
            assert kept is not None
            links.set_state(session, kept, LinkState.PAID, at=TUESDAY)
    world.fault("stripe", "500", count=2)
    end = EndEntry(at=TUESDAY, end=LoanEnd.RECALLED, by="request")
    errands = Errands(both.database, None, None, lambda: TUESDAY + timedelta(minutes=2), both.links)

    await both.write(loan_id, end)
    await both.write(loan_id, OptOutEntry(at=TUESDAY, channel=Channel.SMS), first=1)
    tried = [await errands.close_links() for _ in range(3)]

    assert tried == [1, 1, 0]
    assert closed(world, loan_id) == [made.provider_link_id]
    assert world.http.post(f"/pay/{made.provider_link_id}").status_code == 410
    assert len(both.audit(loan_id, "opt_out")) == len(both.audit(loan_id, "end")) == 1
    assert both.audit(loan_id, "link_not_closed") == [{"code": "api_error", "what_next": "retry"}]


async def test_a_gateway_that_hangs_keeps_no_records_waiting(
    desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_id = enter_loan(desk.database)
    made = await link(desk, loan_id)
    monkeypatch.setattr("activities.links.CLOSE_WITHIN", 0.2)

    async def hangs(*given: Any) -> None:
        await asyncio.sleep(60)

    gateway = desk.links.gateways.of("stripe", "EUR")
    with monkeypatch.context() as hanging:
        hanging.setattr(gateway, "deactivate_link", hangs)
        await asyncio.wait_for(desk.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.RECALLED, by="request")), 10)
    await desk.links.close_left(TUESDAY)

    assert closed(world, loan_id) == [made.provider_link_id]


async def test_a_link_that_waits_to_be_closed_is_offered_to_nobody(desk: Desk, world: World) -> None:
    """Given a link that was to be closed and was not, when that same amount is due again, then there is a new link."""
    loan_id = enter_loan(desk.database)
    old = await link(desk, loan_id)
    pay(desk.database, loan_id, 2_500, "pi_1")
    world.fault("stripe", "500", count=1)
    await desk.write(loan_id, PaymentEntry(at=TUESDAY, payment=PART, currency="EUR"))

    await desk.write(loan_id, ReversalEntry(at=TUESDAY, provider="stripe", payment_id="pi_1"), first=1)
    new = await link(desk, loan_id)

    assert (new.amount_minor, new.provider_link_id != old.provider_link_id) == (10_000, True)
    assert closed(world, loan_id) == [old.provider_link_id]


async def test_one_gateway_that_closes_nothing_holds_up_no_other_links(desk: Desk, world: World) -> None:
    """Given two links that were not closed, when the first fails again, then the second has its turn the next time."""
    first, second = enter_loan(desk.database), enter_loan(desk.database)
    made = [await link(desk, first), await link(desk, second)]
    for number, loan_id in enumerate((first, second)):
        world.fault("stripe", "500", count=1)
        ended = TUESDAY + timedelta(minutes=number)
        await desk.write(loan_id, EndEntry(at=ended, end=LoanEnd.RECALLED, by="request"), moment=ended)
    world.fault("stripe", "500", count=1)

    tried = [await desk.links.close_left(TUESDAY + timedelta(minutes=2 + minute)) for minute in range(3)]

    assert tried == [1, 2, 0]
    assert (closed(world, first), closed(world, second)) == ([made[0].provider_link_id], [made[1].provider_link_id])
    moments = [entry["link_id"] for entry in world.entries("link_updated") if not entry["active"]]
    assert moments[-2:] == [made[1].provider_link_id, made[0].provider_link_id]


async def test_a_link_the_gateway_never_heard_of_does_not_hold_the_loan_up(lite: Database, desk: Desk) -> None:
    loan_id = enter_loan(lite)
    made = await link(desk, loan_id)
    with lite.writing() as session:
        kept = session.get(PaymentLink, made.id)
        assert kept is not None
        kept.provider_link_id = "plink_of_another_account"
        session.add(kept)

    await desk.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.RECALLED, by="request"))

    with lite.reading() as session:
        kept = session.get(PaymentLink, made.id)
        assert kept is not None
        assert kept.state is LinkState.INACTIVE


async def test_a_loan_that_is_collected_again_over_the_same_amount_gets_a_new_link(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)
    first = await link(desk, loan_id)
    await desk.links.close_all(LENDER, loan_id, TUESDAY)

    second = await link(desk, loan_id)

    assert second.provider_link_id != first.provider_link_id
    assert (second.generation, second.amount_minor) == (2, first.amount_minor)
    assert closed(world, loan_id) == [first.provider_link_id]


@pytest.mark.parametrize("then", ["cured", "reversed"])
async def test_a_link_that_was_paid_can_not_be_paid_a_second_time(both: Desk, world: World, then: str) -> None:
    loan_id = enter_loan(both.database)
    first = await link(both, loan_id)
    with both.database.writing() as session:
        kept = links.by_provider_id(session, "stripe", first.provider_link_id)
        assert kept is not None
        links.set_state(session, kept, LinkState.PAID, at=TUESDAY)
    pay(both.database, loan_id, 10_000, "pi_1")

    if then == "cured":
        await both.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.CURED, by="payment"))
    else:
        await both.write(loan_id, ReversalEntry(at=TUESDAY, provider="stripe", payment_id="pi_1"))
        second, again = await link(both, loan_id), await link(both, loan_id)
        assert first.provider_link_id != second.provider_link_id == again.provider_link_id

    assert closed(world, loan_id) == [first.provider_link_id]
    assert world.http.post(f"/pay/{first.provider_link_id}").status_code == 410
    with both.database.reading() as session:
        kept = links.by_provider_id(session, "stripe", first.provider_link_id)
        assert kept is not None
        assert kept.state is LinkState.PAID


async def test_links_that_were_paid_and_closed_are_not_closed_again_at_each_payment(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)
    made = [await link(desk, loan_id)]
    for number in (1, 2):
        with desk.database.writing() as session:
            kept = links.by_provider_id(session, "stripe", made[-1].provider_link_id)
            assert kept is not None
            links.set_state(session, kept, LinkState.PAID, at=TUESDAY)
        pay(desk.database, loan_id, 2_500, f"pi_{number}")
        await desk.write(loan_id, PaymentEntry(at=TUESDAY, payment=PART, currency="EUR"), first=number)
        made.append(await link(desk, loan_id))
    gateway = _Named("stripe")

    await LinkIssuer(desk.database, Gateways([(Offer(name="stripe"), gateway)])).close_all(LENDER, loan_id, TUESDAY)

    assert closed(world, loan_id) == [one.provider_link_id for one in made[:2]]
    assert gateway.closed == [made[2].provider_link_id]


async def test_a_link_that_is_paid_while_it_waits_to_be_closed_is_closed_all_the_same(both: Desk, world: World) -> None:
    """Given a link that a gateway did not close, when it is paid meanwhile, then it is closed still, so that nobody
    pays it a second time."""
    loan_id = enter_loan(both.database)
    made = await link(both, loan_id)
    world.fault("stripe", "500", count=1)
    await both.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.RECALLED, by="request"))
    with both.database.writing() as session:
        kept = links.by_provider_id(session, "stripe", made.provider_link_id)
        assert kept is not None
        links.set_state(session, kept, LinkState.PAID, at=TUESDAY + timedelta(minutes=1))

    tried = [await both.links.close_left(TUESDAY + timedelta(minutes=2 + minute)) for minute in range(2)]

    assert tried == [1, 0]
    assert closed(world, loan_id) == [made.provider_link_id]
    assert world.http.post(f"/pay/{made.provider_link_id}").status_code == 410
    with both.database.reading() as session:
        kept = links.by_provider_id(session, "stripe", made.provider_link_id)
        assert kept is not None
        assert kept.state is LinkState.PAID


async def test_a_withdrawn_link_is_offered_to_nobody_after_its_gateway_is_gone(desk: Desk, world: World) -> None:
    """Given a link that a gateway did not close and another gateway in its place since, when that same amount is due
    again, then a link of the new one is offered, and money by the old one is still known."""
    loan_id = enter_loan(desk.database)
    old = await link(desk, loan_id)
    pay(desk.database, loan_id, 2_500, "pi_1")
    world.fault("stripe", "500", count=1)
    await desk.write(loan_id, PaymentEntry(at=TUESDAY, payment=PART, currency="EUR"))
    await desk.write(loan_id, ReversalEntry(at=TUESDAY, provider="stripe", payment_id="pi_1"), first=1)
    other = _Named("conekta")
    issuer = LinkIssuer(desk.database, Gateways([(Offer(name="conekta"), other)], lambda *_: ("conekta",)))

    new = await issuer.link_for_balance(LENDER, loan_id, TUESDAY + timedelta(hours=1))

    assert (new.provider, new.amount_minor, other.closed) == ("conekta", 10_000, [])
    assert old.reference is not None
    with desk.database.reading() as session:
        kept = links.by_reference(session, "stripe", old.reference)
        assert kept is not None
        assert (kept.id, kept.state) == (old.id, LinkState.INACTIVE)


async def test_one_account_that_closes_nothing_holds_up_no_other_account_of_its_provider(lite: Database) -> None:
    """Given links of two accounts that were not closed, when one account fails still, then the other's is closed in the
    same go; and one of an account that is not there any more holds up none."""
    pesos, reais = _Named("mercadopago"), _Named("mercadopago")
    gateways = Gateways(
        [(Offer(name="mercadopago", currency="ARS"), pesos), (Offer(name="mercadopago", currency="BRL"), reais)]
    )
    for number, currency in enumerate(("ARS", "ARS", "BRL", "MXN")):
        loan_id = enter_loan(lite)
        with lite.writing() as session:
            loan = loans.get(session, LENDER, loan_id)
            kept = links.keep(
                session, loan, purpose="balance", amount_minor=100, generation=1, provider="mercadopago",
                provider_link_id=f"{currency}-{number}", url="https://pay.example/1", at=TUESDAY,
            )  # fmt: skip
            kept.currency = currency
            links.withdraw(session, kept, at=TUESDAY + timedelta(seconds=number))
    pesos.fails = True
    issuer = LinkIssuer(lite, gateways)

    tried = await issuer.close_left(TUESDAY + timedelta(minutes=1))

    assert (tried, pesos.closed, reais.closed) == (2, [], ["BRL-2"])
    pesos.fails = False
    assert await issuer.close_left(TUESDAY + timedelta(minutes=2)) == 2
    assert pesos.closed == ["ARS-1", "ARS-0"]
    assert not issuer.any_left()


async def test_a_link_that_was_closed_is_not_looked_through_every_minute(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)
    made = await link(desk, loan_id)

    await desk.write(loan_id, EndEntry(at=TUESDAY, end=LoanEnd.RECALLED, by="request"))

    assert closed(world, loan_id) == [made.provider_link_id]
    with desk.database.reading() as session:
        indexed = select(PaymentLink.id).where(col(PaymentLink.expires_at) == col(PaymentLink.changed_at))
        assert session.exec(indexed).all() == []


def test_links_to_be_closed_are_found_without_reading_all_links(database: Database) -> None:
    """Every worker asks each minute: on a table of millions of links that must cost nothing."""
    asked: list[tuple[str, Any]] = []
    with database.reading() as session:
        connection = session.connection()
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        event.listen(connection, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
        links.accounts_to_be_closed_at(session)
        links.to_be_closed(session, "stripe", ["EUR"], 20)

        explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
        plans = [str(connection.exec_driver_sql(f"{explain} {sql}", given).all()) for sql, given in asked[:2]]

    assert ["ix_payment_link_to_be_closed" in plan for plan in plans] == [True, True]


class _Named:
    """A gateway of another name, or another account, that makes and closes links unless it `fails`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed: list[str] = []
        self.fails = False

    async def create_link(self, request: LinkRequest) -> ports.PaymentLink:
        return ports.PaymentLink(
            id="other-1", url="https://pay.example/other-1", amount=request.amount, created_at=request.at
        )

    async def link_payments(self, link_id: str, at: datetime) -> tuple[GatewayPayment, ...]:
        return ()

    async def refund(self, request: RefundRequest) -> Refund:
        raise refusal(self.name, "404", WhatNext.RETRY, "nothing was paid here")

    async def deactivate_link(self, link_id: str, at: datetime) -> None:
        if self.fails:
            raise refusal(self.name, "500", WhatNext.RETRY, "it does not answer")
        self.closed.append(link_id)
