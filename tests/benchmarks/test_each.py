"""Each benchmark runs, tiny, and gives every figure it stands for. How fast anything is is never asserted here."""

from __future__ import annotations

import math
from importlib import import_module

import pytest

from benchmarks import BENCHMARKS, Figure

TINY = 0.0001
FIGURES = {
    "carrying": {"carrying.to_bare", "carrying.two_to_one"},
    "replies": {"replies.understood"},
    "history": {"history.events", "history.bytes", "history.longest_run"},
    "waking": {"waking.to_bare"},
    "stopping": {"stopping.p99"},
    "campaign": {
        "campaign.to_plain_loop",
        "campaign.starter_memory",
        "campaign.start_growth",
        "campaign.sleeping_memory",
        "campaign.growth",
    },
    "money-to-link": {
        "money-to-link.to_even",
        "money-to-link.reads_to_even",
        "money-to-link.most_in_24_hours",
    },
    "footprint": {
        "footprint.kept",
        "footprint.log",
        "footprint.transactions",
        "footprint.postgresql_cpu",
        "footprint.temporal",
    },
    "taking-in": {
        "taking-in.sqlite_rate",
        "taking-in.sqlite_p99",
        "taking-in.postgresql_rate",
        "taking-in.postgresql_p99",
    },
}


WITHOUT_BARS = {"footprint"}


def measured(name: str) -> dict[str, Figure]:
    module, function = BENCHMARKS[name][0].split(":")
    return {figure.name: figure for figure in getattr(import_module(module), function)(TINY)}


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", FIGURES)
def test_a_benchmark_gives_every_figure_with_its_bar(name: str) -> None:
    figures = measured(name)

    missing = FIGURES[name] - figures.keys()
    assert not missing, f"{missing} of {sorted(figures)}"
    for figure in figures.values():
        assert figure.value is not None, figure
        assert math.isfinite(figure.value), figure
    assert all(figures[one].bar is not None for one in FIGURES[name]) is (name not in WITHOUT_BARS)


def test_every_benchmark_that_is_listed_is_tried_here() -> None:
    assert set(BENCHMARKS) == {*FIGURES, "contact-decision"}
