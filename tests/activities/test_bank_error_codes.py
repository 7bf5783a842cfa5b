"""What each error code of a source of bank data leads to: when it is asked again, by whom, or whether never."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import SecretStr
from temporalio.exceptions import ApplicationError

from activities.balances import BalanceReader
from activities.consents import ConsentDesk, Sources
from activities.orders import WatchOrder
from activities.read_budget import counted_since
from domain.strategy import WholeThreshold
from providers.banks import belvo_codes, berlin_group_codes
from providers.banks.belvo import BelvoBank, BelvoSettings
from providers.banks.berlin_group import BerlinGroupBank, BerlinGroupSettings
from providers.errors import ProviderError
from providers.ports import BankData
from records import consents, loans, people
from records.database import Database
from tests.activities.outside import TUESDAY, enter_loan, environment
from tests.records.portfolios import LENDER

OVER, HOURLY = "consent over, no read counted", "operator, hourly"
BERLIN_GROUP: Mapping[str, str] = {
    **dict.fromkeys(
        ("CONSENT_EXPIRED", "CONSENT_INVALID", "CONSENT_UNKNOWN", "RESOURCE_EXPIRED", "PSU_CREDENTIALS_INVALID"), OVER
    ),
    **dict.fromkeys(("SERVICE_BLOCKED", "RESOURCE_UNKNOWN", "SERVICE_INVALID"), OVER),
    **dict.fromkeys(("STATUS_INVALID", "PAYMENT_FAILED", "CANCELLATION_INVALID"), HOURLY),
    **dict.fromkeys(("TOKEN_EXPIRED", "TOKEN_INVALID", "TOKEN_UNKNOWN", "ROLE_INVALID"), HOURLY),
    **dict.fromkeys(("FORBIDDEN", "PRODUCT_UNKNOWN"), HOURLY),
    **dict.fromkeys(("FORMAT_ERROR", "EXECUTION_DATE_INVALID", "REQUESTED_FORMATS_INVALID"), HOURLY),
    **dict.fromkeys(
        (f"CERTIFICATE_{what}" for what in ("INVALID", "EXPIRED", "BLOCKED", "REVOKED", "MISSING", "DREAMT")), HOURLY
    ),
    **dict.fromkeys(("SIGNATURE_INVALID", "SIGNATURE_MISSING", "SIGNATURE_DREAMT"), HOURLY),
    "ACCESS_EXCEEDED": "again at the bank's midnight",
}
BELVO: Mapping[str, str] = {
    **dict.fromkeys(("login_error", "invalid_link", "unconfirmed_link", "token_required", "not_found"), OVER),
    "unsupported_operation": OVER,
    "session_expired": "again in 15 min",
    "too_many_sessions": "again in 60 min",
    **dict.fromkeys(
        ("institution_down", "institution_unavailable", "request_timeout", "unexpected_error"), "again in 2 s"
    ),
    **dict.fromkeys(("institution_inactive", "authentication_failed"), HOURLY),
}
MADRID = ZoneInfo("Europe/Madrid")


def answering(code: str, provider: str) -> httpx.AsyncClient:
    """A bank that refuses each read with `code`, and says of every consent that it is good."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "consents" in request.url.path:
            return httpx.Response(200, json={"consentStatus": "valid"})
        if "links" in request.url.path:
            return httpx.Response(200, json={"id": "l", "status": "valid", "access_mode": "recurrent"})
        if provider == "belvo":
            return httpx.Response(400, json=[{"code": code, "message": "x"}])
        return httpx.Response(400, json={"tppMessages": [{"category": "ERROR", "code": code}]})

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


def bank_of(provider: str, client: httpx.AsyncClient) -> BankData:
    if provider == "belvo":
        secret = SecretStr("p")
        return BelvoBank(BelvoSettings(base_url="https://b.example", secret_id="s", secret_password=secret), client)
    return BerlinGroupBank(BerlinGroupSettings(base_url="https://b.example"), client)


