"""Consents and balances by Berlin Group XS2A 1.3 (NextGenPSD2)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from domain.money import is_currency, minor_units
from domain.what_next import Reaction, WhatNext
from providers.banks.berlin_group_codes import reaction_to
from providers.errors import ProviderError, retry_after
from providers.http import call, json_object, unreadable
from providers.ports import BalanceReading, BankAccount, Consent, ConsentRequest, ConsentStatus, Credit

PROVIDER: Final = "berlin_group"

# What can be spent now, before what will be there tonight, before what is booked by now, or was last night.
_PREFERRED: Final = ("interimAvailable", "expected", "interimBooked", "closingBooked")
_NONE_USABLE: Final = Reaction(
    what_next=WhatNext.LATER, delay=timedelta(hours=6), meaning="the bank gives no balance we can judge by now"
)
"""Such an answer may be one of the day's reads: the next is tried when four a day would come to it."""
_MOST_PAGES: Final = 20
_GONE: Final = frozenset({"RESOURCE_UNKNOWN", "CONSENT_UNKNOWN", "STATUS_INVALID"})
"""What a bank says of a consent that is to be ended and is not there, or is over."""
_AMOUNT = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,3})?")


class BerlinGroupSettings(BaseModel):
    """`base_url` ends before `/v1`. `zone` is where the bank's calendar day turns (IANA).

    Client certificates (QWAC) belong to the httpx client that is passed in.
    """

    model_config = ConfigDict(frozen=True)

    base_url: str
    access_token: SecretStr | None = None
    transactions: bool = False
    """Consents ask for transactions too, and what came in is read once in a while."""
    zone: str = "Europe/Madrid"
    timeout: timedelta = Field(default=timedelta(seconds=20), gt=timedelta(0))

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError, KeyError):
            raise ValueError(f"unknown time zone {value!r}: expected an IANA name such as Europe/Madrid") from None
        return value


