"""Borrowers who write: in the words of their place, and keeping or breaking what they say."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from domain.conversation.yes_no import read_yes_no
from domain.opt_out_words import OptOutReading, read_opt_out
from sandbox.app import Options, Sandbox
from sandbox.odds import DEFAULT_FILE
from sandbox.state import Loan
from sandbox.talk import Talk
from sandbox.webhooks import Targets
from sandbox.wording import KINDS, sayings

PLACES = [("es", country) for country in ("ES", "MX", "CL", "AR", "CO", "PE")] + [("pt", "BR"), ("en", "US")]
BEGINS = 1_772_700_000.0
OFFER = "Credialba: pay in parts: $50.00 (Mar 20, 2026), $50.00 (Apr 20, 2026). Reply YES to accept or NO for another."
PLAIN = "Credialba: $100.00 are past due."


@pytest.mark.parametrize("written", ["(Apr 5, 2026)", "(5 abr 2026)", "(5 de abr. de 2026)"])
def test_days_are_read_as_each_language_writes_them(written: str) -> None:
    assert Talk._days_in(f"50 {written}, 50 {written}") == [date(2026, 4, 5)] * 2


@pytest.mark.parametrize(("language", "country"), PLACES)
def test_a_stop_a_yes_and_a_no_are_plain_in_every_place(language: str, country: str) -> None:
    for answer in ("yes", "no"):
        assert {read_yes_no(words) for words in sayings(answer, language, country)} == {answer}
    stops = {read_opt_out(words, language) for words in sayings("stop", language, country)}
    assert stops == {OptOutReading.OPT_OUT}


async def world(folder: Path, *, words: bool = True) -> tuple[Sandbox, list[Loan]]:
    targets = Targets("", "", "", "", "", False)
    sandbox = Sandbox(Options(3, DEFAULT_FILE, "prime", folder / "world.jsonl", targets, False, words), "http://x")
    loans = [
        sandbox.world.enrol(
            {
                "loan_id": f"L{number}",
                "country": "US",
                "region": "TX",
                "currency": "USD",
                "amount_minor": 10_000,
                "due_date": "2026-02-20",
                "as_of": "2026-03-05T09:00:00+00:00",
            }
        )
        for number in range(120)
    ]
    return sandbox, loans


def happen(sandbox: Sandbox, loan: Loan) -> list[tuple[str, dict[str, Any]]]:
    """What comes about of what the borrower has in mind: they write; what they mean to pay is told, not paid."""
    told = []
    while (event := sandbox.world.agenda.first_due(loan.loan_id, BEGINS + 90 * 86_400)) is not None:
        sandbox.world.agenda.remove(event.event_id)
        if event.kind == "talk":
            sandbox.world.handlers["talk"](event)
        if event.kind in ("talk", "keeps_word"):
            told.append((event.kind, event.data))
    return told


async def test_only_a_world_that_is_asked_to_has_borrowers_who_write(tmp_path: Path) -> None:
    sandbox, loans = await world(tmp_path, words=False)
    for loan in loans:
        sandbox.life.reached(loan, BEGINS, BEGINS, "sms", PLAIN)

    assert [happen(sandbox, loan) for loan in loans] == [[]] * len(loans)


async def test_some_answer_each_in_their_way_and_promises_are_kept_or_not(tmp_path: Path) -> None:
    sandbox, loans = await world(tmp_path)
    meant: Counter[str] = Counter()
    kept: Counter[bool] = Counter()
    for loan in loans:
        for text in range(6):
            sandbox.life.reached(loan, BEGINS + text * 86_400, BEGINS, "sms", PLAIN)
        told = happen(sandbox, loan)
        meant.update(data["meant"] for kind, data in told if kind == "talk")
        if any(data.get("meant") == "promise" for _, data in told):
            kept[any(kind == "keeps_word" for kind, _ in told)] += 1

    assert set(meant) <= set(KINDS)
    assert len(meant) >= 6
    assert kept[True] > 0
    assert kept[False] > 0


async def test_who_takes_a_plan_means_to_pay_each_instalment_on_its_day(tmp_path: Path) -> None:
    sandbox, loans = await world(tmp_path)
    plans = []
    for loan in loans:
        loan.talk = {"waiting": "plan", "said": 1}
        sandbox.life.reached(loan, BEGINS, BEGINS, "sms", OFFER)
        told = happen(sandbox, loan)
        if ("talk", "yes") in [(kind, data.get("meant")) for kind, data in told]:
            plans.append([data["amount"] for kind, data in told if kind == "keeps_word"])

    assert [5_000, 5_000] in plans
    assert any(len(paid) < 2 for paid in plans)


async def test_after_a_stop_nobody_says_anything_more(tmp_path: Path) -> None:
    sandbox, loans = await world(tmp_path)
    for loan in loans:
        loan.talk = {"silent": True}
        sandbox.life.reached(loan, BEGINS, BEGINS, "sms", PLAIN)

    assert [happen(sandbox, loan) for loan in loans] == [[]] * len(loans)
