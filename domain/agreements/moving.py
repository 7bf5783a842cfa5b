"""Moving the next due date of an agreement: once, no further than the strategy allows, to a working day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from domain.agreements.judging import DATE_MOVED, next_unpaid, replace, revised
from domain.agreements.limits import terms_of
from domain.agreements.model import Agreement, AgreementKind, Instalment
from domain.agreements.schedule import next_working_day
from domain.events.agreements import DueDateMoved
from domain.loan_state import LoanState, note


class Movable(NamedTuple):
    """The payment whose day may move, of which agreement, and from which to which day."""

    agreement: Agreement
    instalment: Instalment
    first: date
    last: date


def movable(state: LoanState, now: datetime) -> Movable | str:
    """What may be moved now, or why nothing may."""
    agreement = state.agreement
    if agreement is None or agreement.kind is AgreementKind.PROMISE:
        return "no agreement with due dates is in force"
    terms = terms_of(state.strategy, agreement.kind)
    if terms is None or terms.move_days == 0:
        return f"the strategy lets no due date of a {agreement.kind} be moved"
    if state.circumstance is not None:
        return f"{state.circumstance} was reported: a person must decide first"
    if agreement.date_moved:
        return "a due date of it was moved already"
    covered = next_unpaid(state, agreement)
    if covered is None:
        return "nothing of it is left to pay"
    instalment = covered.instalment
    if instalment.missed:
        return f"payment {instalment.number} was missed already"
    first = max(instalment.due, state.facts.local_date(now)) + timedelta(days=1)
    last = instalment.due + timedelta(days=terms.move_days)
    later = agreement.instalments[instalment.number : instalment.number + 1]
    if later:
        last = min(last, later[0].due - timedelta(days=1))
    if last < first:
        return f"payment {instalment.number} may move from {instalment.due} by at most {terms.move_days} days"
    return Movable(agreement, instalment, first, last)


def to_refused(found: Movable, to: date, move_days: int) -> str | None:
    """Why the payment cannot be moved to this day, or None."""
    agreement, instalment = found.agreement, found.instalment
    later = agreement.instalments[instalment.number : instalment.number + 1]
    if later and found.first <= to <= instalment.due + timedelta(days=move_days) and to >= later[0].due:
        return "the payment after it falls due before that"
    if not found.first <= to <= found.last:
        return f"payment {instalment.number} may move from {instalment.due} by at most {move_days} days"
    if agreement.holidays and next_working_day(to, agreement.holidays) != to:
        return f"{to} is no working day"
    return None


def possible_from(found: Movable, day: date, move_days: int) -> date | None:
    """`day`, or the first after it on which the payment can be; None where that is none of the days it may move to."""
    to = max(day, found.first)
    while to <= found.last and to_refused(found, to, move_days) is not None:
        to += timedelta(days=1)
    return to if to <= found.last else None


def last_possible(found: Movable, move_days: int) -> date | None:
    """The last day the payment can be moved to; None where no day is one."""
    to = found.last
    while to >= found.first and to_refused(found, to, move_days) is not None:
        to -= timedelta(days=1)
    return to if to >= found.first else None


def due_date_moved(state: LoanState, event: DueDateMoved, now: datetime) -> tuple[LoanState, str | None]:
    """The next due date moves on to a working day, once for each agreement, no further than the strategy allows.

    Money that was seen for the day before is looked for anew when the new one comes.
    """
    if state.agreement is None or state.agreement.number != event.number:
        return state, f"agreement {event.number} is not in force"
    found = movable(state, now)
    if isinstance(found, str):
        return state, found
    terms = terms_of(state.strategy, found.agreement.kind)
    assert terms is not None
    if (why := to_refused(found, event.to, terms.move_days)) is not None:
        return state, why
    agreement = found.agreement
    moved = found.instalment.model_copy(update={"due": event.to, "moved": min(found.instalment.moved + 1, 9)})
    instalments = tuple(moved if i.number == moved.number else i for i in agreement.instalments)
    changed = {"instalments": instalments, "date_moved": True, **revised(agreement, now, moved.number)}
    changed["move_evidence"] = event.evidence
    state = state.model_copy(update={"funds_seen_at": None})
    state = note(state, now, "due_date_moved", f"payment {moved.number} to {event.to} by {event.by}")
    return replace(state, agreement.model_copy(update=changed), now, DATE_MOVED), None


def forgets_money_seen(before: LoanState, after: LoanState) -> bool:
    """Whether it was a moved due date for which money that was seen before is looked for anew."""
    was, now = before.agreement, after.agreement
    if before.funds_seen_at is None or after.funds_seen_at is not None or was is None or now is None:
        return False
    return was.number == now.number and now.date_moved and not was.date_moved
