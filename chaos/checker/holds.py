"""The check of what holds a loan: nothing is demanded of who disputes it or cannot pay until a person has decided."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from chaos.checker.check import Check
from chaos.checker.contacts import CONTACTS, contacts_of
from chaos.checker.evidence import Entry, Evidence, moment
from chaos.checker.news import accepted

_HOLD = frozenset({"dispute", "hardship"})
"""What somebody may mean, by the world's word, that holds their loan."""
_CASE = "circumstance"
_UNDER_WAY = timedelta(minutes=10)
"""A contact that was being sent when they were heard has left by then."""


def held(evidence: Evidence) -> Check:
    """From when it was accepted until a case about it has left the tray: it does so by a person's decision, by payment
    or with the loan, and by no clock.

    Of people who owe one loan: with two, the product and the world may each take another one for what is meant.
    """
    check = Check("held", "Was nothing demanded of who disputes the debt or cannot pay, until a person had decided?")
    of_person = Counter(debt.person_id for debt in evidence.debts.values())
    heard = accepted(evidence)
    holds: dict[str, list[tuple[Entry, datetime | None]]] = defaultdict(list)
    for word in evidence.of("inbound_sms", "inbound_whatsapp"):
        debt = evidence.debts.get(word.loan_id or "")
        taken = heard.get((word.loan_id, word.text("sid") or word.text("wamid")))
        if word.text("meant") in _HOLD and debt is not None and of_person[debt.person_id] == 1 and taken is not None:
            check.looked_at += 1
            holds[debt.loan_id].append((taken, _let_go(evidence, debt.loan_id, taken.at)))
    contacts = contacts_of(evidence)
    for entry in evidence.of(*CONTACTS):
        row = contacts.get(entry.seq)
        if row is None or row["purpose"] != "collection":
            continue
        for taken, until in holds.get(entry.loan_id or "", ()):
            if entry.at > taken.at + _UNDER_WAY and (until is None or entry.at < until):
                what = f"{entry.kind} of {row['step']}, although what was heard on line {taken.seq} holds the loan"
                check.against(entry.loan_id, what, entry)
    return check


def _let_go(evidence: Evidence, loan_id: str, since: datetime) -> datetime | None:
    """When the first of the loan's cases about a circumstance was over after that; None: none is."""
    names = evidence.loan_names()
    over = [
        moment(row["decided_at"] or row["closed_at"])
        for row in evidence.rows["collection_case"]
        if row["kind"] == _CASE and names[row["loan_ref"]] == loan_id and (row["decided_at"] or row["closed_at"])
    ]
    return min((at for at in over if at >= since), default=None)
