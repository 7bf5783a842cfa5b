"""Putting an answer out, or a person in the machine's place: what every part of a conversation ends with."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Protocol

from domain.cases import open_once
from domain.contact import Channel
from domain.conversation.model import Answer, AnswerKind, Conversation
from domain.events.borrower import Circumstance
from domain.ledger_entries import CaseKind
from domain.loan_parts import CaseAbout
from domain.loan_state import LoanState
from domain.replies.labels import Intent

PERSON_TALKS = timedelta(days=3)
"""How long the machine stays silent after a person wrote, unless the conversation is given back to it before."""


_PAYING = frozenset(
    {
        Intent.PROMISE_TO_PAY,
        Intent.ALREADY_PAID,
        Intent.PAYMENT_RECEIPT,
        Intent.ASK_HOW_TO_PAY,
        Intent.ASK_BALANCE,
        Intent.REQUEST_PLAN,
        Intent.REQUEST_DISCOUNT,
    }
)
_MORE = frozenset(Intent) - _PAYING - {Intent.ACKNOWLEDGEMENT, Intent.OTHER}
"""What no agreement on how to pay answers."""


class Heard(Protocol):
    """What of a message matters to its answer: what it says and the way it came."""

    @property
    def intents(self) -> tuple[Intent, ...]: ...
    @property
    def channel(self) -> Channel: ...
    @property
    def needs_human(self) -> bool: ...


def of(state: LoanState) -> Conversation:
    return state.conversation or Conversation()


def keep(state: LoanState, talk: Conversation) -> LoanState:
    return state.model_copy(update={"conversation": talk})


def change(state: LoanState, **changed: object) -> LoanState:
    """The conversation with these fields changed."""
    return keep(state, of(state).model_copy(update=changed))


def with_a_person(state: LoanState, now: datetime) -> bool:
    """Whether a person talks with this borrower, so that the machine says nothing."""
    until = of(state).person_until
    return until is not None and now < until


def given_back(state: LoanState) -> LoanState:
    """The machine answers again."""
    return state if of(state).person_until is None else change(state, person_until=None)


def gets_on(state: LoanState) -> bool:
    """Whether one more answer without progress may be given before a person goes on."""
    terms = state.strategy.conversation
    return terms is None or of(state).turns < terms.turns


def say(
    state: LoanState,
    heard: Heard,
    now: datetime,
    kind: AnswerKind,
    amount_minor: int | None = None,
    on: date | None = None,
    *,
    faq: str | None = None,
    agreement: int | None = None,
    progress: bool = False,
) -> LoanState:
    """Put the answer out. Too many without progress: a person goes on instead. A stranger is told nothing, and nobody
    to whom a person is talking."""
    if Intent.WRONG_PERSON in heard.intents or with_a_person(state, now):
        return state
    if not progress and not gets_on(state):
        return to_a_person(state, heard, now, AnswerKind.PERSON, "the conversation does not get on")
    talk = of(state)
    answer = Answer(
        number=talk.answers + 1,
        kind=kind,
        channel=heard.channel,
        amount_minor=amount_minor,
        on=on,
        faq=faq,
        agreement=agreement,
    )
    turns = 0 if progress else talk.turns + 1
    before = talk.answer
    offers = before is not None and before.agreement is not None and before.agreement != agreement
    if before is not None and offers and talk.offered is not None and talk.offered.number == before.agreement:
        # Nobody can say yes to what they were not told; whether it left before is yet to be heard.
        talk = talk.model_copy(update={"offered": talk.offered.model_copy(update={"untold": before.number})})
    return keep(state, talk.model_copy(update={"answer": answer, "answers": answer.number, "turns": turns}))


def say_when(
    state: LoanState,
    heard: Heard,
    now: datetime,
    kind: AnswerKind,
    circumstance: Circumstance | None = None,
    *,
    progress: bool,
) -> LoanState:
    """Names the local day by which the case of this message is to be decided, one of `circumstance` or a `handoff`;
    none where that day is over."""
    soonest = _answered_by(state, circumstance, now)
    on = state.facts.local_date(soonest) if soonest is not None else None
    return say(state, heard, now, kind, None, on, progress=progress)


def _answered_by(state: LoanState, circumstance: Circumstance | None, now: datetime) -> datetime | None:
    """The earliest of what is still ahead: of the cases a message is about, else of those that hold the loan."""
    ahead = [case for case in state.cases if not case.lapsed and case.sla_at > now]
    about = [case.sla_at for case in ahead if (case.kind, case.circumstance) == _case_of(circumstance)]
    return min(about or (case.sla_at for case in ahead if case.holds), default=None)


def _case_of(circumstance: Circumstance | None) -> tuple[CaseKind, Circumstance | None]:
    return (CaseKind.HANDOFF if circumstance is None else CaseKind.CIRCUMSTANCE), circumstance


def to_a_person(
    state: LoanState,
    heard: Heard,
    now: datetime,
    answer: AnswerKind | None,
    why: str = "",
    *,
    understood: bool = True,
) -> LoanState:
    """A case, once while it waits; the borrower is told by when somebody writes.

    `why` is said where it was the machine that could not go on with how to pay.
    """
    reason = why or f"the borrower wrote: {', '.join(heard.intents).replace('_', ' ')}"
    terms = state.strategy.conversation
    queue = terms.queue if terms else None
    about = _about(heard, why) if understood else CaseAbout.WISH
    state = open_once(state, CaseKind.HANDOFF, reason, now, action="reply_for_a_person", queue=queue, about=about)
    if answer is None:
        return state
    return say_when(state, heard, now, answer, progress=True)


def _about(heard: Heard, why: str) -> CaseAbout:
    """Whoever asks for a discount is for a person by that alone, so the mark on it says nothing more."""
    marked = heard.needs_human and Intent.REQUEST_DISCOUNT not in heard.intents
    if marked or not _MORE.isdisjoint(heard.intents):
        return CaseAbout.WISH
    return CaseAbout.PAYING if why or _PAYING.issuperset(heard.intents) else CaseAbout.WISH
