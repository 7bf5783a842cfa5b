"""Periods that a law counts in days from an event of its own."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.contact import Moratorium, MoratoriumKind
from domain.contact_rules.calendar import holidays_of

STANDARD_MORATORIUM_DAYS = 60
AFTER_TREATMENT_DAYS = 30
BANK_ACCESS_DAYS = 180
_RECEIPT_BUSINESS_DAYS = 5
_VALIDATION_DAYS = 30


def moratorium_last_day(moratorium: Moratorium) -> date | None:
    """The last local date of a breathing space, inclusive; None while the end of a crisis is not known.

    SI 2020/1311: sixty days beginning with the first (counting unverified), or thirty after the treatment.
    """
    if moratorium.kind is MoratoriumKind.STANDARD:
        return moratorium.starts + timedelta(days=STANDARD_MORATORIUM_DAYS - 1)
    if moratorium.treatment_ended is None:
        return None
    return moratorium.treatment_ended + timedelta(days=AFTER_TREATMENT_DAYS)


def standard_moratorium_too_soon(earlier_began: date, begins: date) -> bool:
    """Whether a standard breathing space begins within twelve months of an earlier one (SI 2020/1311)."""
    try:
        free = earlier_began.replace(year=earlier_began.year + 1)
    except ValueError:
        free = date(earlier_began.year + 1, 3, 1)
    return earlier_began <= begins < free


def validation_period(mailed: date) -> tuple[date, date]:
    """When a mailed US validation notice counts as received, and the last day to dispute (15 USC 1692g).

    Receipt is presumed after five days without Saturdays, Sundays and federal holidays (unverified).
    """
    received = mailed
    left = _RECEIPT_BUSINESS_DAYS
    while left:
        received += timedelta(days=1)
        if received.weekday() < 5 and received not in holidays_of("US", None, ("public",), received.year):
            left -= 1
    return received, received + timedelta(days=_VALIDATION_DAYS)


def bank_access_ends(last_strong_authentication: datetime) -> datetime:
    """The last moment, inclusive, at which a balance may be read without a new strong authentication.

    Delegated Regulation (EU) 2022/2360: at least every 180 days. Raises ValueError without an offset.
    """
    if last_strong_authentication.utcoffset() is None:
        raise ValueError("expected a datetime with an offset")
    return last_strong_authentication + timedelta(days=BANK_ACCESS_DAYS)
