"""Checks of contacts, messages and telephone calls: none twice, none outside the rules, none after a STOP."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from chaos.checker.check import Check
from chaos.checker.evidence import Entry, Evidence, Row
from chaos.checker.news import accepted, taken_in
from chaos.checker.rules import Place, Told, closed, too_many, too_soon

MESSAGES = ("sms", "whatsapp", "email")
CONTACTS = (*MESSAGES, "call")
_NOT_ARRIVED = frozenset({"undelivered", "failed"})
_STOPS = frozenset({"STOP", "BAJA", "SAIR"})
_AGREED, _YES = "agreed", "yes"
_STOP_IN_WORDS = "stop"
_STOPPED_BY = {"inbound_sms": "sms", "inbound_whatsapp": "whatsapp"}
_NO_MORE_CALLS = "do_not_call"
_ASKS_FOR_MONEY = "/pay/"
_SOON = timedelta(hours=24)
_STILL_AN_ANSWER = timedelta(days=7)
_STOPPED_THERE = "21610:"
"""How the carrier's refusal of an SMS to who wrote a stop word begins."""
_UNDER_WAY = timedelta(minutes=10)
"""An SMS that was on its way to the carrier when the STOP was heard has come there by then."""
_NEVER_PLACED = frozenset({"reserved", "dropped", "failed"})


@dataclass(frozen=True)
class _Heard:
    """Something that a person wrote: when, as far as the product was told, and the line on which it took it."""

    at: datetime
    line: int


def asks_for_money(entry: Entry) -> bool:
    return _ASKS_FOR_MONEY in entry.text("body") + entry.text("text")


def _named(entry: Entry) -> str:
    """How the ledger names a contact: by the carrier's id of an SMS or call, a one-way name of WhatsApp's, our own id
    (without the host) of an e-mail."""
    if entry.kind == "whatsapp":
        return f"wa.{hashlib.sha256(entry.text('wamid').encode()).hexdigest()[:40]}"
    own = {"sms": "sid", "call": "sid"}.get(entry.kind)
    return entry.text(own) if own is not None else _local(entry.text("message_id"))


def _local(message_id: str) -> str:
    return message_id.strip("<>").partition("@")[0]


def contacts_of(evidence: Evidence) -> dict[int, Row]:
    """The ledger's contact of each line of the world's log that has one.

    A call whose placing was never answered may be known by its own word alone, without the carrier's id: then it is the
    loan's one call without an id, in the order they were noted; those that were never placed are none.
    """
    by_name: dict[str, Row] = {}
    unnamed: dict[str | None, list[Row]] = defaultdict(list)
    names = evidence.loan_names()
    for row in evidence.rows["contact"]:
        by_name[row["message_id"]] = row
        if row["provider_message_id"]:
            by_name[_local(row["provider_message_id"])] = row
        elif row["channel"] == "call" and row["state"] not in _NEVER_PLACED:
            unnamed[names.get(row["loan_ref"])].append(row)
    found: dict[int, Row] = {}
    for entry in evidence.of(*CONTACTS):
        row_of_it = by_name.get(_named(entry))
        if row_of_it is None and entry.kind == "call" and unnamed[entry.loan_id]:
            row_of_it = unnamed[entry.loan_id].pop(0)
        if row_of_it is not None:
            found[entry.seq] = row_of_it
    return found


def twice(evidence: Evidence) -> Check:
    """Each contact that reached the carrier stands in the ledger as one, and none of the ledger's as two.

    Nobody gets the same words twice within a day, unless the first never arrived or each answers what they wrote.
    """
    check = Check("twice", "Was nobody contacted twice for one step?")
    contacts = contacts_of(evidence)
    asked = answers(evidence)
    filled: dict[object, Entry] = {}
    said: dict[tuple[str | None, str, str], Entry] = {}
    failed = {e.text("sid") for e in evidence.of("sms_status") if e.text("status") in _NOT_ARRIVED}
    for entry in evidence.of(*CONTACTS):
        check.looked_at += 1
        row = contacts.get(entry.seq)
        if row is None:
            check.against(entry.loan_id, f"{entry.kind} that stands in no ledger", entry)
        else:
            place = (row["loan_ref"], row["entry"], row["step"], row["occurrence"])
            if place in filled:
                check.against(entry.loan_id, f"{entry.kind} for the contact of line {filled[place].seq}", entry)
            filled.setdefault(place, entry)
        if entry.kind not in MESSAGES:
            continue
        body = (entry.loan_id, entry.kind, entry.text("body") + entry.text("subject") + entry.text("text"))
        earlier = said.get(body)
        if earlier is not None and entry.at - earlier.at < _SOON and asked.get(entry.seq, 0) < earlier.seq:
            check.against(entry.loan_id, f"the same {entry.kind} as line {earlier.seq} within a day", entry)
        if entry.text("sid") not in failed:
            # What never arrived may be said once more, as a contact of its own.
            said[body] = entry
    return check


