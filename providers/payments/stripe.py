"""Payment links by Stripe: a price, a link on it, and the checkout sessions paid through it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.what_next import Effect, WhatNext
from providers.errors import ProviderError, refusal, retry_after
from providers.http import call, json_object, unreadable
from providers.payments.stripe_amounts import from_stripe, to_stripe
from providers.payments.stripe_codes import STATUSES, reaction_to
from providers.ports import GatewayPayment, LinkRequest, PaymentLink, Refund, RefundRequest, RefundState

PROVIDER: Final = "stripe"
_KEY_LIMIT = 255
_PAGE = 100
_MOST_PAGES = 20
_MOST_LISTED_PAGES = 10_000
_OPENED_BEFORE = timedelta(days=31)
"""A session is open for a day at most; a debit or voucher begun in it may take a month to bring its money."""
_CHARGE: Final = "data.payment_intent.latest_charge"
_REFUND_STATES: Final[Mapping[object, RefundState]] = {
    "succeeded": RefundState.DONE,
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}


class StripeSettings(BaseModel):
    """`api_version` pins the shape of what Stripe answers, whatever the account's default is."""

    model_config = ConfigDict(frozen=True)

    base_url: str = "https://api.stripe.com"
    api_key: SecretStr
    api_version: str = "2023-08-16"
    timeout: timedelta = Field(default=timedelta(seconds=30), gt=timedelta(0))


