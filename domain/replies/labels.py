"""Intents, reasons and what follows from them alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Intent(StrEnum):
    """What a message does. Declared in the order in which one of several explicit acts comes first."""

    VULNERABLE = "vulnerable"
    WRONG_PERSON = "wrong_person"
    DISPUTE = "dispute"
    COMPLAINT = "complaint"
    REFUSAL = "refusal"
    PAYMENT_RECEIPT = "payment_receipt"
    ALREADY_PAID = "already_paid"
    OPT_OUT = "opt_out"
    REQUEST_AGENT = "request_agent"
    PROMISE_TO_PAY = "promise_to_pay"
    REQUEST_DISCOUNT = "request_discount"
    REQUEST_PLAN = "request_plan"
    HARDSHIP = "hardship"
    CALLBACK_REQUEST = "callback_request"
    ASK_HOW_TO_PAY = "ask_how_to_pay"
    ASK_BALANCE = "ask_balance"
    ACKNOWLEDGEMENT = "acknowledgement"
    OTHER = "other"


class Reason(StrEnum):
    """Why somebody does not pay, as far as it is said."""

    JOB_LOSS = "job_loss"
    INCOME_DROP = "income_drop"
    LATE_SALARY = "late_salary"
    ILLNESS = "illness"
    FAMILY_EMERGENCY = "family_emergency"
    FORGOT = "forgot"
    OVER_INDEBTED = "over_indebted"
    DISAGREEMENT = "disagreement"
    TECHNICAL_PROBLEM = "technical_problem"
    TRAVELLING = "travelling"
    UNWILLING = "unwilling"
    OTHER = "other"


ORDER: tuple[Intent, ...] = tuple(Intent)
SAFETY = frozenset({Intent.VULNERABLE, Intent.COMPLAINT, Intent.DISPUTE, Intent.OPT_OUT})
"""Never missed for the sake of another intent."""
MOST_INTENTS = 3

_FOR_A_PERSON = frozenset(
    {
        Intent.VULNERABLE,
        Intent.DISPUTE,
        Intent.COMPLAINT,
        Intent.REQUEST_AGENT,
        Intent.REFUSAL,
        Intent.REQUEST_DISCOUNT,
    }
)


@dataclass(frozen=True)
class Understanding:
    """What one message says. `intents[0]` is what it is about; the rest are further acts.

    `confidence` (0 to 1) is how likely `intents[0]` is right. `promise_date` is a day where the borrower lives, never
    before the message; `promise_amount` is in the currency of the loan, in major units. Both belong to a promise to
    pay and are to be read back to the borrower before they count. `language` is ISO 639-1.
    """

    intents: tuple[Intent, ...]
    confidence: float
    reason: Reason | None
    promise_date: date | None
    promise_amount: Decimal | None
    needs_human: bool
    language: str

    @property
    def intent(self) -> Intent:
        return self.intents[0]


def in_order(intents: Iterable[Intent]) -> tuple[Intent, ...]:
    """Each once, the one that goes before the others first."""
    return tuple(sorted(set(intents), key=ORDER.index))


def person_must_look(intents: Iterable[Intent]) -> bool:
    """Whether these intents alone are for a person; what the words say beside them may be too."""
    return not _FOR_A_PERSON.isdisjoint(intents)
