"""The order of a workflow's commands is a promise to every run in progress."""

from __future__ import annotations

import difflib
import json

import pytest

from tests.workflows.command_order import KEPT, commands_of, today

WHAT_TO_DO = """
The commands of workflows/{name}.py, or their order, have changed. Runs in progress replay their history against
this code and stop where it asks for something else. Either
  - put the change behind `if workflow.patched("<date>-<what>"):` with the old order in the else branch, and record a
    new history beside the old ones (python -m tests.histories.record NEW_NAME), or
  - if no run can be past this point, or only new branches were added that old histories cannot reach, say so in the
    commit message;
then see that tests/test_replay.py passes and write the new order down:
  python -m tests.workflows.command_order
"""


def test_the_order_of_commands_is_the_one_written_down() -> None:
    kept, now = json.loads(KEPT.read_text()), today()
    for name in sorted({*kept, *now}):
        before, after = (json.dumps(order.get(name, {}), indent=1).splitlines() for order in (kept, now))
        difference = "\n".join(difflib.unified_diff(before, after, "written down", "now", lineterm="", n=2))
        assert not difference, f"{WHAT_TO_DO.format(name=name)}\n{difference}"


LOAN = """
class Loan:
    async def run(self):
        await self._wait()
        await workflow.execute_activity_method(Ledger.write, order)
    async def _wait(self):
        await workflow.wait_condition(lambda: True, timeout=left)
    def harmless(self):
        return self.run_of_the_mill()
"""


def test_what_counts_as_a_command() -> None:
    assert commands_of(LOAN) == {
        "run": ["_wait", "execute_activity_method(Ledger.write)"],
        "_wait": ["wait_condition( with a timeout)"],
    }


ORDERS = """
def start_contact(order):
    return workflow.start_activity_method(Contacts.contact, order)
class Writer:
    def __init__(self):
        workflow.patched(RULE)
def harmless():
    return 1
"""
DIVIDED = """
class Loan:
    def __init__(self):
        self._writer = Writer()
    async def run(self):
        await self._orders.start_contact(order)
        self._orders.harmless()
        start_contact(order)
"""


def test_what_other_modules_of_a_workflow_ask_for_counts_too() -> None:
    elsewhere = frozenset(commands_of(ORDERS))

    assert elsewhere == {"start_contact", "Writer"}
    assert commands_of(DIVIDED, elsewhere) == {"Loan": ["Writer"], "run": ["start_contact", "start_contact"]}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Ledger.write", "Ledger.read"),
        (", timeout=left", ""),
        ("        await self._wait()\n", ""),
        ("await self._wait()\n        await workflow", "await workflow"),
    ],
)
def test_a_change_that_would_break_a_running_loan_is_seen(old: str, new: str) -> None:
    assert old in LOAN
    assert commands_of(LOAN.replace(old, new)) != commands_of(LOAN)
