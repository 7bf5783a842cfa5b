"""What each channel reached, as whoever reads the table sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.campaign_figures import money
from commands.channel_costs import ChannelCost, Costs, costs_of, print_costs
from config.settings import Settings
from records import payments
from records.database import Database
from records.tables import PaymentSource
from tests.records.portfolios import LENDER, NOW, entered


def row(channel: str, arrived: int, cost_micros: int = 0, each: str | None = None) -> ChannelCost:
    return ChannelCost(
        channel=channel,
        currency="EUR",
        contacts=144,
        arrived=arrived,
        read=0,
        people=58,
        reached=arrived,
        people_in_all=60,
        cost_micros=cost_micros,
        recovered_minor=0,
        recovered_in_all_minor=0,
        payments=0,
        cost_of_one_recovered=each,
    )


@pytest.mark.parametrize(
    ("channel", "arrived", "shown"),
    [
        ("email", 0, "144 not told not told"),
        ("post", 0, "144 not told not told"),
        ("email", 7, "144 7 of 144 7 of 58"),
        ("sms", 0, "144 0 of 144 0 of 58"),
    ],
)
def test_where_no_arrival_is_told_none_is_not_shown_as_nought(
    channel: str, arrived: int, shown: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")

    print_costs(Costs(prices_of="2026-11-21", channels=(row(channel, arrived),), others=()))

    assert shown in " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize(
    ("cost_micros", "each", "shown"),
    [(126_000, "0.0000", "< 0.0001"), (126_000, "0.0300", "0.0300"), (0, "0.0000", "0.0000"), (126_000, None, "–")],
)
def test_what_one_recovered_costs_is_never_nought_where_something_was_paid(
    cost_micros: int, each: str | None, shown: str
) -> None:
    assert row("email", 0, cost_micros, each).cost_of_one_shown == shown


def test_money_given_back_is_recovered_here_as_little_as_in_the_campaigns_status(database: Database) -> None:
    """Given 100.00 EUR due of each loan; of the payments one is given back in part, one whole and one where it was too
    much."""
    with database.writing() as session:
        entered(session, "L1", "L2", "L3")
        for loan_id, amount, given_back in (("L1", 9_000, 2_000), ("L2", 8_000, 8_000), ("L3", 15_000, 6_000)):
            paid = payments.record(
                session,
                provider="stripe",
                payment_id=loan_id,
                lender=LENDER,
                loan_id=loan_id,
                amount_minor=amount,
                currency="EUR",
                paid_at=NOW,
                received_at=NOW,
                source=PaymentSource.RECORD,
            ).payment
            paid.refunded_minor = given_back
            session.add(paid)

    with database.reading() as session:
        costs, [status] = costs_of(session, Settings(_env_file=None), "c1"), money(session, "c1")

    [way] = costs.ways
    assert (way.people, way.payments, way.recovered_minor) == (2, 2, 16_000)
    assert status.recovered_minor == 16_000
    assert {row.channel: (row.payments, row.recovered_minor) for row in costs.channels}["all"] == (2, 16_000)


def test_how_it_was_paid_is_told_with_people_money_share_and_fees(
    tmp_path: Path, sqlite_template: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    records = Database(f"sqlite:///{file}")
    monkeypatch.setenv("COLUMNS", "160")
    with records.writing() as session:
        entered(session, "L1", "L2", "L3")
        for number, (loan_id, provider, amount) in enumerate(
            [("L1", "sepa-dd", 9_000), ("L2", "stripe", 3_000), ("L2", "sepa-dd", 9_000), ("L3", "sepa-dd", 5_000)]
        ):
            payments.record(
                session,
                provider=provider,
                payment_id=f"p{number}",
                lender=LENDER,
                loan_id=loan_id,
                amount_minor=amount,
                currency="EUR",
                paid_at=NOW,
                received_at=NOW,
                source=PaymentSource.RECORD,
            )
        payments.reverse(session, provider="sepa-dd", payment_id="p3", at=NOW)
    with records.reading() as session:
        costs = costs_of(session, Settings(_env_file=None))
    print_costs(costs)

    assert [(way.way, way.people, way.payments, way.recovered_minor) for way in costs.ways] == [
        ("sepa-dd", 2, 2, 16_000),
        ("stripe", 1, 1, 3_000),
    ], "at most what was due, and nothing that was taken back"
    assert costs.ways[1].fees_micros > costs.ways[0].fees_micros == 0
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "direct debit 2 of 3 2 160.00 EUR 84.2%" in said
