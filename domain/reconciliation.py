"""Whose is this money? Matching what came into an account to loans: surely, or as suggestions for a person.

A match is made without a person only on two independent facts, or on a reference nobody else can mean.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from domain.payable import counts_as_paid, payable

SUGGESTIONS = 5
_SHORT = 9
"""An id of fewer characters, digits alone, may be a date, an amount or a postcode by chance."""
_WORDS = re.compile(r"[A-Z0-9]+(?:[-._/][A-Z0-9]+)*")
_JOINED = 4
"""Banks cut a text every so many letters: an id may stand in so many pieces."""
T = TypeVar("T")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Incoming(_Value):
    """Money that came in. `text` is what the payer wrote, references included."""

    amount_minor: int
    currency: str
    text: str = Field("", repr=False)
    payer: str | None = Field(None, repr=False)


class Candidate(_Value):
    """A loan it may be for. `paid_from_here`: its debtor has paid, or may be debited, from that account. `by_chance`:
    what names it in the text may mean something else.
    """

    lender: str
    loan_id: str
    balance_minor: int
    currency: str
    named: bool = False
    by_chance: bool = False
    paid_from_here: bool = False
    name: str | None = Field(None, repr=False)


class Share(_Value):
    """What of the money goes to one loan."""

    lender: str
    loan_id: str
    amount_minor: int


class Matched(_Value):
    """`how`: exact, partial, overpaid or combined."""

    shares: tuple[Share, ...]
    how: str


class Waits(_Value):
    """A person must look; `why` holds no personal data."""

    why: str


class Suggestion(_Value):
    """A loan for a person to consider: `score` up to 100, and the reasons for it, the weightiest first."""

    lender: str
    loan_id: str
    amount_minor: int
    balance_minor: int
    score: int
    reasons: tuple[str, ...]


def folded(text: str) -> str:
    """Upper case, without accents."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).upper()


def loan_key(loan_id: str) -> str:
    """A loan's id as it is looked for in texts: its letters and digits alone."""
    return re.sub(r"[^A-Z0-9]", "", folded(loan_id))


def mentioned(text: str, known: Mapping[str, T]) -> dict[str, T]:
    """Which of the `known` keys stand in the text, whole or cut into neighbouring pieces.

    The longest wins, and before all one that cannot stand there by chance. A key of letters alone is never found:
    it may be a word.
    """
    pieces: list[str] = []
    for word in _WORDS.findall(folded(text)):
        pieces += re.split(r"[-._/]", word)
    found: dict[str, T] = {}
    taken: set[int] = set()
    for sure in (True, False):
        for length in range(_JOINED, 0, -1):
            for begin in range(len(pieces) - length + 1):
                places = range(begin, begin + length)
                key = "".join(pieces[begin : begin + length])
                if key not in known or not any(c.isdigit() for c in key) or not taken.isdisjoint(places):
                    continue
                if not sure or not key.isdigit() or (length == 1 and not is_weak(key)):
                    found[key] = known[key]
                    taken.update(places)
    return found


def is_weak(loan_id: str) -> bool:
    """Whether the id may stand in any text by chance."""
    key = loan_key(loan_id)
    return key.isdigit() and len(key) < _SHORT


def stands_by_chance(text: str, loan_id: str) -> bool:
    """Whether what is found of the id in the text may mean something else: an amount, a date, several numbers.

    An id with letters means itself however it is cut; one of digits alone only where it stands just as it is written.
    """
    if not loan_key(loan_id).isdigit():
        return False
    as_written = rf"(?<![A-Z0-9])(?:{re.escape(folded(loan_id))}|{loan_key(loan_id)})(?![A-Z0-9])"
    return is_weak(loan_id) or re.search(as_written, folded(text)) is None


def decide(money: Incoming, candidates: Sequence[Candidate]) -> Matched | Waits:
    """Where the money goes, if that is sure."""
    named = [one for one in candidates if one.named]
    if named:
        return _by_reference(money, named)
    payers = [one for one in candidates if one.paid_from_here and _owes(one) and one.currency == money.currency]
    exact = [one for one in payers if _pays_it_off(money, one)]
    if len(exact) == 1:
        return Matched(shares=(_share(exact[0], money.amount_minor),), how="exact")
    if len(payers) > 1 and (together := _together(money, payers)) is not None:
        return together
    if exact:
        return Waits(why="several loans of who pays from this account have just this amount due")
    if payers:
        return Waits(why="the account is known, but no loan is named and the amount fits none")
    return Waits(why="no loan is named and the account is not known")


