"""Checks of where contacts went: to the person who owes, and no more to an address that had proved dead or wrong."""

from __future__ import annotations

from chaos.checker.check import Check
from chaos.checker.contacts import CONTACTS
from chaos.checker.evidence import Entry, Evidence
from chaos.checker.news import accepted

_WRONG_PERSON = frozenset({"wrong number", "se equivoca de persona", "número errado"})
_NO_SUCH_NUMBER = 30005
"""The carrier's code of a number that nobody has, which neither texts nor calls can reach."""


def right_person(evidence: Evidence) -> Check:
    """Each contact about a loan went to an address that the world says its person has."""
    check = Check("right-person", "Did every contact go to an address of the person who owes?")
    for entry in evidence.of(*CONTACTS):
        check.looked_at += 1
        debt = evidence.debts.get(entry.loan_id or "")
        if debt is None or as_number(entry.text("to")) not in {as_number(one) for one in debt.addresses}:
            check.against(entry.loan_id, f"{entry.kind} to an address that is not its person's", entry)
    return check


def closed_addresses(evidence: Evidence) -> Check:
    """Nothing to a number once news that nobody has it, or that another person does, was accepted."""
    check = Check("closed", "Was no address used again that had proved dead or another person's?")
    closed: dict[str, Entry] = {}
    for address, heard in closed_by_news(evidence):
        check.looked_at += 1
        if address not in closed or heard.seq < closed[address].seq:
            closed[address] = heard
    for entry in evidence.of(*CONTACTS):
        known = closed.get(as_number(entry.text("to")))
        # Two loans of one person have clocks of their own: later by both.
        if known is not None and entry.seq > known.seq and entry.at > known.at:
            check.against(entry.loan_id, f"{entry.kind} to an address known as closed from line {known.seq}", entry)
    return check


def closed_by_news(evidence: Evidence) -> list[tuple[str, Entry]]:
    """Each address that was closed, with the line on which the product took the news."""
    heard = accepted(evidence)
    found: list[tuple[str, Entry]] = []
    to = {entry.text("sid"): entry.text("to") for entry in evidence.of("sms")}
    for status in evidence.of("sms_status"):
        taken = heard.get((status.loan_id, f"{status.text('sid')}:undelivered"))
        if status.data.get("error_code") == _NO_SUCH_NUMBER and taken is not None:
            found.append((as_number(to[status.text("sid")]), taken))
    for word in evidence.of("inbound_sms", "inbound_whatsapp"):
        content = word.data.get("content") or {}
        said = word.text("body") or str((content.get("text") or {}).get("body", ""))
        taken = heard.get((word.loan_id, word.text("sid") or word.text("wamid")))
        if said.strip().lower() in _WRONG_PERSON and taken is not None:
            found.append((as_number(word.text("from")), taken))
    return found


def as_number(written: str) -> str:
    """An e-mail address as it is, a number as its digits: WhatsApp leaves the plus sign out."""
    return written.casefold() if "@" in written else "".join(filter(str.isdigit, written))
