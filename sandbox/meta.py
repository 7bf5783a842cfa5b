"""WhatsApp's books: templates, messages, what becomes of them, and what people write and send back."""

import base64
import hashlib
import json
import math
import re
from dataclasses import dataclass, field

from .carrier import E164, STOP_WORDS, WRONG_PERSON
from .chance import name, stream, unit
from .clock import DAY, HOUR, Moment
from .state import Event, Loan, Person
from .store import Json
from .wamid import wamid as wamid_of
from .world import World

PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
TITLES = {
    0: "AuthException",
    100: "Invalid parameter",
    130429: "Rate limit hit",
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131048: "Spam rate limit hit",
    131049: "Message not delivered to maintain healthy ecosystem engagement",
    132000: "Number of parameters does not match",
    132001: "Template name does not exist in the translation",
    132015: "Template is paused",
    132016: "Template is disabled",
    133010: "Phone number not registered",
}
# A grey pixel as JPEG: what a photo of a receipt is here.
PHOTO = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQ"
    "Ew8QEBD/yQALCAABAAEBAREA/8wABgAQEAX/2gAIAQEAAD8A0s8g/9k="
)


class MetaError(Exception):
    """Refused at once, in the Graph API's error body."""

    def __init__(self, code: int, details: str = "", status: int = 400) -> None:
        title = TITLES.get(code, "Something went wrong")
        super().__init__(f"{code}: {title}")
        self.code, self.status = code, status
        self.body: Json = {
            "error": {
                "message": f"(#{code}) {title}",
                "type": "OAuthException",
                "code": code,
                "error_data": {"messaging_product": "whatsapp", "details": details or title},
                "fbtrace_id": "A" + str(code),
            }
        }


@dataclass
class WhatsApp:
    wamid: str
    number: str  # the id of the business's number
    account: str
    to: str
    text: str
    template: str | None
    ours: str  # biz_opaque_callback_data
    created: Moment
    drawn: str = ""  # what chance has in store for the message hangs on it
    steps: list[tuple[Moment, str, int | None]] = field(default_factory=list)


