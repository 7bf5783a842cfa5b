"""Belvo tells of links and consents by itself: proven by the header set at Belvo, read, and kept whatever it is."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from config.bank_data_settings import Belvo
from domain.webhook_news import Ignored
from providers.webhooks import belvo
from providers.webhooks.refused import RefusedReason, WebhookRefused
from records import consents, loans, people
from records.database import Database
from tests.activities.outside import enter_loan
from tests.records.portfolios import LENDER
from tests.web.outside import FakeTemporal, running
from tests.web.test_more_providers import relayed, shown
from web.sources import BelvoWebhooks

LINK = "16f68516-bcbc-4cf7-b815-c500d4204e28"
TOKEN = "Bearer hv7alD71j0dzXf09iKfg7u"


def event(kind: str, code: str, link: str | None = LINK, **data: Any) -> bytes:
    """As Belvo's guides show a delivery."""
    return json.dumps(
        {
            "webhook_id": "aadf41a1fc8e4f79a49f7f04027ac999",
            "webhook_type": kind,
            "process_type": "recurrent_update",
            "webhook_code": code,
            "link_id": link,
            "request_id": "4363b08b-51eb-4350-9c74-5df5ac92a7f6",
            "external_id": None,
            "data": data,
        }
    ).encode()


LOST = event("LINK", "invalid_credentials", error_code="login_error", status=400)
ENDS = event("CONSENT", "openfinance_consent_about_to_expire", consent_due_date="2026-12-26T10:45:58.000Z")


async def post(web: Any, body: bytes, header: str | None = TOKEN) -> int:
    headers = {} if header is None else {"Authorization": header}
    return int((await web.client.post("/webhooks/belvo", content=body, headers=headers)).status_code)


def standing(database: Database, loan_id: str) -> tuple[str, str | None, date | None]:
    with database.reading() as session:
        [one] = consents.of_person(session, people.of_loan(session, loans.get(session, LENDER, loan_id)))
        return one.status.value, one.over_because, one.valid_until


def mexican(database: Database, link: str) -> str:
    loan_id = enter_loan(database, country="MX", bank_consent=link, bank_account="a1", timezone="America/Mexico_City")
    with database.writing() as session:
        [one] = consents.of_person(session, people.of_loan(session, loans.get(session, LENDER, loan_id)))
        one.provider = "belvo"
        session.add(one)
    return loan_id


async def test_a_lost_link_ends_its_consent_and_a_coming_end_is_told_to_the_loan(database: Database) -> None:
    lost, ends = mexican(database, LINK), mexican(database, "da9822bb-5bd6-4a0a-b64d-0aefcc9e86b0")
    temporal = FakeTemporal()
    async with running(database, temporal, more={"belvo": BelvoWebhooks(SecretStr(TOKEN))}) as web:
        ending = ENDS.replace(LINK.encode(), b"da9822bb-5bd6-4a0a-b64d-0aefcc9e86b0")
        answers = [await post(web, body) for body in (LOST, ending, ending, LOST)]
        await relayed(database, 2)

    assert answers == [200] * 4
    assert standing(database, lost) == ("expired", "invalid_credentials", None)
    assert standing(database, ends) == ("valid", None, date(2026, 12, 26))
    assert temporal.calls == [("consent_given", ends, {"valid_until": "2026-12-26"})]
    assert shown(database) == []


async def test_who_does_not_know_the_header_is_refused_and_what_nobody_knows_is_kept_for_a_person(
    database: Database,
) -> None:
    secrets = (SecretStr(TOKEN), SecretStr("Basic dXNlcjpwYXNzd29yZC0xMjM0NTY="))
    async with running(database, FakeTemporal(), more={"belvo": BelvoWebhooks(secrets)}) as web:
        wrong = (None, "", "Bearer x", TOKEN + "u", "bearer" + TOKEN[6:])
        refused = [await post(web, LOST, header) for header in wrong]
        kept = [
            await post(web, event("EMPLOYMENTS", "imss_update"), "Basic dXNlcjpwYXNzd29yZC0xMjM0NTY="),
            await post(web, event("CONSENT", "openfinance_consent_dreamt")),
            await post(web, event("LINK", "invalid_credentials", None)),
            await post(web, event("TRANSACTIONS", "new_transactions_available", new_transactions=19)),
            await post(web, LOST),
            await post(web, b"not json"),
        ]
        rows = await relayed(database, 6)

    assert refused == [400] * 5
    assert kept == [200] * 6
    assert [detail["kind"] for detail in shown(database)][:3] == [
        "EMPLOYMENTS:imss_update",
        "CONSENT:openfinance_consent_dreamt",
        "LINK:invalid_credentials",
    ]
    outcomes = [row.outcome for row in rows]
    assert "ignored TRANSACTIONS:new_transactions_available" in outcomes
    assert "unknown_consent" in outcomes
    assert "unreadable" in outcomes
    assert all("authorization" not in row.headers for row in rows), "the password is not kept"


@pytest.mark.parametrize("code", ["historical_update", "transactions_deleted", "new_accounts_available"])
def test_that_data_were_gathered_needs_nobody(code: str) -> None:
    assert belvo.parse(event("ACCOUNTS", code)) == (Ignored(kind=f"ACCOUNTS:{code}"),)


def test_a_body_without_its_kind_is_unreadable_and_a_weak_header_is_no_setting() -> None:
    with pytest.raises(WebhookRefused) as refused:
        belvo.parse(b"{}")
    assert refused.value.reason is RefusedReason.UNREADABLE
    for weak in ("secret", "Bearer short", "Token hv7alD71j0dzXf09iKfg7u"):
        with pytest.raises(ValidationError, match="20 characters"):
            Belvo(secret_id="s", secret_password=SecretStr("p"), webhook_authorizations=(SecretStr(weak),))
