"""The bank: Berlin Group XS2A 1.3, balances and transactions of the borrowers' accounts."""

from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .account import amount_text
from .bank_consents import BankConsents, bank_day
from .bank_wire import BankError, answered, refuse, request_id_of
from .clock import Moment, local
from .requests import moment_of
from .state import Person
from .store import Json
from .world import World, account_reference


class BankAccounts:
    def __init__(self, world: World, consents: BankConsents) -> None:
        self.world = world
        self._consents = consents

    def routes(self) -> list[Route]:
        return [
            Route("/v1/accounts/{account}/balances", self.balances, methods=["GET"]),
            Route("/v1/accounts/{account}/transactions", self.transactions, methods=["GET"]),
            Route("/v1/accounts", self.accounts, methods=["GET"]),
        ]

    async def balances(self, request: Request) -> Response:
        now, dated = moment_of(request, self.world)
        try:
            request_id_of(request)
            consent, person = self._consents.for_read(request, now)
            if request.path_params["account"] != person.bank_account:
                raise BankError(404, "RESOURCE_UNKNOWN", "no such account under this consent")
            attended = "psu-ip-address" in request.headers
            if not attended:
                self._consents.count(consent, person, now)
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
            return answered(request, body)
        except BankError as error:
            return refuse(self.world, request, error, now)

    async def transactions(self, request: Request) -> Response:
        """Wages in and what was spent, a line for each day; only under a consent that names transactions."""
        now, _ = moment_of(request, self.world)
        try:
            request_id_of(request)
            consent, person = self._consents.for_read(request, now)
            if "transactions" not in consent.access:
                raise BankError(401, "CONSENT_INVALID", "the consent covers no transactions")
            if request.path_params["account"] != person.bank_account:
                raise BankError(404, "RESOURCE_UNKNOWN", "no such account under this consent")
            try:
                first = date.fromisoformat(request.query_params["dateFrom"])
                last = date.fromisoformat(request.query_params.get("dateTo", bank_day(person, now)))
            except (KeyError, ValueError):
                raise BankError(400, "FORMAT_ERROR", "dateFrom: a day is expected") from None
            attended = "psu-ip-address" in request.headers
            if not attended:
                self._consents.count(consent, person, now)
            loan = self.world.latest_loan(person)
            told = {"consent_id": consent.consent_id, "attended": attended}
            self.world.store.log("transactions_read", now, loan.loan_id if loan else None, **told)
            self.world.store.commit()
            account = f"/v1/accounts/{person.bank_account}"
            report = {"booked": self._booked(person, first, last, now), "_links": {"account": {"href": account}}}
            return answered(request, {"account": account_reference(person), "transactions": report})
        except BankError as error:
            return refuse(self.world, request, error, now)

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
            request_id_of(request)
            consent, person = self._consents.for_read(request, now)
            if "psu-ip-address" not in request.headers:
                self._consents.count(consent, person, now)
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
            return answered(request, {"accounts": [account]})
        except BankError as error:
            return refuse(self.world, request, error, now)

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
