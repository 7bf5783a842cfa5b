"""SEPA direct debit: mandates, when a debit may be collected, and what a bank's "no" means.

Source: EPC016-06, SEPA Direct Debit Core Scheme Rulebook, 2025 version 1.0; reason codes: ISO 20022 external code sets.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import date, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.settlement_days import days_after, days_before, on_or_after

PROVIDER = "sepa-dd"
"""Under this name money that a direct debit brought is a payment; its id is the debit's end-to-end reference."""

NOTICE_DAYS = 14
"""The creditor announces amount and date so many calendar days ahead, unless a shorter time is agreed (4.3.1)."""

LEAD_DAYS = 1
"""A collection reaches the debtor's bank one settlement day before its due date (4.3.2); banks ask for no less."""

OUTCOME_DAYS = 5
"""Settlement days after the due date within which the debtor's bank may return a debit (4.3.2.2)."""

SLIPS_AT_MOST = 3
"""Settlement days by which a debit may be collected after the day its notice named; later it is not what was announced
(amount, day and mandate are, 4.3.1)."""

LAPSES_AFTER = timedelta(days=36 * 365 // 12)
"""A mandate nobody collected under for 36 months is to be cancelled (4.7.2)."""

REFERENCE_PREFIX = "RCB"

DEBTOR_DIED = "MD07"
"""What is true of the person: it holds all their loans, whichever the debit was of."""


class SequenceType(StrEnum):
    """FRST: the first of several; RCUR: one of several; OOFF: the only one."""

    FRST = "FRST"
    RCUR = "RCUR"
    OOFF = "OOFF"


class MandateScheme(StrEnum):
    """CORE: any debtor. B2B: companies, whose bank was told of the mandate; its debits cannot be taken back."""

    CORE = "CORE"
    B2B = "B2B"


class MandateStatus(StrEnum):
    """ACTIVE: debits may be made. BLOCKED: the bank or the debtor said no. CANCELLED: by the lender or debtor."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


class DebitState(StrEnum):
    """PLANNED: ordered by its loan. FILED: in a file to the bank. COLLECTED: the money came. REJECTED: refused before
    it came. RETURNED: taken back after it came. DROPPED: never collected, and in no file any more."""

    PLANNED = "planned"
    FILED = "filed"
    COLLECTED = "collected"
    REJECTED = "rejected"
    RETURNED = "returned"
    DROPPED = "dropped"


class ReturnMeaning(BaseModel):
    """What a reason code says. `ends_mandate`: no debit may be made under this mandate again."""

    model_config = ConfigDict(frozen=True)

    meaning: str
    ends_mandate: bool = False


RETURN_REASONS: dict[str, ReturnMeaning] = {
    "AC01": ReturnMeaning(meaning="the account number is wrong", ends_mandate=True),
    "AC04": ReturnMeaning(meaning="the account is closed", ends_mandate=True),
    "AC06": ReturnMeaning(meaning="the account is blocked", ends_mandate=True),
    "AC13": ReturnMeaning(meaning="a consumer's account, under a scheme for businesses", ends_mandate=True),
    "AG01": ReturnMeaning(meaning="the account takes no direct debits", ends_mandate=True),
    "AG02": ReturnMeaning(meaning="the operation code is wrong"),
    "AM04": ReturnMeaning(meaning="there was not enough money"),
    "AM05": ReturnMeaning(meaning="a duplicate"),
    "BE05": ReturnMeaning(meaning="the creditor identifier is unknown", ends_mandate=True),
    "CNOR": ReturnMeaning(meaning="the creditor's bank is not reachable"),
    "DNOR": ReturnMeaning(meaning="the debtor's bank is not reachable"),
    "DT01": ReturnMeaning(meaning="the date is wrong, or no longer the one announced"),
    "FF01": ReturnMeaning(meaning="the file's format is wrong"),
    "FF05": ReturnMeaning(meaning="the instrument or sequence is wrong"),
    "MD01": ReturnMeaning(meaning="no valid mandate", ends_mandate=True),
    "MD02": ReturnMeaning(meaning="mandate data missing or wrong", ends_mandate=True),
    "MD06": ReturnMeaning(meaning="the debtor asked for a refund"),
    "MD07": ReturnMeaning(meaning="the debtor has died", ends_mandate=True),
    "MS02": ReturnMeaning(meaning="the debtor refused"),
    "MS03": ReturnMeaning(meaning="the bank gave no reason"),
    "RC01": ReturnMeaning(meaning="the bank identifier is wrong"),
    "RR01": ReturnMeaning(meaning="regulatory: the debtor's account is missing"),
    "RR02": ReturnMeaning(meaning="regulatory: the debtor's name or address is missing"),
    "RR03": ReturnMeaning(meaning="regulatory: the creditor's name or address is missing"),
    "RR04": ReturnMeaning(meaning="regulatory"),
    "SL01": ReturnMeaning(
        meaning="the debtor's bank keeps this creditor out, as its customer asked", ends_mandate=True
    ),
}


def return_meaning(reason: str) -> ReturnMeaning:
    """What a reason code means; one that nobody knows leaves the mandate as it is."""
    return RETURN_REASONS.get(reason, ReturnMeaning(meaning=f"reason {reason}"))


def reference_of(lender: str, loan_id: str, entry: int, step: str, occurrence: int) -> str:
    """The end-to-end reference of a debit: 27 letters and digits, the same however often it is asked for."""
    named = "\n".join((lender, loan_id, str(entry), step, str(occurrence)))
    digest = hashlib.sha256(named.encode()).digest()[:15]
    return REFERENCE_PREFIX + base64.b32encode(digest).decode()


def collection_day(today: date, *, notified_on: date | None, notice_days: int, lead_days: int = LEAD_DAYS) -> date:
    """The first day on which a debit may be collected: after its notice, and no sooner than the bank takes it."""
    soonest = days_after(today, lead_days)
    announced = on_or_after((notified_on or today) + timedelta(days=notice_days))
    return max(soonest, announced)


def file_day(collect_on: date, lead_days: int = LEAD_DAYS) -> date:
    """The day on which a debit goes into the file for its collection day."""
    return days_before(collect_on, lead_days)


def is_as_announced(announced: date, collect_on: date) -> bool:
    """Whether a debit collected on `collect_on` is still the one whose notice named the day `announced`."""
    return collect_on <= days_after(announced, SLIPS_AT_MOST)


def outcome_known_by(collect_on: date) -> date:
    """The day after which a debit of which nothing was heard is no longer waited for."""
    return days_after(collect_on, OUTCOME_DAYS)


def no_longer_awaited_from(collect_on: date) -> date:
    """The first day on which no loan waits for the debit any more, wherever its borrower lives.

    A loan waits until noon of the day after its outcome should be known.
    """
    return outcome_known_by(collect_on) + timedelta(days=2)


def has_lapsed(last_used: date, today: date) -> bool:
    """Whether a mandate was unused for so long that it may not be used again."""
    return today - last_used > LAPSES_AFTER
