"""The daily run finds a payment no webhook told of, one with another amount, and one the gateway does not have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
from pydantic import SecretStr
from sqlmodel import select

from activities.gateway_check import GatewayChecks
from activities.gateways import Gateways
from domain.gateway_choice import Offer
from providers.payments.stripe import StripeGateway, StripeSettings
from records.tables import GatewayCheck
from tests.activities.outside import Desk, pay
from tests.activities.test_unheard_payments import linked, pay_unheard
from tests.sandbox.running import World


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
