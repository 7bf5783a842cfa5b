"""What goes into and comes out of the loan workflow; the contract itself is in `domain/events/`."""

from __future__ import annotations

import operator
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_serializer

from domain.access import OUR_NAMES
from domain.agreements.model import Agreement
from domain.contact import Channel
from domain.events.agreements import PromiseMade
from domain.events.balance import AskConsent, ConsentGiven
from domain.events.borrower import CallChoice, CircumstanceReported, OptIn, OptOut, ReplyUnderstood
from domain.events.contacts import ContactFailed
from domain.events.debits import DebitReturned
from domain.events.loan_event import LoanEvent
from domain.events.messages import NoticeOrdered, NoticeWithdrawn
from domain.events.payments import PaymentReceived, PaymentRefunded, PaymentReversed
from domain.ledger_entries import LoanEnd
from domain.loan_parts import OpenCase, Refusal, StepRecord
from domain.loan_state import LoanState
from domain.loans import LoanFacts
from domain.strategy import Strategy
from workflows.payload_json import ToldOutside

SIGNALS: dict[str, type[BaseModel]] = {
    "payment_received": PaymentReceived,
    "payment_reversed": PaymentReversed,
    "payment_refunded": PaymentRefunded,
    "opt_out": OptOut,
    "opt_in": OptIn,
    "circumstance_reported": CircumstanceReported,
    "contact_failed": ContactFailed,
    "consent_given": ConsentGiven,
    "ask_consent": AskConsent,
    "promise_made": PromiseMade,
    "call_choice": CallChoice,
    "debit_returned": DebitReturned,
    "reply_understood": ReplyUnderstood,
    "notice_ordered": NoticeOrdered,
    "notice_withdrawn": NoticeWithdrawn,
}


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Signal(_Message):
    """A signal that came when the loan had ended, carried into the run that continues it."""

    name: str
    payload: dict[str, Any]


class LoanInput(_Message):
    """A loan that enters (`facts` and `strategy`), or one that goes on (`state`).

    `signals` are heard first. Nothing is done before `not_before`: when a campaign begins later than it is
    started; and a loan that goes on because of some news is never earlier than that news, even where its clock
    was skipped ahead before it ended.
    """

    facts: LoanFacts
    strategy: Strategy
    state: LoanState | None = None
    signals: tuple[Signal, ...] = Field((), exclude_if=operator.not_)
    not_before: AwareDatetime | None = None

    @field_serializer("strategy")
    def _without_defaults(self, strategy: Strategy) -> dict[str, Any]:
        """Half of a strategy's JSON is defaults; running loans count on it that a default, once given, stays."""
        return strategy.model_dump(mode="json", exclude_defaults=True)


class LoanResult(_Message):
    end: LoanEnd
    ended_by: str
    balance_minor: int
    currency: str
    contacts: int


class Answer(_Message):
    """What an update did, in a sentence; `agreement`: the number of the one it was about."""

    accepted: bool = True
    detail: str
    agreement: int | None = None


class MigrateOrder(_Message):
    """Go on under another version of the strategy, from the step after the last one done in both."""

    strategy: Strategy


class LoanStatus(_Message, ToldOutside):
    """Where a loan stands. Amounts in minor units; moments in UTC."""

    lender: str
    loan_id: str
    stage: str
    days_past_due: int
    balance_minor: int
    currency: str
    strategy: str
    doing: str
    next_action_at: AwareDatetime | None = None
    hold: str | None = None
    watching_balance: bool
    cases: tuple[OpenCase, ...]
    agreement: Agreement | None = None
    agreements: tuple[Agreement, ...] = ()
    closed_channels: tuple[Channel, ...]
    steps: tuple[StepRecord, ...]
    next_step: str | None = None
    end: LoanEnd | None = None
    refusals: tuple[Refusal, ...]
    refusal_count: int


class LoanView(_Message):
    """All a running loan knows at `at` (the time of its last task): what `loan why` and migrations reckon with."""

    state: LoanState
    watching_balance: bool
    at: AwareDatetime


def read_signal(name: str, payload: object) -> LoanEvent | str:
    """The event a signal carries, or in one line what is wrong with it (without repeating its content)."""
    model = SIGNALS.get(name)
    if model is None:
        return f"unknown signal: expected one of {', '.join(SIGNALS)}"
    if not isinstance(payload, dict):
        return f"expected one JSON object with {', '.join(model.model_fields)}"
    try:
        event = model.model_validate(payload)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        field = first["loc"][0] if first["loc"] else "payload"
        return f"{field}: {first['msg']}"
    if isinstance(event, PromiseMade) and event.by.startswith(OUR_NAMES):
        # Whether a warrant holds must not be asked here: signals are read again when a history is replayed.
        return f"by: {' and '.join(OUR_NAMES)} are believed in the update `promise` alone"
    return event  # type: ignore[return-value]
