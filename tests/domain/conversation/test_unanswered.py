"""What is acted on and never answered: somebody else at the number, and whoever asks to hear no more."""

from __future__ import annotations

from typing import Any

import pytest

from domain.collection import apply
from domain.contact_orders import SendContact
from domain.events.borrower import OptOut
from domain.events.payments import PaymentReceived
from domain.ledger_entries import CaseKind
from domain.loan_state import LoanState
from domain.planning import plan
from tests.domain.conversation.test_answering import after, answer_to, answered, day, said, talking
from tests.domain.simulated_loan import START

PAID = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=START, provider="x")


def ceased() -> LoanState:
    return apply(talking(), OptOut(channel="all"), START)[0]


def cured() -> LoanState:
    return apply(talking(), PAID, START)[0]


@pytest.mark.parametrize("before", [talking, ceased, cured])
@pytest.mark.parametrize("intents", [("wrong_person", "vulnerable"), ("vulnerable", "wrong_person")])
def test_a_death_told_with_a_wrong_number_holds_the_loan(before: Any, intents: tuple[str, ...]) -> None:
    """Given "wrong number, the man you look for has died", whichever is read first, also of a loan whose borrower asked
    for no more contact or that was paid, when it is heard, then the loan stands still in a case of its own, and nobody
    is answered nor written to by any other way."""
    state = after(before(), said(*intents, needs_human=True))

    assert [case.circumstance for case in state.cases if case.kind is CaseKind.CIRCUMSTANCE] == ["vulnerable"]
    assert answer_to(state) is None
    assert before is cured or not isinstance(plan(state, START)[1], SendContact)


@pytest.mark.parametrize("before", [talking, ceased])
def test_what_a_lawyer_or_guardian_writes_is_seen_by_a_person(before: Any) -> None:
    """Given somebody else at the number who speaks for the borrower, then a person sees it, and nobody is answered; a
    plain wrong number is nobody's business."""
    plain = after(before(), said("wrong_person"))
    state = after(before(), said("wrong_person", needs_human=True))

    assert [case.kind for case in state.cases if case not in plain.cases] == [CaseKind.HANDOFF]
    assert not any(case.kind is CaseKind.HANDOFF for case in plain.cases)
    assert answer_to(state) is None
    assert state.circumstance is None


@pytest.mark.parametrize(
    ("intents", "more", "circumstance", "kinds"),
    [
        (["payment_receipt", "already_paid", "opt_out"], {}, None, [CaseKind.PAYMENT_QUERY]),
        (["opt_out", "already_paid"], {}, None, [CaseKind.PAYMENT_QUERY]),
        (["already_paid", "opt_out"], {"needs_human": True}, None, [CaseKind.PAYMENT_QUERY, CaseKind.HANDOFF]),
        (["opt_out"], {"needs_human": True}, None, [CaseKind.HANDOFF]),
        (["opt_out", "promise_to_pay"], {"promise_date": "2026-03-06"}, None, [CaseKind.HANDOFF]),
        (["hardship", "opt_out"], {}, "hardship", [CaseKind.CIRCUMSTANCE]),
        (["dispute", "opt_out"], {}, "dispute", [CaseKind.CIRCUMSTANCE]),
        (["ask_balance"], {"says": "yes"}, None, [CaseKind.HANDOFF]),
    ],
)
def test_what_is_said_beside_a_stop_is_acted_on_and_not_answered(
    intents: list[str], more: dict[str, Any], circumstance: str | None, kinds: list[CaseKind]
) -> None:
    state = after(talking(), said(*intents, closes_channel=True, **more))

    assert state.circumstance == circumstance
    assert [case.kind for case in state.cases] == kinds
    assert answer_to(state) is None


def test_a_yes_beside_a_stop_confirms_nothing_that_was_read_back() -> None:
    """Given a promise that was read back, when the borrower says yes and to leave them alone, then a person goes on."""
    state = after(talking(), said("promise_to_pay", promise_date=day(talking(), 5)))

    state = after(answered(state), said("acknowledgement", number=2, says="yes", closes_channel=True))
    state = after(state, said("acknowledgement", number=3, says="yes"))

    assert state.agreements == ()
    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]


def test_what_is_heard_without_a_stop_is_kept_as_before() -> None:
    """Histories of earlier versions hold events without the mark: they are written as they were."""
    assert "closes_channel" not in said("ask_balance").model_dump(mode="json")
