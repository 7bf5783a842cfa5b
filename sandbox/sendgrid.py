"""SendGrid over HTTP: Mail Send v3, and its signed events."""

import json
from email.message import EmailMessage

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .chance import stream
from .clock import Moment
from .mail import Mailroom
from .requests import moment_of, refused
from .state import Loan
from .store import Json
from .world import World

ALLOWED = {
    "personalizations", "from", "reply_to", "subject", "content", "attachments", "headers", "categories", "custom_args",
    "tracking_settings", "mail_settings", "asm", "send_at", "batch_id", "template_id", "sections", "ip_pool_name",
}  # fmt: skip


class SendGrid:
    """Takes mails as the mail server does, and tells what became of them by webhook."""

    def __init__(self, world: World, mailroom: Mailroom) -> None:
        self.world, self.mailroom = world, mailroom

    def routes(self) -> list[Route]:
        return [Route("/v3/mail/send", self.send, methods=["POST"])]

    async def send(self, request: Request) -> Response:
        now, dated = moment_of(request, self.world)
        if not request.headers.get("authorization", "").startswith("Bearer SG."):
            return self._refuse(401, "authorization required", None, now)
        try:
            told = json.loads(await request.body())
            problem = _problem(told)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return self._refuse(400, "Bad Request", None, now)
        if problem is not None:
            return self._refuse(400, problem[1], problem[0], now)
        envelope = told["personalizations"][0]
        address, args = envelope["to"][0]["email"], envelope.get("custom_args", {})
        person = self.world.by_email.get(address.lower())
        loan = self.mailroom.loan_named(str(args.get("loan", "")), person)
        named = self.world.new_id("", 22, loan)
        gone = person is not None and self.world.borrower(person).mailbox_dead
        if not gone:
            self.mailroom.take(address, _mail(told, str(args.get("message", named))), loan, now, dated)
        self._tell(loan, now, named, args, gone)
        await self.world.announce(loan.loan_id if loan else None, now)
        return Response(status_code=202, headers={"X-Message-Id": named})

    def _tell(self, loan: Loan | None, now: Moment, named: str, args: Json, gone: bool) -> None:
        """Bounced, or delivered and perhaps opened; each as a batch of one event."""
        rng, n = stream(self.world.seed, named, "mail"), self.world.odds.number
        events: list[tuple[float, Json]] = [(now + 20, {"event": "delivered", "response": "250 OK"})]
        if gone:
            events = [(now + 20, {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1"})]
        elif rng.random() < n("reach.email_open"):
            events.append((now + 20 + rng.expovariate(1 / 14_400), {"event": "open"}))
        for number, (at, event) in enumerate(events):
            body = [
                {
                    **event,
                    **args,
                    "timestamp": int(at),
                    "sg_event_id": f"{named}-{number}",
                    "sg_message_id": f"{named}.recvd-1",
                }
            ]
            self.world.webhook(
                loan,
                at,
                {
                    "provider": "sendgrid",
                    "url": self.world.targets.sendgrid_url,
                    "event_id": f"{named}:{event['event']}",
                    "type": event["event"],
                    "body": json.dumps(body) + "\r\n",
                },
            )

    def _refuse(self, status: int, message: str, field: str | None, now: Moment) -> Response:
        refused(self.world, "sendgrid", f"{status}: {message}", now)
        return JSONResponse({"errors": [{"message": message, "field": field, "help": None}]}, status)


def _problem(told: Json) -> tuple[str | None, str] | None:
    """The field that is wrong and why, as the service says it; None: it is taken."""
    if unknown := told.keys() - ALLOWED:
        return sorted(unknown)[0], "is not a valid parameter"
    for field in ("personalizations", "from", "subject", "content"):
        if not told.get(field):
            return field, f"The {field} field is required"
    address = told["personalizations"][0]["to"][0]["email"]
    if "@" not in address or " " in address:
        return "personalizations.0.to.0.email", "Does not contain a valid address."
    if told["content"][0]["type"] != "text/plain":
        return "content.0.type", "text/plain must come first"
    return None


def _mail(told: Json, message_id: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = told["from"]["email"], told["subject"]
    mail["Message-ID"] = f"<{message_id}@sendgrid.example>"
    mail.set_content(told["content"][0]["value"])
    return mail
