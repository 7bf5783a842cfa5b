"""The whole conversation with a person about a loan: what they wrote and what was written to them, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, or_, select

from domain.conversation.model import REPLY
from domain.segment import folded
from records.tables import Contact, InboundMessage, Loan


@dataclass(frozen=True)
class Said:
    """`who`: borrower, machine or sequence (a step of the strategy). `about`: intents, or the step and its template."""

    at: datetime
    who: str
    channel: str
    text: str | None
    about: str
    state: str | None


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
    ]
    wanted = folded(search) if search else ""
    return sorted((one for one in said if wanted in folded(one.text or "")), key=lambda one: one.at)
