"""What the web app asks of Temporal."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, JsonValue

from workflows.messages import Answer, LoanView


class SignalName(StrEnum):
    """The signals a webhook can lead to; their payloads are the public contract of the loan's workflow."""

    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_REVERSED = "payment_reversed"
    PAYMENT_REFUNDED = "payment_refunded"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    CONTACT_FAILED = "contact_failed"
    DEBIT_RETURNED = "debit_returned"
    CALL_CHOICE = "call_choice"
    CONSENT_GIVEN = "consent_given"
    ASK_CONSENT = "ask_consent"
    CIRCUMSTANCE_REPORTED = "circumstance_reported"
    REPLY_UNDERSTOOD = "reply_understood"


class SignalAnswer(StrEnum):
    """ACCEPTED: Temporal has it for good. LOAN_ENDED: the workflow is closed. NOT_FOUND: it never ran."""

    ACCEPTED = "accepted"
    LOAN_ENDED = "loan_ended"
    NOT_FOUND = "not_found"


class TemporalUnavailable(Exception):
    """Temporal did not answer; the same signal may be sent again."""


class OwedSignal(BaseModel):
    """A signal that a loan is to get. With `restart` a loan that has ended goes on because of it."""

    model_config = ConfigDict(frozen=True)

    lender: str
    loan_id: str
    name: SignalName
    payload: dict[str, JsonValue]
    restart: bool = False

    @property
    def about_money(self) -> bool:
        return self.name in (SignalName.PAYMENT_RECEIVED, SignalName.PAYMENT_REVERSED, SignalName.PAYMENT_REFUNDED)


class LoanSignals(Protocol):
    """Signals to `loan-<lender>-<loan id>`. Each may be sent more than once: the workflow counts it once.

    All raise TemporalUnavailable when the server cannot be asked.
    """

    async def payment_received(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer: ...

    async def payment_reversed(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer: ...

    async def payment_refunded(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer: ...

    async def opt_out(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer: ...

    async def contact_failed(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer: ...

    async def debit_returned(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer: ...
    async def call_choice(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer: ...

    async def consent_given(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer: ...

    async def ask_consent(self, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer: ...

    async def tell(self, name: SignalName, lender: str, loan_id: str, payload: dict[str, Any]) -> SignalAnswer:
        """Any other signal, by its name."""
        ...

    async def restart(self, lender: str, loan_id: str, news: OwedSignal) -> None:
        """Let a loan that had ended go on from its final state with `news`. Twice must equal once."""
        ...

    async def reachable(self) -> bool:
        """Whether the server answers now; never raises."""
        ...


class OrderRefused(Exception):
    """The loan did not do it; the text says why, without personal data."""


class LoanNotRunning(Exception):
    """The loan is not in collection: it waits for its campaign, or has ended."""


class LoanOrders(Protocol):
    """Questions and orders to `loan-<lender>-<loan id>`, answered.

    All raise LoanNotRunning, and TemporalUnavailable when the server or a worker does not answer.
    """

    async def view(self, lender: str, loan_id: str) -> LoanView:
        """All a running loan knows."""
        ...

    async def order(
        self, lender: str, loan_id: str, update: str, payload: dict[str, Any], update_id: str | None = None
    ) -> Answer:
        """Send an update; twice with the same id is once. Raises OrderRefused."""
        ...

    async def answered(self, lender: str, loan_id: str, update_id: str) -> Answer | None:
        """What the loan's present run did under this id; None: nothing, or it refused."""
        ...