class Meta:
    def __init__(self, world: World) -> None:
        self.world = world
        self.messages: dict[str, WhatsApp] = {}
        for wamid, body in world.store.load("whatsapp"):
            message = WhatsApp(**body)
            message.steps = [(at, status, code) for at, status, code in message.steps]
            self.messages[wamid] = message
        self.templates: dict[str, Json] = dict(world.store.load("whatsapp_template"))
        self.wrote: dict[str, Moment] = {phone: body["at"] for phone, body in world.store.load("whatsapp_window")}
        self.trouble: list[tuple[int, str]] = []  # the next errors: code, and whether in the answer or a status
        world.handlers["whatsapp_status"] = self._on_status
        world.handlers["whatsapp_reply"] = self._on_reply

    # --- templates --------------------------------------------------------------------------------------

    def submit(self, body: Json, now: Moment) -> Json:
        """Takes a template in and approves it at once. Raises MetaError."""
        given, language = str(body.get("name") or ""), str(body.get("language") or "")
        text = next(
            (str(c.get("text")) for c in body.get("components", []) if str(c.get("type")).upper() == "BODY"), ""
        )
        if not re.fullmatch(r"[a-z0-9_]{1,512}", given) or not language or not text:
            raise MetaError(100, "name, language and a BODY are needed")
        if text.strip().startswith("{{") or text.strip().endswith("}}"):
            raise MetaError(100, "a place at the start or end of the text")
        held = {
            "id": name("", 15, self.world.seed, given, language),
            "name": given,
            "language": language,
            "category": str(body.get("category") or "UTILITY").upper(),
            "status": "APPROVED",
            "components": [{"type": "BODY", "text": text}],
            "quality_score": {"score": "UNKNOWN"},
        }
        self._keep_template(held)
        self.world.store.log("whatsapp_template", now, None, name=given, language=language, status="APPROVED")
        return held

    def approve_all(self, given: list[Json]) -> None:
        """Templates that were handed in before the world began."""
        for one in given:
            if f"{one['name']}:{one['language']}" not in self.templates:
                body = {**one, "components": [{"type": "BODY", "text": one["text"]}]}
                self.submit(body, 0.0)
        self.world.store.commit()

    def _keep_template(self, held: Json) -> None:
        key = f"{held['name']}:{held['language']}"
        self.templates[key] = held
        self.world.store.put("whatsapp_template", key, held)

    def change_template(self, given: str, language: str, status: str, now: Moment) -> None:
        """Meta changes its mind about a template, and says so."""
        held = self.templates.get(f"{given}:{language}")
        if held is None:
            raise ValueError("template: not known here")
        held["status"] = status
        self._keep_template(held)
        told = {
            "event": status,
            "message_template_id": held["id"],
            "message_template_name": given,
            "message_template_language": language,
            "reason": "NONE",
        }
        self._tell(None, now, "message_template_status_update", told, f"template:{given}:{status}:{now}")

    def number_event(self, digits: str, event: str, now: Moment) -> None:
        told = {"display_phone_number": digits, "event": event, "current_limit": "TIER_2K"}
        self._tell(None, now, "phone_number_quality_update", told, f"number:{digits}:{event}:{now}")

    # --- messages ---------------------------------------------------------------------------------------

    def accept(self, number: str, account: str, body: Json, now: Moment) -> tuple[WhatsApp, Loan | None, Moment | None]:
        """Takes a message on; tells it, its loan and when it arrives, if it does. Raises MetaError."""
        world = self.world
        to = "+" + str(body.get("to") or "").lstrip("+")
        if body.get("messaging_product") != "whatsapp" or not E164.fullmatch(to):
            raise MetaError(100, "messaging_product or to")
        text, template = self._words(body)
        person = world.by_phone.get(to)
        loan = self._loan(person, text)
        if self.trouble and self.trouble[0][1] == "answer":
            raise MetaError(self.trouble.pop(0)[0])
        drawn = world.new_id("HB", 24, loan)
        wamid = wamid_of(to, drawn[2:], inbound=False)
        ours = str(body.get("biz_opaque_callback_data") or "")
        message = WhatsApp(wamid, number, account, to, text, template, ours, now, f"wamid.{drawn}")
        arrives = self._fate(message, person, now)
        self.messages[wamid] = message
        world.store.put("whatsapp", wamid, message)
        world.store.log(
            "whatsapp",
            now,
            loan.loan_id if loan else None,
            to=to,
            number=number,
            body=text,
            template=template,
            person_id=person.person_id if person else None,
            wamid=wamid,
        )
        for moment, status, code in message.steps:
            where = loan.loan_id if loan else "-"
            world.agenda.add(where, moment, "whatsapp_status", wamid=wamid, status=status, error=code)
        return message, loan, arrives

    def _words(self, body: Json) -> tuple[str, str | None]:
        if body.get("type") != "template":
            text = str((body.get("text") or {}).get("body") or "")
            if not text or len(text) > 4096:
                raise MetaError(100, "text.body")
            return text, None
        template = body["template"]
        held = self.templates.get(f"{template.get('name')}:{(template.get('language') or {}).get('code')}")
        if held is None or held["status"] in ("PENDING", "REJECTED", "DELETED"):
            raise MetaError(132001, status=404)
        if held["status"] in ("PAUSED", "DISABLED"):
            raise MetaError(132015 if held["status"] == "PAUSED" else 132016)
        text = str(held["components"][0]["text"])
        given = [p for c in template.get("components", []) if c.get("type") == "body" for p in c.get("parameters", [])]
        places = list(dict.fromkeys(PLACE.findall(text)))
        if len(given) != len(places):
            raise MetaError(132000, f"{len(given)} for {len(places)}")
        values = {}
        for place, one in zip(places, given, strict=True):
            value = str(one.get("text") or "")
            if not value or "\n" in value or "    " in value or one.get("parameter_name", place) not in places:
                raise MetaError(132012 if value else 131008)
            values[one.get("parameter_name", place)] = value
        return PLACE.sub(lambda found: values[found[1]], text), str(held["name"])

    def _loan(self, person: Person | None, text: str) -> Loan | None:
        """The loan a message names, else the person's latest."""
        if person is None:
            return None
        named = [loan_id for loan_id in person.loan_ids if re.search(rf"(?<!\w){re.escape(loan_id)}(?!\w)", text)]
        return self.world.loans[named[-1]] if named else self.world.latest_loan(person)

    def _fate(self, message: WhatsApp, person: Person | None, now: Moment) -> Moment | None:
        """Writes what will become of the message; tells when it arrives, if it does."""
        world, n = self.world, self.world.odds.number
        rng = stream(world.seed, message.drawn)
        sent = math.ceil(now + rng.uniform(0.5, 2))
        if self.trouble:
            message.steps = [(sent, "failed", self.trouble.pop(0)[0])]
            return None
        phone = world.borrower(person).phone if person else "dead"
        absent = unit(world.seed, message.to, "wa") < n("reach.wa_absent")
        if absent or phone in ("dead", "landline"):
            message.steps = [(sent, "failed", 131026)]
            return None
        if message.template is None and now - self.wrote.get(message.to, -math.inf) >= DAY:
            message.steps = [(sent, "failed", 131047)]
            return None
        wait = math.exp(rng.gauss(math.log(4), 0.8))
        if rng.random() < n("reach.wa_asleep"):
            wait = rng.uniform(0.5, 12) * HOUR
        at = math.ceil(sent + wait)
        message.steps = [(sent, "sent", None), (at, "delivered", None)]
        if rng.random() < n("reach.wa_read"):
            message.steps.append((math.ceil(at + math.exp(rng.gauss(math.log(300), 1.2))), "read", None))
        return at

    def _on_status(self, event: Event) -> None:
        world, message = self.world, self.messages[event.data["wamid"]]
        status, code = event.data["status"], event.data["error"]
        loan = world.loans.get(event.loan_id)
        where = loan.loan_id if loan else None
        world.store.log("whatsapp_status", event.at, where, wamid=message.wamid, status=status, error_code=code)
        told: Json = {
            "id": message.wamid,
            "status": status,
            "timestamp": str(int(event.at)),
            "recipient_id": message.to.lstrip("+"),
        }
        if message.ours:
            told["biz_opaque_callback_data"] = message.ours
        if code is not None:
            title = TITLES.get(code, "Something went wrong")
            told["errors"] = [{"code": code, "title": title, "message": title, "error_data": {"details": title}}]
        value = self._value(message.number) | {"statuses": [told]}
        self._tell(loan, event.at, "messages", value, f"{message.wamid}:{status}")

    # --- what people write back -------------------------------------------------------------------------

    def answers(self, message: WhatsApp, person: Person, loan: Loan, arrives: Moment) -> None:
        """The person, or a stranger at their number, may write back."""
        world, n = self.world, self.world.odds.number
        loan.contacts = [*loan.contacts, arrives][-50:]
        week = sum(1 for moment in loan.contacts if arrives - 7 * DAY < moment <= arrives)
        odds = n("reach.opt_out") + max(0, week - 3) * n("reach.opt_out_over_3_week")
        rng = stream(world.seed, message.drawn, "answer")
        after = arrives + math.exp(rng.gauss(math.log(600), 1))
        words = None
        if rng.random() < odds:
            words = STOP_WORDS.get(person.language, "STOP")
        elif world.borrower(person).wrong_number and rng.random() < n("reach.wrong_number_says"):
            words = WRONG_PERSON.get(person.language, WRONG_PERSON["en"])
        if words is not None:
            world.agenda.add(loan.loan_id, after, "whatsapp_reply", number=message.number, body=words)
        world.save(loan)

    def last_number(self, person: Person) -> str:
        """The number that wrote to the person last."""
        numbers = [m.number for m in self.messages.values() if m.to == person.phone]
        return numbers[-1] if numbers else "100000000000001"

    def _on_reply(self, event: Event) -> None:
        loan = self.world.loans[event.loan_id]
        self.write_in(loan, event.data["number"], {"type": "text", "text": {"body": event.data["body"]}}, event.at)

    def write_in(self, loan: Loan, number: str, content: Json, at: Moment, meant: str | None = None) -> None:
        """A message from the person to one of the product's numbers; it opens their window."""
        world = self.world
        person = world.person_of_loan(loan)
        self.wrote[person.phone] = at
        world.store.put("whatsapp_window", person.phone, {"at": at})
        own = world.new_id("", 24, loan)
        wamid = wamid_of(person.phone, own, inbound=True)
        digits = person.phone.lstrip("+")
        if content["type"] == "image":
            content["image"]["id"] = str(int(own, 16))[:16]
        told: Json = {"from": person.phone, "to": number, "content": content, "wamid": wamid} | (
            {"meant": meant} if meant else {}
        )
        world.store.log("inbound_whatsapp", at, loan.loan_id, **told)
        written = {"from": digits, "id": wamid, "timestamp": str(int(at)), **content}
        value = self._value(number) | {
            "contacts": [{"profile": {"name": person.name}, "wa_id": digits}],
            "messages": [written],
        }
        self._tell(loan, at, "messages", value, wamid)

    def photo(self, loan: Loan, at: Moment) -> None:
        """The person sends a photo of their receipt."""
        person = self.world.person_of_loan(loan)
        digest = base64.b64encode(hashlib.sha256(PHOTO).digest()).decode()
        image = {"caption": "", "mime_type": "image/jpeg", "sha256": digest, "id": ""}
        self.write_in(loan, self.last_number(person), {"type": "image", "image": image}, at)

    def _value(self, number: str) -> Json:
        metadata = {"display_phone_number": number, "phone_number_id": number}
        return {"messaging_product": "whatsapp", "metadata": metadata}

    def _tell(self, loan: Loan | None, at: Moment, about: str, value: Json, event_id: str) -> None:
        change = {"field": about, "value": value}
        entry = {"id": "100000000000000", "time": int(at), "changes": [change]}
        body = {"object": "whatsapp_business_account", "entry": [entry]}
        self.world.webhook(
            loan,
            at,
            {
                "provider": "meta",
                "url": self.world.targets.meta_url,
                "event_id": event_id,
                "type": about,
                "body": json.dumps(body),
            },
        )