def _by_reference(money: Incoming, named: Sequence[Candidate]) -> Matched | Waits:
    if any(one.currency != money.currency for one in named):
        return Waits(why="the loan named is in another currency")
    if len({one.loan_id for one in named}) < len(named):
        return Waits(why="several lenders have a loan of the id named")
    if len(named) > 1:
        if all(_owes(one) for one in named) and (together := _together(money, named)) is not None:
            return together
        return Waits(why="several loans are named and the amount is not what they owe together")
    loan = named[0]
    doubtful = loan.by_chance or is_weak(loan.loan_id)
    if doubtful and not loan.paid_from_here and not _pays_it_off(money, loan):
        return Waits(why="the number named may mean something else, and neither the amount nor the account agrees")
    how = "exact" if _pays_it_off(money, loan) else "partial"
    if money.amount_minor > max(loan.balance_minor, 0):
        how = "overpaid"
    return Matched(shares=(_share(loan, money.amount_minor),), how=how)


def _pays_it_off(money: Incoming, loan: Candidate) -> bool:
    """Just what is due, or what of it can be asked for."""
    left = loan.balance_minor - money.amount_minor
    return left >= 0 and counts_as_paid(left, loan.currency)


def _owes(loan: Candidate) -> bool:
    return not counts_as_paid(loan.balance_minor, loan.currency)


def _together(money: Incoming, loans: Sequence[Candidate]) -> Matched | None:
    """All of the loans are paid off by it: by just what each owes, or what of it can be asked for."""
    for owed in (
        [one.balance_minor for one in loans],
        [payable(one.balance_minor, one.currency) for one in loans],
    ):
        if sum(owed) == money.amount_minor:
            shares = tuple(_share(one, amount) for one, amount in zip(loans, owed, strict=True))
            return Matched(shares=shares, how="combined")
    return None


def _share(loan: Candidate, amount_minor: int) -> Share:
    return Share(lender=loan.lender, loan_id=loan.loan_id, amount_minor=amount_minor)


def suggest(money: Incoming, candidates: Iterable[Candidate], most: int = SUGGESTIONS) -> tuple[Suggestion, ...]:
    """The likeliest loans, best first; those for which nothing speaks are left out."""
    scored = [one for one in (_scored(money, candidate) for candidate in candidates) if one is not None]
    return tuple(sorted(scored, key=lambda one: (-one.score, one.lender, one.loan_id))[:most])


def _scored(money: Incoming, loan: Candidate) -> Suggestion | None:
    if loan.currency != money.currency:
        return None
    reasons: list[tuple[int, str]] = []
    if loan.named and (loan.by_chance or is_weak(loan.loan_id)):
        reasons.append((20, "the digits of the loan's id stand in the text, and may mean something else"))
    elif loan.named:
        reasons.append((50, "the loan's id stands in the text"))
    if loan.paid_from_here:
        reasons.append((35, "the debtor has paid, or may be debited, from this account"))
    alike = name_likeness(money.payer, loan.name)
    if alike >= 0.75:
        reasons.append((round(25 * alike), f"the payer's name is {round(100 * alike)}% like the debtor's"))
    if _pays_it_off(money, loan):
        reasons.append((30, "the amount is exactly what is due"))
    elif reasons and 0 < money.amount_minor < loan.balance_minor:
        reasons.append((3, "the amount is part of what is due"))
    if not reasons:
        return None
    reasons.sort(reverse=True)
    return Suggestion(
        lender=loan.lender,
        loan_id=loan.loan_id,
        amount_minor=money.amount_minor,
        balance_minor=loan.balance_minor,
        score=min(100, sum(weight for weight, _ in reasons)),
        reasons=tuple(text for _, text in reasons),
    )


def name_likeness(one: str | None, other: str | None) -> float:
    """0 to 1, whatever the order of names, accents and case; a name that is part of the other is alike."""
    first, second = _name_parts(one), _name_parts(other)
    if not first or not second:
        return 0.0
    if len(first) > 1 and len(second) > 1 and (first <= second or second <= first):
        return 0.95 if first != second else 1.0
    return SequenceMatcher(None, " ".join(sorted(first)), " ".join(sorted(second)), autojunk=False).ratio()


def _name_parts(name: str | None) -> frozenset[str]:
    return frozenset(part for part in re.findall(r"[A-Z]+", folded(name or "")) if len(part) > 1)