async def done_next(database: Database, provider: str, code: str) -> str:
    """What the watch of a loan does about a refusal, in the words of the table."""
    loan_id = enter_loan(database, bank_consent=f"c-{provider}-{code}", bank_account="a-1")
    order = WatchOrder(lender=LENDER, loan_id=loan_id, threshold=WholeThreshold(), reads_per_day=4)
    async with answering(code, provider) as client:
        reader = BalanceReader(database, bank_of(provider, client), MADRID)
        try:
            report = await environment(TUESDAY).run(reader.watch, order)
        except ApplicationError as put_off:
            wait = put_off.next_retry_delay or timedelta(0)
            if wait == timedelta(hours=14):
                return "again at the bank's midnight"
            if wait == timedelta(hours=1) and "stop_sender" in str(put_off):
                return HOURLY
            seconds = int(wait.total_seconds())
            return f"again in {seconds // 60} min" if seconds >= 60 else f"again in {seconds} s"
    with database.reading() as session:
        [consent] = consents.of_person(session, people.of_loan(session, loans.get(session, LENDER, loan_id)))
        counted = len(counted_since(session, consent, TUESDAY - timedelta(days=1)))
    assert report.over == f"consent: {code}"
    assert consent.status == "expired"
    return OVER if counted == 0 else f"{counted} reads"


@pytest.mark.parametrize(
    ("provider", "table", "codes"),
    [("xs2a", BERLIN_GROUP, berlin_group_codes.CODES), ("belvo", BELVO, belvo_codes.CODES)],
    ids=["berlin_group", "belvo"],
)
async def test_every_code_does_what_the_table_says(
    lite: Database, provider: str, table: Mapping[str, str], codes: Mapping[str, object]
) -> None:
    done = {code: await done_next(lite, provider, code) for code in table}

    assert {*codes} - {*table} == set()
    assert done == dict(table)


def gateway_without_the_way(provider: str, *, knows_consents: bool) -> httpx.AsyncClient:
    """What stands before the bank finds nothing at an address, and says so in a page of its own."""

    def answer(request: httpx.Request) -> httpx.Response:
        if knows_consents and request.url.path.endswith("/status"):
            return httpx.Response(200, json={"consentStatus": "valid"})
        if knows_consents and "links" in request.url.path:
            return httpx.Response(200, json={"id": "l", "status": "valid", "access_mode": "recurrent"})
        return httpx.Response(404, html="<html>404 Not Found</html>")

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


@pytest.mark.parametrize("provider", ["xs2a", "belvo"])
@pytest.mark.parametrize("knows_consents", [True, False], ids=["only reads are lost", "everything is lost"])
async def test_a_bare_404_ends_no_consent_and_is_asked_again_every_hour_until_an_operator_mends_it(
    lite: Database, provider: str, knows_consents: bool
) -> None:
    """Given a valid consent and a gateway, or an address in the settings, by which the bank is not found, when the
    balance is watched and the daily run looks at the consent, then it stays as good as it was."""
    loan_id = enter_loan(lite, bank_consent="c-1", bank_account="a-1")
    with lite.reading() as session:
        [consent] = consents.of_person(session, people.of_loan(session, loans.get(session, LENDER, loan_id)))
        provider_name, consent_ref = consent.provider, consent.id or 0
    order = WatchOrder(lender=LENDER, loan_id=loan_id, threshold=WholeThreshold(), reads_per_day=4)
    async with gateway_without_the_way(provider, knows_consents=knows_consents) as client:
        bank = bank_of(provider, client)
        with pytest.raises(ApplicationError) as put_off:
            await environment(TUESDAY).run(BalanceReader(lite, bank, MADRID).watch, order)
        if not knows_consents:
            desk = ConsentDesk(lite, Sources({provider_name: bank}, {}), lambda *_: None)
            with pytest.raises(ProviderError, match="404"):
                await desk.look(consent_ref, TUESDAY)

    assert put_off.value.next_retry_delay == timedelta(hours=1)
    assert "look at RECOBRO_" in str(put_off.value)
    with lite.reading() as session:
        assert consents.get(session, consent_ref).status == "valid"
