"""News of money: payments, reversals, refunds, as the records keep them and the loan hears of them."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue
from sqlmodel import Session

from domain.webhook_news import (
    PartRefundNews,
    PaymentNews,
    ReversalNews,
)
from records import links, loans, payments, refunds
from records.tables import LinkState, Loan, PaymentSource
from web.consequence import Consequence, about, note
from web.ports import OwedSignal, SignalName


def record_payment(session: Session, news: PaymentNews, at: datetime) -> Consequence:
    lender, loan_id = news.lender, news.loan_id
    link = links.by_provider_id(session, news.provider, news.link_id) if news.link_id else None
    if link is None and news.reference:
        link = links.by_reference(session, news.provider, news.reference)
    if link is not None and (lender is None or loan_id is None):
        owner = loans.by_ref(session, link.loan_ref)
        lender, loan_id = owner.lender, owner.loan_id
    recorded = payments.record(
        session,
        provider=news.provider,
        payment_id=news.payment_id,
        lender=lender,
        loan_id=loan_id,
        amount_minor=news.amount_minor,
        currency=news.currency,
        paid_at=news.paid_at,
        received_at=at,
        source=PaymentSource.WEBHOOK,
    )
    payment = recorded.payment
    if link is not None:
        links.set_state(session, link, LinkState.PAID, at=at)
    details: dict[str, JsonValue] = {
        "provider": payment.provider,
        "payment_id": payment.payment_id,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
    }
    if payment.loan_ref is None:
        if recorded.new:
            note(session, at, news.provider, "payment_unmatched", lender, loan_id, details)
        return Consequence(outcome="payment_unmatched")
    loan = loans.by_ref(session, payment.loan_ref)
    if recorded.new:
        note(session, at, news.provider, "payment_recorded", loan.lender, loan.loan_id, details)
    received = OwedSignal(
        lender=loan.lender,
        loan_id=loan.loan_id,
        name=SignalName.PAYMENT_RECEIVED,
        payload={
            "payment_id": payment.payment_id,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "paid_at": payment.paid_at.isoformat(),
            "provider": payment.provider,
        },
        restart=recorded.new,
    )
    signals = [received]
    if payment.reversed_at is not None and recorded.new:
        signals.append(_reversed(loan, payment.payment_id, payment.provider, restart=True))
    outcome = "payment" if recorded.new else "payment_known"
    return Consequence(outcome=outcome, signals=tuple(signals), person_refs=about(loan.person_ref))


def record_reversal(session: Session, news: ReversalNews, at: datetime) -> Consequence:
    before = payments.find(session, news.provider, news.payment_id)
    known = before is not None and before.reversed_at is not None
    payment = payments.reverse(session, provider=news.provider, payment_id=news.payment_id, at=news.reversed_at)
    details: dict[str, JsonValue] = {"provider": news.provider, "payment_id": news.payment_id}
    if payment is None:
        note(session, at, news.provider, "reversal_before_payment", news.lender, news.loan_id, details)
        return Consequence(outcome="reversal_before_payment")
    if payment.loan_ref is None:
        return Consequence(outcome="reversal_unmatched")
    loan = loans.by_ref(session, payment.loan_ref)
    if not known:
        note(session, at, news.provider, "payment_reversed", loan.lender, loan.loan_id, details)
    signal = _reversed(loan, payment.payment_id, payment.provider, restart=not known)
    outcome = "reversal_known" if known else "reversal"
    return Consequence(outcome=outcome, signals=(signal,), person_refs=about(loan.person_ref))


def _reversed(loan: Loan, payment_id: str, provider: str, *, restart: bool) -> OwedSignal:
    return OwedSignal(
        lender=loan.lender,
        loan_id=loan.loan_id,
        name=SignalName.PAYMENT_REVERSED,
        payload={"payment_id": payment_id, "provider": provider},
        restart=restart,
    )


def record_part_refund(session: Session, news: PartRefundNews, at: datetime) -> Consequence:
    """Ours are known before the gateway tells of them; any other moved money by somebody else's hand."""
    payment = payments.find(session, news.provider, news.payment_id)
    if payment is not None and news.refunded_minor <= refunds.given_back(session, payment):
        return Consequence(outcome="refund_known")
    details: dict[str, JsonValue] = {"kind": "refund:partial", "reference": news.payment_id}
    note(session, at, news.provider, "webhook_needs_person", None, None, details)
    return Consequence(outcome="refund_of_others")
