"""What borrowers wrote and how it was answered, counted over a span of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from sqlmodel import Session, col, select

from domain.contact import Channel
from domain.conversation.model import REPLY, AnswerKind
from records.tables import Contact, InboundMessage, Person

BY_A_PERSON = frozenset({AnswerKind.PERSON, AnswerKind.WITH_CARE})
"""Answers that only say that a person will write."""


@dataclass
class ReplyFigures:
    """Of messages in one country by one channel. `answered` by the machine at all, `alone` without a person to follow.

    `seconds`: from the message to its answer leaving. A message that a later one overtook before it was answered
    counts as not answered.
    """

    messages: int = 0
    answered: int = 0
    alone: int = 0
    for_a_person: int = 0
    intents: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def median_seconds(self) -> float | None:
        return median(self.seconds) if self.seconds else None


def reply_figures(
    session: Session, since: datetime, until: datetime, lender: str | None = None
) -> dict[tuple[str, Channel], ReplyFigures]:
    """By country and channel, for messages from `since` (inclusive) to `until` (exclusive)."""
    told: dict[tuple[str, Channel], ReplyFigures] = {}
    for message, country, answer in _answered(session, since, until, lender):
        figures = told.setdefault((country, message.channel), ReplyFigures())
        figures.messages += 1
        figures.intents[message.intents[0]] += 1
        if message.reason is not None:
            figures.reasons[message.reason] += 1
        figures.for_a_person += message.needs_human or (answer is not None and answer.template in BY_A_PERSON)
        if answer is None:
            continue
        figures.answered += 1
        figures.alone += answer.template not in BY_A_PERSON
        if answer.sent_at is not None:
            figures.seconds.append(max(0.0, (answer.sent_at - message.at).total_seconds()))
    return dict(sorted(told.items()))


def _answered(
    session: Session, since: datetime, until: datetime, lender: str | None
) -> Iterator[tuple[InboundMessage, str, Contact | None]]:
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
    for ref in refs:
        answers[ref] = list(
            session.exec(
                select(Contact)
                .where(Contact.loan_ref == ref, Contact.step == REPLY, col(Contact.sent_at).is_not(None))
                .order_by(col(Contact.sent_at))
            ).all()
        )
    following: dict[int, datetime] = {}
    for message, _ in reversed(rows):
        assert message.id is not None
        if message.loan_ref is not None:
            following[message.id] = following.get(-message.loan_ref, until + timedelta(days=30))
            following[-message.loan_ref] = message.at
    for message, country in rows:
        assert message.id is not None
        found = None
        if message.loan_ref is not None:
            found = next(
                (
                    each
                    for each in answers[message.loan_ref]
                    if each.sent_at is not None and message.at <= each.sent_at < following[message.id]
                ),
                None,
            )
        yield message, country, found
