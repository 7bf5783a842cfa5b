"""What `campaign status` says a campaign came to, and where it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from commands.campaign_figures import CurrencyFigures, money
from commands.campaign_status import print_status, summary
from records import campaigns, payments
from records.database import Database
from records.tables import CampaignState, Loan, PaymentSource
from tests.records.portfolios import LENDER, NOW, entered


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


def paused(database: Database, until: datetime) -> dict[str, Any]:
    """What is told of a campaign of one loan that is paused until then."""
    with database.writing() as session:
        entered(session, "L1")
        campaign = campaigns.get(session, "c1")
        campaigns.set_state(session, campaign, CampaignState.PAUSED, at=NOW, order=1, until=until)
    with database.reading() as session:
        campaign = campaigns.get(session, "c1")
        return summary(session, campaign)
