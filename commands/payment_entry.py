"""Entering a payment by hand: into the records as a webhook's news would be, then to the loan.

What is owed to the loan stands in the same table as webhooks': if this process or Temporal dies in between, the
web app's relay brings it there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import JsonValue, TypeAdapter, ValidationError
from sqlmodel import Session

from commands.console import Refused, moment_of
from config.settings import Settings
from domain.events import PaymentReceived, Reference
from domain.money import parse_major
from domain.payments import FAR_AHEAD
from records import audit, loans, payments, people, webhooks
from records.clock import shared_time
from records.database import Database
from records.tables import Loan, Payment, PaymentSource
from web.ports import OwedSignal, SignalAnswer, SignalName, TemporalUnavailable

ENTERED_BY_HAND = "operator"
_HEAD_START = timedelta(seconds=15)
"""How long the relay leaves the telling to us."""

_REFERENCE: TypeAdapter[str] = TypeAdapter(Reference)


@dataclass(frozen=True)
class NewPayment:
    amount_minor: int
    paid_at: datetime
    provider: str
    payment_id: str

    @classmethod
    def read(
        cls,
        database: Database,
        loan: Loan,
        amount: str,
        currency: str | None,
        paid_at: str | None,
        provider: str,
        payment_id: str,
    ) -> NewPayment:
        """What an operator typed, checked against the loan. Raises Refused."""
        now = datetime.now(UTC)
        if currency is not None and currency.upper() != loan.currency:
            raise Refused(
                f"--currency: the loan is in {loan.currency}, not {currency[:10].upper()}: nothing was recorded"
            )
        try:
            minor = parse_major(amount.replace(" ", ""), loan.currency)
        except ValueError as error:
            raise Refused(f"AMOUNT: {error}") from None
        with database.reading() as session:
            zone = people.of_loan(session, loan).timezone
        day = now if paid_at is None else moment_of(paid_at, "--paid-at", ZoneInfo(zone) if zone else UTC)
        if day > now + FAR_AHEAD:
            raise Refused(f"--paid-at: {paid_at} lies more than {FAR_AHEAD.days} days ahead: nothing was recorded")
        try:
            event = PaymentReceived(
                payment_id=payment_id, amount_minor=minor, currency=loan.currency, paid_at=day, provider=provider
            )
        except ValidationError as wrong:
            raise Refused(_told(wrong)) from None
        checked(provider, "--provider", 40)
        return cls(event.amount_minor, event.paid_at, event.provider, event.payment_id)


def checked(text: str, option: str, longest: int = 128) -> str:
    """A provider's name or payment id as the contract takes it. Raises Refused."""
    try:
        if len(text) > longest:
            raise ValueError
        return _REFERENCE.validate_python(text)
    except ValueError:
        raise Refused(f"{option}: expected 1 to {longest} printable ASCII characters without spaces") from None


def _told(wrong: ValidationError) -> str:
    first = wrong.errors(include_input=False, include_url=False)[0]
    field = str(first["loc"][0])
    names = {"payment_id": "--id", "provider": "--provider", "amount_minor": "AMOUNT", "paid_at": "--paid-at"}
    return f"{names.get(field, field)}: {first['msg'][:1].lower()}{first['msg'][1:]}"


@dataclass(frozen=True)
class Entered:
    """`webhook_id` keeps what is owed to the loan; None when it has been told long ago."""

    new: bool
    amount_minor: int
    paid_at: datetime
    balance_minor: int
    signal: OwedSignal
    webhook_id: int | None


def enter_payment(database: Database, loan: Loan, new: NewPayment) -> Entered:
    """Keep a payment, once. Raises Refused when the same id stands for other money."""
    now = datetime.now(UTC)
    with database.writing(durable=True) as session:
        row = loans.get(session, loan.lender, loan.loan_id)
        recorded = payments.record(
            session,
            provider=new.provider,
            payment_id=new.payment_id,
            lender=loan.lender,
            loan_id=loan.loan_id,
            amount_minor=new.amount_minor,
            currency=loan.currency,
            paid_at=new.paid_at,
            received_at=now,
            source=PaymentSource.RECORD,
        )
        payment = recorded.payment
        if (payment.loan_ref, payment.amount_minor, payment.currency) != (row.id, new.amount_minor, row.currency):
            raise Refused(
                f"payment {new.payment_id!r} of {new.provider!r} is recorded already, with another amount or for "
                "another loan: nothing was changed"
            )
        payload: dict[str, JsonValue] = {
            "payment_id": payment.payment_id,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "paid_at": payment.paid_at.isoformat(),
            "provider": payment.provider,
        }
        return _entered(session, row, payment, SignalName.PAYMENT_RECEIVED, payload, recorded.new, now)


