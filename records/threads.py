"""The whole conversation with a person about a loan: what they wrote and what was written to them, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, or_, select

from domain.contact import Channel
from domain.conversation.model import REPLY
from domain.own_words import is_words, step_of
from domain.segment import folded
from records import own_words
from records.tables import CollectionCase, Contact, ContactState, InboundMessage, Loan, OwnWords

_NEVER_LEFT = (ContactState.RESERVED, ContactState.DROPPED, ContactState.FAILED)


@dataclass(frozen=True)
class Said:
    """`who`: borrower, machine, sequence (a step of the strategy) or person (who wrote, or decided a case, with their
    note); `by` names that person as the records do. `about`: intents, the step and its template, the case and the
    decision, or of a person's words the case they answer and why they were not sent. `words_id`: the id of a
    person's words."""

    at: datetime
    who: str
    channel: str
    text: str | None
    about: str
    state: str | None
    by: str | None = None
    words_id: str | None = None


def mails_answered(session: Session, contact: Contact) -> tuple[str, ...]:
    """Message-IDs that an e-mail of ours answers, oldest first: the mail of ours they answered, and theirs, the last
    that came. Empty where none is known, or what was written last came another way."""
    last = session.exec(
        select(InboundMessage)
        .where(InboundMessage.person_ref == contact.person_ref, InboundMessage.channel == Channel.EMAIL)
        .order_by(col(InboundMessage.at).desc(), col(InboundMessage.id).desc())
        .limit(1)
    ).first()
    if last is None or last.mail_id is None:
        return ()
    before = session.exec(
        select(Contact)
        .where(
            Contact.person_ref == contact.person_ref,
            Contact.channel == Channel.EMAIL,
            Contact.id != contact.id,
            col(Contact.sent_at) <= last.at,
        )
        .order_by(col(Contact.sent_at).desc())
        .limit(1)
    ).first()
    ours = before.provider_message_id if before is not None else None
    return (ours, last.mail_id) if ours is not None and ours.startswith("<") else (last.mail_id,)


def thread_of(session: Session, loan: Loan, search: str | None = None) -> list[Said]:
    """Oldest first; with `search` only what holds these words, whatever their case and accents."""
    wrote = session.exec(
        select(InboundMessage).where(
            InboundMessage.person_ref == loan.person_ref,
            or_(col(InboundMessage.loan_ref) == loan.id, col(InboundMessage.loan_ref).is_(None)),
        )
    ).all()
    sent = session.exec(select(Contact).where(Contact.loan_ref == loan.id)).all()
    said = [Said(each.at, "borrower", each.channel.value, each.text, ", ".join(each.intents), None) for each in wrote]
    said += [
        Said(
            each.sent_at or each.reserved_at,
            "machine" if each.step == REPLY else "sequence",
            each.channel.value,
            each.text,
            f"{each.step}: {each.template}",
            each.state.value,
        )
        for each in sent
        if not is_words(each.step)
    ]
    by_step = {each.step: each for each in sent}
    said += [_of_person(each, by_step.get(step_of(each.words_id))) for each in own_words.of_loan(session, loan)]
    decided = session.exec(
        select(CollectionCase).where(CollectionCase.loan_ref == loan.id, col(CollectionCase.decided_at).is_not(None))
    ).all()
    said += [
        Said(each.decided_at, "person", "case", each.note, f"{each.kind}: {each.decision}", None, each.decided_by)
        for each in decided
        if each.decided_at is not None and each.decision is not None
    ]
    wanted = folded(search) if search else ""
    return sorted((one for one in said if wanted in folded(one.text or "")), key=lambda one: one.at)


def _of_person(words: OwnWords, contact: Contact | None) -> Said:
    """A person's words: as they went out, once they have; until then, or if they never do, as they were written."""
    told = [f"answers {words.case_id}"] if words.case_id else []
    told += [f"not sent: {words.why}"] if words.why else []
    went = contact is not None and contact.state not in _NEVER_LEFT
    return Said(
        (contact.sent_at if contact is not None else None) or words.written_at,
        "person",
        words.channel.value,
        contact.text if contact is not None and went else words.text,
        "; ".join(told),
        contact.state.value if contact is not None and went else words.state.value,
        words.written_by,
        words.words_id,
    )
