"""Every order of events of a loan that collects by direct debit: what must hold of its debits beside all else."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from domain.contact import Channel
from domain.debit_steps import wants_debit
from domain.events.debits import DebitReturned
from domain.ledger_entries import NoteEntry
from domain.strategy import Step, StepKind
from tests.domain.simulated_loan import CATALOGUE, STEPS
from tests.domain.test_collection_properties import CollectionMachine

BOTH = (Channel.SMS, Channel.EMAIL)
ANNOUNCED = {"channels": BOTH, "template": "debit_notice"}
COLLECT = Step(id="collect", kind=StepKind.DEBIT, dpd=1, notice_days=5, **ANNOUNCED)
READY = Step(id="ready", kind=StepKind.DEBIT, dpd=22, notice_days=2, funds_seen=True, **ANNOUNCED)
AT_ONCE = Step(id="at-once", kind=StepKind.DEBIT, dpd=45, notice_days=0)
DEBITS = (COLLECT, READY, AT_ONCE)
GIVEN_UP = {"debit_unanswered", "debit_without_notice"}


class DebitMachine(CollectionMachine):
    terms = CATALOGUE | {"steps": (COLLECT, *STEPS[:5], READY, STEPS[5], AT_ONCE, STEPS[6])}

    @rule(mandate=st.sampled_from([True, True, True, False]))
    def may_be_debited(self, mandate: bool) -> None:
        self.loan.bank.mandate = mandate

    @rule()
    def the_days_file_goes_to_the_bank(self) -> None:
        """Nothing is filed that its loan keeps back, nor without the notice it is to have."""
        state = self.loan.state
        announced = {record.step for record in state.records if record.result == "sent"} | {AT_ONCE.id}
        assume(state.end is None)
        taken = self.loan.bank.file(announced.__contains__)
        given_up = self._given_up()
        for step in taken:
            if step in given_up:
                continue  # the records drop it: its loan has gone on without it
            assert state.debit is not None, "nobody waits for it"
            assert state.debit.step == step
            assert wants_debit(state)

    @rule(data=st.data(), reason=st.sampled_from(["AM04", "MS02", "AC04", "MD07"]), known=st.booleans())
    def a_debit_comes_back(self, data: st.DataObject, reason: str, known: bool) -> None:
        steps = sorted(self.loan.bank.filed) if known else [step.id for step in DEBITS]
        assume(steps)
        step = data.draw(st.sampled_from(steps))
        before = self.loan.state.debit_returns
        self.loan.bank.ends(step)
        self.hear(DebitReturned(step=step, reason=reason))
        once = self.loan.state
        self.hear(DebitReturned(step=step, reason="MS03"))
        assert self.loan.state.debit_returns == once.debit_returns, "the same debit comes back once"
        assert len(once.debit_returns) <= len(before) + 1
        assert once.debit is None or once.debit.step != step

    @rule(data=st.data(), part=st.booleans())
    def money_of_a_debit_comes(self, data: st.DataObject, part: bool) -> None:
        assume(self.loan.bank.filed)
        step = data.draw(st.sampled_from(sorted(self.loan.bank.filed)))
        self.loan.bank.ends(step)
        self.pay(f"dd-{step}", "sepa-dd", 10_000 if part else 30_000, timedelta(), "EUR")

    @rule(days=st.integers(1, 15))
    def the_bank_says_nothing(self, days: int) -> None:
        self.loan.pass_days(days)

    @invariant()
    def the_records_hold_back_what_the_loan_keeps_back(self) -> None:
        state = self.loan.state
        if state.end is not None:
            return
        given_up = self._given_up()
        for step, released in self.loan.bank.planned.items():
            if released and step not in given_up:
                assert state.debit is not None, f"{step} may be filed and nobody waits for it"
                assert state.debit.step == step, f"{step} may be filed beside {state.debit.step}"
                assert wants_debit(state), f"{step} may be filed while {state.hold or 'nothing may be asked for'}"

    @invariant()
    def nobody_is_asked_while_a_debit_is_awaited(self) -> None:
        """Only what answers the borrower, a debit's own notice and receipts go out meanwhile."""
        for at, order, then in self.loan.contacts:
            debit = then.debit
            if debit is None or not debit.released or debit.waits_until is None or at >= debit.waits_until:
                continue
            assert order.step not in {step.id for step in STEPS} or then.agreement is not None or order.unless_read

    def _given_up(self) -> set[str]:
        noted = [entry for entry in self.loan.ledger if isinstance(entry, NoteEntry)]
        return {entry.detail for entry in noted if entry.action in GIVEN_UP}


DebitMachine.TestCase.settings = settings(CollectionMachine.TestCase.settings, max_examples=60)
TestEveryOrderOfEventsOfDebits = DebitMachine.TestCase
