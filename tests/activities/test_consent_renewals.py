"""A renewal is not asked of whoever took their consent back, nor where nothing would be done with it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from activities import contacts
from activities.orders import ContactOrder
from config.metric_catalogue import UNREACHABLE, Metric
from config.web_settings import Web
from domain.contact_orders import CONSENT
from domain.events.contacts import ContactOutcome
from records import consents, loans, people
from records.database import Database
from tests.activities.outside import TUESDAY, desk_for, enter_loan, fresh, remind, settings_for, texts_to
from tests.records.portfolios import LENDER
from tests.sandbox.running import World

PAGES = Web(public_url="https://collect.example.com", link_secret=SecretStr("a secret of some length, for links"))


def request_for(loan_id: str, **changes: Any) -> ContactOrder:
    return remind(loan_id, step=CONSENT, template="consent_request", **changes)


@pytest.mark.parametrize(
    ("taken_back", "order", "outcome"),
    [
        (False, {"renews": True}, ContactOutcome.SENT),
        (True, {"renews": True}, ContactOutcome.UNREACHABLE),
        (True, {}, ContactOutcome.SENT),
        (False, {"renews": True, "of_no_use": True}, ContactOutcome.UNREACHABLE),
    ],
    ids=["a renewal", "taken back", "taken back, and somebody asks again", "nothing would be read"],
)
async def test_the_next_consent_is_asked_of_whoever_let_us_read_and_still_would(
    lite: Database,
    world: World,
    taken_back: bool,
    order: dict[str, Any],
    outcome: ContactOutcome,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a consent whose end nears, when its renewal is to be asked for, then nobody is asked who took it back
    meanwhile, although their loan has not heard of that; an operator who asks for it has their own reason. Nobody
    counts it among those whom no channel is left for."""
    counted: list[Metric] = []
    monkeypatch.setattr(contacts, "count", lambda metric, **_: counted.append(metric))
    given = fresh()
    loan_id = enter_loan(lite, bank_consent="c-1", bank_account="a-1", **given)
    if taken_back:
        with lite.writing() as session:
            consents.revoke(session, people.of_loan(session, loans.get(session, LENDER, loan_id)), TUESDAY)

    async with desk_for(lite, settings_for(world, web=PAGES)) as desk:
        report = await desk.contact(request_for(loan_id, **order))

    assert report.outcome is outcome
    assert UNREACHABLE not in counted
    assert len(texts_to(world, given["phone"])) == (outcome is ContactOutcome.SENT)
