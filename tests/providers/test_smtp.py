"""Against a real SMTP server on a free port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from pydantic import SecretStr

from domain.contact import Channel
from providers.errors import Effect, ProviderError, WhatNext
from providers.messaging.smtp import Security, SmtpMessenger, SmtpSettings
from providers.messaging.smtp_codes import Stage, reaction_to
from providers.ports import OutgoingMessage
from tests.providers.stand_in import AT


class Server:
    """Answers each command as told, keeps what it took."""

    def __init__(self, rcpt: str = "250 OK", data: str = "250 OK", mail: str = "250 OK") -> None:
        self.answers = {"rcpt": rcpt, "data": data, "mail": mail}
        self.taken: list[tuple[str, bytes]] = []

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers["mail"]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers["rcpt"].startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.answers["rcpt"]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers["data"] == "drop":
            self.taken.append((envelope.rcpt_tos[0], cast(bytes, envelope.content)))
            cast(asyncio.Transport, server.transport).abort()
            return "250 too late"
        if self.answers["data"] == "sleep":
            await asyncio.sleep(5)
        if self.answers["data"].startswith("2"):
            self.taken.append((envelope.rcpt_tos[0], cast(bytes, envelope.content)))
        return self.answers["data"]

    def mail(self) -> EmailMessage:
        return message_from_bytes(self.taken[0][1], policy=policy.default)


@asynccontextmanager
async def listening(make: Callable[[], asyncio.Protocol]) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def settings(port: int, **change: Any) -> SmtpSettings:
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": Security.NONE,
        "from_address": "avisos@lender.example",
        "from_name": "Préstamos Ágil",
        "message_id_domain": "lender.example",
        "timeout": timedelta(seconds=2),
    }
    return SmtpSettings(**(fields | change))


def message(**change: Any) -> OutgoingMessage:
    fields: dict[str, Any] = {
        "message_id": "loan-7-step-2",
        "channel": Channel.EMAIL,
        "to": "maria@example.com",
        "subject": "Su cuota",
        "text": "Estimada María: quedan 12,50 €",
        "html": "<p>Estimada María</p>",
        "loan_id": "L7",
        "lender": "acme",
        "at": AT,
    }
    return OutgoingMessage(**(fields | change))


async def send(server: Server, change: dict[str, Any] | None = None, **configured: Any) -> str:
    async with listening(lambda: SMTP(server, enable_SMTPUTF8=False, loop=asyncio.get_running_loop())) as port:
        messenger = SmtpMessenger(settings(port, **configured))
        return (await messenger.send(message(**(change or {})))).provider_message_id


async def refused(server: Server, change: dict[str, Any] | None = None, **configured: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await send(server, change, **configured)
    assert "maria@" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
    return caught.value


async def test_a_mail_arrives_with_both_texts_its_date_and_its_references() -> None:
    server = Server()

    sent = await send(server, unsubscribe_url="https://lender.example/u", reply_to="ayuda@lender.example")

    assert server.taken[0][0] == "maria@example.com"
    mail = server.mail()
    assert mail["Subject"] == "Su cuota"
    assert mail["From"] == "Préstamos Ágil <avisos@lender.example>"
    assert mail["Date"].datetime == AT
    assert mail["Message-ID"] == sent == "<loan-7-step-2@lender.example>"
    assert mail["X-Recobro-Loan"] == "L7"
    assert mail["List-Unsubscribe"] == "<https://lender.example/u?message=loan-7-step-2>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    texts = {part.get_content_type(): part.get_content().strip() for part in mail.iter_parts()}
    assert texts == {
        "text/plain": "Estimada María: quedan 12,50 €",
        "text/html": "<p>Estimada María</p>",
    }


async def test_an_answer_stands_beneath_the_mail_it_answers() -> None:
    server = Server()

    await send(server, {"answers": ("<ours@lender.example>", "<bad\r\nBcc: x@y.example>", "<theirs@mail.example>")})

    mail = server.mail()
    assert mail["In-Reply-To"] == "<theirs@mail.example>"
    assert mail["References"] == "<ours@lender.example> <theirs@mail.example>"
    assert mail["Bcc"] is None


async def test_without_an_unsubscribe_address_no_such_header_is_invented() -> None:
    server = Server()

    await send(server, {"html": None})

    assert server.mail()["List-Unsubscribe"] is None
    assert server.mail().get_content_type() == "text/plain"


@pytest.mark.parametrize("odd", ["a b", "ñandú", "x@y", "a\r\nBcc: all@example.com", "k" * 400, ".a..b"])
async def test_the_message_id_is_fixed_and_lawful_whatever_our_id(odd: str) -> None:
    one, two = Server(), Server()

    first = await send(one, {"message_id": odd})
    second = await send(two, {"message_id": odd, "at": AT + timedelta(hours=3)})

    assert first == second == one.mail()["Message-ID"]
    assert first.count("@") == 1
    assert one.mail()["Bcc"] is None


async def test_a_subject_cannot_bring_headers_of_its_own() -> None:
    server = Server()

    await send(server, {"subject": "Hola\r\nBcc: all@example.com"})

    assert server.mail()["Subject"] == "Hola Bcc: all@example.com"
    assert server.mail()["Bcc"] is None


@pytest.mark.parametrize(
    ("answers", "what_next", "dead", "code"),
    [
        ({"rcpt": "550 5.1.1 No such user maria@example.com"}, WhatNext.TERMINAL, True, "5.1.1"),
        ({"rcpt": "550 no such user"}, WhatNext.TERMINAL, True, "550"),
        ({"rcpt": "550 5.7.1 blocked by policy"}, WhatNext.TERMINAL, False, "5.7.1"),
        ({"rcpt": "554 refused"}, WhatNext.TERMINAL, False, "554"),
        ({"rcpt": "451 4.7.1 greylisted, maria@example.com"}, WhatNext.RETRY, False, "4.7.1"),
        ({"rcpt": "452 4.2.2 full"}, WhatNext.LATER, False, "4.2.2"),
        ({"rcpt": "552 5.2.2 full"}, WhatNext.LATER, False, "5.2.2"),
        ({"rcpt": "556 5.1.10 null MX"}, WhatNext.TERMINAL, True, "5.1.10"),
        ({"rcpt": "550 5.1.8 Access denied, bad outbound sender"}, WhatNext.STOP_SENDER, False, "5.1.8"),
        ({"rcpt": "550 5.1.7 bad sender's address"}, WhatNext.STOP_SENDER, False, "5.1.7"),
        ({"rcpt": "550 5.1.90 the limit of recipients a day is reached"}, WhatNext.STOP_SENDER, False, "5.1.90"),
        ({"rcpt": "550 5.1.0 <cobros@credialba.example>: Sender address rejected"}, WhatNext.LATER, False, "5.1.0"),
        ({"mail": "550 not you"}, WhatNext.STOP_SENDER, False, "550"),
        ({"mail": "421 later"}, WhatNext.RETRY, False, "421"),
        ({"data": "554 5.6.0 spam"}, WhatNext.STOP_SENDER, False, "5.6.0"),
        ({"data": "451 later"}, WhatNext.RETRY, False, "451"),
        ({"data": "552 full"}, WhatNext.LATER, False, "552"),
        ({"data": "552 5.3.4 message too big"}, WhatNext.TERMINAL, False, "5.3.4"),
    ],
)
async def test_a_refusal_is_an_answer_and_nothing_went_out(
    answers: dict[str, str], what_next: WhatNext, dead: bool, code: str
) -> None:
    server = Server(**answers)

    error = await refused(server)

    assert (error.what_next, error.address_is_dead, error.code) == (what_next, dead, code)
    assert error.effect is Effect.NONE
    assert server.taken == []


@pytest.mark.parametrize("fate", ["drop", "sleep"])
async def test_a_line_cut_after_the_content_leaves_the_outcome_unknown(fate: str) -> None:
    error = await refused(Server(data=fate), timeout=timedelta(seconds=0.5))

    assert (error.effect, error.what_next) == (Effect.UNKNOWN, WhatNext.TERMINAL)


async def test_a_line_cut_before_the_content_is_simply_tried_again() -> None:
    class HangsUp(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            cast(asyncio.Transport, transport).write(b"220 hello\r\n")
            cast(asyncio.Transport, transport).abort()

    async with listening(HangsUp) as port:
        with pytest.raises(ProviderError) as caught:
            await SmtpMessenger(settings(port)).send(message())

    assert (caught.value.effect, caught.value.what_next) == (Effect.NONE, WhatNext.RETRY)


async def test_nobody_listening_is_simply_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ProviderError) as caught:
            await SmtpMessenger(settings(taken.getsockname()[1])).send(message())

    assert (caught.value.effect, caught.value.what_next) == (Effect.NONE, WhatNext.RETRY)


async def test_a_server_without_starttls_gets_no_mail_when_it_is_required() -> None:
    server = Server()

    error = await refused(server, security=Security.STARTTLS)

    assert (error.what_next, server.taken) == (WhatNext.STOP_SENDER, [])


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
async def test_wrong_credentials_stop_the_sender() -> None:
    server = Server()

    def refuse(*_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    def make() -> SMTP:
        return SMTP(
            server,
            authenticator=refuse,
            auth_require_tls=False,
            auth_required=True,
            loop=asyncio.get_running_loop(),
        )

    async with listening(make) as port:
        configured = settings(port, username="u", password=SecretStr("pw-secret"))
        with pytest.raises(ProviderError) as caught:
            await SmtpMessenger(configured).send(message())

    assert (caught.value.what_next, server.taken) == (WhatNext.STOP_SENDER, [])
    assert "pw-secret" not in repr(configured) + str(caught.value)


@pytest.mark.parametrize("to", ["", "maria", "maria@", "a@b@c", "maria@example.com\r\nBcc: x@y.z", "josé@example.com"])
async def test_an_address_that_cannot_be_one_ends_the_message(to: str) -> None:
    server = Server()

    error = await refused(server, {"to": to})

    assert (error.what_next, error.effect, server.taken) == (WhatNext.TERMINAL, Effect.NONE, [])


async def test_a_closed_window_or_another_channel_sends_nothing() -> None:
    server = Server()

    late = await refused(server, {"valid_until": AT})
    other = await refused(server, {"channel": Channel.SMS})

    assert (late.what_next, other.what_next) == (WhatNext.LATER, WhatNext.SWITCH_CHANNEL)
    assert server.taken == []


async def test_a_window_that_closes_while_the_server_takes_its_time_sends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server()
    read = iter([5.0, 35.0])
    monkeypatch.setattr("providers.messaging.smtp.monotonic", lambda: next(read), raising=False)

    late = await refused(server, {"valid_until": AT + timedelta(seconds=30)})

    assert (late.code, late.what_next, late.effect) == ("window_closed", WhatNext.LATER, Effect.NONE)
    assert server.taken == []


async def test_it_says_that_it_cannot_be_asked_afterwards() -> None:
    messenger = SmtpMessenger(settings(25))

    assert messenger.can_look_up is False
    assert await messenger.look_up(message(), AT, AT) is None
    with pytest.raises(ProviderError, match="tells nothing"):
        await messenger.delivery_state("<x@y>", AT)


def test_no_code_outside_the_recipient_ever_kills_an_address() -> None:
    for stage in (Stage.OPENING, Stage.CONTENT):
        for code in range(400, 600):
            assert not reaction_to(code, None, stage).address_is_dead
