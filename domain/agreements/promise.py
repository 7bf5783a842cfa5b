"""A promise to pay: an amount and a date, within the strategy's limits."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.agreements.making import agreed, not_now
from domain.agreements.model import Agreement, AgreementKind, AgreementState, Instalment
from domain.events.agreements import PromiseMade
from domain.loan_state import LoanState

_UNCOUNTED = frozenset({AgreementState.CANCELLED})


def promise_made(state: LoanState, event: PromiseMade, now: datetime) -> tuple[LoanState, str | None]:
    """Open a promise in the place of one that is open; the same promise told again changes nothing."""
    if _is_known(state, event):
        return state, None
    if (why := promise_refused(state, event, now)) is not None:
        return state, why
    terms = state.strategy.promises
    promise = Agreement(
        number=state.next_agreement_number,
        kind=AgreementKind.PROMISE,
        state=AgreementState.OPEN,
        made_at=now,
        by=event.by,
        via=event.via,
        instalments=(Instalment(number=1, due=event.date, amount_minor=event.amount_minor),),
        balance_minor=state.balance_minor,
        payments_before=len(state.payments),
        grace_days=terms.grace_days,
        tolerance_minor=min(terms.tolerance_minor, event.amount_minor - 1),
        evidence=event.evidence,
    )
    return agreed(state, promise, now), None


def promise_told_again(state: LoanState, event: PromiseMade) -> bool:
    """Whether this very promise, by its evidence, was made before and is over: kept, broken, replaced or called off.

    Its news came a second time. Who promises the same once more says so in another message.
    """
    if event.evidence is None or _is_known(state, event):
        return False
    told = (event.date, event.amount_minor, event.by, event.via, event.evidence)
    return any(
        told == (a.instalments[0].due, a.instalments[0].amount_minor, a.by, a.via, a.evidence)
        for a in state.agreements
        if a.kind is AgreementKind.PROMISE
    )


def promise_refused(state: LoanState, event: PromiseMade, now: datetime) -> str | None:
    """Why this promise cannot be taken now, or None. Amounts in the text are minor units."""
    if (why := not_now(state, AgreementKind.PROMISE)) is not None:
        return why
    terms = state.strategy.promises
    if event.currency not in (None, state.facts.currency):
        return f"the loan is in {state.facts.currency}"
    if event.amount_minor > state.balance_minor:
        return f"more than what is due ({state.balance_minor})"
    least = max(terms.least_minor, state.smallest_owed_minor)
    if event.amount_minor < min(least, state.payable_minor):
        return f"less than the strategy takes ({least})"
    today = state.facts.local_date(now)
    if event.date < today:
        return "the date lies in the past"
    if event.date > today + timedelta(days=terms.days_ahead):
        return f"the date lies more than {terms.days_ahead} days ahead"
    made = [a for a in state.agreements if a.kind is AgreementKind.PROMISE and a.state not in _UNCOUNTED]
    if len(made) >= terms.at_most:
        return f"the loan has had {len(made)} promises already"
    if state.broken_promises >= terms.broken_at_most:
        return f"{state.broken_promises} promises were broken already"
    return None


def _is_known(state: LoanState, event: PromiseMade) -> bool:
    now = state.agreement
    if now is None or now.kind is not AgreementKind.PROMISE:
        return False
    return (now.instalments[0].due, now.instalments[0].amount_minor) == (event.date, event.amount_minor)
