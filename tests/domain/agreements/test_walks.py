"""Long lives of loans full of agreements: the invariants of every order of events hold after each of them."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from random import Random

from domain.agreements.judging import next_moment
from domain.events.borrower import Circumstance, CircumstanceReported, OptOut
from domain.events.control import CaseDecision, Close, CloseReason, Decide, Pause, Resume
from domain.events.loan_event import LoanEvent
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.ledger_entries import AgreementEntry
from tests.domain.agreement_events import agreement_events
from tests.domain.simulated_loan import CATALOGUE, START, Borrower, SimulatedLoan, facts, strategy
from tests.domain.test_collection_properties import CollectionMachine

WALKS = int(os.environ.get("RECOBRO_WALKS", "36"))


def news(random: Random, subject: SimulatedLoan) -> LoanEvent:
    state = subject.state
    choices = agreement_events(random, subject)
    case_id = state.cases[0].case_id if state.cases else "none"
    paid_at = subject.now - timedelta(days=random.choice([0, 0, 8]))
    amount = random.choice([4_000, 9_000, max(1, state.balance_minor)])
    payment = PaymentReceived(
        payment_id=f"p{random.randint(1, 9)}", provider="bank", amount_minor=amount, currency="EUR", paid_at=paid_at
    )
    choices += [
        (1, payment),
        (1, CircumstanceReported(kind=random.choice(list(Circumstance)))),
        (3 if state.cases else 0, Decide(case_id=case_id, decision=CaseDecision.CONTINUE, by="agent-1")),
        (1, Pause(until=subject.now + timedelta(days=random.choice([2, 9])))),
        (1, Resume()),
    ]
    if state.payments:
        back = random.choice(state.payments)
        choices.append((4 if state.end else 2, PaymentReversed(payment_id=back.payment_id, provider=back.provider)))
    if random.random() < 0.01:
        choices.append((9, OptOut(channel="all")))
    if random.random() < 0.02:
        choices.append((9, Close(reason=CloseReason.RECALLED)))
    return random.choices([c for _, c in choices], [w for w, _ in choices])[0]


def walk(seed: int) -> CollectionMachine:
    random = Random(seed)
    money = tuple((START + timedelta(days=d), START + timedelta(days=d, hours=30)) for d in random.sample(range(90), 3))
    machine = CollectionMachine()
    machine.loan = SimulatedLoan.entered(
        facts(consent=random.random() < 0.5), strategy(**CATALOGUE), START, Borrower(money=money)
    )
    machine.told, machine.took_back = {}, set()
    for _ in range(30):
        event = news(random, machine.loan)
        if isinstance(event, PaymentReceived):
            machine.told.setdefault((event.provider, event.payment_id), event)
        if isinstance(event, PaymentReversed):
            machine.took_back.add((event.provider or "", event.payment_id))
        machine.hear(event)
        check(machine)
        moment = next_moment(machine.loan.state)
        days = timedelta(days=random.choice([0.01, 0.6, 3, 12]))
        close = moment is not None and random.random() < 0.3
        machine.loan.run_until(max(moment, machine.loan.now) if close and moment else machine.loan.now + days)
        check(machine)
    return machine


def check(machine: CollectionMachine) -> None:
    for name in dir(CollectionMachine):
        each = getattr(CollectionMachine, name)
        if hasattr(each, "hypothesis_stateful_invariant"):
            each(machine)


def test_whatever_happens_to_agreements_the_invariants_hold() -> None:
    seen: Counter[str] = Counter()
    for seed in range(WALKS):
        try:
            machine = walk(seed)
        except AssertionError as broken:
            raise AssertionError(f"seed {seed}") from broken
        told = [entry.agreement for entry in machine.loan.ledger if isinstance(entry, AgreementEntry)]
        seen.update(f"{a.kind} {a.state}" for a in told)
        seen.update(machine.loan.sent)
        seen[f"end {machine.loan.state.end}"] += 1

    ends = ("active", "broken", "cancelled", "completed", "expired", "proposed", "replaced")
    missing = {f"{kind} {end}" for kind in ("plan", "settlement") for end in ends}
    missing |= {f"promise {end}" for end in ("open", "kept", "partly_kept", "broken", "replaced", "void")}
    missing |= {f"restructuring {end}" for end in ("active", "broken", "completed")}
    missing |= {"end settled", "end cured"}
    missing |= {f"agreement_{step}" for step in ("reminder", "link", "missed", "broken")}
    assert missing - set(seen) == set(), seen
