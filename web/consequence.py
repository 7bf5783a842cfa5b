"""What was done with a webhook's news, and its line in the audit trail."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue
from sqlmodel import Session

from records import audit
from web.ports import OwedSignal


class Consequence(BaseModel):
    """What was done with the news and the signals that are owed for it, in order.

    `outcome` is one word, of several pieces of news their words in a row; `outcomes` has one for each piece.
    """

    model_config = ConfigDict(frozen=True)

    outcome: str
    outcomes: tuple[str, ...] = ()
    signals: tuple[OwedSignal, ...] = ()
    person_refs: frozenset[int] = frozenset()
    """Whose news it was, as far as that is known."""


def about(*persons: int | None) -> frozenset[int]:
    """People by their own numbers, without who is not known."""
    return frozenset(person for person in persons if person is not None)


def note(
    session: Session,
    at: datetime,
    actor: str,
    action: str,
    lender: str | None,
    loan_id: str | None,
    details: dict[str, JsonValue],
) -> None:
    audit.append(session, at=at, actor=actor, action=action, lender=lender, loan_id=loan_id, details=dict(details))
