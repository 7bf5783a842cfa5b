"""Files that people sent: noted when told of, fetched soon after, kept sealed with the loan."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_
from sqlmodel import Session, col, select

from domain.contact import Channel
from records.tables import Attachment, AttachmentState, Contact, Loan, LoanState, Person

MOST_TRIES = 8


def note(
    session: Session,
    person: Person,
    loan: Loan | None,
    *,
    channel: Channel,
    provider: str,
    provider_message_id: str,
    media_id: str,
    kind: str,
    mime_type: str,
    caption: str | None,
    at: datetime,
) -> bool:
    """A file is to be fetched. False when its message was told of before."""
    known = select(Attachment.id).where(
        Attachment.provider == provider, Attachment.provider_message_id == provider_message_id
    )
    if session.exec(known).first() is not None:
        return False
    assert person.id is not None
    session.add(
        Attachment(
            person_ref=person.id,
            loan_ref=loan.id if loan else None,
            channel=channel,
            provider=provider,
            provider_message_id=provider_message_id,
            media_id=media_id,
            kind=kind,
            mime_type=mime_type[:100],
            caption=caption,
            received_at=at,
        )
    )
    session.flush()
    return True


def loan_meant(session: Session, person: Person, channel: Channel, at: datetime) -> Loan | None:
    """The loan a file sent at `at` is about: the one written about last by this channel until then, else the one
    written about since, else the newest still in collection."""
    last = session.exec(
        select(Contact)
        .where(Contact.person_ref == person.id, Contact.channel == channel)
        .order_by(col(Contact.reserved_at) > at, col(Contact.reserved_at).desc(), col(Contact.id).desc())
        .limit(1)
    ).first()
    if last is not None:
        return session.get(Loan, last.loan_ref)
    loans = select(Loan).where(Loan.person_ref == person.id)
    found = session.exec(loans.order_by(Loan.state == LoanState.ENDED, col(Loan.id).desc()).limit(1))  # type: ignore[arg-type]
    return found.first()


def due(session: Session, at: datetime, limit: int = 20) -> Sequence[Attachment]:
    """Those to be fetched at `at`, oldest first."""
    ready = or_(col(Attachment.next_try_at).is_(None), col(Attachment.next_try_at) <= at)
    wanted = select(Attachment).where(Attachment.state == AttachmentState.DUE, ready)
    return session.exec(wanted.order_by(col(Attachment.id)).limit(limit)).all()


def keep(session: Session, attachment_id: int, content: bytes, mime_type: str, at: datetime) -> bool:
    """The file is here. False when it is not wanted any more: its person was erased meanwhile."""
    row = session.get(Attachment, attachment_id, with_for_update=True)
    if row is None or row.state is not AttachmentState.DUE:
        return False
    row.content, row.size, row.sha256 = content, len(content), hashlib.sha256(content).hexdigest()
    row.mime_type, row.state, row.kept_at, row.next_try_at = mime_type[:100], AttachmentState.KEPT, at, None
    session.add(row)
    session.flush()
    return True


def refuse(session: Session, attachment_id: int, reason: str, state: AttachmentState = AttachmentState.REFUSED) -> None:
    row = session.get(Attachment, attachment_id, with_for_update=True)
    if row is not None and row.state is AttachmentState.DUE:
        row.state, row.reason, row.next_try_at = state, reason[:80], None
        session.add(row)
        session.flush()


def put_off(session: Session, attachment_id: int, reason: str, at: datetime) -> None:
    """It could not be fetched now: later, twice as long each time, and LOST after the last try."""
    row = session.get(Attachment, attachment_id, with_for_update=True)
    if row is None or row.state is not AttachmentState.DUE:
        return
    row.tries += 1
    row.reason = reason[:80]
    row.next_try_at = at + timedelta(minutes=1 << row.tries)
    if row.tries >= MOST_TRIES:
        row.state, row.next_try_at = AttachmentState.LOST, None
    session.add(row)
    session.flush()


def of_loan(session: Session, loan: Loan) -> Sequence[Attachment]:
    """Every file sent about a loan, oldest first."""
    return session.exec(select(Attachment).where(Attachment.loan_ref == loan.id).order_by(col(Attachment.id))).all()
