"""Calls over HTTP: Twilio's Calls resource, 2010-04-01."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .calls import Calls, is_url
from .carrier import CarrierError
from .carrier_api import account_of
from .requests import form_of, moment_of, refused

FIELDS = {
    "To", "From", "Url", "Method", "FallbackUrl", "FallbackMethod", "StatusCallback", "StatusCallbackEvent",
    "StatusCallbackMethod", "SendDigits", "Timeout", "Record", "MachineDetection", "MachineDetectionTimeout",
    "MachineDetectionSpeechThreshold", "MachineDetectionSpeechEndThreshold", "MachineDetectionSilenceTimeout",
    "AsyncAmd", "AsyncAmdStatusCallback", "Twiml", "CallReason", "CallerId", "TimeLimit",
}  # fmt: skip


class CallsApi:
    def __init__(self, calls: Calls) -> None:
        self.calls, self.world = calls, calls.world

    def routes(self) -> list[Route]:
        base = "/2010-04-01/Accounts/{account}/Calls"
        return [
            Route(base + ".json", self.create, methods=["POST"]),
            Route(base + ".json", self.listed, methods=["GET"]),
            Route(base + "/{sid}.json", self.show, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        now, dated = moment_of(request, self.world)
        form: dict[str, str] = {}
        try:
            account = account_of(request, self.world)
            form = dict(await form_of(request))
            if unknown := form.keys() - FIELDS:
                raise CarrierError(20001, f"Unknown parameter: {sorted(unknown)[0]}")
            if not form.get("To"):
                raise CarrierError(21201, "No 'To' number is specified")
            if not form.get("From"):
                raise CarrierError(21213, "No 'From' number is specified")
            if not is_url(form.get("Url", "")):
                raise CarrierError(21205, f"Url is not a valid URL: {form.get('Url', '')}")
            call = self.calls.place(
                form["To"],
                form["From"],
                form["Url"],
                form.get("StatusCallback", ""),
                form.get("MachineDetection", "") in ("Enable", "DetectMessageEnd"),
                account,
                now,
            )
        except CarrierError as error:
            person = self.world.by_phone.get(form.get("To", ""))
            loan = self.calls.loan_for(person, form.get("StatusCallback", ""))
            refused(self.world, "twilio", f"{error.body['code']}: {error}", now, loan.loan_id if loan else None)
            return JSONResponse(error.body, error.status)
        person = self.world.by_phone.get(call.to)
        loan = self.calls.loan_for(person, call.callback)
        if loan is not None and dated:
            self.world.seen(loan, now)
        await self.world.announce(loan.loan_id if loan else None, now)
        return JSONResponse(self.calls.resource(call), 201)

    async def listed(self, request: Request) -> Response:
        try:
            account = account_of(request, self.world)
        except CarrierError as error:
            return JSONResponse(error.body, error.status)
        to, query = request.query_params.get("To"), request.query_params
        size, page = min(1000, int(query.get("PageSize", "50"))), int(query.get("Page", "0"))
        found = [call for call in reversed(self.calls.calls.values()) if to in (None, call.to)]
        path = f"/2010-04-01/Accounts/{account}/Calls.json?PageSize={size}"
        return JSONResponse(
            {
                "calls": [self.calls.resource(call) for call in found[page * size : (page + 1) * size]],
                "page": page,
                "page_size": size,
                "next_page_uri": f"{path}&Page={page + 1}" if len(found) > (page + 1) * size else None,
                "uri": f"{path}&Page={page}",
            }
        )

    async def show(self, request: Request) -> Response:
        try:
            account_of(request, self.world)
        except CarrierError as error:
            return JSONResponse(error.body, error.status)
        call = self.calls.calls.get(request.path_params["sid"])
        if call is None:
            missing = CarrierError(20404, "The requested resource was not found", 404)
            return JSONResponse(missing.body, missing.status)
        return JSONResponse(self.calls.resource(call))
