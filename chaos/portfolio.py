"""Loans to collect under chaos: real delinquent US loans, drawn by seed, some people owing two."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import intake
from commands.processes import ROOT
from config.strategies import find_strategy
from domain.portfolio import PortfolioLoan
from domain.strategy import Ends, Strategy

FIRST_DAY = date(2026, 12, 1)
DAYS = 16
"""The shipped strategy's first sixteen days: three messages, one with a link, and the balance watch with its offers."""

AFTERWARDS = 75
"""How many days more the loans' clocks run: late webhooks, and loans that a reversal weeks later
lets go on for as long again."""

_FILE = ROOT / "portfolios" / "lendingclub_delinquent.csv"


def strategy() -> Strategy:
    return find_strategy("us-consumer").model_copy(update={"ends": Ends(after_days=DAYS)})


def loans(seed: int, number: int, file: Path = _FILE) -> tuple[PortfolioLoan, ...]:
    """`number` loans: the file's rows in an order drawn by seed, then second loans of the same people."""
    chance = random.Random(f"{seed}|portfolio")  # nosec B311 # the same loans for a seed
    rows = list(intake.check(file, "lendingclub", FIRST_DAY).loans())
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
