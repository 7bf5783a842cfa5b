"""Messages that are acted on and never answered: by somebody else at the number, or when silence was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from domain.cases import open_once
from domain.circumstances import circumstance_reported
from domain.conversation import offering
from domain.conversation.saying import change, to_a_person
from domain.events.borrower import Circumstance, CircumstanceReported, ReplyUnderstood
from domain.ledger_entries import PAID_ENDS, CaseKind
from domain.loan_state import LoanState, note
from domain.payment_claims import payment_claimed
from domain.replies.labels import Intent

_CIRCUMSTANCES: Mapping[Intent, Circumstance] = {
    Intent.VULNERABLE: Circumstance.VULNERABLE,
    Intent.DISPUTE: Circumstance.DISPUTE,
    Intent.HARDSHIP: Circumstance.HARDSHIP,
}
TO_A_PERSON = frozenset(
    {
        Intent.COMPLAINT,
        Intent.REFUSAL,
        Intent.REQUEST_AGENT,
        Intent.CALLBACK_REQUEST,
    }
)
_OTHERWISE = frozenset({Intent.REQUEST_PLAN, Intent.REQUEST_DISCOUNT})
"""Ways to pay that the catalogue may let the machine offer; else they are for a person."""
_ASKS = frozenset({Intent.PROMISE_TO_PAY, Intent.ASK_HOW_TO_PAY, Intent.ASK_BALANCE})
ABOUT_A_PAYMENT = frozenset({Intent.ALREADY_PAID, Intent.PAYMENT_RECEIPT})


def circumstance_of(intents: Sequence[Intent]) -> Circumstance | None:
    """What of a message with these intents stops all collection until a person has decided; the gravest first.

    Vulnerability and dispute count wherever they stand; hardship beside a promise is the promise's reason. Of somebody
    else at the number only that the borrower is dead or in distress counts: the debt is not theirs to dispute.
    """
    if intents[0] is Intent.WRONG_PERSON:
        return Circumstance.VULNERABLE if Intent.VULNERABLE in intents else None
    named = (one for one in _CIRCUMSTANCES if one in intents and (one is not Intent.HARDSHIP or intents[0] is one))
    return next((_CIRCUMSTANCES[intent] for intent in named), None)


def circumstance_in(event: ReplyUnderstood) -> Circumstance | None:
    return circumstance_of(event.intents)


def held(state: LoanState, circumstance: Circumstance, now: datetime) -> LoanState:
    state, _ = circumstance_reported(state, CircumstanceReported(kind=circumstance), now)
    return nothing_waits(state, now)


def nothing_waits(state: LoanState, now: datetime) -> LoanState:
    """No question and no offer of ours stands any more."""
    return change(offering.withdrawn(state, now), proposed=None, moving=None)


def told_by_another(state: LoanState, event: ReplyUnderstood, now: datetime) -> LoanState:
    """Somebody else reads this address and is told nothing; what they tell of the borrower is acted on."""
    if (circumstance := circumstance_in(event)) is not None:
        return held(state, circumstance, now)
    return to_a_person(state, event, now, None) if event.needs_human else state


def in_silence(state: LoanState, event: ReplyUnderstood, now: datetime) -> LoanState:
    """What is said beside a wish to hear no more this way is acted on, by people where anything has to be asked."""
    if (circumstance := circumstance_in(event)) is not None:
        return held(state, circumstance, now)
    state = nothing_waits(state, now)
    about_a_payment = next((one for one in event.intents if one in ABOUT_A_PAYMENT), None)
    if about_a_payment is not None:
        state = payment_query(state, about_a_payment, now)
    return to_a_person(state, event, now, None) if about_a_payment is None or event.needs_human else state


def payment_query(state: LoanState, said: Intent, now: datetime) -> LoanState:
    return payment_claimed(state, f"the borrower says: {said.replace('_', ' ')}", now)


def after_cease(state: LoanState, event: ReplyUnderstood, now: datetime) -> LoanState:
    """Nothing is said to whoever asked for no more contact; what stops the loan is as ever, and what would have been
    answered is for a person."""
    if event.intents[0] is Intent.WRONG_PERSON:
        return told_by_another(state, event, now)
    if acts_as_ever(state, event) and (circumstance := circumstance_in(event)) is not None:
        return circumstance_reported(state, CircumstanceReported(kind=circumstance), now)[0]
    asks = asks_for_an_answer(event) or event.intents[0] in ABOUT_A_PAYMENT
    return to_a_person(state, event, now, None) if asks else state


def after_the_end(state: LoanState, event: ReplyUnderstood, now: datetime) -> LoanState:
    """The machine is silent, and what a person must look at becomes a case.

    What was paid can be taken back: a circumstance then holds the loan until somebody has decided on it.
    """
    circumstance = circumstance_in(event)
    if not is_for_a_person(event) and circumstance is None and event.intents[0] not in ABOUT_A_PAYMENT:
        return state
    state = note(state, now, "reply_after_the_end", ", ".join(event.intents))
    if circumstance is not None and state.end in PAID_ENDS:
        return circumstance_reported(state, CircumstanceReported(kind=circumstance), now)[0]
    reason = f"the borrower wrote after the loan had ended: {', '.join(event.intents).replace('_', ' ')}"
    return open_once(state, CaseKind.HANDOFF, reason, now)


def is_for_a_person(event: ReplyUnderstood) -> bool:
    return event.needs_human or not (TO_A_PERSON | _OTHERWISE).isdisjoint(event.intents)


def asks_for_an_answer(event: ReplyUnderstood) -> bool:
    """Whether silence, where nothing may be said, would leave a question or a promise without any answer."""
    return is_for_a_person(event) or event.faq is not None or not _ASKS.isdisjoint(event.intents)


def acts_as_ever(state: LoanState, event: ReplyUnderstood) -> bool:
    """Whether a message means the same while a person talks. A plain yes or no is an answer to that person."""
    plain = event.says is not None and state.strategy.conversation is not None
    return event.intents[0] is Intent.WRONG_PERSON or (not plain and circumstance_in(event) is not None)
