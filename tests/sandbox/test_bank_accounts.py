import json
import uuid

from tests.sandbox.bank import AT, code, held_to_the_standard, holders
from tests.sandbox.running import World, http_date


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


def test_another_persons_account_is_not_shown(world: World) -> None:
    mine, other = holders(world, "other")[:2]

    answer = world.balance(mine | {"bank_account": other["bank_account"]})

    assert (answer.status_code, code(answer)) == (404, "RESOURCE_UNKNOWN")


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
