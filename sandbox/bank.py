"""The bank: Berlin Group XS2A 1.3, consents and balances of the borrowers' accounts."""

import uuid
from datetime import date, timedelta
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from .account import minor_digits
from .chance import name
from .clock import Moment, iso, local
from .faults import confirmed_at
from .requests import moment_of, refused
from .state import Consent, Person
from .store import Json
from .world import World, account_reference

LONGEST_CONSENT_DAYS = 180
MOST_READS_A_DAY = 4


class BankError(Exception):
    """Answered with tppMessages."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text


class Bank:
    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        return [
            Route("/v1/accounts/{account}/balances", self.balances, methods=["GET"]),
            Route("/v1/accounts/{account}/transactions", self.transactions, methods=["GET"]),
            Route("/v1/accounts", self.accounts, methods=["GET"]),
            Route("/v1/consents/{consent}/status", self.consent_status, methods=["GET"]),
            Route("/v1/consents/{consent}", self.consent, methods=["GET", "DELETE"]),
            Route("/v1/consents", self.create_consent, methods=["POST"]),
            Route("/sca/{consent}", self.sca_page, methods=["GET", "POST"]),
        ]

    # --- endpoints --------------------------------------------------------------------------------------

    async def balances(self, request: Request) -> Response:
        now, dated = moment_of(request, self.world)
        try:
            self._request_id(request)
            consent, person = self._consent_for_read(request, now)
            if request.path_params["account"] != person.bank_account:
                raise BankError(404, "RESOURCE_UNKNOWN", "no such account under this consent")
            attended = "psu-ip-address" in request.headers
            if not attended:
                self._count(consent, person, now)
            amount = self._amount(person, now)
            loan = self.world.latest_loan(person)
            if loan is not None and dated:
                self.world.seen(loan, now)
            self.world.store.log(
                "balance_read",
                now,
                loan.loan_id if loan else None,
                consent_id=consent.consent_id,
                attended=attended,
                amount_minor=amount,
                currency=person.currency,
            )
            self.world.store.commit()
            body = {"account": account_reference(person), "balances": self._balances(person, amount, now)}
            return self._answer(request, body)
        except BankError as error:
            return self._refuse(request, error, now)

    async def transactions(self, request: Request) -> Response:
        """Wages in and what was spent, a line for each day; only under a consent that names transactions."""
        now, _ = moment_of(request, self.world)
        try:
            self._request_id(request)
            consent, person = self._consent_for_read(request, now)
            if "transactions" not in consent.access:
                raise BankError(401, "CONSENT_INVALID", "the consent covers no transactions")
            if request.path_params["account"] != person.bank_account:
                raise BankError(404, "RESOURCE_UNKNOWN", "no such account under this consent")
            try:
                first = date.fromisoformat(request.query_params["dateFrom"])
                last = date.fromisoformat(request.query_params.get("dateTo", self._day(person, now)))
            except (KeyError, ValueError):
                raise BankError(400, "FORMAT_ERROR", "dateFrom: a day is expected") from None
            attended = "psu-ip-address" in request.headers
            if not attended:
                self._count(consent, person, now)
            loan = self.world.latest_loan(person)
            told = {"consent_id": consent.consent_id, "attended": attended}
            self.world.store.log("transactions_read", now, loan.loan_id if loan else None, **told)
            self.world.store.commit()
            account = f"/v1/accounts/{person.bank_account}"
            report = {"booked": self._booked(person, first, last, now), "_links": {"account": {"href": account}}}
            return self._answer(request, {"account": account_reference(person), "transactions": report})
        except BankError as error:
            return self._refuse(request, error, now)

    def _booked(self, person: Person, first: date, last: date, now: Moment) -> list[Json]:
        account, here = self.world.borrower(person).account, local(now, person.timezone)
        rows: list[Json] = []
        for ordinal in range(max(first.toordinal(), account.first), min(last.toordinal(), here.toordinal()) + 1):
            day = date.fromordinal(ordinal).isoformat()
            came = ordinal < here.toordinal() or here.hour + here.minute / 60 >= account.pay_hour_on(ordinal)
            moves = [int(account.pay_on(ordinal)) if came else 0, -int(account.spent_on(ordinal))]
            rows += [
                {
                    "transactionAmount": {"currency": person.currency, "amount": amount_text(move, person.currency)},
                    "bookingDate": day,
                    "valueDate": day,
                }
                for move in moves
                if move
            ]
        return rows

    async def accounts(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            self._request_id(request)
            consent, person = self._consent_for_read(request, now)
            if "psu-ip-address" not in request.headers:
                self._count(consent, person, now)
            account: Json = account_reference(person) | {
                "resourceId": person.bank_account,
                "name": "Current account",
                "cashAccountType": "CACC",
                "status": "enabled",
                "_links": {"balances": {"href": f"/v1/accounts/{person.bank_account}/balances"}},
            }
            if request.query_params.get("withBalance") == "true":
                account["balances"] = self._balances(person, self._amount(person, now), now)
            self.world.store.commit()
            return self._answer(request, {"accounts": [account]})
        except BankError as error:
            return self._refuse(request, error, now)

    async def create_consent(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            self._request_id(request)
            if "psu-ip-address" not in request.headers:
                raise BankError(400, "FORMAT_ERROR", "PSU-IP-Address is mandatory: the PSU gives consents")
            body = await self._json(request)
            consent = self._new_consent(
                body, request.headers.get("psu-id"), request.headers.get("tpp-redirect-uri"), now
            )
            href, here = f"/v1/consents/{consent.consent_id}", str(request.base_url).rstrip("/")
            answer = {
                "consentStatus": "received",
                "consentId": consent.consent_id,
                "_links": {
                    **confirmed_at(self.world.faults, f"{here}/sca/{consent.consent_id}", here),
                    "self": {"href": href},
                    "status": {"href": href + "/status"},
                },
            }
            self.world.store.commit()
            return self._answer(request, answer, 201, {"Location": href, "ASPSP-SCA-Approach": "REDIRECT"})
        except BankError as error:
            return self._refuse(request, error, now)

    async def consent(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            self._request_id(request)
            consent = self._known(request.path_params["consent"])
            self._expire(consent, now)
            if request.method == "DELETE":
                if consent.status in {"received", "valid", "partiallyAuthorised"}:
                    consent.status, consent.last_action = "terminatedByTpp", iso(now)[:10]
                    self.world.save_consent(consent)
                    self.world.store.commit()
                return Response(status_code=204, headers=self._headers(request))
            self.world.store.commit()
            body = {
                "access": consent.access,
                "recurringIndicator": consent.recurring,
                "validUntil": consent.valid_until,
                "frequencyPerDay": consent.frequency_per_day,
                "lastActionDate": consent.last_action,
                "consentStatus": consent.status,
            }
            return self._answer(request, body)
        except BankError as error:
            return self._refuse(request, error, now)

    async def consent_status(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            self._request_id(request)
            consent = self._known(request.path_params["consent"])
            self._expire(consent, now)
            self.world.store.commit()
            return self._answer(request, {"consentStatus": consent.status})
        except BankError as error:
            return self._refuse(request, error, now)

    async def sca_page(self, request: Request) -> Response:
        """Where the account holder is sent to agree."""
        consent = self.world.consents.get(request.path_params["consent"])
        if consent is None:
            return HTMLResponse("<h1>Unknown consent</h1>", 404)
        if request.method == "POST" and consent.status == "received":
            form = await request.form()
            if not consent.person_id:
                consent.person_id = str(form.get("person") or "")
            if form.get("answer") == "no":
                consent.status = "rejected"
                self.world.save_consent(consent)
            elif consent.person_id in self.world.people:
                self.authorise(consent, moment_of(request, self.world)[0])
            else:
                return HTMLResponse("<h1>Unknown account holder</h1>", 403)
            self.world.store.commit()
        who = "" if consent.person_id else '<label>Person <input name="person"></label>'
        button = (
            f'<form method="post">{who}<button>Allow reading my balance</button>'
            '<button name="answer" value="no">No</button></form>'
        )
        if consent.back is not None and request.method == "POST":
            return RedirectResponse(consent.back, 303)
        state = button if consent.status == "received" else f"<p>Consent: {escape(consent.status)}</p>"
        return HTMLResponse(f"<!doctype html><title>Sandbox bank</title><h1>Sandbox bank</h1>{state}")

    # --- rules ------------------------------------------------------------------------------------------

    def authorise(self, consent: Consent, now: Moment) -> None:
        """The person agrees: valid from now, and a recurring one ends the one before."""
        for other in self.world.consents.values():
            if other.person_id == consent.person_id and other.recurring and other.status == "valid":
                if consent.recurring:
                    other.status, other.last_action = "terminatedByTpp", iso(now)[:10]
                    self.world.save_consent(other)
        consent.status, consent.last_action = "valid", iso(now)[:10]
        self.world.save_consent(consent)

    def _new_consent(self, body: Json, psu_id: str | None, back: str | None, now: Moment) -> Consent:
        for field, kind in (
            ("access", dict),
            ("recurringIndicator", bool),
            ("validUntil", str),
            ("frequencyPerDay", int),
            ("combinedServiceIndicator", bool),
        ):
            if not isinstance(body.get(field), kind):
                raise BankError(400, "FORMAT_ERROR", f"{field}: missing or not a {kind.__name__}")
        try:
            until = date.fromisoformat(body["validUntil"])
        except ValueError:
            raise BankError(400, "FORMAT_ERROR", "validUntil: expected YYYY-MM-DD") from None
        today = date.fromisoformat(iso(now)[:10])
        if until < today:
            raise BankError(400, "FORMAT_ERROR", "validUntil: in the past")
        if body["frequencyPerDay"] < 1:
            raise BankError(400, "FORMAT_ERROR", "frequencyPerDay: at least 1")
        person_id = self._asked_for(body["access"], psu_id)
        serial = self.world.serial(None)
        consent = Consent(
            consent_id=name("con-", 24, self.world.seed, "consent", serial),
            person_id=person_id,
            status="received",
            valid_until=min(until, today + timedelta(days=LONGEST_CONSENT_DAYS)).isoformat(),
            frequency_per_day=min(MOST_READS_A_DAY, body["frequencyPerDay"]),
            recurring=body["recurringIndicator"],
            access=body["access"],
            last_action=iso(now)[:10],
            back=back,
        )
        self.world.consents[consent.consent_id] = consent
        self.world.save_consent(consent)
        return consent

    def _asked_for(self, access: Json, psu_id: str | None) -> str:
        """The person by an account in the request, else by PSU-ID (their person_id).

        Without accounts and PSU-ID nobody yet: whoever signs in at the bank picks theirs.
        """
        references = [r for k in ("accounts", "balances", "transactions") for r in access.get(k) or []]
        for person in self.world.people.values():
            if psu_id == person.person_id:
                return person.person_id
            for reference in references:
                if reference.get("iban") not in {None, person.iban}:
                    continue
                if person.iban is not None and reference.get("iban") == person.iban:
                    return person.person_id
                if reference.get("bban") == person.bban:
                    return person.person_id
        if psu_id is None and not references:
            return ""
        raise BankError(400, "FORMAT_ERROR", "access: no such account holder here")

    def _known(self, consent_id: str) -> Consent:
        if consent_id not in self.world.consents:
            raise BankError(403, "CONSENT_UNKNOWN", "this consent is not known")
        return self.world.consents[consent_id]

    def _expire(self, consent: Consent, now: Moment) -> None:
        if consent.person_id not in self.world.people:
            return
        today = self._day(self.world.people[consent.person_id], now)
        if consent.status == "valid" and today > consent.valid_until:
            consent.status = "expired"
            self.world.save_consent(consent)

    def _consent_for_read(self, request: Request, now: Moment) -> tuple[Consent, Person]:
        consent_id = request.headers.get("consent-id")
        if not consent_id:
            raise BankError(400, "FORMAT_ERROR", "Consent-ID is mandatory")
        if consent_id not in self.world.consents:
            raise BankError(403, "CONSENT_UNKNOWN", "this consent is not known")
        consent = self.world.consents[consent_id]
        self._expire(consent, now)
        if consent.status == "expired":
            raise BankError(401, "CONSENT_EXPIRED", f"valid until {consent.valid_until}")
        if consent.status != "valid":
            raise BankError(401, "CONSENT_INVALID", f"the consent is {consent.status}")
        return consent, self.world.people[consent.person_id]

    def _count(self, consent: Consent, person: Person, now: Moment) -> None:
        """One unattended read of the bank's calendar day, which is that of the account holder's zone."""
        day = self._day(person, now)
        done = consent.reads.get(day, 0)
        if done >= consent.frequency_per_day:
            raise BankError(429, "ACCESS_EXCEEDED", f"{done} reads on {day}")
        consent.reads[day] = done + 1
        for old in sorted(consent.reads)[:-3]:
            del consent.reads[old]
        self.world.save_consent(consent)

    @staticmethod
    def _day(person: Person, now: Moment) -> str:
        return local(now, person.timezone).date().isoformat()

    def _amount(self, person: Person, now: Moment) -> int:
        return int(self.world.borrower(person).account.at(now))

    def _balances(self, person: Person, amount: int, now: Moment) -> list[Json]:
        here = local(now, person.timezone)
        closing = int(self.world.borrower(person).account.closing(here.toordinal() - 1))

        def one(kind: str, minor: int, day: date) -> Json:
            return {
                "balanceAmount": {"currency": person.currency, "amount": amount_text(minor, person.currency)},
                "balanceType": kind,
                "referenceDate": day.isoformat(),
            }

        return [
            one("interimAvailable", amount, here.date()),
            one("expected", amount, here.date()),
            one("closingBooked", closing, here.date() - timedelta(days=1)),
        ]

    # --- the wire ---------------------------------------------------------------------------------------

    @staticmethod
    def _request_id(request: Request) -> None:
        try:
            uuid.UUID(request.headers["x-request-id"])
        except (KeyError, ValueError):
            raise BankError(400, "FORMAT_ERROR", "X-Request-ID: missing or not a UUID") from None

    @staticmethod
    async def _json(request: Request) -> Json:
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise BankError(415, "UNSUPPORTED_MEDIA_TYPE", "expected application/json")
        try:
            body = await request.json()
        except ValueError:
            raise BankError(400, "FORMAT_ERROR", "the body is not JSON") from None
        if not isinstance(body, dict):
            raise BankError(400, "FORMAT_ERROR", "the body is not an object")
        return body

    @staticmethod
    def _headers(request: Request) -> dict[str, str]:
        try:
            return {"X-Request-ID": str(uuid.UUID(request.headers["x-request-id"]))}
        except (KeyError, ValueError):
            return {"X-Request-ID": str(uuid.uuid4())}

    def _answer(
        self, request: Request, body: Json, status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        return JSONResponse(body, status, headers=self._headers(request) | (headers or {}))

    def _refuse(self, request: Request, error: BankError, now: Moment) -> Response:
        consent = self.world.consents.get(request.headers.get("consent-id", ""))
        person = self.world.people.get(consent.person_id) if consent else None
        loan = self.world.latest_loan(person) if person else None
        refused(self.world, "bank", f"{error.code}: {error.text}", now, loan.loan_id if loan else None)
        message = {"category": "ERROR", "code": error.code, "text": error.text}
        return JSONResponse({"tppMessages": [message]}, error.status, headers=self._headers(request))


def amount_text(minor: int, currency: str) -> str:
    """Minor units as a decimal text with the currency's digits."""
    digits = minor_digits(currency)
    sign = "-" if minor < 0 else ""
    return str(minor) if digits == 0 else f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"
