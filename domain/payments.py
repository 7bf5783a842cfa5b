"""Money that came and money that was taken back: each payment counts once, in whatever order it is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.agreements.judging import grant_fresh_grace, judge, still_paid_off
from domain.agreements.model import AgreementKind
from domain.cases import close_case, open_case, open_once
from domain.direct_debit import PROVIDER as DIRECT_DEBIT
from domain.endings import bring_back, end_loan, reopen_loan
from domain.events.payments import PaymentReceived, PaymentRefunded, PaymentReversed
from domain.gateway_choice import BANK
from domain.ledger_entries import PAID_ENDS, CaseKind, CaseState, LedgerEntry, LoanEnd, PaymentEntry, ReversalEntry
from domain.loan_parts import EarlyReversal, SetAside
from domain.loan_state import EARLY_NEWS_KEPT, PAYMENTS_KEPT, LoanState, note, refuse, would_exist, write
from domain.loans import Payment
from domain.payable import in_whole

_BY_BANK = frozenset({DIRECT_DEBIT, BANK, "bank"})
"""Providers of money that came into the lender's own account ("bank": on a statement). Only the lender's own transfer
gives it back, of which a bank that takes the money back too knows nothing."""
FAR_AHEAD = timedelta(days=7)
"""Banks date a payment a few days ahead over a long weekend; more is a slip for a person to look at."""


def payment_received(state: LoanState, event: PaymentReceived, now: datetime) -> tuple[LoanState, str | None]:
    if _of_an_earlier_hand_over(state, event):
        return _noted_as_earlier(state, event, "payment_of_earlier_hand_over", now), None
    known = next((p for p in state.payments if p.key == (event.provider, event.payment_id)), None)
    if known is not None and known.amount_minor == event.amount_minor and event.currency == state.facts.currency:
        return state, None
    if (why := _not_countable(state, event, known is not None)) is not None:
        asked = open_once(state, CaseKind.PAYMENT_QUERY, f"{why} ({event.provider} {event.payment_id})", now)
        return refuse(asked, "payment_received", why, now), None
    early = next(
        (e for e in state.early_reversals if e.payment_id == event.payment_id and e.provider in (None, event.provider)),
        None,
    )
    payment = Payment(
        provider=event.provider,
        payment_id=event.payment_id,
        amount_minor=event.amount_minor,
        paid_at=event.paid_at,
        reversed=early is not None,
    )
    entries: list[LedgerEntry] = [PaymentEntry(at=now, payment=payment, currency=event.currency)]
    state = state.model_copy(update={"payments": (*state.payments, payment)})
    if early is not None:
        entries.append(ReversalEntry(at=now, provider=event.provider, payment_id=event.payment_id))
        # Told by several, with and without its provider, it was one reversal.
        left = tuple(
            e
            for e in state.early_reversals
            if e.payment_id != event.payment_id or e.provider not in (None, event.provider)
        )
        return write(state.model_copy(update={"early_reversals": left}), *entries), None
    state = write(state.model_copy(update={"funds_seen_at": None}), *entries)
    if event.provider == DIRECT_DEBIT:
        state = state.model_copy(update={"debit": None})
    if event.paid_at > now + FAR_AHEAD:
        ahead = f"the value date lies more than {FAR_AHEAD.days} days ahead ({event.provider} {event.payment_id})"
        state = open_once(state, CaseKind.PAYMENT_QUERY, ahead, now)
    if state.end in (LoanEnd.SOLD, LoanEnd.RECALLED):
        gone = f"paid after the loan was {state.end}: the money may be another's"
        return open_once(state, CaseKind.PAYMENT_QUERY, f"{gone} ({event.provider} {event.payment_id})", now), None
    return _counted(state, payment, now), None


def _of_an_earlier_hand_over(state: LoanState, event: PaymentReceived | PaymentReversed | PaymentRefunded) -> bool:
    """News that was on its way when the loan was handed over again: the amount due then took it in already.

    That of a later hand-over counts here: its ledger entry makes the records tell the later one.
    """
    if event.entry is None or event.entry >= state.facts.entry:
        return False
    return all(payment.key != (event.provider, event.payment_id) for payment in state.payments)


def _noted_as_earlier(
    state: LoanState, event: PaymentReceived | PaymentReversed | PaymentRefunded, action: str, now: datetime
) -> LoanState:
    return note(state, now, action, f"{event.provider} {event.payment_id}: hand-over {event.entry}")


def _not_countable(state: LoanState, event: PaymentReceived, known: bool) -> str | None:
    if known:
        return "this payment is already recorded with another amount or currency"
    if event.currency != state.facts.currency:
        return f"payment in {event.currency}, the loan is in {state.facts.currency}"
    if len(state.payments) >= PAYMENTS_KEPT:
        return f"the loan has {PAYMENTS_KEPT} payments already"
    return None


def end_when_nothing_is_due(state: LoanState, now: datetime) -> LoanState:
    """Without a payment: an agreement that is over takes with it what it had added to the debt, and what was paid
    before may be all that is owed then, or more. Or what an earlier version left open is less than can be paid."""
    if state.end is not None or state.owes:
        return state
    ended = _set_aside(state, end_loan(state, _paid_end(state), "agreement" if state.agreements else "payment", now))
    if not any(payment.stands_minor > 0 for payment in state.payments):
        ended = ended.model_copy(update={"receipt_due": False})
    promised = sum(case.amount_minor or 0 for case in ended.cases if case.kind is CaseKind.REFUND)
    over = _overpaid(ended) - promised
    return _refund(ended, over, now) if over > 0 else ended


def _counted(state: LoanState, payment: Payment, now: datetime) -> LoanState:
    """What a payment that counts leads to: cases retracted, the loan cured, a refund."""
    before = state
    for case in state.cases:
        if case.caused_by_debt and payment.paid_at <= case.opened_at and not would_exist(state, case):
            why = "a payment made before the case was opened became known"
            state = close_case(state, case.case_id, CaseState.RETRACTED, now, note=why)
    state = judge(state, now)
    if not state.owes and state.end in (None, LoanEnd.NOT_CURED):
        state = end_loan(state, _paid_end(state), "payment", now)
    state = _set_aside(before, state)
    over = min(in_whole(payment.amount_minor, state.smallest_owed_minor), _overpaid(state))
    return _refund(state, over, now) if over > 0 else state


def _set_aside(before: LoanState, state: LoanState) -> LoanState:
    """What has been put an end to since `before` is kept, should the money be taken back."""
    gone = tuple(case for case in before.cases if case.case_id not in {left.case_id for left in state.cases})
    set_aside = state.set_aside
    if state.end in PAID_ENDS and before.paused_until is not None:
        set_aside = set_aside.model_copy(update={"paused_until": before.paused_until})
    return state.model_copy(
        update={"set_aside": SetAside(cases=(*set_aside.cases, *gone), paused_until=set_aside.paused_until)}
    )


def _paid_end(state: LoanState) -> LoanEnd:
    """Settled when it took a remission to leave nothing due."""
    forgiven = any(a.kind is AgreementKind.SETTLEMENT and a.remitted_minor > 0 for a in state.agreements)
    return LoanEnd.SETTLED if forgiven else LoanEnd.CURED


def _overpaid(state: LoanState) -> int:
    """What can be given back of what was paid beyond what is due, minor units."""
    return max(in_whole(-state.balance_minor, state.smallest_owed_minor), 0)


def _refund(state: LoanState, amount_minor: int, now: datetime) -> LoanState:
    reason = f"{amount_minor} minor units of {state.facts.currency} were paid beyond what was due"
    return open_case(state, CaseKind.REFUND, reason, now, amount_minor=amount_minor)


def payment_reversed(state: LoanState, event: PaymentReversed, now: datetime) -> tuple[LoanState, str | None]:
    if _of_an_earlier_hand_over(state, event):
        why = f"a payment of hand-over {event.entry} was taken back ({event.provider} {event.payment_id})"
        asked = open_once(state, CaseKind.PAYMENT_QUERY, why, now)
        return _noted_as_earlier(asked, event, "reversal_of_earlier_hand_over", now), None
    matches = [p for p in state.payments if p.payment_id == event.payment_id and event.provider in (None, p.provider)]
    if len(matches) > 1:
        return state, "the payment id stands for several providers: name the provider"
    if not matches:
        return _reversed_before(state, EarlyReversal(payment_id=event.payment_id, provider=event.provider), now)
    payment = matches[0]
    if payment.reversed:
        return state, None
    taken_back = tuple(p.model_copy(update={"reversed": True}) if p.key == payment.key else p for p in state.payments)
    state = write(
        state.model_copy(update={"payments": taken_back}),
        ReversalEntry(at=now, provider=payment.provider, payment_id=payment.payment_id),
    )
    return _ask_if_twice(_taken_back(state, now), payment, payment.refunded_minor, now), None


def _ask_if_twice(state: LoanState, payment: Payment, refunded_minor: int, now: datetime) -> LoanState:
    """A person looks at money that the lender gave back by a transfer and that the bank took back as well."""
    if refunded_minor == 0 or payment.provider not in _BY_BANK or not state.cases_kept_apart:
        return state
    sums = f"{refunded_minor} of {payment.amount_minor} minor units"
    why = f"{sums} were given back by transfer, and the bank took all back"
    return open_once(state, CaseKind.PAYMENT_QUERY, f"{why} ({payment.provider} {payment.payment_id})", now)


def _taken_back(state: LoanState, now: datetime) -> LoanState:
    """What a reversal leads to: what rested on the money is due again."""
    state = grant_fresh_grace(state, now)
    if state.end in PAID_ENDS and not still_paid_off(state, now):
        # Judged first while it counts as open: a case about a broken agreement exists only if that is still broken.
        return _shrink_refunds(judge(reopen_loan(state, now), now), now)
    state = _shrink_refunds(judge(state, now), now)
    return state if not state.owes or state.end is not None else bring_back(state, now)


def payment_refunded(state: LoanState, event: PaymentRefunded, now: datetime) -> tuple[LoanState, str | None]:
    """What was given back counts no longer, so that a reversal finds the books right whichever of them comes first.

    More than was paid beyond what is due is gone all the same: a person looks. Alone it revives no debt.
    """
    if _of_an_earlier_hand_over(state, event):
        return _noted_as_earlier(state, event, "refund_of_earlier_hand_over", now), None
    payment = next((p for p in state.payments if p.key == (event.provider, event.payment_id)), None)
    if payment is None:
        return state, "no such payment is known"
    refunded = min(max(event.refunded_minor, payment.refunded_minor), payment.amount_minor)
    if refunded == payment.refunded_minor:
        return state, None
    given = 0 if payment.reversed else refunded - payment.refunded_minor
    too_much = given - max(-state.balance_minor, 0)
    rest = too_much < state.smallest_owed_minor
    changed = tuple(
        p.model_copy(update={"refunded_minor": refunded}) if p.key == payment.key else p for p in state.payments
    )
    state = state.model_copy(update={"payments": changed})
    state = note(state, now, "payment_refunded", f"{event.provider} {event.payment_id}: {refunded}")
    if payment.reversed:
        state = _ask_if_twice(state, payment, refunded, now)
    return state if rest else _gave_too_much(state, event, too_much, now), None


def _gave_too_much(state: LoanState, event: PaymentRefunded, minor: int, now: datetime) -> LoanState:
    """What rested on a payment that was taken back is due again, as it is when that becomes known afterwards."""
    why = "more was given back than had been paid beyond what is due"
    state = grant_fresh_grace(state, now)
    taken_back = any(payment.reversed for payment in state.payments)
    if taken_back and state.end in PAID_ENDS and not still_paid_off(state, now):
        state = judge(reopen_loan(state, now), now)
    asked = f"{why}: {minor} minor units ({event.provider} {event.payment_id})"
    return open_once(_shrink_refunds(state, now, why), CaseKind.PAYMENT_QUERY, asked, now)


def _reversed_before(state: LoanState, early: EarlyReversal, now: datetime) -> tuple[LoanState, str | None]:
    if early in state.early_reversals:
        return state, None
    if len(state.early_reversals) >= EARLY_NEWS_KEPT:
        return (
            state,
            f"{EARLY_NEWS_KEPT} reversals of unknown payments are waiting for their payments already",
        )
    waiting = state.model_copy(update={"early_reversals": (*state.early_reversals, early)})
    return note(waiting, now, "reversal_before_payment", early.payment_id), None


def _shrink_refunds(state: LoanState, now: datetime, why: str = "a payment was reversed") -> LoanState:
    """Nobody is paid back money that was taken back already."""
    refunds = [case for case in state.cases if case.kind is CaseKind.REFUND]
    promised = sum(case.amount_minor or 0 for case in refunds)
    left = _overpaid(state)
    if left >= promised:
        return state
    for case in refunds:
        state = close_case(state, case.case_id, CaseState.RETRACTED, now, note=why)
    return _refund(state, left, now) if left > 0 else state
