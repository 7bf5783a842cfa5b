"""A campaign over the holidays of September and December, judged from its ledger by the oracle, not by the engine.

The shipped Spanish portfolio, as made for the day the campaign begins, and every third borrower moved to Chile, whose
national days fall into its second week. Twelve loans in the suite; CAMPAIGN_LOANS=60 for all.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

import intake
from commands.processes import ROOT
from commands.rehearsal import Plan, Progress, Rehearsal, begin_of, next_first_day, rehearse
from commands.results import collect
from config.strategies import find_strategy
from domain.contact import Channel, ContactEvent, ContactEventKind, ContactRequest, Purpose
from domain.contact_rules import Caps
from domain.portfolio import PortfolioLoan
from records import people
from records.tables import Contact, ContactLedger, ContactState, Loan, OptOut, Person, PersonFlag
from tests.domain.contact_rules.oracle import Oracle

FIRST_DAY = next_first_day(lambda day: (day.month, day.day) == (9, 10))
DAYS = 90
LOANS = int(os.environ.get("CAMPAIGN_LOANS", "12"))
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def portfolio(folder: Path) -> tuple[PortfolioLoan, ...]:
    """The first loans of the shipped portfolio, due dates as of the first day."""
    file = folder / "microprestamos_es.csv"
    maker = ROOT / "portfolios" / "make_microprestamos_es.py"
    made = subprocess.run(
        [sys.executable, str(maker), "--as-of", FIRST_DAY.isoformat()], capture_output=True, check=True, timeout=60
    )
    file.write_bytes(made.stdout)
    rows = tuple(intake.check(file, "microlender_es", FIRST_DAY).loans())[:LOANS]
    assert len(rows) == LOANS
    to_chile = {row.person_id for row in rows[::3]}
    return tuple(
        row.model_copy(update={"country": "CL", "region": "RM", "city": None}) if row.person_id in to_chile else row
        for row in rows
    )


def breaches(rehearsal: Rehearsal) -> tuple[list[str], Counter[str]]:
    """What the ledger holds against the rules, and how many contacts of which kind were looked at."""
    found: list[str] = []
    looked_at: Counter[str] = Counter()
    with rehearsal.database.reading() as session:
        loans = {loan.id: loan for loan in session.exec(select(Loan)).all()}
        closed = {(row.person_ref, row.channel): row.at for row in session.exec(select(OptOut)).all()}
        stopped = {row.person_ref: row.at for row in session.exec(select(PersonFlag)).all() if row.flag == "cease"}
        for person in session.exec(select(Person)).all():
            ledger = session.exec(
                select(ContactLedger)
                .where(ContactLedger.person_ref == person.id, col(ContactLedger.counts))
                .order_by(col(ContactLedger.at), col(ContactLedger.id))
            ).all()
            contacts = {
                contact.id: contact
                for contact in session.exec(select(Contact).where(Contact.person_ref == person.id)).all()
            }
            before: list[ContactEvent] = []
            for row in ledger:
                contact = contacts.get(row.contact_ref)
                loan = loans.get(row.loan_ref)
                name = loan.loan_id if loan else None
                if (
                    contact is not None
                    and row.kind is ContactEventKind.ATTEMPT
                    and contact.state not in (ContactState.DROPPED, ContactState.FAILED)
                    and contact.purpose is Purpose.COLLECTION
                ):
                    looked_at[person.country] += 1
                    request = ContactRequest(
                        loan_id=name or "",
                        channel=row.channel,
                        country=person.country,
                        region=person.region,
                        city=person.city,
                        authorised_channels=people.authorised_channels(person),
                        timezones=(person.timezone,) if person.timezone else (),
                    )
                    what = f"{person.country} {person.region} {row.channel} {contact.step} at {row.at.isoformat()}"
                    if not person.timezone or not Oracle("strict", request, before, Caps()).is_open(row.at):
                        found.append(f"{what}: not lawful")
                    if contact.valid_until is not None:
                        last = Oracle("strict", request, (), Caps()).is_open(contact.valid_until - timedelta(minutes=1))
                        if not last:
                            found.append(f"{what}: valid until {contact.valid_until.isoformat()}, after its window")
                    if (until := closed.get((row.person_ref, Channel(row.channel)))) is not None and row.at > until:
                        found.append(f"{what}: after the channel was closed")
                    if (since := stopped.get(row.person_ref)) is not None and row.at > since:
                        found.append(f"{what}: after all contact was to cease")
                before.append(ContactEvent(at=row.at, channel=row.channel, kind=row.kind, loan_id=name))
    return found, looked_at


async def test_no_contact_of_ninety_days_over_the_holidays_was_outside_the_rules(tmp_path: Path) -> None:
    plan = Plan(
        loans=portfolio(tmp_path),
        strategy=find_strategy("es-microloan"),
        seed=7,
        begins=begin_of(FIRST_DAY),
        days=DAYS,
        preset="micro",
        folder=tmp_path / "rehearsal",
        source="microprestamos_es.csv",
    )

    async with rehearse(plan, Progress()) as rehearsal:
        results = await asyncio.to_thread(collect, rehearsal)
        found, looked_at = await asyncio.to_thread(breaches, rehearsal)

    print(f"{sum(looked_at.values())} contacts looked at: {dict(looked_at)}")
    assert found == []
    assert [violation for violation in results.violations if violation.check in ("hours", "how-often")] == []
    assert looked_at["ES"] >= LOANS // 3
    assert looked_at["CL"] >= LOANS // 6