class BerlinGroupBank:
    """`BankData` of one bank."""

    def __init__(self, settings: BerlinGroupSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    @property
    def shows_credits(self) -> bool:
        return self._settings.transactions

    @property
    def limits_consents(self) -> bool:
        return True

    async def create_consent(self, request: ConsentRequest, at: datetime) -> Consent:
        """Ask for a recurring consent to balances; the debtor must then visit `authorise_url`.

        A repeat after an UNKNOWN effect is harmless: only the consent that the debtor authorises counts,
        and once authorised it ends the one before it.
        """
        accounts = [] if request.iban is None else [{"iban": request.iban.get_secret_value()}]
        headers = {
            "PSU-IP-Address": request.psu_ip,
            "TPP-Redirect-Preferred": "true",
            "TPP-Redirect-URI": request.return_url,
        }
        if request.failed_url is not None:
            headers["TPP-Nok-Redirect-URI"] = request.failed_url
        answer = await self._call(
            "POST",
            "/v1/consents",
            at,
            changes_something=True,
            headers=headers,
            body={
                "access": {"balances": accounts, **({"transactions": accounts} if self.shows_credits else {})},
                "recurringIndicator": True,
                "validUntil": request.valid_until.isoformat(),
                "frequencyPerDay": request.reads_a_day,
                "combinedServiceIndicator": False,
            },
        )
        try:
            return Consent(
                id=_text(answer["consentId"]),
                status=ConsentStatus(answer["consentStatus"]),
                valid_until=request.valid_until,
                authorise_url=_redirect(answer.get("_links")),
            )
        except (KeyError, ValueError):
            raise unreadable(PROVIDER, changes_something=True) from None

    async def consent(self, consent_id: str, at: datetime) -> Consent:
        answer = await self._call("GET", f"/v1/consents/{quote(consent_id, safe='')}", at)
        try:
            return Consent(
                id=consent_id,
                status=ConsentStatus(answer["consentStatus"]),
                valid_until=date.fromisoformat(_text(answer["validUntil"])),
                reads_a_day=_times_a_day(answer.get("frequencyPerDay")),
            )
        except (KeyError, ValueError):
            raise unreadable(PROVIDER, changes_something=False) from None

    async def consent_status(self, consent_id: str, at: datetime) -> ConsentStatus:
        answer = await self._call("GET", f"/v1/consents/{quote(consent_id, safe='')}/status", at)
        try:
            return ConsentStatus(answer["consentStatus"])
        except (KeyError, ValueError):
            raise unreadable(PROVIDER, changes_something=False) from None

    async def revoke_consent(self, consent_id: str, at: datetime) -> None:
        """What is not found at its address, or is in no state to be ended, is over."""
        try:
            await self._call("DELETE", f"/v1/consents/{quote(consent_id, safe='')}", at, ends=True)
        except ProviderError as error:
            if error.what_next is not WhatNext.DEBTOR_ACTS and error.code not in _GONE:
                raise

    async def accounts(self, consent_id: str, at: datetime, psu_ip: str | None = None) -> tuple[BankAccount, ...]:
        answer = await self._call("GET", "/v1/accounts", at, headers=_reading_headers(consent_id, psu_ip))
        try:
            return tuple(
                BankAccount(id=_text(one["resourceId"]), currency=_text(one["currency"])) for one in answer["accounts"]
            )
        except (KeyError, TypeError, ValueError):
            raise unreadable(PROVIDER, changes_something=False) from None

    async def balance(
        self, account_id: str, consent_id: str, at: datetime, psu_ip: str | None = None
    ) -> BalanceReading:
        """The most spendable of the balances the bank gives; at equal type the one without credit limit."""
        answer = await self._call(
            "GET",
            f"/v1/accounts/{quote(account_id, safe='')}/balances",
            at,
            headers=_reading_headers(consent_id, psu_ip),
        )
        balances = answer.get("balances")
        if not isinstance(balances, list):
            raise unreadable(PROVIDER, changes_something=False)
        usable = [b for b in balances if isinstance(b, dict) and b.get("balanceType") in _PREFERRED]
        if not usable:
            raise ProviderError(PROVIDER, "no_usable_balance", _NONE_USABLE)
        best = min(usable, key=_spendable_first)
        return _reading(best, at)

    async def credits(
        self, account_id: str, consent_id: str, since: date, at: datetime, psu_ip: str | None = None
    ) -> tuple[Credit, ...]:
        """Booked credits. Further pages are asked for only while the account holder is there: each is a read."""
        if not self.shows_credits:
            return ()
        today = at.astimezone(ZoneInfo(self._settings.zone)).date()
        asked = {"dateFrom": since.isoformat(), "dateTo": today.isoformat(), "bookingStatus": "booked"}
        path = f"/v1/accounts/{quote(account_id, safe='')}/transactions?{urlencode(asked)}"
        found: list[Credit] = []
        for _ in range(_MOST_PAGES if psu_ip is not None else 1):
            answer = await self._call("GET", path, at, headers=_reading_headers(consent_id, psu_ip))
            report = answer.get("transactions")
            booked = report.get("booked") if isinstance(report, dict) else None
            if not isinstance(report, dict) or not isinstance(booked, list):
                raise unreadable(PROVIDER, changes_something=False)
            found += [credit for one in booked if isinstance(one, dict) and (credit := _credit(one)) is not None]
            after = _next_page(report.get("_links"), account_id)
            if after is None:
                break
            path = after
        return tuple(found)

    async def _call(
        self,
        method: str,
        path: str,
        at: datetime,
        *,
        changes_something: bool = False,
        ends: bool = False,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """`ends`: something is to be gone, so that it is no error that it is not found."""
        changes_something = changes_something or ends
        sent = {"X-Request-ID": str(uuid.uuid4()), **(headers or {})}
        if self._settings.access_token is not None:
            sent["Authorization"] = f"Bearer {self._settings.access_token.get_secret_value()}"
        response = await call(
            self._client,
            PROVIDER,
            method,
            self._settings.base_url.rstrip("/") + path,
            at=at,
            timeout=self._settings.timeout,
            changes_something=changes_something,
            headers=sent,
            body=body,
        )
        answer = json_object(response)
        if response.status_code == 204 or (ends and response.status_code == 404):
            return {}
        if not response.is_success:
            raise self._error(response, answer, at, changes_something=changes_something)
        if not answer:
            raise unreadable(PROVIDER, changes_something=changes_something)
        return answer

    def _error(
        self, response: httpx.Response, answer: Mapping[str, Any], at: datetime, *, changes_something: bool
    ) -> ProviderError:
        code = _message_code(answer)
        reaction = reaction_to(code, response.status_code, changes_something=changes_something)
        not_before = None
        if reaction.next_day:
            not_before = _next_midnight(at, ZoneInfo(self._settings.zone))
        else:
            asked = retry_after(response.headers.get("Retry-After"), at)
            if asked is not None and reaction.what_next in (WhatNext.RETRY, WhatNext.LATER):
                reaction = reaction.model_copy(update={"delay": asked})
        return ProviderError(PROVIDER, code or str(response.status_code), reaction, not_before=not_before)


def _reading_headers(consent_id: str, psu_ip: str | None) -> dict[str, str]:
    attended = {} if psu_ip is None else {"PSU-IP-Address": psu_ip}
    return {"Consent-ID": consent_id, **attended}


def _spendable_first(balance: Mapping[str, Any]) -> tuple[int, bool]:
    return _PREFERRED.index(balance["balanceType"]), balance.get("creditLimitIncluded") is True


def _reading(balance: Mapping[str, Any], at: datetime) -> BalanceReading:
    amount = balance.get("balanceAmount")
    if not isinstance(amount, dict):
        raise unreadable(PROVIDER, changes_something=False)
    text, currency = amount.get("amount"), amount.get("currency")
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise unreadable(PROVIDER, changes_something=False)
    if not isinstance(currency, str) or not is_currency(currency):
        raise unreadable(PROVIDER, changes_something=False)
    try:
        minor = minor_units(Decimal(text), currency)
    except ValueError:
        raise unreadable(PROVIDER, changes_something=False) from None
    return BalanceReading(amount_minor=minor, currency=currency, balance_type=str(balance["balanceType"]), read_at=at)


def _credit(row: Mapping[str, Any]) -> Credit | None:
    """A booked credit; None for money that went out, and for what has no day or no amount we can read."""
    amount, day = row.get("transactionAmount"), row.get("bookingDate") or row.get("valueDate")
    text, currency = (amount.get("amount"), amount.get("currency")) if isinstance(amount, dict) else (None, None)
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text) or not isinstance(day, str):
        return None
    if not isinstance(currency, str) or not is_currency(currency):
        return None
    try:
        minor, booked_on = minor_units(Decimal(text), currency), date.fromisoformat(day)
    except ValueError:
        return None
    return Credit(booked_on=booked_on, amount_minor=minor, currency=currency) if minor > 0 else None


def _next_page(links: object, account_id: str) -> str | None:
    """Where the bank says that more of the same account's list is; None for any other address."""
    link = links.get("next") if isinstance(links, dict) else None
    href = link.get("href") if isinstance(link, dict) else None
    if not isinstance(href, str):
        return None
    parts = urlsplit(href)
    path = parts.path[parts.path.find("/v1/") :] if "/v1/" in parts.path else ""
    if path != f"/v1/accounts/{quote(account_id, safe='')}/transactions":
        return None
    return f"{path}?{parts.query}" if parts.query else path


def _message_code(answer: Mapping[str, Any]) -> str | None:
    """The first error code of the body, if it looks like one: it goes into error texts."""
    messages = answer.get("tppMessages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict) and message.get("category", "ERROR") == "ERROR":
            code = message.get("code")
            if isinstance(code, str) and re.fullmatch(r"[A-Z][A-Z0-9_]{1,60}", code):
                return code
    return None


def _redirect(links: object) -> str | None:
    """Where the debtor authorises. `scaOAuth` is no such page: it leads to an OAuth2 server's configuration."""
    link = links.get("scaRedirect") if isinstance(links, dict) else None
    href = link.get("href") if isinstance(link, dict) else None
    return href if isinstance(href, str) and href.isprintable() else None


def _times_a_day(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text")
    return value


def _next_midnight(at: datetime, zone: ZoneInfo) -> datetime:
    tomorrow = at.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(0), zone)
