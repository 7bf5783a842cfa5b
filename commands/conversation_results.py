"""What borrowers wrote in a rehearsal, how it was answered, and what became of what was agreed on."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from statistics import median

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from domain.agreements.model import AgreementKind, AgreementState
from records.agreement_figures import agreement_figures
from records.reply_figures import reply_figures

_S = AgreementState


class AgreedResults(BaseModel):
    """How many came into force, and how they stand at the end. `not_judged`: replaced, called off or void."""

    model_config = ConfigDict(frozen=True)

    made: int
    kept: int
    partly_kept: int
    broken: int
    open: int
    not_judged: int


class ConversationResults(BaseModel):
    """`answered_alone`: answered by the machine, without a person to follow. `minutes`: the median until an answer."""

    model_config = ConfigDict(frozen=True)

    messages: int
    answered: int
    answered_alone: int
    for_a_person: int
    minutes: float | None
    intents: dict[str, int]
    promises: AgreedResults
    plans: AgreedResults
    settlements: AgreedResults
    offers_not_taken: int


def conversation_results(session: Session, begins: datetime, days: int) -> ConversationResults:
    """Counted from the records over all loans of the rehearsal."""
    until = begins + timedelta(days=days + 1)
    told = reply_figures(session, begins, until).values()
    agreed = agreement_figures(session, begins, until)
    intents: Counter[str] = sum((each.intents for each in told), Counter())
    seconds = [second for each in told for second in each.seconds]
    states: dict[AgreementKind, Counter[AgreementState]] = {kind: Counter() for kind in AgreementKind}
    for (kind, _), figures in agreed.items():
        states[kind] += figures.states
    never = (_S.PROPOSED, _S.EXPIRED)
    return ConversationResults(
        messages=sum(each.messages for each in told),
        answered=sum(each.answered for each in told),
        answered_alone=sum(each.alone for each in told),
        for_a_person=sum(each.for_a_person for each in told),
        minutes=round(median(seconds) / 60, 1) if seconds else None,
        intents=dict(intents.most_common()),
        promises=_agreed(states[AgreementKind.PROMISE]),
        plans=_agreed(states[AgreementKind.PLAN]),
        settlements=_agreed(states[AgreementKind.SETTLEMENT]),
        offers_not_taken=sum(states[kind][state] for kind in states for state in never),
    )


def _agreed(states: Counter[AgreementState]) -> AgreedResults:
    made = {state: number for state, number in states.items() if state not in (_S.PROPOSED, _S.EXPIRED)}
    kept = states[_S.KEPT] + states[_S.COMPLETED]
    still_open = states[_S.OPEN] + states[_S.ACTIVE]
    judged = kept + states[_S.PARTLY_KEPT] + states[_S.BROKEN] + still_open
    return AgreedResults(
        made=sum(made.values()),
        kept=kept,
        partly_kept=states[_S.PARTLY_KEPT],
        broken=states[_S.BROKEN],
        open=still_open,
        not_judged=sum(made.values()) - judged,
    )
