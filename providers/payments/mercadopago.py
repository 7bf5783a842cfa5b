"""Payment links by Mercado Pago: Checkout Pro preferences, found again by our own reference.

Making a preference has no idempotency in the API: before one is made its reference is looked for, and every payment
carries the reference, whichever preference it came through. Amounts are decimals in major units; CLP has none, and
prices in COP must be whole: Mercado Pago refuses others ("must be expressed with integer values").
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from domain.money import minor_units
from domain.payable import payable_money
from domain.what_next import Effect, WhatNext
from providers.errors import ProviderError, refusal
from providers.http import answered_object, call, unreadable
from providers.payments import mercadopago_refunds
from providers.payments.decimals import decimal_of, from_number, to_number
from providers.payments.mercadopago_codes import reaction_to
from providers.payments.mercadopago_refunds import ListedRefund, listed_refunds
from providers.ports import (
    GatewayPayment,
    LinkRequest,
    PaymentLink,
    PaymentReport,
    PaymentState,
    Refund,
    RefundRequest,
)

PROVIDER: Final = "mercadopago"
CURRENCIES: Final[Mapping[str, str]] = MappingProxyType(
    {"AR": "ARS", "BR": "BRL", "CL": "CLP", "CO": "COP", "MX": "MXN", "PE": "PEN", "UY": "UYU"}
)
"""An account belongs to one country and takes its currency."""
OWN_METHODS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "AR": ("Rapipago", "Pago Fácil"),
        "BR": ("Pix", "boleto"),
        "CL": ("Webpay", "Servipag"),
        "CO": ("PSE", "Efecty"),
        "MX": ("SPEI", "OXXO", "Paycash"),
        "PE": ("PagoEfectivo", "Yape"),
        "UY": ("Abitab", "Redpagos"),
    }
)
"""What the checkout offers in each country beside cards, as its account has it switched on."""

_SHOW_IN_PROCESS: Final[Mapping[str, str]] = MappingProxyType({"X-Render-In-Process-Refunds": "true"})
"""Without it a refund of a Pix payment that is under way is answered 400, as if it were refused, and its status is not
told ("Refund of transactions with Pix", mercadopago.com.br/developers)."""
_PAGE = 50
_MOST_PAGES = 20
_MOST_LISTED_PAGES = 2000
_NAMESPACE: Final = uuid.UUID("6f0b1e0e-2f5e-5c55-9d62-2d2f4b0a6c11")
_STATES: Final[Mapping[object, PaymentState]] = MappingProxyType(
    {
        "approved": PaymentState.PAID,
        "in_mediation": PaymentState.PAID,
        "pending": PaymentState.PENDING,
        "authorized": PaymentState.PENDING,
        "in_process": PaymentState.PENDING,
        "rejected": PaymentState.FAILED,
        "cancelled": PaymentState.FAILED,
        "refunded": PaymentState.TAKEN_BACK,
        "charged_back": PaymentState.TAKEN_BACK,
    }
)
_WON: Final = ("charged_back", "reimbursed")
"""Status and detail of a chargeback that the lender won: its money is there again ("Chargebacks",
mercadopago.com/developers)."""


class MercadoPagoSettings(BaseModel):
    """`excluded_types` are payment types the lender does not take, such as `credit_card`."""

    model_config = ConfigDict(frozen=True)

    base_url: str = "https://api.mercadopago.com"
    country: str
    access_token: SecretStr
    excluded_types: tuple[str, ...] = ()
    timeout: timedelta = Field(default=timedelta(seconds=30), gt=timedelta(0))

    @field_validator("country")
    @classmethod
    def _served(cls, value: str) -> str:
        if value not in CURRENCIES:
            raise ValueError(f"Mercado Pago serves {', '.join(CURRENCIES)}")
        return value


class MercadoPagoGateway:
    """`PaymentGateway`, `PaymentLookup` and `RefundsBySum` on one country's account."""

    name = PROVIDER

    def __init__(self, settings: MercadoPagoSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    async def create_link(self, request: LinkRequest) -> PaymentLink:
        """The preference of this reference, made unless it is there already; over what of the amount can be paid."""
        amount = payable_money(request.amount)
        if amount.amount_minor <= 0:
            raise refusal(PROVIDER, "amount_not_positive", WhatNext.TERMINAL, "there is nothing to pay")
        if amount.currency != CURRENCIES[self._settings.country]:
            raise refusal(PROVIDER, "currency_not_served", WhatNext.STOP_SENDER, "the account has another currency")
        try:
            price = to_number(amount)
        except ValueError as why:
            raise refusal(PROVIDER, "amount_not_chargeable", WhatNext.TERMINAL, str(why)) from None
        made = await self._find(request.reference, request.at) or await self._call(
            "POST", "/checkout/preferences", request.at, changes_something=True, body=self._preference(request, price)
        )
        return PaymentLink(
            id=_text(made, "id", changes_something=True),
            url=_text(made, "init_point", changes_something=True),
            amount=amount,
            created_at=request.at,
        )

    async def deactivate_link(self, link_id: str, at: datetime) -> None:
        """Let the preference expire now; a payment begun before, such as a voucher, can still end."""
        known = await self._preference_of(link_id, at)
        items = known.get("items")
        if not isinstance(items, list) or not items:
            raise unreadable(PROVIDER, changes_something=False)
        kept = ("title", "quantity", "unit_price", "currency_id")
        await self._call(
            "PUT",
            f"/checkout/preferences/{quote(link_id, safe='')}",
            at,
            changes_something=True,
            body={
                "items": [{name: item[name] for name in kept if name in item} for item in items],
                "external_reference": known.get("external_reference"),
                "expires": True,
                "expiration_date_to": _moment(at),
            },
        )

    async def link_payments(self, link_id: str, at: datetime) -> tuple[GatewayPayment, ...]:
        known = await self._preference_of(link_id, at)
        reference = _text(known, "external_reference", changes_something=False)
        reports = await self._reports({"external_reference": reference}, at)
        return tuple(
            GatewayPayment(
                payment_id=one.payment_id,
                amount=one.amount,
                paid_at=one.paid_at,
                refunded=one.state is PaymentState.TAKEN_BACK,
            )
            for one in reports
            if one.state in (PaymentState.PAID, PaymentState.TAKEN_BACK)
        )

    async def payment(self, payment_id: str, at: datetime) -> PaymentReport | None:
        if not payment_id.isascii() or not payment_id.isdigit():
            return None
        try:
            answer = await self._call("GET", f"/v1/payments/{payment_id}", at)
        except ProviderError as error:
            if error.code == "404":
                return None
            raise
        return _report(answer)

    async def payments_between(self, begins: datetime, ends: datetime, at: datetime) -> tuple[GatewayPayment, ...]:
        """What was approved in the span: among all that changed since it began, whenever it was begun."""
        since = {"range": "date_last_updated", "begin_date": _moment(begins), "end_date": _moment(max(at, ends))}
        reports = await self._reports(since, at, most_pages=_MOST_LISTED_PAGES)
        return tuple(
            GatewayPayment(
                payment_id=one.payment_id,
                amount=one.amount,
                paid_at=one.paid_at,
                refunded=one.state is PaymentState.TAKEN_BACK,
            )
            for one in reports
            if one.state in (PaymentState.PAID, PaymentState.TAKEN_BACK) and begins <= one.paid_at < ends
        )

    async def refund(self, request: RefundRequest) -> Refund:
        """Refund under an idempotency key of the request's own.

        How long Mercado Pago knows a key is not said: what was asked for before is first looked for among the payment's
        refunds, by how much more was given back since.
        """
        try:
            amount = to_number(request.amount)
        except ValueError as why:
            raise refusal(PROVIDER, "amount_not_chargeable", WhatNext.TERMINAL, str(why)) from None
        if request.asked_before and (earlier := await self._refunded_before(request)) is not None:
            return earlier
        made = await self._call(
            "POST",
            f"/v1/payments/{quote(request.payment_id, safe='')}/refunds",
            request.at,
            changes_something=True,
            body={"amount": amount},
            headers={"X-Idempotency-Key": str(uuid.uuid5(_NAMESPACE, request.idempotency_key)), **_SHOW_IN_PROCESS},
        )
        refund_id, state = made.get("id"), mercadopago_refunds.STATES.get(made.get("status"))
        if not isinstance(refund_id, int | str) or state is None:
            raise unreadable(PROVIDER, changes_something=True)
        return Refund(id=str(refund_id), state=state)

    async def given_back(self, payment_id: str, at: datetime) -> int:
        return mercadopago_refunds.given_back(await self._refunds(payment_id, at))

    async def _refunded_before(self, request: RefundRequest) -> Refund | None:
        """What an earlier attempt of this request did; None: nothing. Refused where it may be another's refund."""
        before, minor = request.given_back_before_minor, request.amount.amount_minor
        listed = await self._refunds(request.payment_id, request.at)
        now = mercadopago_refunds.given_back(listed)
        if now == 0 or (before is not None and now < before + minor):
            return None
        earlier = mercadopago_refunds.like(listed, minor)
        if before is None or earlier is None:
            meaning = "what was given back of the payment may be this refund, or another"
            raise refusal(PROVIDER, "refund_not_told_apart", WhatNext.TERMINAL, meaning, effect=Effect.UNKNOWN)
        return earlier

    async def _refunds(self, payment_id: str, at: datetime) -> tuple[ListedRefund, ...]:
        path = f"/v1/payments/{quote(payment_id, safe='')}/refunds"
        response = await self._send("GET", path, at, headers=_SHOW_IN_PROCESS)
        if not response.is_success:
            answered_object(PROVIDER, response, reaction_to, at, changes_something=False)
        try:
            return listed_refunds(response, CURRENCIES[self._settings.country])
        except ValueError:
            raise unreadable(PROVIDER, changes_something=False) from None

    def _preference(self, request: LinkRequest, price: int | float) -> dict[str, object]:
        wanted: dict[str, object] = {
            "items": [
                {
                    "id": request.loan_id,
                    "title": request.description,
                    "quantity": 1,
                    "currency_id": request.amount.currency,
                    "unit_price": price,
                }
            ],
            "external_reference": request.reference,
            # A debt is not paid by a new one in instalments; vouchers and transfers need time, so not binary.
            "payment_methods": {
                "installments": 1,
                "excluded_payment_types": [{"id": kind} for kind in self._settings.excluded_types],
            },
            "binary_mode": False,
        }
        if request.expires_at is not None:
            wanted |= {"expires": True, "expiration_date_to": _moment(request.expires_at)}
        return wanted

    async def _find(self, reference: str, at: datetime) -> dict[str, Any] | None:
        """The preference that an earlier, unanswered attempt made; its address is only in the whole object."""
        found = await self._call("GET", "/checkout/preferences/search", at, params={"external_reference": reference})
        elements = found.get("elements")
        if elements is None:
            return None
        if not isinstance(elements, list):
            raise unreadable(PROVIDER, changes_something=False)
        for element in elements:
            if isinstance(element, dict) and isinstance(element.get("id"), str):
                known = await self._preference_of(element["id"], at)
                if known.get("external_reference") == reference:
                    return known
        return None

    async def _preference_of(self, link_id: str, at: datetime) -> dict[str, Any]:
        return await self._call("GET", f"/checkout/preferences/{quote(link_id, safe='')}", at)

    async def _reports(
        self, wanted: Mapping[str, str], at: datetime, most_pages: int = _MOST_PAGES
    ) -> list[PaymentReport]:
        found: list[PaymentReport] = []
        for page in range(most_pages):
            answer = await self._call(
                "GET",
                "/v1/payments/search",
                at,
                params={
                    "sort": "date_created",
                    "criteria": "asc",
                    **wanted,
                    "limit": str(_PAGE),
                    "offset": str(page * _PAGE),
                },
            )
            results = answer.get("results")
            if not isinstance(results, list):
                raise unreadable(PROVIDER, changes_something=False)
            found += [_report(one) for one in results]
            if len(results) < _PAGE:
                return sorted(found, key=lambda one: one.paid_at)
        raise refusal(PROVIDER, "too_many_payments", WhatNext.TERMINAL, "more payments than we read")

    async def _call(
        self,
        method: str,
        path: str,
        at: datetime,
        *,
        changes_something: bool = False,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        response = await self._send(
            method, path, at, changes_something=changes_something, params=params, body=body, headers=headers
        )
        return answered_object(PROVIDER, response, reaction_to, at, changes_something=changes_something)

    async def _send(
        self,
        method: str,
        path: str,
        at: datetime,
        *,
        changes_something: bool = False,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        return await call(
            self._client,
            PROVIDER,
            method,
            self._settings.base_url.rstrip("/") + path,
            at=at,
            timeout=self._settings.timeout,
            changes_something=changes_something,
            headers={"Authorization": f"Bearer {self._settings.access_token.get_secret_value()}", **(headers or {})},
            params=params,
            body=body,
        )


def _report(answer: object) -> PaymentReport:
    if not isinstance(answer, dict):
        raise unreadable(PROVIDER, changes_something=False)
    payment_id, reference = answer.get("id"), answer.get("external_reference")
    state = _STATES.get(answer.get("status"))
    if (answer.get("status"), answer.get("status_detail")) == _WON:
        state = PaymentState.PAID
    try:
        if not isinstance(payment_id, int | str) or state is None:
            raise ValueError
        when = datetime.fromisoformat(str(answer.get("date_approved") or answer["date_created"]))
        if when.tzinfo is None:
            raise ValueError
        amount = from_number(answer.get("transaction_amount"), answer.get("currency_id"))
        return PaymentReport(
            payment_id=str(payment_id),
            state=state,
            amount=amount,
            paid_at=when,
            reference=reference if isinstance(reference, str) and reference else None,
            refunded_minor=_refunded(answer, amount.currency),
        )
    except (KeyError, ValueError):
        raise unreadable(PROVIDER, changes_something=False) from None


def _refunded(answer: Mapping[str, Any], currency: str) -> int:
    """0 also where it cannot be read: that holds no news of a payment up."""
    try:
        return max(0, minor_units(decimal_of(answer.get("transaction_amount_refunded")), currency))
    except ValueError:
        return 0


def _text(answer: Mapping[str, Any], name: str, *, changes_something: bool) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise unreadable(PROVIDER, changes_something=changes_something)
    return value


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
