"""Whether an agreement is kept: read off the payments, and read off them again whenever money or time brings news."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from math import ceil

from domain.agreements.coverage import Covered as Covered
from domain.agreements.coverage import covered_by, payments_towards
from domain.agreements.model import JUDGED, Agreement, AgreementKind, AgreementState, Instalment, last_in_force
from domain.agreements.schedule import next_working_day
from domain.agreements.terms import AgreementMessages
from domain.agreements.working_days import money_arrives_from
from domain.cases import close_case, open_case
from domain.ledger_entries import PAID_ENDS, AgreementEntry, CaseKind, CaseState, LoanEnd
from domain.loan_state import LoanState, write
from domain.loans import LoanFacts
from domain.payable import payable
from domain.strategy import Strategy

_PROMISE = AgreementKind.PROMISE
DATE_MOVED = "due date moved"
GOES_ON = "goes on, "
"""Changes by which due dates become others, as the records hear of them."""


def messages_of(strategy: Strategy, kind: AgreementKind) -> AgreementMessages:
    """What the strategy has said while such an agreement lives."""
    found = {
        _PROMISE: strategy.promises,
        AgreementKind.PLAN: strategy.plans,
        AgreementKind.SETTLEMENT: strategy.settlements,
        AgreementKind.RESTRUCTURING: strategy.restructurings,
    }[kind]
    return found or AgreementMessages()


def last_day(state: LoanState, agreement: Agreement, instalment: Instalment) -> date:
    """The last local day on which money for `instalment` still counts as in time: one on which money can arrive."""
    granted = _granted_until(agreement, instalment)
    if agreement.number in state.grace_by_calendar:
        return granted
    return money_arrives_from(granted, state.facts.currency, agreement.holidays)


def _granted_until(agreement: Agreement, instalment: Instalment) -> date:
    granted = instalment.due + timedelta(days=agreement.grace_days)
    return max(granted, instalment.grace_until) if instalment.grace_until is not None else granted


def grace_moves_on(state: LoanState) -> tuple[int, ...]:
    """The numbers of agreements of which the days of grace end on a day on which no money arrives."""
    return tuple(
        agreement.number
        for agreement in state.agreements
        if agreement.state in JUDGED
        and any(last_day(state, agreement, each) != _granted_until(agreement, each) for each in agreement.instalments)
    )


def _after(facts: LoanFacts, day: date) -> datetime:
    return facts.moment(day + timedelta(days=1), time(0))


def deadline(state: LoanState, agreement: Agreement, instalment: Instalment) -> datetime:
    """The first moment at which `instalment` is too late."""
    return _after(state.facts, last_day(state, agreement, instalment))


def counted(state: LoanState, agreement: Agreement) -> list[tuple[date, int]]:
    """As `payments_towards`, of the loan's own payments."""
    return payments_towards(agreement, state.payments, state.facts)


def coverage(state: LoanState, agreement: Agreement) -> tuple[Covered, ...]:
    """Each instalment with what covers it: the oldest is paid first."""
    return covered_by(agreement, state.payments, state.facts, state.smallest_owed_minor)


def next_unpaid(state: LoanState, agreement: Agreement) -> Covered | None:
    return next((covered for covered in coverage(state, agreement) if covered.on is None), None)


def left_of(state: LoanState, covered: Covered) -> int:
    """What is still to pay of the next unpaid instalment, minor units: payable, never more than is due, at least 1."""
    return max(payable(min(covered.missing_minor, state.balance_minor), state.facts.currency), 1)


def verdict(state: LoanState, agreement: Agreement, now: datetime) -> AgreementState:
    """What the payments say of an agreement at `now`."""
    promise = agreement.kind is _PROMISE
    stands_still = agreement.live and not promise and state.circumstance is not None
    late = _late(state, agreement, paid_late=not stands_still)
    fulfilled = AgreementState.KEPT if promise else AgreementState.COMPLETED
    if not late:
        return fulfilled
    first = late[0]
    too_late = now >= deadline(state, agreement, first.instalment)
    if not too_late or stands_still:
        left = state.balance_minor - agreement.adjustment_minor + agreement.interest_minor
        paid_off = left < state.smallest_owed_minor
        return fulfilled if paid_off else AgreementState.OPEN if promise else AgreementState.ACTIVE
    end = last_day(state, agreement, first.instalment)
    if _debt_on(state, agreement, end) < state.smallest_owed_minor:
        return fulfilled
    if not promise:
        return AgreementState.BROKEN
    in_time = sum(amount for on, amount in counted(state, agreement) if on <= end)
    return AgreementState.PARTLY_KEPT if in_time > 0 else AgreementState.BROKEN


