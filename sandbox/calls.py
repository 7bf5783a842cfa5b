"""The telephone: calls that ring, are answered by somebody or something, fetch what is said, and have keys pressed."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit
from xml.etree.ElementTree import Element  # nosec B405 # a type; defusedxml reads

import defusedxml.ElementTree as SafeTree
import httpx

from .carrier import E164, CarrierError
from .chance import stream
from .clock import DAY, Moment, http_date, local, rfc2822, wall
from .life import Life
from .state import Event, Loan, Person
from .store import Json
from .webhooks import twilio_signature
from .world import World

MOST_TURNS = 20
FINAL = {"completed", "busy", "no-answer", "failed", "canceled"}


@dataclass
class Call:
    sid: str
    account: str
    to: str
    sender: str
    url: str
    callback: str
    created: Moment
    machine_detection: bool
    status: str = "queued"
    seconds: int = 0
    answered_by: str | None = None


class Calls:
    def __init__(self, world: World, life: Life) -> None:
        self.world, self.life = world, life
        self.calls: dict[str, Call] = {sid: Call(**body) for sid, body in world.store.load("call")}
        world.slow_handlers["call"] = self._on_call
        self._client = httpx.AsyncClient(timeout=10, trust_env=False)

    def place(self, to: str, sender: str, url: str, callback: str, detection: bool, account: str, now: Moment) -> Call:
        """Takes a call on; it rings a moment later. Raises CarrierError."""
        world = self.world
        if not E164.fullmatch(to):
            raise CarrierError(21211, f"Invalid 'To' Phone Number: {to}")
        person = world.by_phone.get(to)
        loan = self.loan_for(person, callback)
        sid = world.new_id("CA", 32, loan)
        call = Call(sid, account, to, sender, url, callback, now, detection)
        self._keep(call)
        world.store.log(
            "call", now, loan.loan_id if loan else None, to=to, **{"from": sender}, sid=sid,
            person_id=person.person_id if person else None,
        )  # fmt: skip
        world.agenda.add(loan.loan_id if loan else "-", now + 5, "call", sid=sid)
        return call

    def loan_for(self, person: Person | None, callback: str) -> Loan | None:
        named = parse_qs(urlsplit(callback).query).get("loan", [""])[0]
        if named in self.world.loans:
            return self.world.loans[named]
        return self.world.latest_loan(person) if person else None

    def _keep(self, call: Call) -> None:
        self.calls[call.sid] = call
        self.world.store.put("call", call.sid, call)

    async def _on_call(self, event: Event) -> None:
        """Rings, and lives through the call if somebody answers."""
        world, call = self.world, self.calls[event.data["sid"]]
        loan = world.loans.get(event.loan_id)
        person = world.by_phone.get(call.to)
        call.status, call.answered_by = self._fate(call, person)
        if call.status == "completed":
            heard = await self._talk(call, person, event.at)
            if heard and loan is not None:
                self.life.reached(loan, event.at + call.seconds, event.at, "call", " ".join(heard))
        self._keep(call)
        ends = event.at + (call.seconds if call.status == "completed" else 25)
        world.store.log(
            "call_status", ends, event.loan_id if loan else None, sid=call.sid, status=call.status,
            answered_by=call.answered_by, seconds=call.seconds,
        )  # fmt: skip
        params = self._params(call) | {"CallDuration": str(call.seconds)}
        world.webhook(
            loan,
            ends,
            {"provider": "twilio", "url": call.callback, "event_id": f"{call.sid}:{call.status}",
             "type": call.status, "params": params},
        )  # fmt: skip

    def _fate(self, call: Call, person: Person | None) -> tuple[str, str | None]:
        n, draw = self.world.odds.number, stream(self.world.seed, call.sid, "rings").random()
        if person is None or self.world.borrower(person).phone == "dead":
            return "failed", None
        if draw < n("call.busy"):
            return "busy", None
        if draw < n("call.busy") + n("call.answered"):
            return "completed", "human"
        if draw < n("call.busy") + n("call.answered") + n("call.voicemail"):
            return "completed", "machine_end_beep"
        return "no-answer", None

    async def _talk(self, call: Call, person: Person | None, at: Moment) -> list[str]:
        """Fetches turn after turn; tells what was said once the right person was known."""
        rng, n = stream(self.world.seed, call.sid, "talks"), self.world.odds.number
        answered = {"AnsweredBy": call.answered_by or "unknown"} if call.machine_detection else {}
        url, fields, after_identity = call.url, answered, []
        identified = False
        for turn in range(MOST_TURNS):
            verbs = await self._fetch(call, url, fields, at + call.seconds)
            if verbs is None:
                break
            said = " ".join(text for verb in verbs.iter("Say") if (text := verb.text))
            call.seconds += 4 + len(said) // 15
            if identified:
                after_identity.append(said)
            gather = verbs.find("Gather")
            if gather is None or call.answered_by != "human" or person is None:
                break
            if turn == 0 and rng.random() < n("call.hangs_up"):
                break
            url = urljoin(url, str(gather.get("action", "")))
            keys = self._keys(urlsplit(url).path.rpartition("/")[2], person, rng, at)
            if keys is None:
                break
            identified = identified or url.rpartition("/")[2].startswith("identity")
            fields = {"Digits": keys}
            call.seconds += 3
        return after_identity

    def _keys(self, stage: str, person: Person, rng: Any, at: Moment) -> str | None:
        """What this person presses at a stage; None: they hang up."""
        n = self.world.odds.number
        if stage == "identity":
            wrong = self.world.borrower(person).wrong_number or rng.random() < n("call.mistypes")
            return "1900" if wrong else person.birth_year(self.world.seed)
        if stage == "day":
            day = local(at + rng.randint(1, 14) * DAY, person.timezone)
            return f"{day.day:02d}{day.month:02d}"
        draw = rng.random()
        for key, odds in (
            ("1", "call.pays_now"),
            ("2", "call.promises"),
            ("3", "call.wants_person"),
            ("9", "call.stop"),
        ):
            if draw < n(odds):
                return key
            draw -= n(odds)
        return None

    async def _fetch(self, call: Call, url: str, fields: dict[str, str], at: Moment) -> Element | None:
        params = self._params(call, "in-progress") | fields
        headers = {
            "Date": http_date(wall() if self.world.live else at),
            "X-Twilio-Signature": twilio_signature(self.world.targets.twilio_token, url, params),
        }
        try:
            answer = await self._client.post(url, data=params, headers=headers)
            if answer.status_code != 200:
                raise ValueError(f"status {answer.status_code}")
            root: Element = SafeTree.fromstring(answer.content)
            if root.tag != "Response":
                raise ValueError("no <Response>")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, SafeTree.ParseError) as error:
            self.world.store.log("refused", at, None, service="twiml", reason=f"{call.sid}: {error!r}"[:200])
            return None
        return root

    def _params(self, call: Call, status: str | None = None) -> dict[str, str]:
        return {
            "AccountSid": call.account,
            "ApiVersion": "2010-04-01",
            "CallSid": call.sid,
            "CallStatus": status or call.status,
            "Direction": "outbound-api",
            "From": call.sender,
            "To": call.to,
        }

    def resource(self, call: Call) -> Json:
        """The call resource as the API shows it."""
        path = f"/2010-04-01/Accounts/{call.account}/Calls/{call.sid}.json"
        over = call.status in FINAL
        return {
            "account_sid": call.account,
            "answered_by": call.answered_by,
            "api_version": "2010-04-01",
            "caller_name": None,
            "date_created": rfc2822(call.created),
            "date_updated": rfc2822(call.created),
            "direction": "outbound-api",
            "duration": str(call.seconds) if over else None,
            "end_time": rfc2822(call.created + call.seconds) if over else None,
            "from": call.sender,
            "from_formatted": call.sender,
            "group_sid": None,
            "parent_call_sid": None,
            "phone_number_sid": None,
            "price": None,
            "price_unit": "USD",
            "sid": call.sid,
            "start_time": rfc2822(call.created) if over else None,
            "status": call.status,
            "subresource_uris": {"recordings": path.removesuffix(".json") + "/Recordings.json"},
            "to": call.to,
            "to_formatted": call.to,
            "uri": path,
        }


def is_url(text: str) -> bool:
    return re.fullmatch(r"https?://[^\s/]+/\S*", text) is not None
