"""Conekta: payment links, the page that is paid on, orders, refunds and signed events."""

import json

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from .clock import Moment, iso
from .json_service import JsonService, Refused
from .life import Life
from .pages import simple_page
from .requests import moment_of
from .store import Json
from .world import World

METHODS = {"cash", "card", "bank_transfer", "bnpl", "pay_by_bank"}
DAY = 86_400


class Conekta(JsonService):
    name = "conekta"
    media_type = "application/vnd.conekta-v2.3.0+json"

    def __init__(self, world: World, life: Life, base_url: str) -> None:
        super().__init__(world, life, base_url)
        self.checkouts: dict[str, Json] = dict(world.store.load("conekta_checkout"))
        self.templates: dict[str, Json] = dict(world.store.load("conekta_template"))
        self.orders: dict[str, Json] = dict(world.store.load("conekta_order"))

    def routes(self) -> list[Route]:
        return [
            Route("/checkouts", self.create, methods=["POST"]),
            Route("/checkouts", self.list_links, methods=["GET"]),
            Route("/checkouts/{checkout}", self.show, methods=["GET"]),
            Route("/checkouts/{checkout}/cancel", self.cancel, methods=["PUT"]),
            Route("/conekta/pay/{checkout}", self.page, methods=["GET", "POST"]),
            Route("/orders", self.list_orders, methods=["GET"]),
            Route("/orders/{order}", self.order, methods=["GET"]),
            Route("/orders/{order}/refunds", self.refund, methods=["POST"]),
        ]

    def error(self, refusal: Refused) -> Json:
        details = [{"code": f"conekta.errors.{refusal.status}", "message": str(refusal)}]
        return {"details": details, "log_id": "0", "object": "error", "type": "parameter_validation_error"}

    # --- links ------------------------------------------------------------------------------------------

    async def create(self, request: Request) -> Response:
        def make(body: Json, now: Moment) -> tuple[int, Json]:
            amount = _checked(body, now)
            checkout_id = self.world.new_id("", 36, None)
            made: Json = {
                "id": checkout_id,
                "object": "checkout",
                "livemode": False,
                "name": body["name"],
                "type": "PaymentLink",
                "status": "Issued",
                "url": f"{self.base_url}/conekta/pay/{checkout_id}",
                "slug": checkout_id,
                "expires_at": body["expires_at"],
                "starts_at": int(now),
                "allowed_payment_methods": body.get("allowed_payment_methods", []),
                "needs_shipping_contact": False,
                "recurrent": False,
                "paid_payments_count": 0,
                "payments_limit_count": body.get("payments_limit_count", 1),
            }
            self.templates[checkout_id] = body["order_template"]
            self.world.store.put("conekta_template", checkout_id, body["order_template"])
            self._save(made)
            self.world.store.log(
                "link_created",
                now,
                str(body["order_template"].get("metadata", {}).get("loan_id", "")),
                link_id=checkout_id,
                amount_minor=amount,
                currency="MXN",
                idempotency_key=None,
                service=self.name,
            )
            return 200, made

        return await self.serve(request, make)

    async def list_links(self, request: Request) -> Response:
        wanted = request.query_params.get("search", "")
        return await self.serve(
            request, lambda _, now: (200, _listed([c for c in self.checkouts.values() if wanted in c["name"]]))
        )

    async def show(self, request: Request) -> Response:
        return await self.serve(request, lambda _, now: (200, self._known(request, now)))

    async def cancel(self, request: Request) -> Response:
        def make(_: Json, now: Moment) -> tuple[int, Json]:
            known = self._known(request, now)
            if known["status"] != "Issued":
                raise Refused(422, "this link cannot be cancelled")
            known["status"] = "Cancelled"
            self._save(known)
            loan_id = str(self.templates[known["id"]].get("metadata", {}).get("loan_id", ""))
            self.world.store.log("link_updated", now, loan_id, link_id=known["id"], active=False)
            return 200, known

        return await self.serve(request, make)

    async def page(self, request: Request) -> Response:
        known = self.checkouts.get(request.path_params["checkout"])
        if known is None:
            return HTMLResponse(simple_page("There is no such link"), 404)
        template = self.templates[known["id"]]
        loan = self.loan_of(template.get("metadata", {}).get("loan_id"))
        now, dated = moment_of(request, self.world)
        at = loan.now if loan is not None and not dated else now
        self._let_expire(known, at)
        if request.method == "GET":
            return HTMLResponse(simple_page(known["status"]))
        if known["status"] != "Issued":
            return HTMLResponse(simple_page("This link takes no payment"), 410)
        order = self._order_of(known, template, at)
        known |= {"status": "Paid", "paid_payments_count": 1}
        self._save(known)
        self._keep(order)
        self.paid(loan, order["amount"], at)
        self.world.store.log(
            "payment",
            at,
            loan.loan_id if loan else None,
            payment_id=order["id"],
            amount_minor=order["amount"],
            currency="MXN",
            via="link",
            link_id=known["id"],
            service=self.name,
        )
        self._event("charge.paid", order["charges"]["data"][0], order, at)
        self._event("order.paid", order, order, at)
        await self.tell(loan, at)
        return HTMLResponse(simple_page("Paid"))

    # --- orders -----------------------------------------------------------------------------------------

    async def list_orders(self, request: Request) -> Response:
        wanted = request.query_params.get("search", "")

        def make(_: Json, now: Moment) -> tuple[int, Json]:
            return 200, _listed([o for o in self.orders.values() if wanted in json.dumps(o["metadata"])])

        return await self.serve(request, make)

    async def order(self, request: Request) -> Response:
        return await self.serve(request, lambda _, now: (200, self._order(request)))

    async def refund(self, request: Request) -> Response:
        """As the real one, without any idempotency: asked twice it gives back twice."""

        def make(body: Json, now: Moment) -> tuple[int, Json]:
            order = self._order(request)
            amount = body.get("amount")
            if not isinstance(amount, int) or not isinstance(body.get("reason"), str):
                raise Refused(422, "amount and reason are needed")
            if not 0 < amount <= order["amount"] - order["amount_refunded"]:
                raise Refused(422, "more than is left of the order")
            order["amount_refunded"] += amount
            whole = order["amount_refunded"] == order["amount"]
            order["payment_status"] = "refunded" if whole else "partially_refunded"
            self._keep(order)
            self.world.store.log("refund", now, None, payment_id=order["id"], amount_minor=amount)
            self._event("order.refunded" if whole else "order.partially_refunded", order, order, now)
            return 200, order

        return await self.serve(request, make)

    # --- rules ------------------------------------------------------------------------------------------

    def _known(self, request: Request, now: Moment) -> Json:
        found = self.checkouts.get(request.path_params["checkout"])
        if found is None:
            raise Refused(404, "no such checkout")
        self._let_expire(found, now)
        return found

    def _let_expire(self, checkout: Json, now: Moment) -> None:
        if checkout["status"] == "Issued" and now >= checkout["expires_at"]:
            checkout["status"] = "Expired"
            self._save(checkout)

    def _order(self, request: Request) -> Json:
        found = self.orders.get(request.path_params["order"])
        if found is None:
            raise Refused(404, "no such order")
        return found

    def _order_of(self, checkout: Json, template: Json, at: Moment) -> Json:
        amount = sum(item["unit_price"] * item["quantity"] for item in template["line_items"])
        order_id = self.world.new_id("ord_", 17, None)
        charge: Json = {
            "id": self.world.new_id("", 24, None),
            "object": "charge",
            "livemode": False,
            "amount": amount,
            "currency": "MXN",
            "created_at": int(at),
            "paid_at": int(at),
            "status": "paid",
            "order_id": order_id,
        }
        return {
            "id": order_id,
            "object": "order",
            "livemode": False,
            "amount": amount,
            "amount_refunded": 0,
            "currency": "MXN",
            "created_at": int(at),
            "updated_at": int(at),
            "payment_status": "paid",
            "metadata": template.get("metadata", {}),
            "channel": {"segment": "Checkout", "checkout_request_id": checkout["id"]},
            "charges": {"object": "list", "has_more": False, "data": [charge]},
        }

    def _event(self, kind: str, thing: Json, order: Json, at: Moment) -> None:
        loan = self.loan_of(order["metadata"].get("loan_id"))
        event_id = self.world.new_id("", 24, loan)
        event = {"id": event_id, "object": "event", "livemode": False, "type": kind, "created_at": int(at)}
        body = event | {"data": {"object": thing, "previous_attributes": {}}}
        self.world.webhook(
            loan,
            at,
            {
                "provider": self.name,
                "url": self.world.targets.conekta_url,
                "event_id": event_id,
                "type": kind,
                "body": json.dumps(body),
                "occurred": iso(at),
            },
        )

    def _save(self, checkout: Json) -> None:
        self.checkouts[checkout["id"]] = checkout
        self.world.store.put("conekta_checkout", checkout["id"], checkout)

    def _keep(self, order: Json) -> None:
        self.orders[order["id"]] = order
        self.world.store.put("conekta_order", order["id"], order)


