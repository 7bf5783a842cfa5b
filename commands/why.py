"""Why a loan does what it does: gathered as values, for `loan why` and its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlmodel import Session

from activities.contact_slots import ContactSlots, stops_of
from commands.forecast import Change, Forecast, forecast, what_would_change_it
from commands.loan_lookup import Known
from commands.why_words import consequence, rule_text, what_words, without_end
from domain.agreements.judging import next_moment
from domain.agreements.model import DOCUMENT
from domain.contact import Channel, Decision, Reason, Verdict
from domain.contact_orders import SendContact
from domain.loan_state import LoanState
from records import contact_decisions, people
from records.tables import ContactDecision, Loan
from records.tables import LoanState as Place

REFUSALS_SHOWN = 5


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class RuleAnswer(_Part):
    """What the contact rules say of `channel` at the moment the contact falls due. Verdict `no_address`: none open."""

    channel: Channel
    verdict: str
    not_before: AwareDatetime | None
    reasons: tuple[Reason, ...]


class Planned(_Part):
    """What comes next if nothing happens. `expected_at`: the first lawful moment from `falls_due_at` on."""

    what: str | None
    step: str | None
    channels: tuple[Channel, ...]
    with_link: bool
    falls_due_at: AwareDatetime | None
    expected_at: AwareDatetime | None
    channel: Channel | None
    because: str
    contact_rules: tuple[RuleAnswer, ...]
    end: str | None
    ends_at: AwareDatetime | None
    waits_until: AwareDatetime | None
    waits_for: str


class Hold(_Part):
    text: str
    until: AwareDatetime | None


class PassedOver(_Part):
    step: str
    because: str


class RefusedContact(_Part):
    at: AwareDatetime
    step: str
    channel: Channel
    verdict: Verdict
    not_before: AwareDatetime | None
    reasons: tuple[Reason, ...]


class RefusedMessage(_Part):
    at: AwareDatetime
    message: str
    reason: str


class WouldChange(_Part):
    """`then` in words; `end` and `next_contact_at` (before the contact rules) for programs."""

    cause: str
    then: str
    end: str | None
    next_contact_at: AwareDatetime | None


class Why(_Part):
    lender: str
    loan_id: str
    campaign_id: str | None
    at: AwareDatetime
    source: str
    strategy: str
    stage: str
    days_past_due: int
    balance_minor: int
    currency: str
    timezone: str | None
    end: str | None
    ended_by: str | None
    planned: Planned
    holds: tuple[Hold, ...]
    will_be_passed_over: tuple[PassedOver, ...]
    will_open_cases: tuple[str, ...]
    watching_balance: bool
    watch_over: str | None
    closed_channels: tuple[Channel, ...]
    other_loans_of_the_person: int
    refused_contacts: tuple[RefusedContact, ...]
    refused_messages: tuple[RefusedMessage, ...]
    refused_message_count: int
    would_change: tuple[WouldChange, ...]


def explain(session: Session, loan: Loan, known: Known, slots: ContactSlots) -> Why:
    """All of it, from what the loan knows, the records and the contact rules in force."""
    state, at = known.state, known.at
    coming = forecast(state, at)
    changes = what_would_change_it(state, at, watching_balance=known.watching_balance)
    person = people.of_loan(session, loan)
    others = [
        other
        for other in people.loans_of(session, person)
        if other.id != loan.id and other.state is Place.IN_COLLECTION
    ]
    return Why(
        lender=loan.lender,
        loan_id=loan.loan_id,
        campaign_id=loan.campaign_id,
        at=at,
        source=known.source,
        strategy=state.strategy.key,
        stage=state.stage(at),
        days_past_due=state.days_past_due(at),
        balance_minor=state.balance_minor,
        currency=state.facts.currency,
        timezone=state.facts.timezone,
        end=state.end,
        ended_by=state.ended_by,
        planned=_planned(session, loan, known, slots, coming),
        holds=_holds(state, at),
        will_be_passed_over=tuple(PassedOver(step=r.step, because=r.because) for r in coming.passed),
        will_open_cases=tuple(f"{case.kind} in queue {case.queue}" for case in coming.opened),
        watching_balance=known.watching_balance,
        watch_over=state.watch_over,
        closed_channels=state.closed_channels,
        other_loans_of_the_person=len(others),
        refused_contacts=_refused(contact_decisions.of_loan(session, loan)),
        refused_messages=tuple(
            RefusedMessage(at=refusal.at, message=refusal.message, reason=refusal.reason)
            for refusal in state.refusals[-REFUSALS_SHOWN:]
        ),
        refused_message_count=state.refusal_count,
        would_change=tuple(_would_change(state, change) for change in changes),
    )


def _planned(session: Session, loan: Loan, known: Known, slots: ContactSlots, coming: Forecast) -> Planned:
    contact, due = coming.contact, coming.contact_at
    answers: tuple[RuleAnswer, ...] = ()
    expected: datetime | None = None
    channel: Channel | None = None
    if _paused_for_ever(known):
        contact = due = None
        coming = replace(coming, end=None, ends_at=None, until=None, why="paused until somebody resumes it")
    if contact is not None and due is not None:
        answers = _asked(session, loan, slots, contact, due)
        expected, channel = _first_usable(answers, due)
        if known.next_try_at is not None and due <= known.at:
            expected = known.next_try_at
    return Planned(
        what=what_words(known.state, contact) if contact else None,
        step=contact.step if contact else None,
        channels=contact.channels if contact else (),
        with_link=contact.with_link if contact else False,
        falls_due_at=due,
        expected_at=expected,
        channel=channel,
        because=rule_text(known.state, contact) if contact else "",
        contact_rules=answers,
        end=coming.end,
        ends_at=coming.ends_at,
        waits_until=coming.until,
        waits_for=coming.why,
    )


def _paused_for_ever(known: Known) -> bool:
    until = known.state.paused_until
    return until is not None and without_end(until, known.at)


def _asked(
    session: Session, loan: Loan, slots: ContactSlots, contact: SendContact, due: datetime
) -> tuple[RuleAnswer, ...]:
    """The answers up to the first channel that may be used now or later, as the dispatch would ask."""
    person = people.of_loan(session, loan)
    answers: list[RuleAnswer] = []
    for channel in contact.channels:
        if people.address(session, person, channel) is None:
            answers.append(RuleAnswer(channel=channel, verdict="no_address", not_before=None, reasons=()))
            continue
        decision: Decision = slots.decision(
            session,
            loan,
            person,
            contact.purpose,
            channel,
            due,
            stops_of(session, person, contact.circumstance),
            own_words=contact.words is not None,
            is_document=contact.step == DOCUMENT,
        )
        answers.append(
            RuleAnswer(
                channel=channel,
                verdict=decision.verdict,
                not_before=decision.not_before,
                reasons=decision.reasons,
            )
        )
        if decision.verdict is not Verdict.NEVER:
            break
    return tuple(answers)


def _first_usable(answers: Sequence[RuleAnswer], due: datetime) -> tuple[datetime | None, Channel | None]:
    for answer in answers:
        if answer.verdict == Verdict.ALLOWED:
            return due, answer.channel
        if answer.verdict == Verdict.NOT_BEFORE:
            return answer.not_before, answer.channel
    return None, None


def _holds(state: LoanState, at: datetime) -> tuple[Hold, ...]:
    """Everything that keeps planned contacts back, not only what is named first."""
    found: list[Hold] = []
    if state.end is not None:
        return ()
    for case in state.cases:
        if case.circumstance is not None:
            text = f"{case.circumstance} was reported: case {case.case_id} in queue {case.queue} must be decided"
            found.append(Hold(text=text, until=None))
        elif case.holds:
            text = f"case {case.case_id} ({case.kind}) is with queue {case.queue}"
            found.append(Hold(text=text, until=case.sla_at))
    if state.paused_until is not None:
        if without_end(state.paused_until, at):
            found.append(Hold(text="it is paused until somebody resumes it", until=None))
        else:
            found.append(Hold(text="it is paused and goes on by itself", until=state.paused_until))
    if (agreement := state.agreement) is not None:
        text = f"{agreement.kind} {agreement.number} is being kept: only what it asks for is written"
        found.append(Hold(text=text, until=next_moment(state)))
    if state.ceased:
        found.append(Hold(text="the borrower asked for no more contact", until=None))
    if state.contact_rests_until is not None:
        found.append(Hold(text="the last message could not be sent and rests", until=state.contact_rests_until))
    return tuple(found)


def _refused(decisions: Sequence[ContactDecision]) -> tuple[RefusedContact, ...]:
    """The last answers that were not `allowed`, newest first; the same answer asked again stands once."""
    found: dict[tuple[object, ...], RefusedContact] = {}
    for row in reversed(decisions):
        if row.verdict is Verdict.ALLOWED:
            continue
        reasons = tuple(Reason.model_validate(reason) for reason in row.reasons)
        key = (row.step, row.occurrence, row.channel, row.verdict, row.not_before, reasons)
        found.setdefault(
            key,
            RefusedContact(
                at=row.at,
                step=row.step,
                channel=row.channel,
                verdict=row.verdict,
                not_before=row.not_before,
                reasons=reasons,
            ),
        )
        if len(found) == REFUSALS_SHOWN:
            break
    return tuple(found.values())


def _would_change(state: LoanState, change: Change) -> WouldChange:
    return WouldChange(
        cause=change.cause,
        then=consequence(state, change),
        end=change.state.end,
        next_contact_at=change.forecast.contact_at,
    )
