"""Another day for the next payment of an agreement: asked for in a message, read back, moved by a recorded yes.

The rule is the agreements' own (`domain/agreements/moving.py`): once for each agreement, no further than the strategy
allows. Who wants more is told what is possible, or a person goes on.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.agreements.judging import last_day, left_of, next_unpaid
from domain.agreements.limits import terms_of
from domain.agreements.model import Agreement, AgreementKind, Evidence
from domain.agreements.moving import Movable, due_date_moved, last_possible, movable, possible_from
from domain.conversation.model import Answer, AnswerKind, Moving
from domain.conversation.offering import withdrawn
from domain.conversation.saying import change, of, say, to_a_person
from domain.events.agreements import DueDateMoved
from domain.events.borrower import ReplyUnderstood
from domain.loan_state import LoanState
from domain.replies.labels import Intent

QUESTION_STANDS = timedelta(days=3)
"""A yes that comes later than this is no answer to what was read back."""
_ANSWERS = frozenset({Intent.OTHER, Intent.ACKNOWLEDGEMENT})
_QUESTIONS = frozenset({AnswerKind.CONFIRM_MOVE, AnswerKind.MOVE_DAYS})


def is_about_a_day(state: LoanState, event: ReplyUnderstood) -> bool:
    """Whether a message says when the payment that is agreed on comes, or asks for another day for it.

    A promise has its own way: only who asks to move it, without promising anything, is meant here.
    """
    agreement = state.agreement
    if agreement is None or Intent.WRONG_PERSON in event.intents:
        return False
    first, asks = event.intents[0], event.asks_to_move or event.day_named is not None
    if agreement.kind is AgreementKind.PROMISE:
        return first is Intent.REQUEST_PLAN and asks
    if first is Intent.PROMISE_TO_PAY:
        says_which = _asked_which(state) and day_in(event) is not None
        return asks or says_which or Intent.REQUEST_PLAN not in event.intents
    if first is Intent.REQUEST_PLAN:
        return asks
    return answers_which_day(state, event)


def is_plain(state: LoanState, event: ReplyUnderstood) -> bool:
    """Whether rules read the wish and its day in the words themselves, however sure the labels are of the rest."""
    return event.day_named is not None and (event.asks_to_move or answers_which_day(state, event))


def answers_which_day(state: LoanState, event: ReplyUnderstood) -> bool:
    """Whether a message that says hardly more than a day answers a question about one; it is read back in any case."""
    return _asked_which(state) and event.day_named is not None and event.intents[0] in _ANSWERS


def _asked_which(state: LoanState) -> bool:
    """Whether a question about a day went out and still waits."""
    moving = of(state).moving
    return moving is not None and moving.told and not moving.void


def day_in(event: ReplyUnderstood) -> date | None:
    """The day a message asks for; of one that cannot keep a day, never that one."""
    return event.day_named or (None if event.asks_to_move else event.promise_date)


def asked(state: LoanState, event: ReplyUnderstood, agreement: Agreement, now: datetime) -> LoanState:
    """In time: what is due, and when. Later: read back, or which days are possible, or a person."""
    state = change(withdrawn(state, now), proposed=None, moving=None)
    return _asked(state, event, agreement, day_in(event), now)


def answered(state: LoanState, event: ReplyUnderstood, now: datetime) -> LoanState | None:
    """A plain yes or no to the day that was read back; None when nothing of this kind waits for one. Of a question that
    is not known to have left yet, that report decides."""
    talk = of(state)
    moving = talk.moving
    if moving is None:
        return None
    if not moving.told:
        waits = talk.answer is not None and talk.answer.number == moving.answer
        if moving.void or event.received_at - moving.asked_at > QUESTION_STANDS or not (waits or event.says == "yes"):
            return None
        return change(state, moving=moving.hearing(event))
    if moving.void or now - moving.asked_at > QUESTION_STANDS or not _stands(state, moving):
        return _asked_anew(change(state, moving=None), event, moving, now)
    if event.says == "yes":
        return _move(state, event, moving, now) if moving.to is not None else state
    if moving.to is None:
        return to_a_person(change(state, moving=None), event, now, AnswerKind.PERSON, "no day that is possible suits")
    found = movable(state, now)
    return _not_possible(state, event, found, now) if isinstance(found, str) else _which_day(state, event, found, now)


def reported(state: LoanState, number: int, sent_at: datetime | None, *, sent: bool) -> LoanState:
    """The question of answer `number` went out and can be answered from now on, or it never will."""
    moving = of(state).moving
    if moving is None or moving.answer != number:
        return state
    told = moving.hearing_nothing().model_copy(update={"told": True, "sent_at": sent_at})
    return change(state, moving=told if sent else None)


def may_be_asked(state: LoanState, answer: Answer) -> bool:
    """A question about a day goes out only while what it asks is so."""
    if answer.kind not in _QUESTIONS:
        return True
    moving = of(state).moving
    asks = moving is not None and moving.answer == answer.number
    return asks and moving is not None and not moving.void and _stands(state, moving)


def overtaken(before: LoanState, after: LoanState) -> LoanState:
    """A payment or other news between question and yes makes the question void."""
    talk = after.conversation
    if talk is None or talk.moving is None or talk.moving.void:
        return after
    known = before.conversation.moving if before.conversation is not None else None
    asked_before = known is not None and known.answer == talk.moving.answer
    if not asked_before or _rests_on(before) == _rests_on(after):
        return after
    return change(after, moving=talk.moving.model_copy(update={"void": True}))


def _asked(
    state: LoanState, event: ReplyUnderstood, agreement: Agreement, day: date | None, now: datetime
) -> LoanState:
    covered = next_unpaid(state, agreement)
    if covered is None:
        return _not_possible(state, event, "nothing of it is left to pay", now)
    payment = covered.instalment
    in_time = last_day(state, agreement, payment) if payment.missed else payment.due
    if (day is None and not event.asks_to_move) or (day is not None and day <= in_time):
        left = _left(state, agreement)
        return say(state, event, now, AnswerKind.NEXT_PAYMENT, left, in_time, progress=True)
    found = movable(state, now)
    if isinstance(found, str):
        return _not_possible(state, event, found, now)
    if event.promise_amount_minor is not None and event.promise_amount_minor < _left(state, agreement):
        return _not_possible(state, event, "less than the payment is named", now)
    to = possible_from(found, day, _move_days(state, found)) if day is not None else None
    return _which_day(state, event, found, now) if to is None else _ask(state, event, found, to, now)


def _asked_anew(state: LoanState, event: ReplyUnderstood, moving: Moving, now: datetime) -> LoanState | None:
    """The yes came too late: what it was meant for is asked as things stand now."""
    agreement = state.agreement
    due_dates = agreement is not None and agreement.kind is not AgreementKind.PROMISE
    if event.says != "yes" or moving.to is None or agreement is None or not due_dates:
        return None
    return _asked(state, event, agreement, moving.to, now)


def _ask(state: LoanState, event: ReplyUnderstood, found: Movable, to: date, now: datetime) -> LoanState:
    return _question(state, event, AnswerKind.CONFIRM_MOVE, found, to, to, now)


def _which_day(state: LoanState, event: ReplyUnderstood, found: Movable, now: datetime) -> LoanState:
    last = last_possible(found, _move_days(state, found))
    if last is None:
        return _not_possible(state, event, "no day that is possible is a working day", now)
    return _question(state, event, AnswerKind.MOVE_DAYS, found, last, None, now)


def _question(
    state: LoanState,
    event: ReplyUnderstood,
    kind: AnswerKind,
    found: Movable,
    names: date,
    to: date | None,
    now: datetime,
) -> LoanState:
    left = _left(state, found.agreement)
    said = say(change(state, moving=None), event, now, kind, left, names)
    answer = of(said).answer
    if answer is None or answer.kind is not kind:
        return said  # a person goes on
    moving = Moving(
        agreement=found.agreement.number,
        payment=found.instalment.number,
        due=found.instalment.due,
        amount_minor=left,
        answer=answer.number,
        asked_at=now,
        to=to,
    )
    return change(said, moving=moving)


def _move(state: LoanState, event: ReplyUnderstood, moving: Moving, now: datetime) -> LoanState:
    assert moving.to is not None
    evidence = Evidence(at=event.received_at, message_id=event.message_id, text_sha256=event.text_sha256)
    order = DueDateMoved(number=moving.agreement, to=moving.to, by="borrower", evidence=evidence)
    state = change(state, moving=None)
    moved, refused = due_date_moved(state, order, now)
    if refused is not None:
        return _not_possible(state, event, refused, now)
    return say(moved, event, now, AnswerKind.MOVED, moving.amount_minor, moving.to, progress=True)


def _not_possible(state: LoanState, event: ReplyUnderstood, why: str, now: datetime) -> LoanState:
    state = change(state, moving=None)
    return to_a_person(state, event, now, AnswerKind.PERSON, f"asks for another day to pay: {why}")


def _move_days(state: LoanState, found: Movable) -> int:
    terms = terms_of(state.strategy, found.agreement.kind)
    return terms.move_days if terms is not None else 0


def _left(state: LoanState, agreement: Agreement) -> int:
    """What is still to pay of the next payment, minor units."""
    covered = next_unpaid(state, agreement)
    assert covered is not None
    return left_of(state, covered)


def _stands(state: LoanState, moving: Moving) -> bool:
    """Whether the payment is still as it was when it was asked about."""
    agreement = state.agreement
    if agreement is None or agreement.number != moving.agreement or state.circumstance is not None:
        return False
    covered = next_unpaid(state, agreement)
    if covered is None or (covered.instalment.number, covered.instalment.due) != (moving.payment, moving.due):
        return False
    return _left(state, agreement) == moving.amount_minor


def _rests_on(state: LoanState) -> tuple[object, ...]:
    """What a question about a day is true of: the money that came, agreements and their dates, what was reported."""
    agreements = tuple(
        (a.number, a.state, a.revision, tuple(i.missed for i in a.instalments)) for a in state.agreements
    )
    return state.payments, agreements, state.circumstance, state.end, state.ceased
