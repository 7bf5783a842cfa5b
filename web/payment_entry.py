"""Payments that no webhook tells of: kept in the records as a webhook's news would be.

A person's word is taken as it is said; what another system tells and may be wrong is left to a person first. What is
owed to the loan stands in the same table as webhooks', so the relay brings it there, whatever dies.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue
from sqlmodel import Session

from activities.debit_results import zone_of
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.value_dates import on_its_day
from records import audit, bank_entries, loans, owed_signals, payments, webhooks
from records.clock import shared_time
from records.database import Database
from records.locks import nobody_does
from records.tables import Loan, Payment, PaymentSource
from web.doubtful_money import Doubt, doubt_of_payment, doubt_of_reversal
from web.ports import OwedSignal, SignalName

ENTERED_BY_HAND = "operator"
"""The provider that such webhooks name."""


class PaymentRefused(ValueError):
    """The payment cannot be kept as it was said; nothing was recorded."""


class LeftToAPerson(PaymentRefused):
    """As it was told it counts nowhere: a note for a person stands in the records, once however often it is told."""


class StatementBeingTakenIn(RuntimeError):
    """Whether the money is on it cannot be known yet; nothing was recorded, and it is to be told again soon."""


@dataclass(frozen=True)
class Entry:
    """Who says so, and when; for `head_start` the relay leaves the telling to whoever called."""

    actor: str
    at: datetime
    head_start: timedelta = timedelta(0)


@dataclass(frozen=True)
class Entered:
    """`webhook_id` keeps what is owed to the loan; None when it has been told long ago.

    `signal` is None for money of an earlier hand-over: the loan that is collected now does not hear of it.
    """

    new: bool
    amount_minor: int
    paid_at: datetime
    balance_minor: int
    signal: OwedSignal | None
    webhook_id: int | None


def enter_payment(database: Database, loan: Loan, new: PaymentReceived, entry: Entry) -> Entered:
    """Keep a payment, once; one that nobody could place until now is placed.

    Raises PaymentRefused when the same id stands for other money.
    """
    with database.writing(durable=True) as session:
        return _enter_payment(session, loans.get(session, loan.lender, loan.loan_id), new, entry)


def hear_payment(
    database: Database, loan: Loan, told: PaymentReceived, entry: Entry, *, of_its_lender_alone: bool = False
) -> Entered:
    """As `enter_payment`, of what another system tells.

    Raises LeftToAPerson, too, of money that a bank statement may have brought already, and of money for another
    hand-over than the one it can count for. Raises StatementBeingTakenIn (PostgreSQL). `of_its_lender_alone`: money
    that nobody could place and that was first told of under another lender's name is refused as another loan's.
    """
    with database.writing(durable=True) as session:
        if not nobody_does(session, bank_entries.TAKING_IN):
            # What it is just bringing cannot be seen yet.
            raise StatementBeingTakenIn("a bank statement is being taken in: tell it again in a moment")
        row = loans.get(session, loan.lender, loan.loan_id)
        told = told.model_copy(update={"paid_at": on_its_day(told.paid_at, zone_of(session, row))})
        if of_its_lender_alone and _is_of_another_lender(session, row, told):
            raise PaymentRefused(_known_otherwise(told))
        doubt = doubt_of_payment(session, row, told)
        if doubt is None:
            return _enter_payment(session, row, told, entry)
        _leave(session, row, doubt, "other_payment_unmatched", told, told.provider, entry)
    raise LeftToAPerson(doubt.why)


def hear_reversal(database: Database, loan: Loan, told: PaymentReversed, provider: str, entry: Entry) -> Entered:
    """As `enter_reversal`, of what another system tells.

    Raises LeftToAPerson, too, where another hand-over is named than the payment was recorded for.
    """
    with database.writing(durable=True) as session:
        row = loans.get(session, loan.lender, loan.loan_id)
        doubt = doubt_of_reversal(session, row, told, provider)
        if doubt is None:
            return _enter_reversal(session, row, provider, told.payment_id, entry)
        _leave(session, row, doubt, "other_reversal_unmatched", told, provider, entry)
    raise LeftToAPerson(doubt.why)


def _leave(
    session: Session,
    loan: Loan,
    doubt: Doubt,
    outcome: str,
    told: PaymentReceived | PaymentReversed,
    provider: str,
    entry: Entry,
) -> None:
    """Once for what is told, however often that is: in the audit trail, and among the news that is nobody's."""
    what = (doubt.kind, provider, told.payment_id, loan.lender, loan.loan_id, str(told.entry))
    named = hashlib.sha256("\n".join(what).encode()).hexdigest()
    stored = _store(session, named, json.dumps(told.model_dump(mode="json"), sort_keys=True).encode(), entry)
    if stored.duplicate:
        return
    details: dict[str, JsonValue] = {"kind": doubt.kind, "provider": provider, "reference": told.payment_id}
    if told.entry is not None:
        details["entry"] = told.entry
    if isinstance(told, PaymentReceived):
        details["amount_minor"] = told.amount_minor
    _note(session, loan, "webhook_needs_person", details, entry)
    webhooks.mark_recorded(session, stored.id, entry.at, outcome=outcome, signals=[])


