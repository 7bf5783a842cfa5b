"""Cases: what waits for a person, in which queue and until when."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.events.borrower import Circumstance
from domain.events.control import CaseDecision
from domain.ledger_entries import CaseClosedEntry, CaseKind, CaseMovedEntry, CaseOpenedEntry, CaseState
from domain.loan_parts import CaseAbout, OpenCase
from domain.loan_state import LoanState, note, write
from domain.strategy import Queue, Strategy

DEFAULT_QUEUE = "people"
_HOLDING = frozenset({CaseKind.HANDOFF, CaseKind.CIRCUMSTANCE})
_CAUSED_BY_DEBT = frozenset({CaseKind.HANDOFF, CaseKind.CONTACT_DATA, CaseKind.BROKEN_AGREEMENT})


def reported(circumstance: Circumstance) -> str:
    """What the reason of a circumstance's case begins with: the records know by it which one it is."""
    return f"{circumstance} reported"


def queue_for(strategy: Strategy, wanted: str | None) -> tuple[str, Queue]:
    """The wanted queue, else the strategy's first one, else `people` with an SLA of 72 hours."""
    if wanted is not None and wanted in strategy.queues:
        return wanted, strategy.queues[wanted]
    for name, queue in strategy.queues.items():
        return name, queue
    return DEFAULT_QUEUE, Queue(sla_hours=72)


def open_case(
    state: LoanState,
    kind: CaseKind,
    reason: str,
    now: datetime,
    *,
    queue: str | None = None,
    circumstance: Circumstance | None = None,
    step: str | None = None,
    amount_minor: int | None = None,
    agreement: int | None = None,
    about: CaseAbout | None = None,
) -> LoanState:
    """A new case of `kind`; its id is `<lender>-<loan>-<entry>-<number>`."""
    name, tray = queue_for(state.strategy, queue)
    case = OpenCase(
        case_id=f"{state.facts.lender}-{state.facts.loan_id}-{state.facts.entry}-{state.case_count + 1}",
        kind=kind,
        queue=name,
        opened_at=now,
        sla_at=now + timedelta(hours=tray.sla_hours),
        holds=kind in _HOLDING,
        caused_by_debt=kind in _CAUSED_BY_DEBT,
        circumstance=circumstance,
        step=step,
        amount_minor=amount_minor,
        agreement=agreement,
        about=about,
    )
    opened = CaseOpenedEntry(
        at=now,
        case_id=case.case_id,
        kind=kind,
        queue=name,
        reason=reason,
        sla_at=case.sla_at,
        amount_minor=amount_minor,
    )
    return write(state.model_copy(update={"cases": (*state.cases, case), "case_count": state.case_count + 1}), opened)


def open_once(
    state: LoanState,
    kind: CaseKind,
    reason: str,
    now: datetime,
    *,
    action: str | None = None,
    queue: str | None = None,
    about: CaseAbout | None = None,
) -> LoanState:
    """A case of `kind`, or a line of the audit trail (`action`, else the kind) while one of it waits.

    One that has lapsed holds nothing and nobody is told of it again, so it hears of nothing new: a case opens beside
    it. A lapsed `handoff` goes on as that one, since the same person is to be talked with. A case in which more is
    wanted than it began with is about that too.
    """
    waits = next((case for case in state.cases if _takes_in(state, case, kind)), None)
    if waits is not None:
        return note(_also_about(state, waits, about), now, action or kind, reason)
    lapsed = [case for case in state.cases if case.kind is kind is CaseKind.HANDOFF and not _is_unheard(case)]
    undecided = ", ".join(case.case_id for case in lapsed)
    if about is CaseAbout.PAYING and not all(case.is_about_paying for case in lapsed):
        about = CaseAbout.WISH
    reason = f"{reason}; nobody decided {undecided}" if lapsed else reason
    opened = open_case(state, kind, reason, now, queue=queue, about=about)
    for case in lapsed:
        told = f"goes on as case {opened.cases[-1].case_id}"
        opened = close_case(opened, case.case_id, CaseState.CLOSED, now, note=told)
    return opened


def _takes_in(state: LoanState, case: OpenCase, kind: CaseKind) -> bool:
    return case.kind is kind and not (case.lapsed and state.cases_kept_apart)


def _also_about(state: LoanState, case: OpenCase, about: CaseAbout | None) -> LoanState:
    if about is not CaseAbout.WISH or _is_unheard(case):
        return state
    changed = case.model_copy(update={"about": about})
    return state.model_copy(update={"cases": tuple(changed if each is case else each for each in state.cases)})


def _is_unheard(case: OpenCase) -> bool:
    return case.about is CaseAbout.UNHEARD


def reopen_case(state: LoanState, case: OpenCase, now: datetime, why: str) -> LoanState:
    """A closed case again, under a new id and with its SLA from the start; `why` what closed it does not count."""
    again = f"again after {case.case_id}: {why}"
    return open_case(
        state,
        case.kind,
        again if case.circumstance is None else f"{reported(case.circumstance)}, {again}",
        now,
        queue=case.queue,
        circumstance=case.circumstance,
        step=case.step,
        agreement=case.agreement,
        about=case.about,
    )


def close_case(
    state: LoanState,
    case_id: str,
    outcome: CaseState,
    now: datetime,
    *,
    decision: CaseDecision | None = None,
    by: str | None = None,
    note: str = "",
) -> LoanState:
    """The case leaves the queue; an unknown id changes nothing."""
    left = tuple(case for case in state.cases if case.case_id != case_id)
    if len(left) == len(state.cases):
        return state
    closed = CaseClosedEntry(at=now, case_id=case_id, state=outcome, decision=decision, by=by, note=note)
    return write(state.model_copy(update={"cases": left}), closed)


def lapse_case(state: LoanState, case_id: str, now: datetime) -> LoanState:
    """The SLA passed: the case goes to the next queue; from the last one the sequence goes on without it.

    A dispute, hardship, bereavement or vulnerability stays held whatever the clock says.
    """
    case = next(case for case in state.cases if case.case_id == case_id)
    then = state.strategy.queues[case.queue].then if case.queue in state.strategy.queues else None
    if then is None:
        moved = case.model_copy(update={"lapsed": True, "holds": case.kind is CaseKind.CIRCUMSTANCE})
        state = note(state, now, "case_sla_lapsed", f"{case_id}: nobody decided in {case.queue}")
    else:
        sla_at = now + timedelta(hours=state.strategy.queues[then].sla_hours)
        moved = case.model_copy(update={"queue": then, "sla_at": sla_at, "assignments": case.assignments + 1})
        state = write(state, CaseMovedEntry(at=now, case_id=case_id, queue=then, sla_at=sla_at))
    cases = tuple(moved if c.case_id == case_id else c for c in state.cases)
    return state.model_copy(update={"cases": cases})
