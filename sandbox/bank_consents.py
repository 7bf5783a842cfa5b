"""The bank: Berlin Group XS2A 1.3, consents to read the borrowers' accounts."""

from datetime import date, timedelta
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from .bank_wire import BankError, answered, headers_of, json_of, refuse, request_id_of
from .chance import name
from .clock import Moment, iso, local
from .faults import confirmed_at
from .requests import moment_of
from .state import Consent, Person
from .store import Json
from .world import World

LONGEST_CONSENT_DAYS = 180
MOST_READS_A_DAY = 4


class BankConsents:
    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        return [
            Route("/v1/consents/{consent}/status", self.consent_status, methods=["GET"]),
            Route("/v1/consents/{consent}", self.consent, methods=["GET", "DELETE"]),
            Route("/v1/consents", self.create_consent, methods=["POST"]),
            Route("/sca/{consent}", self.sca_page, methods=["GET", "POST"]),
        ]

    async def create_consent(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            request_id_of(request)
            if "psu-ip-address" not in request.headers:
                raise BankError(400, "FORMAT_ERROR", "PSU-IP-Address is mandatory: the PSU gives consents")
            body = await json_of(request)
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
            return answered(request, answer, 201, {"Location": href, "ASPSP-SCA-Approach": "REDIRECT"})
        except BankError as error:
            return refuse(self.world, request, error, now)

    async def consent(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            request_id_of(request)
            consent = self._known(request.path_params["consent"])
            self._expire(consent, now)
            if request.method == "DELETE":
                if consent.status in {"received", "valid", "partiallyAuthorised"}:
                    consent.status, consent.last_action = "terminatedByTpp", iso(now)[:10]
                    self.world.save_consent(consent)
                    self.world.store.commit()
                return Response(status_code=204, headers=headers_of(request))
            self.world.store.commit()
            body = {
                "access": consent.access,
                "recurringIndicator": consent.recurring,
                "validUntil": consent.valid_until,
                "frequencyPerDay": consent.frequency_per_day,
                "lastActionDate": consent.last_action,
                "consentStatus": consent.status,
            }
            return answered(request, body)
        except BankError as error:
            return refuse(self.world, request, error, now)

    async def consent_status(self, request: Request) -> Response:
        now, _ = moment_of(request, self.world)
        try:
            request_id_of(request)
            consent = self._known(request.path_params["consent"])
            self._expire(consent, now)
            self.world.store.commit()
            return answered(request, {"consentStatus": consent.status})
        except BankError as error:
            return refuse(self.world, request, error, now)

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
                self._authorise(consent, moment_of(request, self.world)[0])
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

    def _authorise(self, consent: Consent, now: Moment) -> None:
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
        today = bank_day(self.world.people[consent.person_id], now)
        if consent.status == "valid" and today > consent.valid_until:
            consent.status = "expired"
            self.world.save_consent(consent)

    def for_read(self, request: Request, now: Moment) -> tuple[Consent, Person]:
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

    def count(self, consent: Consent, person: Person, now: Moment) -> None:
        """One unattended read of the bank's calendar day, which is that of the account holder's zone."""
        day = bank_day(person, now)
        done = consent.reads.get(day, 0)
        if done >= consent.frequency_per_day:
            raise BankError(429, "ACCESS_EXCEEDED", f"{done} reads on {day}")
        consent.reads[day] = done + 1
        for old in sorted(consent.reads)[:-3]:
            del consent.reads[old]
        self.world.save_consent(consent)


def bank_day(person: Person, now: Moment) -> str:
    """The bank's calendar day, which is that of the account holder's zone."""
    return local(now, person.timezone).date().isoformat()