class StripeGateway:
    """`PaymentGateway` and `RefundsBySum` on one Stripe account."""

    name = PROVIDER

    def __init__(self, settings: StripeSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    async def create_link(self, request: LinkRequest) -> PaymentLink:
        """Create a price, then the link; both under keys of `idempotency_key`, so that a repeat within a
        day gives the same link.

        The link stays payable more than once (this API version has no limit on completed sessions), so
        it must be deactivated once paid.
        """
        if request.amount.amount_minor <= 0:
            raise refusal(PROVIDER, "amount_not_positive", WhatNext.TERMINAL, "there is nothing to pay")
        try:
            unit_amount = to_stripe(request.amount)
        except ValueError as why:
            raise refusal(PROVIDER, "amount_not_chargeable", WhatNext.TERMINAL, str(why)) from None
        references = {
            "metadata[lender]": request.lender,
            "metadata[loan_id]": request.loan_id,
            "metadata[link_key]": request.idempotency_key,
        }
        price = await self._post(
            "/v1/prices",
            {
                "currency": request.amount.currency.lower(),
                "unit_amount": str(unit_amount),
                "product_data[name]": request.description,
                **references,
            },
            request.at,
            key=_key(request.idempotency_key, "price"),
        )
        link = await self._post(
            "/v1/payment_links",
            {
                "line_items[0][price]": _text(price, "id", changes_something=True),
                "line_items[0][quantity]": "1",
                **references,
            },
            request.at,
            key=_key(request.idempotency_key, "link"),
        )
        return PaymentLink(
            id=_text(link, "id", changes_something=True),
            url=_text(link, "url", changes_something=True),
            amount=request.amount,
            created_at=request.at,
        )

    async def deactivate_link(self, link_id: str, at: datetime) -> None:
        """Close the link for new payments. May be repeated freely; a payment already begun can still end."""
        await self._post(f"/v1/payment_links/{quote(link_id, safe='')}", {"active": "false"}, at, key=None)

    async def link_payments(self, link_id: str, at: datetime) -> tuple[GatewayPayment, ...]:
        found: list[GatewayPayment] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            after = {"starting_after": cursor} if cursor else {}
            page = await self._sessions({"payment_link": link_id, "limit": str(_PAGE), **after}, at)
            sessions = page.get("data")
            if not isinstance(sessions, list):
                raise unreadable(PROVIDER, changes_something=False)
            for session in sessions:
                payment = _payment(session)
                if payment is not None:
                    found.append(payment)
            if page.get("has_more") is not True or not sessions:
                return tuple(sorted(found, key=lambda p: p.paid_at))
            cursor = _text(sessions[-1], "id", changes_something=False)
        raise refusal(
            PROVIDER,
            "too_many_sessions",
            WhatNext.TERMINAL,
            "more checkout sessions on one link than we read",
        )

    async def payments_between(self, begins: datetime, ends: datetime, at: datetime) -> tuple[GatewayPayment, ...]:
        """Paid checkout sessions, until they were opened too long before `begins` to bring money since then.

        The account may serve other things too: a session that is no payment of ours is passed over.
        """
        found: list[GatewayPayment] = []
        cursor: str | None = None
        oldest = (begins - _OPENED_BEFORE).timestamp()
        for _ in range(_MOST_LISTED_PAGES):
            page = await self._sessions({"limit": str(_PAGE), **({"starting_after": cursor} if cursor else {})}, at)
            sessions = page.get("data")
            if not isinstance(sessions, list):
                raise unreadable(PROVIDER, changes_something=False)
            found += [one for one in map(_payment, filter(_may_be_ours, sessions)) if one is not None]
            opened = sessions[-1].get("created") if sessions else None
            if page.get("has_more") is not True or not isinstance(opened, int) or opened < oldest:
                return tuple(sorted(found, key=lambda p: p.paid_at))
            cursor = _text(sessions[-1], "id", changes_something=False)
        raise refusal(PROVIDER, "too_many_sessions", WhatNext.TERMINAL, "more sessions since then than we read")

    async def _sessions(self, params: Mapping[str, str], at: datetime) -> dict[str, Any]:
        """A page of checkout sessions. A key that may not read balances gets the charges' own times."""
        path = "/v1/checkout/sessions"
        try:
            return await self._get(path, {**params, "expand[0]": f"{_CHARGE}.balance_transaction"}, at)
        except ProviderError as error:
            if error.reaction is not STATUSES[403]:
                raise
        return await self._get(path, {**params, "expand[0]": _CHARGE}, at)

    async def refund(self, request: RefundRequest) -> Refund:
        """Refund a part or all of a payment intent, under the request's own key.

        Stripe forgets keys after a day: what was asked for before is first looked for by its metadata.
        """
        try:
            amount = to_stripe(request.amount)
        except ValueError as why:
            raise refusal(PROVIDER, "amount_not_chargeable", WhatNext.TERMINAL, str(why)) from None
        if request.asked_before and (made := await self._find_refund(request)) is not None:
            return _refund(made, changes_something=False)
        made = await self._post(
            "/v1/refunds",
            {
                "payment_intent": request.payment_id,
                "amount": str(amount),
                "metadata[refund_key]": request.idempotency_key,
            },
            request.at,
            key=_key(request.idempotency_key, "refund"),
        )
        return _refund(made, changes_something=True)

    async def given_back(self, payment_id: str, at: datetime) -> int:
        minor = 0
        async for one in self._refunds(payment_id, at):
            amount, currency = one.get("amount"), one.get("currency")
            if not isinstance(amount, int) or not isinstance(currency, str):
                raise unreadable(PROVIDER, changes_something=False)
            # A word we do not know may stand for money that went back.
            if _REFUND_STATES.get(one.get("status")) is not RefundState.FAILED:
                try:
                    minor += from_stripe(amount, currency).amount_minor
                except ValueError:
                    raise unreadable(PROVIDER, changes_something=False) from None
        return minor

    async def _find_refund(self, request: RefundRequest) -> dict[str, Any] | None:
        """The refund that an earlier attempt of this request made."""
        async for one in self._refunds(request.payment_id, request.at):
            if (one.get("metadata") or {}).get("refund_key") == request.idempotency_key:
                return one
        return None

    async def _refunds(self, payment_id: str, at: datetime) -> AsyncIterator[dict[str, Any]]:
        """Every refund of a payment intent. Refused where there are more than we read."""
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._get(
                "/v1/refunds",
                {
                    "payment_intent": payment_id,
                    "limit": str(_PAGE),
                    **({"starting_after": cursor} if cursor else {}),
                },
                at,
            )
            listed = page.get("data")
            if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
                raise unreadable(PROVIDER, changes_something=False)
            for one in listed:
                yield dict(one)
            if page.get("has_more") is not True or not listed:
                return
            cursor = _text(listed[-1], "id", changes_something=False)
        meaning = "more refunds of one payment than we read"
        raise refusal(PROVIDER, "too_many_refunds", WhatNext.TERMINAL, meaning, effect=Effect.UNKNOWN)

    async def _post(self, path: str, form: Mapping[str, str], at: datetime, *, key: str | None) -> dict[str, Any]:
        return await self._call("POST", path, at, changes_something=True, form=form, key=key)

    async def _get(self, path: str, params: Mapping[str, str], at: datetime) -> dict[str, Any]:
        return await self._call("GET", path, at, changes_something=False, params=params)

    async def _call(
        self,
        method: str,
        path: str,
        at: datetime,
        *,
        changes_something: bool,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self._settings.api_key.get_secret_value()}",
            "Stripe-Version": self._settings.api_version,
        }
        if key is not None:
            headers["Idempotency-Key"] = key
        response = await call(
            self._client,
            PROVIDER,
            method,
            self._settings.base_url.rstrip("/") + path,
            at=at,
            timeout=self._settings.timeout,
            changes_something=changes_something,
            headers=headers,
            form=form,
            params=params,
        )
        answer = json_object(response)
        if not response.is_success:
            raise _error(response, answer, at, changes_something=changes_something)
        if not answer:
            raise unreadable(PROVIDER, changes_something=changes_something)
        return answer


