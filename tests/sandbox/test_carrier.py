import base64
import hashlib
import hmac
import re
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.providers.official_forms import request_faults
from tests.sandbox.running import ACCOUNT, SENDER, TOKEN, Posted, World, carrier_headers

STATUS = "/status?message=m-1&loan={loan}&lender=demo"


def signed(world: World, posted: Posted) -> bool:
    """Twilio's scheme by its description: HMAC-SHA1 of the URL and the sorted fields."""
    text = world.listener.url + posted.path + "".join(k + v for k, v in sorted(posted.form.items()))
    digest = hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()
    return posted.headers["X-Twilio-Signature"] == base64.b64encode(digest).decode()


def everyone_texted(world: World, prefix: str, n: int = 150) -> dict[str, tuple[dict[str, Any], Any]]:
    """Texts many people, so that those with dead numbers are among them; by loan: person and answer."""
    people = world.enrol(*(f"{prefix}{i}" for i in range(n)))
    return {p["loan_id"]: (p, world.sms(p["phone"])) for p in people}


@pytest.fixture(scope="module")
def texted(shared: World) -> dict[str, tuple[dict[str, Any], Any]]:
    return everyone_texted(shared, "many")


def ends(world: World, loan_id: str) -> list[tuple[str, int | None]]:
    return [(e["status"], e["error_code"]) for e in world.entries("sms_status", loan_id)]


def test_a_message_is_taken_on_reported_and_logged(world: World) -> None:
    [person] = world.enrol("one-good")
    callback = world.listener.url + STATUS.format(loan="one-good")

    answer = world.sms(person["phone"], "Hola", StatusCallback=callback)
    sent = world.advance("one-good", "2026-03-20T20:00:00+00:00")

    assert request_faults("twilio_api_v2010.json", answer.request) == []
    message = answer.json()
    assert answer.status_code == 201
    assert message["status"] == "queued"
    assert re.fullmatch(r"SM[0-9a-f]{32}", message["sid"])
    assert parsedate_to_datetime(message["date_created"]).isoformat() == "2026-03-20T10:00:00+00:00"
    reports = world.listener.at("/status?message=m-1&loan=one-good")
    assert [r.form["MessageStatus"] for r in reports] == ["sent", "delivered"]
    assert all(signed(world, r) for r in reports)
    assert [d["kind"] for d in sent["delivered"]].count("webhook") == 2
    logged = world.entries("sms", "one-good")[0]
    assert (logged["to"], logged["from"], logged["body"]) == (person["phone"], SENDER, "Hola")
    assert logged["sid"] == message["sid"]


def test_the_status_can_be_asked_for_as_of_the_askers_moment(world: World) -> None:
    [person] = world.enrol("ask")
    sid = world.sms(person["phone"]).json()["sid"]
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json"

    at_once = world.http.get(path, headers=carrier_headers("2026-03-20T10:00:00+00:00")).json()
    next_day = world.http.get(path, headers=carrier_headers("2026-03-21T10:00:00+00:00")).json()

    assert at_once["status"] == "queued"
    assert next_day["status"] == "delivered"
    assert next_day["date_sent"] is not None


def test_messages_to_a_number_can_be_looked_up(world: World) -> None:
    [person] = world.enrol("look")
    sids = [world.sms(person["phone"], f"n {n}").json()["sid"] for n in range(3)]
    world.sms(person["phone"], "later", at="2026-03-25T10:00:00+00:00")
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    query = {"To": person["phone"], "DateSent": "2026-03-20"}

    found = world.http.get(path, params=query, headers=carrier_headers()).json()
    page = world.http.get(path, params=query | {"PageSize": "2"}, headers=carrier_headers()).json()
    rest = world.http.get(page["next_page_uri"], headers=carrier_headers()).json()

    assert [m["sid"] for m in found["messages"]] == sids[::-1]
    assert [m["sid"] for m in page["messages"]] == sids[:0:-1]
    assert sids[0] in [m["sid"] for m in rest["messages"]]


def test_what_people_text_in_is_listed_with_the_rest_page_by_page(world: World) -> None:
    """Given a borrower who was texted and answers twice, when the number's list is asked for, then both stand in it."""
    number = "+34910000077"
    [person] = world.enrol("writes-in")
    world.sms(person["phone"], at="2026-03-20T09:30:00+00:00", From=number)
    world.act("writes-in", "write", text="Hola")
    world.act("writes-in", "stop")
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    asked, later = {"To": number, "DateSent>": "2026-03-20", "PageSize": "1"}, carrier_headers()

    first = world.http.get(path, params=asked, headers=later)
    second = world.http.get(first.json()["next_page_uri"], headers=later).json()
    too_late = world.http.get(path, params=asked | {"DateSent>": "2026-03-21"}, headers=later).json()

    assert request_faults("twilio_api_v2010.json", first.request) == []
    [stop], [hello] = first.json()["messages"], second["messages"]
    told = {each["sid"]: each["body"] for each in world.entries("inbound_sms", "writes-in")}
    assert told == {hello["sid"]: "Hola", stop["sid"]: "BAJA"}
    assert (stop["direction"], stop["from"], stop["status"]) == ("inbound", person["phone"], "received")
    assert (second["next_page_uri"], too_late["messages"]) == (None, [])


