"""What became of a direct debit, by whatever file the bank tells it: each result counts once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

from sqlmodel import Session

from activities.debit_file_outcomes import file_refused, show_to_person
from domain.bank_news import BankEntry, DebitReturn, StatusReport
from domain.direct_debit import DEBTOR_DIED, PROVIDER, REFERENCE_PREFIX, DebitState, MandateStatus, return_meaning
from domain.events.borrower import Circumstance
from providers.debit_bank import DUPLICATES
from records import audit, bank_entry_references, debits, loans, mandates, owed_signals, payments, people, webhooks
from records.tables import BankEntryRow, Debit, DebitFile, EntryState, Loan, LoanState, PaymentSource

_REASON = re.compile(r"[A-Z]{2}[A-Z0-9]{2}")
_NO_REASON = "MS03"


def apply_status(session: Session, report: StatusReport, at: datetime) -> dict[str, int]:
    """A bank's answer to a file: how many debits were refused, or that the file was.

    Refused as seen before says that the bank has the first copy: what became of that is still waited for.
    """
    file = debits.file_of(session, report.original_message_id)
    if file is None:
        return {"unknown_file": 1}
    if report.file_refused:
        return {"file_refused": int(file_refused(session, file, report.file_reason or "refused", at))}
    refused = 0
    named = {status.end_to_end_id for status in report.debits}
    for status in report.debits:
        if not status.accepted:
            refused += _refused(session, file, status.end_to_end_id, status.reason, at)
        elif status.unknown_status is not None:
            _not_understood(session, file, status.end_to_end_id, status.unknown_status, at)
    for batch in report.batches_refused:
        if batch.reason in DUPLICATES:
            show_to_person(session, file, "batch_seen_before", batch.reason, at)
            continue
        others = [one.reference for one in debits.in_batch(session, batch.batch_id) if one.reference not in named]
        # The batch's reason may speak of our own account: it must not end a debtor's mandate.
        count = sum(_refused(session, file, reference, None, at) for reference in others)
        if count:
            audit.append(
                session,
                at=at,
                actor="bank",
                action="debit_batch_refused",
                lender=file.lender,
                details={"file": file.message_id, "batch": batch.batch_id, "code": batch.reason, "debits": count},
            )
        refused += count
    return {"rejected": refused}


def _refused(session: Session, file: DebitFile, reference: str, reason: str | None, at: datetime) -> bool:
    """Whether a debit of the file was waited for until now, when the bank refuses it."""
    debit = debits.by_reference(session, reference)
    if debit is None or debit.file_ref != file.id or debit.state is not DebitState.FILED:
        return False
    if reason in DUPLICATES:
        show_to_person(session, file, "debit_seen_before", reason, at, reference)
        return False
    _came_to_nothing(session, debit, DebitState.REJECTED, reason, at)
    return True


def _not_understood(session: Session, file: DebitFile, reference: str, status: str, at: datetime) -> None:
    """The debit may be collected: it is still waited for."""
    debit = debits.by_reference(session, reference)
    if debit is not None and debit.file_ref == file.id and debit.state is DebitState.FILED:
        show_to_person(session, file, "debit_status_unknown", status, at, reference)


def is_paid(session: Session, debit: Debit) -> bool:
    """Whether the debit's money is a payment already, be it one that was returned."""
    return payments.find(session, PROVIDER, debit.reference) is not None


