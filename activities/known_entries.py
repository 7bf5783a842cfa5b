"""Which entries of a bank's file are known, under which key the others are kept, and which are in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from domain.bank_news import BankEntry, Statement
from domain.same_movement import Identity, Likeness, Particulars, Told, identify, likeness
from records import bank_entries, bank_entry_particulars
from records.tables import BankEntryRow

_TOLD_TWICE = "another page of the same file says just the same: it may be one movement told twice"


@dataclass(frozen=True)
class Identified:
    """`doubt`: why it may be a movement that is known, in words. `others`: entries like it that surely are not it; of
    one told before, itself and those like it that this file tells again. `page_before`: the key of the entry of another
    page of the same file that says the same, where that is the doubt.
    """

    key: str
    told_before: bool = False
    doubt: str | None = None
    others: tuple[int, ...] = ()
    page_before: str | None = None


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
    keys: list[str] = []
    for (_, _, entry), one, identity in zip(told, said, identities, strict=True):
        if identity.told is Told.BEFORE:
            answers.append(Identified(key="", told_before=True, others=others))
            keys.append("" if identity.known is None else kept[identity.known].key)
            continue
        key = bank_entry_particulars.key_of(session, account, entry, number)
        number += 1
        if identity.told is Told.NEW:
            answers.append(Identified(key=key, others=others))
        else:
            before = None if identity.known is not None else _on_a_page_before(one, said, keys)
            answers.append(Identified(key=key, doubt=_doubt(identity, kept), page_before=before))
        keys.append(key)
    return answers


def _on_a_page_before(one: Particulars, said: Sequence[Particulars], keys: Sequence[str]) -> str | None:
    """The key of the first entry, of those that have one by now, that an earlier page tells in the same way."""
    before = zip(said, keys, strict=False)
    return next(
        (key for other, key in before if key and other.part < one.part and likeness(one, other) is not Likeness.OTHER),
        None,
    )


def _doubt(identity: Identity, kept: Sequence[BankEntryRow]) -> str:
    if identity.known is None:
        return _TOLD_TWICE
    known = kept[identity.known].id
    return f"it may be entry {known}, which has its bank reference, day and amount; else they differ or say too little"
