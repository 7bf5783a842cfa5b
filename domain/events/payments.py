"""Money that arrived, was taken back or given back."""

from __future__ import annotations

from pydantic import Field

from domain.events.values import Event, HandOver, Moment, Reference
from domain.money import MOST_MINOR


class PaymentReceived(Event):
    """Money arrived. `amount_minor` in minor units of `currency`; `paid_at` is the value date.

    `entry`: the hand-over whose debt it pays, as Recobro's records have it; None: the one that is collected now.
    """

    payment_id: Reference
    amount_minor: int = Field(gt=0, le=MOST_MINOR, strict=True)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    paid_at: Moment
    provider: Reference
    entry: HandOver | None = None


class PaymentReversed(Event):
    """A payment was taken back. Without `provider` the payment id alone must be unambiguous; `entry` as of payments."""

    payment_id: Reference
    provider: Reference | None = None
    entry: HandOver | None = None


class PaymentRefunded(Event):
    """Money beyond what was due was given back: `refunded_minor` of the payment so far, in all.

    `entry` as of payments.
    """

    payment_id: Reference
    provider: Reference
    refunded_minor: int = Field(gt=0, le=MOST_MINOR, strict=True)
    entry: HandOver | None = None