def collected(session: Session, debit: Debit, entry: BankEntry, at: datetime) -> str | None:
    """The debit's money came in; what speaks against it, in words, or None."""
    if (entry.amount_minor, entry.currency) != (debit.amount_minor, debit.currency):
        return "a direct debit's reference with another amount"
    mandate = mandates.by_ref(session, debit.mandate_ref)
    if entry.other_iban and mandate.iban and entry.other_iban != mandate.iban:
        return "a direct debit's reference with another debtor's account"
    if debit.state in (DebitState.PLANNED, DebitState.REJECTED, DebitState.DROPPED):
        return f"money of a direct debit that is {debit.state}"
    if debit.state is DebitState.COLLECTED and not is_paid(session, debit):
        return "money of a direct debit of which a person said that it came, and which may be booked already"
    loan = loans.by_ref(session, debit.loan_ref)
    if (doubt := _handed_over_since(session, debit, loan, entry.value_on)) is not None:
        # The other entry first: who reads of the hand-over alone may book what is booked already.
        other = bank_entry_references.brought(session, debit.reference, EntryState.WAITING)
        return doubt if other is None else may_be(other)
    recorded = payments.record(
        session,
        provider=PROVIDER,
        payment_id=debit.reference,
        lender=loan.lender,
        loan_id=loan.loan_id,
        amount_minor=debit.amount_minor,
        currency=debit.currency,
        paid_at=start_of(entry.value_on, zone_of(session, loan)),
        received_at=at,
        source=PaymentSource.RECORD,
    )
    if not recorded.new:
        return None
    came(session, debit, entry.value_on, at)
    payment = recorded.payment
    signals = [owed_signals.payment_received(loan, payment)]
    if payment.reversed_at is not None:
        signals.append(owed_signals.payment_reversed(loan, payment))
    owed_signals.owe(
        session,
        provider=PROVIDER,
        key=f"collected:{debit.reference}",
        signals=signals,
        at=at,
        outcome="payment",
        person_ref=loan.person_ref,
    )
    _note(session, loan, debit, "payment_recorded", at)
    return None


def came(session: Session, debit: Debit, value_on: date, at: datetime) -> None:
    """The debit's money is a payment now."""
    mandates.collected(session, mandates.by_ref(session, debit.mandate_ref), value_on, at)
    if debit.state is DebitState.FILED:
        debits.set_state(session, debit, DebitState.COLLECTED, at=at)


def brought_by(session: Session, reference: str | None, loan: Loan, amount_minor: int, currency: str) -> Debit | None:
    """The debit that an entry with this end-to-end reference paid, when a person says that it paid just this of just
    this loan; None of one that was not to be collected, or whose money is a payment already.
    """
    if reference is None or not reference.startswith(REFERENCE_PREFIX):
        return None
    debit = debits.by_reference(session, reference)
    if debit is None or debit.state not in (DebitState.FILED, DebitState.COLLECTED, DebitState.RETURNED):
        return None
    if (debit.loan_ref, debit.amount_minor, debit.currency) != (loan.id, amount_minor, currency):
        return None
    payments.lock(session, [(PROVIDER, reference)])
    return None if is_paid(session, debit) else debit


def collected_in_batch(session: Session, debit: Debit, part: BankEntry, at: datetime) -> None:
    """As `collected`, of a debit whose money is in its batch's one sum. That holds others' money, and cannot wait: what
    may be counted already is shown to a person by itself, once.
    """
    loan = loans.by_ref(session, debit.loan_ref)
    why = collected(session, debit, part, at)
    if why is None:
        return
    of_before = _handed_over_since(session, debit, loan, part.value_on) is not None
    new = owed_signals.owe(
        session,
        provider=PROVIDER,
        key=_shown_before(debit),
        signals=[],
        at=at,
        outcome="earlier_payment_unmatched" if of_before else "other_payment_unmatched",
        person_ref=loan.person_ref,
    )
    if new:
        kind = "payment:earlier_entry" if of_before else "payment:may_be_booked"
        _note(session, loan, debit, "webhook_needs_person", at, kind=kind, why=why)


def _handed_over_since(session: Session, debit: Debit, loan: Loan, value_on: date) -> str | None:
    if debit.entry == loan.entry or is_paid(session, debit):
        return None
    return before_hand_over(session, loan, value_on)


def returned(session: Session, debit: Debit, told: DebitReturn, at: datetime) -> str | None:
    """The debit's money goes back; what speaks against it, in words, or None. Told again it changes nothing."""
    if (told.amount_minor, told.currency) != (debit.amount_minor, debit.currency):
        return "a direct debit returned with another amount"
    if debit.state is DebitState.RETURNED:
        return None
    if debit.state not in (DebitState.FILED, DebitState.COLLECTED):
        return f"the return of a direct debit that is {debit.state}"
    loan = loans.by_ref(session, debit.loan_ref)
    moment = start_of(told.returned_on, zone_of(session, loan))
    payment = payments.reverse(session, provider=PROVIDER, payment_id=debit.reference, at=moment)
    first, outcome = [], "debit_returned"
    if payment is not None:
        _note(session, loan, debit, "payment_reversed", at)
        if payments.counts_now(loan, payment):
            first = [owed_signals.payment_reversed(loan, payment)]
        else:
            _note(session, loan, debit, "webhook_needs_person", at, kind="reversal:earlier_entry")
            outcome = "earlier_reversal_unmatched"
    elif _may_be_booked(session, debit):
        _note(session, loan, debit, "webhook_needs_person", at, kind="reversal:booked_by_hand")
        outcome = "by_hand_reversal_unmatched"
    _came_to_nothing(session, debit, DebitState.RETURNED, told.reason, at, first, outcome)
    return None


