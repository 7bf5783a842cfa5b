"""Ids of digits alone that are known with other leading zeros: a spreadsheet drops them and makes a second loan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Literal

from sqlmodel import Session, col, select

from domain.portfolio import PortfolioLoan
from records.tables import Loan, Person

_LONGEST = 20
"""Digits up to which spellings with zeros in front are looked for; the longest a spreadsheet keeps are 15."""
_ASKED_AT_ONCE = 500

_Id = Literal["loan_id", "person_id"]
_FIELDS: tuple[_Id, ...] = ("loan_id", "person_id")


class KnownSpellings:
    """How a lender's loans and people are spelt in the records, into which the pages of a hand-over go one by one.

    Each page asks them by their indexes, and only for what its ids may be another spelling of.
    """

    def __init__(self, session: Session, lender: str) -> None:
        self._session = session
        self._lender = lender
        self._padded = {field: self._any_padded(field) for field in _FIELDS}

    def otherwise(self, rows: Sequence[PortfolioLoan]) -> dict[str, str]:
        """By loan, why its row is refused: its id, or its person's, is known with other leading zeros, or stands so in
        another of the rows, of which that with the most zeros is kept.
        """
        loans = self._strange("loan_id", (loan.loan_id for loan in rows))
        people = self._strange("person_id", (loan.person_id for loan in rows if loan.loan_id not in loans))
        refused = {loan_id: f"is known as {known!r}: Excel drops zeros" for loan_id, known in loans.items()}
        for loan in rows:
            if loan.loan_id not in loans and loan.person_id in people:
                known = people[loan.person_id]
                refused[loan.loan_id] = f"its customer number is known as {known!r}: Excel drops zeros"
        return refused

    def _strange(self, field: _Id, spelt: Iterable[str]) -> dict[str, str]:
        """By id, the spelling that is known, of those that are known in another one alone."""
        wanted = {one for one in spelt if _is_number(one)}
        known = self._kept(field, {other for one in wanted for other in self._spellings(field, one)})
        spellings: dict[str, list[str]] = {}
        for one in sorted(known):
            spellings.setdefault(_number(one), []).append(one)
        strange = {}
        for one in sorted(wanted):
            others = spellings.setdefault(_number(one), [one])
            if one not in others:
                strange[one] = others[0]
            elif one != _number(one):
                self._padded[field] = True
        return strange

    def _spellings(self, field: _Id, one: str) -> set[str]:
        """What it may be known as; nothing where nothing else can be."""
        number = _number(one)
        padded = {number.zfill(digits) for digits in range(len(number), _LONGEST + 1)} if self._padded[field] else set()
        others = {number, *padded} - {one}
        return {one, *others} if others else set()

    def _kept(self, field: _Id, spellings: Iterable[str]) -> set[str]:
        found: set[str] = set()
        rest = iter(spellings)
        while wanted := list(islice(rest, _ASKED_AT_ONCE)):
            if field == "loan_id":
                query = select(Loan.loan_id).where(Loan.lender == self._lender, col(Loan.loan_id).in_(wanted))
            else:
                query = select(Person.person_id).where(Person.lender == self._lender, col(Person.person_id).in_(wanted))
            found.update(self._session.exec(query).all())
        return found

    def _any_padded(self, field: _Id) -> bool:
        """Whether any id of the lender's that is known begins with a zero: else none is known with zeros in front."""
        if field == "loan_id":
            query = select(Loan.loan_id).where(Loan.lender == self._lender, Loan.loan_id >= "0", Loan.loan_id < "1")
        else:
            query = select(Person.person_id).where(
                Person.lender == self._lender, Person.person_id >= "0", Person.person_id < "1"
            )
        return self._session.exec(query.limit(1)).first() is not None


def _is_number(one: str) -> bool:
    return one.isascii() and one.isdigit()


def _number(one: str) -> str:
    """Its digits without the zeros in front."""
    return one.lstrip("0") or "0"
