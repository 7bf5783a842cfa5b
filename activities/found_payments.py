"""Money that was asked for and found, kept as a webhook's news would be: once, with what its loan is owed."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue
from sqlmodel import Session

from activities.debit_results import before_hand_over, zone_of
from domain.money import Money
from domain.webhook_news import may_leave_some
from providers.ports import PaymentReport, PaymentState
from records import audit, links, loans, owed_signals, payments, people, refunds, webhooks
from records.tables import EarlyReversal, LinkState, Loan, Payment, PaymentLink, PaymentSource

_EARLIER = "payment:earlier_entry"


def keep_report(session: Session, provider: str, report: PaymentReport, at: datetime, *, actor: str = "") -> bool:
    """Record what the gateway says of a payment that brought money or lost it again. Whether that was news.

    Found by our reference to the link and its loan; without one it waits as unmatched for a person. Money that is there
    again after it was taken back, as when a dispute was won, does not count by itself: a person is told. So they are of
    money taken back that had paid an earlier hand-over, or that they were shown of one: booked then, it is taken back.
    """
    link = links.by_reference(session, provider, report.reference) if report.reference else None
    if (
        report.state is PaymentState.TAKEN_BACK
        and link is not None
        and is_of_an_earlier_hand_over(session, provider, report.payment_id, link, report.paid_at)
    ):
        payments.reverse(session, provider=provider, payment_id=report.payment_id, at=at)
        its_own = loans.by_ref(session, link.loan_ref)
        show_taken_back_before(
            session, provider, report.payment_id, its_own, link.entry, report.amount, at, actor=actor
        )
        return False
    loan = loans.by_ref(session, link.loan_ref) if link is not None else None
    new = keep_payment(session, provider, report, loan, link, at, actor=actor or provider)
    before = payments.find(session, provider, report.payment_id)
    is_back = _was_taken_back_early(session, provider, report) if before is None else before.reversed_at is not None
    if report.state is PaymentState.PAID and is_back:
        again = {"kind": "payment:paid_again", "reference": report.payment_id}
        audit.append(session, at=at, actor=actor or provider, action="webhook_needs_person", details=again)
    if report.state is PaymentState.PAID and before is not None:
        _show_refund_of_others(session, before, report.refunded_minor, at, actor=actor or provider)
    if report.state is not PaymentState.TAKEN_BACK or before is None or is_back:
        return new
    payments.reverse(session, provider=provider, payment_id=report.payment_id, at=at)
    if before.loan_ref is not None:
        own = loans.by_ref(session, before.loan_ref)
        details: dict[str, JsonValue] = {"provider": provider, "payment_id": report.payment_id}
        _note(session, at, actor or provider, "payment_reversed", own, {**details, "asked_for": True})
        if payments.counts_now(own, before):
            _owe_reversal(session, own, before, at)
        else:
            told: dict[str, JsonValue] = {"kind": "reversal:earlier_entry", "reference": report.payment_id}
            _note(session, at, actor or provider, "webhook_needs_person", own, told)
    return True


def _show_refund_of_others(
    session: Session, payment: Payment, refunded_minor: int, at: datetime, *, actor: str
) -> None:
    """More of a loan's payment was given back than the records know of: a person is shown it, once for each sum."""
    if payment.loan_ref is None or refunded_minor <= refunds.given_back(session, payment):
        return
    loan = loans.by_ref(session, payment.loan_ref)
    key = f"refund-of-others:{payment.payment_id}:{refunded_minor}"
    if owed_signals.owe(
        session,
        provider=payment.provider,
        key=key,
        signals=[],
        at=at,
        outcome="refund_of_others",
        person_ref=loan.person_ref,
    ):
        details: dict[str, JsonValue] = {
            "kind": "refund:partial",
            "provider": payment.provider,
            "reference": payment.payment_id,
            "amount_minor": refunded_minor,
        }
        _note(session, at, actor, "webhook_needs_person", loan, details)


def _was_taken_back_early(session: Session, provider: str, report: PaymentReport) -> bool:
    """Whether money that is kept as no payment was taken back whole before."""
    early = session.get(EarlyReversal, (provider, report.payment_id))
    whole = (report.amount.amount_minor, report.amount.currency)
    return early is not None and not may_leave_some((early.amount_minor, early.currency), whole)


def is_of_an_earlier_hand_over(
    session: Session, provider: str, payment_id: str, link: PaymentLink, paid_at: datetime
) -> bool:
    """Whether money of a link that counts for no loan yet was asked for in an earlier hand-over and paid before the
    loan was handed over anew: the amount handed over then may know of it.
    """
    loan = loans.by_ref(session, link.loan_ref)
    if link.entry >= loan.entry:
        return False
    payments.lock(session, [(provider, payment_id)])
    known = payments.find(session, provider, payment_id)
    if known is not None and known.loan_ref is not None:
        return False
    return before_hand_over(session, loan, paid_at.astimezone(zone_of(session, loan)).date()) is not None


def show_of_an_earlier_hand_over(
    session: Session, provider: str, payment_id: str, link: PaymentLink, amount: Money, at: datetime, *, actor: str
) -> None:
    """Leave it to a person, once however often and by whichever way it is told; it is kept as no payment."""
    _show_once(
        session,
        provider,
        payment_id,
        loans.by_ref(session, link.loan_ref),
        link.entry,
        amount,
        at,
        kind=_EARLIER,
        key=_paid_before(payment_id),
        outcome="earlier_payment_unmatched",
        actor=actor,
    )