def test_dead_and_landline_numbers_are_told_in_the_carriers_codes(
    world: World, texted: dict[str, tuple[dict[str, Any], Any]]
) -> None:
    refused = {a.json()["code"] for _, a in texted.values() if a.status_code == 400}
    for loan_id in texted:
        world.advance(loan_id, "2026-03-21T10:00:00+00:00")
    last = [ends(world, loan_id)[-1] for loan_id, (_, a) in texted.items() if a.status_code == 201]

    assert refused <= {21614}
    codes = [code for _, code in last if code]
    delivered = sum(1 for status, _ in last if status == "delivered")
    assert set(codes) <= {30003, 30005, 30006, 30036}
    assert 30005 in codes
    assert 0.85 <= delivered / len(texted) <= 0.99


def test_a_number_nobody_has_is_unknown_to_the_carrier(world: World) -> None:
    callback = world.listener.url + "/status?nobody=1"

    answer = world.sms("+34699999999", StatusCallback=callback)
    world.advance("-", "2026-03-21T10:00:00+00:00")

    assert answer.status_code == 201
    assert world.listener.at("/status?nobody=1")[-1].form["ErrorCode"] == "30005"


def test_after_stop_the_number_is_closed_to_that_sender(world: World) -> None:
    [person] = world.enrol("stop")
    world.sms(person["phone"])

    world.act("stop", "stop")
    refused = world.sms(person["phone"])
    other_sender = world.sms(person["phone"], From="+34910000000")

    heard = [p for p in world.listener.at("/inbound") if p.form["From"] == person["phone"]]
    assert [(p.form["Body"], p.form["To"]) for p in heard] == [("BAJA", SENDER)]
    assert signed(world, heard[0])
    assert (refused.status_code, refused.json()["code"]) == (400, 21610)
    assert other_sender.status_code == 201
    assert world.entries("inbound_sms", "stop")[0]["from"] == person["phone"]
    assert world.entries("refused", "stop")[0]["reason"].startswith("21610")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": "600"}, 21211),
        ({"To": ""}, 21604),
        ({"Body": ""}, 21602),
        ({"From": ""}, 21603),
        ({"Body": "x" * 1601}, 21617),
        ({"Bodyy": "x"}, 20001),
        ({"ValidityPeriod": "abc"}, 21628),
    ],
)
def test_a_form_with_a_fault_is_refused_in_the_carriers_body(world: World, form: dict[str, str], code: int) -> None:
    answer = world.sms("+34600000001", **form) if "To" not in form else world.sms(form["To"])

    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["more_info"].endswith(str(code))
    assert world.entries("refused")[-1]["reason"].startswith(str(code))


def test_a_wrong_token_is_turned_away(world: World) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    credential = base64.b64encode(f"{ACCOUNT}:wrong".encode()).decode()

    answer = world.http.post(path, data={"To": "+34600000001"}, headers={"Authorization": f"Basic {credential}"})

    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


def test_a_message_that_cannot_arrive_within_its_validity_expires(world: World) -> None:
    people = world.enrol(*(f"valid{i}" for i in range(60)))

    for person in people:
        world.sms(person["phone"], ValidityPeriod="2")
        world.advance(person["loan_id"], "2026-03-21T10:00:00+00:00")

    last = [ends(world, p["loan_id"]) for p in people]
    expired = [e[-1] for e in last if e and e[-1][1] == 30036]
    assert len(expired) > 20
    assert {status for status, _ in expired} == {"undelivered"}


def test_a_person_with_two_loans_is_texted_about_the_loan_named(world: World) -> None:
    [first] = world.enrol("two-a", person="both")
    [second] = world.enrol("two-b", person="both")
    callback = world.listener.url + STATUS.format(loan="two-a")

    world.sms(first["phone"], "about a", StatusCallback=callback)
    world.sms(first["phone"], "about none")

    assert first["person_id"] == second["person_id"]
    assert [e["body"] for e in world.entries("sms", "two-a")] == ["about a"]
    assert [e["body"] for e in world.entries("sms", "two-b")] == ["about none"]
