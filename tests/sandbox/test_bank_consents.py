import uuid
from typing import Any

import httpx
import pytest

from tests.sandbox.bank import AT, answered_by_the_standard, code, held_to_the_standard, holders
from tests.sandbox.running import World, http_date


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
