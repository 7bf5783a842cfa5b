"""What the refund commands look up: who acts, of which payment, and how a refund is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.console import Refused, iso

if TYPE_CHECKING:
    from sqlmodel import Session

    from config.settings import Settings
    from domain.access import Role
    from records.database import Database
    from records.tables import Loan, Payment, RefundTask


def account_of(session: Session, login: str) -> tuple[str, Role]:
    """Login and role of whoever acts. Raises Refused."""
    from records import accounts

    try:
        account = accounts.get(session, login)
    except accounts.UnknownAccount:
        raise Refused(f"--by: nobody signs in as {login[:64]!r}: starter.py account list") from None
    if account.disabled_at is not None:
        raise Refused(f"--by: the account {account.login!r} is closed")
    return account.login, account.role


def payment_of(session: Session, loan: Loan, payment_id: str | None, minor: int) -> Payment:
    """The payment named, else the last that is large enough. Raises Refused."""
    from records import payments

    own = [one for one in payments.of_loan(session, loan) if one.reversed_at is None and one.entry == loan.entry]
    if payment_id is not None:
        own = [one for one in own if one.payment_id == payment_id]
        if not own:
            raise Refused(f"--payment: loan {loan.loan_id!r} has no standing payment {payment_id[:60]!r}")
        return own[-1]
    enough = [one for one in own if one.amount_minor - one.refunded_minor >= minor]
    if not enough:
        raise Refused("no single payment is that large: give a smaller --amount")
    return enough[-1]


def gives_back(settings: Settings, payment: Payment) -> bool:
    """Whether the gateway of the payment is configured and gives money back."""
    configured = {
        "stripe": settings.stripe,
        "mercadopago": settings.mercadopago,
        "conekta": settings.conekta,
    }
    return configured.get(payment.provider) is not None


def refund_told(session: Session, task: RefundTask, loan: Loan) -> dict[str, Any]:
    from records.tables import Payment

    payment = session.get_one(Payment, task.payment_ref)
    return {
        "refund": task.id,
        "case_id": task.case_id,
        "lender": loan.lender,
        "loan_id": loan.loan_id,
        "provider": payment.provider,
        "payment_id": payment.payment_id,
        "amount_minor": task.amount_minor,
        "currency": task.currency,
        "way": task.way.value,
        "state": task.state.value,
        "proposed_by": task.proposed_by,
        "proposed_at": iso(task.proposed_at),
        "decided_by": task.decided_by,
        "decided_at": iso(task.decided_at) if task.decided_at else None,
        "reference": task.reference,
        "why": task.why,
    }


def refund_shown(database: Database, number: int) -> dict[str, Any]:
    from records import loans, refunds

    with database.reading() as session:
        task = refunds.get(session, number)
        return refund_told(session, task, loans.by_ref(session, task.loan_ref))
