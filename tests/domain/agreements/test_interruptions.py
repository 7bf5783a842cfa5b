"""Every row of the table of interruptions, for every kind of agreement."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.agreements.model import MESSAGES, AgreementKind
from domain.watching import watch_wanted
from tests.domain.agreements.interruption_table import PROMISE, TABLE, agreement_of
from tests.domain.simulated_loan import CATALOGUE, START, SimulatedLoan, facts, strategy


@pytest.mark.parametrize("kind", AgreementKind)
@pytest.mark.parametrize("row", TABLE)
def test_what_an_interruption_does_to_an_agreement(row: str, kind: AgreementKind) -> None:
    wanted = TABLE[row]
    subject = SimulatedLoan.entered(facts(consent=True), strategy(**CATALOGUE), START)
    subject.pass_days(2.2)
    assert subject.hear(agreement_of(kind, subject.state, subject.now)) is None
    subject.pass_days(0.3)
    dues = [instalment.due for instalment in subject.state.agreements[0].instalments]
    before = len(subject.contacts)

    for event in wanted.events(subject.state, subject.now):
        subject.hear(event)

    state = subject.state
    [agreement] = state.agreements
    assert agreement.state == (wanted.promise if kind is PROMISE else wanted.then)
    assert state.end == wanted.but.get(kind, wanted.end)
    if wanted.end is not None:
        assert {case.kind for case in state.cases} <= {"refund"}, (
            "it waits for nobody but to give back what is too much"
        )
        return
    assert (state.stands_still is not None) == wanted.stands_still
    if wanted.stands_still:
        assert not watch_wanted(state)
    assert [instalment.due for instalment in agreement.instalments] == dues, "no date moves by itself"

    subject.pass_days(0.9)
    steps = {order.step for _, order, _ in subject.contacts[before:]}
    if wanted.stands_still or subject.state.ceased:
        assert steps == set(), "nothing is written"
    elif subject.state.agreement is not None:
        assert steps <= set(MESSAGES), "nothing is demanded while it is kept"


@pytest.mark.parametrize("kind", AgreementKind)
def test_whose_day_passes_without_money_is_broken_and_the_sequence_goes_on(kind: AgreementKind) -> None:
    subject = SimulatedLoan.entered(facts(), strategy(**CATALOGUE), START)
    subject.hear(agreement_of(kind, subject.state, subject.now))
    first = subject.state.agreements[0].instalments[0]
    subject.run_until(subject.state.facts.moment(first.due + timedelta(days=9), START.time()))

    assert subject.state.agreements[0].state == "broken"
    assert "agreement_broken" in subject.sent
    assert any(case.kind == "broken_agreement" for case in subject.state.cases)
    assert subject.state.balance_minor == 30_000
