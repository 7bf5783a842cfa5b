"""What a provider signed and no table can hold, or no loan can read: shown to a person, and in nobody's way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy.exc import DataError

from domain.contact import Channel
from records import audit, loans, payments, people
from records.database import Database
from tests.records.portfolios import LENDER, NOW
from tests.web import signing
from tests.web.calling import HERE
from tests.web.signing import Signed
from tests.web.test_any_signed_webhook import PAID, STANDARD, Site, of_stripe, on_whatsapp, site, written

__all__ = ["site"]


def of_a_payment(event_id: str = "evt_1", **changes: Any) -> Signed:
    event = of_stripe("checkout.session.completed", **PAID | changes) | {"id": event_id}
    return signing.stripe(json.dumps(event).encode(), NOW)


def of_whatsapp(*, field: str = "messages", **value: Any) -> Signed:
    return signing.meta(json.dumps(on_whatsapp(field, **value)).encode())


def of_a_mail(**event: Any) -> Signed:
    return signing.sendgrid(json.dumps([{"sg_event_id": "e", **event}]).encode(), NOW)


def of_the_core(kind: str, **changes: Any) -> Signed:
    [data] = [event["data"] for event in STANDARD if event["type"] == kind]
    return signing.standard("w", json.dumps({"type": kind, "data": {**data, **changes}}).encode(), NOW)


def of_twilio(query: str, **fields: str) -> Signed:
    return signing.twilio(HERE, f"/webhooks/twilio{query}", fields.items())


ODD = {
    "a payment id with a space": (of_a_payment(payment_intent="pi 1"), "unreadable"),
    "a payment id longer than a loan takes": (of_a_payment(payment_intent="p" * 129), "unreadable"),
    "a payment id longer than its column": (of_a_payment(payment_intent="p" * 300), "unreadable"),
    "a payment id with a NUL": (of_a_payment(payment_intent="pi\x00"), "unreadable"),
    "a payment id with half a character": (of_a_payment(payment_intent="pi\ud800"), "unreadable"),
    "more money than there is": (of_a_payment(amount_total=10**19), "unreadable"),
    "long names of somebody else's": (
        of_a_payment(metadata={"lender": "l" * 80, "loan_id": "n" * 80}),
        "payment_unmatched",
    ),
    "a loan with a NUL": (of_a_payment(metadata={"lender": LENDER, "loan_id": "L\x001"}), "payment_unmatched"),
    "a loan with half a character": (
        of_a_payment(metadata={"lender": LENDER, "loan_id": "L\ud8001"}),
        "payment_unmatched",
    ),
    "a link id with a NUL": (of_a_payment(payment_link="plink\x00", metadata=None), "payment_unmatched"),
    "an event id with a NUL": (of_a_payment("evt\x00"), "payment"),
    "an event id with half a character": (of_a_payment("evt\ud800"), "payment"),
    "a message named by a NUL": (of_twilio("?message=%00", MessageSid="SMX", MessageStatus="sent"), "unknown_message"),
    "a call named by a NUL": (of_twilio("?message=%00", CallSid="CAX", CallStatus="busy"), "unknown_message"),
    "a call of thirty years": (
        of_twilio("", CallSid="CA1", CallStatus="completed", CallDuration="9" * 9),
        "call_hung_up",
    ),
    "a mail named by a NUL": (of_a_mail(event="open", sg_message_id="m\x00", message="\x00"), "ignored email:open"),
    "a mail named by half a character": (of_a_mail(event="bounce", sg_message_id="m\ud800"), "ignored email:bounce"),
    "a moment at the end of time": (
        of_the_core("payment.reversed", reversed_at="2199-12-31T00:00:00-23:59"),
        "reversal_before_payment",
    ),
    "a hand-over no column counts to": (of_the_core("payment.received", entry=2**70), "other_payment_unmatched"),
    "a template named by a NUL": (
        of_whatsapp(
            field="message_template_status_update",
            message_template_name="a\x00",
            message_template_language="es",
            event="PAUSED",
        ),
        "ignored change:message_template_status_update",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_nothing_odd_waits_for_ever(site: Site, name: str) -> None:
    signed, outcome = ODD[name]

    assert site.takes(signed) == [outcome]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("fault", [DataError("", {}, ValueError()), OverflowError("too large"), UnicodeError("no")])
def test_what_no_table_takes_is_left_to_a_person_and_the_next_is_booked(
    site: Site, database: Database, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """Given news that passed every check and that the records cannot hold all the same."""

    def no_table_takes_it(*_: object, **__: object) -> None:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(payments, "record", no_table_takes_it)
        first = site.takes(of_a_payment("evt_1"))
    second = site.takes(of_a_payment("evt_2", payment_intent="pi_2"))

    assert (first, second) == (["unreadable"], ["payment"])
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, "L1")) == 7_500
        [shown] = audit.of_action(session, "webhook_needs_person")
    assert shown.details["kind"] == "unreadable"


def test_a_stop_is_heard_though_the_emoji_behind_it_was_cut_in_two(site: Site, database: Database) -> None:
    text = {"body": "BAJA, no me escriban más \x00 \ud83d"}

    site.takes(of_whatsapp(messages=[written(type="text", text=text)]))

    with database.reading() as session:
        owner = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert Channel.WHATSAPP in people.opted_out(session, owner)
