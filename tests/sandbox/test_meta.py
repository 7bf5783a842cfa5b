"""The sandbox's WhatsApp: held against Meta's own file, and what it does to messages."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import httpx
import pytest

from tests.providers import official_json
from tests.sandbox.running import SECRET, World, http_date

AT = "2026-03-20T10:00:00+00:00"
WHATSAPP = official_json.WHATSAPP


def faults(answer: httpx.Response) -> list[str]:
    sent = answer.request
    url = f"https://graph.facebook.com{sent.url.raw_path.decode()}"
    headers = {name: value for name, value in sent.headers.items() if name not in ("host", "content-length")}
    request = httpx.Request(sent.method, url, headers=headers, content=sent.content)
    return official_json.request_faults(request, WHATSAPP) + official_json.answer_faults(request, answer, WHATSAPP)


def template(name: str, *texts: str) -> dict[str, object]:
    values = [{"type": "text", "text": text} for text in texts]
    return {
        "name": name,
        "language": {"policy": "deterministic", "code": "es"},
        "components": [{"type": "body", "parameters": values}],
    }


def test_messages_templates_and_their_list_are_as_metas_file_says(world: World) -> None:
    people = world.enrol(*(f"wa-{n}" for n in range(12)))
    handed_in = world.submit("hola_1", "Hola {{1}}, son {{2}} en total.")

    body = {"type": "template", "template": template("hola_1", "Ana", "3 EUR"), "biz_opaque_callback_data": "m"}
    sent = [world.whatsapp(p["phone"], **body) for p in people]
    headers = {"Authorization": "Bearer x", "Date": http_date(AT)}
    listed = world.http.get("/v23.0/222/message_templates", headers=headers)
    for person in people:
        world.advance(person["loan_id"], "2026-03-21T10:00:00+00:00")

    assert [faults(answer) for answer in (handed_in, listed, *sent)] == [[]] * 14
    assert listed.json()["data"][0]["status"] == "APPROVED"
    [logged] = world.entries("whatsapp", "wa-0")
    assert logged["body"] == "Hola Ana, son 3 EUR en total."
    posted = [p for p in world.listener.at("/meta") if b"statuses" in p.body]
    statuses = [p.json["entry"][0]["changes"][0]["value"]["statuses"][0] for p in posted]
    assert {"delivered", "read", "sent"} <= {status["status"] for status in statuses}
    assert {status["biz_opaque_callback_data"] for status in statuses} == {"m"}
    for post in posted[:3]:
        digest = hmac.new(SECRET.encode(), post.body, hashlib.sha256).hexdigest()
        assert post.headers["X-Hub-Signature-256"] == f"sha256={digest}"


def test_free_text_reaches_only_whom_wrote_within_24_hours(world: World) -> None:
    [person] = world.enrol("wa-free")
    world.whatsapp(person["phone"])
    world.act("wa-free", "photo", at="2026-03-20T10:05:00+00:00")
    world.advance("wa-free", "2026-03-20T11:00:00+00:00")
    world.whatsapp(person["phone"], at="2026-03-20T12:00:00+00:00")
    world.whatsapp(person["phone"], at="2026-03-22T12:00:00+00:00")
    world.advance("wa-free", "2026-03-23T10:00:00+00:00")

    ends = [entry["error_code"] for entry in world.entries("whatsapp_status", "wa-free") if entry["status"] != "read"]
    codes = [code for code in ends if code is not None]
    assert codes in ([131047, 131047], [131026] * 3)
    [photo] = [p for p in world.listener.at("/meta") if b'"image"' in p.body]
    assert photo.json["entry"][0]["changes"][0]["value"]["messages"][0]["image"]["mime_type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"messaging_product": "sms"}, 100),
        ({"type": "template", "template": template("nobody_knows")}, 132001),
        ({"type": "template", "template": template("two_places", "one")}, 132000),
        ({"text": {"body": ""}}, 100),
    ],
)
def test_what_meta_would_refuse_is_refused_in_its_own_words(world: World, body: dict[str, object], code: int) -> None:
    world.submit("two_places", "Hola {{1}} y {{2}} bien.")
    answer = world.whatsapp("+34600000001", **body)

    assert answer.status_code >= 400
    assert answer.json()["error"]["code"] == code
    assert json.dumps(answer.json()).count("+34600000001") == 0


def test_messages_have_ids_as_metas_whose_person_is_read_out_of_them(world: World) -> None:
    [person] = world.enrol("wa-ids")
    digits = person["phone"].removeprefix("+").encode()

    answer = world.whatsapp(person["phone"])
    world.act("wa-ids", "photo", at="2026-03-20T10:05:00+00:00")
    world.advance("wa-ids", "2026-03-20T11:00:00+00:00")

    [photo] = [p for p in world.listener.at("/meta") if b'"image"' in p.body and digits in p.body]
    message = photo.json["entry"][0]["changes"][0]["value"]["messages"][0]
    # The shape of the ids in Meta's own examples: number and message, each behind its length.
    for wamid, ours in ((answer.json()["messages"][0]["id"], 18), (message["id"], 20)):
        told = base64.b64decode(wamid.removeprefix("wamid."), validate=True)
        length = len(digits)
        assert told[:3] + told[3 : 3 + length] == b"\x1c\x18" + bytes([length]) + digits
        assert (told[7 + length], len(told)) == (0x18, 9 + length + ours + 1)
    assert message["image"]["id"].isdigit(), "a file's id names nobody"
