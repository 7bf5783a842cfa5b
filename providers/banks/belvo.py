"""Balances through Belvo (Mexico, Colombia, Brazil): a link that the debtor makes in Belvo's own widget, then reads.

The debtor's credentials never reach us: they are given in the hosted widget, which sends the debtor back with the
link's id. A link has no end of its own; it is good until Belvo calls it invalid or it is deleted. Links, accounts and
balances are those of Belvo's API 1.35; the widget's token (`POST /api/token/`) and its address are from Belvo's guide
to the hosted widget and stand in no OpenAPI file.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.money import is_currency, minor_digits
from domain.what_next import WhatNext
from providers.banks.belvo_codes import reaction_to
from providers.errors import ProviderError, refusal, retry_after
from providers.http import call, unreadable
from providers.ports import BalanceReading, BankAccount, Consent, ConsentRequest, ConsentStatus, Credit

PROVIDER: Final = "belvo"

_STATUS = {
    "valid": ConsentStatus.VALID,
    "invalid": ConsentStatus.EXPIRED,
    "unconfirmed": ConsentStatus.RECEIVED,
    "token_required": ConsentStatus.PARTIALLY_AUTHORISED,
}
_SPENDABLE = ("CHECKING_ACCOUNT", "SAVINGS_ACCOUNT")
"""The categories of accounts that hold money to pay with."""
_CODE = re.compile(r"[a-z][a-z_]{1,60}")


class BelvoSettings(BaseModel):
    """`zone` is where the countries' day is reckoned for `date_from` and `date_to` (IANA)."""

    model_config = ConfigDict(frozen=True)

    base_url: str
    widget_url: str = "https://widget.belvo.io/"
    secret_id: str
    secret_password: SecretStr
    countries: tuple[str, ...] = ("MX", "CO", "BR")
    zone: str = "America/Mexico_City"
    transactions: bool = False
    timeout: timedelta = Field(default=timedelta(seconds=45), gt=timedelta(0))


