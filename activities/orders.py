"""What workflows order from activities and what they hear back: plain values, no personal data."""

from __future__ import annotations

import operator
from datetime import date

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from domain.agreements.model import AgreementKind
from domain.agreements.requests import OfferRequest
from domain.contact import Channel, Purpose
from domain.contact_orders import Agreed
from domain.events.borrower import Circumstance
from domain.ledger_entries import LedgerEntry
from domain.strategy import Threshold


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True)

    lender: str
    loan_id: str


class ContactOrder(_Order):
    """Reach the borrower once, by the first of `channels` that works, at the next lawful slot.

    `entry`: the hand-over it is of; None for the first, so that nothing travels for it. An order that a later
    hand-over's loan gave before there was the field counts as the first's too: it is not wanted any more, and most of
    what a loan sends it orders again. `balance_read_at`: the message rests on a balance read then; an older one than
    an hour is read again. `give_up_at`: a slot at or after this moment is of no use. `agreed`: the link is over no
    more than that.
    """

    entry: int | None = Field(None, ge=1)
    step: str
    occurrence: int = Field(1, exclude_if=(1).__eq__)
    channels: tuple[Channel, ...]
    template: str
    purpose: Purpose = Field(Purpose.COLLECTION, exclude_if=Purpose.COLLECTION.__eq__)
    with_link: bool = Field(False, exclude_if=operator.not_)
    balance_read_at: AwareDatetime | None = None
    threshold: Threshold | None = None
    give_up_at: AwareDatetime | None = None
    agreed: Agreed | None = None
    payments: tuple[Agreed, ...] = Field((), exclude_if=operator.not_)
    answer_by: date | None = None
    faq: str | None = None
    unless_read: int | None = None
    """The occurrence of an earlier contact of the step; if that was read by now this one is not wanted."""
    words: str | None = None
    """The id under which the records hold a person's own words, which this message gives."""
    circumstance: Circumstance | None = None
    """What was reported and not decided on yet: law hears of it as of a stop state of the person."""
    renews: bool = Field(False, exclude_if=operator.not_)
    """It asks for the next consent of its own accord: not of whoever took the one before back."""
    of_no_use: bool = Field(False, exclude_if=operator.not_)
    """Nothing would be done with what it asks for, so that it asks for nothing."""

    @property
    def of_entry(self) -> int:
        return self.entry or 1


class WatchOrder(_Order):
    """Look at the balance `reads_per_day` times a day, not before `not_before`, until it reaches the threshold."""

    threshold: Threshold
    reads_per_day: int
    not_before: AwareDatetime | None = None


class WatchReport(BaseModel):
    """`funds_seen_at` when the money is there; else `over` says why the watch cannot go on."""

    model_config = ConfigDict(frozen=True)

    funds_seen_at: AwareDatetime | None = None
    over: str | None = None


class DebitOrder(_Order):
    """Collect what is due by direct debit. `noticed`: not before a message of this step announced it, `notice_days`
    ago. Not `released`: it stands in the records and goes into no file."""

    entry: int = 1
    step: str
    occurrence: int = Field(1, exclude_if=(1).__eq__)
    released: bool = Field(False, exclude_if=operator.not_)
    noticed: bool = Field(False, exclude_if=operator.not_)
    notice_days: int = 0


class OfferOrder(_Order):
    """Ask the offer engine `request`, for offers of these `kinds` alone. The activity adds the holidays of the place
    and, where the borrower has not said what they can bear, what their balances tell."""

    number: int
    request: OfferRequest
    kinds: tuple[AgreementKind, ...]
    country: str
    region: str | None = None


class LedgerOrder(_Order):
    """Write `entries` in order; `first_entry` numbers them over the loan's whole life, so each is written once.

    `final_state` comes with every order of a loan that has ended (see `domain.loan_state.snapshot`), and the latest
    one counts, with or without an end among its entries: from it a later reversal or payment starts the loan again
    at its place, and the numbering of entries goes on.
    """

    entry: int = 1
    entries: tuple[LedgerEntry, ...]
    first_entry: int
    final_state: dict[str, JsonValue] | None = None
