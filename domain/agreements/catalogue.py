"""Plans, settlements and new schedules: taken from the catalogue, accepted by a recorded yes, approved by another
person where they go beyond who agreed on them."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from domain.agreements.judging import close_approval, finish, replace, tell
from domain.agreements.limits import (
    amounts_refused,
    dates_refused,
    kind_refused,
    last_day_of_offer,
    needed,
    remission,
    rule_of,
    terms_of,
    unmet,
)
from domain.agreements.making import agreed
from domain.agreements.model import Agreement, AgreementKind, AgreementState, Evidence, Instalment
from domain.agreements.terms import Option, PlanOption
from domain.cases import open_case
from domain.events.agreements import (
    OfferAccepted,
    OfferApproved,
    PlanAgreed,
    RestructuringAgreed,
    SettlementAgreed,
    TermsAgreed,
)
from domain.ledger_entries import CaseKind
from domain.loan_state import LoanState

_PROPOSED = AgreementState.PROPOSED
_KINDS: dict[type[TermsAgreed], AgreementKind] = {
    PlanAgreed: AgreementKind.PLAN,
    SettlementAgreed: AgreementKind.SETTLEMENT,
    RestructuringAgreed: AgreementKind.RESTRUCTURING,
}


def terms_agreed(state: LoanState, event: TermsAgreed, now: datetime) -> tuple[LoanState, str | None]:
    """In force at once when who agreed may and the borrower's yes is recorded; else an offer that waits for either."""
    kind = _KINDS[type(event)]
    if (why := terms_refused(state, event, kind, now)) is not None:
        return state, why
    option = _option(state, kind, event.option)
    terms = terms_of(state.strategy, kind)
    assert option is not None
    assert terms is not None
    total = sum(payment.amount_minor for payment in event.payments)
    balance = state.balance_minor
    last_day = last_day_of_offer(state.facts.local_date(now), terms.valid_days, event.payments[0].due)
    versions = [a.version or 1 for a in state.agreements if a.kind is AgreementKind.RESTRUCTURING]
    made = Agreement(
        number=state.next_agreement_number,
        kind=kind,
        state=_PROPOSED,
        made_at=now,
        by=event.by,
        via=event.via,
        instalments=tuple(
            Instalment(number=number, due=payment.due, amount_minor=payment.amount_minor)
            for number, payment in enumerate(event.payments, 1)
        ),
        balance_minor=balance,
        payments_before=len(state.payments),
        grace_days=terms.grace_days,
        option=option.id,
        rule=rule_of(state.strategy, kind, option),
        fees_frozen=isinstance(option, PlanOption) and option.fees_frozen,
        evidence=event.evidence,
        proposed_by=event.by,
        expires_at=state.facts.moment(last_day + timedelta(days=1), time(0)),
        remission_minor=remission(kind, balance, total),
        added_minor=max(total - balance, 0),
        version=max([1, *versions]) + 1 if kind is AgreementKind.RESTRUCTURING else None,
        holidays=event.holidays,
    )
    for waiting in [a for a in state.agreements if a.state is _PROPOSED]:
        state = finish(
            close_approval(state, waiting, now, "another offer took its place"), waiting, AgreementState.REPLACED, now
        )
    needs = needed(option, balance, total)
    if event.role.alone(needs):
        if event.evidence is not None:
            return _in_force(state, made, now), None
        made = made.model_copy(update={"approved_by": event.by})
    state = state.model_copy(update={"agreements": (*state.agreements, made)})
    state = tell(state, made, now, "offered")
    if made.approved_by is None:
        reason = f"{kind} {made.number} needs a {needs}: {total} of {balance} minor units"
        state = open_case(state, CaseKind.APPROVAL, reason, now, queue=_last_queue(state), agreement=made.number)
    return state, None


