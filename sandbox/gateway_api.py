"""The payment gateway over HTTP: Stripe's forms and answers, and the page a person pays on."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from .clock import Moment
from .gateway import Gateway, GatewayError
from .life import Life
from .pages import payment_page
from .requests import form_of, moment_of, nested, refused
from .state import Loan
from .store import Json

PRICE_FIELDS = {
    "active", "billing_scheme", "currency", "currency_options", "custom_unit_amount", "expand", "lookup_key",
    "metadata", "nickname", "product", "product_data", "recurring", "tax_behavior", "tiers", "tiers_mode",
    "transfer_lookup_key", "transform_quantity", "unit_amount", "unit_amount_decimal",
}  # fmt: skip
LINK_FIELDS = {
    "after_completion", "allow_promotion_codes", "application_fee_amount", "application_fee_percent",
    "automatic_tax", "billing_address_collection", "consent_collection", "currency", "custom_fields",
    "custom_text", "customer_creation", "expand", "invoice_creation", "line_items", "metadata", "on_behalf_of",
    "payment_intent_data", "payment_method_collection", "payment_method_types", "phone_number_collection",
    "shipping_address_collection", "shipping_options", "submit_type", "subscription_data", "tax_id_collection",
    "transfer_data",
}  # fmt: skip
UPDATE_FIELDS = {
    "active", "after_completion", "allow_promotion_codes", "automatic_tax", "billing_address_collection",
    "custom_fields", "custom_text", "customer_creation", "expand", "invoice_creation", "line_items", "metadata",
    "payment_method_collection", "payment_method_types", "shipping_address_collection",
}  # fmt: skip


class GatewayApi:
    def __init__(self, gateway: Gateway, life: Life) -> None:
        self.gateway, self.life, self.world = gateway, life, gateway.world

    def routes(self) -> list[Route]:
        return [
            Route("/v1/prices", self.prices, methods=["POST"]),
            Route("/v1/payment_links", self.links, methods=["POST"]),
            Route("/v1/payment_links/{link}", self.update_link, methods=["POST"]),
            Route("/v1/payment_links/{link}", self.show_link, methods=["GET"]),
            Route("/v1/checkout/sessions", self.sessions, methods=["GET"]),
            Route("/v1/checkout/sessions/{session}", self.show_session, methods=["GET"]),
            Route("/v1/payment_intents/{intent}", self.show_intent, methods=["GET"]),
            Route("/v1/refunds", self.refunds, methods=["POST"]),
            Route("/v1/refunds", self.list_refunds, methods=["GET"]),
            Route("/pay/{link}", self.page, methods=["GET", "POST"]),
        ]

    async def prices(self, request: Request) -> Response:
        def make(tree: Json, key: str | None, now: Moment) -> Json:
            _only(tree, PRICE_FIELDS)
            currency = tree.get("currency")
            if not isinstance(currency, str) or len(currency) != 3 or currency != currency.lower():
                raise GatewayError(400, "Invalid currency", "parameter_missing", "currency")
            amount = _whole(tree, "unit_amount")
            if amount < 0:
                raise GatewayError(400, "Invalid non-negative integer", "parameter_invalid_integer", "unit_amount")
            data = tree.get("product_data")
            if "product" not in tree and not (isinstance(data, dict) and data.get("name")):
                raise GatewayError(
                    400, "You must specify either `product` or `product_data`", "parameter_missing", "product"
                )
            return self.gateway.create_price(currency, amount, tree.get("product"), _metadata(tree), now)

        return await self._post(request, make)

    async def links(self, request: Request) -> Response:
        def make(tree: Json, key: str | None, now: Moment) -> Json:
            _only(tree, LINK_FIELDS)
            items = tree.get("line_items")
            if not isinstance(items, dict) or not items:
                raise GatewayError(400, "Missing required param: line_items.", "parameter_missing", "line_items")
            if len(items) != 1 or not isinstance(item := next(iter(items.values())), dict):
                raise GatewayError(400, "This gateway takes one line item.", "parameter_invalid", "line_items")
            for field in ("price", "quantity"):
                if field not in item:
                    param = f"line_items[0][{field}]"
                    raise GatewayError(400, f"Missing required param: {param}.", "parameter_missing", param)
            _only(item, {"price", "quantity", "adjustable_quantity"}, "line_items[0]")
            quantity = _whole(item, "quantity")
            after = tree.get("after_completion")
            kinds = {"redirect", "hosted_confirmation"}
            if after is not None and (not isinstance(after, dict) or after.get("type") not in kinds):
                raise GatewayError(400, "Invalid after_completion[type]", "parameter_invalid", "after_completion[type]")
            return self.gateway.create_link(item["price"], quantity, _metadata(tree), after, key, now)

        return await self._post(request, make)

    async def refunds(self, request: Request) -> Response:
        def make(tree: Json, key: str | None, now: Moment) -> Json:
            _only(tree, {"payment_intent", "amount", "metadata", "reason"})
            if not isinstance(tree.get("payment_intent"), str):
                raise GatewayError(400, "One of charge or payment_intent", "parameter_missing", "payment_intent")
            return self.gateway.refund(tree["payment_intent"], _whole(tree, "amount"), _metadata(tree), now)

        return await self._post(request, make)

    async def list_refunds(self, request: Request) -> Response:
        def listed() -> Json:
            wanted = request.query_params.get("payment_intent")
            found = [one for one in reversed(self.gateway.refunds.values()) if wanted in (None, one["payment_intent"])]
            return _page(found, request, "refund", "/v1/refunds")

        return await self._get(request, listed)

    async def update_link(self, request: Request) -> Response:
        def change(tree: Json, key: str | None, now: Moment) -> Json:
            _only(tree, UPDATE_FIELDS)
            changes: Json = {}
            if "active" in tree:
                if tree["active"] not in {"true", "false"}:
                    raise GatewayError(400, "Invalid boolean: active", "parameter_invalid", "active")
                changes["active"] = tree["active"] == "true"
            if "metadata" in tree:
                changes["metadata"] = _metadata(tree)
            return self.gateway.update_link(request.path_params["link"], changes, now)

        return await self._post(request, change)

    async def show_link(self, request: Request) -> Response:
        return await self._get(request, lambda: self.gateway.link(request.path_params["link"])["object"])

    async def sessions(self, request: Request) -> Response:
        def listed() -> Json:
            link_id = request.query_params.get("payment_link")
            intent_id = request.query_params.get("payment_intent")
            if link_id is not None:
                self.gateway.link(link_id)
                ids = self.gateway.sessions_of_link.get(link_id, [])
            else:
                ids = list(self.gateway.sessions)
            found = [self.gateway.sessions[x] for x in reversed(ids)]
            after = request.query_params.get("starting_after")
            if after is not None:
                place = next((i for i, s in enumerate(found) if s["id"] == after), None)
                if place is None:
                    raise GatewayError(
                        400, f"No such checkout.session: '{after}'", "resource_missing", "starting_after"
                    )
                found = found[place + 1 :]
            if intent_id is not None:
                found = [s for s in found if s["payment_intent"] == intent_id]
            limit = _limit(request.query_params.get("limit", "10"))
            expand = [v for k, v in request.query_params.multi_items() if k.split("[")[0] == "expand"]
            return {
                "object": "list",
                "data": [self.gateway.expanded(s, [e.removeprefix("data.") for e in expand]) for s in found[:limit]],
                "has_more": len(found) > limit,
                "url": "/v1/checkout/sessions",
            }

        return await self._get(request, listed)

    async def show_session(self, request: Request) -> Response:
        return await self._get(
            request, lambda: _one(self.gateway.sessions, request.path_params["session"], "checkout.session")
        )

    async def show_intent(self, request: Request) -> Response:
        return await self._get(
            request, lambda: _one(self.gateway.intents, request.path_params["intent"], "payment_intent")
        )

    async def page(self, request: Request) -> Response:
        """The hosted page. Pressing the button pays at once, at the latest moment of the loan's clock."""
        link_id = request.path_params["link"]
        if link_id not in self.gateway.links:
            return HTMLResponse("<h1>This payment link does not exist.</h1>", 404)
        link = self.gateway.links[link_id]
        if request.method == "POST":
            if not link["object"]["active"]:
                return HTMLResponse(payment_page(link, "inactive"), 410)
            loan: Loan | None = self.world.loans.get(str(link["object"]["metadata"].get("loan_id", "")))
            now, dated = moment_of(request, self.world)
            at = loan.now if loan is not None and not dated else now
            self.life.hosted_payment(link_id, at)
            await self.world.announce(loan.loan_id if loan else None, at)
            await self.world.advance(loan.loan_id if loan else "-", at)
            return HTMLResponse(payment_page(link, "paid"))
        paid = any(
            self.gateway.sessions[s]["payment_status"] == "paid" for s in self.gateway.sessions_of_link.get(link_id, [])
        )
        state = "paid" if paid else "open" if link["object"]["active"] else "inactive"
        return HTMLResponse(payment_page(link, state))

    # --- the wire ---------------------------------------------------------------------------------------

    def _authorised(self, request: Request) -> None:
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "basic"} or not credential.strip():
            raise GatewayError(401, "You did not provide an API key.")

    async def _post(self, request: Request, make: Callable[[Json, str | None, Moment], Json]) -> Response:
        now, dated = moment_of(request, self.world)
        path = request.url.path
        loan: Loan | None = None
        try:
            self._authorised(request)
            kind = request.headers.get("content-type", "").partition(";")[0]
            form = await form_of(request)
            if form and kind != "application/x-www-form-urlencoded":
                raise GatewayError(400, "Invalid request: expected a form body (application/x-www-form-urlencoded).")
            key = request.headers.get("idempotency-key")
            if key is not None and len(key) > 255:
                raise GatewayError(400, "Idempotency key is too long: 255 at most.", kind="idempotency_error")
            if key is not None and (before := self.gateway.replayed(key, path, form, now)) is not None:
                return JSONResponse(before[1], before[0], headers={"Idempotent-Replayed": "true"})
            try:
                tree = nested(form)
            except ValueError as error:
                raise GatewayError(400, f"Invalid parameter: {error}", "parameter_invalid", str(error)) from None
            body = make(tree, key, now)
            loan = self.world.loans.get(str(body.get("metadata", {}).get("loan_id", "")))
            if key is not None:
                self.gateway.remember(key, path, form, 200, body, now)
        except GatewayError as error:
            return self._refuse(error, now)
        if loan is not None and dated:
            self.world.seen(loan, now)
        await self.world.announce(loan.loan_id if loan else None, now)
        return JSONResponse(body)

    async def _get(self, request: Request, make: Callable[[], Json]) -> Response:
        try:
            self._authorised(request)
            return JSONResponse(make())
        except GatewayError as error:
            return self._refuse(error, moment_of(request, self.world)[0])

    def _refuse(self, error: GatewayError, now: Moment) -> Response:
        refused(self.world, "stripe", f"{error.body['type']}: {error}", now)
        return JSONResponse({"error": error.body}, error.status)


