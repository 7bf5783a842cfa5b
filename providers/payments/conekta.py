"""Payment links by Conekta (Mexico): checkouts of type PaymentLink, found again by our own reference.

The API has no idempotency for them: before one is made its reference is looked for, and before money is given back
the order says how much of it already was. The payment's id is the order's. Amounts are integer cents.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.money import Money
from domain.what_next import Effect, WhatNext
from providers.errors import ProviderError, refusal
from providers.http import answered_object, call, unreadable
from providers.payments.conekta_codes import reaction_to
from providers.ports import (
    GatewayPayment,
    LinkRequest,
    PaymentLink,
    PaymentReport,
    PaymentState,
    Refund,
    RefundRequest,
    RefundState,
)

PROVIDER: Final = "conekta"
COUNTRY, CURRENCY = "MX", "MXN"
ACCEPT: Final = "application/vnd.conekta-v2.3.0+json"
_LONGEST_LIFE = timedelta(days=30)
_PAGE, _MOST_LISTED_PAGES = 250, 2000
_LARGEST_PRICE = 2**31 - 1
_TAKEN_BACK = frozenset({"refunded", "charged_back"})
_FAILED = frozenset({"declined", "expired", "canceled", "voided"})
_PAID = frozenset({"paid", "partially_refunded"})


class ConektaSettings(BaseModel):
    model_config = ConfigDict(frozen=True)

    base_url: str = "https://api.conekta.io"
    api_key: SecretStr
    methods: tuple[str, ...] = ("cash", "card", "bank_transfer")
    timeout: timedelta = Field(default=timedelta(seconds=30), gt=timedelta(0))


class ConektaGateway:
    """`PaymentGateway`, `PaymentLookup` and `RefundsBySum` on one Conekta account."""

    name = PROVIDER

    def __init__(self, settings: ConektaSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    async def create_link(self, request: LinkRequest) -> PaymentLink:
        """The payment link of this reference, made unless it is there already; payable once."""
        if request.amount.amount_minor <= 0:
            raise refusal(PROVIDER, "amount_not_positive", WhatNext.TERMINAL, "there is nothing to pay")
        if request.amount.currency != CURRENCY:
            raise refusal(PROVIDER, "currency_not_served", WhatNext.STOP_SENDER, "Conekta takes pesos")
        if request.amount.amount_minor > _LARGEST_PRICE:
            raise refusal(PROVIDER, "amount_not_chargeable", WhatNext.TERMINAL, "more than one price can be")
        made = await self._find(request.reference, request.at) or await self._call(
            "POST", "/checkouts", request.at, changes_something=True, body=self._checkout(request)
        )
        return PaymentLink(
            id=_text(made, "id", changes_something=True),
            url=_text(made, "url", changes_something=True),
            amount=request.amount,
            created_at=request.at,
        )

    async def deactivate_link(self, link_id: str, at: datetime) -> None:
        """Cancel the link. Conekta refuses what is cancelled, paid or expired already, which is as good."""
        path = f"/checkouts/{quote(link_id, safe='')}"
        try:
            await self._call("PUT", f"{path}/cancel", at, changes_something=True)
        except ProviderError as error:
            if error.code != "422" or (await self._call("GET", path, at)).get("status") == "Issued":
                raise

    async def link_payments(self, link_id: str, at: datetime) -> tuple[GatewayPayment, ...]:
        known = await self._call("GET", f"/checkouts/{quote(link_id, safe='')}", at)
        if not known.get("paid_payments_count"):
            return ()
        reference = _text(known, "name", changes_something=False).split()[-1]
        found = [_report(order) for order in await self._orders(reference, at)]
        paid = [one for one in found if one.state in (PaymentState.PAID, PaymentState.TAKEN_BACK)]
        if not paid:
            raise refusal(PROVIDER, "order_not_listed", WhatNext.LATER, "the link was paid and its order is not listed")
        return tuple(
            GatewayPayment(
                payment_id=one.payment_id,
                amount=one.amount,
                paid_at=one.paid_at,
                refunded=one.state is PaymentState.TAKEN_BACK,
            )
            for one in sorted(paid, key=lambda one: one.paid_at)
        )

    async def payments_between(self, begins: datetime, ends: datetime, at: datetime) -> tuple[GatewayPayment, ...]:
        """Paid orders, newest first, until they were begun a link's life before `begins`."""
        found: list[PaymentReport] = []
        params = {"limit": str(_PAGE)}
        oldest = (begins - _LONGEST_LIFE).timestamp()
        for _ in range(_MOST_LISTED_PAGES):
            answer = await self._call("GET", "/orders", at, params=params)
            orders = _data(answer)
            found += [_report(order) for order in orders]
            begun = orders[-1].get("created_at") if orders else None
            token = _next(answer)
            if answer.get("has_more") is not True or token is None or not isinstance(begun, int) or begun < oldest:
                return tuple(
                    GatewayPayment(
                        payment_id=one.payment_id,
                        amount=one.amount,
                        paid_at=one.paid_at,
                        refunded=one.state is PaymentState.TAKEN_BACK,
                    )
                    for one in sorted(found, key=lambda one: one.paid_at)
                    if one.state in (PaymentState.PAID, PaymentState.TAKEN_BACK) and begins <= one.paid_at < ends
                )
            params = {"limit": str(_PAGE), "next": token}
        raise refusal(PROVIDER, "too_many_orders", WhatNext.TERMINAL, "more orders since then than we read")

    async def payment(self, payment_id: str, at: datetime) -> PaymentReport | None:
        try:
            return _report(await self._call("GET", f"/orders/{quote(payment_id, safe='')}", at))
        except ProviderError as error:
            if error.code == "404":
                return None
            raise

    async def given_back(self, payment_id: str, at: datetime) -> int:
        refunded = _refunded(await self._call("GET", _order_path(payment_id), at))
        if refunded is None:
            raise unreadable(PROVIDER, changes_something=False)
        return refunded

    async def refund(self, request: RefundRequest) -> Refund:
        """An attempt before whose answer was lost shows in how much more the order says was given back by now."""
        before = request.given_back_before_minor
        if request.asked_before:
            now = await self.given_back(request.payment_id, request.at)
            if before is None and now > 0:
                meaning = "what was given back of the order may be this refund, or another"
                raise refusal(PROVIDER, "refund_not_told_apart", WhatNext.TERMINAL, meaning, effect=Effect.UNKNOWN)
            if now >= (before or 0) + request.amount.amount_minor:
                return Refund(id=f"{request.payment_id}:{before or 0}", state=RefundState.DONE)
        body = {"amount": request.amount.amount_minor, "reason": "requested_by_client"}
        await self._call(
            "POST", f"{_order_path(request.payment_id)}/refunds", request.at, changes_something=True, body=body
        )
        return Refund(id=f"{request.payment_id}:{before or 0}", state=RefundState.DONE)

    def _checkout(self, request: LinkRequest) -> dict[str, object]:
        expires_at = request.expires_at or request.at + _LONGEST_LIFE
        return {
            "name": f"Pago {request.loan_id} {request.reference}",
            "type": "PaymentLink",
            "recurrent": False,
            "expires_at": int(expires_at.timestamp()),
            "allowed_payment_methods": list(self._settings.methods),
            "needs_shipping_contact": False,
            "payments_limit_count": 1,
            "order_template": {
                "currency": CURRENCY,
                "line_items": [
                    {
                        "name": f"Pago {request.description}"[:249],
                        "unit_price": request.amount.amount_minor,
                        "quantity": 1,
                    }
                ],
                "metadata": {"reference": request.reference, "lender": request.lender, "loan_id": request.loan_id},
            },
        }

    async def _find(self, reference: str, at: datetime) -> dict[str, Any] | None:
        """The link that an earlier, unanswered attempt made."""
        for one in _data(await self._call("GET", "/checkouts", at, params={"search": reference, "limit": "20"})):
            if str(one.get("name", "")).split()[-1:] == [reference] and one.get("status") == "Issued":
                return one
        return None

    async def _orders(self, reference: str, at: datetime) -> list[dict[str, Any]]:
        answer = await self._call("GET", "/orders", at, params={"search": reference, "limit": "20"})
        return [order for order in _data(answer) if (order.get("metadata") or {}).get("reference") == reference]

    async def _call(
        self,
        method: str,
        path: str,
        at: datetime,
        *,
        changes_something: bool = False,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._settings.api_key.get_secret_value()}", "Accept": ACCEPT}
        response = await call(
            self._client,
            PROVIDER,
            method,
            self._settings.base_url.rstrip("/") + path,
            at=at,
            timeout=self._settings.timeout,
            changes_something=changes_something,
            headers={**headers, "Accept-Language": "es"},
            params=params,
            body=body,
        )
        return answered_object(PROVIDER, response, reaction_to, at, changes_something=changes_something)


