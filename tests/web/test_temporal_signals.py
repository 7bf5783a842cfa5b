"""When a loan that had ended goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from domain.entering import enter
from domain.loan_snapshot import snapshot
from records import facts, loans, payments, strategies, webhooks
from records.database import Database
from records.tables import PaymentSource
from tests.records.portfolios import LENDER, NOW, entered
from web.ports import OwedSignal, SignalName
from web.temporal_signals import TemporalSignals
from workflows.messages import LoanInput

IN_TEN_YEARS = datetime.now(UTC) + timedelta(days=3_650)


class Started:
    """In a client's place: with what loans were started."""

    def __init__(self) -> None:
        self.given: list[LoanInput] = []

    async def start_workflow(self, _run: object, given: LoanInput, **_more: Any) -> None:
        self.given.append(given)

    async def __call__(self) -> Any:
        return self


def ended_and_taken_back(session: Session, at: datetime) -> OwedSignal:
    [loan] = entered(session, "L1")
    state = enter(facts.facts_of(session, loan, NOW), strategies.of_loan(session, loan), NOW)
    payments.record(
        session,
        provider="core",
        payment_id="p1",
        lender=LENDER,
        loan_id="L1",
        amount_minor=10_000,
        currency="EUR",
        paid_at=NOW,
        received_at=NOW,
        source=PaymentSource.WEBHOOK,
    )
    loans.end(session, loan, kind="cured", at=NOW, final_state=snapshot(state))
    payments.reverse(session, provider="core", payment_id="p1", at=at)
    payload = {"payment_id": "p1", "provider": "core"}
    return OwedSignal(lender=LENDER, loan_id="L1", name=SignalName.PAYMENT_REVERSED, payload=payload, restart=True)


async def test_a_reversal_dated_far_ahead_does_not_make_the_loan_deaf_until_then(database: Database) -> None:
    with database.writing() as session:
        news = ended_and_taken_back(session, IN_TEN_YEARS)
    started = Started()

    await TemporalSignals(started, database, "loans").restart(LENDER, "L1", news)

    [given] = started.given
    assert given.not_before is not None
    assert given.not_before <= datetime.now(UTC)


@pytest.mark.parametrize("ahead", [timedelta(days=-1), timedelta(days=400)])
async def test_a_loan_goes_on_no_earlier_than_its_news_on_the_clock_of_a_rehearsal(
    database: Database, ahead: timedelta
) -> None:
    """Given a world whose clocks stand elsewhere than the wall's, when a reversal of a loan's now comes in, and then
    news of a loan whose clock is weeks behind, then the loan goes on from its own moment."""
    moment = datetime.now(UTC) + ahead
    with database.writing() as session:
        news = ended_and_taken_back(session, moment)
        for key, at in (("e1", moment), ("e2", moment - timedelta(days=40))):
            webhooks.store(
                session,
                provider="core",
                event_key=key,
                url="",
                body=b"",
                headers={},
                received_at=at,
                due_at=at,
                verified=True,
            )
    started = Started()

    await TemporalSignals(started, database, "loans").restart(LENDER, "L1", news)

    assert [given.not_before for given in started.given] == [moment]