def _one(kept: dict[str, Json], key: str, what: str) -> Json:
    if key not in kept:
        raise GatewayError(404, f"No such {what}: '{key}'", "resource_missing", "id")
    return kept[key]


def _page(found: list[Json], request: Request, what: str, url: str) -> Json:
    after = request.query_params.get("starting_after")
    if after is not None:
        place = next((i for i, one in enumerate(found) if one["id"] == after), None)
        if place is None:
            raise GatewayError(400, f"No such {what}: '{after}'", "resource_missing", "starting_after")
        found = found[place + 1 :]
    limit = _limit(request.query_params.get("limit", "10"))
    return {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": url}


def _limit(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 100:
        raise GatewayError(400, f"Invalid integer: {text}", "parameter_invalid_integer", "limit")
    return int(text)


def _only(tree: Json, known: set[str], where: str = "") -> None:
    for field in tree:
        if field not in known:
            param = f"{where}[{field}]" if where else field
            raise GatewayError(400, f"Received unknown parameter: {param}", "parameter_unknown", param)


def _whole(tree: Json, field: str) -> int:
    text = tree.get(field)
    if text is None:
        raise GatewayError(400, f"Missing required param: {field}.", "parameter_missing", field)
    try:
        return int(str(text))
    except ValueError:
        raise GatewayError(400, f"Invalid integer: {text}", "parameter_invalid_integer", field) from None


def _metadata(tree: Json) -> dict[str, str]:
    given = tree.get("metadata", {})
    if not isinstance(given, dict) or len(given) > 50:
        raise GatewayError(400, "Invalid metadata", "parameter_invalid", "metadata")
    for key, value in given.items():
        if len(key) > 40 or not isinstance(value, str) or len(value) > 500:
            raise GatewayError(400, f"Invalid metadata: {key}", "parameter_invalid", f"metadata[{key}]")
    return dict(given)