def _error(
    response: httpx.Response, answer: Mapping[str, Any], at: datetime, *, changes_something: bool
) -> ProviderError:
    reaction = reaction_to(
        response.status_code,
        replayed=response.headers.get("Idempotent-Replayed") == "true",
        changes_something=changes_something,
    )
    asked = retry_after(response.headers.get("Retry-After"), at)
    if asked is not None and reaction.what_next is WhatNext.RETRY:
        reaction = reaction.model_copy(update={"delay": asked})
    error = answer.get("error")
    named = (error.get("code") or error.get("type")) if isinstance(error, dict) else None
    code = named if isinstance(named, str) and named.replace("_", "").isalnum() and len(named) < 60 else None
    return ProviderError(PROVIDER, code or str(response.status_code), reaction)


def _refund(made: Mapping[str, Any], *, changes_something: bool) -> Refund:
    state = _REFUND_STATES.get(made.get("status"))
    if state is None:
        raise unreadable(PROVIDER, changes_something=changes_something)
    return Refund(id=_text(made, "id", changes_something=changes_something), state=state)


def _may_be_ours(session: object) -> bool:
    """Not a subscription, an order of nothing, or money that no link of ours asks for; what cannot be read may be."""
    if not isinstance(session, dict):
        return True
    total, currency = session.get("amount_total"), session.get("currency")
    if session.get("mode", "payment") != "payment" or total == 0:
        return False
    if not (isinstance(total, int) and isinstance(currency, str)):
        return True
    try:
        from_stripe(total, currency)
    except ValueError:
        return False
    return True


def _payment(session: object) -> GatewayPayment | None:
    """The payment of a paid session; None if it is not paid.

    With the charge expanded a refund shows, and the time is when its money came into the balance. A delayed method's
    charge is made when the debit is begun, and is in no balance until it has succeeded; a webhook tells of it then.
    """
    if not isinstance(session, dict):
        raise unreadable(PROVIDER, changes_something=False)
    if session.get("payment_status") != "paid":
        return None
    intent = session.get("payment_intent")
    charge: object = None
    if isinstance(intent, dict):
        charge = intent.get("latest_charge")
        intent = intent.get("id")
    when = session.get("created")
    refunded = False
    if isinstance(charge, dict):
        balance = charge.get("balance_transaction")
        when = (balance if isinstance(balance, dict) else charge).get("created", when)
        refunded = charge.get("refunded") is True
    total, currency = session.get("amount_total"), session.get("currency")
    if not (isinstance(intent, str) and isinstance(when, int) and isinstance(total, int) and isinstance(currency, str)):
        raise unreadable(PROVIDER, changes_something=False)
    try:
        return GatewayPayment(
            payment_id=intent,
            amount=from_stripe(total, currency),
            paid_at=datetime.fromtimestamp(when, UTC),
            refunded=refunded,
        )
    except (ValueError, OverflowError, OSError):
        raise unreadable(PROVIDER, changes_something=False) from None


def _text(answer: object, name: str, *, changes_something: bool) -> str:
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str) or not value:
        raise unreadable(PROVIDER, changes_something=changes_something)
    return value


def _key(base: str, step: str) -> str:
    """A key of its own for each call of one intention; hashed where Stripe's 255 characters would not do."""
    key = f"{base}:{step}"
    plain = len(key) <= _KEY_LIMIT and key.isascii() and key.isprintable()
    return key if plain else f"{hashlib.sha256(base.encode()).hexdigest()}:{step}"
