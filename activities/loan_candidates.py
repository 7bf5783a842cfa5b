"""Loans that money on a statement may be for: by their ids in its text, the account it came from, amount and name."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session

from domain.reconciliation import Candidate, Incoming, Suggestion, loan_key, mentioned, stands_by_chance, suggest
from records import likely_loans, loans, mandates, payments, people
from records.tables import BankEntryRow, LoanState

_ALIKE = 20
_NAMES_LOOKED_AT = 5000


class LoanCandidates:
    """Of one transaction. `lender`: only loans of this one, where the account says whose the money is."""

    def __init__(self, session: Session, lender: str | None) -> None:
        self._session = session
        self._lender = lender
        self._known: dict[str, list[int]] | None = None

    def of(self, row: BankEntryRow) -> list[Candidate]:
        """Those that its text names, and those of who pays from its account."""
        return self._all(row, self._named(incoming(row)), self._payers(row))

    def suggestions(self, row: BankEntryRow) -> tuple[Suggestion, ...]:
        """The likeliest loans for a waiting entry, with reasons; names are compared here and nowhere kept."""
        money = incoming(row)
        named, payers = self._named(money), self._payers(row)
        alike = likely_loans.due_amount(self._session, row.amount_minor, row.currency, self._lender, _ALIKE)
        refs = named | {loan.id for loan in alike if loan.id is not None}
        if money.payer:
            everybody = likely_loans.in_collection(self._session, row.currency, self._lender, _NAMES_LOOKED_AT)
            refs |= {loan.id for loan in everybody if loan.id is not None}
        return suggest(money, self._all(row, named, payers, others=refs, with_names=money.payer is not None))

    def _named(self, money: Incoming) -> set[int]:
        found = mentioned(money.text, self._loans_known())
        return {ref for refs in found.values() for ref in refs}

    def _loans_known(self) -> dict[str, list[int]]:
        if self._known is None:
            self._known = {}
            for ref, loan_id in likely_loans.loans_by_key(self._session, self._lender):
                self._known.setdefault(loan_key(loan_id), []).append(ref)
        return self._known

    def _payers(self, row: BankEntryRow) -> frozenset[int]:
        if not row.other_iban:
            return frozenset()
        return likely_loans.payers_from(self._session, row.other_iban) | mandates.people_of(
            self._session, row.other_iban
        )

    def _all(
        self,
        row: BankEntryRow,
        named: Iterable[int],
        payers: frozenset[int],
        *,
        others: Iterable[int] = (),
        with_names: bool = False,
    ) -> list[Candidate]:
        session = self._session
        named = set(named)
        refs = named | set(others)
        for person_ref in payers:
            for loan in people.loans_of(session, people.get(session, person_ref)):
                if loan.id is not None and loan.state is not LoanState.ENDED and self._lender in (None, loan.lender):
                    refs.add(loan.id)
        found = []
        for ref in sorted(refs):
            loan = loans.by_ref(session, ref)
            found.append(
                Candidate(
                    lender=loan.lender,
                    loan_id=loan.loan_id,
                    balance_minor=payments.balance_due(session, loan),
                    currency=loan.currency,
                    named=ref in named,
                    by_chance=ref in named and stands_by_chance(row.text or "", loan.loan_id),
                    paid_from_here=loan.person_ref in payers,
                    name=people.get(session, loan.person_ref).name if with_names else None,
                )
            )
        return found


def incoming(row: BankEntryRow) -> Incoming:
    """What is matched of an entry."""
    return Incoming(amount_minor=row.amount_minor, currency=row.currency, text=row.text or "", payer=row.other_name)
