import json
import uuid
from typing import Any

import httpx
import pytest

from tests.providers.official_json import answer_faults, request_faults
from tests.sandbox.running import World, http_date

AT = "2026-03-20T10:00:00+00:00"


def holders(world: World, prefix: str, **changed: Any) -> list[dict[str, Any]]:
    people = world.enrol(*(f"{prefix}{n}" for n in range(12)), **changed)
    return [p for p in people if p["bank_consent"]]


def as_asked_of_a_bank(request: httpx.Request) -> httpx.Request:
    """The same request at an address the standard's file knows."""
    url = "https://api.testbank.com/psd2" + request.url.raw_path.decode()
    return httpx.Request(request.method, url, headers=request.headers, content=request.content)


def answered_by_the_standard(answer: httpx.Response) -> None:
    assert answer_faults(as_asked_of_a_bank(answer.request), answer) == []


def held_to_the_standard(answer: httpx.Response) -> None:
    assert request_faults(as_asked_of_a_bank(answer.request)) == []
    answered_by_the_standard(answer)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["tppMessages"][0]["code"])


def test_a_balance_read_is_answered_by_the_standard_and_logged(world: World) -> None:
    person = holders(world, "bal")[0]

    answer = world.balance(person)

    held_to_the_standard(answer)
    first = answer.json()["balances"][0]
    assert first["balanceType"] == "interimAvailable"
    read = world.entries("balance_read", person["loan_id"])[-1]
    assert f"{read['amount_minor'] / 100:.2f}" == first["balanceAmount"]["amount"]
    assert (read["at"], read["attended"], read["consent_id"]) == (AT, False, person["bank_consent"])


def test_the_same_moment_always_shows_the_same_money(world: World) -> None:
    person = holders(world, "same")[0]

    days = [f"2026-04-{d:02d}T10:00:00+00:00" for d in range(1, 29)]
    forwards = [world.balance(person, at=d).json() for d in days]
    backwards = [world.balance(person, at=d).json() for d in reversed(days)]

    assert forwards == backwards[::-1]
    assert len({json.dumps(b) for b in forwards}) > 20


def test_the_fifth_unattended_read_of_a_day_is_refused_until_the_next_day(world: World) -> None:
    person = holders(world, "limit")[0]

    morning = [world.balance(person).status_code for _ in range(4)]
    fifth = world.balance(person)
    attended = world.balance(person, **{"PSU-IP-Address": "192.0.2.1"})
    before_local_midnight = world.balance(person, at="2026-03-20T22:30:00+00:00")
    after_local_midnight = world.balance(person, at="2026-03-20T23:30:00+00:00")

    assert morning == [200] * 4
    assert (fifth.status_code, code(fifth)) == (429, "ACCESS_EXCEEDED")
    answered_by_the_standard(fifth)
    assert attended.status_code == 200
    assert before_local_midnight.status_code == 429
    assert after_local_midnight.status_code == 200
    assert len(world.entries("refused", person["loan_id"])) == 2


def test_a_consent_serves_to_its_last_day_and_no_longer(world: World) -> None:
    person = min(holders(world, "exp"), key=lambda p: p["consent_valid_until"])
    last = person["consent_valid_until"]

    on_the_day = world.balance(person, at=f"{last}T20:00:00+00:00")
    after = world.balance(person, at=f"{last[:4]}-12-31T10:00:00+00:00")
    status = world.http.get(
        f"/v1/consents/{person['bank_consent']}/status",
        headers={"X-Request-ID": str(uuid.uuid4()), "Date": http_date("2026-12-31T10:00:00+00:00")},
    )

    assert on_the_day.status_code == 200
    assert (after.status_code, code(after)) == (401, "CONSENT_EXPIRED")
    answered_by_the_standard(after)
    assert status.json() == {"consentStatus": "expired"}
    held_to_the_standard(status)


