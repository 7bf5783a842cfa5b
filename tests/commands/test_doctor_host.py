"""`doctor` on what this host can see, where it is not what it should be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from commands.doctor_host import _REASONS, look_at_proxies, look_at_web_app
from config.settings import Settings
from config.web_settings import Web
from providers.webhooks.refused import RefusedReason


@pytest.fixture
def port() -> Iterator[int]:
    """Where something answers that is no HTTP server."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        yield server.getsockname()[1]
        answering.join()


def test_something_else_on_the_web_apps_port_is_a_finding(port: int) -> None:
    settings = Settings(_env_file=None, web={"host": "127.0.0.1", "port": port})

    (found,) = look_at_web_app(settings, datetime.now(UTC))

    assert found.check == "web_app"


def test_every_reason_for_which_a_sender_is_not_proven_is_put_in_words() -> None:
    unproven = set(RefusedReason) - {RefusedReason.TOO_LARGE, RefusedReason.UNREADABLE}

    assert unproven <= set(_REASONS)


def test_a_proxy_that_nobody_named_is_a_finding() -> None:
    """TLS ends at a proxy: without its name all who come have one address, and one of them keeps everybody out."""
    (found,) = look_at_proxies(Web(public_url="HTTPS://collect.example.com"))

    assert "RECOBRO_WEB__TRUSTED_PROXIES" in found.what


@pytest.mark.parametrize(
    "web",
    [
        Web(),
        Web(public_url="http://127.0.0.1:8080"),
        Web(public_url="https://collect.example.com", trusted_proxies=("10.0.0.5",)),
    ],
)
def test_a_named_proxy_and_none_at_all_are_no_finding(web: Web) -> None:
    assert look_at_proxies(web) == []
