"""The pretend telephone: it rings, fetches what is said, signed as the carrier signs, presses keys, tells the end."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.providers.official_forms import request_faults
from tests.sandbox.running import ACCOUNT, TOKEN, World, carrier_headers

ASK = '<Response><Gather action="{}" numDigits="4" method="POST"><Say>Hola</Say></Gather></Response>'
TURNS = {"answered": ASK.format("identity?attempt=1"), "identity": ASK.format("choice?attempt=1")}


class Product(BaseHTTPRequestHandler):
    heard: list[tuple[str, dict[str, str], bool]]

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = dict(parse_qsl(raw, keep_blank_values=True))
        here = f"http://{self.headers['Host']}{self.path}"
        signed = here + "".join(name + fields[name] for name in sorted(fields))
        mark = base64.b64encode(hmac.new(TOKEN.encode(), signed.encode(), hashlib.sha1).digest()).decode()
        stage = self.path.rpartition("/")[2].partition("?")[0]
        self.heard.append((stage, fields, mark == self.headers["X-Twilio-Signature"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(TURNS.get(stage, "<Response><Say>Adios</Say><Hangup/></Response>").encode())

    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture
def product() -> Iterator[tuple[str, list[tuple[str, dict[str, str], bool]]]]:
    heard: list[tuple[str, dict[str, str], bool]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Mine", (Product,), {"heard": heard}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", heard
    server.shutdown()


def test_every_way_a_call_can_end_is_told_and_the_right_person_presses_the_year_they_were_born(
    world: World, product: tuple[str, list[tuple[str, dict[str, str], bool]]]
) -> None:
    here, heard = product
    people = world.enrol(*(f"call-{number}" for number in range(40)))
    for person in people:
        body = {
            "To": person["phone"],
            "From": "+12025550101",
            "Url": f"{here}/voice/{person['loan_id']}/answered",
            "StatusCallback": f"{here}/webhooks/twilio?loan={person['loan_id']}",
            "MachineDetection": "DetectMessageEnd",
        }
        asked = httpx.Request("POST", f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls.json", data=body)
        assert request_faults("twilio_api_v2010.json", asked) == []
        placed = world.http.post(f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json", data=body, headers=carrier_headers())
        assert placed.status_code == 201, placed.text
        world.advance(person["loan_id"], "2026-03-20T11:00:00+00:00")

    ends = [entry["status"] for entry in world.entries("call_status") if entry["loan_id"].startswith("call-")]
    assert len(ends) == 40
    assert {"completed", "no-answer", "busy"} <= set(ends)
    assert all(proven for _, _, proven in heard)
    born = {person["loan_id"]: person["birth_year"] for person in people}
    right = [fields["Digits"] in born.values() for stage, fields, _ in heard if stage == "identity"]
    assert sum(right) > len(right) / 2 > 0
    told = [
        fields for stage, fields, _ in heard if fields["CallStatus"] in ("completed", "busy", "no-answer", "failed")
    ]
    assert len(told) == 40
    assert all(fields["CallDuration"].isdigit() for fields in told)


@pytest.mark.parametrize(
    ("change", "code"),
    [({"To": "612"}, 21211), ({"Url": "ftp://x"}, 21205), ({"From": ""}, 21213), ({"Foo": "1"}, 20001)],
)
def test_a_call_that_the_real_carrier_would_refuse_is_refused(world: World, change: dict[str, str], code: int) -> None:
    body = {"To": "+34600000000", "From": "+12025550101", "Url": "http://127.0.0.1:9/x", **change}
    answer = world.http.post(f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json", data=body, headers=carrier_headers())
    assert (answer.status_code, answer.json()["code"]) == (400, code)
