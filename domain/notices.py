"""One-off messages to a loan beside its sequence: ordered, sent inside the same contact budget, or withdrawn."""

from __future__ import annotations

from datetime import datetime

from domain.events.contacts import ContactOutcome, ContactReported
from domain.events.messages import NoticeOrdered, NoticeWithdrawn
from domain.loan_parts import Notice, StepRecord
from domain.loan_state import LoanState, note

MOST_WAITING = 20
_PREFIX = "notice-"


def step_of(notice_id: str) -> str:
    """What stands as the contact's step in the ledger."""
    return f"{_PREFIX}{notice_id}"


def is_notice(step: str) -> bool:
    return step.startswith(_PREFIX)


def notice_ordered(state: LoanState, event: NoticeOrdered, now: datetime) -> tuple[LoanState, str | None]:
    if state.end is not None:
        return state, f"the loan has ended as {state.end}"
    if event.until <= now:
        return state, "until lies in the past"
    if _known(state, event.notice_id):
        return state, None
    if len(state.notices) >= MOST_WAITING:
        return state, f"{MOST_WAITING} one-off messages wait already"
    waiting = Notice(
        notice_id=event.notice_id,
        template=event.template,
        channels=event.channels,
        with_link=event.with_link,
        until=event.until,
    )
    state = state.model_copy(update={"notices": (*state.notices, waiting)})
    return note(state, now, "notice_ordered", event.notice_id), None


def notice_withdrawn(state: LoanState, event: NoticeWithdrawn, now: datetime) -> tuple[LoanState, str | None]:
    if all(waiting.notice_id != event.notice_id for waiting in state.notices):
        return state, None
    return note(_without(state, step_of(event.notice_id)), now, "notice_withdrawn", event.notice_id), None


def drop_expired(state: LoanState, now: datetime) -> LoanState:
    """A message whose time is over is not sent any more."""
    for waiting in state.notices:
        if waiting.until <= now:
            state = _over(state, waiting.notice_id, "not_sent", now, "its time was over")
    return state


def drop_notices(state: LoanState, why: str, now: datetime) -> LoanState:
    """None that waits is sent, also should the loan go on later; each is known, so ordered again it stays out."""
    for waiting in state.notices:
        state = _over(state, waiting.notice_id, "not_sent", now, why)
    return state


def one_off_reported(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    """How it ended; a one-off message is never tried again by the loan."""
    notice_id = event.step.removeprefix(_PREFIX)
    match event.outcome:
        case ContactOutcome.SENT:
            record = StepRecord(step=event.step, occurrence=1, result="sent", at=now, channel=event.channel)
            # Withdrawn or dropped while it left: it left.
            others = tuple(each for each in state.records if each.step != event.step)
            return _without(state, event.step).model_copy(update={"records": (*others, record)})
        case ContactOutcome.UNREACHABLE:
            return _over(state, notice_id, "unreachable", now, ", ".join(event.refused))
        case ContactOutcome.FAILED:
            return _over(state, notice_id, "not_sent", now, "it could not be sent")
        case _:
            return _over(state, notice_id, "not_sent", now, "there was nothing to write about, or no time left")


def _over(state: LoanState, notice_id: str, result: str, now: datetime, because: str) -> LoanState:
    record = StepRecord(step=step_of(notice_id), occurrence=1, result=result, at=now, because=because)
    dropped = _without(state, record.step).model_copy(update={"records": (*state.records, record)})
    return note(dropped, now, "notice_not_sent", notice_id)


def _without(state: LoanState, step: str) -> LoanState:
    left = tuple(waiting for waiting in state.notices if step_of(waiting.notice_id) != step)
    return state.model_copy(update={"notices": left})


def _known(state: LoanState, notice_id: str) -> bool:
    step = step_of(notice_id)
    return any(w.notice_id == notice_id for w in state.notices) or any(r.step == step for r in state.records)
