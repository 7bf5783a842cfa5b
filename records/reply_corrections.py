"""Corrections of what the classifier read: kept with the person, given out without personal data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from domain.contact import Channel
from domain.replies.labels import Intent, Reason
from domain.replies.pseudonyms import without_personal_data
from records import audit, people
from records.tables import Loan, Person, ReplyCorrection


@dataclass(frozen=True)
class Correction:
    """A labelled message in which nobody is named. `number` is the row it stands in."""

    number: int
    text: str
    intents: tuple[Intent, ...]
    reason: Reason | None
    person: bool


def record(
    session: Session,
    loan: Loan,
    *,
    text: str,
    channel: Channel,
    intents: Sequence[Intent],
    reason: Reason | None,
    person_must_look: bool,
    was: Sequence[Intent] = (),
    by: str,
    at: datetime,
) -> bool:
    """Keep what an agent says `text` means. False when just that was kept before."""
    person = people.of_loan(session, loan)
    people.lock(session, person)
    labels = " ".join(intents)
    assert person.id is not None
    assert loan.id is not None
    known = session.exec(select(ReplyCorrection).where(ReplyCorrection.loan_ref == loan.id)).all()
    for row in known:
        if row.text == text and (row.intents, row.reason, row.person_must_look) == (labels, reason, person_must_look):
            return False
    session.add(
        ReplyCorrection(
            person_ref=person.id,
            loan_ref=loan.id,
            channel=channel,
            country=person.country,
            text=text,
            was=" ".join(was),
            intents=labels,
            reason=reason,
            person_must_look=person_must_look,
            corrected_by=by[:80],
            corrected_at=at,
        )
    )
    details = {"was": " ".join(was), "intents": labels, "reason": reason}
    audit.append(session, at=at, actor=by[:80], action="reply_corrected", lender=loan.lender, loan_id=loan.loan_id,
                 details=details)  # fmt: skip
    return True


def without_names(session: Session) -> Iterator[Correction]:
    """Every correction, oldest first, without names, numbers and addresses; of one text the last word counts."""
    rows = session.exec(select(ReplyCorrection, Person).join(Person).order_by(col(ReplyCorrection.id))).all()
    latest: dict[tuple[int, str], tuple[ReplyCorrection, Person]] = {}
    for row, person in rows:
        if row.text is not None:
            latest[row.loan_ref, row.text] = (row, person)
    for row, person in latest.values():
        assert row.id is not None
        assert row.text is not None
        yield Correction(
            number=row.id,
            text=without_personal_data(row.text, (person.name or "",)),
            intents=tuple(Intent(name) for name in row.intents.split()),
            reason=None if row.reason is None else Reason(row.reason),
            person=row.person_must_look,
        )
