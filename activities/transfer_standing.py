"""Where a transfer from account to account is, by what its bank last said of it."""

from __future__ import annotations

from enum import StrEnum

from providers.ports import PaymentState
from records import inquiries
from records.tables import PaymentInquiry

NOTHING_COMES = (PaymentState.FAILED, inquiries.NOT_CONFIRMABLE)


class Standing(StrEnum):
    """Where the one transfer of a link is. UNKNOWN: the bank may have taken it and did not say."""

    OPEN = "open"
    UNDER_WAY = "under_way"
    PAID = "paid"
    UNKNOWN = "unknown"
    CLOSED = "closed"


def standing_of(begun: PaymentInquiry | None) -> Standing:
    """CLOSED where none was begun, and where nothing comes of it."""
    if begun is None or begun.status in NOTHING_COMES:
        return Standing.CLOSED
    if begun.status == PaymentState.PAID:
        return Standing.PAID
    return Standing.UNKNOWN if begun.status in (inquiries.BEGINNING, inquiries.UNKNOWN) else Standing.UNDER_WAY
