"""Mercado Pago: Checkout Pro preferences, the page that is paid on, payments, refunds and their notices."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from .account import minor_digits
from .clock import Moment, iso, parse_iso
from .json_service import JsonService, Refused
from .life import Life
from .pages import simple_page
from .requests import moment_of
from .store import Json
from .world import World

CURRENCIES = {"ARS", "BRL", "CLP", "COP", "MXN", "PEN", "UYU"}
WHOLE = {"CLP", "COP"}  # of these the real one takes no decimals, whatever ISO 4217 says
KEY_KEPT = 86_400  # seconds; the real one does not say how long, so nobody may count on more
PIX_WAITS = 3_600  # seconds a refund of part of a Pix payment is in process
METHODS = {  # by currency: what each kind of the page's buttons pays with
    "BRL": {"card": ("master", "credit_card"), "cash": ("bolbradesco", "ticket"), "transfer": ("pix", "bank_transfer")},
    "MXN": {"card": ("visa", "credit_card"), "cash": ("oxxo", "ticket"), "transfer": ("clabe", "bank_transfer")},
    "COP": {"card": ("visa", "credit_card"), "cash": ("efecty", "ticket"), "transfer": ("pse", "bank_transfer")},
}
OTHERWISE = {"card": ("visa", "credit_card"), "cash": ("cash", "ticket"), "transfer": ("transfer", "bank_transfer")}


class MercadoPago(JsonService):
    name = "mercadopago"

    def __init__(self, world: World, life: Life, base_url: str) -> None:
        super().__init__(world, life, base_url)
        self.preferences: dict[str, Json] = dict(world.store.load("mp_preference"))
        self.payments: dict[str, Json] = dict(world.store.load("mp_payment"))
        self.refunds: dict[str, Json] = dict(world.store.load("mp_refund"))

    def routes(self) -> list[Route]:
        return [
            Route("/checkout/preferences", self.create, methods=["POST"]),
            Route("/checkout/preferences/search", self.search, methods=["GET"]),
            Route("/checkout/preferences/{preference}", self.show, methods=["GET"]),
            Route("/checkout/preferences/{preference}", self.update, methods=["PUT"]),
            Route("/checkout/v1/redirect", self.page, methods=["GET", "POST"]),
            Route("/v1/payments/search", self.search_payments, methods=["GET"]),
            Route("/v1/payments/{payment:int}", self.payment, methods=["GET"]),
            Route("/v1/payments/{payment:int}/refunds", self.refund, methods=["POST"]),
            Route("/v1/payments/{payment:int}/refunds", self.list_refunds, methods=["GET"]),
        ]

    def error(self, refusal: Refused) -> Json:
        words = {400: "bad_request", 401: "unauthorized", 404: "not_found"}
        return {"status": refusal.status, "error": words.get(refusal.status, "error"), "message": str(refusal)}

    # --- preferences ------------------------------------------------------------------------------------

    async def create(self, request: Request) -> Response:
        def make(body: Json, now: Moment) -> tuple[int, Json]:
            total, currency = _checked(body)
            preference_id = self.world.new_id("100200300-", 24, None)
            address = f"{self.base_url}/checkout/v1/redirect?pref_id={preference_id}"
            made = body | {
                "id": preference_id,
                "init_point": address,
                "date_created": iso(now),
                "total_amount": total,
                "expires": bool(body.get("expires")),
                "collector_id": 100200300,
            }
            self._save(made)
            loan_id = str(body["items"][0].get("id", ""))
            if (loan := self.loan_of(loan_id)) is not None:
                loan.links.append(preference_id)
                self.world.save(loan)
            self.world.store.log(
                "link_created",
                now,
                loan_id,
                link_id=preference_id,
                amount_minor=_minor(total, currency),
                currency=currency,
                idempotency_key=None,
                service=self.name,
            )
            return 201, made

        return await self.serve(request, make)

    async def search(self, request: Request) -> Response:
        """As the real one: without the address, which only the whole preference has."""

        def make(_: Json, now: Moment) -> tuple[int, Json]:
            wanted = request.query_params.get("external_reference")
            found = [p["id"] for p in self.preferences.values() if wanted in (None, p.get("external_reference"))]
            return 200, {"elements": [{"id": each} for each in found], "total": len(found), "next_offset": len(found)}

        return await self.serve(request, make)

    async def show(self, request: Request) -> Response:
        return await self.serve(request, lambda _, now: (200, self._preference(request)))

    async def update(self, request: Request) -> Response:
        def make(body: Json, now: Moment) -> tuple[int, Json]:
            known = self._preference(request)
            _checked(body)
            changed = known | body
            self._save(changed)
            over = _expired(changed, now)
            self.world.store.log(
                "link_updated", now, str(known["items"][0].get("id", "")), link_id=known["id"], active=not over
            )
            return 200, changed

        return await self.serve(request, make)

    # --- payments ---------------------------------------------------------------------------------------

    async def page(self, request: Request) -> Response:
        """The hosted page: `method` card and transfer pay at once, cash leaves a voucher that is paid by a POST."""
        preference = self.preferences.get(request.query_params.get("pref_id", ""))
        if preference is None:
            return HTMLResponse(simple_page("There is no such preference"), 404)
        loan = self.loan_of(preference["items"][0].get("id"))
        now, dated = moment_of(request, self.world)
        at = loan.now if loan is not None and not dated else now
        if request.method == "GET":
            return HTMLResponse(simple_page("Closed" if _expired(preference, at) else "Pay"))
        if _expired(preference, at):
            return HTMLResponse(simple_page("This preference has expired"), 410)
        method = request.query_params.get("method", "card")
        payment = self._payment_of(preference, method, at)
        if method == "cash":
            self._keep(payment)
        else:
            self._approve(payment, at)
        await self.tell(loan, at)
        return HTMLResponse(simple_page(f"Payment {payment['id']}"))

    async def payment(self, request: Request) -> Response:
        def make(_: Json, now: Moment) -> tuple[int, Json]:
            return 200, self._known(request)

        return await self.serve(request, make)

    async def search_payments(self, request: Request) -> Response:
        def make(_: Json, now: Moment) -> tuple[int, Json]:
            query = request.query_params
            if "sort" not in query or query.get("criteria") not in ("asc", "desc"):
                raise Refused(400, "sort and criteria are needed")
            wanted = query.get("external_reference")
            found = [p for p in self.payments.values() if wanted in (None, p["external_reference"])]
            offset, limit = int(query.get("offset", 0)), int(query.get("limit", 30))
            paging = {"total": len(found), "limit": limit, "offset": offset}
            return 200, {"results": found[offset : offset + limit], "paging": paging}

        return await self.serve(request, make)

    async def refund(self, request: Request) -> Response:
        def make(body: Json, now: Moment) -> tuple[int, Json]:
            payment, key = self._known(request), request.headers.get("x-idempotency-key", "")
            known = self.refunds.get(key) if key else None
            if known is not None and now - parse_iso(known["date_created"]) < KEY_KEPT:
                return _answered(request, known, now)
            amount = body["amount"] if "amount" in body else payment["transaction_amount"]
            left = payment["transaction_amount"] - payment["transaction_amount_refunded"]
            waits = payment["payment_method_id"] == "pix" and amount < payment["transaction_amount"]
            if payment["status"] not in ("approved", "refunded") or not 0 < amount <= left + 1e-9:
                raise Refused(400, "this cannot be refunded")
            payment["transaction_amount_refunded"] = round(payment["transaction_amount_refunded"] + amount, 2)
            if payment["transaction_amount_refunded"] >= payment["transaction_amount"]:
                payment["status"] = "refunded"
            made = {"id": 7_000_000 + len(self.refunds), "payment_id": payment["id"], "amount": amount}
            made |= {"status": "in_process" if waits else "approved", "date_created": iso(now)}
            name = key if key and known is None else str(made["id"])
            self.refunds[name] = made
            self.world.store.put("mp_refund", name, made)
            self._keep(payment)
            minor = _minor(amount, payment["currency_id"])
            self.world.store.log("refund", now, None, payment_id=str(payment["id"]), amount_minor=minor)
            self._notice(payment, now)
            return _answered(request, made, now)

        return await self.serve(request, make)

    async def list_refunds(self, request: Request) -> Response:
        def make(_: Json, now: Moment) -> tuple[int, list[Json]]:
            payment = self._known(request)
            of_payment = [_by_then(each, now) for each in self.refunds.values() if each["payment_id"] == payment["id"]]
            return 200, [each for each in of_payment if each["status"] != "in_process" or _shows_in_process(request)]

        return await self.serve(request, make)

    def voucher_paid(self, payment_id: str, at: Moment) -> None:
        """The borrower pays a voucher over the counter."""
        self._approve(self.payments[payment_id], at)

    def asks(self, link_id: str) -> int | None:
        """What a preference asks for in minor units while it takes money: until it expires by its date."""
        preference = self.preferences.get(link_id)
        if preference is None:
            return None
        item = preference["items"][0]
        loan = self.loan_of(item.get("id"))
        if loan is None or _expired(preference, loan.now):
            return None
        return _minor(preference["total_amount"], item["currency_id"])

    def pay_now(self, link_id: str, at: Moment) -> None:
        """The borrower opens the page and pays by transfer, which in Brazil is Pix."""
        self._approve(self._payment_of(self.preferences[link_id], "transfer", at), at)

    # --- rules ------------------------------------------------------------------------------------------

    def _preference(self, request: Request) -> Json:
        found = self.preferences.get(request.path_params["preference"])
        if found is None:
            raise Refused(404, "no such preference")
        return found

    def _known(self, request: Request) -> Json:
        found = self.payments.get(str(request.path_params["payment"]))
        if found is None:
            raise Refused(404, "Payment not found")
        return found

    def _payment_of(self, preference: Json, method: str, at: Moment) -> Json:
        item = preference["items"][0]
        kinds = METHODS.get(item["currency_id"], OTHERWISE)
        if method not in kinds:
            raise ValueError(method)
        method_id, type_id = kinds[method]
        return {
            "id": 80_000_000_000 + len(self.payments) + 1,
            "date_created": iso(at),
            "operation_type": "regular_payment",
            "payment_method_id": method_id,
            "payment_type_id": type_id,
            "status": "pending",
            "status_detail": "pending_waiting_payment",
            "currency_id": item["currency_id"],
            "external_reference": preference.get("external_reference", ""),
            "transaction_amount": preference["total_amount"],
            "transaction_amount_refunded": 0,
            "captured": True,
            "additional_info": {"items": [item]},
        }

    def _approve(self, payment: Json, at: Moment) -> None:
        payment |= {"status": "approved", "status_detail": "accredited", "date_approved": iso(at)}
        self._keep(payment)
        loan = self.loan_of(payment["additional_info"]["items"][0].get("id"))
        minor = _minor(payment["transaction_amount"], payment["currency_id"])
        self.paid(loan, minor, at)
        self.world.store.log(
            "payment",
            at,
            loan.loan_id if loan else None,
            payment_id=str(payment["id"]),
            amount_minor=minor,
            currency=payment["currency_id"],
            via="link",
            link_id=next(
                (
                    key
                    for key, one in self.preferences.items()
                    if one.get("external_reference") == payment["external_reference"]
                ),
                None,
            ),
            method=payment["payment_method_id"],
            service=self.name,
        )
        self._notice(payment, at)

    def _notice(self, payment: Json, at: Moment) -> None:
        url = self.world.targets.mercadopago_url
        loan = self.loan_of(payment["additional_info"]["items"][0].get("id"))
        notice_id = self.world.new_id("", 20, loan)
        body = {"action": "payment.updated", "type": "payment", "data": {"id": str(payment["id"])}}
        self.world.webhook(
            loan,
            at,
            {
                "provider": self.name,
                "url": f"{url}?data.id={payment['id']}&type=payment" if url else "",
                "event_id": notice_id,
                "about": str(payment["id"]),
                "type": "payment",
                "body": json.dumps(body),
                "occurred": iso(at),
            },
        )

    def _save(self, preference: Json) -> None:
        self.preferences[preference["id"]] = preference
        self.world.store.put("mp_preference", preference["id"], preference)

    def _keep(self, payment: Json) -> None:
        self.payments[str(payment["id"])] = payment
        self.world.store.put("mp_payment", str(payment["id"]), payment)


def _by_then(refund: Json, now: Moment) -> Json:
    over = refund["status"] == "in_process" and now - parse_iso(refund["date_created"]) >= PIX_WAITS
    return refund | {"status": "approved"} if over else refund


def _shows_in_process(request: Request) -> bool:
    return request.headers.get("x-render-in-process-refunds") == "true"


def _answered(request: Request, refund: Json, now: Moment) -> tuple[int, Json]:
    """As the real one: a refund under way is an error to who does not ask to be shown it, though it is made."""
    refund = _by_then(refund, now)
    if refund["status"] == "in_process" and not _shows_in_process(request):
        raise Refused(400, "the refund is in process")
    return 201, refund


def _checked(body: Json) -> tuple[float, str]:
    """Total and currency of a preference's items."""
    items = body.get("items")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise Refused(400, "items needed")
    item = items[0]
    price, currency = item.get("unit_price"), item.get("currency_id")
    if not isinstance(item.get("title"), str) or not isinstance(item.get("quantity"), int):
        raise Refused(400, "title and quantity are needed")
    if not isinstance(price, int | float) or isinstance(price, bool) or price <= 0:
        raise Refused(400, "unit_price invalid")
    if currency not in CURRENCIES:
        raise Refused(400, "currency_id invalid")
    if currency in WHOLE and price != int(price):
        raise Refused(400, f"Prices in {currency} currency must be expressed with integer values")
    return price * item["quantity"], str(currency)


def _expired(preference: Json, now: Moment) -> bool:
    until: Any = preference.get("expiration_date_to")
    # What is asked for by a caller whose clock is told in whole seconds is over within that second.
    return bool(preference.get("expires") and until and int(now) >= int(parse_iso(str(until))))


def _minor(amount: float, currency: str) -> int:
    return round(amount * int(10 ** minor_digits(currency)))
