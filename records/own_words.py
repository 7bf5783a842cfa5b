"""What people wrote to a borrower in own words: kept before the loan hears of it, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from domain.contact import Channel
from domain.ledger_entries import WordsState
from records.tables import Loan, OwnWords


class OtherWords(ValueError):
    """The id stands for other words already, `kept`; the text holds none of them."""

    def __init__(self, kept: OwnWords) -> None:
        super().__init__(f"the id {kept.words_id} stands for other words already")
        self.kept = kept


def keep(
    session: Session,
    loan: Loan,
    *,
    words_id: str,
    by: str,
    channel: Channel,
    subject: str | None,
    text: str,
    until: datetime,
    case_id: str | None,
    at: datetime,
) -> tuple[OwnWords, bool]:
    """Keep words once, and whether they are new. The same again, of the same case or of none, are the ones that are
    there. Raises OtherWords."""
    known = session.exec(select(OwnWords).where(OwnWords.words_id == words_id)).first()
    if known is not None:
        same = (loan.id, by, channel, subject, text, case_id or known.case_id)
        if (known.loan_ref, known.written_by, known.channel, known.subject, known.text, known.case_id) != same:
            raise OtherWords(known)
        return known, False
    assert loan.id is not None
    kept = OwnWords(
        words_id=words_id,
        loan_ref=loan.id,
        person_ref=loan.person_ref,
        written_by=by,
        written_at=at,
        channel=channel,
        subject=subject,
        text=text,
        until=until,
        case_id=case_id,
        changed_at=at,
    )
    session.add(kept)
    session.flush()
    return kept, True


def get(session: Session, loan: Loan, words_id: str) -> OwnWords | None:
    """The words of this id to this loan's borrower."""
    return session.exec(select(OwnWords).where(OwnWords.words_id == words_id, OwnWords.loan_ref == loan.id)).first()


def settle(session: Session, loan: Loan, words_id: str, state: WordsState, *, at: datetime, why: str = "") -> None:
    """What became of them; of words that are not here nothing is kept."""
    kept = get(session, loan, words_id)
    if kept is not None:
        kept.state, kept.why, kept.changed_at = state, why[:300], at
        session.add(kept)
        session.flush()


def of_loan(session: Session, loan: Loan) -> Sequence[OwnWords]:
    """All that people wrote about a loan, oldest first."""
    return session.exec(select(OwnWords).where(OwnWords.loan_ref == loan.id).order_by(col(OwnWords.id))).all()
