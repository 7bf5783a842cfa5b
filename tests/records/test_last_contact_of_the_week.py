"""Two loans of one person, asked for at the same instant by two worker processes: the law's last place is one.

Fifteen times in the suite; LAST_CONTACT_ROUNDS=1000 for a thorough run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TextIO

import pytest
from sqlmodel import select

from activities.contact_slots import ContactSlots, Slot
from activities.orders import ContactOrder
from config.jurisdictions import load_rulebook
from domain.contact import Channel, Purpose
from domain.contact_rules import Caps
from records import contacts, loans
from records.database import Database
from records.tables import Contact
from tests.records.portfolios import LENDER, enter, handed

ROUNDS = int(os.environ.get("LAST_CONTACT_ROUNDS", "15"))
# Chile allows two written contacts a week, two days apart: one went out on Monday, Thursday's is the last.
MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)
THURSDAY = MONDAY + timedelta(days=3)

_WORKER = """
import sys
from tests.records.test_last_contact_of_the_week import answers
answers(sys.argv[1], sys.argv[2], sys.stdin, sys.stdout)
"""


def ask(database: Database, slots: ContactSlots, loan_id: str, step: str, at: datetime) -> bool:
    """What the contact activity does in the person's transaction: decide, keep the decision, take the place."""
    order = ContactOrder(
        lender=LENDER,
        loan_id=loan_id,
        step=step,
        occurrence=1,
        channels=(Channel.SMS,),
        template="first",
        purpose=Purpose.COLLECTION,
        with_link=False,
        balance_read_at=None,
        threshold=None,
        give_up_at=None,
    )
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, loan_id)
        found = slots.find(session, loan, person, order, at, keep=True)
        if isinstance(found, Slot):
            slots.take(session, loan, person, order, found, at)
        return isinstance(found, Slot)


def answers(database_url: str, letter: str, orders: TextIO, told: TextIO) -> None:
    """A worker process: for each line on standard input ask for that round's loan, and say how it went."""
    database = Database(database_url)
    slots = ContactSlots(load_rulebook(), Caps())
    told.write("ready\n")
    told.flush()
    for line in orders:
        passed = ask(database, slots, f"{letter}{line.strip()}", "r1", THURSDAY)
        told.write(f"{int(passed)}\n")
        told.flush()


@pytest.mark.timeout(1800)
def test_exactly_one_of_two_loans_gets_the_last_contact_of_the_week(database: Database, database_url: str) -> None:
    names = [(f"{letter}{number}", f"p{number}") for number in range(ROUNDS) for letter in "ABC"]
    place = {"country": "CL", "region": "RM", "timezone": "America/Santiago"}
    with database.writing() as session:
        enter(session, [handed(name, person_id=person, **place) for name, person in names])
        for name, _ in names:
            loans.begin(session, loans.get(session, LENDER, name))
    slots = ContactSlots(load_rulebook(), Caps())
    assert all(ask(database, slots, f"C{number}", "r0", MONDAY) for number in range(ROUNDS))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, database_url, letter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for letter in "AB"
    ]
    outcomes: list[list[str]] = []
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for number in range(ROUNDS):
            for worker in workers if number % 2 else reversed(workers):
                assert worker.stdin is not None
                worker.stdin.write(f"{number}\n")
                worker.stdin.flush()
            outcomes.append(sorted(worker.stdout.readline().strip() for worker in workers if worker.stdout))
    finally:
        for worker in workers:
            worker.communicate(timeout=30)

    assert outcomes == [["0", "1"]] * ROUNDS
    with database.reading() as session:
        sent = session.exec(select(Contact.person_ref).where(Contact.step == "r1")).all()
    assert len(sent) == len(set(sent)) == ROUNDS
