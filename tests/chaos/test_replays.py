"""Webhooks are caught whole as they pass, in whatever pieces they come."""

from __future__ import annotations

from datetime import UTC, datetime

from chaos.replays import Catcher

REQUEST = (
    b"POST /webhooks/stripe HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\nDate: Tue, 01 Dec 2026 10:00:00 GMT\r\n"
    b"Stripe-Signature: t=1,v1=x\r\nContent-Type: application/json\r\n\r\n{\r\n}"
)


def test_requests_are_caught_from_pieces_and_from_one_connection_after_another() -> None:
    catcher = Catcher()
    for at in range(0, len(REQUEST), 7):
        catcher.hear(1, REQUEST[at : at + 7])
    catcher.hear(2, REQUEST + REQUEST)

    assert [one.body for one in catcher.caught] == [b"{\r\n}"] * 3
    first = catcher.caught[0]
    assert (first.path, first.at, first.is_dated) == ("/webhooks/stripe", datetime(2026, 12, 1, 10, tzinfo=UTC), True)
    assert first.headers == {"content-type": "application/json", "stripe-signature": "t=1,v1=x"}


def test_a_request_that_breaks_off_is_forgotten() -> None:
    catcher = Catcher()
    catcher.hear(1, REQUEST[:-2])
    catcher.hear(1, b"")
    catcher.hear(1, REQUEST)

    assert len(catcher.caught) == 1


def test_a_replay_carries_whatever_proves_where_it_came_from() -> None:
    """Given a WhatsApp webhook as it passes, when it is caught, then with the signature that the web app asks for."""
    catcher = Catcher()
    catcher.hear(1, REQUEST.replace(b"Stripe-Signature: t=1,v1=x", b"X-Hub-Signature-256: sha256=ab"))

    assert catcher.caught[0].headers["x-hub-signature-256"] == "sha256=ab"
    assert not catcher.caught[0].is_dated
