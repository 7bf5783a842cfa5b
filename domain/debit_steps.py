"""What a direct debit does to a loan: ordered, announced, let go to the bank, waited for, come back."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from domain.circumstances import circumstance_reported
from domain.direct_debit import (
    DEBTOR_DIED,
    LEAD_DAYS,
    NOTICE_DAYS,
    collection_day,
    is_as_announced,
    outcome_known_by,
    return_meaning,
)
from domain.events.borrower import Circumstance, CircumstanceReported
from domain.events.debits import DebitOutcome, DebitReported, DebitReturned
from domain.loan_parts import DebitReturn, DebitUnderWay, StepRecord
from domain.loan_state import LoanState, note
from domain.standing_clock import count_from, step_done
from domain.strategy import Step

FUNDS_STAY = timedelta(days=4)
"""A debit is fired by money that was seen only when it can be collected within so long: after that it may be gone."""

_TAKEN = frozenset({"sent", "not_delivered", "done"})
_ANSWERED_BY = time(12, 0)


def notice_days(step: Step) -> int:
    """Days between the step's notice and its collection."""
    return NOTICE_DAYS if step.notice_days is None else step.notice_days


def wants_debit(state: LoanState) -> bool:
    """Whether the debit under way may go to the bank, as things stand."""
    return (
        state.debit is not None and state.debit.fired and state.end is None and state.hold is None and not state.ceased
    )


def is_awaited(state: LoanState, now: datetime) -> bool:
    """Whether nothing is asked of the borrower until the debit's fate is known."""
    debit = state.debit
    return debit is not None and debit.released and debit.waits_until is not None and now < debit.waits_until


def settle_debit(state: LoanState, now: datetime) -> LoanState:
    """What the clock alone makes of a debit under way: money that was seen fires it, silence gives it up."""
    debit = state.debit
    if debit is None:
        return state
    if state.end is not None and not debit.released:
        return state.model_copy(update={"debit": None})
    if debit.released and debit.waits_until is not None and now >= debit.waits_until:
        return note(state.model_copy(update={"debit": None}), now, "debit_unanswered", debit.step)
    announced = not debit.noticed or debit.notified_at is not None
    at_liberty = state.hold is None and not state.ceased
    if not debit.fired and announced and at_liberty and state.funds_seen_at is not None:
        collects_on = _collects_on(state, debit, now)
        in_time = collects_on <= state.facts.local_date(state.funds_seen_at + FUNDS_STAY)
        if in_time and _as_announced(state, debit, collects_on):
            fired = debit.model_copy(update={"fired": True})
            return state.model_copy(update={"debit": fired, "funds_seen_at": None})
    return state


def debit_reported(state: LoanState, event: DebitReported, now: datetime) -> tuple[LoanState, str | None]:
    """What the records made of an order."""
    debit = state.debit
    if debit is not None and (debit.step, debit.occurrence) == (event.step, event.occurrence):
        if event.outcome in (DebitOutcome.PLANNED, DebitOutcome.FILED):
            filed = event.outcome is DebitOutcome.FILED
            let_go = event.released or filed
            if not let_go and not debit.fired:
                return state.model_copy(update={"debit": None}), None  # nobody waits for it any more
            known = debit.model_copy(
                update={
                    "released": let_go,
                    "filed": filed,
                    "waits_until": debit.waits_until if let_go else None,
                    "lead_days": event.lead_days or debit.lead_days,
                }
            )
            return _waiting(state.model_copy(update={"debit": known}), now, event.collect_on), None
        return note(state.model_copy(update={"debit": None}), now, "debit_given_up", event.outcome), None
    step = state.next_step
    if step is None or step.id != event.step:
        return _overtaken(state, event, now), None
    if event.outcome in (DebitOutcome.NO_MANDATE, DebitOutcome.NOT_POSSIBLE, DebitOutcome.SETTLED):
        because = event.outcome.value.replace("_", " ")
        record = StepRecord(step=step.id, occurrence=event.occurrence, result="passed_over", at=now, because=because)
        passed = _behind(state.model_copy(update={"records": (*state.records, record)}))
        return note(passed, now, "step_passed_over", step.id), None
    ordered = DebitUnderWay(
        step=step.id,
        occurrence=event.occurrence,
        notice_days=notice_days(step),
        noticed=step.template is not None,
        fired=not step.funds_seen,
        released=event.released,
        filed=event.outcome is DebitOutcome.FILED,
        lead_days=event.lead_days,
    )
    state = note(state.model_copy(update={"debit": ordered}), now, "debit_ordered", step.id)
    if step.template is None:
        record = StepRecord(step=step.id, occurrence=event.occurrence, result="done", at=now)
        state = step_done(state.model_copy(update={"records": (*state.records, record)}), now)
    return _waiting(state, now, event.collect_on), None


def _overtaken(state: LoanState, event: DebitReported, now: datetime) -> LoanState:
    """The step was passed over while the records took its order down: they are told to keep the debit back."""
    let_go = event.released or event.outcome is DebitOutcome.FILED
    if state.debit is not None or state.end is not None or not let_go or state.strategy.find_step(event.step) is None:
        return state
    if any((known.step, known.occurrence) == (event.step, event.occurrence) for known in state.debit_returns):
        return state
    left = DebitUnderWay(
        step=event.step,
        occurrence=event.occurrence,
        notice_days=notice_days(state.strategy.step(event.step)),
        noticed=False,
        fired=False,
        released=True,
        filed=event.outcome is DebitOutcome.FILED,
        lead_days=event.lead_days,
    )
    return _waiting(state.model_copy(update={"debit": left}), now, event.collect_on)