def _may_be_booked(session: Session, debit: Debit) -> bool:
    """Whether a person may have booked the debit's money under another id than the debit's."""
    matched = bank_entry_references.brought(session, debit.reference, EntryState.MATCHED) is not None
    shown = not webhooks.unknown(session, PROVIDER, [_shown_before(debit)])
    return debit.state is DebitState.COLLECTED or matched or shown


def _shown_before(debit: Debit) -> str:
    """The key under which its money was shown to a person that came in a batch and may be counted already."""
    return f"collected-before:{debit.reference}"


def _came_to_nothing(
    session: Session,
    debit: Debit,
    state: DebitState,
    reason: str | None,
    at: datetime,
    first: Sequence[dict[str, object]] = (),
    outcome: str | None = None,
) -> None:
    """The loan hears why, after what came `first`; a mandate that is over is blocked."""
    code = reason if reason is not None and _REASON.fullmatch(reason) else _NO_REASON
    meaning = return_meaning(code)
    debits.set_state(session, debit, state, at=at, reason=code)
    loan = loans.by_ref(session, debit.loan_ref)
    if meaning.ends_mandate:
        mandate = mandates.by_ref(session, debit.mandate_ref)
        mandates.set_status(session, mandate, MandateStatus.BLOCKED, reason=f"{code}: {meaning.meaning}", at=at)
    signals = list(first)
    if loan.entry == debit.entry:
        signals.append(owed_signals.debit_returned(loan, debit.step, debit.occurrence, code))
    if code == DEBTOR_DIED:
        others = [one for one in people.loans_of(session, people.of_loan(session, loan)) if one.id != loan.id]
        # The loan itself reads of the death from its debit's return, where that is told to it.
        held = others if loan.entry == debit.entry else [loan, *others]
        going_on = [one for one in held if one.state is not LoanState.ENDED]
        signals += [owed_signals.circumstance_reported(one, Circumstance.BEREAVEMENT) for one in going_on]
    owed_signals.owe(
        session,
        provider=PROVIDER,
        key=f"{state}:{debit.reference}",
        signals=signals,
        at=at,
        outcome=outcome or f"debit_{state}",
        person_ref=loan.person_ref,
    )
    _note(session, loan, debit, f"debit_{state}", at, reason=code)


def _note(session: Session, loan: Loan, debit: Debit, action: str, at: datetime, **more: str) -> None:
    audit.append(
        session,
        at=at,
        actor="bank",
        action=action,
        lender=loan.lender,
        loan_id=loan.loan_id,
        details={"provider": PROVIDER, "payment_id": debit.reference, "amount_minor": debit.amount_minor, **more},
    )


def before_hand_over(session: Session, loan: Loan, value_on: date) -> str | None:
    """Why money of this day may be in the amount handed over already, or None. Of the day itself it counts: a statement
    tells of it the next morning, and the lender's file was drawn before.
    """
    handed_over = loan.entered_at.astimezone(zone_of(session, loan)).date()
    if value_on >= handed_over:
        return None
    return f"it came before the loan was handed over on {handed_over}: what was handed over may know it"


def may_be(other: BankEntryRow) -> str:
    """Why money waits that an entry may have told of already."""
    return f"it may be entry {other.id}, which a {other.kind} file told of"


def zone_of(session: Session, loan: Loan) -> tzinfo:
    person = people.of_loan(session, loan)
    return ZoneInfo(person.timezone) if person.timezone else UTC


def start_of(day: date, zone: tzinfo) -> datetime:
    """A value date as a moment: its first minute where the borrower lives."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
