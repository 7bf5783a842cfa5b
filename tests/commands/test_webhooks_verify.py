"""`webhooks verify`: the vendors' own vectors, and lines that people get wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner

from commands import webhooks_verify
from commands.processes import ROOT
from starter import app

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "webhook_vectors.json").read_text("utf-8")
)["vectors"]
BY_ID = {vector["id"]: vector for vector in VECTORS}
HUB = BY_ID["hub256-octokit"]
STRIPE = BY_ID["stripe-dotnet-1"]
STANDARD = BY_ID["stdwh-sign"]["headers"]
SIGNED = list(HUB["headers"].items())


def verify(*lines: object, code: int = 0) -> list[dict[str, Any]]:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    result = CliRunner().invoke(app, ["webhooks", "verify"], input=b"\n".join(texts) + b"\n")
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_its_help_names_every_scheme_it_takes() -> None:
    told = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["webhooks", "verify", "--help"]).output

    listed = told.partition("Schemes:")[2].partition("Verdicts:")[0]
    assert [scheme for scheme in webhooks_verify._SCHEMES if scheme not in listed] == []


def test_every_vector_gets_the_verdict_that_its_vendor_expects() -> None:
    assert verify(*VECTORS) == [{"id": vector["id"], "verdict": vector["expect"]} for vector in VECTORS]


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["expect"] == "valid"], ids=lambda v: v["id"])
def test_one_changed_byte_or_another_secret_is_a_mismatch(vector: dict[str, Any]) -> None:
    changed = dict(vector)
    if vector["scheme"] == "mercadopago":
        changed["query"] = {"data.id": "another"}
    elif vector.get("params"):
        changed["params"] = [*vector["params"], ["Extra", ""]]
    else:
        changed["body"] = vector["body"] + " "

    answers = verify(changed, {**vector, "secret": "whsec_" + base64.b64encode(b"another").decode()})

    assert [answer["verdict"] for answer in answers] == ["signature_mismatch"] * 2


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_the_case_of_header_names_and_secrets_being_replaced_do_not_matter(vector: dict[str, Any]) -> None:
    shouted = {**vector, "headers": {name.upper(): value for name, value in vector["headers"].items()}}
    old = "whsec_" + base64.b64encode(b"the one before").decode()

    answers = verify(shouted, {**vector, "secret": [old, vector["secret"]]})

    assert [answer["verdict"] for answer in answers] == [vector["expect"]] * 2


@pytest.mark.parametrize(
    ("vector", "change", "verdict"),
    [
        ("hub256-octokit", {"headers": {}}, "malformed_header"),
        ("hub256-octokit", {"headers": None}, "malformed_header"),
        ("hub256-octokit", {"headers": {"X-Hub-Signature-256": "4864"}}, "malformed_header"),
        ("hub256-octokit", {"headers": {"X-Hub-Signature-256": "sha1=4864"}}, "no_expected_scheme"),
        ("hub256-octokit", {"headers": SIGNED * 2}, "valid"),
        (
            "hub256-octokit",
            {"headers": [*SIGNED, ("x-hub-signature-256", "x=1")]},
            "signature_mismatch",
        ),
        ("hub256-octokit", {"body": None, "body_base64": base64.b64encode(b'{"foo":"bar"}').decode()}, "valid"),
        ("gocardless-1", {"headers": {"Webhook-Signature": "lololol"}}, "signature_mismatch"),
        ("gocardless-1", {"headers": {"Webhook-Signature": " "}}, "malformed_header"),
        ("stripe-dotnet-1", {"now": 1533204720 + 900}, "timestamp_out_of_tolerance"),
        ("stripe-dotnet-1", {"now": "2018-08-02T10:12:00Z"}, "valid"),
        ("stripe-dotnet-1", {"now": None}, "timestamp_out_of_tolerance"),
        ("stripe-dotnet-1", {"now": None, "tolerance": None}, "valid"),
        ("stdwh-sign", {"now": 1614265330 - 301}, "timestamp_out_of_tolerance"),
        ("stdwh-sign", {"now": 1614265330 - 300}, "valid"),
        ("stdwh-sign", {"secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "valid"),
        ("stdwh-sign", {"headers": {**STANDARD, "webhook-id": None}}, "malformed_header"),
        ("stdwh-sign", {"headers": {**STANDARD, "webhook-timestamp": "x"}}, "malformed_header"),
        (
            "stdwh-sign",
            {"headers": {**STANDARD, "webhook-signature": "v1,"}},
            "signature_mismatch",
        ),
        ("stdwh-sign", {"headers": {**STANDARD, "webhook-signature": "v1"}}, "malformed_header"),
        (
            "stdwh-sign",
            {"headers": {**STANDARD, "webhook-signature": "v1a,AA=="}},
            "no_expected_scheme",
        ),
        ("mercadopago-1", {"tolerance": 300}, "timestamp_out_of_tolerance"),
        ("mercadopago-1", {"tolerance": 300, "now": 1742505638}, "valid"),
        ("mercadopago-1", {"query": {"data.id": "ORD01JQ4S4KY8HWQ6NA5PXB65B3D3"}}, "valid"),
        ("mercadopago-1", {"query": None, "url": "https://l.example/w?data.id=ord01jq4s4ky8hwq6na5pxb65b3d3"}, "valid"),
        ("mercadopago-1", {"headers": {"x-signature": "ts=1742505638683,v2=ab"}}, "no_expected_scheme"),
        ("mercadopago-1", {"headers": {"x-signature": "garbage"}}, "malformed_header"),
        ("twilio-json-body-sha256", {"headers": {}}, "malformed_header"),
        ("twilio-basic", {"params": dict(BY_ID["twilio-basic"]["params"])}, "valid"),
        ("twilio-basic", {"params": [*BY_ID["twilio-basic"]["params"], ["Digits", "1234"]]}, "valid"),
    ],
)
def test_what_people_change_has_the_verdict_it_should(vector: str, change: dict[str, Any], verdict: str) -> None:
    (answer,) = verify({**BY_ID[vector], **change})

    assert answer == {"id": vector, "verdict": verdict}


def test_without_a_time_the_present_counts() -> None:
    stamp = str(int(time.time()))
    digest = hmac.new(b"s", f"{stamp}.{{}}".encode(), hashlib.sha256).hexdigest()
    line = {
        "id": 7,
        "scheme": "stripe-v1",
        "secret": "s",
        "headers": {"Stripe-Signature": f"t={stamp},v1={digest}"},
        "body": "{}",
    }

    assert verify(line) == [{"id": 7, "verdict": "valid"}]


@pytest.mark.parametrize(
    ("line", "name", "says"),
    [
        (b"{", None, "no JSON"),
        (b"\xff", None, "UTF-8"),
        (b"[" * 100_000, None, "line 1"),
        (b'{"id": 1, "id": 2}', None, "twice"),
        ([1], None, "object"),
        ({**HUB, "id": None}, None, "id"),
        ({**HUB, "scheme": "meta-sha1"}, "hub256-octokit", "did you mean meta-sha256?"),
        ({**HUB, "scheme": 5}, "hub256-octokit", "scheme"),
        ({**HUB, "secret": ""}, "hub256-octokit", "secret"),
        ({**HUB, "secret": None}, "hub256-octokit", "secret"),
        ({**HUB, "headers": "x"}, "hub256-octokit", "headers"),
        ({**HUB, "headers": {"X-Hub-Signature-256": 5}}, "hub256-octokit", "headers"),
        ({**HUB, "body": {"foo": "bar"}}, "hub256-octokit", "body"),
        ({**HUB, "body": None}, "hub256-octokit", "body"),
        ({**HUB, "body": "\ud800"}, "hub256-octokit", "body_base64"),
        ({**HUB, "body": None, "body_base64": "?"}, "hub256-octokit", "base64"),
        ({**HUB, "body": "x" * 3_200_000}, "hub256-octokit", "too large"),
        ({**STRIPE, "now": 1e400}, "stripe-dotnet-1", "now"),
        ({**STRIPE, "now": "yesterday"}, "stripe-dotnet-1", "now"),
        ({**STRIPE, "tolerance": -1}, "stripe-dotnet-1", "tolerance"),
        ({**BY_ID["stdwh-sign"], "secret": "whsec_?"}, "stdwh-sign", "base64"),
        ({**BY_ID["twilio-basic"], "url": None}, "twilio-basic", "url"),
        ({**BY_ID["twilio-basic"], "url": "https://[::1"}, "twilio-basic", "url"),
        ({**BY_ID["twilio-basic"], "params": [["a"]]}, "twilio-basic", "params"),
        ({**BY_ID["twilio-basic"], "body": "a=1"}, "twilio-basic", "params"),
    ],
)
def test_a_bad_line_is_answered_with_what_is_wrong_and_the_rest_go_on(line: object, name: Any, says: str) -> None:
    wrong, good = verify(line, HUB, code=1)

    assert set(wrong) == {"id", "error"}
    assert wrong["id"] == name
    assert says in wrong["error"]
    assert wrong["error"].startswith("line 1: ")
    assert good == {"id": "hub256-octokit", "verdict": "valid"}


def test_events_of_sendgrid_and_posted_mail_are_proven_and_told_from_others() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    public = base64.b64encode(key.public_key().public_bytes(*form)).decode()
    signed = base64.b64encode(key.sign(b"1600112502[]", ec.ECDSA(hashes.SHA256()))).decode()
    header = "X-Twilio-Email-Event-Webhook-"
    events = {
        "scheme": "sendgrid",
        "secret": public,
        "headers": {f"{header}Signature": signed, f"{header}Timestamp": "1600112502"},
    }
    secret = base64.b64encode(b"a secret of the mailbox").decode()
    mark = hmac.new(secret.encode(), b"a bounce", hashlib.sha256).hexdigest()
    mail = {"scheme": "mail", "secret": secret, "headers": {"X-Recobro-Signature": f"sha256={mark}"}}

    answers = verify(
        {"id": 1, **events, "body": "[]"},
        {"id": 2, **events, "body": "[1]"},
        {"id": 3, **mail, "body": "a bounce"},
        {"id": 4, **mail, "body": "another"},
    )

    assert [one["verdict"] for one in answers] == ["valid", "signature_mismatch"] * 2


def test_the_page_names_every_scheme() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith("| `scheme` |")]

    assert all(f"`{scheme}`" in row for scheme in webhooks_verify._SCHEMES)
