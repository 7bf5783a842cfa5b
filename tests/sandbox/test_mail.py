import smtplib
from email.message import EmailMessage
from typing import Any

import pytest

from tests.sandbox.running import World


def mail(
    to: str, loan_id: str = "", date: str = "Fri, 20 Mar 2026 10:00:00 +0000", text: str = "Hola ñ"
) -> EmailMessage:
    message = EmailMessage()
    message["To"], message["From"], message["Subject"] = to, "cobros@demo.example", "Su préstamo"
    message["Date"], message["Message-ID"] = date, f"<{loan_id or 'x'}@demo.example>"
    if loan_id:
        message["X-Recobro-Loan"] = loan_id
    message.set_content(text)
    return message


def send(world: World, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", world.smtp, timeout=10) as server:
        server.send_message(message)


def reachable(world: World, prefix: str) -> dict[str, Any]:
    for person in world.enrol(*(f"{prefix}{i}" for i in range(8))):
        with smtplib.SMTP("127.0.0.1", world.smtp, timeout=10) as server:
            server.helo()
            server.mail("a@demo.example")
            if server.rcpt(person["email"])[0] == 250:
                return person
    raise AssertionError("no mailbox is alive")


def test_a_mail_is_kept_shown_and_logged_on_the_loans_clock(world: World) -> None:
    person = reachable(world, "mail")

    send(world, mail(person["email"], person["loan_id"]))

    logged = world.entries("email", person["loan_id"])[0]
    assert (logged["to"], logged["subject"], logged["text"]) == (person["email"], "Su préstamo", "Hola ñ")
    assert logged["at"] == "2026-03-20T10:00:00+00:00"
    assert logged["message_id"] == f"<{person['loan_id']}@demo.example>"
    assert world.http.get("/_world/mail").json()["mail"][-1]["text"] == "Hola ñ"
    assert "Su préstamo" in world.http.get("/_world/mail.html").text


def test_without_the_header_the_address_tells_the_loan(world: World) -> None:
    person = reachable(world, "addr")

    send(world, mail(person["email"]))

    assert len(world.entries("email", person["loan_id"])) == 1


def test_a_dead_mailbox_is_refused_and_some_are_dead(world: World) -> None:
    people = world.enrol(*(f"dead{i}" for i in range(120)))
    refused = []

    for person in people:
        with smtplib.SMTP("127.0.0.1", world.smtp, timeout=10) as server:
            try:
                server.send_message(mail(person["email"]))
            except smtplib.SMTPRecipientsRefused as error:
                refused.append(error.recipients[person["email"]][0])

    assert set(refused) == {550}
    assert 1 <= len(refused) <= 15
    assert len([e for e in world.entries("email") if (e["loan_id"] or "").startswith("dead")]) == 120 - len(refused)


def test_a_greylisting_server_lets_the_next_try_through(world: World) -> None:
    person = reachable(world, "grey")
    world.fault("smtp", "429", count=1)

    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(world, mail(person["email"]))
    send(world, mail(person["email"]))

    assert refused.value.recipients[person["email"]][0] == 451
    assert len(world.entries("email", person["loan_id"])) == 1


def test_a_lost_answer_after_the_mail_was_taken(world: World) -> None:
    person = reachable(world, "lost")
    world.fault("smtp", "lost_answer", count=1)

    with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
        send(world, mail(person["email"]))

    assert len(world.entries("email", person["loan_id"])) == 1