def rules(evidence: Evidence, receipts: set[int]) -> Check:
    """Every contact but receipts, answers and written copies within the hours and the limits of the person's place."""
    check = Check("rules", "Was every contact within the rules of the person's place?")
    copies = written_copies(evidence) | answers(evidence, within=_SOON).keys()
    answered = answers(evidence)
    talks = _talks(evidence)
    by_person: dict[str, list[Told]] = defaultdict(list)
    places: dict[str, Place] = {}
    for entry in evidence.of(*CONTACTS):
        debt = evidence.debts.get(entry.loan_id or "")
        if debt is None:
            check.against(entry.loan_id, f"{entry.kind} to nobody of the portfolio", entry)
            continue
        if entry.seq in receipts or entry.seq in copies:
            continue
        check.looked_at += 1
        place = places[debt.person_id] = Place(debt.country, debt.region, debt.zone)
        if (why := closed(place, entry.kind, entry.at)) is not None:
            check.against(entry.loan_id, why, entry)
        if entry.seq in answered:
            continue
        by_person[debt.person_id].append(Told(entry.at, entry.kind, debt.loan_id, was_talk=entry.seq in talks))
    for person_id, told in by_person.items():
        for why in (*too_many(places[person_id], told), *too_soon(places[person_id], told)):
            check.against(told[-1].loan_id, why)
    return check


def _talks(evidence: Evidence) -> set[int]:
    """The lines of calls that a person answered, but those that by the ledger did not reach the right one."""
    contacts = contacts_of(evidence)
    answered = {e.text("sid") for e in evidence.of("call_status") if e.text("answered_by") == "human"}
    return {
        call.seq
        for call in evidence.of("call")
        if call.text("sid") in answered and (contacts.get(call.seq) or {}).get("state") != "undelivered"
    }


def written_copies(evidence: Evidence) -> set[int]:
    """The lines of messages that put in writing what a person agreed to on the telephone.

    One for each call that a person answered, within a day of it, that the ledger calls transactional and that asks
    for nothing: it answers what they did themselves.
    """
    contacts = contacts_of(evidence)
    answered: dict[str | None, datetime] = {}
    copies: set[int] = set()
    for entry in evidence.world:
        if entry.kind == "call_status" and entry.text("answered_by") == "human":
            answered[entry.loan_id] = entry.at
        elif entry.kind in MESSAGES and entry.loan_id in answered and not asks_for_money(entry):
            row = contacts.get(entry.seq)
            soon = entry.at - answered[entry.loan_id] <= _SOON
            if soon and row is not None and row["purpose"] == "transactional":
                copies.add(entry.seq)
                del answered[entry.loan_id]
    return copies