@pytest.mark.parametrize(
    ("changed", "status", "expected"),
    [
        ({"X-Request-ID": "no uuid"}, 400, "FORMAT_ERROR"),
        ({"Consent-ID": ""}, 400, "FORMAT_ERROR"),
        ({"Consent-ID": "con-unknown"}, 403, "CONSENT_UNKNOWN"),
    ],
)
def test_a_read_without_its_headers_is_refused(
    world: World, changed: dict[str, str], status: int, expected: str
) -> None:
    person = holders(world, "head")[0]

    answer = world.balance(person, **changed)

    assert (answer.status_code, code(answer)) == (status, expected)
    answered_by_the_standard(answer)


def test_another_persons_account_is_not_shown(world: World) -> None:
    mine, other = holders(world, "other")[:2]

    answer = world.balance(mine | {"bank_account": other["bank_account"]})

    assert (answer.status_code, code(answer)) == (404, "RESOURCE_UNKNOWN")


def new_consent(world: World, body: dict[str, Any], **headers: str) -> httpx.Response:
    sent = {"X-Request-ID": str(uuid.uuid4()), "PSU-IP-Address": "192.0.2.1", "Date": http_date(AT)}
    return world.http.post("/v1/consents", json=body, headers=sent | headers)


def asked(iban: str) -> dict[str, Any]:
    return {
        "access": {"balances": [{"iban": iban}]},
        "recurringIndicator": True,
        "validUntil": "2027-12-31",
        "frequencyPerDay": 4,
        "combinedServiceIndicator": False,
    }


def test_a_new_consent_reads_only_once_agreed_and_then_ends_the_one_before(world: World) -> None:
    person = holders(world, "new")[0]

    made = new_consent(world, asked(person["iban"]))
    held_to_the_standard(made)
    fresh = person | {"bank_consent": made.json()["consentId"]}
    too_early = world.balance(fresh)
    page = made.json()["_links"]["scaRedirect"]["href"]
    assert "Allow" in world.http.get(page).text
    world.http.post(page, headers={"Date": http_date(AT)})

    assert (too_early.status_code, code(too_early)) == (401, "CONSENT_INVALID")
    assert world.balance(fresh).status_code == 200
    assert code(world.balance(person)) == "CONSENT_INVALID"
    shown = world.http.get(
        f"/v1/consents/{fresh['bank_consent']}", headers={"X-Request-ID": str(uuid.uuid4()), "Date": http_date(AT)}
    )
    held_to_the_standard(shown)
    assert shown.json()["validUntil"] == "2026-09-16"  # shortened to 180 days


def test_a_consent_can_be_withdrawn_by_whoever_asked(world: World) -> None:
    person = holders(world, "del")[0]
    headers = {"X-Request-ID": str(uuid.uuid4()), "Date": http_date(AT)}

    gone = world.http.delete(f"/v1/consents/{person['bank_consent']}", headers=headers)

    assert gone.status_code == 204
    assert code(world.balance(person)) == "CONSENT_INVALID"


@pytest.mark.parametrize(
    "change",
    [
        {"validUntil": "90 days"},
        {"validUntil": "2020-01-01"},
        {"frequencyPerDay": 0},
        {"frequencyPerDay": "4"},
        {"recurringIndicator": None},
        {"access": {"balances": [{"iban": "ES0000000000000000000000"}]}},
    ],
)
def test_a_consent_with_a_fault_is_refused(world: World, change: dict[str, Any]) -> None:
    person = holders(world, "bad")[0]

    answer = new_consent(world, asked(person["iban"]) | change)

    assert (answer.status_code, code(answer)) == (400, "FORMAT_ERROR")
    answered_by_the_standard(answer)


def test_accounts_are_listed_with_balances_on_request(world: World) -> None:
    person = holders(world, "acc")[0]
    headers = {"X-Request-ID": str(uuid.uuid4()), "Consent-ID": person["bank_consent"], "Date": http_date(AT)}

    answer = world.http.get("/v1/accounts?withBalance=true", headers=headers)

    held_to_the_standard(answer)
    account = answer.json()["accounts"][0]
    assert (account["resourceId"], account["iban"]) == (person["bank_account"], person["iban"])


def test_whole_pesos_have_no_decimals(world: World) -> None:
    person = holders(world, "clp", country="CL", currency="CLP", amount_minor=90_000)[0]

    answer = world.balance(person)

    assert answer.json()["balances"][0]["balanceAmount"]["amount"].isdigit()
    held_to_the_standard(answer)
