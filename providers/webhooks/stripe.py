"""Stripe's webhooks: `Stripe-Signature` v1 over the raw body, and what its events mean for a loan.

What is read: a checkout session that is paid, at once or later; a charge refunded in full; a dispute for
which Stripe took the money, and how much, which may be less than the payment. A part refund reverses nothing, because
giving back an overpayment is the usual cause and must not revive a debt: one that we did not ask for is shown to a
person, as is money that comes back because a dispute was won or a refund came to nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter

from domain.events.values import Moment
from domain.money import MOST_MINOR, Money
from domain.webhook_news import Ignored, PartRefundNews, PaymentNews, ReversalNews, WebhookNews
from providers.payments.stripe_amounts import from_stripe
from providers.webhooks.json_bodies import LONGEST_NAME, named
from providers.webhooks.refused import RefusedReason, WebhookRefused
from providers.webhooks.signatures import Secrets, any_same, keys

PROVIDER: Final = "stripe"
LARGEST_BODY: Final = 512 * 1024
_PAID = frozenset(("checkout.session.completed", "checkout.session.async_payment_succeeded"))
_REFUND_CHANGED = frozenset(("charge.refund.updated", "refund.updated", "refund.failed"))
_KIND = re.compile(r"[a-z0-9_.]{1,80}")
_DIGITS = re.compile(r"[0-9]{1,12}")
_MOST_SIGNATURES = 20
_MOMENT: Final = TypeAdapter[datetime](Moment)


def verify(raw_body: bytes, header: str | None, secrets: Secrets, now: datetime, tolerance: float | None = 300) -> None:
    """Prove that Stripe sent these bytes no longer than `tolerance` seconds before `now`; None: however long ago.

    `secrets` are the endpoint's, as shown, with their prefix. Raises WebhookRefused. As in Stripe's own library
    a timestamp ahead of ours is not refused.
    """
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    if not header:
        raise WebhookRefused(PROVIDER, RefusedReason.MISSING_HEADER)
    stamp: str | None = None
    given: list[str] = []
    for item in header.split(","):
        name, equals, value = item.strip().partition("=")
        if equals and name == "t":
            stamp = value
        elif equals and name == "v1":
            given.append(value)
    if stamp is None or not _DIGITS.fullmatch(stamp):
        raise WebhookRefused(PROVIDER, RefusedReason.MALFORMED_HEADER)
    if not given:
        raise WebhookRefused(PROVIDER, RefusedReason.NO_EXPECTED_SCHEME)
    signed = stamp.encode() + b"." + raw_body
    expected = [hmac.new(key, signed, hashlib.sha256).hexdigest() for key in keys(secrets)]
    if not any_same(expected, given[:_MOST_SIGNATURES]):
        raise WebhookRefused(PROVIDER, RefusedReason.SIGNATURE_MISMATCH)
    if tolerance is not None and now.timestamp() - int(stamp) > tolerance:
        raise WebhookRefused(PROVIDER, RefusedReason.TIMESTAMP_OUT_OF_TOLERANCE)


def event_key(raw_body: bytes) -> str:
    """The key under which the event counts once, however often it is delivered: Stripe's event id.

    Of a refund that came to nothing, which Stripe tells by up to three events, it is the refund's.
    """
    event = _event(raw_body)
    event_id = named(event.get("id"), 255)
    if event_id is None:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    data = event.get("data")
    refund = data.get("object") if isinstance(data, dict) else None
    if not isinstance(refund, dict) or not _came_to_nothing(event.get("type"), refund):
        return event_id
    refund_id = _id(refund.get("id"))
    return event_id if refund_id is None or len(refund_id) > 200 else f"{refund_id}:{refund['status']}"


def parse(raw_body: bytes) -> tuple[WebhookNews, ...]:
    """The news in a verified body, always at least one value.

    Raises WebhookRefused (UNREADABLE) if the body is no event, or if an event that moves money lacks what
    is needed to book it: such a body must be kept, not dropped.
    """
    event = _event(raw_body)
    kind = event.get("type")
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if not isinstance(thing, dict):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    if kind in _PAID:
        return (_payment(event, kind, thing),)
    if kind == "charge.refunded":
        if thing.get("refunded") is not True:
            return (_part_refund(thing),)
        return (_reversal(event, kind, thing),)
    if kind == "charge.dispute.funds_withdrawn":
        return (_dispute(event, kind, thing),)
    if _came_to_nothing(kind, thing) or kind == "charge.dispute.funds_reinstated":
        return (Ignored(kind=kind, needs_person=True, reference=_id(thing.get("payment_intent"))),)
    return (Ignored(kind=kind),)


def _came_to_nothing(kind: object, refund: Mapping[str, Any]) -> bool:
    return isinstance(kind, str) and kind in _REFUND_CHANGED and refund.get("status") in ("failed", "canceled")


def _payment(event: Mapping[str, Any], kind: str, session: Mapping[str, Any]) -> PaymentNews | Ignored:
    if session.get("payment_status") != "paid":
        return Ignored(kind=f"{kind}:unpaid")
    if session.get("mode", "payment") != "payment":
        return Ignored(kind=f"{kind}:not_a_payment")
    payment_id = _id(session.get("payment_intent"))
    amount = _money(session, "amount_total")
    if payment_id is None or amount is None:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    if amount.amount_minor <= 0:
        return Ignored(kind=f"{kind}:nothing_paid")
    metadata = session.get("metadata")
    references = metadata if isinstance(metadata, dict) else {}
    return PaymentNews(
        payment_id=payment_id,
        provider=PROVIDER,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        paid_at=_created(event),
        lender=named(references.get("lender"), LONGEST_NAME),
        loan_id=named(references.get("loan_id"), LONGEST_NAME),
        link_id=_id(session.get("payment_link")),
    )


def _part_refund(charge: Mapping[str, Any]) -> PartRefundNews | Ignored:
    payment_id = _id(charge.get("payment_intent"))
    given = _money(charge, "amount_refunded")
    if payment_id is None or given is None:
        return Ignored(kind="charge.refunded:partial", needs_person=True, reference=payment_id)
    return PartRefundNews(payment_id=payment_id, provider=PROVIDER, refunded_minor=given.amount_minor)


def _dispute(event: Mapping[str, Any], kind: str, dispute: Mapping[str, Any]) -> ReversalNews | Ignored:
    news, taken = _reversal(event, kind, dispute), _money(dispute, "amount")
    if isinstance(news, Ignored):
        return news
    if taken is None or taken.amount_minor <= 0:
        return Ignored(kind=f"{kind}:no_amount", needs_person=True, reference=news.payment_id)
    return news.model_copy(update={"amount_minor": taken.amount_minor, "currency": taken.currency})


def _reversal(event: Mapping[str, Any], kind: str, thing: Mapping[str, Any]) -> ReversalNews | Ignored:
    payment_id = _id(thing.get("payment_intent"))
    if payment_id is None:
        # A charge made without a payment intent is none of our links'.
        return Ignored(kind=f"{kind}:no_payment_intent", needs_person=True)
    return ReversalNews(payment_id=payment_id, provider=PROVIDER, reversed_at=_created(event))


def _money(thing: Mapping[str, Any], name: str) -> Money | None:
    """The amount of that name; None where there is none that can be read."""
    amount, currency = thing.get(name), thing.get("currency")
    if type(amount) is not int or not isinstance(currency, str):
        return None
    try:
        money = from_stripe(amount, currency)
    except ValueError:
        return None
    return money if abs(money.amount_minor) <= MOST_MINOR else None


def _event(raw_body: bytes) -> dict[str, Any]:
    if len(raw_body) > LARGEST_BODY:
        raise WebhookRefused(PROVIDER, RefusedReason.TOO_LARGE)
    try:
        value = json.loads(raw_body)
    except (ValueError, RecursionError):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE) from None
    if not isinstance(value, dict):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    return value


def _created(event: Mapping[str, Any]) -> datetime:
    created = event.get("created")
    if type(created) is not int:
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE)
    try:
        return _MOMENT.validate_python(datetime.fromtimestamp(created, UTC))
    except (ValueError, OverflowError, OSError):
        raise WebhookRefused(PROVIDER, RefusedReason.UNREADABLE) from None


def _id(value: object) -> str | None:
    """An id, from itself or from the expanded object."""
    return named(value.get("id") if isinstance(value, dict) else value)