def answers(evidence: Evidence, within: timedelta = _STILL_AN_ANSWER) -> dict[int, int]:
    """The lines of messages that answer what a person wrote, with the line on which that was heard: they began it, so
    no limit of ours binds the answer, and within a day no hour either.

    Each thing that was heard, but for a STOP, allows one message that the ledger calls a reply by the same channel, if
    no demand by it came between; each yes, and each decision of a person about the loan, one message by any channel
    that writes down what was agreed and asks for nothing.
    """
    contacts, heard = contacts_of(evidence), taken_in(evidence)
    decided: dict[str, list[datetime]] = defaultdict(list)
    for loan_id, decided_at in evidence.decisions():
        decided[loan_id].append(decided_at)
    waiting: dict[tuple[str, str], list[_Heard]] = defaultdict(list)
    found: dict[int, int] = {}
    for entry in evidence.world:
        debt = evidence.debts.get(entry.loan_id or "")
        if debt is None:
            continue
        if entry.kind in _STOPPED_BY:
            taken = heard.get((entry.loan_id, entry.text("sid") or entry.text("wamid")))
            if taken is not None and not _is_stop(entry):
                # The carrier does not say when an SMS was written: what was told late is answered as if it were new.
                at = taken.at if entry.kind == "inbound_sms" else entry.at
                waiting[debt.person_id, _STOPPED_BY[entry.kind]].append(_Heard(at, taken.seq))
                if entry.text("meant") == _YES:
                    waiting[debt.person_id, _AGREED].append(_Heard(at, taken.seq))
        elif entry.kind in MESSAGES and (row := contacts.get(entry.seq)) is not None:
            asked = waiting[debt.person_id, entry.kind]
            if row["purpose"] == "collection":
                asked[:] = [word for word in asked if word.line > entry.seq]
                continue
            if row["purpose"] == "transactional":
                asked = waiting[debt.person_id, _AGREED]
                if asks_for_money(entry):
                    continue
                late = [at for at in decided[debt.loan_id] if timedelta(0) <= entry.at - at <= _STILL_AN_ANSWER]
                if late and within > _SOON:
                    decided[debt.loan_id].remove(late[0])
                    found[entry.seq] = entry.seq
                    continue
            lately = [word for word in asked if word.line < entry.seq and timedelta(0) <= entry.at - word.at <= within]
            if lately:
                asked.remove(lately[0])
                found[entry.seq] = lately[0].line
    return found


def stopped(evidence: Evidence) -> Check:
    """Nothing by a channel to a person after their STOP on it was accepted, for any of their loans.

    On the telephone the STOP is a key: the log does not tell which were pressed, so there the ledger is believed. The
    world's carrier takes no SMS any more for who wrote a stop word: that one was tried at all stands for it.
    """
    check = Check("stop", "Did nobody hear from us by a channel after their STOP on it was heard?")
    since: dict[tuple[str, str], Entry] = {}
    for channel, stop in _stops(evidence):
        debt = evidence.debts.get(stop.loan_id or "")
        if debt is not None:
            check.looked_at += 1
            earlier = since.setdefault((debt.person_id, channel), stop)
            since[debt.person_id, channel] = min(stop, earlier, key=lambda one: one.seq)
    for entry in evidence.of(*CONTACTS, "refused"):
        debt = evidence.debts.get(entry.loan_id or "")
        if debt is None:
            continue
        stop_heard = since.get((debt.person_id, "sms" if entry.kind == "refused" else entry.kind))
        if stop_heard is None or entry.seq <= stop_heard.seq:
            continue
        if entry.kind != "refused":
            check.against(entry.loan_id, f"{entry.kind} after the STOP heard on line {stop_heard.seq}", entry)
        elif entry.text("reason").startswith(_STOPPED_THERE) and entry.at - stop_heard.at > _UNDER_WAY:
            check.against(entry.loan_id, f"sms tried after the STOP heard on line {stop_heard.seq}", entry)
    return check


def _stops(evidence: Evidence) -> list[tuple[str, Entry]]:
    """Each STOP by the channel it closes, as the line on which it was heard."""
    heard = accepted(evidence)
    found: list[tuple[str, Entry]] = []
    for word in evidence.of(*_STOPPED_BY):
        taken = heard.get((word.loan_id, word.text("sid") or word.text("wamid")))
        if taken is not None and _is_stop(word):
            found.append((_STOPPED_BY[word.kind], taken))
    contacts = contacts_of(evidence)
    asked = {
        call.text("sid")
        for call in evidence.of("call")
        if (contacts.get(call.seq) or {}).get("outcome") == _NO_MORE_CALLS
    }
    found += [("call", ended) for ended in evidence.of("call_status") if ended.text("sid") in asked]
    return found


def _is_stop(word: Entry) -> bool:
    return _text(word).strip().upper() in _STOPS or word.text("meant") == _STOP_IN_WORDS


def _text(word: Entry) -> str:
    """What an SMS or a WhatsApp says."""
    content = word.data.get("content") or {}
    return word.text("body") or str((content.get("text") or {}).get("body", ""))