def _late(state: LoanState, agreement: Agreement, *, paid_late: bool = True) -> list[Covered]:
    """Instalments without their money, and where `paid_late` those whose money is dated after their last day."""
    return [
        covered
        for covered in coverage(state, agreement)
        if covered.on is None or (paid_late and covered.on > last_day(state, agreement, covered.instalment))
    ]


def _debt_on(state: LoanState, agreement: Agreement, day: date) -> int:
    """What was due at the end of `day`, by value dates, as long as `agreement` was kept."""
    others = sum(a.adjustment_minor for a in state.agreements if a.number != agreement.number)
    by_then = sum(p.stands_minor for p in state.payments if state.facts.local_date(p.paid_at) <= day)
    return state.facts.amount_due_minor + others + agreement.interest_minor - by_then


def judge(state: LoanState, now: datetime) -> LoanState:
    """Every agreement as the payments and the clock have it at `now`. Asking again changes nothing."""
    state = _stand_still(state, now)
    for agreement in state.agreements:
        if agreement.state in JUDGED:
            state = _judged_again(state, agreement, now)
    return _mark_instalments(state, now)


def _judged_again(state: LoanState, agreement: Agreement, now: datetime) -> LoanState:
    found = verdict(state, agreement, now)
    if agreement.live and agreement.kind is _PROMISE and state.circumstance is not None and found.value == "open":
        return finish(state, agreement, AgreementState.VOID, now)
    if found is agreement.state:
        return state
    if found in (AgreementState.OPEN, AgreementState.ACTIVE):
        return _revive(state, agreement, found, now)
    if agreement.state is AgreementState.BROKEN:
        state = _take_back_breach(state, agreement, now)
    return finish(state, agreement, found, now)


def _revive(state: LoanState, agreement: Agreement, found: AgreementState, now: datetime) -> LoanState:
    """In force again: a payment was taken back, or one that came in time has become known."""
    if state.end is not None:
        return state
    if agreement.state is AgreementState.BROKEN:
        state = _take_back_breach(state, agreement, now)
    last = last_in_force(state.agreements)
    if state.agreement is not None or last is None or last.number != agreement.number:
        return finish(state, agreement, AgreementState.REPLACED, now)
    if agreement.kind is _PROMISE and state.circumstance is not None:
        return finish(state, agreement, AgreementState.VOID, now)
    again = {"state": found, "ended_at": None, "remitted_minor": 0}
    state = replace(state, agreement.model_copy(update=again), now, "in force again")
    return _stand_still(state.model_copy(update={"funds_seen_at": None}), now)


def _take_back_breach(state: LoanState, agreement: Agreement, now: datetime) -> LoanState:
    if agreement.kind is _PROMISE:
        state = state.model_copy(update={"broken_promises": max(state.broken_promises - 1, 0)})
    for case in state.cases:
        if case.agreement == agreement.number and case.kind is CaseKind.BROKEN_AGREEMENT:
            state = close_case(
                state, case.case_id, CaseState.RETRACTED, now, note="a payment made in time became known"
            )
    return state


def replace(state: LoanState, agreement: Agreement, now: datetime, change: str) -> LoanState:
    """`agreement` in the place of the one with its number, told to the records."""
    kept = tuple(agreement if a.number == agreement.number else a for a in state.agreements)
    state = state.model_copy(update={"agreements": kept})
    return tell(state, agreement, now, change)


def tell(state: LoanState, agreement: Agreement, now: datetime, change: str) -> LoanState:
    """The records get the whole agreement as it stands, with what is paid of each instalment."""
    paid = tuple(covered.paid_minor for covered in coverage(state, agreement))
    return write(state, AgreementEntry(at=now, agreement=agreement, paid_minor=paid, change=change))


