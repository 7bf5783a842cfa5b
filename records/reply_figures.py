"""What borrowers wrote and how it was answered, counted over a span of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from domain.contact import Channel
from domain.conversation.model import REPLY, AnswerKind
from domain.own_words import step_of
from records.tables import Contact, InboundMessage, Person

BY_A_PERSON = frozenset({AnswerKind.PERSON, AnswerKind.WITH_CARE})
"""Answers that only say that a person will write."""
_ANSWERED_WITHIN = timedelta(days=30)


@dataclass
class ReplyFigures:
    """Of messages in one country by one channel. `answered` by the machine at all, `alone` without a person to follow.

    `for_a_person`: left to one, by what was done; what the machine answered otherwise it answered alone, whatever the
    message was marked as. `seconds`: from the message to its answer leaving. A message that a later one overtook before
    it was answered counts as not answered. `by_person`: of those for a person, how many somebody answered in own words;
    their first words after it count, and one answer counts for all that was written before it.
    """

    messages: int = 0
    answered: int = 0
    alone: int = 0
    for_a_person: int = 0
    by_person: int = 0
    intents: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    person_seconds: list[float] = field(default_factory=list)

    @property
    def median_seconds(self) -> float | None:
        return median(self.seconds) if self.seconds else None

    @property
    def median_person_seconds(self) -> float | None:
        return median(self.person_seconds) if self.person_seconds else None


def reply_figures(
    session: Session, since: datetime, until: datetime, lender: str | None = None
) -> dict[tuple[str, Channel], ReplyFigures]:
    """By country and channel, for messages from `since` (inclusive) to `until` (exclusive)."""
    told: dict[tuple[str, Channel], ReplyFigures] = {}
    for message, country, answer, words_at in _answered(session, since, until, lender):
        figures = told.setdefault((country, message.channel), ReplyFigures())
        figures.messages += 1
        figures.intents[message.intents[0]] += 1
        if message.reason is not None:
            figures.reasons[message.reason] += 1
        for_a_person = message.needs_human if answer is None else answer.template in BY_A_PERSON
        figures.for_a_person += for_a_person
        if for_a_person and words_at is not None:
            figures.by_person += 1
            figures.person_seconds.append((words_at - message.at).total_seconds())
        if answer is None:
            continue
        figures.answered += 1
        figures.alone += not for_a_person
        if answer.sent_at is not None:
            figures.seconds.append(max(0.0, (answer.sent_at - message.at).total_seconds()))
    return dict(sorted(told.items()))


def _answered(
    session: Session, since: datetime, until: datetime, lender: str | None
) -> Iterator[tuple[InboundMessage, str, Contact | None, datetime | None]]:
    """Each message, its country, the machine's answer, and when somebody first wrote in own words after it."""
    query = (
        select(InboundMessage, Person.country)
        .join(Person, col(Person.id) == col(InboundMessage.person_ref))
        .where(col(InboundMessage.at) >= since, col(InboundMessage.at) < until)
        .order_by(col(InboundMessage.at), col(InboundMessage.id))
    )
    if lender is not None:
        query = query.where(Person.lender == lender)
    rows = list(session.exec(query).all())
    refs = {message.loan_ref for message, _ in rows if message.loan_ref is not None}
    answers: dict[int, list[Contact]] = {}
    words: dict[int, list[datetime]] = {}
    for ref in refs:
        sent = session.exec(
            select(Contact)
            .where(
                Contact.loan_ref == ref,
                or_(col(Contact.step) == REPLY, col(Contact.step).startswith(step_of(""))),
                col(Contact.sent_at).is_not(None),
            )
            .order_by(col(Contact.sent_at))
        ).all()
        answers[ref] = [each for each in sent if each.step == REPLY]
        words[ref] = [each.sent_at for each in sent if each.step != REPLY and each.sent_at is not None]
    following: dict[int, datetime] = {}
    next_of = {ref: _written_next(session, ref, until) for ref in refs}
    for message, _ in reversed(rows):
        assert message.id is not None
        if message.loan_ref is not None:
            following[message.id] = next_of[message.loan_ref]
            next_of[message.loan_ref] = message.at
    for message, country in rows:
        assert message.id is not None
        found, words_at = None, None
        if message.loan_ref is not None:
            found = next(
                (
                    each
                    for each in answers[message.loan_ref]
                    if each.sent_at is not None and message.at <= each.sent_at < following[message.id]
                ),
                None,
            )
            words_at = next((at for at in words[message.loan_ref] if at >= message.at), None)
        yield message, country, found, words_at


def _written_next(session: Session, loan_ref: int, until: datetime) -> datetime:
    """When a message that is not counted itself overtook the last that is; later answers are to that one."""
    given_up = until + _ANSWERED_WITHIN
    first = session.exec(
        select(func.min(InboundMessage.at)).where(
            InboundMessage.loan_ref == loan_ref, col(InboundMessage.at) >= until, col(InboundMessage.at) < given_up
        )
    ).one()
    return first or given_up