class BelvoBank:
    """`BankData` of the banks that Belvo reaches."""

    def __init__(self, settings: BelvoSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    @property
    def shows_credits(self) -> bool:
        return self._settings.transactions

    @property
    def keeps_replaced(self) -> bool:
        """A link lives until it is deleted."""
        return True

    @property
    def limits_consents(self) -> bool:
        """A link shows all that its bank tells."""
        return False

    async def create_consent(self, request: ConsentRequest, at: datetime) -> Consent:
        """The widget's address for this debtor; its id is told when they come back. Nothing exists until they do."""
        answer = await self._call(
            "POST",
            "/api/token/",
            at,
            changes_something=True,
            body={
                "id": self._settings.secret_id,
                "password": self._settings.secret_password.get_secret_value(),
                "scopes": "read_institutions,write_links,read_links",
                "widget": {
                    "callback_urls": {
                        "success": request.return_url,
                        "exit": request.failed_url or request.return_url,
                        "event": request.failed_url or request.return_url,
                    }
                },
            },
        )
        token = answer.get("access") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise unreadable(PROVIDER, changes_something=True)
        asked = {
            "access_token": token,
            "locale": request.language,
            "access_mode": "recurrent",
            "external_id": request.reference,
            "country_codes": ",".join(self._settings.countries),
        }
        return Consent(
            id="",
            status=ConsentStatus.RECEIVED,
            valid_until=None,
            authorise_url=f"{self._settings.widget_url}?{urlencode(asked)}",
            reference=request.reference,
        )

    async def consent(self, consent_id: str, at: datetime) -> Consent:
        """A link. One for a single use cannot be read again and counts as rejected."""
        answer = await self._call("GET", f"/api/links/{quote(consent_id, safe='')}/", at)
        try:
            status = _STATUS[answer["status"]]
            single = answer.get("access_mode") == "single"
            reference = answer.get("external_id")
        except (KeyError, TypeError, AttributeError):
            raise unreadable(PROVIDER, changes_something=False) from None
        return Consent(
            id=consent_id,
            status=ConsentStatus.REJECTED if single else status,
            valid_until=None,
            reference=reference if isinstance(reference, str) else "",
        )

    async def consent_status(self, consent_id: str, at: datetime) -> ConsentStatus:
        try:
            return (await self.consent(consent_id, at)).status
        except ProviderError as error:
            if error.what_next is WhatNext.DEBTOR_ACTS:
                return ConsentStatus.EXPIRED
            raise

    async def revoke_consent(self, consent_id: str, at: datetime) -> None:
        """Delete the link and what Belvo holds of it; what is not found is deleted."""
        try:
            await self._call("DELETE", f"/api/links/{quote(consent_id, safe='')}/", at, ends=True)
        except ProviderError as error:
            if error.what_next is not WhatNext.DEBTOR_ACTS:
                raise

    async def accounts(self, consent_id: str, at: datetime, psu_ip: str | None = None) -> tuple[BankAccount, ...]:
        """The link's accounts that hold money to spend, current accounts first. Belvo does not ask who is there."""
        answer = await self._call("POST", "/api/accounts/", at, body={"link": consent_id, "save_data": True})
        found: list[tuple[int, BankAccount]] = []
        for one in _rows(answer):
            category, account, currency = one.get("category"), one.get("id"), one.get("currency")
            if category in _SPENDABLE and one.get("balance_type") != "LIABILITY":
                if isinstance(account, str) and isinstance(currency, str):
                    found.append((_SPENDABLE.index(category), BankAccount(id=account, currency=currency)))
        return tuple(account for _, account in sorted(found, key=lambda each: each[0]))

    async def balance(
        self, account_id: str, consent_id: str, at: datetime, psu_ip: str | None = None
    ) -> BalanceReading:
        """The newest balance of the account: what can be spent where the bank tells it, else what is there."""
        today = at.astimezone(ZoneInfo(self._settings.zone)).date().isoformat()
        answer = await self._call(
            "POST",
            "/api/balances/",
            at,
            body={
                "link": consent_id,
                "account": account_id,
                "date_from": today,
                "date_to": today,
                "save_data": False,
            },
        )
        rows = [row for row in _rows(answer) if isinstance(row.get("account"), dict)]
        rows = [row for row in rows if row["account"].get("id") in (account_id, None)]
        if not rows:
            raise refusal(PROVIDER, "no_usable_balance", WhatNext.RETRY, "the bank tells no balance of the account yet")
        return _reading(max(rows, key=_day), at)

    async def credits(
        self, account_id: str, consent_id: str, since: date, at: datetime, psu_ip: str | None = None
    ) -> tuple[Credit, ...]:
        """What came in and is booked. `POST /api/transactions/` is asked as the balances are: no file or page held here
        describes it, and it was never tried at Belvo."""
        if not self.shows_credits:
            return ()
        body = {
            "link": consent_id,
            "account": account_id,
            "date_from": since.isoformat(),
            "date_to": at.astimezone(ZoneInfo(self._settings.zone)).date().isoformat(),
            "save_data": False,
        }
        rows = _rows(await self._call("POST", "/api/transactions/", at, body=body))
        found = (_credit(row) for row in rows if row.get("type") == "INFLOW" and row.get("status") != "PENDING")
        return tuple(one for one in found if one is not None)

    async def _call(
        self,
        method: str,
        path: str,
        at: datetime,
        *,
        changes_something: bool = False,
        ends: bool = False,
        body: dict[str, Any] | None = None,
    ) -> Any:
        """The answer as JSON with exact decimals. `ends`: something is to be gone, so that it is no error that it is
        not found."""
        changes_something = changes_something or ends
        response = await call(
            self._client,
            PROVIDER,
            method,
            self._settings.base_url.rstrip("/") + path,
            at=at,
            timeout=self._settings.timeout,
            changes_something=changes_something,
            auth=(self._settings.secret_id, self._settings.secret_password.get_secret_value()),
            body=body,
        )
        if response.status_code == 204 or (ends and response.status_code == 404):
            return {}
        try:
            answer = json.loads(response.content, parse_float=Decimal)
        except (ValueError, RecursionError):
            answer = None
        if not response.is_success:
            raise _error(response, answer, at, changes_something=changes_something)
        if answer is None:
            raise unreadable(PROVIDER, changes_something=changes_something)
        return answer


def _error(response: httpx.Response, answer: Any, at: datetime, *, changes_something: bool) -> ProviderError:
    told = answer[0] if isinstance(answer, list) and answer else answer
    code = told.get("code") if isinstance(told, dict) else None
    code = code if isinstance(code, str) and _CODE.fullmatch(code) else None
    reaction = reaction_to(code, response.status_code, changes_something=changes_something)
    asked = retry_after(response.headers.get("Retry-After"), at)
    if asked is not None and reaction.what_next in (WhatNext.RETRY, WhatNext.LATER):
        reaction = reaction.model_copy(update={"delay": asked})
    return ProviderError(PROVIDER, code or str(response.status_code), reaction)


def _rows(answer: Any) -> list[dict[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise unreadable(PROVIDER, changes_something=False)
    return answer


def _day(row: dict[str, Any]) -> date:
    try:
        return date.fromisoformat(row["value_date"])
    except (KeyError, TypeError, ValueError):
        return date.min


def _credit(row: dict[str, Any]) -> Credit | None:
    """None for what has no day or no amount we can read; amounts are cut to the currency's smallest unit."""
    amount, currency, day = row.get("amount"), row.get("currency"), row.get("accounting_date") or row.get("value_date")
    if not isinstance(amount, int | Decimal) or isinstance(amount, bool) or not isinstance(day, str):
        return None
    if not isinstance(currency, str) or not is_currency(currency):
        return None
    value = abs(Decimal(amount))
    if not value.is_finite() or value > 10**15:
        return None
    minor = int(value.scaleb(minor_digits(currency)).to_integral_value(ROUND_FLOOR))
    try:
        booked_on = date.fromisoformat(day[:10])
    except ValueError:
        return None
    return Credit(booked_on=booked_on, amount_minor=minor, currency=currency) if minor > 0 else None


def _reading(row: dict[str, Any], at: datetime) -> BalanceReading:
    """Cut to the currency's smallest unit; what is owed on the account counts as negative."""
    account = row["account"]
    currency = account.get("currency")
    known = account.get("balance")
    told = known if isinstance(known, dict) else {}
    values = {"available": told.get("available"), "current": told.get("current"), "balance": row.get("balance")}
    usable = ((kind, value) for kind, value in values.items() if isinstance(value, int | Decimal))
    kind, value = next(usable, ("none", None))
    if value is None:
        raise unreadable(PROVIDER, changes_something=False)
    amount = Decimal(value)
    if not isinstance(currency, str) or not is_currency(currency) or not amount.is_finite() or abs(amount) > 10**15:
        raise unreadable(PROVIDER, changes_something=False)
    minor = int(amount.scaleb(minor_digits(currency)).to_integral_value(ROUND_FLOOR))
    if account.get("balance_type") == "LIABILITY":
        minor = -abs(minor)
    return BalanceReading(amount_minor=minor, currency=currency, balance_type=kind, read_at=at)
