"""The pretend SendGrid: what it refuses, and events signed so that the product's own check takes them."""

from __future__ import annotations

from typing import Any

import pytest

from domain.webhook_news import DeliveryNews, DeliveryState
from providers.webhooks import sendgrid
from tests.sandbox.running import World, sendgrid_keys

AT = "Fri, 20 Mar 2026 10:00:00 GMT"
KEY = {"Authorization": "Bearer SG.test", "Date": AT}


def mail(to: str, loan: str, **changes: Any) -> dict[str, Any]:
    envelope = {"to": [{"email": to}], "custom_args": {"message": f"m-{loan}", "loan": loan}}
    return {
        "personalizations": [envelope],
        "from": {"email": "cobros@credialba.example"},
        "subject": "Su cuenta",
        "content": [{"type": "text/plain", "value": "Hola"}],
        **changes,
    }


def test_a_mail_is_taken_and_what_became_of_it_is_told_signed(world: World) -> None:
    people = world.enrol(*(f"sg-{number}" for number in range(30)))
    for person in people:
        answer = world.http.post("/v3/mail/send", json=mail(person["email"], person["loan_id"]), headers=KEY)
        assert (answer.status_code, bool(answer.headers["X-Message-Id"])) == (202, True)
        world.advance(person["loan_id"], "2026-03-21T10:00:00+00:00")

    told = world.listener.at("/sendgrid")
    states = []
    for posted in told:
        signature, stamp = (
            posted.headers[f"X-Twilio-Email-Event-Webhook-{part}"] for part in ("Signature", "Timestamp")
        )
        sendgrid.verify(posted.body, signature, stamp, (sendgrid_keys()[1],))
        [news] = sendgrid.parse(posted.body)
        assert isinstance(news, DeliveryNews)
        assert news.message_id == f"m-{news.loan_id}"
        states.append(news.state)
    kept = [entry["loan_id"] for entry in world.entries("email") if str(entry["loan_id"]).startswith("sg-")]
    assert states.count(DeliveryState.DELIVERED) == len(kept)
    assert states.count(DeliveryState.DELIVERED) + states.count(DeliveryState.FAILED) == len(people)
    assert DeliveryState.READ in states


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"personalizations": [{"to": [{"email": "nobody"}]}]}, "personalizations.0.to.0.email"),
        ({"content": [{"type": "text/html", "value": "x"}]}, "content.0.type"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_what_sendgrid_would_refuse_is_refused(world: World, change: dict[str, Any], field: str) -> None:
    answer = world.http.post("/v3/mail/send", json=mail("a@example.com", "x") | change, headers=KEY)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert world.http.post("/v3/mail/send", json=mail("a@example.com", "x")).status_code == 401
