"""Payments that a gateway or bank has to be asked about: webhooks that only point at one, transfers under way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from records.locks import one_at_a_time
from records.tables import Loan, PaymentInquiry, PaymentLink

BEGINNING, UNKNOWN = "beginning", "unknown"
"""States of a transfer before and in place of the bank's own word. UNKNOWN: the bank may have taken it."""


_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""Due by every clock: who asks may go by the wall while the news came on skipped time."""


def note(session: Session, provider: str, reference: str, at: datetime) -> PaymentInquiry:
    """A payment was pointed at: it is asked about now, also if it was before, because it may have changed."""
    one_at_a_time(session, f"inquiry:{provider}:{reference}")
    known = find(session, provider, reference)
    if known is None:
        known = PaymentInquiry(provider=provider, reference=reference, created_at=at)
    known.next_at, known.tries = _AT_ONCE, 0
    session.add(known)
    session.flush()
    return known


def begin(session: Session, link: PaymentLink, request_id: str, at: datetime) -> PaymentInquiry | None:
    """A place for the one transfer of a link, before the bank is asked; None when it has been taken before."""
    assert link.reference is not None
    one_at_a_time(session, f"inquiry:{link.provider}:{link.reference}")
    if find(session, link.provider, link.reference) is not None:
        return None
    taken = PaymentInquiry(
        provider=link.provider,
        reference=link.reference,
        link_ref=link.id,
        request_id=request_id,
        status=BEGINNING,
        created_at=at,
    )
    session.add(taken)
    session.flush()
    return taken


def begun(
    session: Session, inquiry_id: int, gateway_id: str, status: str, redirect_url: str | None, next_at: datetime
) -> None:
    """The bank took the transfer: its id, its first word, and where the borrower confirms."""
    known = session.get(PaymentInquiry, inquiry_id, with_for_update=True)
    assert known is not None
    known.gateway_id, known.status, known.redirect_url, known.next_at = gateway_id, status, redirect_url, next_at
    session.add(known)
    session.flush()


def forget(session: Session, inquiry_id: int) -> None:
    """Nothing was begun after all: the place is free again."""
    known = session.get(PaymentInquiry, inquiry_id, with_for_update=True)
    if known is not None:
        session.delete(known)
        session.flush()


def find(session: Session, provider: str, reference: str) -> PaymentInquiry | None:
    """What is being asked about a payment, by the provider's id or, of a transfer, our reference."""
    return session.exec(
        select(PaymentInquiry).where(PaymentInquiry.provider == provider, PaymentInquiry.reference == reference)
    ).first()


def due(session: Session, at: datetime, limit: int) -> Sequence[PaymentInquiry]:
    """Those to be asked about by now, the longest waiting first."""
    return session.exec(
        select(PaymentInquiry)
        .where(col(PaymentInquiry.next_at).is_not(None), col(PaymentInquiry.next_at) <= at)
        .order_by(col(PaymentInquiry.next_at), col(PaymentInquiry.id))
        .limit(limit)
    ).all()


def pointed_at(session: Session) -> bool:
    """Whether a payment was pointed at and has not been asked about since."""
    return (
        session.exec(select(PaymentInquiry.id).where(PaymentInquiry.next_at == _AT_ONCE).limit(1)).first() is not None
    )


def answered(session: Session, inquiry_id: int, status: str, next_at: datetime | None) -> None:
    """What was heard, and when to ask again; None: it is settled."""
    known = session.get(PaymentInquiry, inquiry_id, with_for_update=True)
    assert known is not None
    known.status, known.next_at, known.tries = status, next_at, known.tries + 1
    if next_at is None:
        known.redirect_url = None
    session.add(known)
    session.flush()


def may_have_been_taken(session: Session, loan: Loan) -> bool:
    """Whether the bank may have taken a transfer of this entry without telling us."""
    return (
        session.exec(
            select(PaymentInquiry.id)
            .join(PaymentLink, col(PaymentLink.id) == col(PaymentInquiry.link_ref))
            .where(
                PaymentLink.loan_ref == loan.id,
                PaymentLink.entry == loan.entry,
                col(PaymentInquiry.status).in_((BEGINNING, UNKNOWN)),
            )
        ).first()
        is not None
    )
