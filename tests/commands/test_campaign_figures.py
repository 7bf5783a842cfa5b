"""What `campaign status` says a campaign came to, and where it stands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import Session
from temporalio.service import RPCError, RPCStatusCode
from typer.testing import CliRunner

from commands import configuration
from commands.campaign_control import instruct
from commands.campaign_figures import CurrencyFigures, money, standing
from commands.campaign_status import print_status, summary
from commands.console import Refused
from records import campaigns, loans, payments
from records.database import Database
from records.tables import CampaignState, Loan, PaymentSource
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


@pytest.mark.parametrize(
    ("days", "told"), [(9, "until"), (-9, "its loans go on since"), (3640, None)], ids=["lasts", "over", "without end"]
)
def test_a_pause_says_until_when_it_lasts_and_when_it_is_over(
    database: Database, capsys: pytest.CaptureFixture[str], days: int, told: str | None
) -> None:
    until = datetime.now(UTC).replace(microsecond=1) + timedelta(days=days)

    status = paused(database, until)
    print_status(
        status
        | dict.fromkeys(("in_collection", "open_cases"), 0)
        | {"workflow": "running", "money": []}
        | {"contacts": {}, "instructions_pending": 0, "last_instruction": None}
    )

    said = " ".join(capsys.readouterr().out.split())
    assert status["state"] == "paused"
    assert (status["paused_until"] is None) == (told is None)
    assert told is None or f"{told} {status['paused_until']}" in said


@pytest.mark.parametrize(("state", "then"), [("finished", "running"), ("stopped", "stopped")])
def test_a_finished_campaign_runs_again_while_a_loan_that_came_back_is_in_collection(
    database: Database, state: str, then: str
) -> None:
    """Given a campaign of two loans that were paid, and one that another campaign took over since, when a payment is
    taken back, then the campaign of that loan runs; before it, and for the one that was taken over, it does not."""
    with database.writing() as session:
        one, _ = entered(session, "L1", "L2")
        loans.end(session, one, kind="cured", at=NOW, final_state={})
        handed_over_again(session, "L2")
        campaigns.mark_started(session, "c1", [1, 2], at=NOW)
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState(state), at=NOW)
        ended = summary(session, campaigns.get(session, "c1"))["state"]
        loans.begin(session, one)
        back = summary(session, campaigns.get(session, "c1"))["state"]

    assert (ended, back) == (state, then)


async def test_an_order_to_a_campaign_that_has_finished_names_the_loan_that_came_back(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        campaigns.mark_started(session, "c1", [1], at=NOW)

    async def gone(*_given: object, **_more: object) -> None:
        raise RPCError("not found", RPCStatusCode.NOT_FOUND, b"")

    temporal: Any = SimpleNamespace(get_workflow_handle=lambda _id: SimpleNamespace(execute_update=gone))
    with pytest.raises(Refused, match=r"`loan pause LOAN` or `loan close LOAN` .*: L1$"):
        await instruct(temporal, database, "c1", "pause")


def paused(database: Database, until: datetime) -> dict[str, Any]:
    """What is told of a campaign of one loan that is paused until then."""
    with database.writing() as session:
        entered(session, "L1")
        campaign = campaigns.get(session, "c1")
        campaigns.set_state(session, campaign, CampaignState.PAUSED, at=NOW, order=1, until=until)
    with database.reading() as session:
        campaign = campaigns.get(session, "c1")
        return summary(session, campaign)


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
        assert standing(session, newer, campaigns.progress(session, newer.id)) == "running"
    configuration._records.cache_clear()
