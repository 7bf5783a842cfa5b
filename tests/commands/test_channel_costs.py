"""What each channel reached, as whoever reads the table sees it."""

from __future__ import annotations

import pytest

from commands.channel_costs import ChannelCost, Costs, print_costs


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
