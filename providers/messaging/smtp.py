"""E-mail by SMTP submission."""

from __future__ import annotations

import hashlib
import re
import ssl
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from enum import StrEnum
from time import monotonic
from typing import Final
from urllib.parse import urlencode, urlsplit

import aiosmtplib
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.contact import Channel
from domain.what_next import Effect, WhatNext
from providers.errors import WINDOW_CLOSED, ProviderError, refusal
from providers.messaging.mail_headers import thread_headers, unsubscribe_headers
from providers.messaging.smtp_codes import Stage, reaction_to
from providers.ports import DeliveryReport, OutgoingMessage, Sent

PROVIDER: Final = "smtp"
_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}")
_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")


class Security(StrEnum):
    """STARTTLS upgrades the connection or fails; TLS from the first byte; NONE is for a local relay."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class SmtpSettings(BaseModel):
    """`message_id_domain` is the right side of every Message-ID. `unsubscribe_url` must be https and take
    a POST (RFC 8058); the message's id is added to its query.
    """

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = Field(default=587, ge=1, le=65_535)
    security: Security = Security.STARTTLS
    username: str | None = None
    password: SecretStr | None = None
    from_address: str
    from_name: str = ""
    reply_to: str | None = None
    message_id_domain: str
    unsubscribe_url: str | None = None
    timeout: timedelta = Field(default=timedelta(seconds=30), gt=timedelta(0))


class SmtpMessenger:
    """`Messenger` for e-mail through one submission server.

    SMTP cannot be asked afterwards, so `can_look_up` is False: a message whose fate is UNKNOWN must be
    taken as sent.
    """

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    @property
    def can_look_up(self) -> bool:
        return False

    async def send(self, message: OutgoingMessage) -> Sent:
        """Hand the message over; until its content is on the wire nothing can have happened.

        The server may take its time to answer: the content is not given to it once the lawful window has closed.
        """
        began = monotonic()
        if message.channel is not Channel.EMAIL:
            raise refusal(PROVIDER, "not_email", WhatNext.SWITCH_CHANNEL, "only e-mail can be sent here")
        if message.valid_until is not None and message.valid_until <= message.at:
            raise _window_closed()
        mail = compose(message, self._settings)
        raw = mail.as_bytes(policy=SMTP_POLICY)
        client = aiosmtplib.SMTP(
            hostname=self._settings.host,
            port=self._settings.port,
            use_tls=self._settings.security is Security.TLS,
            start_tls=False,
            timeout=self._settings.timeout.total_seconds(),
        )
        failed: ProviderError | None = None
        stage = Stage.OPENING
        try:
            await client.connect()
            await client.ehlo()
            if self._settings.security is Security.STARTTLS:
                if not client.supports_extension("starttls"):
                    raise aiosmtplib.SMTPNotSupported("")
                await client.starttls()
                await client.ehlo()
            if self._settings.username is not None and self._settings.password is not None:
                if not client.supports_extension("auth"):
                    raise aiosmtplib.SMTPNotSupported("")
                await client.login(self._settings.username, self._settings.password.get_secret_value())
            await client.mail(self._settings.from_address)
            stage = Stage.RECIPIENT
            await client.rcpt(message.to)
            now = message.at + timedelta(seconds=monotonic() - began)
            if message.valid_until is not None and message.valid_until <= now:
                raise _window_closed()
            stage = Stage.CONTENT
            await client.data(raw)
        except aiosmtplib.SMTPResponseException as refused:
            failed = _refused(refused.code, refused.message, stage)
        except (aiosmtplib.SMTPException, OSError, UnicodeError, ValueError) as fault:
            failed = _broken(fault, stage)
        finally:
            client.close()
        if failed is not None:
            raise failed
        return Sent(provider=PROVIDER, provider_message_id=str(mail["Message-ID"]))

    async def look_up(self, message: OutgoingMessage, since: datetime, at: datetime) -> Sent | None:
        return None

    async def delivery_state(self, provider_message_id: str, at: datetime) -> DeliveryReport:
        raise refusal(PROVIDER, "cannot_look_up", WhatNext.TERMINAL, "SMTP tells nothing of a message once taken")


def _window_closed() -> ProviderError:
    return refusal(PROVIDER, WINDOW_CLOSED, WhatNext.LATER, "its lawful window has closed: ask for the next")


def compose(message: OutgoingMessage, settings: SmtpSettings) -> EmailMessage:
    """The mail as it goes out; its Message-ID is the same at every attempt."""
    mail = EmailMessage()
    try:
        mail["From"] = Address(settings.from_name, addr_spec=settings.from_address)
    except (ValueError, IndexError, MessageError):
        raise refusal(PROVIDER, "bad_sender", WhatNext.STOP_SENDER, "the sender address is not usable") from None
    try:
        mail["To"] = Address(addr_spec=message.to)
    except (ValueError, IndexError, MessageError):
        raise ProviderError(PROVIDER, "bad_address", reaction_to(553, None, Stage.RECIPIENT)) from None
    if not message.to.isascii():
        raise refusal(
            PROVIDER,
            "needs_smtputf8",
            WhatNext.TERMINAL,
            "an address beyond ASCII, which we do not send to",
            then=WhatNext.SWITCH_CHANNEL,
        )
    mail["Subject"] = " ".join((message.subject or "").split())
    mail["Date"] = format_datetime(message.at.astimezone(UTC))
    mail["Message-ID"] = f"<{_id_of(message)}@{settings.message_id_domain}>"
    if settings.reply_to is not None:
        mail["Reply-To"] = settings.reply_to
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Recobro-Loan"] = " ".join(message.loan_id.split())
    mail["X-Recobro-Lender"] = " ".join(message.lender.split())
    for name, value in thread_headers(message.answers).items():
        mail[name] = value
    for name, value in unsubscribe_headers(message.unsubscribe_url or _own_page(message, settings)).items():
        mail[name] = value
    try:
        mail.set_content(message.text)
        if message.html is not None:
            mail.add_alternative(message.html, subtype="html")
            shown = mail.get_payload(1)
            assert isinstance(shown, EmailMessage)
            for picture in (file for file in message.attachments if file.content_id is not None):
                kind, _, subtype = picture.media_type.partition("/")
                shown.add_related(
                    picture.content,
                    maintype=kind,
                    subtype=subtype,
                    cid=f"<{picture.content_id}>",
                    filename=picture.filename,
                    disposition="inline",
                )
        for file in (file for file in message.attachments if file.content_id is None):
            kind, _, subtype = file.media_type.partition("/")
            mail.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.filename)
    except UnicodeError:
        raise refusal(PROVIDER, "bad_text", WhatNext.TERMINAL, "the text is not valid Unicode") from None
    return mail


def _own_page(message: OutgoingMessage, settings: SmtpSettings) -> str | None:
    """The lender's own address to end mails, where one is configured; the message's id is added to it."""
    if settings.unsubscribe_url is None:
        return None
    joint = "&" if urlsplit(settings.unsubscribe_url).query else "?"
    return f"{settings.unsubscribe_url}{joint}{urlencode({'message': message.message_id})}"


def _id_of(message: OutgoingMessage) -> str:
    if _PLAIN_ID.fullmatch(message.message_id) and ".." not in message.message_id:
        return message.message_id.rstrip(".")
    return hashlib.sha256(message.message_id.encode()).hexdigest()


def _refused(code: int, text: str, stage: Stage) -> ProviderError:
    if code < 400:
        # aiosmtplib reports a lost connection or a stray answer this way.
        return _lost(stage)
    found = _ENHANCED.search(text)
    enhanced = found.group(0) if found else None
    return ProviderError(PROVIDER, enhanced or str(code), reaction_to(code, enhanced, stage))


def _broken(fault: Exception, stage: Stage) -> ProviderError:
    if isinstance(fault, aiosmtplib.SMTPNotSupported):
        return refusal(PROVIDER, "not_supported", WhatNext.STOP_SENDER, "the server lacks something our settings need")
    if any(isinstance(e, ssl.SSLCertVerificationError) for e in (fault, fault.__cause__, fault.__context__)):
        return refusal(PROVIDER, "bad_certificate", WhatNext.STOP_SENDER, "the server's certificate is not trusted")
    if isinstance(fault, (UnicodeError, ValueError)) and stage is not Stage.CONTENT:
        return refusal(PROVIDER, "bad_address", WhatNext.TERMINAL, "the address cannot be put on the wire")
    return _lost(stage)


def _lost(stage: Stage) -> ProviderError:
    if stage is Stage.CONTENT:
        return refusal(
            PROVIDER,
            "connection_lost",
            WhatNext.TERMINAL,
            "no answer after the content was begun; it may be out and cannot be looked up",
            effect=Effect.UNKNOWN,
        )
    return refusal(PROVIDER, "unreachable", WhatNext.RETRY, "no connection; nothing was sent")
