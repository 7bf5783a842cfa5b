"""Signals that are owed to loans for news that no webhook brought: kept beside webhooks', for the relay to bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import bindparam, func
from sqlmodel import Session, col, select

from domain.events.borrower import Circumstance
from records import webhooks
from records.tables import Loan, Payment, Webhook

_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""Due by every clock: the relay goes by the wall, whoever owes by the time of its task."""


def owe(
    session: Session,
    *,
    provider: str,
    key: str,
    signals: Sequence[dict[str, Any]],
    at: datetime,
    outcome: str,
    person_ref: int | None = None,
    named: Mapping[str, str] | None = None,
) -> bool:
    """Owe these signals, in order, once for (provider, key); False when they are owed or were told already.

    `named`: ids of what it is about, kept for who asks by the key; nothing personal.
    """
    stored = webhooks.store(
        session,
        provider=provider,
        event_key=key,
        url="",
        body=b"",
        headers=named or {},
        received_at=at,
        due_at=_AT_ONCE,
        verified=True,
    )
    if stored.duplicate:
        return False
    persons = () if person_ref is None else (person_ref,)
    webhooks.mark_recorded(session, stored.id, at, outcome=outcome, signals=signals, persons=persons)
    return True


_WORDS = frozenset({"reply_understood", "circumstance_reported"})
"""Signals of what people write: of money and stops the records know too, of these only the loan does."""

# News of several people is nobody's own. Not `or`: that would go through every webhook of nobody's there ever was, by
# the index of people, and not through the few that are not relayed.
_UNTOLD = select(Webhook.signals).where(
    col(Webhook.relayed_at).is_(None),
    col(Webhook.recorded_at).is_not(None),
    func.coalesce(col(Webhook.person_ref), bindparam("person")) == bindparam("person"),
)


def words_untold(session: Session, loan: Loan) -> bool:
    """Whether a loan has still to hear of something that its borrower wrote and that was read."""
    return any(
        (signal["lender"], signal["loan_id"]) == (loan.lender, loan.loan_id) and signal["name"] in _WORDS
        for signals in session.exec(_UNTOLD, params={"person": loan.person_ref})
        for signal in signals
    )


def payment_received(loan: Loan, payment: Payment) -> dict[str, Any]:
    """As `web.ports.OwedSignal` reads it; an ended loan goes on because of it."""
    return _signal(loan, "payment_received", received(payment), restart=True)


def payment_refunded(loan: Loan, payment: Payment) -> dict[str, Any]:
    return _signal(loan, "payment_refunded", given_back(payment), restart=True)


def payment_reversed(loan: Loan, payment: Payment) -> dict[str, Any]:
    return _signal(loan, "payment_reversed", taken_back(payment), restart=True)


def received(payment: Payment) -> dict[str, Any]:
    """What a loan is told of a payment, as `PaymentReceived`: by `entry` no later hand-over counts it."""
    return {
        "payment_id": payment.payment_id,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "paid_at": payment.paid_at.isoformat(),
        "provider": payment.provider,
        "entry": payment.entry,
    }


def taken_back(payment: Payment) -> dict[str, Any]:
    """What a loan is told of a payment's reversal (`PaymentReversed`)."""
    return {"payment_id": payment.payment_id, "provider": payment.provider, "entry": payment.entry}


def given_back(payment: Payment) -> dict[str, Any]:
    """What a loan is told of all that was given back of a payment (`PaymentRefunded`)."""
    return {
        "payment_id": payment.payment_id,
        "provider": payment.provider,
        "refunded_minor": payment.refunded_minor,
        "entry": payment.entry,
    }


def debit_returned(loan: Loan, step: str, occurrence: int, reason: str) -> dict[str, Any]:
    payload = {"step": step, "occurrence": occurrence, "reason": reason}
    return _signal(loan, "debit_returned", payload, restart=False)


def circumstance_reported(loan: Loan, kind: Circumstance) -> dict[str, Any]:
    return _signal(loan, "circumstance_reported", {"kind": kind.value}, restart=False)


def consent_given(loan: Loan, valid_until: date | None) -> dict[str, Any]:
    payload = {} if valid_until is None else {"valid_until": valid_until.isoformat()}
    return _signal(loan, "consent_given", payload, restart=False)


def _signal(loan: Loan, name: str, payload: dict[str, Any], *, restart: bool) -> dict[str, Any]:
    return {"lender": loan.lender, "loan_id": loan.loan_id, "name": name, "payload": payload, "restart": restart}
