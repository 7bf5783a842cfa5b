"""A real sandbox process and a real listener for what it posts."""

import base64
import json
import multiprocessing
import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_curve_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import sandbox.__main__

_PROCESSES = multiprocessing.get_context("forkserver")
"""Each world is a process of its own; what they stand on, seconds of importing, is loaded once for all of them."""
_PROCESSES.set_forkserver_preload([__name__])

SECRET = "whsec_test"
TOKEN = "carrier-token"
ACCOUNT = "AC" + "0" * 31 + "1"
SENDER = "+15005550006"


@cache
def conekta_keys() -> tuple[str, str]:
    """A private and a public key, as PEM texts."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@cache
def sendgrid_keys() -> tuple[str, str]:
    """The private key in PEM that signs events, and the public one as the settings page shows it."""
    key = generate_curve_key(SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), base64.b64encode(public).decode()


class Posted(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Listener:
    """Records every POST; `answer` may choose the status of each."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.answer: Callable[[Posted], int] = lambda posted: 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                posted = Posted(self.path, dict(self.headers.items()), body)
                status = outer.answer(posted)
                outer.posted.append(posted)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def at(self, path: str) -> list[Posted]:
        return [p for p in self.posted if p.path.startswith(path)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class World:
    def __init__(self, log: Path, listener: Listener, *extra: str) -> None:
        self.log, self.listener, self._extra = log, listener, extra
        self.start()

    def start(self) -> None:
        told, tells = _PROCESSES.Pipe(duplex=False)
        arguments = [
            *("--log", str(self.log), "--seed", "7"),
            *("--stripe-webhook", self.listener.url + "/stripe", "--stripe-secret", SECRET),
            *("--twilio-webhook", self.listener.url + "/inbound", "--twilio-token", TOKEN),
            *("--mercadopago-webhook", self.listener.url + "/mercadopago", "--mercadopago-secret", SECRET),
            *("--sendgrid-webhook", self.listener.url + "/sendgrid", "--sendgrid-key", str(self._sendgrid_key())),
            *("--conekta-webhook", self.listener.url + "/conekta", "--conekta-key", str(self._conekta_key())),
            *("--meta-webhook", self.listener.url + "/meta", "--meta-secret", SECRET),
            *("--clock-url", self.listener.url + "/clock"),
            *self._extra,
        ]
        self.process = _PROCESSES.Process(target=_sandbox, args=(tells, arguments), daemon=True)
        self.process.start()
        tells.close()
        with told, open(told.fileno(), closefd=False) as lines:
            ports = json.loads(lines.readline())
        self.smtp = ports["smtp"]
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{ports['http']}", trust_env=False, timeout=20)

    def _sendgrid_key(self) -> Path:
        file = self.log.parent / "sendgrid.pem"
        file.write_text(sendgrid_keys()[0])
        return file

    def _conekta_key(self) -> Path:
        file = self.log.parent / "conekta.pem"
        file.write_text(conekta_keys()[0])
        return file

    def kill(self) -> None:
        self.process.kill()
        self.process.join(10)

    def stop(self) -> int:
        self.http.close()
        self.process.terminate()
        self.process.join(10)
        assert self.process.exitcode is not None
        return self.process.exitcode

    def enrol(self, *loan_ids: str, **changed: Any) -> list[dict[str, Any]]:
        loans = [loan(loan_id, **changed) for loan_id in loan_ids]
        answer = self.http.post("/_world/loans", json={"loans": loans})
        assert answer.status_code == 200, answer.text
        people: list[dict[str, Any]] = answer.json()["people"]
        return people

    def entries(self, kind: str, loan_id: str | None = None) -> list[dict[str, Any]]:
        found = self.http.get("/_world/log").json()["entries"]
        return [e for e in found if e["kind"] == kind and loan_id in (None, e["loan_id"])]

    def advance(self, loan_id: str, to: str) -> dict[str, Any]:
        answer = self.http.post("/_world/advance", json={"loan_id": loan_id, "to": to})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def act(self, loan_id: str, act: str, **more: Any) -> httpx.Response:
        return self.http.post("/_world/act", json={"loan_id": loan_id, "act": act, **more})

    def link(self, loan_id: str, amount: int = 30_000, at: str = "2026-03-20T10:00:00+00:00", **more: Any) -> Any:
        price = self.stripe("/v1/prices", at, currency="eur", unit_amount=str(amount), **{"product_data[name]": "x"})
        form = {"line_items[0][price]": price.json()["id"], "line_items[0][quantity]": "1"}
        form |= {"metadata[loan_id]": loan_id, "metadata[lender]": "demo"} | more
        answer = self.stripe("/v1/payment_links", at, **form)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stripe(self, path: str, at: str = "2026-03-20T10:00:00+00:00", key: str = "", **form: str) -> httpx.Response:
        headers = {"Authorization": "Bearer sk_test_x", "Date": http_date(at)}
        return self.http.post(path, data=form, headers=headers | ({"Idempotency-Key": key} if key else {}))

    def sms(self, to: str, body: str = "Hola", at: str = "2026-03-20T10:00:00+00:00", **form: str) -> httpx.Response:
        path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        return self.http.post(path, data={"To": to, "From": SENDER, "Body": body} | form, headers=carrier_headers(at))

    def whatsapp(self, to: str, at: str = "2026-03-20T10:00:00+00:00", **body: Any) -> httpx.Response:
        given = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": "text"}
        given |= {"text": {"body": "Hola", "preview_url": False}} if "template" not in body else {}
        headers = {"Authorization": "Bearer EAAsandbox", "Date": http_date(at)}
        return self.http.post("/v23.0/111/messages", json=given | body, headers=headers)

    def submit(self, name: str, text: str, language: str = "es") -> httpx.Response:
        body = {"name": name, "language": language, "components": [{"type": "BODY", "text": text}]}
        headers = {"Authorization": "Bearer EAAsandbox"}
        return self.http.post("/v23.0/222/message_templates", json=body, headers=headers)

    def balance(self, person: dict[str, Any], at: str = "2026-03-20T10:00:00+00:00", **headers: str) -> httpx.Response:
        sent = {"X-Request-ID": str(uuid.uuid4()), "Consent-ID": person["bank_consent"], "Date": http_date(at)}
        return self.http.get(f"/v1/accounts/{person['bank_account']}/balances", headers=sent | headers)

    def fault(self, service: str, kind: str, **more: Any) -> None:
        answer = self.http.post("/_world/faults", json={"service": service, "kind": kind, **more})
        assert answer.status_code == 200, answer.text


def _sandbox(tells: Connection, arguments: list[str]) -> None:
    # Its first line, where it listens, goes to whoever started it.
    os.dup2(tells.fileno(), 1)
    sys.argv = ["sandbox", *arguments]
    sys.exit(sandbox.__main__.main())


def loan(loan_id: str, **changed: Any) -> dict[str, Any]:
    return {
        "loan_id": loan_id,
        "country": "ES",
        "currency": "EUR",
        "amount_minor": 30_000,
        "due_date": "2026-03-15",
        "as_of": "2026-03-20T09:00:00+00:00",
    } | changed


def http_date(at: str) -> str:
    return format_datetime(datetime.fromisoformat(at).astimezone(UTC), usegmt=True)


def carrier_headers(at: str = "2026-03-20T10:00:00+00:00") -> dict[str, str]:
    credential = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    return {"Authorization": f"Basic {credential}", "Date": http_date(at)}


@contextmanager
def running(log: Path, *extra: str) -> Iterator[World]:
    listener = Listener()
    world = World(log, listener, *extra)
    try:
        yield world
    finally:
        world.http.close()
        world.kill()
        listener.close()
