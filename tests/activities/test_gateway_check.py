"""The daily run finds a payment no webhook told of, one with another amount, and one the gateway does not have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import select

from activities.gateway_check import GatewayChecks
from activities.gateways import Gateways
from domain.gateway_choice import Offer
from domain.money import Money
from providers.payments.stripe import StripeGateway, StripeSettings
from providers.ports import GatewayPayment
from records.database import Database
from records.tables import GatewayCheck
from tests.activities.outside import Desk, pay
from tests.activities.test_unheard_payments import linked, pay_unheard
from tests.sandbox.running import World

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


async def test_what_the_gateway_and_the_records_do_not_agree_on_is_told_and_counted(desk: Desk, world: World) -> None:
    loan_id, _ = await linked(desk)
    paid = pay_unheard(desk, world, loan_id)
    at = datetime.fromisoformat(paid["at"])
    pay(desk.database, loan_id, 1_000, "pi_nowhere", at)
    async with httpx.AsyncClient(trust_env=False) as client:
        settings = StripeSettings(base_url=str(world.http.base_url), api_key=SecretStr("sk_test"))
        checks = GatewayChecks(desk.database, Gateways([(Offer(name="stripe"), StripeGateway(settings, client))]))

        found = await checks.check("stripe", at.date(), UTC, at)
        other_day = await checks.check("stripe", at.date() - timedelta(days=3), UTC, at)

    assert {(one.kind, one.payment_id, one.theirs_minor, one.ours_minor) for one in found} == {
        ("missing_here", paid["payment_id"], 10_000, None),
        ("missing_there", "pi_nowhere", None, 1_000),
    }
    assert other_day == ()
    with desk.database.reading() as session:
        kept = {row.day: row.differences for row in session.exec(select(GatewayCheck)).all()}
    assert kept[at.date()] == 2


@pytest.mark.parametrize(("amount_minor", "kinds"), [(0, []), (1, ["missing_here"])])
async def test_a_card_that_was_only_checked_is_no_payment_that_the_records_miss(
    database: Database, amount_minor: int, kinds: list[str]
) -> None:
    class Account:
        name = "mercadopago"

        async def payments_between(self, *_: object) -> list[GatewayPayment]:
            amount = Money(amount_minor=amount_minor, currency="MXN")
            return [GatewayPayment(payment_id="1", amount=amount, paid_at=NOON, refunded=False)]

    account: Any = Account()
    checks = GatewayChecks(database, Gateways([(Offer(name="mercadopago"), account)]))

    found = await checks.check("mercadopago", NOON.date(), UTC, NOON)

    assert [one.kind for one in found] == kinds
