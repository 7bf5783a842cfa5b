"""Belvo's side: the widget in which people connect their account, links, accounts and balances."""

import base64
import uuid
from datetime import date
from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from .account import minor_digits
from .chance import unit
from .clock import Moment, iso, local
from .requests import moment_of, refused
from .state import Consent, Person
from .store import Json
from .world import World

FOREVER = "9999-12-31"


class BelvoError(Exception):
    """Answered as Belvo does: a list with one error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Belvo:
    """Whoever has the secret keys; any keys are good here, none are not."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._back: dict[str, str] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/api/token/", self.token, methods=["POST"]),
            Route("/belvo-widget/", self.widget, methods=["GET", "POST"]),
            Route("/api/links/{link}/", self.link, methods=["GET", "DELETE"]),
            Route("/api/accounts/", self.accounts, methods=["POST"]),
            Route("/api/balances/", self.balances, methods=["POST"]),
            Route("/api/transactions/", self.transactions, methods=["POST"]),
        ]

    async def token(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            body = await self._json(request)
            if not body.get("id") or not body.get("password"):
                raise BelvoError(401, "authentication_failed", "Invalid Secret Keys")
            access = uuid.uuid4().hex
            self._back[access] = str(body.get("widget", {}).get("callback_urls", {}).get("success", ""))
            return JSONResponse({"access": access, "refresh": uuid.uuid4().hex})
        except BelvoError as error:
            return self._refuse(error, now)

    async def widget(self, request: Request) -> Response:
        """A person signs in at their bank (`person`), and is sent back with the link's id."""
        now, _ = moment_of(request, self.world)
        asked = request.query_params
        back = self._back.get(asked.get("access_token", ""))
        if back is None:
            return HTMLResponse("<h1>This page has expired</h1>", 403)
        if request.method == "GET":
            page = '<form method="post"><label>Person <input name="person"></label><button>Connect</button></form>'
            return HTMLResponse(f"<!doctype html><title>Widget</title><h1>{escape('Connect your bank')}</h1>{page}")
        person_id = str((await request.form()).get("person") or "")
        if person_id not in self.world.people:
            return HTMLResponse("<h1>Unknown account holder</h1>", 403)
        link = Consent(
            consent_id=str(uuid.UUID(int=self._draw("link", person_id, self.world.serial(None)), version=4)),
            person_id=person_id,
            status="valid",
            valid_until=FOREVER,
            frequency_per_day=0,
            recurring=False,
            access={"belvo": asked.get("access_mode", "single"), "external_id": asked.get("external_id")},
            last_action=iso(now),
        )
        self.world.consents[link.consent_id] = link
        self.world.save_consent(link)
        self.world.store.commit()
        told = {"link": link.consent_id, "institution": "erebor_mx_retail"}
        return RedirectResponse(f"{back}?{urlencode(told)}", 303)

    async def link(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            self._authorised(request)
            link = self._known(request.path_params["link"])
            if request.method == "DELETE":
                del self.world.consents[link.consent_id]
                link.status = "deleted"
                self.world.save_consent(link)
                self.world.store.commit()
                return Response(status_code=204)
            return JSONResponse(
                {
                    "id": link.consent_id,
                    "institution": "erebor_mx_retail",
                    "access_mode": link.access["belvo"],
                    "last_accessed_at": link.last_action,
                    "created_at": link.last_action,
                    "external_id": link.access["external_id"],
                    "status": "valid" if link.status == "valid" else "invalid",
                    "created_by": str(uuid.UUID(int=1, version=4)),
                    "refresh_rate": None,
                }
            )
        except BelvoError as error:
            return self._refuse(error, now)

    async def accounts(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            self._authorised(request)
            link, person = self._readable((await self._json(request)).get("link"))
            return JSONResponse([self._account(link, person, now)], 201)
        except BelvoError as error:
            return self._refuse(error, now)

    async def balances(self, request: Request) -> Response:
        now, dated = moment_of(request, self.world)
        try:
            self._authorised(request)
            body = await self._json(request)
            for field in ("link", "date_from", "date_to"):
                if not isinstance(body.get(field), str):
                    raise BelvoError(400, "required", f"{field}: this field is required")
            link, person = self._readable(body["link"])
            today = local(now, person.timezone).date().isoformat()
            if not body["date_from"] <= body["date_to"] <= max(today, iso(now)[:10]):
                raise BelvoError(400, "invalid", "date_to: not after date_from, or in the future")
            account = self._account(link, person, now)
            if body.get("account") not in (None, account["id"]):
                return JSONResponse([], 201)
            loan = self.world.latest_loan(person)
            if loan is not None and dated:
                self.world.seen(loan, now)
            self.world.store.log(
                "balance_read",
                now,
                loan.loan_id if loan else None,
                consent_id=link.consent_id,
                attended=False,
                amount_minor=int(self.world.borrower(person).account.at(now)),
                currency=person.currency,
            )
            self.world.store.commit()
            row = {
                "id": str(uuid.uuid4()),
                "account": account,
                "value_date": today,
                "balance": account["balance"]["current"],
                "current_balance": account["balance"]["current"],
            }
            return JSONResponse([row], 200 if body.get("save_data") is False else 201)
        except BelvoError as error:
            return self._refuse(error, now)

    async def transactions(self, request: Request) -> Response:
        """Wages in and what was spent, a row for each day."""
        now, _ = moment_of(request, self.world)
        try:
            self._authorised(request)
            body = await self._json(request)
            for field in ("link", "date_from", "date_to"):
                if not isinstance(body.get(field), str):
                    raise BelvoError(400, "required", f"{field}: this field is required")
            link, person = self._readable(body["link"])
            account, here = self.world.borrower(person).account, local(now, person.timezone)
            try:
                first, last = (date.fromisoformat(body[name]).toordinal() for name in ("date_from", "date_to"))
            except ValueError:
                raise BelvoError(400, "invalid", "date_from, date_to: days are expected") from None
            rows: list[Json] = []
            for ordinal in range(max(first, account.first), min(last, here.toordinal()) + 1):
                came = ordinal < here.toordinal() or here.hour >= account.pay_hour_on(ordinal)
                moves = {"INFLOW": account.pay_on(ordinal) if came else 0.0, "OUTFLOW": account.spent_on(ordinal)}
                rows += [
                    {
                        "id": str(uuid.uuid4()),
                        "account": {"id": self._account(link, person, now)["id"]},
                        "value_date": date.fromordinal(ordinal).isoformat(),
                        "accounting_date": f"{date.fromordinal(ordinal).isoformat()}T12:00:00Z",
                        "amount": int(amount) / 10 ** minor_digits(person.currency),
                        "currency": person.currency,
                        "type": kind,
                        "status": "PROCESSED",
                    }
                    for kind, amount in moves.items()
                    if int(amount)
                ]
            loan = self.world.latest_loan(person)
            told = {"consent_id": link.consent_id, "attended": False}
            self.world.store.log("transactions_read", now, loan.loan_id if loan else None, **told)
            self.world.store.commit()
            return JSONResponse(rows, 200 if body.get("save_data") is False else 201)
        except BelvoError as error:
            return self._refuse(error, now)

    def _account(self, link: Consent, person: Person, now: Moment) -> Json:
        amount = int(self.world.borrower(person).account.at(now)) / 10 ** minor_digits(person.currency)
        return {
            "id": str(uuid.UUID(int=self._draw("account", person.person_id, 0), version=4)),
            "link": link.consent_id,
            "institution": {"name": "erebor_mx_retail", "type": "bank"},
            "collected_at": iso(now),
            "category": "CHECKING_ACCOUNT",
            "balance_type": "ASSET",
            "type": "Cuentas de efectivo",
            "name": "Cuenta",
            "number": "4057068115181",
            "balance": {"current": amount, "available": amount},
            "currency": person.currency,
            "public_identification_name": "CLABE",
            "public_identification_value": "150194683119900273",
            "last_accessed_at": iso(now),
            "credit_data": None,
            "loan_data": None,
        }

    def _readable(self, link_id: object) -> tuple[Consent, Person]:
        link = self._known(str(link_id))
        if link.status != "valid":
            raise BelvoError(400, "invalid_link", "The link has been invalidated. You may need to update credentials")
        return link, self.world.people[link.person_id]

    def _known(self, link_id: str) -> Consent:
        link = self.world.consents.get(link_id)
        if link is None or "belvo" not in link.access:
            raise BelvoError(404, "not_found", "Not found")
        return link

    def _draw(self, *key: str | int) -> int:
        return int(unit(self.world.seed, "belvo", *key) * 2**56) << 64

    @staticmethod
    def _authorised(request: Request) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic" or b":" not in base64.b64decode(given or ""):
            raise BelvoError(401, "authentication_failed", "Invalid Secret Keys")

    @staticmethod
    async def _json(request: Request) -> Json:
        try:
            body = await request.json()
        except ValueError:
            raise BelvoError(400, "parse_error", "the body is not JSON") from None
        if not isinstance(body, dict):
            raise BelvoError(400, "parse_error", "the body is not an object")
        return body

    def _refuse(self, error: BelvoError, now: Moment) -> Response:
        refused(self.world, "belvo", f"{error.code}: {error.message}", now)
        told = {"code": error.code, "message": error.message, "request_id": uuid.uuid4().hex}
        return JSONResponse([told], error.status)
