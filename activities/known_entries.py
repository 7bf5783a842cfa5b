"""Which entries of a bank's file are known, under which key the others are kept, and which are in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from domain.bank_news import BankEntry, Statement
from domain.same_movement import Identity, Told, identify
from records import bank_entries, bank_entry_particulars
from records.tables import BankEntryRow

_TOLD_TWICE = "another page of the same file says just the same: it may be one movement told twice"


@dataclass(frozen=True)
class Identified:
    """`doubt`: why it may be a movement that is known, in words. `others`: entries like it that surely are not it; of
    one told before, itself and those like it that this file tells again.
    """

    key: str
    told_before: bool = False
    doubt: str | None = None
    others: tuple[int, ...] = ()


def identified(session: Session, statements: Sequence[Statement]) -> list[list[Identified]]:
    """Each entry of a file's statements, in their order. Nothing of the file may be kept yet."""
    groups: dict[str, list[tuple[int, int]]] = {}
    for part, statement in enumerate(statements):
        for place, entry in enumerate(statement.entries):
            key = bank_entry_particulars.key_of(session, statement.account, entry, 0)
            groups.setdefault(key, []).append((part, place))
    answers: dict[tuple[int, int], Identified] = {}
    for key, places in groups.items():
        if len(places) == 1 and bank_entries.find(session, key) is None:
            answers[places[0]] = Identified(key=key)
        else:
            told = [(statements[part], part, statements[part].entries[place]) for part, place in places]
            answers.update(zip(places, _group(session, told), strict=True))
    return [
        [answers[part, place] for place in range(len(statement.entries))] for part, statement in enumerate(statements)
    ]


def _group(session: Session, told: Sequence[tuple[Statement, int, BankEntry]]) -> list[Identified]:
    """Entries of one account, amount, day and reference, or of which just the same is said."""
    statement, _, first = told[0]
    account = statement.account
    kept = bank_entries.alike(session, account, first)
    said = [bank_entry_particulars.particulars(session, entry, statement.kind, part) for _, part, entry in told]
    referenced = bank_entry_particulars.is_referenced(first)
    # Without a reference the key holds all that is said: what stands under it says the same, whatever is left of it.
    known = (
        [bank_entry_particulars.particulars_kept(session, row) for row in kept] if referenced else [said[0]] * len(kept)
    )
    identities = identify(said, known, referenced=referenced)
    others = tuple(kept[one.known].id or 0 for one in identities if one.told is Told.BEFORE and one.known is not None)
    answers, number = [], len(kept)
    for (_, _, entry), identity in zip(told, identities, strict=True):
        if identity.told is Told.BEFORE:
            answers.append(Identified(key="", told_before=True, others=others))
            continue
        key = bank_entry_particulars.key_of(session, account, entry, number)
        number += 1
        new = identity.told is Told.NEW
        doubt = None if new else _doubt(identity, kept)
        answers.append(Identified(key=key, doubt=doubt, others=others if new else ()))
    return answers


def _doubt(identity: Identity, kept: Sequence[BankEntryRow]) -> str:
    if identity.known is None:
        return _TOLD_TWICE
    known = kept[identity.known].id
    return f"it may be entry {known}, which has its bank reference, day and amount; else they differ or say too little"