def enter_reversal(database: Database, loan: Loan, provider: str, payment_id: str) -> Entered:
    """Note that a payment of this loan was taken back, once. Raises Refused when there is no such payment."""
    now = datetime.now(UTC)
    with database.writing(durable=True) as session:
        row = loans.get(session, loan.lender, loan.loan_id)
        before = payments.find(session, provider, payment_id)
        if before is None or before.loan_ref != row.id:
            raise Refused(
                f"loan {loan.loan_id!r} has no payment {payment_id!r} of {provider!r}: nothing was taken back"
            )
        new = before.reversed_at is None
        payment = payments.reverse(session, provider=provider, payment_id=payment_id, at=now)
        assert payment is not None
        payload: dict[str, JsonValue] = {"payment_id": payment_id, "provider": provider}
        return _entered(session, row, payment, SignalName.PAYMENT_REVERSED, payload, new, now)


def _entered(
    session: Session,
    loan: Loan,
    payment: Payment,
    name: SignalName,
    payload: dict[str, JsonValue],
    new: bool,
    now: datetime,
) -> Entered:
    signal = OwedSignal(lender=loan.lender, loan_id=loan.loan_id, name=name, payload=payload, restart=new)
    webhook_id = None
    if new:
        audit.append(
            session,
            at=now,
            actor=ENTERED_BY_HAND,
            action="payment_recorded" if name is SignalName.PAYMENT_RECEIVED else "payment_reversed",
            lender=loan.lender,
            loan_id=loan.loan_id,
            details={"provider": payment.provider, "payment_id": payment.payment_id, "entered_by_hand": True},
        )
        webhook_id = _owe(session, signal, payment, now)
    return Entered(new, payment.amount_minor, payment.paid_at, payments.balance_due(session, loan), signal, webhook_id)


def _owe(session: Session, signal: OwedSignal, payment: Payment, now: datetime) -> int:
    """Put the signal among those the relay brings, should we not get to it."""
    named = hashlib.sha256(f"{signal.name}\n{payment.provider}\n{payment.payment_id}".encode()).hexdigest()
    stored = webhooks.store(
        session,
        provider=ENTERED_BY_HAND,
        event_key=named,
        url="",
        body=json.dumps(signal.payload, sort_keys=True).encode(),
        headers={},
        received_at=now,
        due_at=shared_time(session, now) + _HEAD_START,
        verified=True,
    )
    webhooks.mark_recorded(session, stored.id, now, outcome=signal.name.value, signals=[signal.model_dump(mode="json")])
    return stored.id


@dataclass(frozen=True)
class Told:
    """`told`: whether the loan's workflow has it."""

    told: bool
    detail: str


def tell_the_loan(settings: Settings, database: Database, entered: Entered) -> Told:
    """Signal it now; an ended loan goes on because of it. What cannot be told now is left to the relay."""
    from commands.temporal_session import with_temporal
    from web.temporal_signals import TemporalSignals
    from workflows.connection import NoTemporal

    signal = entered.signal

    async def work(client: object) -> Told:
        async def connected() -> object:
            return client

        signals = TemporalSignals(connected, database, settings.task_queue)  # type: ignore[arg-type]
        arguments = (signal.lender, signal.loan_id, dict(signal.payload))
        if signal.name is SignalName.PAYMENT_RECEIVED:
            answer = await signals.payment_received(*arguments)
        else:
            answer = await signals.payment_reversed(*arguments)
        if answer is SignalAnswer.ACCEPTED:
            return Told(True, "the loan was told")
        if answer is SignalAnswer.NOT_FOUND:
            return Told(False, "the loan will know it when it is started")
        if not entered.new:
            return Told(True, "the loan has ended and knows it")
        await signals.restart(signal.lender, signal.loan_id, signal)
        return Told(True, "the loan had ended and was told")

    try:
        told = with_temporal(work)
    except (NoTemporal, TemporalUnavailable) as away:
        _leave_to_the_relay(database, entered, type(away).__name__)
        return Told(False, "Temporal cannot be reached: the web app tells the loan as soon as it is back")
    if told.told and entered.webhook_id is not None:
        with database.writing() as session:
            webhooks.mark_signalled(session, entered.webhook_id, signal.model_dump(mode="json"), datetime.now(UTC))
    return told


def _leave_to_the_relay(database: Database, entered: Entered, why: str) -> None:
    if entered.webhook_id is not None:
        with database.writing() as session:
            webhooks.mark_failed(session, entered.webhook_id, error=why, next_try_at=datetime.now(UTC))
