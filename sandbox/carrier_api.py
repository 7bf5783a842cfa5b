"""The SMS carrier over HTTP: Twilio's Messages resource, 2010-04-01."""

import base64
import binascii
import re
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .carrier import Carrier, CarrierError
from .clock import Moment, iso, parse_http_date
from .life import Life
from .requests import form_of, moment_of, refused
from .store import Json
from .world import World

FIELDS = {
    "To", "StatusCallback", "ApplicationSid", "MaxPrice", "ProvideFeedback", "Attempt", "ValidityPeriod",
    "ForceDelivery", "ContentRetention", "AddressRetention", "SmartEncoded", "PersistentAction", "TrafficType",
    "ShortenUrls", "ScheduleType", "SendAt", "SendAsMms", "ContentVariables", "RiskCheck", "From", "FallbackFrom",
    "MessagingServiceSid", "Body", "MediaUrl", "ContentSid",
}  # fmt: skip
LONGEST_BODY = 1600
LONGEST_VALIDITY = 36000


class CarrierApi:
    def __init__(self, carrier: Carrier, life: Life) -> None:
        self.carrier, self.life, self.world = carrier, life, carrier.world

    def routes(self) -> list[Route]:
        base = "/2010-04-01/Accounts/{account}/Messages"
        return [
            Route(base + ".json", self.create, methods=["POST"]),
            Route(base + ".json", self.listed, methods=["GET"]),
            Route(base + "/{sid}.json", self.show, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        now, dated = moment_of(request, self.world)
        form: dict[str, str] = {}
        try:
            account = self._account(request)
            kind = request.headers.get("content-type", "").partition(";")[0]
            if kind != "application/x-www-form-urlencoded":
                raise CarrierError(21603, "The request body is not a form", 415)
            form = dict(await form_of(request))
            unknown = form.keys() - FIELDS
            if unknown:
                raise CarrierError(20001, f"Unknown parameter: {sorted(unknown)[0]}")
            sender = form.get("From") or form.get("MessagingServiceSid", "")
            if not form.get("To"):
                raise CarrierError(21604, "A 'To' phone number is required.")
            if not sender:
                raise CarrierError(21603, "A 'From' phone number is required.")
            if not form.get("Body"):
                raise CarrierError(21602, "Message body is required.")
            if len(form["Body"]) > LONGEST_BODY:
                raise CarrierError(21617, "The concatenated message body exceeds the 1600 character limit")
            sms, loan, arrives = self.carrier.accept(
                account,
                form["To"],
                sender,
                form["Body"],
                form.get("StatusCallback", ""),
                self._validity(form.get("ValidityPeriod")),
                now,
                form.get("MessagingServiceSid"),
            )
        except CarrierError as error:
            return self._refuse(error, now, form)
        if loan is not None:
            if dated:
                self.world.seen(loan, now)
            if arrives is not None:
                self.carrier.answers(sms, self.world.person_of_loan(loan), loan, arrives)
                self.life.reached(loan, arrives, now, "sms", sms.body)
        await self.world.announce(loan.loan_id if loan else None, now)
        return JSONResponse(self.carrier.resource(sms, now), 201)

    async def show(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            self._account(request)
            sms = self.carrier.messages.get(request.path_params["sid"])
            if sms is None:
                raise CarrierError(20404, f"The requested resource {request.url.path} was not found", 404)
        except CarrierError as error:
            return self._refuse(error, now)
        return JSONResponse(self.carrier.resource(sms, now))

    async def listed(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            account = self._account(request)
            query = request.query_params
            day, compare = None, ""
            for name, how in (("DateSent", ""), ("DateSent<", "<"), ("DateSent>", ">")):
                if name in query:
                    day, compare = self._day(query[name]), how
            size = min(1000, int(query.get("PageSize", "50")))
            page = int(query.get("Page", "0"))
        except CarrierError as error:
            return self._refuse(error, now)
        except ValueError:
            return self._refuse(CarrierError(20001, "Page and PageSize are whole numbers"), now)
        found = self.carrier.found(query.get("To"), query.get("From"), day, compare, now)
        shown = found[page * size : (page + 1) * size]
        asked = [(name, value) for name, value in query.multi_items() if name not in ("Page", "PageSize")]
        path = f"/2010-04-01/Accounts/{account}/Messages.json?{urlencode([*asked, ('PageSize', size)])}"
        body: Json = {
            "messages": [self.carrier.resource(sms, now) for sms in shown],
            "start": page * size,
            "end": page * size + max(0, len(shown) - 1),
            "page": page,
            "page_size": size,
            "uri": f"{path}&Page={page}",
            "first_page_uri": f"{path}&Page=0",
            "next_page_uri": f"{path}&Page={page + 1}" if len(found) > (page + 1) * size else None,
            "previous_page_uri": f"{path}&Page={page - 1}" if page else None,
        }
        return JSONResponse(body)

    @staticmethod
    def _day(text: str) -> str:
        if re.fullmatch(r"\d{4}-\d\d-\d\d.*", text):
            return text[:10]
        moment = parse_http_date(text)
        if moment is None:
            raise CarrierError(20001, f"DateSent: cannot read {text!r}")
        return iso(moment)[:10]

    @staticmethod
    def _validity(text: str | None) -> float | None:
        if text is None:
            return None
        if not text.isdigit() or not 1 <= int(text) <= LONGEST_VALIDITY:
            raise CarrierError(21628, "ValidityPeriod is a whole number of seconds, 1 to 36000")
        return float(text)

    def _account(self, request: Request) -> str:
        return account_of(request, self.world)

    def _refuse(self, error: CarrierError, now: Moment, form: dict[str, str] | None = None) -> Response:
        person = self.world.by_phone.get((form or {}).get("To", ""))
        loan = self.carrier.loan_for(person, (form or {}).get("StatusCallback", ""))
        loan_id = loan.loan_id if loan else None
        refused(self.world, "twilio", f"{error.body['code']}: {error}", now, loan_id)
        return JSONResponse(error.body, error.status)


def account_of(request: Request, world: World) -> str:
    """The account of the path, proven by HTTP Basic. Raises CarrierError."""
    account: str = request.path_params["account"]
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user, password = "", ""
    known = user == account or user.startswith("SK")
    token = world.targets.twilio_token
    if scheme.lower() != "basic" or not known or not password:
        raise CarrierError(20003, "Authenticate", 401)
    if user == account and token and password != token:
        raise CarrierError(20003, "Authenticate", 401)
    if not re.fullmatch(r"AC[0-9a-fA-F]{32}", account):
        raise CarrierError(20404, "The requested resource was not found", 404)
    return account
