"""A stack whose every connection to a service goes through a proxy, and whose hosts' clocks can be wrong."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chaos.proxy import GRPC, HTTP, POSTGRESQL, SMTP, Proxy, to_port, to_socket
from chaos.schedule import HTTP_SERVICES
from commands.processes import ROOT, Ports
from commands.stack import Stack


@dataclass
class ChaosStack(Stack):
    """`proxies` by service (see `proxies_of`); `ahead` is how wrong a host's clock is, in seconds, by process."""

    proxies: Mapping[str, Proxy] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=dict)

    @property
    def web_as_called(self) -> str:
        return f"http://127.0.0.1:{self.proxies['web'].port}"

    @property
    def environment(self) -> dict[str, str]:
        port = {name: proxy.port for name, proxy in self.proxies.items()}
        told = super().environment | {
            "TEMPORAL_ADDRESS": f"127.0.0.1:{port['temporal']}",
            "RECOBRO_BANK__BASE_URL": f"http://127.0.0.1:{port['bank']}",
            "RECOBRO_STRIPE__BASE_URL": f"http://127.0.0.1:{port['stripe']}",
            "RECOBRO_TWILIO__BASE_URL": f"http://127.0.0.1:{port['twilio']}",
            "RECOBRO_META__BASE_URL": f"http://127.0.0.1:{port['meta']}",
            "RECOBRO_SMTP__PORT": str(port["smtp"]),
            # Their counters are read there (chaos/task_failures.py), whatever the environment says.
            "RECOBRO_METRICS_HOST": "127.0.0.1",
        }
        if "postgresql" in port:
            told["RECOBRO_DATABASE_URL"] = f"postgresql://postgres@127.0.0.1:{port['postgresql']}/recobro"
        return told

    def web_command(self) -> list[str]:
        if not (ahead := self.ahead.get("web", 0)):
            return super().web_command()
        return [sys.executable, "-m", "chaos.skewed_web", str(ahead)]

    def worker_environment(self, number: int) -> dict[str, str]:
        ahead, library = self.ahead.get(f"worker-{number}", 0), fake_time_library()
        if not ahead or library is None:
            return self.environment
        return self.environment | {
            "LD_PRELOAD": str(library),
            "FAKETIME": f"{ahead:+d}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def fake_time_library() -> Path | None:
    """libfaketime of this machine or as `make chaos` unpacks it; None where there is none.

    Only the one for programs with threads: PyPI's package brings the other.
    """
    for top in (Path("/usr/lib"), ROOT / "var/faketime/usr/lib"):
        for library in top.glob("*/faketime/libfaketimeMT.so.1"):
            return library
    return None


def proxies_of(stack: list[Stack], ports: Ports, postgresql_socket: str | None) -> dict[str, Proxy]:
    """A proxy for each service; `stack` is filled once there is one. Nothing listens yet."""

    def port_of(address: str) -> int:
        return int(address.rsplit(":", 1)[-1])

    sandbox = to_port(lambda: port_of(stack[0].addresses.sandbox))
    made = [
        Proxy("temporal", ports.take(), to_port(lambda: port_of(stack[0].addresses.temporal)), GRPC),
        *(Proxy(name, ports.take(), sandbox, HTTP) for name in HTTP_SERVICES),
        Proxy("smtp", ports.take(), to_port(lambda: stack[0].addresses.smtp_port), SMTP),
        Proxy("web", ports.take(), to_port(lambda: port_of(stack[0].addresses.web)), HTTP),
    ]
    if postgresql_socket is not None:
        made.append(Proxy("postgresql", ports.take(), to_socket(lambda: postgresql_socket), POSTGRESQL))
    return {proxy.name: proxy for proxy in made}
