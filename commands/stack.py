"""A whole Recobro on this machine: Temporal, the sandbox world, the web app and workers, on free ports."""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from commands.processes import Child, Processes, executable
from commands.stand_ins import of_processes, stand_ins
from workflows.search_attributes import ALL

_TYPES = {1: "Text", 2: "Keyword", 3: "Int", 4: "Double", 5: "Bool", 6: "Datetime", 7: "KeywordList"}

# What measured best for a server on one machine: see docs/design.md.
SERVER_SETTINGS = (
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    "worker.batcherRPS=500",
)
SKIPPING_SETTINGS = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    'history.timerProcessorMaxTimeShift="10ms"',
    # The conductor asks after every loan many times a second.
    "frontend.rps=20000",
    "frontend.namespaceRPS=20000",
    # Otherwise a loan that continues as new is held back a second, and skipping may jump over its first task.
    'history.workflowIdReuseMinimalInterval="0s"',
)

# Secrets of the sandbox world, which only this machine can reach.
STRIPE_SECRET = "whsec_sandbox"  # nosec B105 # the sandbox's, on this machine only
MERCADOPAGO_SECRET = "mercadopago-sandbox"  # nosec B105 # the same
TWILIO_ACCOUNT = "AC" + "0" * 32
TWILIO_TOKEN = "sandbox-token"  # nosec B105 # the same
LINK_SECRET = "signs-addresses-of-a-local-stack"  # nosec B105 # it reaches no borrower
META_SECRET = "sandbox-app-secret"  # nosec B105 # the same
META_NUMBERS = [
    {"id": "100000000000001", "number": "+12025550101"},
    {"id": "100000000000002", "number": "+12025550102"},
]


@dataclass(frozen=True)
class Addresses:
    """Where the parts of a stack listen, as URLs or host:port."""

    temporal: str
    temporal_ui: str
    sandbox: str = ""
    smtp_port: int = 0
    web: str = ""


