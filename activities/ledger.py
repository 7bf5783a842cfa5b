"""Writing what a loan's life left behind into the records, in order and once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session
from temporalio import activity

from activities.agreement_papers import AgreementPapers
from activities.capabilities import Ledger
from activities.case_notices import CaseNotice, CaseNotices, notices_of
from activities.clock import task_time
from activities.counting import count
from activities.links import LinkIssuer, note_not_closed
from activities.orders import LedgerOrder
from config.metric_catalogue import PROVIDER_FAILURES
from domain.agreements.making import has_new_paper
from domain.contact import Channel
from domain.events.contacts import AddressFailure
from domain.ledger_entries import (
    AddressEntry,
    AgreementEntry,
    CaseClosedEntry,
    CaseMovedEntry,
    CaseOpenedEntry,
    CaseState,
    EndEntry,
    LedgerEntry,
    NoteEntry,
    OptOutEntry,
    PaymentEntry,
    ReopenedEntry,
    ReversalEntry,
    WordsEntry,
)
from providers.errors import ProviderError
from records import agreements, audit, cases, contacts, loans, owed_signals, own_words, payments, people
from records.database import Database
from records.tables import CaseState as KeptCaseState
from records.tables import Loan, LoanState, Payment, PaymentSource, Person

ACTOR = "loan workflow"
TELL_WITHIN = 10.0
"""Seconds, of the thirty that writing may last."""
_CHANGES_WHAT_IS_DUE = (PaymentEntry, ReversalEntry, EndEntry)
_CONTACTABLE = (Channel.SMS, Channel.WHATSAPP, Channel.CALL, Channel.EMAIL)


class LedgerWriter(Ledger):
    def __init__(
        self, database: Database, links: LinkIssuer, notices: CaseNotices, papers: AgreementPapers | None = None
    ) -> None:
        """Without `papers` no documents of agreements are made."""
        self._papers = papers
        self._database = database
        self._links = links
        self._notices = notices

    @activity.defn(name="write_ledger")
    async def write(self, order: LedgerOrder) -> None:
        """Write the entries; those that an earlier attempt wrote are passed over.

        Payment links over another amount than what is now due are closed at the gateway, now or by `LinkIssuer.
        close_left`; a case is told to whoever listens for cases.
        """
        now = task_time()
        await asyncio.to_thread(self.keep, order)
        await self._tell(notices_of(order))
        await self._make_papers(order, now)
        if any(isinstance(entry, _CHANGES_WHAT_IS_DUE) for entry in order.entries):
            await self._close_links(order, now)

    async def _close_links(self, order: LedgerOrder, now: datetime) -> None:
        """A gateway that is away must not keep stops and disputes, which are written behind this, from the records."""
        try:
            await self._links.close_stale(order.lender, order.loan_id, now)
        except ProviderError as error:
            count(PROVIDER_FAILURES, provider=error.provider, what_next=error.what_next)
            activity.logger.warning("a payment link was not closed: %s", error)
            await asyncio.to_thread(note_not_closed, self._database, order.lender, order.loan_id, error, now)

    async def _make_papers(self, order: LedgerOrder, now: datetime) -> None:
        """A document that cannot be made must not keep the records from being written: it is made when it is sent."""
        made = [e.agreement.number for e in order.entries if isinstance(e, AgreementEntry) and has_new_paper(e.change)]
        for number in made if self._papers is not None else ():
            assert self._papers is not None
            try:
                await asyncio.to_thread(self._papers.make, order.lender, order.loan_id, number, now)
            except Exception as error:
                activity.logger.warning("the document of an agreement was not made: %s", type(error).__name__)

    async def _tell(self, notices: list[CaseNotice]) -> None:
        """All at once and not for long: a listener that hangs must not keep the records from being written.

        Another attempt, after a crash or a failure behind this, tells only those that no listener took before.
        """
        heard = {int(number) for number in activity.info().heartbeat_details}

        async def tell(number: int, notice: CaseNotice) -> None:
            await self._notices.tell(notice)
            heard.add(number)

        untold = [tell(number, notice) for number, notice in enumerate(notices) if number not in heard]
        if not untold:
            return
        try:
            async with asyncio.timeout(TELL_WITHIN):
                answers = await asyncio.gather(*untold, return_exceptions=True)
        except TimeoutError:
            answers = [TimeoutError()]
        for error in answers:
            if isinstance(error, BaseException):
                activity.logger.warning("case listener did not answer: %s", type(error).__name__)
        activity.heartbeat(*sorted(heard))

    def keep(self, order: LedgerOrder, *, restored: bool = False) -> int:
        """Write the entries that are not in the records yet; nobody is told. How many those were.

        `restored`: the records came from a backup and may not know the contacts that the entries are of.
        """
        with self._database.writing() as session:
            return self.keep_in(session, order, restored=restored)

    def keep_in(self, session: Session, order: LedgerOrder, *, restored: bool = False) -> int:
        """As `keep`, in a transaction of the caller's that has locked no payment and no person yet."""
        new = 0
        loan = loans.get(session, order.lender, order.loan_id)
        payments.lock(session, _payments_in(order))
        keys = [
            (f"entry:{order.entry}:{number}", entry.at) for number, entry in enumerate(order.entries, order.first_entry)
        ]
        for entry, first in zip(order.entries, loans.once_each(session, loan, keys, entry=order.entry), strict=True):
            if first:
                self._write_entry(session, loan, entry, order, restored=restored)
                new += 1
        if order.final_state is not None and loan.state is LoanState.ENDED and order.entry == loan.entry:
            # News may follow the end before the run is over; the loan goes on from the latest state.
            loan.final_state = order.final_state
            session.add(loan)
        return new

    def _write_entry(
        self, session: Session, loan: Loan, entry: LedgerEntry, order: LedgerOrder, *, restored: bool
    ) -> None:
        details: dict[str, object] = {}
        match entry:
            case PaymentEntry():
                payment = entry.payment
                recorded = payments.record(
                    session,
                    provider=payment.provider,
                    payment_id=payment.payment_id,
                    lender=order.lender,
                    loan_id=order.loan_id,
                    amount_minor=payment.amount_minor,
                    currency=entry.currency,
                    paid_at=payment.paid_at,
                    received_at=entry.at,
                    source=PaymentSource.SIGNAL,
                    loan=loan,
                )
                details = {
                    "provider": payment.provider,
                    "payment_id": payment.payment_id,
                    "amount_minor": payment.amount_minor,
                    "known_before": not recorded.new,
                    "counts_here": (recorded.payment.loan_ref, recorded.payment.entry) == (loan.id, order.entry),
                }
                if recorded.new:
                    _owe_what_it_does_not_know(session, loan, recorded.payment, entry, order)
            case ReversalEntry():
                payments.reverse(session, provider=entry.provider, payment_id=entry.payment_id, at=entry.at)
                details = {"provider": entry.provider, "payment_id": entry.payment_id}
            case OptOutEntry():
                self._opt_out(session, loan, entry)
                details = {"channel": entry.channel}
            case AddressEntry():
                person = self._person(session, loan)
                address = _address_that_failed(session, loan, person, entry, order, restored=restored)
                if address is not None:
                    people.close_address(session, person, entry.channel, address, reason=entry.reason, at=entry.at)
                details = {"channel": entry.channel, "reason": entry.reason}
            case CaseOpenedEntry():
                cases.open(
                    session,
                    loan,
                    case_id=entry.case_id,
                    queue=entry.queue,
                    kind=entry.kind,
                    at=entry.at,
                    sla_at=entry.sla_at,
                    reason=entry.reason,
                    amount_minor=entry.amount_minor,
                )
                details = {"case_id": entry.case_id, "kind": entry.kind, "queue": entry.queue}
            case CaseMovedEntry():
                details = {"case_id": entry.case_id, "queue": entry.queue}
                if _was_settled(session, entry.case_id):
                    details["settled_before"] = True
                else:
                    cases.reassign(session, entry.case_id, queue=entry.queue, at=entry.at, sla_at=entry.sla_at)
            case CaseClosedEntry():
                details = {"case_id": entry.case_id, "state": entry.state, "decision": entry.decision}
                if _was_settled(session, entry.case_id):
                    details["settled_before"] = True
                else:
                    self._close_case(session, entry)
            case AgreementEntry():
                agreements.keep(session, loan, entry.agreement, entry.paid_minor, of_entry=order.entry, at=entry.at)
                details = {
                    "number": entry.agreement.number,
                    "kind": entry.agreement.kind,
                    "state": entry.agreement.state,
                    "change": entry.change,
                    "by": entry.agreement.by,
                }
            case WordsEntry():
                own_words.settle(session, loan, entry.words_id, entry.state, at=entry.at, why=entry.why)
                details = {"words_id": entry.words_id, "state": entry.state, "why": entry.why}
            case NoteEntry():
                details = {"detail": entry.detail}
            case EndEntry() | ReopenedEntry() if order.entry != loan.entry:
                # The loan was handed over again meanwhile; its new entry is not this run's to end.
                details = {"of_entry": order.entry}
            case EndEntry():
                loans.end(session, loan, kind=entry.end, at=entry.at, final_state=order.final_state)
                contacts.give_up_begun(session, loan, at=entry.at)
                details = {"end": entry.end, "by": entry.by}
            case ReopenedEntry():
                loans.begin(session, loan)
                details = {"why": entry.why}
        audit.append(
            session,
            at=entry.at,
            actor=entry.by if isinstance(entry, CaseClosedEntry) and entry.by else ACTOR,
            action=entry.action if isinstance(entry, NoteEntry) else entry.entry,
            lender=order.lender,
            loan_id=order.loan_id,
            details=details,
        )

    def _opt_out(self, session: Session, loan: Loan, entry: OptOutEntry) -> None:
        person = self._person(session, loan)
        if entry.channel == "all":
            people.raise_flag(session, person, "cease", source=ACTOR, at=entry.at)
            for channel in _CONTACTABLE:
                people.opt_out(session, person, channel, source=ACTOR, at=entry.at)
        elif entry.said_at is None or not people.opted_in_since(session, person, entry.channel, entry.said_at):
            people.opt_out(session, person, entry.channel, source=ACTOR, at=entry.said_at or entry.at)

    def _person(self, session: Session, loan: Loan) -> Person:
        """Locked: a contact that is being decided is waited for, and the next one sees what is written here."""
        person = people.of_loan(session, loan)
        people.lock(session, person)
        return person

    def _close_case(self, session: Session, entry: CaseClosedEntry) -> None:
        if entry.state is CaseState.DECIDED and entry.decision is not None:
            cases.decide(
                session,
                entry.case_id,
                decision=entry.decision,
                by=entry.by or ACTOR,
                at=entry.at,
                # Loans of before notes were kept here brought them along.
                note=entry.note or None,
            )
        else:
            cases.close(session, entry.case_id, KeptCaseState(entry.state.value), at=entry.at)


