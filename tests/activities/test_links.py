from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from domain.ledger_entries import EndEntry, LoanEnd, ReversalEntry
from providers.errors import ProviderError
from records import links
from records.database import Database
from records.tables import LinkState, PaymentLink
from tests.activities.outside import TUESDAY, Desk, enter_loan, pay
from tests.records.portfolios import LENDER
from tests.sandbox.running import World


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


async def test_a_gateway_that_is_down_at_the_end_is_asked_until_the_link_is_closed(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)
    made = await link(desk, loan_id)
    world.fault("stripe", "500", count=1)
    end = EndEntry(at=TUESDAY, end=LoanEnd.RECALLED, by="request")

    with pytest.raises(ApplicationError, match=r"stripe_retry"):
        await desk.write(loan_id, end)
    await desk.write(loan_id, end, moment=TUESDAY + timedelta(minutes=1))

    assert closed(world, loan_id) == [made.provider_link_id]
    assert len(desk.audit(loan_id, "end")) == 1


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
