"""News of money: payments, reversals, refunds, as the records keep them and the loan hears of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import JsonValue
from sqlmodel import Session

from activities.debit_results import zone_of
from activities.found_payments import (
    is_of_an_earlier_hand_over,
    show_of_an_earlier_hand_over,
    show_taken_back_before,
    shown_before,
)
from domain.money import Money
from domain.value_dates import on_its_day
from domain.webhook_news import (
    PartRefundNews,
    PaymentNews,
    ReversalNews,
    WebhookNews,
)
from records import links, loans, owed_signals, payments, refunds, same_money
from records.tables import LinkState, Loan, Payment, PaymentLink, PaymentSource
from web.consequence import Consequence, about, note
from web.doubtful_money import another_hand_over, came_before_hand_over, value_day
from web.ports import OwedSignal, SignalName


def record_payment(session: Session, news: PaymentNews, at: datetime) -> Consequence:
    lender, loan_id = news.lender, news.loan_id
    link = _link_of(session, news)
    if link is not None and (lender is None or loan_id is None):
        owner = loans.by_ref(session, link.loan_ref)
        lender, loan_id = owner.lender, owner.loan_id
    if news.of_a_day and (named := loans.find(session, lender, loan_id) if lender and loan_id else None) is not None:
        news = news.model_copy(update={"paid_at": on_its_day(news.paid_at, zone_of(session, named))})
    if _is_of_another_hand_over(session, news, lender, loan_id):
        more: dict[str, JsonValue] = {"amount_minor": news.amount_minor, "entry": news.entry}
        _show(session, news, "payment:other_entry", lender, loan_id, at, **more)
        return Consequence(outcome="other_payment_unmatched", person_refs=_person(session, lender, loan_id))
    if link is not None and is_of_an_earlier_hand_over(session, news.provider, news.payment_id, link, news.paid_at):
        amount = Money(amount_minor=news.amount_minor, currency=news.currency)
        show_of_an_earlier_hand_over(session, news.provider, news.payment_id, link, amount, at, actor=news.provider)
        return Consequence(outcome="earlier_payment_unmatched", person_refs=_person(session, lender, loan_id))
    if link is None and _came_before_hand_over(session, news, lender, loan_id):
        _show(session, news, "payment:before_hand_over", lender, loan_id, at, amount_minor=news.amount_minor)
        return Consequence(outcome="other_payment_unmatched", person_refs=_person(session, lender, loan_id))
    if link is None and _may_be_on_a_statement(session, news, lender, loan_id):
        _show(session, news, "payment:on_a_statement", lender, loan_id, at, amount_minor=news.amount_minor)
        return Consequence(outcome="other_payment_unmatched", person_refs=_person(session, lender, loan_id))
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
    if not recorded.new and _is_another(session, payment, news, lender, loan_id):
        return _known_as_another(session, news, lender, loan_id, at)
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
    outcome = "payment" if recorded.new else "payment_known"
    if recorded.part_taken_back:
        outcome = "payment_part_reversal_unmatched"
    if not payments.counts_now(loan, payment):
        return Consequence(outcome=outcome, person_refs=about(loan.person_ref))
    received = OwedSignal(
        lender=loan.lender,
        loan_id=loan.loan_id,
        name=SignalName.PAYMENT_RECEIVED,
        payload=owed_signals.received(payment),
        restart=recorded.new,
    )
    signals = [received]
    if payment.reversed_at is not None and recorded.new:
        signals.append(_reversed(loan, payment, restart=True))
    return Consequence(outcome=outcome, signals=tuple(signals), person_refs=about(loan.person_ref))


def record_reversal(session: Session, news: ReversalNews, at: datetime) -> Consequence:
    before = payments.find(session, news.provider, news.payment_id)
    if before is not None and _is_of_another_loan(session, before, news.lender, news.loan_id):
        _show(session, news, "reversal:other_loan", news.lender, news.loan_id, at)
        return Consequence(outcome="other_reversal_unmatched", person_refs=_person(session, news.lender, news.loan_id))
    if before is not None and before.loan_ref is not None:
        own = loans.by_ref(session, before.loan_ref)
        if another_hand_over(own, before, news.entry) is not None:
            _show(session, news, "reversal:other_entry", own.lender, own.loan_id, at, entry=news.entry)
            return Consequence(outcome="other_reversal_unmatched", person_refs=about(own.person_ref))
    known = before is not None and before.reversed_at is not None
    if before is not None and not known:
        stands = before.amount_minor - before.refunded_minor
        if news.may_leave_some(stands, before.currency):
            _show(session, news, "reversal:partial", news.lender, news.loan_id, at, amount_minor=news.amount_minor)
            return Consequence(outcome="part_reversal_unmatched", person_refs=_owner(session, before))
    payment = payments.reverse(
        session,
        provider=news.provider,
        payment_id=news.payment_id,
        at=news.reversed_at,
        amount_minor=news.amount_minor,
        currency=news.currency,
    )
    details: dict[str, JsonValue] = {"provider": news.provider, "payment_id": news.payment_id}
    if payment is None:
        if (whose := _of_an_earlier_hand_over(session, news)) is not None:
            return _taken_back_before(session, news, *whose, at)
        note(session, at, news.provider, "reversal_before_payment", news.lender, news.loan_id, details)
        return Consequence(outcome="reversal_before_payment")
    if payment.loan_ref is None:
        if not known:
            lender, loan_id = news.lender or payment.named_lender, news.loan_id or payment.named_loan
            _show(session, news, "reversal:unmatched", lender, loan_id, at)
        return Consequence(outcome="reversal_unmatched")
    loan = loans.by_ref(session, payment.loan_ref)
    if not known:
        note(session, at, news.provider, "payment_reversed", loan.lender, loan.loan_id, details)
    outcome = "reversal_known" if known else "reversal"
    if not payments.counts_now(loan, payment):
        if not known:
            _show(session, news, "reversal:earlier_entry", loan.lender, loan.loan_id, at)
            outcome = "earlier_reversal_unmatched"
        return Consequence(outcome=outcome, person_refs=about(loan.person_ref))
    signal = _reversed(loan, payment, restart=not known)
    return Consequence(outcome=outcome, signals=(signal,), person_refs=about(loan.person_ref))


def _of_an_earlier_hand_over(session: Session, news: ReversalNews) -> tuple[Loan, int] | None:
    """The loan and the hand-over of money that counts nowhere, where that was shown to a person, or is said."""
    if (shown := shown_before(session, news.provider, news.payment_id)) is not None:
        return shown
    loan = loans.find(session, news.lender, news.loan_id) if news.lender and news.loan_id else None
    if loan is None or news.entry is None or news.entry >= loan.entry:
        return None
    return loan, news.entry


def _taken_back_before(session: Session, news: ReversalNews, loan: Loan, entry: int, at: datetime) -> Consequence:
    told = news.amount_minor is not None and news.currency is not None
    amount = Money(amount_minor=news.amount_minor or 0, currency=news.currency or loan.currency) if told else None
    new = show_taken_back_before(session, news.provider, news.payment_id, loan, entry, amount, at)
    outcome = "earlier_reversal_unmatched" if new else "reversal_known"
    return Consequence(outcome=outcome, person_refs=about(loan.person_ref))


def _known_as_another(
    session: Session, news: PaymentNews, lender: str | None, loan_id: str | None, at: datetime
) -> Consequence:
    """Its id stands for other money already: it counts nowhere until a person has looked."""
    _show(session, news, "payment:same_id", lender, loan_id, at, amount_minor=news.amount_minor, currency=news.currency)
    return Consequence(outcome="other_payment_unmatched", person_refs=_person(session, lender, loan_id))


def told_without_a_link(session: Session, news: Iterable[WebhookNews]) -> bool:
    """Whether money of a loan is told of that no link of ours brought: a bank statement may bring it too."""
    return any(
        isinstance(one, PaymentNews) and one.loan_id is not None and _link_of(session, one) is None for one in news
    )


def _link_of(session: Session, news: PaymentNews) -> PaymentLink | None:
    link = links.by_provider_id(session, news.provider, news.link_id) if news.link_id else None
    if link is None and news.reference:
        link = links.by_reference(session, news.provider, news.reference)
    return link


def _came_before_hand_over(session: Session, news: PaymentNews, lender: str | None, loan_id: str | None) -> bool:
    loan = loans.find(session, lender, loan_id) if lender and loan_id else None
    if loan is None:
        return False
    payments.lock(session, [(news.provider, news.payment_id)])
    known = payments.find(session, news.provider, news.payment_id)
    return came_before_hand_over(session, loan, known, news.entry, news.paid_at) is not None


def _may_be_on_a_statement(session: Session, news: PaymentNews, lender: str | None, loan_id: str | None) -> bool:
    """Whether a bank statement brought this very amount in these days: counted already, or paid twice."""
    loan = loans.find(session, lender, loan_id) if lender and loan_id else None
    known = payments.find(session, news.provider, news.payment_id)
    if loan is None or (known is not None and known.loan_ref is not None):
        return False
    on = value_day(session, loan, news.paid_at)
    return same_money.on_a_statement(session, loan, news.amount_minor, on) is not None


def _is_of_another_hand_over(session: Session, news: PaymentNews, lender: str | None, loan_id: str | None) -> bool:
    loan = loans.find(session, lender, loan_id) if news.entry is not None and lender and loan_id else None
    if loan is None:
        return False
    known = payments.find(session, news.provider, news.payment_id)
    return another_hand_over(loan, known, news.entry) is not None


def _is_another(session: Session, known: Payment, news: PaymentNews, lender: str | None, loan_id: str | None) -> bool:
    if (known.amount_minor, known.currency) != (news.amount_minor, news.currency):
        return True
    return _is_of_another_loan(session, known, lender, loan_id)


def _is_of_another_loan(session: Session, known: Payment, lender: str | None, loan_id: str | None) -> bool:
    """Whether the loan that is named now can neither be the one it counts for nor the one its first report named.

    What is not named differs from nothing.
    """
    if known.loan_ref is None:
        return not payments.may_be_of(known, lender, loan_id)
    owner = loans.by_ref(session, known.loan_ref)
    places = ((known.named_lender, known.named_loan), (owner.lender, owner.loan_id))
    return not any(lender in (None, whose) and loan_id in (None, which) for whose, which in places)


def _show(
    session: Session,
    news: PaymentNews | ReversalNews,
    kind: str,
    lender: str | None,
    loan_id: str | None,
    at: datetime,
    **more: JsonValue,
) -> None:
    """Leave it to a person, in the audit trail; `kind` says why."""
    details: dict[str, JsonValue] = {"kind": kind, "provider": news.provider, "reference": news.payment_id, **more}
    note(session, at, news.provider, "webhook_needs_person", lender, loan_id, details)


def _owner(session: Session, payment: Payment) -> frozenset[int]:
    return about(loans.by_ref(session, payment.loan_ref).person_ref) if payment.loan_ref is not None else frozenset()


def _person(session: Session, lender: str | None, loan_id: str | None) -> frozenset[int]:
    loan = loans.find(session, lender, loan_id) if lender and loan_id else None
    return about(loan.person_ref if loan is not None else None)


def _reversed(loan: Loan, payment: Payment, *, restart: bool) -> OwedSignal:
    return OwedSignal(
        lender=loan.lender,
        loan_id=loan.loan_id,
        name=SignalName.PAYMENT_REVERSED,
        payload=owed_signals.taken_back(payment),
        restart=restart,
    )


def record_part_refund(session: Session, news: PartRefundNews, at: datetime) -> Consequence:
    """Ours are known before the gateway tells of them; any other moved money by somebody else's hand.

    A payment that is known and is no loan's may be another business's on the same account: nobody is shown its refund.
    One that is not known yet may be told of after its refund.
    """
    payment = payments.find(session, news.provider, news.payment_id)
    if payment is not None and payment.loan_ref is None:
        return Consequence(outcome="refund_of_no_loan")
    if payment is not None and news.refunded_minor <= refunds.given_back(session, payment):
        return Consequence(outcome="refund_known")
    loan = None if payment is None or payment.loan_ref is None else loans.by_ref(session, payment.loan_ref)
    details: dict[str, JsonValue] = {"kind": "refund:partial", "reference": news.payment_id}
    lender, loan_id = (None, None) if loan is None else (loan.lender, loan.loan_id)
    note(session, at, news.provider, "webhook_needs_person", lender, loan_id, details)
    return Consequence(outcome="refund_of_others")
