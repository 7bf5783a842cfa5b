"""What a person of ours writes to a borrower in own words: ordered by its id, sent once by the one contact path.

The words themselves are in the records; a loan knows their id, the channel and until when they may go.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.agreements.terms import Authority
from domain.cases import close_case, open_once, reopen_case
from domain.contact import Channel, Purpose
from domain.contact_orders import SendContact
from domain.conversation import offering
from domain.conversation.saying import PERSON_TALKS, change
from domain.events.contacts import ContactOutcome, ContactReported
from domain.events.control import CaseDecision
from domain.events.messages import WordsWithdrawn, WordsWritten
from domain.ledger_entries import PAID_ENDS, CaseKind, CaseState, WordsEntry, WordsState
from domain.loan_parts import OpenCase, StepRecord, Words
from domain.loan_state import LoanState, note, would_exist, write

TEMPLATE = "own_words"
WRITABLE = (Channel.SMS, Channel.WHATSAPP, Channel.EMAIL)
LONGEST = {Channel.SMS: 800, Channel.WHATSAPP: 2_000, Channel.EMAIL: 5_000}
"""Characters of the words alone: what every message ends with comes on top."""
MOST_WAITING = 5
STANDS_FOR = timedelta(days=3)
"""Words that have not gone out by then are for nobody any more, unless whoever writes says otherwise."""
LONGEST_WAIT = timedelta(days=30)
ANSWERABLE = frozenset({CaseKind.HANDOFF, CaseKind.CIRCUMSTANCE, CaseKind.PAYMENT_QUERY, CaseKind.BROKEN_AGREEMENT})
"""Cases that words to the borrower can settle."""
WITHDRAWN = "withdrawn by a person"
_PREFIX = "words-"
_NOT_SENT = {
    ContactOutcome.FAILED: "it could not be sent",
    ContactOutcome.NOT_WANTED: "its time was over",
}


def step_of(words_id: str) -> str:
    """What stands as the contact's step in the ledger."""
    return f"{_PREFIX}{words_id}"


def is_words(step: str) -> bool:
    return step.startswith(_PREFIX)


def id_of(step: str) -> str:
    return step.removeprefix(_PREFIX)


def words_written(state: LoanState, event: WordsWritten, now: datetime) -> tuple[LoanState, str | None]:
    """Take the order once. The machine falls silent: what it had asked or offered is a person's matter now."""
    if (refused := _refused(state, event, now)) is not None:
        return state, refused
    if _known(state, event.words_id):
        return state, None
    case = next((case for case in state.cases if case.case_id == event.case_id), None)
    if event.case_id is not None:
        if case is None:
            return state, f"no open case {event.case_id}"
        if case.kind not in ANSWERABLE:
            return state, f"a case of kind {case.kind} is decided, not answered"
        state = close_case(
            state,
            case.case_id,
            CaseState.DECIDED,
            now,
            decision=CaseDecision.CONTINUE,
            by=event.by,
            note="answered in own words",
        )
    gave_way = case is not None or (state.conversation is not None and state.conversation.answer is not None)
    state = change(
        offering.withdrawn(state, now),
        proposed=None,
        moving=None,
        answer=None,
        turns=0,
        person_until=now + PERSON_TALKS,
    )
    waiting = Words(words_id=event.words_id, channel=event.channel, until=event.until, owed=gave_way, settled=case)
    state = state.model_copy(update={"words": (*state.words, waiting)})
    return write(state, WordsEntry(at=now, words_id=event.words_id, state=WordsState.WAITING)), None


def words_withdrawn(state: LoanState, event: WordsWithdrawn, now: datetime) -> tuple[LoanState, str | None]:
    """What leaves at this very moment is sent all the same, and told as that. Words that never got here stay out.

    The machine goes on being silent; where the borrower waits for an answer, a case asks for another one.
    """
    if event.role is Authority.MACHINE:
        return state, "own words are withdrawn by an agent or a supervisor"
    waiting = next((each for each in state.words if each.words_id == event.words_id), None)
    if waiting is not None:
        return _over(state, event.words_id, WITHDRAWN, now, case=waiting.owed), None
    step = step_of(event.words_id)
    past = next((record for record in state.records if record.step == step), None)
    if past is not None:
        return state, "these words were sent already" if past.result == "sent" else None
    if state.end is not None:
        return state, f"the loan has ended as {state.end}"
    return _over(state, event.words_id, WITHDRAWN, now, case=False), None