@dataclass
class Stack:
    """A stack in `folder`: its databases, logs and reports. `skipping`: loans' clocks may be moved ahead."""

    processes: Processes
    folder: Path
    skipping: bool
    namespace: str = "default"
    seed: int = 1
    preset: str = "micro"
    database_url: str = ""
    workers: int = 1
    case_webhook_url: str | None = None
    clock_url: str | None = None
    words: bool = False
    """The world's borrowers answer in words of their own."""
    temporal_port: int | None = None
    """Taken if it is free. None: any, so that no command finds this server by itself and starts real loans there."""
    encrypt: bool = False
    """Temporal keeps only ciphertext; the keys are those of the settings, else of a file beside the records."""
    addresses: Addresses = field(default_factory=lambda: Addresses("", ""))
    settings: dict[str, str] = field(default_factory=dict)
    metrics_ports: dict[str, int] = field(default_factory=dict)
    """Where the processes named serve metrics; a stack whose clocks are skipped has none unless it is given some."""

    @property
    def temporal_file(self) -> Path:
        return self.folder / "temporal.db"

    @property
    def world_log(self) -> Path:
        return self.folder / "world.jsonl"

    @property
    def records_url(self) -> str:
        """The records, as whoever conducts the stack reaches them."""
        return self.database_url or f"sqlite:///{self.folder / 'recobro.db'}"

    @property
    def web_as_called(self) -> str:
        """The web app's address as providers call it."""
        return self.addresses.web

    @property
    def environment(self) -> dict[str, str]:
        """What the product's processes are told: the sandbox stands in for every provider. Raises BadSettings."""
        to = self.addresses
        clock = "requests" if self.skipping else "wall"
        web_port = to.web.rsplit(":", 1)[-1]
        told = {
            "TEMPORAL_ADDRESS": to.temporal,
            "TEMPORAL_NAMESPACE": self.namespace,
            "TEMPORAL_CONFIG_FILE": str(self.folder / "no-temporal-profile.toml"),
            "RECOBRO_DATABASE_URL": self.records_url,
            "RECOBRO_BANK__BASE_URL": to.sandbox,
            "RECOBRO_STRIPE__BASE_URL": to.sandbox,
            "RECOBRO_STRIPE__API_KEY": "sk_test_sandbox",
            "RECOBRO_STRIPE__WEBHOOK_SECRET": STRIPE_SECRET,
            # Elsewhere the pretend borrowers pay through Stripe's pages.
            "RECOBRO_MERCADOPAGO__BASE_URL": to.sandbox,
            "RECOBRO_MERCADOPAGO__WEBHOOK_SECRET": MERCADOPAGO_SECRET,
            "RECOBRO_MERCADOPAGO__ACCOUNTS": json.dumps({"BR": {"access_token": MERCADOPAGO_SECRET}}),
            "RECOBRO_TWILIO__BASE_URL": to.sandbox,
            "RECOBRO_TWILIO__ACCOUNT_SID": TWILIO_ACCOUNT,
            "RECOBRO_TWILIO__AUTH_TOKEN": TWILIO_TOKEN,
            "RECOBRO_TWILIO__SENDER": "+12025550100",
            "RECOBRO_TWILIO__VOICE_SENDER": "+12025550101",
            "RECOBRO_PRINT_FOLDER": str(self.folder / "letters"),
            "RECOBRO_WHATSAPP_ENABLED": "true",
            # Loans whose clocks are moved apart do not share a day, so no tier can be counted over them.
            "RECOBRO_WHATSAPP_TIER": "unlimited",
            "RECOBRO_META__BASE_URL": to.sandbox,
            "RECOBRO_META__WEBHOOK_SECRET": META_SECRET,
            "RECOBRO_META__VERIFY_TOKEN": "sandbox",  # nosec B105 # the sandbox's
            "RECOBRO_META__ACCESS_TOKEN": "EAAsandbox",  # nosec B105 # the same
            "RECOBRO_META__BUSINESS_ACCOUNT": "100000000000000",
            "RECOBRO_META__NUMBERS": json.dumps(META_NUMBERS),
            "RECOBRO_SMTP__HOST": "127.0.0.1",
            "RECOBRO_SMTP__PORT": str(to.smtp_port),
            "RECOBRO_SMTP__SECURITY": "none",
            "RECOBRO_SMTP__FROM_ADDRESS": "collections@lender.example",
            "RECOBRO_WEB__PORT": web_port,
            "RECOBRO_WEB__PUBLIC_URL": self.web_as_called,
            "RECOBRO_WEB__CLOCK": clock,
            "RECOBRO_ENCRYPTION__PAYLOADS": str(self.encrypt).lower(),
            "RECOBRO_ENCRYPTION__TEMPORAL_UI": to.temporal_ui,
        }
        if (metrics_port := self.metrics_ports.get("web")) is not None:
            told["RECOBRO_WEB__METRICS_PORT"] = str(metrics_port)
        if not self.skipping:
            # Rehearsed borrowers open no pages of ours.
            told["RECOBRO_WEB__LINK_SECRET"] = LINK_SECRET
        told |= stand_ins(to.sandbox, self.folder, of_processes())
        if self.case_webhook_url:
            told["RECOBRO_CASE_WEBHOOK_URL"] = self.case_webhook_url
        return told | self.settings

    def start(self) -> None:
        """Start everything and wait until it answers. Raises ProcessFailed; BadSettings before anything runs."""
        stand_ins(self.addresses.sandbox, self.folder, of_processes())
        self.folder.mkdir(parents=True, exist_ok=True)
        web_port = self.processes.ports.take(8080)
        self.addresses = Addresses("", "", web=f"http://127.0.0.1:{web_port}")
        self.start_temporal()
        if not self.skipping:
            self.metrics_ports["web"] = self.processes.ports.take(9110)
        self.start_sandbox()
        self.start_web()
        for number in range(self.workers):
            self.start_worker(number)

    def start_temporal(self) -> Child:
        """A real Temporal server with its Web UI and its state in a file; on its old ports after a restart."""
        old = self.addresses
        port = int(old.temporal.rsplit(":", 1)[-1]) if old.temporal else self.processes.ports.take(self.temporal_port)
        ui_port = int(old.temporal_ui.rsplit(":", 1)[-1]) if old.temporal_ui else self.processes.ports.take(8233)
        settings = SERVER_SETTINGS + (SKIPPING_SETTINGS if self.skipping else ())
        command = [executable("temporal"), "server", "start-dev", "--ip", "127.0.0.1"]
        command += ["--port", str(port), "--ui-port", str(ui_port), "--namespace", self.namespace]
        http_port = self.processes.ports.take()
        command += ["--http-port", str(http_port), "--metrics-port", str(self.processes.ports.take())]
        command += ["--db-filename", str(self.temporal_file), "--log-level", "error"]
        # A rehearsal that a power cut ends is begun again; a loan that somebody started is not to be lost.
        synchronous = "off" if self.skipping else "normal"
        command += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", f"synchronous={synchronous}"]
        for key in ALL:
            command += ["--search-attribute", f"{key.name}={_TYPES[key.indexed_value_type.value]}"]
        if self.encrypt:
            command += ["--ui-codec-endpoint", f"{old.web}/codec"]
        for setting in settings:
            command += ["--dynamic-config-value", setting]
        child = self.processes.start("temporal", command, {})
        # It listens before it is well: until then every call is refused.
        system = f"http://127.0.0.1:{http_port}/api/v1/system-info"
        self.processes.wait_ready(child, lambda: _listens(port) and _listens(ui_port) and _answers(system))
        self.addresses = Addresses(
            f"127.0.0.1:{port}",
            f"http://127.0.0.1:{ui_port}",
            old.sandbox,
            old.smtp_port,
            old.web,
        )
        return child

    def start_sandbox(self) -> Child:
        """The pretend outside world; on its old ports, with its old memory, after a restart."""
        old = self.addresses
        port = int(old.sandbox.rsplit(":", 1)[-1]) if old.sandbox else self.processes.ports.take()
        smtp_port = old.smtp_port or self.processes.ports.take()
        command = [sys.executable, "-m", "sandbox", "--port", str(port), "--smtp-port", str(smtp_port)]
        command += ["--seed", str(self.seed), "--preset", self.preset, "--log", str(self.world_log)]
        command += ["--stripe-webhook", f"{self.web_as_called}/webhooks/stripe", "--stripe-secret", STRIPE_SECRET]
        command += ["--mercadopago-webhook", f"{self.web_as_called}/webhooks/mercadopago"]
        command += ["--mercadopago-secret", MERCADOPAGO_SECRET]
        command += ["--twilio-webhook", f"{self.web_as_called}/webhooks/twilio", "--twilio-token", TWILIO_TOKEN]
        command += ["--meta-webhook", f"{self.web_as_called}/webhooks/meta", "--meta-secret", META_SECRET]
        command += ["--meta-templates", str(self._approved_templates())]
        command += ["--clock", "requests" if self.skipping else "live"]
        if self.words:
            command += ["--words"]
        if self.clock_url:
            command += ["--clock-url", self.clock_url]
        child = self.processes.start("sandbox", command, {})
        address = f"http://127.0.0.1:{port}"
        self.processes.wait_ready(child, lambda: _answers(f"{address}/_world/health"))
        self.addresses = Addresses(old.temporal, old.temporal_ui, address, smtp_port, old.web)
        return child

    def _approved_templates(self) -> Path:
        """Every template that is shipped, as it was handed in at Meta: the sandbox's Meta has approved them all."""
        from config.approved_templates import load_approved

        file = self.folder / "whatsapp_templates.json"
        told = [
            {"name": one.ours.name, "language": one.ours.language, "text": one.ours.body} for one in load_approved()
        ]
        file.write_text(json.dumps(told), encoding="utf-8")
        return file

    def web_command(self) -> list[str]:
        return [sys.executable, "-m", "web"]

    def worker_environment(self, number: int) -> dict[str, str]:
        """What worker `number` is told."""
        return self.environment

    def start_web(self) -> Child:
        child = self.processes.start("web", self.web_command(), self.environment)
        self.processes.wait_ready(child, lambda: _lives_as(child.process.pid, f"{self.addresses.web}/healthz"))
        return child

    def start_worker(self, number: int = 0) -> Child:
        said = _count(self.processes.log(f"worker-{number}"), "worker ready")
        name = f"worker-{number}"
        command = [sys.executable, "worker.py"]
        if not self.skipping and name not in self.metrics_ports:
            self.metrics_ports[name] = self.processes.ports.take(9100 + number)
        if name in self.metrics_ports:
            command += ["--metrics-port", str(self.metrics_ports[name])]
        child = self.processes.start(name, command, self.worker_environment(number))
        self.processes.wait_ready(child, lambda: _count(child.log, "worker ready") > said)
        return child


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # nosec B310 # an address of our own stack
            return bool(answer.status == 200)
    except OSError:
        return False


def _lives_as(pid: int, url: str) -> bool:
    """Whether it is this very process that answers."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # nosec B310 # an address of our own stack
            return bool(json.load(answer).get("pid") == pid)
    except (OSError, ValueError):
        return False


def _count(log: Path, words: str) -> int:
    return log.read_text(errors="replace").count(words) if log.exists() else 0
