"""A contact as the plan orders it, and the names of those that are no step of a strategy."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.contact import Channel, Purpose
from domain.events.borrower import Circumstance

RECEIPT = "receipt"
PART_RECEIPT = "part-receipt"
FUNDS = "funds"
ASKED = "asked"
"""A payment link that the borrower asked for on the telephone."""
CONSENT = "consent-request"
"""The contact by which a consent is asked for, outside the steps."""


class Agreed(BaseModel):
    """What is agreed to be paid, and on which local date: a message may print it, and a link is over no more."""

    model_config = ConfigDict(frozen=True)

    amount_minor: int
    due: date


class SendContact(BaseModel):
    """Reach the borrower about `step`, by the first channel that works, at the next lawful slot.

    `give_up_at`: a slot at or after this moment is of no use; None leaves it to the strategy's end. `unless_read`: only
    if the contact of this occurrence turns out not to have been read.
    """

    model_config = ConfigDict(frozen=True)

    step: str
    occurrence: int
    channels: tuple[Channel, ...]
    template: str
    purpose: Purpose = Purpose.COLLECTION
    with_link: bool = False
    balance_read_at: AwareDatetime | None = None
    agreed: Agreed | None = None
    give_up_at: AwareDatetime | None = None
    unless_read: int | None = None
    faq: str | None = None
    """Which of the lender's own answers the message gives."""
    payments: tuple[Agreed, ...] = ()
    """The payments of an offer or agreement, where the message names each."""
    answer_by: date | None = None
    """By which local day a person answers, where the message says so."""
    words: str | None = None
    """The id of a person's own words, where the message gives them."""
    circumstance: Circumstance | None = None
    """What was reported of the loan and nobody has decided on: for a person's words law still hears of it."""
    what: str
