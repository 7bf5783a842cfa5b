"""What Berlin Group's statuses and refusals mean for a payment begun at the borrower's bank.

Statuses are ISO 20022's (external code list 1) as NextGenPSD2 1.3 uses them; codes are those of `berlin_group_codes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from domain.what_next import Effect, Reaction, WhatNext
from providers.banks import berlin_group_codes
from providers.ports import PaymentState


class TransactionStatus(StrEnum):
    """How far a transfer is, as the bank says."""

    RECEIVED = "RCVD"
    PENDING = "PDNG"
    PARTIALLY_AUTHORISED = "PATC"
    TECHNICALLY_VALID = "ACTC"
    FUNDS_CHECKED = "ACFC"
    CUSTOMER_PROFILE = "ACCP"
    WITH_CHANGE = "ACWC"
    WITHOUT_POSTING = "ACWP"
    SETTLEMENT_IN_PROCESS = "ACSP"
    SETTLED = "ACSC"
    CREDITED = "ACCC"
    PARTIALLY_ACCEPTED = "PART"
    REJECTED = "RJCT"
    CANCELLED = "CANC"


STATES: Mapping[TransactionStatus, PaymentState] = MappingProxyType(
    {status: PaymentState.PENDING for status in TransactionStatus}
    | {
        TransactionStatus.SETTLED: PaymentState.PAID,
        TransactionStatus.CREDITED: PaymentState.PAID,
        TransactionStatus.REJECTED: PaymentState.FAILED,
        TransactionStatus.CANCELLED: PaymentState.FAILED,
    }
)
"""Money counts when it has left the borrower's account for good (ACSC) or has come (ACCC), not while under way."""

TO_BE_CONFIRMED = frozenset({TransactionStatus.RECEIVED, TransactionStatus.PARTIALLY_AUTHORISED})
"""Statuses of a transfer that its account holder, or one of several, has not authorised yet."""

_OF_PAYMENTS: Mapping[str, Reaction] = MappingProxyType(
    {
        "PAYMENT_FAILED": Reaction(what_next=WhatNext.TERMINAL, meaning="the payment failed"),
        "STATUS_INVALID": Reaction(what_next=WhatNext.TERMINAL, meaning="the payment is in no state that allows this"),
        "CANCELLATION_INVALID": Reaction(what_next=WhatNext.TERMINAL, meaning="this payment cannot be cancelled"),
    }
)
"""Codes that are said of payments, and of accounts only by mistake."""

NEVER_AGAIN = Reaction(
    what_next=WhatNext.TERMINAL,
    effect=Effect.UNKNOWN,
    meaning="the bank may have taken the payment: ask for its status, never begin it again",
)


def reaction_to_initiation(code: str | None, status: int) -> Reaction:
    """The reaction when a bank refuses to begin a payment. A failing bank may have begun it all the same."""
    if code is None and (status >= 500 or status == 408):
        return NEVER_AGAIN
    if code is not None and code in _OF_PAYMENTS:
        return _OF_PAYMENTS[code]
    reaction = berlin_group_codes.reaction_to(code, status, changes_something=True)
    return NEVER_AGAIN if reaction.effect is Effect.UNKNOWN else reaction
