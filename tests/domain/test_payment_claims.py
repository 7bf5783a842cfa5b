"""A borrower who says that they have paid is not reminded before somebody has looked, nor left alone for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.conversation.terms import ConversationTerms
from domain.events.borrower import OptOut
from domain.events.control import CaseDecision, Decide
from domain.events.payments import PaymentReceived
from domain.ledger_entries import CaseKind
from domain.watching import watch_wanted
from tests.domain.conversation.test_answering import said
from tests.domain.simulated_loan import START, SimulatedLoan, facts, strategy


def loan(*, consent: bool = False) -> SimulatedLoan:
    """Entered the day after its due date; the first reminder is due on 4 March."""
    return SimulatedLoan.entered(facts(consent=consent), strategy(conversation=ConversationTerms()), START)


def claims(subject: SimulatedLoan, *intents: str) -> None:
    count = len(subject.ledger) + len(subject.contacts)
    heard = said(*(intents or ("already_paid",)), number=count + 1, received_at=subject.now)
    assert subject.hear(heard) is None


def decided(subject: SimulatedLoan) -> None:
    [case] = [case for case in subject.state.cases if case.kind is CaseKind.PAYMENT_QUERY and not case.lapsed]
    decision = Decide(case_id=case.case_id, decision=CaseDecision.CONTINUE, by="agent-1")
    assert subject.hear(decision) is None


def pays(subject: SimulatedLoan, amount: int) -> None:
    paid = {"payment_id": f"p{amount}", "amount_minor": amount, "currency": "EUR", "provider": "bank"}
    assert subject.hear(PaymentReceived.model_validate({**paid, "paid_at": subject.now})) is None


def reminders(subject: SimulatedLoan) -> list[str]:
    return [step for step in subject.sent if step != "reply"]


@pytest.mark.parametrize("intents", [("already_paid",), ("payment_receipt",), ("already_paid", "ask_balance")])
def test_who_says_that_they_have_paid_hears_so_and_is_not_reminded_while_nobody_has_looked(
    intents: tuple[str, ...],
) -> None:
    """Given a reminder that is due in two days, when "ya pagué" is heard, then the answer alone goes out until a person
    has decided, and the sequence goes on where it stood."""
    subject = loan()
    claims(subject, *intents)

    subject.pass_days(2.5)
    assert subject.sent == ["reply"]
    decided(subject)
    subject.pass_days(2.5)

    assert subject.sent == ["reply", "day-3"]


def test_a_claim_on_which_nobody_decides_in_time_holds_no_longer() -> None:
    """Two days in the first queue, one in the second: the wait for the reminder keeps what it had left."""
    subject = loan()
    claims(subject)

    subject.pass_days(2.9)
    assert subject.state.hold is not None
    subject.pass_days(3)

    assert [case.lapsed for case in subject.state.cases] == [True]
    assert subject.sent == ["reply", "day-3"]


def test_who_says_it_again_before_any_money_comes_is_reminded() -> None:
    """Given a claim that was decided against, when the same is said every day, then each is a case and none holds."""
    subject = loan()
    claims(subject)
    decided(subject)

    for _ in range(4):
        claims(subject)
        assert subject.state.hold is None
        assert [case.kind for case in subject.state.cases if not case.lapsed] == [CaseKind.PAYMENT_QUERY]
        subject.pass_days(1)

    assert reminders(subject) == ["day-3"]


def test_who_says_it_again_while_a_person_looks_does_not_lengthen_it() -> None:
    subject = loan()
    claims(subject)
    until = subject.state.cases[0].sla_at

    subject.pass_days(1)
    claims(subject)

    assert [(case.sla_at, case.holds) for case in subject.state.cases] == [(until, True)]


def test_who_says_it_again_after_one_lapsed_is_reminded() -> None:
    subject = loan()
    claims(subject)
    subject.pass_days(3.1)

    claims(subject)

    assert [(case.lapsed, case.holds) for case in subject.state.cases] == [(True, False), (False, False)]
    assert subject.state.hold is None


def test_a_claim_after_another_payment_holds_anew() -> None:
    subject = loan()
    claims(subject)
    pays(subject, 10_000)
    decided(subject)

    claims(subject)

    assert subject.state.hold is not None


def test_a_case_about_a_payment_that_waits_already_holds_from_the_claim_on_until_its_own_time() -> None:
    """Given a payment that a person has to look at, when the borrower says that they paid, then that case holds."""
    subject = loan()
    ahead = {"payment_id": "p1", "amount_minor": 10_000, "currency": "EUR", "provider": "bank"}
    late = PaymentReceived.model_validate({**ahead, "paid_at": START + timedelta(days=20)})
    assert subject.hear(late) is None
    [case] = subject.state.cases
    assert (case.kind, case.holds) == (CaseKind.PAYMENT_QUERY, False), "what a bank tells holds nothing"

    claims(subject)

    assert subject.state.cases == (case.model_copy(update={"holds": True}),)


def test_a_stop_beside_a_claim_stops_and_the_claim_holds_what_would_go_another_way() -> None:
    subject = loan()
    assert subject.hear(OptOut(channel="sms")) is None

    claims(subject, "already_paid", "opt_out")
    subject.pass_days(2.5)

    assert subject.state.closed_channels == ("sms",)
    assert reminders(subject) == []


def test_the_balance_is_watched_and_payment_in_full_ends_the_loan_while_a_claim_holds() -> None:
    subject = loan(consent=True)
    claims(subject)
    assert watch_wanted(subject.state)

    pays(subject, 30_000)

    assert subject.state.end == "cured"
