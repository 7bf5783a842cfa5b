"""The bank's payment interface: Berlin Group PIS 1.3, SEPA credit transfers the account holder confirms at the bank."""

import re
import uuid

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from .bank_wire import BankError, request_id_of
from .clock import Moment
from .faults import confirmed_at
from .life import Life
from .pages import simple_page
from .requests import moment_of, refused
from .state import Event, Loan
from .store import Json
from .world import World

AMOUNT = re.compile(r"[0-9]{1,14}(\.[0-9]{1,2})?")
SETTLES_AFTER = 3600.0
PRODUCTS = {"sepa-credit-transfers", "instant-sepa-credit-transfers"}


class BankPayments:
    def __init__(self, world: World, life: Life, base_url: str) -> None:
        self.world, self.life, self.base_url = world, life, base_url
        self.payments: dict[str, Json] = dict(world.store.load("transfer"))
        world.handlers["transfer"] = self._on_settle

    def routes(self) -> list[Route]:
        return [
            Route("/v1/payments/{product}", self.initiate, methods=["POST"]),
            Route("/v1/payments/{product}/{payment}/status", self.status, methods=["GET"]),
            Route("/sca-payment/{payment}", self.sca, methods=["GET", "POST"]),
        ]

    async def initiate(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            request_id = request_id_of(request)
            if "psu-ip-address" not in request.headers:
                raise BankError(400, "FORMAT_ERROR", "PSU-IP-Address is mandatory")
            if request.path_params["product"] not in PRODUCTS:
                raise BankError(404, "PRODUCT_UNKNOWN", "no such product")
            body = await _json(request)
            loan = self._checked(body)
        except BankError as error:
            return self._refuse(request, error, now)
        payment_id = self.world.new_id("pay-", 24, None)
        self.payments[payment_id] = {
            "id": payment_id,
            "status": "RCVD",
            "reference": body.get("endToEndIdentification"),
            "amount": body["instructedAmount"]["amount"],
            "loan_id": loan.loan_id if loan else None,
            "back": request.headers.get("tpp-redirect-uri"),
            "sorry": request.headers.get("tpp-nok-redirect-uri") or request.headers.get("tpp-redirect-uri"),
        }
        self._save(payment_id)
        self.world.store.log(
            "transfer_begun", now, loan.loan_id if loan else None, transfer=payment_id, reference=body.get(E2E)
        )
        self.world.store.commit()
        path = f"/v1/payments/{request.path_params['product']}/{payment_id}"
        answer = {
            "transactionStatus": "RCVD",
            "paymentId": payment_id,
            "_links": {
                **confirmed_at(self.world.faults, f"{self.base_url}/sca-payment/{payment_id}", self.base_url),
                "self": {"href": path},
                "status": {"href": f"{path}/status"},
            },
        }
        headers = {"X-Request-ID": request_id, "Location": path, "ASPSP-SCA-Approach": "REDIRECT"}
        return JSONResponse(answer, 201, headers=headers)

    async def status(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            request_id = request_id_of(request)
            if request.path_params["payment"] not in self.payments:
                raise BankError(404, "RESOURCE_UNKNOWN", "no such payment")
        except BankError as error:
            return self._refuse(request, error, now)
        known = self.payments[request.path_params["payment"]]
        return JSONResponse({"transactionStatus": known["status"]}, headers={"X-Request-ID": request_id})

    async def sca(self, request: Request) -> Response:
        """The bank's own page: the account holder confirms (POST) or declines (POST ?decline=1)."""
        known = self.payments.get(request.path_params["payment"])
        if known is None:
            return HTMLResponse(simple_page("There is no such payment"), 404)
        if request.method == "GET":
            return HTMLResponse(simple_page(f"Confirm {known['amount']} EUR?"))
        loan = self.world.loans.get(known["loan_id"] or "")
        now, dated = moment_of(request, self.world)
        at = loan.now if loan is not None and not dated else now
        if known["status"] == "RCVD":
            self._decide(known, loan, at, declined="decline" in request.query_params)
        back = known["sorry"] if known["status"] == "RJCT" else known["back"]
        return RedirectResponse(back, 303) if back else HTMLResponse(simple_page(known["status"]))

    def _decide(self, known: Json, loan: Loan | None, at: Moment, declined: bool) -> None:
        if declined:
            known["status"] = "CANC"
        elif loan is not None and self._balance(loan, at) < _minor(known):
            known["status"] = "RJCT"
        else:
            known["status"] = "ACSP"
            self.world.agenda.add(loan.loan_id if loan else "-", at + SETTLES_AFTER, "transfer", transfer=known["id"])
        self._save(known["id"])
        self.world.store.commit()

    def _on_settle(self, event: Event) -> None:
        known = self.payments[event.data["transfer"]]
        known["status"] = "ACSC"
        self._save(known["id"])
        loan = self.world.loans.get(known["loan_id"] or "")
        if loan is not None:
            self.life.paid_elsewhere(loan, _minor(known), event.at)
        self.world.store.log(
            "payment",
            event.at,
            known["loan_id"],
            payment_id=known["reference"],
            amount_minor=_minor(known),
            currency="EUR",
            via="transfer",
            service="bank",
        )

    def _checked(self, body: Json) -> Loan | None:
        amount = body.get("instructedAmount")
        if not isinstance(amount, dict) or amount.get("currency") != "EUR":
            raise BankError(400, "FORMAT_ERROR", "instructedAmount: in EUR")
        if not isinstance(amount.get("amount"), str) or not AMOUNT.fullmatch(amount["amount"]):
            raise BankError(400, "FORMAT_ERROR", "instructedAmount.amount: digits with a point")
        for field in ("debtorAccount", "creditorAccount"):
            account = body.get(field)
            if not isinstance(account, dict) or not re.fullmatch(r"[A-Z]{2}[0-9A-Z]{13,32}", str(account.get("iban"))):
                raise BankError(400, "FORMAT_ERROR", f"{field}: an IBAN is needed")
        if not isinstance(body.get("creditorName"), str):
            raise BankError(400, "FORMAT_ERROR", "creditorName is needed")
        iban = body["debtorAccount"]["iban"]
        holder = next((p for p in self.world.people.values() if p.iban == iban), None)
        if holder is None:
            raise BankError(400, "PAYMENT_FAILED", "no such account here")
        named = str(body.get("remittanceInformationUnstructured", "")).split()
        return self.world.loans.get(named[0]) if named else None

    def _balance(self, loan: Loan, at: Moment) -> float:
        return float(self.world.borrower(self.world.person_of_loan(loan)).account.at(at))

    def _save(self, payment_id: str) -> None:
        self.world.store.put("transfer", payment_id, self.payments[payment_id])

    def _refuse(self, request: Request, error: BankError, now: Moment) -> Response:
        refused(self.world, "bank", f"{error.code}: {error.text}", now)
        message = {"category": "ERROR", "code": error.code, "text": error.text}
        headers = {"X-Request-ID": request.headers.get("x-request-id", str(uuid.uuid4()))}
        return JSONResponse({"tppMessages": [message]}, error.status, headers=headers)


E2E = "endToEndIdentification"


def _minor(known: Json) -> int:
    whole, _, part = known["amount"].partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


async def _json(request: Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        raise BankError(400, "FORMAT_ERROR", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise BankError(400, "FORMAT_ERROR", "the body is not an object")
    return body
