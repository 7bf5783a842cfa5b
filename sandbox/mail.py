"""The mail sink: takes every message over SMTP, refuses dead mailboxes, keeps the rest to look at."""

import asyncio
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from .clock import Moment, iso, parse_http_date, wall
from .life import Life
from .state import Loan, Person
from .store import Json
from .world import World

KEPT = 5000


class Mailroom:
    """The handler of aiosmtpd, running in the world's own event loop."""

    def __init__(self, world: World, life: Life) -> None:
        self.world, self.life = world, life
        self.mails: list[Json] = sorted((b for _, b in world.store.load("mail")), key=lambda m: m["number"])

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        world = self.world
        slow = world.faults.strike("smtp", "latency")
        if slow is not None:
            await asyncio.sleep(slow.seconds if slow.seconds is not None else 1.0)
        if world.faults.strike("smtp", "429"):
            return "451 4.7.1 Greylisted, try again later"
        if world.faults.strike("smtp", "500"):
            return "554 5.3.0 Transaction failed"
        if world.faults.strike("smtp", "drop"):
            _cut(server)
            return "421 4.3.2 Closing"
        person = world.by_email.get(address.lower())
        if person is not None and world.borrower(person).mailbox_dead:
            world.store.log("refused", self._now(person), None, service="smtp", reason="550 mailbox unavailable")
            world.store.commit()
            return "550 5.1.1 The mailbox does not exist"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        world = self.world
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        message: EmailMessage = message_from_bytes(raw, policy=default)
        dated = parse_http_date(str(message["Date"])) if message["Date"] and not world.live else None
        at = dated if dated is not None else wall()
        named = str(message["X-Recobro-Loan"] or "").strip()
        for address in envelope.rcpt_tos:
            person = world.by_email.get(address.lower())
            loan = self.loan_named(named, person)
            self.take(address, message, loan, at, dated is not None or world.live)
            await world.announce(loan.loan_id if loan else None, at)
        if world.faults.strike("smtp", "lost_answer"):
            _cut(server)
        return "250 OK: queued"

    def take(self, address: str, message: EmailMessage, loan: Loan | None, at: Moment, dated: bool) -> None:
        """Keep a mail that was handed over, and let its reader find it."""
        text = _text_of(message)
        self._keep(address, message, text, loan, at)
        if loan is not None:
            if dated:
                self.world.seen(loan, at)
            self.life.reached(loan, at + 5, at, "email", text)

    def loan_named(self, named: str, person: Person | None) -> Loan | None:
        """The loan a mail names, else the person's latest."""
        if named in self.world.loans:
            return self.world.loans[named]
        return self.world.latest_loan(person) if person else None

    def _now(self, person: Person) -> Moment:
        loan = self.world.latest_loan(person)
        return loan.now if loan is not None and not self.world.live else wall()

    def _keep(self, address: str, message: EmailMessage, text: str, loan: Loan | None, at: Moment) -> None:
        subject, message_id = str(message["Subject"] or ""), str(message["Message-ID"] or "")
        mail: Json = {
            "number": (self.mails[-1]["number"] + 1) if self.mails else 1,
            "to": address,
            "from": str(message["From"] or ""),
            "subject": subject,
            "text": text,
            "attachments": [part.get_filename() for part in message.iter_attachments()],
            "message_id": message_id,
            "loan_id": loan.loan_id if loan else None,
            "at": iso(at),
        }
        self.mails.append(mail)
        self.world.store.put("mail", f"{mail['number']:012d}", mail)
        for old in self.mails[:-KEPT]:
            self.world.store.drop("mail", f"{old['number']:012d}")
        del self.mails[:-KEPT]
        self.world.store.log(
            "email",
            at,
            mail["loan_id"],
            to=address,
            subject=subject,
            text=text,
            message_id=message_id,
        )


def _text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    content: Any = part.get_content()
    return str(content).strip()


def _cut(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()


async def listen(mailroom: Mailroom, port: int) -> asyncio.Server:
    """Serves SMTP on 127.0.0.1 in the running loop."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: SMTP(mailroom, hostname="sandbox", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port
    )
