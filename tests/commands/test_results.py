"""The figures of a rehearsal, and that collecting them asks the world itself."""

import json
from pathlib import Path

import httpx
import pytest

from commands import results
from commands.plain_rules import Residence
from commands.processes import Processes
from commands.rehearsal import LENDER, Rehearsal
from commands.results import Results, collect
from commands.stack import Addresses
from commands.verdict import Borrower, Check
from tests.commands.rehearsed import BEGINS, live_through, portfolio, rehearsed


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    """Collected with the world's people and Temporal's histories left out."""
    rehearsal = rehearsed(tmp_path)
    live_through(rehearsal)
    quiet = Check(name="histories", question="?", looked_at=0, unit="events")
    monkeypatch.setattr(results, "_borrowers", _madrid)
    monkeypatch.setattr(results, "_traces", lambda *_: (quiet, quiet))
    return collect(rehearsal)


def _madrid(rehearsal: Rehearsal) -> dict[str, Borrower]:
    residence = Residence("ES", "MD", "Europe/Madrid")
    return {loan.person_id: Borrower(person_id=loan.person_id, residence=residence) for loan in rehearsal.plan.loans}


def test_loans_are_counted_by_their_end_and_by_who_decided(told: Results) -> None:
    assert told.loans == told.people == 3
    assert told.ends == {"cured": 1, "written_off": 1, "not_cured": 1}
    assert told.not_ended == ()
    # A case decided as "continue" ended nothing.
    assert told.decided_by_agent == 1
    assert told.cases_by_kind == {"handoff": 2, "refund": 1}


def test_money_counts_what_stayed_and_what_was_too_much_apart(told: Results) -> None:
    assert told.due_minor == {"EUR": 60_000}
    assert told.recovered_minor == {"EUR": 10_000}
    assert told.overpaid_minor == {"EUR": 500}
    assert (told.payments, told.reversals, told.links) == (3, 1, 3)


def test_contacts_and_refusals_are_counted_by_what_became_of_them(told: Results) -> None:
    assert told.contacts_by_channel == {"sms": 3}
    assert told.contacts_by_outcome == {"sent": 2, "delivered": 1}
    assert told.refused == {"not_before": 3}
    assert told.refused_by_rule == {"ES.hours.weekday": 3}
    assert (told.balance_reads, told.balance_reads_failed) == (6, 0)


def test_what_the_world_does_not_confirm_is_a_violation(told: Results) -> None:
    # The made-up world knows nothing of the payment that was taken back.
    assert [violation.text for violation in told.violations] == ["pi_C3 is recorded, the world knows no such payment"]


def test_the_object_that_rehearse_json_ends_with_is_plain_json_with_documented_keys(told: Results) -> None:
    printed = json.loads(json.dumps(told.model_dump(mode="json")))
    documented = (Path(__file__).parents[2] / "docs" / "rehearsals.md").read_text()

    assert [key for key in printed if f"`{key}`" not in documented] == []
    assert [check["name"] for check in printed["checks"] if f"`{check['name']}`" not in documented] == []


def test_collecting_asks_the_real_world_and_the_real_temporal(tmp_path: Path) -> None:
    # Given a world that invented the borrowers, one of whom has paid, and records that know nothing of it
    with Processes(tmp_path / "logs") as processes:
        rehearsal = rehearsed(tmp_path, processes=processes)
        rehearsal.stack.addresses = Addresses("", "", web="http://127.0.0.1:9")
        rehearsal.world_log.unlink()
        rehearsal.stack.start_temporal()
        rehearsal.stack.start_sandbox()
        sandbox = rehearsal.stack.addresses.sandbox
        wanted = [
            {
                "loan_id": loan.loan_id,
                "person": loan.person_id,
                "lender": LENDER,
                "country": loan.country,
                "region": loan.region,
                "currency": loan.currency,
                "amount_minor": loan.amount_due_minor,
                "due_date": loan.due_date.isoformat(),
                "as_of": BEGINS.isoformat(),
            }
            for loan in portfolio()
        ]
        invented = httpx.post(f"{sandbox}/_world/loans", json={"loans": wanted}).json()["people"]
        httpx.post(f"{sandbox}/_world/act", json={"loan_id": "A1", "act": "pay"}).raise_for_status()
        leak = f"a line that names {invented[1]['email']}\n"
        (tmp_path / "logs" / "worker-0.log").write_text(leak)

        # When
        told = collect(rehearsal)

        # Then the payment, the lost webhook, the open loans and the leak are all named
        rehearsal.database.dispose()
    against = {check.name: check.violations for check in told.checks if check.violations}
    assert against["records"] == against["totals"] == against["personal-data"] == 1
    assert against["ends"] == 3
    assert told.not_ended == ("A1", "B2", "C3")
    text = json.dumps(told.model_dump(mode="json"))
    assert not any(person[key] in text for person in invented for key in ("name", "phone", "email"))
