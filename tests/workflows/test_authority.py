"""Who an order to a loan is believed to come from: a name of ours needs a warrant in every order that names one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from config.master_keys import MasterKeys
from config.warrants import Warrants
from domain.events.agreements import AgreementCancelled, DueDateMoved, OfferAccepted, PromiseMade
from domain.events.control import Decide
from workflows.authority import believe, unproven, warranted
from workflows.messages import read_signal

WARRANTS = Warrants(MasterKeys({"k1": bytes(range(32))}, "k1"))
OTHERS = Warrants(MasterKeys({"k1": bytes(32)}, "k1"))
PROMISE = {"amount_minor": 5_000, "date": "2026-03-10", "by": "account:5", "via": "agent"}
YES = {"at": "2026-03-02T09:00:00Z", "message_id": "SM1"}
ORDERS: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "promise": (PromiseMade, PROMISE),
    "decide": (Decide, {"case_id": "c-1", "decision": "continue", "by": "apikey:k7", "note": "agreed"}),
    "accept_offer": (OfferAccepted, {"number": 1, "by": "account:5", "via": "agent", "evidence": YES}),
    "move_due_date": (DueDateMoved, {"number": 1, "to": "2026-03-10", "by": "account:5"}),
    "cancel_agreement": (AgreementCancelled, {"number": 1, "by": "account:5"}),
}


@pytest.fixture(autouse=True)
def believing() -> Iterator[None]:
    believe(WARRANTS)
    yield
    believe(None)


@pytest.mark.parametrize("update", list(ORDERS))
def test_a_name_of_ours_is_believed_with_a_warrant_alone_and_any_other_as_it_stands(update: str) -> None:
    model, order = ORDERS[update]

    def why(given: dict[str, Any], workflow_id: str = "loan-demo-L1") -> str | None:
        return unproven(workflow_id, update, model.model_validate(given))  # type: ignore[arg-type]

    assert why(order) == (
        f"{order['by']} is not proven: order it at Recobro's pages, API or command line, or as the machine"
    )
    signed = warranted(WARRANTS, "loan-demo-L1", update, order)
    assert why(signed) is None
    assert why(signed, "loan-demo-L2") is not None, "a warrant is for one loan"
    assert why(signed | {"by": "account:6"}) is not None, "and for one person"
    assert why(warranted(OTHERS, "loan-demo-L1", update, order)) is not None
    assert why(order | {"by": "agent-7"}) is None


def test_a_signal_carries_no_warrant_so_it_names_nobody_of_ours() -> None:
    assert read_signal("promise_made", PROMISE) == "by: account: and apikey: are believed in the update `promise` alone"
    assert isinstance(read_signal("promise_made", PROMISE | {"by": "keypad"}), PromiseMade)