def _checked(body: Json, now: Moment) -> int:
    """The amount of a link that may be made."""
    for field in ("name", "type", "expires_at", "order_template", "recurrent"):
        if field not in body:
            raise Refused(422, f"{field} is needed")
    if body["type"] != "PaymentLink" or body["recurrent"] is not False:
        raise Refused(422, "only single payment links are made here")
    expires_at = body["expires_at"]
    if not isinstance(expires_at, int) or not now < expires_at <= now + 366 * DAY:
        raise Refused(422, "expires_at: at most a year ahead")
    if not set(body.get("allowed_payment_methods", [])) <= METHODS:
        raise Refused(422, "allowed_payment_methods")
    template = body["order_template"]
    items = template.get("line_items") if isinstance(template, dict) else None
    if not isinstance(items, list) or not items or template.get("currency") != "MXN":
        raise Refused(422, "order_template: line_items in MXN are needed")
    for item in items:
        price, quantity, name = item.get("unit_price"), item.get("quantity"), item.get("name")
        if not isinstance(price, int) or price <= 0 or not isinstance(quantity, int) or quantity < 1:
            raise Refused(422, "unit_price and quantity are whole numbers")
        if not isinstance(name, str) or len(name) < 3:
            raise Refused(422, "name: at least three letters")
    return sum(item["unit_price"] * item["quantity"] for item in items)


def _listed(rows: list[Json]) -> Json:
    return {"object": "list", "has_more": False, "data": rows[-20:]}
