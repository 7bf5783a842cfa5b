"""A gateway's own list of payments held against ours: every difference, in words a person can act on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Listed(_Value):
    """A payment as one side has it. `taken_back`: refunded there, reversed here. `loan_id`: only here."""

    payment_id: str
    amount_minor: int
    currency: str
    paid_at: AwareDatetime
    taken_back: bool = False
    loan_id: str | None = None


class DifferenceKind(StrEnum):
    """MISSING_HERE: the gateway took money that the records do not have. MISSING_THERE: the records have a payment that
    the gateway does not list. AMOUNT: both have it, not alike. TAKEN_BACK_THERE, TAKEN_BACK_HERE: only one of them says
    so. NO_LOAN: it is here, and counts for no loan."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    TAKEN_BACK_THERE = "taken_back_there"
    TAKEN_BACK_HERE = "taken_back_here"
    NO_LOAN = "no_loan"


class Difference(_Value):
    """Amounts in minor units; None on the side that does not have the payment."""

    provider: str
    kind: DifferenceKind
    payment_id: str
    currency: str
    theirs_minor: int | None = None
    ours_minor: int | None = None
    loan_id: str | None = None


def compare(
    provider: str, theirs: Iterable[Listed], ours: Iterable[Listed], begins: datetime, ends: datetime
) -> tuple[Difference, ...]:
    """Every difference about payments made from `begins` until before `ends`; what both have is of the day we date it.

    Both lists may reach further: what one side dates an hour before midnight and the other after it is no difference.
    """
    there, here = {one.payment_id: one for one in theirs}, {one.payment_id: one for one in ours}
    found: list[Difference] = []
    for payment_id in sorted(there.keys() | here.keys()):
        their, our = there.get(payment_id), here.get(payment_id)
        first = our or their
        assert first is not None
        if not begins <= first.paid_at < ends:
            continue
        found += [
            Difference(
                provider=provider,
                kind=kind,
                payment_id=payment_id,
                currency=first.currency,
                theirs_minor=their.amount_minor if their else None,
                ours_minor=our.amount_minor if our else None,
                loan_id=our.loan_id if our else None,
            )
            for kind in _kinds(their, our)
        ]
    return tuple(found)


def _kinds(theirs: Listed | None, ours: Listed | None) -> list[DifferenceKind]:
    if theirs is None:
        return [DifferenceKind.MISSING_THERE]
    if ours is None:
        return [] if theirs.taken_back else [DifferenceKind.MISSING_HERE]
    kinds = []
    if (theirs.amount_minor, theirs.currency) != (ours.amount_minor, ours.currency):
        kinds.append(DifferenceKind.AMOUNT)
    if theirs.taken_back and not ours.taken_back:
        kinds.append(DifferenceKind.TAKEN_BACK_THERE)
    if ours.taken_back and not theirs.taken_back:
        kinds.append(DifferenceKind.TAKEN_BACK_HERE)
    if ours.loan_id is None:
        kinds.append(DifferenceKind.NO_LOAN)
    return kinds
