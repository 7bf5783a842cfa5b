"""Scripted conversations on the real stack: the borrower's words in by webhook, the answers out by the carrier."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from commands.processes import executable
from commands.stack import Stack
from domain.loans import workflow_id
from records import loans
from records.agreements import words as words_of
from records.database import Database
from records.tables import CaseState, Contact
from records.threads import thread_of
from tests.commands.stacks import Operator, running_stack, until
from tests.scripted_conversations import CURRENCY, Conversation, differences, scripted, strategy_text

LIVE = [one for one in scripted() if one.live]


def test_each_country_and_each_kind_of_answer_is_among_them() -> None:
    def answers(conversations: list[Conversation]) -> set[str]:
        return {turn["answer"] for one in conversations for turn in one.turns}

    assert {one.country for one in LIVE} == {one.country for one in scripted()}
    assert answers(LIVE) == answers(scripted())


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_each_conversation_goes_as_written(tmp_path: Path) -> None:
    """All side by side on one stack. Every conversation, on any day: `tests/web/test_scripted_conversations.py`."""
    wrong: list[str] = []
    with running_stack(tmp_path) as stack:
        operator = Operator(stack, tmp_path)
        _hand_over(operator, LIVE, tmp_path)
        database = Database(stack.records_url)
        until(lambda: _in_collection(database) == len(LIVE), 120)
        for turn in range(max(len(one.turns) for one in LIVE)):
            speaking = [one for one in LIVE if len(one.turns) > turn]
            for one in speaking:
                _write(stack.addresses.sandbox, one.id, one.turns[turn]["says"])
            _wait_for_answers(database, speaking, turn)
            for one in speaking:
                if told := differences(one, turn, _standing(database, one.id)):
                    wrong += [*told, _under_way(stack, one.id)]
        database.dispose()
    assert wrong == []


def _hand_over(operator: Operator, every: list[Conversation], folder: Path) -> None:
    for country, currency in CURRENCY.items():
        here = [one for one in every if one.country == country]
        language = here[0].language
        more = {"country": country, "region": here[0].region, "currency": currency, "language": language}
        path = operator.portfolio(f"{country}.csv", [{"loan_id": one.id, **more} for one in here])
        strategy = str(_strategy(folder, currency, language))
        start = ("campaign", "start", str(path), "--id", country.lower(), "--strategy", strategy, "--yes")
        assert operator.json(*start)["held"] == len(here)


def _wait_for_answers(database: Database, speaking: list[Conversation], turn: int) -> None:
    """Until every answer is out; what never comes shows as a difference.

    An attempt that a busy machine loses is tried again when its two minutes are over.
    """
    with contextlib.suppress(AssertionError):
        until(lambda: all(_answered(database, one, turn) for one in speaking), 200)


def _under_way(stack: Stack, loan_id: str) -> str:
    """What the loan's workflow is at, so that an answer that did not come says why."""
    server = ["--address", stack.addresses.temporal, "--namespace", stack.namespace]
    loan = ["--workflow-id", workflow_id("demo", loan_id)]
    command = [executable("temporal"), "workflow", "describe", *loan, *server, "--output", "json"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    told = json.loads(answer.stdout) if answer.returncode == 0 else {}
    return f"under way: {told.get('pendingActivities')} {told.get('pendingWorkflowTask')} {answer.stderr}"


def _strategy(folder: Path, currency: str, language: str) -> Path:
    path = folder / f"talk-{currency.lower()}.yaml"
    path.write_text(strategy_text(currency, language))
    return path


def _write(sandbox: str, loan_id: str, text: str) -> None:
    body = json.dumps({"loan_id": loan_id, "act": "write", "text": text}).encode()
    request = urllib.request.Request(
        f"{sandbox}/_world/act", data=body, headers={"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=20):
        pass


def _in_collection(database: Database) -> int:
    with database.reading() as session:
        return sum(loan.state.value == "in_collection" for loan in loans.listing(session))


def _answered(database: Database, conversation: Conversation, turn: int) -> bool:
    """Whether all answers that are expected by now are out, and the last words have come in."""
    expected = sum(1 for one in conversation.turns[: turn + 1] if one["answer"] != "none")
    found = _standing(database, conversation.id)
    return found["heard"] >= turn + 1 and found["answers"] >= expected


def _standing(database: Database, loan_id: str) -> dict[str, Any]:
    from sqlmodel import col, select

    from records.tables import Agreement, CollectionCase

    with database.reading() as session:
        loan = loans.get(session, "demo", loan_id)
        said = thread_of(session, loan)
        replies = session.exec(
            select(Contact).where(Contact.loan_ref == loan.id, Contact.step == "reply").order_by(col(Contact.id))
        ).all()
        cases = session.exec(
            select(CollectionCase).where(CollectionCase.loan_ref == loan.id, CollectionCase.state == CaseState.OPEN)
        ).all()
        agreements = session.exec(
            select(Agreement).where(Agreement.loan_ref == loan.id).order_by(col(Agreement.number))
        ).all()
        return {
            "heard": sum(1 for one in said if one.who == "borrower"),
            "answers": sum(1 for one in replies if one.sent_at is not None),
            "answer": replies[-1].template if replies else "none",
            "case": [case.kind for case in cases],
            "hold": [case.reason.split(" ")[0] for case in cases if case.kind == "circumstance"],
            "agreement": agreements[-1].state if agreements else None,
            "words": words_of(session, loan, agreements[-1].evidence_sha256) if agreements else None,
            "moved": bool(agreements) and agreements[-1].revision > 0,
            "moved_words": words_of(session, loan, agreements[-1].move_sha256) if agreements else None,
            "understood": [one.about for one in said if one.who == "borrower"],
        }
