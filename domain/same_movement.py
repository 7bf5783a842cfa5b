"""Which movements that a bank's file tells are known already, where account, amount, day and reference do not say it.

Banks give one reference to all parts of an entry, or to every transfer; files overlap, and one file may hold several
pages. What can be neither told before nor new for sure is left to a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from pydantic import BaseModel, ConfigDict, Field

from domain.bank_news import FileKind

ISO_STATEMENTS = frozenset({FileKind.CAMT_052, FileKind.CAMT_053, FileKind.CAMT_054})
"""Kinds of ISO 20022 that tell of movements: a movement has one end-to-end id in all of them."""
_REPORTS = frozenset({FileKind.CAMT_052, FileKind.CAMT_054})
"""Kinds of which a file's later report may tell again what an earlier one told; pages of a statement do not."""


class Particulars(BaseModel):
    """What else is said of a movement; None is not said. `part` counts the statements of the file it stands in.

    Accounts and references may be keyed fingerprints: they are only compared.
    """

    model_config = ConfigDict(frozen=True)

    kind: FileKind
    end_to_end_id: str | None = None
    other_account: str | None = Field(None, repr=False)
    other_name: str | None = Field(None, repr=False)
    text: str | None = Field(None, repr=False)
    part: int = 0


class Likeness(Enum):
    SAME = auto()
    PERHAPS = auto()
    OTHER = auto()


class Told(Enum):
    """BEFORE: it is a movement that is known. NEW: it is not. UNCLEAR: it may be one that is known, or another."""

    BEFORE = auto()
    NEW = auto()
    UNCLEAR = auto()


class Identity(BaseModel):
    """`known`: the place, among the known movements, of the one it is or may be; None: it is in the file itself."""

    model_config = ConfigDict(frozen=True)

    told: Told
    known: int | None = None


def likeness(one: Particulars, other: Particulars) -> Likeness:
    """Whether two movements of one account, amount, day and reference are the same.

    Only files of one kind word a movement alike; those of ISO 20022 share its end-to-end id, all share the account.
    """
    said = [(one.other_account, other.other_account)]
    both_iso = {one.kind, other.kind} <= ISO_STATEMENTS
    if one.kind is other.kind or both_iso:
        said.append((one.end_to_end_id, other.end_to_end_id))
    if one.kind is other.kind:
        said += [(one.other_name, other.other_name), (one.text, other.text)]
    if any(mine is not None and theirs is not None and mine != theirs for mine, theirs in said):
        return Likeness.OTHER
    if one.kind is other.kind:
        return Likeness.SAME if all(mine == theirs for mine, theirs in said) else Likeness.PERHAPS
    named = one.end_to_end_id is not None and one.end_to_end_id == other.end_to_end_id
    return Likeness.SAME if both_iso and named else Likeness.PERHAPS


def identify(told: Sequence[Particulars], known: Sequence[Particulars], *, referenced: bool) -> list[Identity]:
    """What each movement of a file is, of those of which account, amount, day and the bank's reference are one.

    `told` is in the file's order, `known` are those the records hold. Without a reference (`referenced`) all of them
    say the same. As many as are known are told before; further ones are new if each known one is surely another of
    this same file.
    """
    found: dict[int, int] = {}
    sure: set[int] = set()
    free = list(range(len(known)))
    for wanted in (Likeness.SAME, Likeness.PERHAPS):
        for place, one in enumerate(told):
            at = next((at for at in free if likeness(one, known[at]) is wanted), None) if place not in found else None
            if at is not None:
                free.remove(at)
                found[place] = at
                if wanted is Likeness.SAME:
                    sure.add(at)
    doubtful = next((at for at in range(len(known)) if at not in sure), None)
    identities = []
    for place, one in enumerate(told):
        if place in found:
            identities.append(Identity(told=Told.BEFORE, known=found[place]))
        elif doubtful is not None:
            identities.append(Identity(told=Told.UNCLEAR, known=doubtful))
        else:
            identities.append(Identity(told=_beside_earlier_parts(one, told[:place], referenced)))
    return identities


def _beside_earlier_parts(one: Particulars, before: Sequence[Particulars], referenced: bool) -> Told:
    """What a movement is that an earlier page or report of the same file may have told."""
    if not before or before[0].part == one.part:
        return Told.NEW
    alike = {likeness(one, other) for other in before if other.part < one.part}
    if alike <= {Likeness.OTHER}:
        return Told.NEW
    if one.kind in _REPORTS:
        return Told.BEFORE if referenced and Likeness.SAME in alike else Told.UNCLEAR
    return Told.UNCLEAR if referenced else Told.NEW
