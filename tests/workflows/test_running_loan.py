"""What a running loan makes of what it is told, by whichever way that comes: signals, updates and reports."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest

from domain.collection import apply
from domain.events.agreements import DueDateMoved
from domain.events.balance import FundsSeen
from tests.domain.agreements.test_catalogue import agree, loan
from workflows import running_loan
from workflows.messages import LoanInput
from workflows.running_loan import MOVED_DATES_LOOK_ANEW, RunningLoan


@pytest.mark.parametrize("marked", [True, False], ids=["new", "earlier"])
def test_a_due_date_that_moves_by_whatever_is_told_goes_by_the_rule_of_its_run(
    marked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given money that was seen for a payment, when a report moves its day, as the one of a question that was answered
    already does, then what was seen counts no longer; a run that met it before keeps it, and so replays."""
    subject = loan(consent=True)
    agree(subject, "monthly")
    subject.state, _ = apply(subject.state, FundsSeen(read_at=subject.now), subject.now)
    asked: list[str] = []

    def patched(name: str) -> bool:
        asked.append(name)
        return marked

    monkeypatch.setattr(running_loan, "workflow", SimpleNamespace(now=lambda: subject.now, patched=patched))
    running = RunningLoan(LoanInput(facts=subject.state.facts, strategy=subject.state.strategy, state=subject.state))
    refused = running.apply(DueDateMoved(number=1, to=date(2026, 3, 20), by="agent-1"))

    assert refused is None
    assert running.state.agreements[-1].date_moved
    assert (running.state.funds_seen_at is None) is marked
    assert asked == [MOVED_DATES_LOOK_ANEW]
