"""A payment's refunds at Mercado Pago, as its list of them has it: a refund carries nothing of ours to know it by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import httpx
from pydantic import BaseModel, ConfigDict

from domain.money import minor_units
from providers.payments.decimals import decimal_of
from providers.ports import Refund, RefundState

STATES: Final[Mapping[object, RefundState]] = MappingProxyType(
    {"approved": RefundState.DONE, "in_process": RefundState.PENDING, "rejected": RefundState.FAILED}
)


class ListedRefund(BaseModel):
    """One refund of a payment, by whomever. `amount_minor` is in minor units of the payment's currency."""

    model_config = ConfigDict(frozen=True)

    id: str
    amount_minor: int
    state: RefundState


def listed_refunds(response: httpx.Response, currency: str) -> tuple[ListedRefund, ...]:
    """The refunds in the order of the answer. ValueError for anything that is no list of refunds."""
    try:
        answer = json.loads(response.content)
    except RecursionError:
        raise ValueError("not a list of refunds") from None
    if not isinstance(answer, list):
        raise ValueError("not a list of refunds")
    return tuple(_listed(one, currency) for one in answer)


def _listed(one: object, currency: str) -> ListedRefund:
    if not isinstance(one, dict):
        raise ValueError("not a refund")
    refund_id, status = one.get("id"), one.get("status")
    if not isinstance(refund_id, int | str) or not isinstance(status, str):
        raise ValueError("not a refund we can read")
    # A word we do not know may stand for money that went back: one such refund must not hide the others.
    state = STATES.get(status, RefundState.PENDING)
    amount = minor_units(decimal_of(one.get("amount")), currency)
    return ListedRefund(id=str(refund_id), amount_minor=amount, state=state)


def given_back(listed: Sequence[ListedRefund]) -> int:
    """What was given back in all, or is on its way, in minor units."""
    return sum(one.amount_minor for one in listed if one.state is not RefundState.FAILED)


def like(listed: Sequence[ListedRefund], amount_minor: int) -> Refund | None:
    """The last one of just this amount that was carried out, or will be."""
    same = [one for one in listed if one.amount_minor == amount_minor and one.state is not RefundState.FAILED]
    last = max(same, key=lambda one: (len(one.id), one.id), default=None)
    return None if last is None else Refund(id=last.id, state=last.state)