def finish(state: LoanState, agreement: Agreement, end: AgreementState, now: datetime) -> LoanState:
    """The agreement ends as `end`, with all that follows from it."""
    update: dict[str, object] = {"state": end, "ended_at": now, "held_since": None, "remitted_minor": 0}
    messages = messages_of(state.strategy, agreement.kind)
    broken = end is AgreementState.BROKEN
    if end is AgreementState.COMPLETED:
        update["remitted_minor"] = _remitted(state, agreement)
        update["instalments"] = _in_time(state, agreement, state.facts.local_date(now))
    if broken:
        # Once is enough, even if money taken back and forth breaks it again.
        update["told"] = agreement.told or messages.broken is None
    if agreement.live:
        state = state.model_copy(update={"funds_seen_at": None})
    state = replace(state, agreement.model_copy(update=update), now, end)
    if not broken:
        return state
    if agreement.kind is _PROMISE:
        state = state.model_copy(update={"broken_promises": state.broken_promises + 1})
    queue = messages.queue if agreement.kind is _PROMISE else messages.queue or next(iter(state.strategy.queues), None)
    if state.end is None and (queue is not None or agreement.kind is not _PROMISE):
        reason = f"{agreement.kind} {agreement.number} was not kept"
        state = open_case(state, CaseKind.BROKEN_AGREEMENT, reason, now, queue=queue, agreement=agreement.number)
    return state


def _in_time(state: LoanState, agreement: Agreement, today: date) -> tuple[Instalment, ...]:
    """What was fulfilled while it stood still was in time, also once it no longer stands still."""
    return tuple(
        c.instalment.model_copy(update={"grace_until": max(today, c.on or today)})
        if c.on is None or c.on > last_day(state, agreement, c.instalment)
        else c.instalment
        for c in coverage(state, agreement)
    )


def _remitted(state: LoanState, agreement: Agreement) -> int:
    """What a completed settlement forgives: the rest of the debt as it turned out to be, never more than agreed."""
    if agreement.remission_minor == 0:
        return 0
    towards = sum(amount for _, amount in counted(state, agreement))
    elsewhere = sum(p.stands_minor for p in state.payments) - towards
    others = sum(a.adjustment_minor for a in state.agreements if a.number != agreement.number)
    debt = state.facts.amount_due_minor + others - elsewhere
    return min(agreement.remission_minor, max(debt - agreement.total_minor, 0))


def _stand_still(state: LoanState, now: datetime) -> LoanState:
    """While a person has to decide on a circumstance an agreement stands still; afterwards its unpaid dates move on by
    the days it stood, never onto a weekend or a holiday it was told of."""
    agreement = state.agreement
    if agreement is None or agreement.kind is _PROMISE:
        return state
    if state.circumstance is not None:
        if agreement.held_since is not None:
            return state
        return replace(state, agreement.model_copy(update={"held_since": now}), now, "held")
    if agreement.held_since is None:
        return state
    days = ceil((now - agreement.held_since) / timedelta(days=1))
    moved = tuple(_after_standing(state, agreement, covered, days, now) for covered in coverage(state, agreement))
    later = [new.number for old, new in zip(agreement.instalments, moved, strict=True) if new.moved != old.moved]
    changed = {"held_since": None, "instalments": moved} | revised(agreement, now, min(later, default=None))
    return replace(state, agreement.model_copy(update=changed), now, f"{GOES_ON}{days} days later")


def _after_standing(state: LoanState, agreement: Agreement, covered: Covered, days: int, now: datetime) -> Instalment:
    """Days move on whose money is not there yet; what was paid while it stood still was paid in time."""
    if covered.on is None or covered.on > state.facts.local_date(now):
        return _moved(covered.instalment, days, agreement.holidays)
    assert agreement.held_since is not None
    stood = state.facts.local_date(agreement.held_since) <= covered.on <= state.facts.local_date(now)
    if stood and covered.on > last_day(state, agreement, covered.instalment):
        return covered.instalment.model_copy(update={"grace_until": covered.on})
    return covered.instalment