def _enter_payment(session: Session, row: Loan, new: PaymentReceived, entry: Entry) -> Entered:
    recorded = payments.record(
        session,
        provider=new.provider,
        payment_id=new.payment_id,
        lender=row.lender,
        loan_id=row.loan_id,
        amount_minor=new.amount_minor,
        currency=row.currency,
        paid_at=new.paid_at,
        received_at=entry.at,
        source=PaymentSource.RECORD,
        loan=row,
    )
    payment = recorded.payment
    if (payment.loan_ref, payment.amount_minor, payment.currency) != (row.id, new.amount_minor, row.currency):
        raise PaymentRefused(_known_otherwise(new))
    received = owed_signals.received(payment)
    entered = _entered(session, row, payment, SignalName.PAYMENT_RECEIVED, received, recorded.new, entry)
    if recorded.new and payment.reversed_at is not None:
        # Word of its reversal came before itself, when there was nothing to reverse.
        back = owed_signals.taken_back(payment)
        _entered(session, row, payment, SignalName.PAYMENT_REVERSED, back, True, entry)
    return entered


def _is_of_another_lender(session: Session, loan: Loan, told: PaymentReceived) -> bool:
    known = payments.find(session, told.provider, told.payment_id)
    return known is not None and known.loan_ref is None and known.named_lender not in (None, loan.lender)


def _known_otherwise(told: PaymentReceived) -> str:
    return (
        f"payment {told.payment_id!r} of {told.provider!r} is recorded already, with another amount or for "
        "another loan: nothing was changed"
    )


def enter_reversal(database: Database, loan: Loan, provider: str, payment_id: str, entry: Entry) -> Entered:
    """Note that a payment of this loan was taken back, once; one of an earlier hand-over is left to a person.

    Raises PaymentRefused when there is no such payment.
    """
    with database.writing(durable=True) as session:
        row = loans.get(session, loan.lender, loan.loan_id)
        return _enter_reversal(session, row, provider, payment_id, entry)


def _enter_reversal(session: Session, row: Loan, provider: str, payment_id: str, entry: Entry) -> Entered:
    before = payments.find(session, provider, payment_id)
    if before is None or before.loan_ref != row.id:
        raise PaymentRefused(
            f"loan {row.loan_id!r} has no payment {payment_id!r} of {provider!r}: nothing was taken back"
        )
    new = before.reversed_at is None
    payment = payments.reverse(session, provider=provider, payment_id=payment_id, at=entry.at)
    assert payment is not None
    return _entered(session, row, payment, SignalName.PAYMENT_REVERSED, owed_signals.taken_back(payment), new, entry)


def _entered(
    session: Session,
    loan: Loan,
    payment: Payment,
    name: SignalName,
    payload: dict[str, JsonValue],
    new: bool,
    entry: Entry,
) -> Entered:
    signal = None
    if payments.counts_now(loan, payment):
        signal = OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=name, payload=payload, restart=new)
    webhook_id = None
    if new:
        action = "payment_recorded" if name is SignalName.PAYMENT_RECEIVED else "payment_reversed"
        named: dict[str, JsonValue] = {"provider": payment.provider, "payment_id": payment.payment_id}
        _note(session, loan, action, {**named, "entered_by_hand": True}, entry)
        if signal is None:
            reference = {"provider": payment.provider, "reference": payment.payment_id}
            _note(session, loan, "webhook_needs_person", {"kind": "reversal:earlier_entry", **reference}, entry)
        webhook_id = _keep(session, name, signal, payload, payment, entry)
    return Entered(new, payment.amount_minor, payment.paid_at, payments.balance_due(session, loan), signal, webhook_id)


def _note(session: Session, loan: Loan, action: str, details: dict[str, JsonValue], entry: Entry) -> None:
    audit.append(
        session,
        at=entry.at,
        actor=entry.actor,
        action=action,
        lender=loan.lender,
        loan_id=loan.loan_id,
        details=dict(details),
    )


def _keep(
    session: Session,
    name: SignalName,
    signal: OwedSignal | None,
    payload: dict[str, JsonValue],
    payment: Payment,
    entry: Entry,
) -> int:
    """Put the signal among those the relay brings, should we not get to it; or the news among what is nobody's."""
    named = hashlib.sha256(f"{name}\n{payment.provider}\n{payment.payment_id}".encode()).hexdigest()
    stored = _store(session, named, json.dumps(payload, sort_keys=True).encode(), entry)
    outcome, owed = ("earlier_reversal_unmatched", []) if signal is None else (name.value, [signal])
    webhooks.mark_recorded(
        session, stored.id, entry.at, outcome=outcome, signals=[each.model_dump(mode="json") for each in owed]
    )
    return stored.id


def _store(session: Session, key: str, body: bytes, entry: Entry) -> webhooks.Stored:
    return webhooks.store(
        session,
        provider=ENTERED_BY_HAND,
        event_key=key,
        url="",
        body=body,
        headers={},
        received_at=entry.at,
        due_at=shared_time(session, entry.at) + entry.head_start,
        verified=True,
    )
