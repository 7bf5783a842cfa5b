"""What a loan is to hear of consents: kept beside webhooks' news, so the relay brings it there, whatever dies."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime

from pydantic import JsonValue
from sqlmodel import Session

from records import webhooks
from records.clock import shared_time
from records.tables import Loan
from web.ports import OwedSignal, SignalName

CONSENTS = "consents"
"""The provider that such entries name."""


def tell_given(session: Session, loan: Loan, valid_until: date | None, at: datetime) -> None:
    """Owe the loan the news that its borrower lets the balance be read."""
    until = valid_until.isoformat() if valid_until else None
    _owe(session, loan, SignalName.CONSENT_GIVEN, {} if until is None else {"valid_until": until}, at)


def tell_to_ask(session: Session, loan: Loan, at: datetime) -> None:
    """Owe the loan the order to ask its borrower for a consent."""
    _owe(session, loan, SignalName.ASK_CONSENT, {}, at)


def _owe(session: Session, loan: Loan, name: SignalName, payload: dict[str, JsonValue], at: datetime) -> None:
    signal = OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=name, payload=payload)
    told = f"{name}\n{loan.lender}\n{loan.loan_id}\n{at.isoformat()}"
    stored = webhooks.store(
        session,
        provider=CONSENTS,
        event_key=hashlib.sha256(told.encode()).hexdigest(),
        url="",
        body=json.dumps(payload, sort_keys=True).encode(),
        headers={},
        received_at=at,
        due_at=shared_time(session, at),
        verified=True,
    )
    webhooks.mark_recorded(session, stored.id, at, outcome=name.value, signals=[signal.model_dump(mode="json")])
