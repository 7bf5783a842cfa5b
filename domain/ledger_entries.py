"""What a loan wants written in the records; gathered by the core, written by one activity in order.

Each entry is written at most once however often the activity is tried: it has a key of its own.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_serializer

from domain.agreements.model import Agreement
from domain.contact import Channel
from domain.events.contacts import AddressFailure
from domain.events.control import CaseDecision
from domain.loans import Payment


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True)

    at: AwareDatetime


class CaseKind(StrEnum):
    HANDOFF = "handoff"
    CIRCUMSTANCE = "circumstance"
    CONTACT_DATA = "contact_data"
    CEASE = "cease"
    REFUND = "refund"
    PAYMENT_QUERY = "payment_query"
    BROKEN_AGREEMENT = "broken_agreement"
    APPROVAL = "approval"


class CaseState(StrEnum):
    OPEN = "open"
    DECIDED = "decided"
    RETRACTED = "retracted"
    CLOSED = "closed"


class LoanEnd(StrEnum):
    CURED = "cured"
    SETTLED = "settled"
    NOT_CURED = "not_cured"
    RECALLED = "recalled"
    SOLD = "sold"
    WRITTEN_OFF = "written_off"


PAID_ENDS = frozenset({LoanEnd.CURED, LoanEnd.SETTLED})
"""Nothing is due any more: paid in full, or as much as a settlement asked for."""


class PaymentEntry(_Entry):
    entry: Literal["payment"] = "payment"
    payment: Payment
    currency: str

    @field_serializer("payment", when_used="json")
    def _without_defaults(self, payment: Payment) -> dict[str, Any]:
        """A payment that has just come was neither reversed nor refunded."""
        return payment.model_dump(mode="json", exclude_defaults=True)


class ReversalEntry(_Entry):
    entry: Literal["reversal"] = "reversal"
    provider: str
    payment_id: str


class OptOutEntry(_Entry):
    """`said_at`: when the borrower said so, where the records know of it already."""

    entry: Literal["opt_out"] = "opt_out"
    channel: Channel | Literal["all"]
    said_at: AwareDatetime | None = None


class AddressEntry(_Entry):
    """The address that the contact of `step` and `occurrence` went to is of no use; what named none meant the one in
    use when it is written."""

    entry: Literal["address"] = "address"
    channel: Channel
    reason: AddressFailure
    step: str | None = None
    occurrence: int | None = None


class CaseOpenedEntry(_Entry):
    entry: Literal["case_opened"] = "case_opened"
    case_id: str
    kind: CaseKind
    queue: str
    reason: str
    sla_at: AwareDatetime
    amount_minor: int | None = None
    """What a refund is about."""


class CaseMovedEntry(_Entry):
    entry: Literal["case_moved"] = "case_moved"
    case_id: str
    queue: str
    sla_at: AwareDatetime


class CaseClosedEntry(_Entry):
    entry: Literal["case_closed"] = "case_closed"
    case_id: str
    state: CaseState
    decision: CaseDecision | None = None
    by: str | None = None
    note: str = ""


class NoteEntry(_Entry):
    """A line of the audit trail: pause, resume, step passed over, message refused."""

    entry: Literal["note"] = "note"
    action: str
    detail: str = ""


class WordsState(StrEnum):
    """Of what a person wrote in own words. WRITTEN: in the records, and the loan has not been told of it."""

    WRITTEN = "written"
    WAITING = "waiting"
    SENT = "sent"
    NOT_SENT = "not_sent"


class WordsEntry(_Entry):
    """What became of a person's own words; `why` they were not sent."""

    entry: Literal["words"] = "words"
    words_id: str
    state: WordsState
    why: str = ""


class EndEntry(_Entry):
    entry: Literal["end"] = "end"
    end: LoanEnd
    by: str


class ReopenedEntry(_Entry):
    entry: Literal["reopened"] = "reopened"
    why: str


class AgreementEntry(_Entry):
    """An agreement as it stands after `change`; `paid_minor` of each instalment, in their order."""

    entry: Literal["agreement"] = "agreement"
    agreement: Agreement
    paid_minor: tuple[int, ...]
    change: str


LedgerEntry = Annotated[
    PaymentEntry
    | ReversalEntry
    | OptOutEntry
    | AddressEntry
    | CaseOpenedEntry
    | CaseMovedEntry
    | CaseClosedEntry
    | NoteEntry
    | WordsEntry
    | EndEntry
    | ReopenedEntry
    | AgreementEntry,
    Field(discriminator="entry"),
]