def shown_before(session: Session, provider: str, payment_id: str) -> tuple[Loan, int] | None:
    """The loan, and the hand-over, of which money was shown to a person by `show_of_an_earlier_hand_over`."""
    kept = webhooks.by_key(session, provider, _paid_before(payment_id))
    if kept is None:
        return None
    if kept.headers:
        loan = loans.find(session, kept.headers["lender"], kept.headers["loan_id"])
        return None if loan is None else (loan, int(kept.headers["entry"]))
    # An earlier version kept it without; the audit trail has it.
    theirs = [] if kept.person_ref is None else people.loans_of(session, people.get(session, kept.person_ref))
    for loan in theirs:
        for row in audit.of_loan(session, loan.lender, loan.loan_id, action="webhook_needs_person"):
            told = row.details
            if (told.get("kind"), told.get("provider"), told.get("reference")) == (_EARLIER, provider, payment_id):
                return loan, int(told["entry"])
    return None


def show_taken_back_before(
    session: Session,
    provider: str,
    payment_id: str,
    loan: Loan,
    entry: int,
    amount: Money | None,
    at: datetime,
    *,
    actor: str = "",
) -> bool:
    """Money of an earlier hand-over is gone that no loan counts, and the amount handed over anew may hold it: a person
    is shown it, once however often and by whichever way it is told. Whether this was the first time.
    """
    return _show_once(
        session,
        provider,
        payment_id,
        loan,
        entry,
        amount,
        at,
        kind="reversal:earlier_entry",
        key=f"taken-back-before:{payment_id}",
        outcome="earlier_reversal_unmatched",
        actor=actor or provider,
    )


def _paid_before(payment_id: str) -> str:
    """The key under which money was shown that was paid before its loan was handed over anew."""
    return f"paid-before:{payment_id}"


def _show_once(
    session: Session,
    provider: str,
    payment_id: str,
    loan: Loan,
    entry: int,
    amount: Money | None,
    at: datetime,
    *,
    kind: str,
    key: str,
    outcome: str,
    actor: str,
) -> bool:
    new = owed_signals.owe(
        session,
        provider=provider,
        key=key,
        signals=[],
        at=at,
        outcome=outcome,
        person_ref=loan.person_ref,
        named={"lender": loan.lender, "loan_id": loan.loan_id, "entry": str(entry)},
    )
    if new:
        details: dict[str, JsonValue] = {"kind": kind, "provider": provider, "reference": payment_id, "entry": entry}
        if amount is not None:
            details |= {"amount_minor": amount.amount_minor, "currency": amount.currency}
        _note(session, at, actor, "webhook_needs_person", loan, details)
    return new


def keep_payment(
    session: Session,
    provider: str,
    report: PaymentReport,
    loan: Loan | None,
    link: PaymentLink | None,
    at: datetime,
    *,
    actor: str,
) -> bool:
    """One transaction with what is owed to the loan: neither is ever without the other. Whether it was new.

    Money from before the loan was handed over anew is shown to a person and is no news to the loan.
    """
    if link is not None and is_of_an_earlier_hand_over(session, provider, report.payment_id, link, report.paid_at):
        show_of_an_earlier_hand_over(session, provider, report.payment_id, link, report.amount, at, actor=actor)
        return False
    recorded = payments.record(
        session,
        provider=provider,
        payment_id=report.payment_id,
        lender=loan.lender if loan else None,
        loan_id=loan.loan_id if loan else None,
        amount_minor=report.amount.amount_minor,
        currency=report.amount.currency,
        paid_at=report.paid_at,
        received_at=at,
        source=PaymentSource.RECORD,
    )
    payment = recorded.payment
    if link is not None:
        links.set_state(session, link, LinkState.PAID, at=at)
    if not recorded.new:
        return False
    if loan is None or payment.loan_ref is None:
        details = _told(payment)
        audit.append(session, at=at, actor=actor, action="payment_unmatched", details=dict(details))
        return True
    _note(session, at, actor, "payment_recorded", loan, {**_told(payment), "asked_for": True})
    _owe_payment(session, loan, payment, at)
    if payment.reversed_at is not None:
        # Word of its reversal came before itself, when there was nothing to reverse.
        back: dict[str, JsonValue] = {"provider": provider, "payment_id": payment.payment_id}
        _note(session, at, actor, "payment_reversed", loan, {**back, "asked_for": True})
        _owe_reversal(session, loan, payment, at)
    return True


def _told(payment: Payment) -> dict[str, JsonValue]:
    return {
        "provider": payment.provider,
        "payment_id": payment.payment_id,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
    }


def _note(session: Session, at: datetime, actor: str, action: str, loan: Loan, details: dict[str, JsonValue]) -> None:
    audit.append(
        session, at=at, actor=actor, action=action, lender=loan.lender, loan_id=loan.loan_id, details=dict(details)
    )


def _owe_payment(session: Session, loan: Loan, payment: Payment, at: datetime) -> None:
    """The relay brings it to the loan, as of a webhook."""
    owed_signals.owe(
        session,
        provider=payment.provider,
        key=f"asked:{payment.payment_id}",
        signals=[owed_signals.payment_received(loan, payment)],
        at=at,
        outcome="payment_asked_for",
        person_ref=loan.person_ref,
    )


def _owe_reversal(session: Session, loan: Loan, payment: Payment, at: datetime) -> None:
    owed_signals.owe(
        session,
        provider=payment.provider,
        key=f"asked:{payment.payment_id}:reversed",
        signals=[owed_signals.payment_reversed(loan, payment)],
        at=at,
        outcome="reversal_asked_for",
        person_ref=loan.person_ref,
    )
