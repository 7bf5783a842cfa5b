"""What a loan may do next: the one action that a plan answers."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.contact_orders import SendContact
from domain.conversation.model import Asking


class OrderDebit(BaseModel):
    """Have the debit of `step` stand in the records, to be filed when it is due; not `released`: kept back."""

    model_config = ConfigDict(frozen=True)

    step: str
    occurrence: int = 1
    released: bool
    noticed: bool
    notice_days: int
    what: str


class AskOffers(BaseModel):
    """Ask the offer engine what the machine may offer a borrower who wants to pay otherwise."""

    model_config = ConfigDict(frozen=True)

    asking: Asking
    what: str = "what may be offered"


class Wait(BaseModel):
    """Nothing to do before `until` (None: until news comes), unless news comes."""

    model_config = ConfigDict(frozen=True)

    until: AwareDatetime | None
    why: str


class Finish(BaseModel):
    """The loan has ended and everything about it is done."""

    model_config = ConfigDict(frozen=True)


Action = SendContact | OrderDebit | AskOffers | Wait | Finish
