"""Every stop state that the product sets of itself is one that the contact rules know: others silence a person."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from activities.contact_slots import stops_of
from domain.contact_rules import KNOWN_FLAGS
from domain.events.borrower import Circumstance
from records import loans, people
from records.database import Database
from tests.activities.outside import enter_loan
from tests.records.portfolios import LENDER

HOUSE = Path(__file__).parents[2]
FLOORS = ("activities", "commands", "intake", "providers", "records", "replies", "web", "workflows")
CHECKED_WHERE_IT_IS_TYPED = "commands.person"
"""The operator's own word, refused there where the rules do not know it (tests/commands/test_person.py)."""


def raised() -> Iterator[tuple[str, str]]:
    """The module and the flag of each call of `people.raise_flag`."""
    for file in sorted(file for floor in FLOORS for file in (HOUSE / floor).rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if "raise_flag(" not in text:
            continue
        module = ".".join(file.relative_to(HOUSE).with_suffix("").parts)
        for call in ast.walk(ast.parse(text)):
            if not isinstance(call, ast.Call) or not ast.unparse(call.func).endswith("raise_flag"):
                continue
            flag = call.args[2]
            if module != CHECKED_WHERE_IT_IS_TYPED:
                yield module, eval(ast.unparse(flag), vars(import_module(module)))


def test_every_flag_that_the_code_raises_is_known_to_the_contact_rules() -> None:
    found = list(raised())

    assert {"cease", "no_whatsapp_marketing"} <= {flag for _, flag in found}
    assert [(module, flag) for module, flag in found if flag not in KNOWN_FLAGS] == []


@pytest.mark.parametrize("reported", Circumstance)
def test_every_circumstance_that_is_reported_is_a_stop_that_the_contact_rules_know(
    lite: Database, reported: Circumstance
) -> None:
    loan_id = enter_loan(lite)
    with lite.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, loan_id))
        assert stops_of(session, person, reported) <= KNOWN_FLAGS
