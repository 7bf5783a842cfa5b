"""What an agreement is: its instalments, its state, and the evidence that it was accepted. Amounts are minor units."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.message_names import WithoutNumber

AGREEMENTS_KEPT = 40
"""More agreements than any loan makes in its life; the state must stay small enough to travel."""

REMINDER = "agreement_reminder"
MISSED = "agreement_missed"
LINK = "agreement_link"
BROKEN = "agreement_broken"
DOCUMENT = "agreement_document"
MESSAGES = (DOCUMENT, REMINDER, MISSED, LINK, BROKEN)
"""The steps of contacts that an agreement asks for itself, beside the strategy's sequence."""


class AgreementKind(StrEnum):
    PROMISE = "promise"
    PLAN = "plan"
    SETTLEMENT = "settlement"
    RESTRUCTURING = "restructuring"


class AgreementState(StrEnum):
    """OPEN is a promise that may still be kept, ACTIVE any other agreement in force; PROPOSED waits for an approval
    or for the borrower's yes. The rest are ends: VOID by a circumstance or by the loan's end, CANCELLED by a person."""

    PROPOSED = "proposed"
    OPEN = "open"
    ACTIVE = "active"
    KEPT = "kept"
    PARTLY_KEPT = "partly_kept"
    COMPLETED = "completed"
    BROKEN = "broken"
    REPLACED = "replaced"
    VOID = "void"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


LIVE = frozenset({AgreementState.OPEN, AgreementState.ACTIVE})
JUDGED = LIVE | {
    AgreementState.KEPT,
    AgreementState.PARTLY_KEPT,
    AgreementState.COMPLETED,
    AgreementState.BROKEN,
}
"""States that follow from the payments: news of money is judged again."""


class Via(StrEnum):
    """How the borrower said yes."""

    MESSAGE = "message"
    AGENT = "agent"
    KEYPAD = "keypad"
    PAGE = "page"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Evidence(_Value):
    """That the borrower said yes: which message, when, and the hash of its words. The words stay in the records."""

    at: AwareDatetime
    message_id: Annotated[str, Field(max_length=128, pattern=r"^[\x21-\x7e]+$"), WithoutNumber] | None = None
    text_sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")


class Instalment(_Value):
    """One payment that was agreed. `moved` counts how often its date was moved; `grace_until`: a fresh last day, given
    when a payment that had covered it was taken back. `missed`: its day passed without the money."""

    number: int
    due: date
    amount_minor: int = Field(gt=0)
    moved: int = Field(0, exclude_if=operator.not_)
    grace_until: date | None = None
    missed: bool = Field(False, exclude_if=operator.not_)


class Agreement(_Value):
    """An agreement of a loan, from its first moment on.

    `payments_before` is how many payments the loan knew when it was made: those never count towards it. Of a
    settlement `remission_minor` is what is forgiven when it is completed, `remitted_minor` what was; of a
    restructuring `added_minor` is what the new schedule adds to the debt. `reminded` and `offered` are numbers of the
    last instalment a reminder or a link went out for; `told`: the message of its breach is behind it;
    `documented`: the one that brings its document. `holidays` are days on which no payment is put when dates move on;
    `revision` counts how often dates were moved, the last time at `revised_at`: each has a document of its own.
    `expires_at` is an offer's end, and stays with one that never came into force.
    `move_evidence` is the yes to the due date that was moved, beside the one to the agreement.
    """

    number: int
    kind: AgreementKind
    state: AgreementState
    made_at: AwareDatetime
    by: str
    via: Via
    instalments: tuple[Instalment, ...] = Field(min_length=1, max_length=60)
    balance_minor: int
    payments_before: int = 0
    grace_days: int = 0
    tolerance_minor: int = Field(0, exclude_if=operator.not_)
    option: str | None = None
    rule: str | None = None
    fees_frozen: bool = Field(False, exclude_if=operator.not_)
    evidence: Evidence | None = None
    proposed_by: str | None = None
    approved_by: str | None = None
    expires_at: AwareDatetime | None = None
    remission_minor: int = Field(0, exclude_if=operator.not_)
    remitted_minor: int = Field(0, exclude_if=operator.not_)
    added_minor: int = Field(0, exclude_if=operator.not_)
    version: int | None = None
    held_since: AwareDatetime | None = None
    holidays: tuple[date, ...] = Field((), exclude_if=operator.not_)
    date_moved: bool = Field(False, exclude_if=operator.not_)
    revision: int = Field(0, exclude_if=operator.not_)
    revised_at: AwareDatetime | None = None
    move_evidence: Evidence | None = None
    reminded: int = Field(0, exclude_if=operator.not_)
    missed_told: int = Field(0, exclude_if=operator.not_)
    offered: int = Field(0, exclude_if=operator.not_)
    told: bool = Field(False, exclude_if=operator.not_)
    documented: bool = Field(False, exclude_if=operator.not_)
    ended_at: AwareDatetime | None = None

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def was_in_force(self) -> bool:
        """Whether it ever was, or is now; what was only offered has ends of the same names."""
        return self.expires_at is None

    @property
    def total_minor(self) -> int:
        return sum(instalment.amount_minor for instalment in self.instalments)

    @property
    def last_due(self) -> date:
        return self.instalments[-1].due

    @property
    def adjustment_minor(self) -> int:
        """What this agreement changes in the debt as it stands now: interest added, or a rest forgiven."""
        if self.state in (AgreementState.ACTIVE, AgreementState.COMPLETED) and self.interest_minor:
            return self.interest_minor
        return -self.remitted_minor if self.state is AgreementState.COMPLETED else 0

    @property
    def interest_minor(self) -> int:
        """What has to be paid beside the debt for this agreement to be kept."""
        return self.added_minor if self.kind is AgreementKind.RESTRUCTURING else 0


def last_in_force(agreements: Sequence[Agreement]) -> Agreement | None:
    """The one that came into force last, whatever became of it; offers that waited longer may have lower numbers."""
    return max((a for a in agreements if a.was_in_force), key=lambda a: (a.made_at, a.number), default=None)
