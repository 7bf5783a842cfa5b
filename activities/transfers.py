"""Transfers that came into an account: matched to loans where it is sure whose they are, made payments once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from pydantic import JsonValue
from sqlmodel import Session

from activities import debit_results
from activities.debit_results import before_hand_over, start_of, zone_of
from activities.found_payments import keep_payment
from activities.loan_candidates import LoanCandidates, incoming
from domain import direct_debit
from domain.gateway_choice import BANK
from domain.money import Money
from domain.payment_references import find_reference
from domain.reconciliation import (
    Incoming,
    Matched,
    Share,
    decide,
)
from providers.ports import PaymentReport, PaymentState
from records import (
    audit,
    bank_entries,
    bank_entry_twins,
    inquiries,
    links,
    loans,
    owed_signals,
    payments,
    people,
    same_money,
)
from records.same_money import STATEMENT
from records.tables import BankEntryRow, EntryState, Loan, PaymentLink, PaymentSource

_OVER = (PaymentState.PAID, PaymentState.FAILED, inquiries.NOT_CONFIRMABLE)


class Transfers:
    """Matching within one transaction. `lender`: only loans of this one, where the account says whose it is. `beside`:
    entries known from other files that the file of those to match tells of too, each on a line of its own.
    """

    def __init__(self, session: Session, lender: str | None, now: datetime, beside: Collection[int] = ()) -> None:
        self._session = session
        self._candidates = LoanCandidates(session, lender)
        self._now = now
        self._beside = beside

    def match(self, row: BankEntryRow) -> None:
        """Make it payments if it is sure whose it is; else it waits, and says why."""
        money = incoming(row)
        if (link := self._begun_through(money)) is not None:
            self._is_transfer_of(link, row)
            return
        answer = decide(money, self._candidates.of(row))
        if isinstance(answer, Matched) and (doubt := self._doubt(row, answer)) is not None:
            bank_entries.settle(self._session, row, EntryState.WAITING, at=self._now, why=doubt)
        elif isinstance(answer, Matched):
            self.book(row, answer.shares, how=answer.how, by="bank statement")
        else:
            bank_entries.settle(self._session, row, EntryState.WAITING, at=self._now, why=answer.why)

    def _begun_through(self, money: Incoming) -> PaymentLink | None:
        """The link of ours through which the transfer was begun: it carries the link's reference."""
        reference = find_reference(money.text)
        return links.by_reference(self._session, BANK, reference) if reference else None

    def _is_transfer_of(self, link: PaymentLink, row: BankEntryRow) -> None:
        """It is the payment the borrower's bank tells of, or will: booked under the same id, so it counts once.

        Unless another entry is that payment already: who has their bank repeat a transfer pays anew.
        """
        session = self._session
        loan = loans.by_ref(session, link.loan_ref)
        assert link.reference is not None
        payments.lock(session, [(BANK, link.reference)])
        known = payments.find(session, BANK, link.reference)
        amount = Money(amount_minor=row.amount_minor, currency=row.currency)
        if known is not None and (known.amount_minor, known.currency) != (row.amount_minor, row.currency):
            why = f"payment {link.reference} is known with another amount"
            bank_entries.settle(session, row, EntryState.WAITING, at=self._now, why=why)
            return
        if (before := bank_entries.match_of(session, loan, BANK, link.reference)) is not None:
            why = f"entry {before.entry_ref} carries the same transfer's reference: it was paid again, or told twice"
            bank_entries.settle(session, row, EntryState.WAITING, at=self._now, why=why)
            return
        before_it = before_hand_over(session, loan, row.value_on) if known is None else None
        if before_it is not None:
            bank_entries.settle(session, row, EntryState.WAITING, at=self._now, why=before_it)
            return
        paid_at = start_of(row.value_on, zone_of(session, loan))
        report = PaymentReport(payment_id=link.reference, state=PaymentState.PAID, amount=amount, paid_at=paid_at)
        keep_payment(session, BANK, report, loan, link, self._now, actor="bank statement")
        inquiry = inquiries.find(session, BANK, link.reference)
        if inquiry is not None and inquiry.id is not None:
            inquiries.answered(session, inquiry.id, PaymentState.PAID.value, None)
        bank_entries.add_match(
            session,
            row,
            loan,
            amount_minor=row.amount_minor,
            provider=BANK,
            payment_id=link.reference,
            at=self._now,
        )
        bank_entries.belongs_to(session, row, people.of_loan(session, loan))
        how = "begun through our link"
        bank_entries.settle(session, row, EntryState.MATCHED, at=self._now, why=how, by="bank statement")

    def book(self, row: BankEntryRow, shares: Sequence[Share], *, how: str, by: str) -> None:
        """The entry becomes payments, each known by the entry's key, and their loans hear of them. A direct debit's
        money is known by the debit, so that its return finds it.
        """
        session = self._session
        signals, persons = [], set()
        for number, share in enumerate(shares, 1):
            loan = loans.get(session, share.lender, share.loan_id)
            provider, payment_id = STATEMENT, row.key if len(shares) == 1 else f"{row.key}/{number}"
            debit = debit_results.brought_by(session, row.end_to_end_id, loan, share.amount_minor, row.currency)
            if debit is not None:
                provider, payment_id = direct_debit.PROVIDER, debit.reference
            elif len(shares) == 1 and (begun := self._transfer_it_may_be(row, loan, share.amount_minor)) is not None:
                # One that pays several loans was begun on no page of ours: each of those is of one.
                provider, payment_id = BANK, begun
            recorded = payments.record(
                session,
                provider=provider,
                payment_id=payment_id,
                lender=loan.lender,
                loan_id=loan.loan_id,
                amount_minor=share.amount_minor,
                currency=row.currency,
                paid_at=start_of(row.value_on, zone_of(session, loan)),
                received_at=self._now,
                source=PaymentSource.RECORD,
            )
            bank_entries.add_match(
                session,
                row,
                loan,
                amount_minor=share.amount_minor,
                provider=provider,
                payment_id=payment_id,
                at=self._now,
            )
            signals.append(owed_signals.payment_received(loan, recorded.payment))
            if debit is not None:
                debit_results.came(session, debit, row.value_on, self._now)
                if recorded.payment.reversed_at is not None:
                    signals.append(owed_signals.payment_reversed(loan, recorded.payment))
            persons.add(loan.person_ref)
            audit.append(
                session,
                at=self._now,
                actor=by,
                action="payment_recorded",
                lender=loan.lender,
                loan_id=loan.loan_id,
                details={
                    "provider": provider,
                    "payment_id": payment_id,
                    "amount_minor": share.amount_minor,
                    "entry": row.id,
                    "how": how,
                },
            )
        only = people.get(session, next(iter(persons))) if len(persons) == 1 else None
        if only is not None:
            bank_entries.belongs_to(session, row, only)
        owed_signals.owe(
            session,
            provider=STATEMENT,
            key=f"entry:{row.key}",
            signals=signals,
            at=self._now,
            outcome="payment",
            person_ref=only.id if only is not None else None,
        )
        bank_entries.settle(session, row, EntryState.MATCHED, at=self._now, why=how, by=by)

    def _transfer_it_may_be(self, row: BankEntryRow, loan: Loan, amount_minor: int) -> str | None:
        """The transfer that a person books an entry as, whose reference it carries or which is under way: under that
        reference the bank's own word is no second payment. One that is a payment already would swallow the entry, and
        is another.
        """
        link = self._begun_through(incoming(row))
        if link is not None and (link.loan_ref, link.amount_minor) == (loan.id, amount_minor):
            begun = link.reference
        else:
            begun = same_money.transfer_under_way(self._session, loan, amount_minor, row.value_on, _OVER)
        if begun is None:
            return None
        payments.lock(self._session, [(BANK, begun)])
        return begun if payments.find(self._session, BANK, begun) is None else None

    def take_back(self, row: BankEntryRow) -> None:
        """The bank took a matched entry back: its payments are reversed.

        Whose loan was handed over again meanwhile is left to a person.
        """
        signals, outcome = [], "payment_reversed"
        for match in bank_entries.matches_of(self._session, row):
            payment = payments.reverse(
                self._session, provider=match.provider, payment_id=match.payment_id, at=self._now
            )
            if payment is not None:
                loan = loans.by_ref(self._session, match.loan_ref)
                named: dict[str, JsonValue] = {"provider": match.provider, "payment_id": match.payment_id}
                self._note(loan, "payment_reversed", named)
                if payments.counts_now(loan, payment):
                    signals.append(owed_signals.payment_reversed(loan, payment))
                else:
                    reference = {"provider": match.provider, "reference": match.payment_id}
                    self._note(loan, "webhook_needs_person", {"kind": "reversal:earlier_entry", **reference})
                    outcome = "earlier_reversal_unmatched"
        owed_signals.owe(
            self._session,
            provider=STATEMENT,
            key=f"taken-back:{row.key}",
            signals=signals,
            at=self._now,
            outcome=outcome,
        )

    def _note(self, loan: Loan, action: str, details: dict[str, JsonValue]) -> None:
        audit.append(
            self._session,
            at=self._now,
            actor="bank statement",
            action=action,
            lender=loan.lender,
            loan_id=loan.loan_id,
            details=details,
        )

    def _doubt(self, row: BankEntryRow, answer: Matched) -> str | None:
        """Why a sure match is left to a person all the same: the money may be counted already."""
        for share in answer.shares:
            loan: Loan = loans.get(self._session, share.lender, share.loan_id)
            # The twin first: who reads of the hand-over alone may book what is booked.
            if (twin := bank_entry_twins.told_in_other_words(self._session, loan, row, self._beside)) is not None:
                return f"it may be entry {twin.id}, told in other words"
            if (twin := bank_entry_twins.told_by_another_kind(self._session, loan, row, self._beside)) is not None:
                return f"it may be entry {twin.id}, of {twin.value_on}, which a {twin.kind} file told of"
            if (nobodys := bank_entry_twins.ignored_alike(self._session, row, self._beside)) is not None:
                return f"it may be entry {nobodys.id}, of which a person said that it is nobody's payment"
            if (before := before_hand_over(self._session, loan, row.value_on)) is not None:
                return before
            # In this order: one that is paid between the two questions is seen by the second.
            under_way = same_money.transfer_under_way(self._session, loan, row.amount_minor, row.value_on, _OVER)
            told = same_money.paid_otherwise(self._session, loan, share.amount_minor, row.value_on)
            if told is not None:
                return f"it may be the payment {told.payment_id[:60]} that {told.provider[:20]} told of"
            if under_way is not None:
                return f"it may be the transfer {under_way[:60]} that its bank says is under way"
        return None
