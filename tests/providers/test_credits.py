"""What came in to an account, by each source: the day and the amount of what is booked, and nothing else of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from providers.banks.belvo import BelvoBank, BelvoSettings
from providers.banks.berlin_group import BerlinGroupBank, BerlinGroupSettings
from providers.ports import Credit
from tests.providers.stand_in import AT, Answer, StandIn

SINCE = date(2025, 12, 14)
JSON = {"Content-Type": "application/json", "X-Request-ID": "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"}


def bank(*answers: Answer, transactions: bool = True) -> tuple[BerlinGroupBank, StandIn]:
    side = StandIn("berlin_group_ais_pis.json", *answers)
    settings = BerlinGroupSettings(base_url="https://api.testbank.com/psd2", transactions=transactions)
    return BerlinGroupBank(settings, side.client()), side


def page(*rows: tuple[str, str], after: str | None = None) -> httpx.Response:
    links = {"account": {"href": "/v1/accounts/acc"}, **({"next": {"href": after}} if after else {})}
    booked = [
        {
            "transactionAmount": {"currency": "EUR", "amount": amount},
            "bookingDate": day,
            "debtorName": "EMPRESA",
            "remittanceInformationUnstructured": "NOMINA",
        }
        for day, amount in rows
    ]
    return httpx.Response(200, json={"transactions": {"booked": booked, "_links": links}}, headers=JSON)


NEXT = "https://bank.example/psd2/v1/accounts/acc/transactions?bookingStatus=booked&page=2"


async def test_booked_credits_are_told_by_day_and_amount_and_pages_follow_only_while_the_holder_is_there() -> None:
    pages = [page(("2026-01-30", "1500.00"), ("2026-01-31", "-20.5"), after=NEXT), page(("2026-02-27", "1500.10"))]
    attended, side = bank(*pages)
    alone, lonely = bank(*pages)

    found = await attended.credits("acc", "c-1", SINCE, AT, "192.0.2.7")
    unattended = await alone.credits("acc", "c-1", SINCE, AT)

    assert found == (
        Credit(booked_on=date(2026, 1, 30), amount_minor=150_000, currency="EUR"),
        Credit(booked_on=date(2026, 2, 27), amount_minor=150_010, currency="EUR"),
    )
    assert found[:1] == unattended
    assert dict(side.requests[0].url.params) == {
        "dateFrom": "2025-12-14",
        "dateTo": "2026-03-14",
        "bookingStatus": "booked",
    }
    assert [request.headers.get("PSU-IP-Address") for request in side.requests] == ["192.0.2.7"] * 2
    assert (len(lonely.requests), "PSU-IP-Address" in lonely.requests[0].headers) == (1, False)
    assert "NOMINA" not in repr(found)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/v1/accounts/other/transactions", "javascript:1", "/v1/x"])
async def test_a_next_page_of_anything_else_is_not_followed(elsewhere: str) -> None:
    adapter, side = bank(page(("2026-01-30", "1.00"), after=elsewhere))

    await adapter.credits("acc", "c-1", SINCE, AT, "192.0.2.7")

    assert len(side.requests) == 1


async def test_without_leave_nothing_is_asked() -> None:
    adapter, side = bank(page(), transactions=False)

    assert await adapter.credits("acc", "c-1", SINCE, AT) == ()
    assert (adapter.shows_credits, side.requests) == (False, [])


async def test_belvo_tells_what_came_in_and_is_booked() -> None:
    seen: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        base = {"value_date": "2026-02-13", "currency": "MXN", "status": "PROCESSED", "type": "INFLOW"}
        rows = [
            {**base, "amount": 5000.129},
            {**base, "amount": 80, "type": "OUTFLOW"},
            {**base, "amount": 7, "status": "PENDING"},
            {**base, "amount": 9, "accounting_date": "2026-02-15T10:00:00Z"},
            {**base, "amount": "x"},
            {**base, "amount": 1, "currency": "???"},
        ]
        return httpx.Response(200, json=rows)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        secret = SecretStr("p")
        settings = BelvoSettings(base_url="https://b.example", secret_id="s", secret_password=secret, transactions=True)
        found = await BelvoBank(settings, client).credits("a-1", "l-1", SINCE, AT)

    assert found == (
        Credit(booked_on=date(2026, 2, 13), amount_minor=500_012, currency="MXN"),
        Credit(booked_on=date(2026, 2, 15), amount_minor=900, currency="MXN"),
    )
    assert str(seen[0].url) == "https://b.example/api/transactions/"
    assert b'"save_data":false' in seen[0].content.replace(b" ", b"")
