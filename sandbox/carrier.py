"""The SMS carrier's books: messages, what becomes of them, and what people text back."""

import math
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from .carrier_inbox import CarrierInbox, TextIn, resource_in
from .chance import name, stream, unit
from .clock import DAY, HOUR, Moment, iso, rfc2822
from .state import Event, Loan, Person
from .store import Json
from .world import World

E164 = re.compile(r"\+[1-9]\d{7,14}")
ERRORS = {
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30036: "Validity Period Expired",
}
STOP_WORDS = {"es": "BAJA", "pt": "SAIR"}
WRONG_PERSON = {"es": "Se equivoca de persona", "pt": "Número errado", "en": "Wrong number"}
DEFAULT_VALIDITY = 4 * HOUR


class CarrierError(Exception):
    """Refused at once, in Twilio's error body."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }


@dataclass
class Sms:
    sid: str
    account: str
    to: str
    sender: str
    body: str
    created: Moment
    callback: str
    service: str | None
    steps: list[tuple[Moment, str, int | None]] = field(default_factory=list)  # moment, status, error

    def status_at(self, now: Moment) -> tuple[str, int | None, Moment]:
        status, error, since = "queued", None, self.created
        for moment, step, code in self.steps:
            if moment <= now:
                status, error, since = step, code, moment
        return status, error, since


class Carrier:
    def __init__(self, world: World) -> None:
        self.world = world
        self.messages: dict[str, Sms] = {}
        self.inbox = CarrierInbox(world.store)
        for sid, body in world.store.load("sms"):
            sms = Sms(**body)
            sms.steps = [(at, status, code) for at, status, code in sms.steps]
            self.messages[sid] = sms
        world.handlers["sms_status"] = self._on_status
        world.handlers["reply"] = self._on_reply

    def loan_for(self, person: Person | None, callback: str) -> Loan | None:
        """The loan a message is about: named in its callback's query, else the person's latest."""
        named = parse_qs(urlsplit(callback).query).get("loan", [""])[0]
        if named in self.world.loans:
            return self.world.loans[named]
        return self.world.latest_loan(person) if person else None

    def accept(
        self,
        account: str,
        to: str,
        sender: str,
        body: str,
        callback: str,
        validity: float | None,
        now: Moment,
        service: str | None = None,
    ) -> tuple[Sms, Loan | None, Moment | None]:
        """Takes a message on; tells it, its loan and when it arrives, if it does. Raises CarrierError."""
        world = self.world
        if not E164.fullmatch(to):
            raise CarrierError(21211, f"Invalid 'To' Phone Number: {to}")
        person = world.by_phone.get(to)
        loan = self.loan_for(person, callback)
        if person is not None and sender in person.stopped:
            raise CarrierError(21610, "Attempt to send to unsubscribed recipient")
        phone = world.borrower(person).phone if person else "dead"
        refuses = unit(world.seed, to, "landline") < 0.5
        if phone == "landline" and refuses:
            raise CarrierError(21614, f"To number: {to}, is not a mobile number")
        sid = world.new_id("SM", 32, loan)
        sms = Sms(sid, account, to, sender, body, now, callback, service)
        arrives = self._fate(sms, phone, validity or DEFAULT_VALIDITY, now)
        self.messages[sid] = sms
        world.store.put("sms", sid, sms)
        world.store.log(
            "sms",
            now,
            loan.loan_id if loan else None,
            to=to,
            **{"from": sender},
            body=body,
            person_id=person.person_id if person else None,
            sid=sid,
            status="queued",
        )
        for moment, status, code in sms.steps:
            world.agenda.add(loan.loan_id if loan else "-", moment, "sms_status", sid=sid, status=status, error=code)
        return sms, loan, arrives

    def _fate(self, sms: Sms, phone: str, validity: float, now: Moment) -> Moment | None:
        """Writes what will become of the message; tells when it arrives, if it does."""
        rng, n = stream(self.world.seed, sms.sid), self.world.odds.number
        sent = math.ceil(now + rng.uniform(1, 3))
        draw = rng.random()
        end: tuple[float, str, int | None]
        if phone == "dead":
            end = (sent + rng.uniform(2, 20), "undelivered", 30005)
        elif phone == "landline":
            end = (sent + rng.uniform(2, 20), "undelivered", 30006)
        elif draw < n("reach.sms_off"):
            end = (sent + rng.uniform(60, 600), "undelivered", 30003)
        else:
            wait = math.exp(rng.gauss(math.log(6), 0.7))
            if draw < n("reach.sms_off") + n("reach.sms_asleep"):
                wait = rng.uniform(0.5, 9) * HOUR
            end = (sent + wait, "delivered", None)
        if end[0] > now + validity:
            end = (max(sent, now + validity), "undelivered", 30036)
        at = math.ceil(end[0])
        sms.steps = [(sent, "sent", None), (at, end[1], end[2])]
        return at if end[1] == "delivered" else None

    def _on_status(self, event: Event) -> None:
        world, sms = self.world, self.messages[event.data["sid"]]
        status, code = event.data["status"], event.data["error"]
        loan = world.loans.get(event.loan_id)
        world.store.log(
            "sms_status", event.at, loan.loan_id if loan else None, sid=sms.sid, status=status, error_code=code
        )
        if not sms.callback:
            return
        params = {
            "AccountSid": sms.account,
            "ApiVersion": "2010-04-01",
            "From": sms.sender,
            "MessageSid": sms.sid,
            "MessageStatus": status,
            "SmsSid": sms.sid,
            "SmsStatus": status,
            "To": sms.to,
        }
        if code is not None:
            params["ErrorCode"] = str(code)
        world.webhook(
            loan,
            event.at,
            {
                "provider": "twilio",
                "url": sms.callback,
                "event_id": f"{sms.sid}:{status}",
                "type": status,
                "params": params,
            },
        )

    # --- what people text back --------------------------------------------------------------------------

    def answers(self, sms: Sms, person: Person, loan: Loan, arrives: Moment) -> None:
        """The person, or a stranger at their number, may text back."""
        world, n = self.world, self.world.odds.number
        loan.contacts.append(arrives)
        loan.contacts = loan.contacts[-50:]
        week = sum(1 for moment in loan.contacts if arrives - 7 * DAY < moment <= arrives)
        odds = n("reach.opt_out") + max(0, week - 3) * n("reach.opt_out_over_3_week")
        rng = stream(world.seed, sms.sid, "answer")
        after = arrives + math.exp(rng.gauss(math.log(600), 1))
        if rng.random() < odds:
            world.agenda.add(
                loan.loan_id, after, "reply", sender=sms.sender, body=STOP_WORDS.get(person.language, "STOP")
            )
        elif world.borrower(person).wrong_number and rng.random() < n("reach.wrong_number_says"):
            words = WRONG_PERSON.get(person.language, WRONG_PERSON["en"])
            world.agenda.add(loan.loan_id, after, "reply", sender=sms.sender, body=words)
        world.save(loan)

    def last_sender(self, person: Person) -> str:
        """The number that wrote to the person last."""
        senders = [m.sender for m in self.messages.values() if m.to == person.phone]
        return senders[-1] if senders else "+15005550006"

    def _on_reply(self, event: Event) -> None:
        loan = self.world.loans[event.loan_id]
        self.text_in(loan, event.data["sender"], event.data["body"], event.at)

    def text_in(self, loan: Loan, sender: str, body: str, at: Moment, meant: str | None = None) -> None:
        """A message from the person to one of the product's numbers. A stop word closes that number."""
        world = self.world
        person = world.person_of_loan(loan)
        if body.strip().upper() in {"STOP", *STOP_WORDS.values()} and sender not in person.stopped:
            person.stopped.append(sender)
            world.save_person(person)
        sid = world.new_id("SM", 32, loan)
        told = {"from": person.phone, "to": sender, "body": body, "sid": sid} | ({"meant": meant} if meant else {})
        world.store.log("inbound_sms", at, loan.loan_id, **told)
        account = next((m.account for m in self.messages.values() if m.to == person.phone), name("AC", 32, "sandbox"))
        self.inbox.keep(TextIn(sid, account, sender, person.phone, body, at))
        params = {
            "AccountSid": account,
            "ApiVersion": "2010-04-01",
            "Body": body,
            "From": person.phone,
            "MessageSid": sid,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": sender,
        }
        world.webhook(
            loan,
            at,
            {
                "provider": "twilio",
                "url": world.targets.twilio_url,
                "event_id": sid,
                "type": "received",
                "params": params,
            },
        )

    # --- what the API shows -----------------------------------------------------------------------------

    def resource(self, sms: Sms | TextIn, now: Moment) -> Json:
        """The message resource as the API shows it at `now`."""
        if isinstance(sms, TextIn):
            return resource_in(sms)
        status, code, since = sms.status_at(now)
        uri = f"/2010-04-01/Accounts/{sms.account}/Messages/{sms.sid}.json"
        sent = next((m for m, s, _ in sms.steps if s == "sent" and m <= now), None)
        return {
            "account_sid": sms.account,
            "api_version": "2010-04-01",
            "body": sms.body,
            "date_created": rfc2822(sms.created),
            "date_sent": rfc2822(sent) if sent is not None else None,
            "date_updated": rfc2822(since),
            "direction": "outbound-api",
            "error_code": code,
            "error_message": ERRORS.get(code) if code else None,
            "from": sms.sender or None,
            "messaging_service_sid": sms.service,
            "num_media": "0",
            "num_segments": str(-(-len(sms.body) // 153) if len(sms.body) > 160 else 1),
            "price": None,
            "price_unit": "USD",
            "sid": sms.sid,
            "status": status,
            "subresource_uris": {"media": uri.removesuffix(".json") + "/Media.json"},
            "to": sms.to,
            "uri": uri,
        }

    def found(
        self, to: str | None, sender: str | None, day: str | None, compare: str, now: Moment
    ) -> list[Sms | TextIn]:
        """Messages to a number, newest first; `day` (YYYY-MM-DD, UTC) with "", "<" or ">"."""
        came_in = [text for text in self.inbox.messages if int(text.created) <= now]
        chosen: list[Sms | TextIn] = []
        known: list[Sms | TextIn] = [*self.messages.values(), *came_in]
        for sms in reversed(known):
            if (to and sms.to != to) or (sender and sms.sender != sender):
                continue
            on = iso(sms.created)[:10]
            if day and not (on == day or (compare == "<" and on <= day) or (compare == ">" and on >= day)):
                continue
            chosen.append(sms)
        return sorted(chosen, key=lambda one: one.created, reverse=True)
