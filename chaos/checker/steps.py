"""The check of the schedule's steps: each is said once to who has got it, whatever number its repeats have."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from chaos.checker.addresses import as_number, closed_by_news
from chaos.checker.check import Check
from chaos.checker.contacts import MESSAGES, contacts_of
from chaos.checker.evidence import Entry, Evidence, Row
from chaos.checker.news import accepted

_REPEATED = frozenset({"funds", "consent-request"})
_OF_ITS_OWN = ("agreement_", "notice-", "words-")
"""Contacts that are no steps of a schedule: offers when money was seen, and what other things ask for."""
_READ_BY_THEN = timedelta(hours=1)


def steps(evidence: Evidence) -> Check:
    """A step goes out again by another channel where it did not arrive, or was not read, or reached somebody else.

    So never twice by one channel by which it arrived; nor by any where an SMS was known to have arrived, which is never
    known to be read, at a number that nobody called wrong or dead.
    """
    check = Check("steps", "Was no step of the schedule said again to who had got it?")
    contacts = contacts_of(evidence)
    arrived = _Arrived(evidence)
    before: dict[object, list[tuple[Entry, Row]]] = defaultdict(list)
    for entry in evidence.of(*MESSAGES, "call"):
        row = contacts.get(entry.seq)
        if row is None or row["purpose"] != "collection" or not _is_of_the_schedule(row["step"]):
            continue
        check.looked_at += 1
        said = before[row["loan_ref"], row["entry"], row["step"]]
        for earlier, its_row in said:
            again = entry.kind == earlier.kind and arrived.did(earlier, its_row)
            if again or arrived.was_known(earlier, by=entry):
                check.against(
                    entry.loan_id, f"{entry.kind} of {row['step']}, which had come on line {earlier.seq}", entry
                )
                break
        said.append((entry, row))
    return check


def _is_of_the_schedule(step: str) -> bool:
    return step not in _REPEATED and not step.startswith(_OF_ITS_OWN)


class _Arrived:
    """Which messages came to a telephone or a mailbox, and of which the product could know that."""

    def __init__(self, evidence: Evidence) -> None:
        self._accepted = accepted(evidence)
        self._closed = {address for address, _ in closed_by_news(evidence)}
        statuses = evidence.of("sms_status", "whatsapp_status")
        self._delivered = {
            entry.text("sid") or entry.text("wamid") for entry in statuses if entry.text("status") == "delivered"
        }

    def did(self, message: Entry, row: Row) -> bool:
        if message.kind == "email":
            return str(row["state"]) != "undelivered"
        return (message.text("sid") or message.text("wamid")) in self._delivered

    def was_known(self, sms: Entry, *, by: Entry) -> bool:
        """Whether news that this SMS was delivered had been accepted for so long that it was read."""
        news = self._accepted.get((sms.loan_id, f"{sms.text('sid')}:delivered"))
        if sms.kind != "sms" or news is None or as_number(sms.text("to")) in self._closed:
            return False
        return by.at - news.at > _READ_BY_THEN
