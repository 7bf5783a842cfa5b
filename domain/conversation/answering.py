"""How a loan answers what its borrower wrote: one pure step from what was understood to what is done and said.

The machine reads back every promise before it counts, never asks why, and says nothing to anybody else than the
borrower. Whatever touches vulnerability, dispute, complaint or a discount goes to a person.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from domain.agreements.judging import left_of, next_unpaid
from domain.agreements.model import AgreementKind, Evidence, Via
from domain.agreements.promise import promise_made, promise_refused
from domain.contact import Channel
from domain.conversation import another_day, offering
from domain.conversation.model import (
    CLOCKS_APART,
    HEARD_KEPT,
    Answer,
    AnswerKind,
    Conversation,
    Proposed,
    Question,
    written_before,
)
from domain.conversation.saying import change, keep, of, say, say_when, to_a_person, with_a_person
from domain.conversation.unanswered import (
    ABOUT_A_PAYMENT,
    TO_A_PERSON,
    acts_as_ever,
    after_cease,
    after_the_end,
    asks_for_an_answer,
    circumstance_in,
    held,
    in_silence,
    is_for_a_person,
    payment_query,
    told_by_another,
)
from domain.dead_addresses import written_from
from domain.events.agreements import PromiseMade
from domain.events.borrower import Circumstance, ReplyUnderstood
from domain.events.contacts import ContactOutcome, ContactReported
from domain.ledger_entries import PAID_ENDS
from domain.loan_state import LoanState, note
from domain.replies.labels import Intent

_QUESTIONS = frozenset({Intent.ASK_HOW_TO_PAY, Intent.ASK_BALANCE, Intent.OTHER})
_MEANS_BY_ITSELF = {"yes": Intent.ALREADY_PAID, "no": Intent.HARDSHIP}
"""What a word for yes or no may mean where nothing was asked ("hecho", "no puedo"); else the model only guesses."""
PROPOSAL_STANDS = timedelta(days=3)
"""A yes that comes later than this is no answer to what was read back."""
_WRITTEN_BEFORE = "a {} was written before what it would answer had left"


def reply_understood(state: LoanState, event: ReplyUnderstood, now: datetime) -> tuple[LoanState, str | None]:
    """Act on a message once, and put the answer in the place of one that was not sent yet."""
    talk = state.conversation or Conversation()
    if event.message_id in talk.heard:
        return state, None
    heard = (*talk.heard, event.message_id)[-HEARD_KEPT:]
    state = keep(state, talk.model_copy(update={"heard": heard, "channel": event.channel}))
    state = note(state, now, "reply_understood", ", ".join(event.intents))
    if Intent.WRONG_PERSON not in event.intents:
        state = written_from(state, event.channel, event.received_at)
    return _acted_on(state, event, now), None


def _acted_on(state: LoanState, event: ReplyUnderstood, now: datetime) -> LoanState:
    if state.end is not None:
        return after_the_end(state, event, now)
    if state.ceased:
        return after_cease(state, event, now)
    if with_a_person(state, now) and not acts_as_ever(state, event):
        return state if _is_courtesy(event) else to_a_person(state, event, now, None, understood=False)
    if event.closes_channel:
        return in_silence(state, event, now)
    # A plain yes or no is an answer to us, whatever a single word may be read as beside that.
    plain = event.says is not None and state.strategy.conversation is not None
    if plain and (answered := _plain_answer(state, event, now)) is not None:
        return answered
    if event.intents[0] is Intent.WRONG_PERSON:
        return told_by_another(state, event, now)
    if (circumstance := circumstance_in(event)) is not None:
        return _reported(state, event, circumstance, now)
    terms = state.strategy.conversation
    if terms is None:
        return to_a_person(state, event, now, None) if is_for_a_person(event) else state
    if event.intents[0] is Intent.OPT_OUT:
        # A sure one never comes here: the channel was closed. Nobody is answered who may have asked for silence.
        return to_a_person(state, event, now, None)
    about_a_day = another_day.is_about_a_day(state, event)
    kinds = () if about_a_day else offering.kinds_asked_for(state, event)
    late = terms.people_after_dpd is not None and state.days_past_due(now) > terms.people_after_dpd
    if about_a_day:
        for_a_person = event.needs_human or not (TO_A_PERSON | {Intent.REQUEST_DISCOUNT}).isdisjoint(event.intents)
    else:
        for_a_person = _beyond(event) if kinds else is_for_a_person(event)
    # An answer would be told nobody: see `channels_of`.
    asks = about_a_day or (asks_for_an_answer(event) and event.intents[0] not in ABOUT_A_PAYMENT)
    silent = asks and event.channel in state.closed_channels
    unsure = event.confidence < terms.confidence and not (about_a_day and another_day.is_plain(state, event))
    if late or unsure or for_a_person:
        state = change(offering.withdrawn(state, now), moving=None)
        return to_a_person(state, event, now, None if silent else AnswerKind.PERSON, understood=not unsure)
    if silent:
        return to_a_person(state, event, now, None)
    if about_a_day and state.agreement is not None:
        promised = state.agreement.kind is AgreementKind.PROMISE
        return _propose(state, event, now) if promised else another_day.asked(state, event, state.agreement, now)
    if kinds:
        if (offered := offering.standing(state, now)) is not None:
            return offering.declined(state, event, offered, now)
        return offering.ask(state, event, kinds)
    return _talk(state, event, now)


def answer_reported(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    """The answer went out, or never can; it is not tried again by itself: another message may come any moment.

    A yes or a no to what it reads back may have been heard first, where the report was held up, and more than one. What
    was written before the question left, or beside one that never left, says what it says without it. Of what was
    written after it left the last counts.
    """
    waiting = _untold(state)
    state = _reported_answer(state, event)
    if waiting is None or waiting.number > event.occurrence:
        return state
    early = waiting.question.heard_early
    # Answers leave one after the other: one whose place this took, and of which nothing was heard, never left.
    asked = event.outcome is ContactOutcome.SENT and waiting.number == event.occurrence
    if not asked:
        state = change(state, **{waiting.field: None})
    if state.end in PAID_ENDS:
        return state
    said_before = [word for word in early if asked and _left_after(event, word)]
    for word in said_before:
        state = _said_before(state, word, now)
    answers = early[len(said_before) :]
    if asked and answers and getattr(of(state), waiting.field) is not None:
        return _answered_early(state, answers[-1], now)
    # Without a question, or with one that something said before it has ended.
    for word in answers:
        state = _acted_on(state, word, now)
    return state


def _left_after(event: ContactReported, word: ReplyUnderstood) -> bool:
    """Whether the question left after this was written, as far as anyone can know."""
    return event.sent_at is None or word.received_at < event.sent_at - CLOCKS_APART


def _answered_early(state: LoanState, early: ReplyUnderstood, now: datetime) -> LoanState:
    """An answer that was heard before it was known that its question had left."""
    if state.end is not None or state.ceased or with_a_person(state, now):
        return state
    if (answered := _plain_answer(state, early, now)) is not None:
        return answered
    why = f"a {early.says} to what was asked was heard late"
    return to_a_person(state, early, now, AnswerKind.PERSON, why)


def _said_before(state: LoanState, early: ReplyUnderstood, now: datetime) -> LoanState:
    """What was written before the question left; the question stays open. A bare yes is courtesy to what was before."""
    if _means_by_itself(state, early):
        return _acted_on(state, early.model_copy(update={"says": None}), now)
    if early.says == "yes" or state.end is not None:
        return state
    return to_a_person(state, early, now, None, _WRITTEN_BEFORE.format(early.says))


class _Untold(NamedTuple):
    """A question that is not known to have left, the field it stands in and the number of the answer that asks it."""

    field: str
    question: Question
    number: int


def _untold(state: LoanState) -> _Untold | None:
    talk, teller = of(state), offering.teller(state)
    if talk.proposed is not None and talk.proposed.answer is not None and not talk.proposed.told:
        return _Untold("proposed", talk.proposed, talk.proposed.answer)
    if talk.moving is not None and not talk.moving.told:
        return _Untold("moving", talk.moving, talk.moving.answer)
    return _Untold("offered", talk.offered, teller) if talk.offered is not None and teller is not None else None


def _reported_answer(state: LoanState, event: ContactReported) -> LoanState:
    talk, sent = state.conversation, event.outcome is ContactOutcome.SENT
    if talk is None:
        return state
    if sent:
        state = offering.went_out(state, event.occurrence, event.sent_at)
    if talk.answer is not None and talk.answer.number == event.occurrence:
        if event.outcome is ContactOutcome.FAILED and event.occurrence == talk.answers:
            state = state.model_copy(update={"contact_rests_until": None})
        if not sent and talk.answer.agreement is not None:
            state = change(state, offered=None)  # nobody can say yes to what they were not told
        state = change(state, answer=None)
    elif not sent:
        return state
    # A newer answer may have its place, but the question or the offer went out all the same.
    state = _read_back(state, event.occurrence, event.sent_at, sent=sent)
    return another_day.reported(state, event.occurrence, event.sent_at, sent=sent)


def _talk(state: LoanState, event: ReplyUnderstood, now: datetime) -> LoanState:
    first = event.intents[0]
    if first is Intent.PROMISE_TO_PAY:
        return _propose(state, event, now)
    if event.faq is not None and first in _QUESTIONS:
        return say(state, event, now, AnswerKind.FAQ, faq=event.faq)
    if first in ABOUT_A_PAYMENT:
        state = payment_query(state, first, now)
        return say(state, event, now, AnswerKind.CHECKING_PAYMENT, progress=True)
    if first is Intent.ASK_HOW_TO_PAY:
        due = state.owes
        return say(state, event, now, AnswerKind.HOW_TO_PAY if due else AnswerKind.NOTHING_DUE, progress=True)
    if first is Intent.ASK_BALANCE:
        due = state.owes
        return say(state, event, now, AnswerKind.BALANCE if due else AnswerKind.NOTHING_DUE, progress=True)
    if first is Intent.ACKNOWLEDGEMENT:
        return state
    return say(state, event, now, AnswerKind.NOT_UNDERSTOOD)


def _plain_answer(state: LoanState, event: ReplyUnderstood, now: datetime) -> LoanState | None:
    """Yes or no to what was read back; without anything a yes is courtesy and a no leaves open what is meant.

    None where nothing was asked and the word surely means something by itself, as "hecho" and "no puedo" do.
    """
    asked = _told_question(state)
    if asked is not None and written_before(asked, event):
        if _means_by_itself(state, event):
            return None
        return to_a_person(state, event, now, None, _WRITTEN_BEFORE.format(event.says))
    talk = of(state)
    over = talk.moving is not None and now - talk.moving.asked_at > another_day.QUESTION_STANDS
    if over and _means_by_itself(state, event):
        return None
    if (answered := another_day.answered(state, event, now)) is not None:
        return answered
    if (answered := offering.answered(state, event, now)) is not None:
        return answered
    proposed = talk.proposed
    untold = proposed is not None and proposed.answer is not None and not proposed.told
    asking = proposed is not None and talk.answer is not None and talk.answer.number == proposed.answer
    if proposed is not None and untold and (event.says == "yes" or asking):
        if event.received_at - proposed.asked_at <= PROPOSAL_STANDS:
            # The question may have been read, though nobody has said yet that it left: that report decides.
            return change(state, proposed=proposed.hearing(event))
    stands = proposed is not None and now - proposed.asked_at <= PROPOSAL_STANDS
    offered = (offer := offering.told(state)) is not None and now - offer.asked_at <= offering.OFFER_STANDS
    moving = talk.moving is not None and talk.moving.told and not over
    # A question whose place another answer took may never have been read: what surely means something counts.
    waits = (stands and not untold) or offered or moving
    if not waits and _means_by_itself(state, event):
        return None
    if proposed is not None and not untold and not stands and event.says == "yes":
        if event.received_at - proposed.asked_at <= PROPOSAL_STANDS:
            # Said in time and heard late, as what is fetched after an outage: its day may be over.
            why = "a yes to the promise that was read back was heard late"
            return to_a_person(change(state, proposed=None), event, now, AnswerKind.PERSON, why)
    if proposed is None or untold or not stands:
        return state if event.says == "yes" else say(state, event, now, AnswerKind.NOT_UNDERSTOOD)
    if event.says == "yes":
        return _take_promise(state, event, proposed, now)
    return say(change(state, proposed=None), event, now, AnswerKind.ASK_DATE)


def _told_question(state: LoanState) -> Question | None:
    """What was asked and is known to have left; of an earlier version, what was asked."""
    talk = of(state)
    if talk.proposed is not None:
        return talk.proposed if talk.proposed.told or talk.proposed.answer is None else None
    if talk.moving is not None:
        return talk.moving if talk.moving.told and not talk.moving.void else None
    return offering.told(state)


def _means_by_itself(state: LoanState, event: ReplyUnderstood) -> bool:
    terms = state.strategy.conversation
    if terms is None or event.says is None or event.confidence < terms.confidence:
        return False
    guessed_beside = circumstance_in(event) not in (None, Circumstance.HARDSHIP)
    return event.intents[0] is _MEANS_BY_ITSELF[event.says] and not guessed_beside


def _propose(state: LoanState, event: ReplyUnderstood, now: datetime) -> LoanState:
    """Read a promise back; what the strategy does not take is said, and what it never takes is for a person."""
    if event.asks_to_move and state.agreement is not None:
        state = change(state, another_day_for=state.agreement.number)
    day = another_day.day_in(event)
    if day is None:
        return say(state, event, now, AnswerKind.ASK_DATE)
    amount = min(event.promise_amount_minor or _promised(state, event), max(state.payable_minor, 1))
    wanted = PromiseMade(amount_minor=amount, date=day, by="borrower", via=Via.MESSAGE)
    refused = promise_refused(state, wanted, now)
    if refused is None:
        return _ask_back(state, event, amount, day, now)
    last = state.facts.local_date(now) + timedelta(days=state.strategy.promises.days_ahead)
    nearer = wanted.model_copy(update={"date": last})
    if day > last and promise_refused(state, nearer, now) is None:
        return say(state, event, now, AnswerKind.PROMISE_TOO_FAR, amount, last)
    return to_a_person(state, event, now, AnswerKind.PERSON, f"promises to pay: {refused}")


def _ask_back(state: LoanState, event: ReplyUnderstood, amount: int, day: date, now: datetime) -> LoanState:
    cleared = change(offering.withdrawn(state, now), proposed=None, moving=None)
    said = say(cleared, event, now, AnswerKind.CONFIRM_PROMISE, amount, day)
    answer = of(said).answer
    if answer is None or answer.kind is not AnswerKind.CONFIRM_PROMISE:
        return said  # a person goes on
    return change(said, proposed=Proposed(amount_minor=amount, due=day, asked_at=now, answer=answer.number))


def _read_back(state: LoanState, number: int, sent_at: datetime | None, *, sent: bool) -> LoanState:
    """Answer `number` went out, so that the promise it reads back can be confirmed from now on, or it never will."""
    proposed = of(state).proposed
    if proposed is None or proposed.answer != number:
        return state
    told = proposed.hearing_nothing().model_copy(update={"told": True, "sent_at": sent_at})
    return change(state, proposed=told if sent else None)


def _promised(state: LoanState, event: ReplyUnderstood) -> int:
    """The sum of a promise that names none: all that is due, but another day for an open one keeps what it was over."""
    promise = state.agreement
    asked = promise is not None and of(state).another_day_for == promise.number
    covered = next_unpaid(state, promise) if promise is not None and asked else None
    return left_of(state, covered) if covered is not None else state.payable_minor


def _take_promise(state: LoanState, event: ReplyUnderstood, proposed: Proposed, now: datetime) -> LoanState:
    evidence = Evidence(at=event.received_at, message_id=event.message_id, text_sha256=event.text_sha256)
    promise = PromiseMade(
        amount_minor=min(proposed.amount_minor, max(state.payable_minor, 1)),
        date=proposed.due,
        by="borrower",
        via=Via.MESSAGE,
        evidence=evidence,
    )
    state = change(state, proposed=None)
    opened, refused = promise_made(state, promise, now)
    if refused is not None:
        return to_a_person(state, event, now, AnswerKind.PERSON, f"promises to pay: {refused}")
    return say(opened, event, now, AnswerKind.PROMISE_TAKEN, promise.amount_minor, promise.date, progress=True)


def _reported(state: LoanState, event: ReplyUnderstood, circumstance: Circumstance, now: datetime) -> LoanState:
    """All stands still until a person has decided; the borrower hears that somebody will write, and nothing else."""
    state = held(state, circumstance, now)
    if state.strategy.conversation is None:
        return state
    care = circumstance is Circumstance.VULNERABLE
    kind = AnswerKind.WITH_CARE if care else AnswerKind.PERSON
    return say_when(state, event, now, kind, circumstance, progress=True)


def _is_courtesy(event: ReplyUnderstood) -> bool:
    """Thanks and no more; a plain yes may be the answer to what a person asked."""
    return event.intents == (Intent.ACKNOWLEDGEMENT,) and event.says is None and not event.needs_human


def _beyond(event: ReplyUnderstood) -> bool:
    """Whether a message that asks for another way to pay says more than the machine may answer.

    Whoever asks for a discount is for a person by that alone, so the mark on it says nothing more here.
    """
    marked = event.needs_human and Intent.REQUEST_DISCOUNT not in event.intents
    return marked or not TO_A_PERSON.isdisjoint(event.intents)


def channels_of(state: LoanState, answer: Answer) -> tuple[Channel, ...]:
    """Only by the way the borrower wrote: another address may be read by another person."""
    return () if answer.channel in state.closed_channels else (answer.channel,)
