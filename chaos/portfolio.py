"""Loans to collect under chaos, drawn by seed, some people owing two: US loans, or Spanish microloans."""

from __future__ import annotations

import csv
import random
import runpy
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import intake
from commands.processes import ROOT
from config.strategies import find_strategy
from domain.portfolio import PortfolioLoan
from domain.strategy import Ends, Strategy


def first_of_december(today: date) -> date:
    """The next 1 December, some days ahead: loans of a day that has passed would begin at once, and a night's run must
    not find another one for its last campaigns.
    """
    this_year = date(today.year, 12, 1)
    return this_year if this_year > today + timedelta(days=3) else date(today.year + 1, 12, 1)


FIRST_DAY = first_of_december(datetime.now(UTC).date())
DAYS = 16
"""The shipped strategies' sixteen days from entry: messages with and without links, the balance watch with its offers,
in Spain people's cases, and in December two public holidays of the whole country."""

AFTERWARDS = 75
"""How many days more the loans' clocks run: late webhooks, and loans that a reversal weeks later
lets go on for as long again."""

_WORDS_EVERY = 5
"""Every so many seeds its people write in words of their own, promise, dispute and agree to plans."""

_FILE = ROOT / "portfolios" / "lendingclub_delinquent.csv"
_MAKER = ROOT / "portfolios" / "make_microprestamos_es.py"


@dataclass(frozen=True)
class Portfolio:
    """`source` names the file the loans come from, or would."""

    loans: tuple[PortfolioLoan, ...]
    strategy: Strategy
    source: str


def portfolio_of(seed: int, number: int) -> Portfolio:
    """`number` loans, always the same for a seed: of the United States for odd seeds, of Spain for even ones."""
    if seed % 2:
        return Portfolio(_american(seed, number), _cut("us-consumer"), _FILE.name)
    return Portfolio(_spanish(seed, number), _cut("es-microloan"), "microprestamos_es.csv")


def in_words(seed: int) -> bool:
    """Whether the people of this seed write in words of their own."""
    return seed % _WORDS_EVERY == 0


def _cut(strategy: str) -> Strategy:
    return find_strategy(strategy).model_copy(update={"ends": Ends(after_days=DAYS)})


def _american(seed: int, number: int) -> tuple[PortfolioLoan, ...]:
    """Real delinquent loans in an order drawn by seed, then second loans of the same people."""
    chance = random.Random(f"{seed}|portfolio")  # nosec B311 # the same loans for a seed
    rows = list(intake.check(_FILE, "lendingclub", FIRST_DAY).loans())
    chance.shuffle(rows)
    firsts = rows[: number - number // 20]
    chosen = list(firsts)
    while len(chosen) < number:
        first = firsts[len(chosen) % len(firsts)]
        rank = len(chosen)
        chosen.append(
            first.model_copy(
                update={
                    "loan_id": f"{first.loan_id}-{rank}",
                    "amount_due_minor": max(2_000, first.amount_due_minor // 2 + rank),
                }
            )
        )
    return tuple(chosen)


def _spanish(seed: int, number: int) -> tuple[PortfolioLoan, ...]:
    """Invented microloans over the whole country, every tenth the second of one person."""
    maker = runpy.run_path(str(_MAKER))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "microprestamos_es.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            lines = csv.writer(out, delimiter=";", lineterminator="\n")
            lines.writerow(maker["HEADER"])
            lines.writerows(maker["rows"](FIRST_DAY, number, seed))
        return tuple(intake.check(file, "microlender_es", FIRST_DAY).loans())