def _was_settled(session: Session, case_id: str) -> bool:
    """Whether a person settled it in the records, where the loan could not be asked: that stands."""
    return cases.get(session, case_id).state is not KeptCaseState.OPEN


def _address_that_failed(
    session: Session, loan: Loan, person: Person, entry: AddressEntry, order: LedgerOrder, *, restored: bool
) -> str | None:
    """None where the person has another one by now: nothing is known against that.

    In restored records the one known now, where they cannot tell where the contact went, and wherever somebody else
    answered: an address too many is closed rather than a debt told to a stranger.
    """
    known = people.known_address(person, entry.channel)
    if entry.step is None or entry.occurrence is None:
        return known
    contact = contacts.find(session, loan, entry.step, entry.occurrence, entry=order.entry)
    not_told = contact is None or contact.address is None or contact.channel is not entry.channel
    if restored and (not_told or entry.reason is AddressFailure.WRONG_PERSON):
        return known
    went_there = contact is not None and contact.channel is entry.channel and contact.address == known
    return known if went_there else None


def _owe_what_it_does_not_know(
    session: Session, loan: Loan, payment: Payment, entry: PaymentEntry, order: LedgerOrder
) -> None:
    """A reversal told before anybody knew whose payment it was; and to a later hand-over the payment itself."""
    if not payments.counts_now(loan, payment):
        return
    signals = [] if order.entry == loan.entry else [owed_signals.payment_received(loan, payment)]
    if payment.reversed_at is not None and (signals or not entry.payment.reversed):
        signals.append(owed_signals.payment_reversed(loan, payment))
    if not signals:
        return
    named = hashlib.sha256(f"{payment.provider}\n{payment.payment_id}".encode()).hexdigest()
    owed_signals.owe(
        session,
        provider=ACTOR,
        key=f"unheard:{named}",
        signals=signals,
        at=entry.at,
        outcome=", ".join(signal["name"] for signal in signals),
        person_ref=loan.person_ref,
    )


def _payments_in(order: LedgerOrder) -> Iterator[tuple[str, str]]:
    for entry in order.entries:
        if isinstance(entry, PaymentEntry):
            yield entry.payment.provider, entry.payment.payment_id
        elif isinstance(entry, ReversalEntry):
            yield entry.provider, entry.payment_id
