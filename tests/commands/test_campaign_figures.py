"""What `campaign status` says was recovered."""

from __future__ import annotations

import json

import pytest
from sqlmodel import Session
from typer.testing import CliRunner

from commands import configuration
from commands.campaign_figures import CurrencyFigures, money, standing
from records import campaigns, loans, payments
from records.database import Database
from records.tables import Loan, PaymentSource
from starter import app
from tests.commands.stacks import DOCUMENTED, keys_of
from tests.records.portfolios import LENDER, NOW, entered, handed_over_again


def pay(session: Session, loan: Loan, amount_minor: int, given_back: int = 0, reversed: bool = False) -> None:
    payment = payments.record(
        session,
        provider="bank",
        payment_id=f"{loan.loan_id}-{amount_minor}",
        lender=LENDER,
        loan_id=loan.loan_id,
        amount_minor=amount_minor,
        currency=loan.currency,
        paid_at=NOW,
        received_at=NOW,
        source=PaymentSource.RECORD,
    ).payment
    payment.refunded_minor = given_back
    payment.reversed_at = NOW if reversed else None
    session.add(payment)
    session.flush()


def test_money_given_back_and_money_beyond_what_was_due_is_not_recovered(database: Database) -> None:
    """100.00 EUR are due of each of five loans."""
    with database.writing() as session:
        refunded, overpaid, in_parts, taken_back, _unpaid = entered(session, "L1", "L2", "L3", "L4", "L5")
        pay(session, refunded, 30_000, given_back=20_000)
        pay(session, overpaid, 25_000)
        pay(session, in_parts, 3_000)
        pay(session, in_parts, 4_000)
        pay(session, taken_back, 5_000, reversed=True)

    with database.reading() as session:
        [euros] = money(session, "c1")

    assert euros == CurrencyFigures(currency="EUR", loans=5, due_minor=50_000, recovered_minor=27_000)


def test_a_finished_campaign_says_which_of_its_loans_are_counted_elsewhere_since(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given three loans that were started and ended; when one is handed over again in another campaign; then the first
    is still finished, and says that one is not among its figures."""
    with database.writing() as session:
        for loan in entered(session, "L1", "L2", "L3"):
            loans.end(session, loan, kind="cured", at=NOW, final_state={})
        campaigns.mark_started(session, "c1", [1, 2, 3], at=NOW)
        handed_over_again(session, "L1")
    monkeypatch.setenv("RECOBRO_DATABASE_URL", database_url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    configuration._records.cache_clear()
    run = CliRunner(env={"COLUMNS": "160"})

    status = json.loads(run.invoke(app, ["campaign", "status", "c1", "--json"]).stdout)
    costs = json.loads(run.invoke(app, ["campaign", "costs", "c1", "--json"]).stdout)

    assert (status["state"], status["started"], status["ends"]) == ("finished", 3, {"cured": 2})
    assert status["handed_over_again"] == costs["handed_over_again"] == 1
    assert [row["loans"] for row in status["money"]] == [2]
    assert keys_of(status) | keys_of(costs) <= DOCUMENTED | {"cured"}
    for words in ("status", "costs"):
        told = " ".join(run.invoke(app, ["campaign", words, "c1"]).stdout.split())
        assert "1 more ended and were handed over again to other campaigns" in told, words
    with database.reading() as session:
        newer = campaigns.get(session, "again-L1")
        assert standing(newer, campaigns.progress(session, newer.id)) == "running"
    configuration._records.cache_clear()
