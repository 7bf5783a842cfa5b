"""Entering a payment by hand: into the records as a webhook's news would be, then to the loan.

What is owed to the loan stands in the same table as webhooks': if this process or Temporal dies in between, the
web app's relay brings it there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError
from sqlmodel import Session, col, or_, select

from commands.console import Refused, moment_of
from config.settings import Settings
from domain.events.payments import PaymentReceived
from domain.events.values import Reference
from domain.money import Money, parse_major
from domain.payments import FAR_AHEAD
from domain.value_dates import is_a_day
from records import loans, payments, people, webhooks
from records.database import Database
from records.tables import Loan, LoanState, Payment
from web.payment_entry import Entered
from web.ports import OwedSignal, SignalAnswer, SignalName, TemporalUnavailable

HEAD_START = timedelta(seconds=15)
"""How long the relay leaves the telling to us."""

MANUAL = "manual"
"""The provider of a payment of which nobody said who handled it."""

_REFERENCE: TypeAdapter[str] = TypeAdapter(Reference)


def read_payment(
    database: Database,
    loan: Loan,
    amount: str,
    currency: str | None,
    paid_at: str | None,
    provider: str,
    payment_id: str,
) -> PaymentReceived:
    """What an operator typed, checked against the loan. Raises Refused."""
    now = datetime.now(UTC)
    if currency is not None and currency.upper() != loan.currency:
        raise Refused(f"--currency: the loan is in {loan.currency}, not {currency[:10].upper()}: nothing was recorded")
    try:
        minor = parse_major(amount.replace(" ", ""), loan.currency)
    except ValueError as error:
        raise Refused(f"AMOUNT: {error}") from None
    with database.reading() as session:
        zone = people.of_loan(session, loan).timezone
        if provider == MANUAL:
            _refuse_anothers(session, loan, payment_id)
    day = now if paid_at is None else moment_of(_its_day(paid_at), "--paid-at", ZoneInfo(zone) if zone else UTC)
    if day > now + FAR_AHEAD:
        raise Refused(f"--paid-at: {paid_at} lies more than {FAR_AHEAD.days} days ahead: nothing was recorded")
    try:
        event = PaymentReceived(
            payment_id=payment_id, amount_minor=minor, currency=loan.currency, paid_at=day, provider=provider
        )
    except ValidationError as wrong:
        raise Refused(_told(wrong)) from None
    checked(provider, "--provider", 40)
    return event


def _its_day(text: str) -> str:
    """A day that is written as its midnight in UTC, as the lender's own systems do, as that day."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at.date().isoformat() if is_a_day(at) else text


def _refuse_anothers(session: Session, loan: Loan, payment_id: str) -> None:
    """Raises Refused where another provider's payment under this id counts for the loan, or could: both would count.

    One in another currency can count for no loan as it is, one that was taken back counts nowhere, and one that names
    another loan waits for that.
    """
    if payments.find(session, MANUAL, payment_id) is not None:
        return
    others = session.exec(
        select(Payment)
        .where(col(Payment.payment_id) == payment_id, col(Payment.provider) != MANUAL)
        .where(or_(col(Payment.loan_ref).is_(None), col(Payment.loan_ref) == loan.id))
        .where(col(Payment.currency) == loan.currency, col(Payment.reversed_at).is_(None))
        .order_by(col(Payment.id))
    ).all()
    booked = next((one for one in others if one.loan_ref is not None), None)
    if booked is not None:
        raise Refused(
            f"--provider: {payment_id!r} is booked already, as a payment of {booked.provider!r} for this loan: nothing "
            "was recorded; money that came besides needs an --id of its own"
        )
    own = [one for one in others if payments.may_be_of(one, loan.lender, loan.loan_id)]
    if own:
        waits = own[0]
        major = Money(amount_minor=waits.amount_minor, currency=waits.currency).major
        raise Refused(
            f"--provider: {payment_id!r} is a payment of {waits.provider!r} that belongs to no loan yet: nothing was "
            f"recorded; so that it counts once: starter.py payment record {loan.loan_id} {major} "
            f"--provider {waits.provider} --id {payment_id}"
        )


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
class Told:
    """`told`: whether the loan's workflow has it."""

    told: bool
    detail: str


def tell_the_loan(settings: Settings, database: Database, entered: Entered) -> Told:
    """Signal it now; an ended loan goes on because of it. What cannot be told now is left to the relay.

    Money of an earlier hand-over is told to nobody: the loan's workflow would count it in this one.
    """
    from commands.temporal_session import with_temporal
    from web.temporal_signals import TemporalSignals
    from workflows.connection import NoTemporal

    signal = entered.signal
    if signal is None:
        return Told(False, "it counts in an earlier hand-over of the loan, which is over: ask the lender what is due")

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
            return Told(False, _why_not_found(database, signal))
        if not entered.new:
            if await asyncio.to_thread(_ended_knowing, database, signal):
                return Told(True, "the loan has ended and knows it")
            if not await asyncio.to_thread(_is_owed, database, signal):
                return Told(True, "the loan has ended, was told and did not count it: see its cases")
            return Told(False, "the loan has ended and was not told yet: the web app does it, or `webhooks relay`")
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


def _why_not_found(database: Database, signal: OwedSignal) -> str:
    with database.reading() as session:
        state = loans.get(session, signal.lender, signal.loan_id).state
    if state is LoanState.IN_COLLECTION:
        return "Temporal runs no workflow of the loan: see `doctor`; it knows the payment once it goes on"
    return "the loan will know it when it is started"


def _ended_knowing(database: Database, signal: OwedSignal) -> bool:
    """Whether the loan had heard of the payment, or of its reversal, when it ended the last time."""
    with database.reading() as session:
        ended = loans.get(session, signal.lender, signal.loan_id).final_state or {}
    named = (signal.payload.get("provider"), signal.payload.get("payment_id"))
    known = [one for one in ended.get("payments", []) if (one.get("provider"), one.get("payment_id")) == named]
    if signal.name is SignalName.PAYMENT_RECEIVED:
        return bool(known)
    return any(one.get("reversed") for one in known)


def _is_owed(database: Database, signal: OwedSignal) -> bool:
    """Whether the loan is still to be told of it; one that was told may have refused it, and will not hear it again."""
    with database.reading() as session:
        return any(_says_the_same(each, signal) for each in webhooks.owed(session))


def _says_the_same(owed: Mapping[str, Any], signal: OwedSignal) -> bool:
    def named(one: Mapping[str, Any]) -> tuple[object, ...]:
        said = one["payload"]
        return one["lender"], one["loan_id"], one["name"], said.get("provider"), said.get("payment_id")

    return named(owed) == named(signal.model_dump(mode="json"))


def _leave_to_the_relay(database: Database, entered: Entered, why: str) -> None:
    if entered.webhook_id is not None:
        with database.writing() as session:
            webhooks.mark_failed(session, entered.webhook_id, error=why, next_try_at=datetime.now(UTC))
