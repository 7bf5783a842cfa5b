"""What mail servers write back: bounces, delays, complaints, and mails that are none of these."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from domain.webhook_news import Complained, DeliveryNews, DeliveryState, Ignored
from domain.what_next import WhatNext
from providers.webhooks import mail_reports
from providers.webhooks.refused import WebhookRefused

SECRET = SecretStr("bounce-secret")
RETURNED = """Content-Type: message/rfc822

Message-ID: <m-1@credialba.example>
To: ana@example.com
Subject: Su cuenta

Hola
"""


def report(action: str, status: str, returned: str = RETURNED) -> bytes:
    """A delivery report as RFC 3464 writes them, from a server that never heard of us."""
    return f"""From: MAILER-DAEMON@mx.example
To: bounces@credialba.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

I'm sorry to have to inform you ...
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ana@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user

--B
{returned}
--B--
""".replace("\n", "\r\n").encode()


COMPLAINT = f"""From: feedback@isp.example
Content-Type: multipart/report; report-type=feedback-report; boundary="B"

--B
Content-Type: text/plain

This is an email abuse report.
--B
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeISP/1.0
Version: 1

--B
{RETURNED}
--B--
""".encode()


@pytest.mark.parametrize(
    ("action", "status", "state", "dead"),
    [
        ("failed", "5.1.1", DeliveryState.FAILED, True),
        ("failed", "5.1.10", DeliveryState.FAILED, True),
        ("failed", "5.1.0", DeliveryState.FAILED, False),
        ("failed", "5.1.7", DeliveryState.FAILED, False),
        ("failed", "5.1.8", DeliveryState.FAILED, False),
        ("failed", "5.1.90", DeliveryState.FAILED, False),
        ("failed", "5.7.1", DeliveryState.FAILED, False),
        ("failed", "4.4.1", DeliveryState.FAILED, False),
        ("delivered", "2.0.0", DeliveryState.DELIVERED, False),
        ("relayed (to mx2)", "2.1.5", DeliveryState.DELIVERED, False),
    ],
)
def test_a_report_tells_how_the_mail_ended_and_whether_its_mailbox_is_gone(
    action: str, status: str, state: DeliveryState, dead: bool
) -> None:
    [news] = mail_reports.parse(report(action, status))
    assert isinstance(news, DeliveryNews)
    assert (news.message_id, news.provider_message_id) == ("m-1", "<m-1@credialba.example>")
    assert (news.provider, news.state) == ("smtp", state)
    assert bool(news.reaction and news.reaction.address_is_dead) is dead
    assert news.reaction is None or news.reaction.what_next is WhatNext.TERMINAL


def test_headers_alone_are_enough_to_know_the_mail() -> None:
    headers = "Content-Type: text/rfc822-headers\n\nMessage-ID: <m-1@credialba.example>\nSubject: x\n"
    [news] = mail_reports.parse(report("failed", "5.1.1", headers))
    assert isinstance(news, DeliveryNews)
    assert news.message_id == "m-1"


def test_a_complaint_names_the_mail_it_is_about() -> None:
    [news] = mail_reports.parse(COMPLAINT)
    assert news == Complained(
        message_id="m-1", provider="smtp", provider_message_id="<m-1@credialba.example>", kind="abuse"
    )


@pytest.mark.parametrize(
    ("mail", "kind", "person"),
    [
        (report("delayed", "4.4.1"), "mail:delayed", False),
        (report("failed", "5.1.1", "Content-Type: text/plain\n\nx"), "mail:report_of_unknown", True),
        (b"From: ana@example.com\nSubject: Re: Su cuenta\n\nNo puedo pagar", "mail:no_report", True),
    ],
)
def test_what_is_no_final_report_moves_nothing_and_what_a_person_wrote_is_shown_to_one(
    mail: bytes, kind: str, person: bool
) -> None:
    assert mail_reports.parse(mail) == (Ignored(kind=kind, needs_person=person),)


def test_only_who_holds_the_secret_may_tell() -> None:
    body = report("failed", "5.1.1")
    good = "sha256=" + hmac.new(b"bounce-secret", body, hashlib.sha256).hexdigest()
    mail_reports.verify(body, good, (SecretStr("old"), SECRET))
    for wrong in (good[:-1] + "0", "sha1=00", "", None, good.replace("sha256=", "sha256=0")):
        with pytest.raises(WebhookRefused):
            mail_reports.verify(body, wrong, SECRET)
    with pytest.raises(WebhookRefused):
        mail_reports.verify(body + b"x", good, SECRET)


@given(
    st.binary(max_size=200)
    | st.sampled_from([report("failed", "5.1.1"), COMPLAINT]).flatmap(
        lambda mail: st.integers(0, len(mail)).map(lambda cut: mail[:cut] + mail[cut + 3 :])
    )
)
def test_no_mail_brings_more_than_a_refusal(mail: bytes) -> None:
    try:
        mail_reports.parse(mail)
    except WebhookRefused:
        pass
