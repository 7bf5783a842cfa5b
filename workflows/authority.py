"""What an order to a loan may rest on: an authority beyond the machine's, and a name of ours, only with a warrant.

A worker is told once which warrants to believe; until then it believes none. Validators of updates ask here: they run
when an order arrives and never when a history is replayed, so a key that was changed since changes no history.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from config.warrants import Warrants
from domain.access import OUR_NAMES
from domain.agreements.terms import Authority
from domain.events.agreements import (
    AgreementCancelled,
    DueDateMoved,
    OfferAccepted,
    OfferApproved,
    PlanAgreed,
    PromiseMade,
    RestructuringAgreed,
    SettlementAgreed,
)
from domain.events.control import Decide
from domain.events.messages import WordsWithdrawn, WordsWritten

WithAuthority = PlanAgreed | SettlementAgreed | RestructuringAgreed | OfferApproved | WordsWritten | WordsWithdrawn
Warranted = WithAuthority | PromiseMade | OfferAccepted | DueDateMoved | AgreementCancelled | Decide
_MODELS: dict[str, type[BaseModel]] = {
    "promise": PromiseMade,
    "accept_offer": OfferAccepted,
    "move_due_date": DueDateMoved,
    "cancel_agreement": AgreementCancelled,
    "decide": Decide,
    "plan": PlanAgreed,
    "settlement": SettlementAgreed,
    "restructuring": RestructuringAgreed,
    "approve_offer": OfferApproved,
    "write": WordsWritten,
    "withdraw_words": WordsWithdrawn,
}
MAY_NEED_WARRANTS = frozenset(_MODELS)
"""The updates that say who gives them."""
_believed: list[Warrants] = []


def believe(warrants: Warrants | None) -> None:
    """From now on this process believes these; None: none at all."""
    _believed[:] = [] if warrants is None else [warrants]


def unproven(workflow_id: str, update: str, order: Warranted) -> str | None:
    """Why this order is not taken for what it says of who gives it, or None."""
    role = order.role if isinstance(order, WithAuthority) else Authority.MACHINE
    if role is Authority.MACHINE and not order.by.startswith(OUR_NAMES):
        return None
    if order.warrant is not None and any(
        each.holds(workflow_id, update, _said(order), order.warrant) for each in _believed
    ):
        return None
    who = f"{order.by} as {role}" if isinstance(order, WithAuthority) else order.by
    return f"{who} is not proven: order it at Recobro's pages, API or command line, or as the machine"


def warranted(warrants: Warrants, workflow_id: str, update: str, order: dict[str, Any]) -> dict[str, Any]:
    """The order with its warrant; one that never needs any as it is.

    Raises pydantic.ValidationError for an order that no loan would read.
    """
    model = _MODELS.get(update)
    if model is None:
        return order
    return order | {"warrant": warrants.sign(workflow_id, update, _said(model.model_validate(order)))}


def _said(order: BaseModel) -> dict[str, Any]:
    """What is signed: every field that is set, so that a field of a newer build changes nothing while it is empty."""
    return order.model_dump(mode="json", exclude={"warrant"}, exclude_defaults=True)
