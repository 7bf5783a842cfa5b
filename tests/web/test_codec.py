"""The codec server: a person who may see it reads encrypted payloads in Temporal's Web UI; nobody else does."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from fastapi import Depends, FastAPI, Request
from google.protobuf.json_format import MessageToDict
from pydantic import SecretStr
from starlette.testclient import TestClient
from temporalio.api.common.v1 import Payload, Payloads

from config.master_keys import KEY_BYTES, MasterKeys
from domain.access import Caller, Nobody, PersonCaller, Role, Scope, ServiceCaller, roles
from web.access import Access, Doorkeeper
from web.codec import DecodingAccess, codec_router
from workflows.payload_encryption import EncryptionCodec

UI = "http://127.0.0.1:8233"
SIGNED_IN = {"authorization": "Bearer s3cret"}
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'"100 EUR"')


class NobodyKnown(Doorkeeper):
    def __init__(self) -> None: ...

    async def who(self, request: Request) -> Caller:
        return Nobody()


@pytest.fixture
def codec() -> EncryptionCodec:
    return EncryptionCodec(MasterKeys({"a": b"k" * KEY_BYTES}, "a"))


@pytest.fixture
def web(codec: EncryptionCodec) -> TestClient:
    app = FastAPI()
    app.state.doorkeeper = NobodyKnown()
    app.include_router(codec_router(codec, DecodingAccess(SecretStr("s3cret"), UI), ui_origin=UI))
    return TestClient(app)


async def encrypted(codec: EncryptionCodec) -> dict[str, Any]:
    found: dict[str, Any] = MessageToDict(Payloads(payloads=[*await codec.encode([PLAIN]), PLAIN]))
    return found


async def test_whoever_may_see_it_reads_encrypted_and_plain_payloads(web: TestClient, codec: EncryptionCodec) -> None:
    answer = web.post("/codec/decode", json=await encrypted(codec), headers=SIGNED_IN | {"origin": UI})

    assert [base64.b64decode(one["data"]) for one in answer.json()["payloads"]] == [b'"100 EUR"'] * 2
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.headers["cache-control"] == "no-store"


async def test_what_the_web_ui_sends_is_encrypted(web: TestClient, codec: EncryptionCodec) -> None:
    answer = web.post("/codec/encode", json=MessageToDict(Payloads(payloads=[PLAIN])), headers=SIGNED_IN)

    again = web.post("/codec/decode", json=answer.json(), headers=SIGNED_IN)
    assert "MTAwIEVVUi" not in answer.text
    assert base64.b64decode(again.json()["payloads"][0]["data"]) == b'"100 EUR"'


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer other"}, {"authorization": "Bearer ñ"}])
async def test_nobody_else_reads_anything(web: TestClient, codec: EncryptionCodec, headers: dict[str, str]) -> None:
    sent = {name: value.encode() for name, value in (headers | {"origin": UI}).items()}
    answer = web.post("/codec/decode", json=await encrypted(codec), headers=sent)

    assert answer.status_code == 401
    assert "100" not in answer.text
    assert answer.headers["access-control-allow-origin"] == UI, "else the Web UI cannot say why"


class KeyKnown(NobodyKnown):
    def __init__(self, lender: str | None) -> None:
        self._lender = lender

    async def who(self, request: Request) -> Caller:
        return ServiceCaller("abc", "ui", frozenset({Scope.PAYLOADS_DECODE}), self._lender)


@pytest.mark.parametrize(("lender", "status"), [(None, 200), ("acme", 403)])
async def test_a_key_bound_to_a_lender_decodes_nothing(
    web: TestClient, codec: EncryptionCodec, lender: str | None, status: int
) -> None:
    web.app.state.doorkeeper = KeyKnown(lender)  # type: ignore[attr-defined]

    answer = web.post("/codec/decode", json=await encrypted(codec))

    assert answer.status_code == status
    assert ("MTAwIEVVUi" in answer.text or "IjEwMCBFVVIi" in answer.text) == (status == 200)


class SomebodySignedIn(Doorkeeper):
    def __init__(self) -> None:
        self._own = None

    async def who(self, request: Request) -> Caller:
        return PersonCaller(1, "olga", Role.OPERATOR)


@pytest.mark.parametrize(("path", "status"), [("/codec/decode", 200), ("/pages/change", 403)])
def test_the_web_ui_may_ask_in_a_persons_name_for_payloads_and_for_nothing_else(
    web: TestClient, path: str, status: int
) -> None:
    app: FastAPI = web.app  # type: ignore[assignment]
    app.state.doorkeeper = SomebodySignedIn()
    app.post("/pages/change", dependencies=[Depends(Access(roles(Role.OPERATOR)))])(lambda: {})

    answer = web.post(path, json={"payloads": []}, headers={"origin": UI, "sec-fetch-site": "same-site"})

    assert answer.status_code == status


def test_a_browser_may_ask_from_the_web_ui_and_from_nowhere_else(web: TestClient) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type,x-namespace"}

    ours = web.options("/codec/decode", headers=asked | {"origin": UI})
    another = web.options("/codec/decode", headers=asked | {"origin": "https://elsewhere.example"})

    assert ours.status_code == 204
    assert "x-namespace" in ours.headers["access-control-allow-headers"]
    assert another.status_code == 403
    assert "access-control-allow-origin" not in another.headers


@pytest.mark.parametrize("body", [b"", b"[7]", b"{", b'{"payloads": 7}', b"\xff", b"[" * 5000])
def test_what_is_no_payloads_is_refused(web: TestClient, body: bytes) -> None:
    assert web.post("/codec/decode", content=body, headers=SIGNED_IN).status_code == 400


async def test_a_payload_of_an_unknown_key_is_named(web: TestClient) -> None:
    other = EncryptionCodec(MasterKeys({"z": b"z" * KEY_BYTES}, "z"))

    answer = web.post("/codec/decode", json=await encrypted(other), headers=SIGNED_IN)

    assert answer.status_code == 422
    assert "'z'" in answer.json()["error"]