def debit_passed_over(state: LoanState, steps: tuple[str, ...], now: datetime) -> LoanState:
    """Of a debit whose step is passed over before its notice went out nothing comes: the records keep it back."""
    debit = state.debit
    if debit is None or debit.step not in steps or not debit.noticed or debit.notified_at is not None:
        return state
    if not debit.released and not debit.filed:
        return state.model_copy(update={"debit": None})
    left = debit.model_copy(update={"fired": False, "noticed": False})
    return _waiting(state.model_copy(update={"debit": left}), now)


def notice_reported(state: LoanState, step_id: str, sent: bool, now: datetime) -> LoanState:
    """The debit's notice went out; without one nothing is collected."""
    debit = state.debit
    if debit is None or debit.step != step_id or debit.notified_at is not None:
        return state
    if not sent:
        return note(state.model_copy(update={"debit": None}), now, "debit_without_notice", step_id)
    return _waiting(state.model_copy(update={"debit": debit.model_copy(update={"notified_at": now})}), now)


def debit_returned(state: LoanState, event: DebitReturned, now: datetime) -> tuple[LoanState, str | None]:
    """A debit came to nothing: the step that the strategy names for the reason is next. A death holds everything."""
    come_back = DebitReturn(step=event.step, occurrence=event.occurrence, reason=event.reason)
    if any((known.step, known.occurrence) == (event.step, event.occurrence) for known in state.debit_returns):
        return state, None
    debit = state.debit
    if debit is not None and (debit.step, debit.occurrence) == (event.step, event.occurrence):
        state = state.model_copy(update={"debit": None})
    state = state.model_copy(update={"debit_returns": (*state.debit_returns, come_back)})
    state = note(state, now, "debit_returned", f"{event.step}: {event.reason}, {return_meaning(event.reason).meaning}")
    if event.reason == DEBTOR_DIED:
        state, _ = circumstance_reported(state, CircumstanceReported(kind=Circumstance.BEREAVEMENT), now)
    if state.end is not None:
        return state, None
    step = state.strategy.find_step(event.step)
    named = None if step is None else step.on_return.get(event.reason, step.on_return.get("other"))
    return (_call(state, named, event.reason, now) if named is not None else state), None


def _call(state: LoanState, named: str, reason: str, now: datetime) -> LoanState:
    """Go to the named step; what lies between is passed over. One that was taken already is not taken again."""
    ids = [step.id for step in state.strategy.steps]
    if named not in ids or any(r.step == named and r.result in _TAKEN for r in state.records):
        return state
    place = ids.index(named)
    state = count_from(state.model_copy(update={"fallback": None, "contact_rests_until": None}), now)
    if place < state.position:
        return state.model_copy(update={"called": named})
    why = f"a debit came back as {reason}"
    passed = tuple(
        StepRecord(step=step, occurrence=1, result="passed_over", at=now, because=why)
        for step in ids[state.position : place]
    )
    between = tuple(record.step for record in passed)
    state = state.model_copy(update={"called": None, "position": place, "records": (*state.records, *passed)})
    return debit_passed_over(state, between, now)


def _behind(state: LoanState) -> LoanState:
    """The next step came to nothing: the one after it keeps its time."""
    if state.called is not None:
        return state.model_copy(update={"called": None})
    return state.model_copy(update={"position": state.position + 1})


def _waiting(state: LoanState, now: datetime, collect_on: date | None = None) -> LoanState:
    """From when on a debit's fate should be known, once it has been let go and announced.

    `collect_on`: the day it was filed for, where that is known.
    """
    debit = state.debit
    if debit is None or not debit.released or (debit.noticed and debit.notified_at is None):
        return state
    if debit.waits_until is not None and collect_on is None:
        return state
    known_by = outcome_known_by(collect_on or _collects_on(state, debit, now))
    until = state.facts.moment(known_by + timedelta(days=1), _ANSWERED_BY)
    return state.model_copy(update={"debit": debit.model_copy(update={"waits_until": until})})


def _collects_on(state: LoanState, debit: DebitUnderWay, now: datetime) -> date:
    notified_on = state.facts.local_date(debit.notified_at) if debit.notified_at is not None else None
    return collection_day(
        state.facts.local_date(now),
        notified_on=notified_on,
        notice_days=debit.notice_days,
        lead_days=debit.lead_days or LEAD_DAYS,
    )


def _as_announced(state: LoanState, debit: DebitUnderWay, collects_on: date) -> bool:
    """Whether the debit's notice still holds for that day.

    Without `lead_days` it was ordered by a version that fired it all the same, which a replay must do again.
    """
    if debit.notified_at is None or debit.lead_days is None:
        return True
    notified_on = state.facts.local_date(debit.notified_at)
    announced = collection_day(
        notified_on, notified_on=notified_on, notice_days=debit.notice_days, lead_days=debit.lead_days
    )
    return is_as_announced(announced, collects_on)