def _order_path(payment_id: str) -> str:
    return f"/orders/{quote(payment_id, safe='')}"


def state_of(payment_status: object) -> PaymentState:
    """What an order's `payment_status` means."""
    if payment_status in _PAID:
        return PaymentState.PAID
    if payment_status in _TAKEN_BACK:
        return PaymentState.TAKEN_BACK
    return PaymentState.FAILED if payment_status in _FAILED else PaymentState.PENDING


def _refunded(order: Mapping[str, Any]) -> int | None:
    """What of an order was given back, in minor units; None: it cannot be read."""
    refunded = order.get("amount_refunded") or 0
    return refunded if type(refunded) is int and refunded >= 0 else None


def _report(order: Mapping[str, Any]) -> PaymentReport:
    charges = order.get("charges")
    paid = [
        charge["paid_at"]
        for charge in (charges.get("data") or [] if isinstance(charges, dict) else [])
        if isinstance(charge, dict) and isinstance(charge.get("paid_at"), int)
    ]
    order_id, amount, currency = order.get("id"), order.get("amount"), order.get("currency")
    when = min(paid) if paid else order.get("created_at")
    reference = (order.get("metadata") or {}).get("reference")
    try:
        if not isinstance(order_id, str) or type(amount) is not int or type(when) is not int:
            raise ValueError
        return PaymentReport(
            payment_id=order_id,
            state=state_of(order.get("payment_status")),
            amount=Money(amount_minor=amount, currency=str(currency)),
            paid_at=datetime.fromtimestamp(when, UTC),
            reference=reference if isinstance(reference, str) else None,
            refunded_minor=_refunded(order) or 0,
        )
    except (ValueError, OverflowError, OSError):
        raise unreadable(PROVIDER, changes_something=False) from None


def _next(answer: Mapping[str, Any]) -> str | None:
    """Where the next page begins: the token in its address."""
    url = answer.get("next_page_url")
    tokens = parse_qs(urlsplit(url).query).get("next") if isinstance(url, str) else None
    return tokens[0] if tokens else None


def _data(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    data = answer.get("data")
    if not isinstance(data, list):
        raise unreadable(PROVIDER, changes_something=False)
    return [one for one in data if isinstance(one, dict)]


def _text(answer: Mapping[str, Any], name: str, *, changes_something: bool) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value.strip():
        raise unreadable(PROVIDER, changes_something=changes_something)
    return value