def revised(agreement: Agreement, now: datetime, first: int | None) -> dict[str, object]:
    """What changes of an agreement whose dates moved: it has a new document, which has not been sent yet, and from
    instalment `first` on, the first whose day is another one, all that is said about a day has to be said again."""
    told = agreement.reminded, agreement.missed_told, agreement.offered
    before = told if first is None else tuple(min(number, first - 1) for number in told)
    again = dict(zip(("reminded", "missed_told", "offered"), before, strict=True))
    return {"revision": agreement.revision + 1, "revised_at": now, "documented": False, **again}


def _moved(instalment: Instalment, days: int, holidays: Collection[date]) -> Instalment:
    due = next_working_day(instalment.due + timedelta(days=days), holidays)
    return instalment.model_copy(update={"due": due, "moved": min(instalment.moved + 1, 9), "missed": False})


def _mark_instalments(state: LoanState, now: datetime) -> LoanState:
    """Note which instalments' days passed without the money, and which of those were made good."""
    agreement = state.agreement
    if agreement is None or agreement.kind is _PROMISE or agreement.held_since is not None:
        return state
    marked = tuple(
        c.instalment.model_copy(update={"missed": True})
        if not c.instalment.missed and _was_missed(c, state.facts, now)
        else c.instalment
        for c in coverage(state, agreement)
    )
    if marked == agreement.instalments:
        return state
    return replace(state, agreement.model_copy(update={"instalments": marked}), now, "instalment missed")


def _was_missed(covered: Covered, facts: LoanFacts, now: datetime) -> bool:
    return covered.on is None and now >= _after(facts, covered.instalment.due)


def next_moment(state: LoanState) -> datetime | None:
    """When the clock alone changes the agreement in force: money with a late value date is judged as no money is."""
    agreement = state.agreement
    if agreement is None or agreement.held_since is not None or not (late := _late(state, agreement)):
        return None
    moments = [deadline(state, agreement, late[0].instalment)]
    unpaid = next((covered for covered in late if covered.on is None), None)
    if unpaid is not None and agreement.kind is not _PROMISE and not unpaid.instalment.missed:
        moments.append(_after(state.facts, unpaid.instalment.due))
    return min(moments)


def grant_fresh_grace(state: LoanState, now: datetime) -> LoanState:
    """A payment was taken back: an instalment it had covered is open again, and its grace begins anew."""
    return state.model_copy(update={"agreements": tuple(_granted(state, a, now) for a in state.agreements)})


def _granted(state: LoanState, agreement: Agreement, now: datetime) -> Agreement:
    if agreement.kind is _PROMISE or agreement.state not in (AgreementState.ACTIVE, AgreementState.COMPLETED):
        return agreement
    until = state.facts.local_date(now) + timedelta(days=agreement.grace_days)
    granted = tuple(
        c.instalment.model_copy(update={"grace_until": until})
        if (c.on is None or c.on > last_day(state, agreement, c.instalment))
        and now >= deadline(state, agreement, c.instalment)
        else c.instalment
        for c in coverage(state, agreement)
    )
    return agreement.model_copy(update={"instalments": granted})


def still_paid_off(state: LoanState, now: datetime) -> bool:
    """Whether a loan that ended as paid is so after a payment was taken back: a settlement may no longer hold."""
    return not judge(state.model_copy(update={"end": None}), now).owes


def expire_proposals(state: LoanState, now: datetime) -> LoanState:
    """Offers that nobody said yes to in time."""
    for agreement in state.agreements:
        over = agreement.expires_at is not None and now >= agreement.expires_at
        if agreement.state is AgreementState.PROPOSED and over:
            state = close_approval(state, agreement, now, "the offer expired")
            state = finish(state, agreement, AgreementState.EXPIRED, now)
    return state


def close_approval(state: LoanState, agreement: Agreement, now: datetime, why: str) -> LoanState:
    for case in state.cases:
        if case.agreement == agreement.number and case.kind is CaseKind.APPROVAL:
            state = close_case(state, case.case_id, CaseState.CLOSED, now, note=why)
    return state


def end_with_loan(state: LoanState, end: LoanEnd, now: datetime) -> LoanState:
    """The loan leaves collection: what was agreed is fulfilled by full payment, else it is void."""
    state = judge(state, now) if end in PAID_ENDS else state
    for agreement in state.agreements:
        if agreement.live or agreement.state is AgreementState.PROPOSED:
            state = finish(state, agreement, AgreementState.VOID, now)
    return state