def _refused(state: LoanState, event: WordsWritten, now: datetime) -> str | None:
    if state.end is not None:
        return f"the loan has ended as {state.end}"
    if event.role is Authority.MACHINE:
        return "own words are written by an agent or a supervisor"
    if _known(state, event.words_id):
        return None
    if event.channel not in WRITABLE:
        return f"nobody writes by {event.channel}: expected {', '.join(WRITABLE)}"
    if event.until <= now:
        return "until lies in the past"
    if event.until > now + LONGEST_WAIT:
        return f"until lies more than {LONGEST_WAIT.days} days ahead"
    if state.ceased:
        return "the borrower asked for no more contact"
    if event.channel in state.closed_channels:
        return f"{event.channel} is closed for this borrower"
    if len(state.words) >= MOST_WAITING:
        return f"{MOST_WAITING} messages of people wait already"
    return None


def drop_words(state: LoanState, now: datetime) -> LoanState:
    """Words whose time is over, or to whom nobody may write any more, are not sent."""
    for waiting in state.words:
        if waiting.until <= now:
            state = _over(state, waiting.words_id, "its time was over", now)
        elif state.end is not None:
            state = _over(state, waiting.words_id, f"the loan ended as {state.end}", now)
        elif state.ceased:
            state = _over(state, waiting.words_id, "the borrower asked for no more contact", now)
    return state


def words_contact(state: LoanState) -> SendContact | None:
    """The first that waits. It goes out while the loan is held too: a person decided on it, and law is asked last.

    As an answer, which the contact rules take for a demand wherever nothing of the borrower waits to be answered.
    """
    if not state.words:
        return None
    first = state.words[0]
    return SendContact(
        step=step_of(first.words_id),
        occurrence=1,
        channels=() if first.channel in state.closed_channels else (first.channel,),
        template=TEMPLATE,
        purpose=Purpose.REPLY,
        words=first.words_id,
        circumstance=state.circumstance,
        give_up_at=first.until,
        what=f"words {first.words_id} of a person",
    )


def words_reported(state: LoanState, event: ContactReported, now: datetime) -> LoanState:
    """How it ended; a person's words are never tried again by the loan."""
    words_id = id_of(event.step)
    if event.outcome is not ContactOutcome.SENT and all(each.words_id != words_id for each in state.words):
        return state  # withdrawn, or dropped, while it was under way
    if event.outcome is not ContactOutcome.SENT:
        why = ", ".join(event.refused) or _NOT_SENT.get(event.outcome, event.outcome.value.replace("_", " "))
        return _over(state, words_id, why, now)
    record = StepRecord(step=event.step, occurrence=1, result="sent", at=now, channel=event.channel)
    others = tuple(each for each in state.records if each.step != event.step)
    state = _without(state, words_id).model_copy(update={"records": (*others, record)})
    return write(state, WordsEntry(at=now, words_id=words_id, state=WordsState.SENT))


def _over(state: LoanState, words_id: str, why: str, now: datetime, *, case: bool = True) -> LoanState:
    """Somebody counts on it, so a person hears of it; unless they know, and nobody waits: `case` False.

    A case that the words had settled is not settled: it is open again as what it was.
    """
    why = why[:300]
    settled = next((each.settled for each in state.words if each.words_id == words_id), None)
    if not state.cases_kept_apart:
        settled = None
    record = StepRecord(step=step_of(words_id), occurrence=1, result="not_sent", at=now, because=why)
    state = _without(state, words_id).model_copy(update={"records": (*state.records, record)})
    state = write(state, WordsEntry(at=now, words_id=words_id, state=WordsState.NOT_SENT, why=why))
    if settled is not None and state.end in PAID_ENDS:
        aside = (*state.set_aside.cases, settled)
        return state.model_copy(update={"set_aside": state.set_aside.model_copy(update={"cases": aside})})
    holds_whatever = settled is not None and settled.circumstance is not None
    if state.end is not None or (state.ceased and not holds_whatever) or not case:
        return state
    why = f"what a person wrote was not sent: {why}"
    return open_once(state, CaseKind.HANDOFF, why, now) if settled is None else _unsettled(state, settled, why, now)


def _unsettled(state: LoanState, settled: OpenCase, why: str, now: datetime) -> LoanState:
    if settled.circumstance is not None and any(case.circumstance is settled.circumstance for case in state.cases):
        return note(state, now, "words_not_sent", why)  # reported again meanwhile
    waits = settled.kind is CaseKind.HANDOFF and any(each.kind is CaseKind.HANDOFF for each in state.cases)
    if waits or (settled.caused_by_debt and not would_exist(state, settled)):
        return open_once(state, CaseKind.HANDOFF, why, now)
    return reopen_case(state, settled, now, why)


def _without(state: LoanState, words_id: str) -> LoanState:
    return state.model_copy(update={"words": tuple(each for each in state.words if each.words_id != words_id)})


def _known(state: LoanState, words_id: str) -> bool:
    step = step_of(words_id)
    return any(each.words_id == words_id for each in state.words) or any(r.step == step for r in state.records)
