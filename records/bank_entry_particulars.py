"""What is said of an entry of a statement, as far as it tells one movement from others: keyed fingerprints of it."""

from __future__ import annotations

from sqlmodel import Session

from domain.bank_news import BankEntry, FileKind, names_nothing
from domain.direct_debit import REFERENCE_PREFIX
from domain.same_movement import Particulars
from records import person_keys
from records.tables import BankEntryRow
from records.tables.sealing import IBAN

_KEY = "bank_entry"
_NAMELESS = "fingerprints:"
_NO_REFERENCE = frozenset({"NONREF", "NOTPROVIDED", "0"})
"""What banks write where they give none. The keys of entries that are kept hang on it: it stays as it is."""


def account_index(session: Session, account: str) -> str:
    """The keyed fingerprint of an account of ours."""
    return person_keys.of(session).index(IBAN, account)


def key_of(session: Session, account: str, entry: BankEntry, alike_before: int) -> str:
    """What tells this movement from every other of ours, in whichever file the bank tells of it.

    Without a reference of the bank's it is all that is said of it; `alike_before` counts those before it of which just
    the same is said, or which have the same reference.
    """
    parts = [account, "in" if entry.credit else "out", str(entry.amount_minor), entry.currency, str(entry.booked_on)]
    if is_referenced(entry):
        # The first has no number: so its key is that of earlier versions, for which there was no second.
        parts += [f"ref {entry.bank_reference}", *([str(alike_before)] if alike_before else [])]
    else:
        said = (str(entry.value_on), entry.end_to_end_id, entry.other_iban, entry.other_name, entry.text)
        parts += [*(one or "" for one in said), str(alike_before)]
    return person_keys.of(session).index(_KEY, "\n".join(parts))


def is_referenced(entry: BankEntry) -> bool:
    """Whether the bank gave the movement a reference of its own."""
    return is_reference(entry.bank_reference)


def is_reference(bank_reference: str | None) -> bool:
    return bool(bank_reference) and bank_reference not in _NO_REFERENCE


def particulars(session: Session, entry: BankEntry, kind: FileKind, part: int) -> Particulars:
    """What a file says of a movement, to compare it with those that are kept."""
    return Particulars(
        kind=kind,
        end_to_end_id=told_reference(session, entry.end_to_end_id),
        other_account=account_index(session, entry.other_iban) if entry.other_iban else None,
        other_name=_fingerprint(session, entry.other_name),
        text=_fingerprint(session, words_of(entry)),
        part=part,
    )


def particulars_kept(session: Session, row: BankEntryRow) -> Particulars:
    """As `particulars`, of a movement that is kept; of who was erased nothing is said any more."""
    if row.text is not None and row.text.startswith(_NAMELESS):
        name, _, words = row.text.removeprefix(_NAMELESS).partition(" ")
        said = (name or None, words or None)
    else:
        said = (_fingerprint(session, row.other_name), _fingerprint(session, row.text))
    return Particulars(
        kind=FileKind(row.kind),
        end_to_end_id=row.end_to_end_id,
        other_account=row.iban_index,
        other_name=said[0],
        text=said[1],
    )


def text_of(row: BankEntryRow) -> str | None:
    """What its payer wrote; None of one that is kept without who it was with."""
    return None if row.text is not None and row.text.startswith(_NAMELESS) else row.text


def words_kept(session: Session, other_name: str | None, text: str | None) -> str:
    """What is kept in place of a text of an entry by which nobody has to be found: fingerprints of it and the name."""
    name, words = _fingerprint(session, other_name), _fingerprint(session, text)
    return f"{_NAMELESS}{name or ''} {words or ''}"


def forget_who(session: Session, row: BankEntryRow) -> None:
    """Keep fingerprints of who it was with and what they wrote: they tell it from others when it is told again."""
    if row.text is None or not row.text.startswith(_NAMELESS):
        row.text = words_kept(session, row.other_name, row.text)
    row.other_name = row.other_iban = None


def told_reference(session: Session, reference: str | None) -> str | None:
    """Our own stand in the open; a payer may write anything into theirs, so of those a fingerprint is kept. None where
    the words say that there is none: else all who gave none would share it.
    """
    if reference is None or names_nothing(reference):
        return None
    if reference.startswith(REFERENCE_PREFIX):
        return reference
    return person_keys.of(session).index(_KEY, reference)


def _fingerprint(session: Session, said: str | None) -> str | None:
    return person_keys.of(session).index(_KEY, said) if said else None


def words_of(entry: BankEntry) -> str | None:
    """The text an entry is kept with: what its payer wrote, their reference included."""
    return " ".join(part for part in (entry.text, entry.end_to_end_id) if part) or None