def terms_refused(state: LoanState, event: TermsAgreed, kind: AgreementKind, now: datetime) -> str | None:
    """Why these terms cannot be agreed on now, or None."""
    if (why := kind_refused(state, kind)) is not None:
        return why
    option = _option(state, kind, event.option)
    if option is None:
        return f"{state.strategy.key} has no {kind} {event.option!r}"
    if (why := unmet(option, state.balance_minor, state.facts.days_past_due(now))) is not None:
        return f"{kind} {option.id}: {why}"
    amounts = [payment.amount_minor for payment in event.payments]
    if (why := amounts_refused(option, state.balance_minor, amounts, state.facts.currency)) is not None:
        return why
    dues = [payment.due for payment in event.payments]
    return dates_refused(option, state.facts.local_date(now), dues)


def offer_approved(state: LoanState, event: OfferApproved, now: datetime) -> tuple[LoanState, str | None]:
    """Another person with the authority says yes for the lender."""
    offer = _waiting(state, event.number)
    if isinstance(offer, str):
        return state, offer
    if offer.approved_by is not None:
        return state, f"{offer.kind} {offer.number} is approved already"
    if event.by == offer.proposed_by:
        return state, "nobody approves what they proposed themselves"
    option = _option(state, offer.kind, offer.option or "")
    if option is None:
        return state, f"{state.strategy.key} no longer has {offer.kind} {offer.option}"
    needs = needed(option, offer.balance_minor, offer.total_minor)
    if not event.role.covers(needs):
        return state, f"it takes a {needs} to approve this"
    if (why := overtaken(state, offer, now)) is not None:
        return state, why
    offer = offer.model_copy(update={"approved_by": event.by})
    state = close_approval(state, offer, now, f"approved by {event.by}")
    if offer.evidence is not None:
        return _in_force(state, offer, now), None
    return replace(state, offer, now, "approved"), None


def offer_accepted(state: LoanState, event: OfferAccepted, now: datetime) -> tuple[LoanState, str | None]:
    """The borrower says yes to an offer that was approved."""
    offer = _waiting(state, event.number)
    if isinstance(offer, str):
        return state, offer
    if offer.approved_by is None:
        return state, f"{offer.kind} {offer.number} waits for its approval"
    if (why := overtaken(state, offer, now)) is not None:
        return state, why
    accepted = {"evidence": event.evidence, "via": event.via, "by": event.by}
    return _in_force(state, offer.model_copy(update=accepted), now), None


def _in_force(state: LoanState, agreement: Agreement, now: datetime) -> LoanState:
    evidence: Evidence | None = agreement.evidence
    assert evidence is not None
    in_force = {
        "state": AgreementState.ACTIVE,
        "made_at": now,
        "payments_before": len(state.payments),
        "expires_at": None,
    }
    return agreed(state, agreement.model_copy(update=in_force), now)


def _waiting(state: LoanState, number: int) -> Agreement | str:
    offer = next((a for a in state.agreements if a.number == number), None)
    if offer is None:
        return f"the loan has no offer {number}"
    if offer.state is not _PROPOSED:
        return f"{offer.kind} {number} is {offer.state.replace('_', ' ')} already"
    return offer


def overtaken(state: LoanState, offer: Agreement, now: datetime) -> str | None:
    """What has come between an offer and its yes, or None."""
    if (why := kind_refused(state, offer.kind)) is not None:
        return why
    if state.balance_minor != offer.balance_minor:
        return f"what is due has changed from {offer.balance_minor} to {state.balance_minor}: ask for a new offer"
    if (first := offer.instalments[0].due) < state.facts.local_date(now):
        return f"its first day, {first}, has passed: ask for a new offer"
    return None


def _option(state: LoanState, kind: AgreementKind, name: str) -> Option | None:
    terms = terms_of(state.strategy, kind)
    return next((option for option in terms.options if option.id == name), None) if terms is not None else None


def _last_queue(state: LoanState) -> str | None:
    """Approvals go where nobody hands over any further: to those who answer for the others."""
    return next((name for name, queue in reversed(state.strategy.queues.items()) if queue.then is None), None)
