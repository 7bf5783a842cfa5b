"""Payments that a gateway or bank has to be asked about: webhooks that only point at one, transfers under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from domain.direct_debit import PROVIDER as DEBITS
from domain.direct_debit import DebitState
from records.locks import one_at_a_time
from records.tables import Debit, LinkState, Loan, PaymentInquiry, PaymentLink

BEGINNING, UNKNOWN, NOT_CONFIRMABLE = "beginning", "unknown", "not confirmable"
"""States of a transfer before and in place of the bank's own word. UNKNOWN: the bank may have taken it.
NOT_CONFIRMABLE: it took it, and has no page on which its account holder could confirm it."""


NOT_CONFIRMABLE_BARS = timedelta(days=7)
"""How long none is offered for the loan again: time for an operator to mend it, and the next link tries it anew."""
GIVE_UP = timedelta(days=10)
"""How long a bank is asked about a transfer, and one of an earlier hand-over of its loan may still come."""
ANSWERED_WITHIN = timedelta(days=1)
ASKED_WITHIN = timedelta(hours=1)
COLLECTED_WITHIN = timedelta(days=8)
"""Five settlement days, for which a loan waits for its debit, lie within eight days but around Christmas and Easter."""

_AT_ONCE, _AT_ONCE_UNTIL = datetime(1970, 1, 1, tzinfo=UTC), datetime(1971, 1, 1, tzinfo=UTC)
"""Due by every clock: who asks may go by the wall while the news came on skipped time. Each notice has a moment of
its own between them, in their order, so that it is told from the one that was being asked about when it came."""


def note(session: Session, provider: str, reference: str, at: datetime) -> PaymentInquiry:
    """A payment was pointed at: it is asked about now, also if it was before, because it may have changed."""
    one_at_a_time(session, f"inquiry:{provider}:{reference}")
    known = find(session, provider, reference)
    if known is None:
        known = PaymentInquiry(provider=provider, reference=reference, created_at=at)
    soonest = _AT_ONCE + (at - _AT_ONCE) / 1000
    if known.next_at is not None and known.next_at < _AT_ONCE_UNTIL:
        soonest = max(soonest, known.next_at + timedelta(microseconds=1))
    known.next_at, known.tries = soonest, 0
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
    session: Session, inquiry_id: int, gateway_id: str, status: str, redirect_url: str | None, next_at: datetime | None
) -> None:
    """The bank took the transfer: its id, its first word, and where the borrower confirms. `next_at` None: it is not
    asked about."""
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
        session.exec(select(PaymentInquiry.id).where(col(PaymentInquiry.next_at) < _AT_ONCE_UNTIL).limit(1)).first()
        is not None
    )


@dataclass(frozen=True)
class Overdue:
    """Payments asked about without an answer, by provider: `ids` are references or, of debits, theirs."""

    provider: str
    ids: tuple[str, ...]


def overdue(session: Session, now: datetime) -> list[Overdue]:
    """What a gateway or bank should have answered for by now, and has not.

    A payment pointed at or a transfer begun that is still asked about after a day, or that nobody has asked about for
    an hour; a transfer that was being begun when its process died; a direct debit the bank has and tells nothing of
    eight days after it was to be collected.
    """
    long_ago = col(PaymentInquiry.created_at) < now - ANSWERED_WITHIN
    not_asked = (col(PaymentInquiry.next_at) < now - ASKED_WITHIN) & (
        col(PaymentInquiry.created_at) < now - ASKED_WITHIN
    )
    half_begun = (
        (col(PaymentInquiry.status) == BEGINNING)
        & col(PaymentInquiry.next_at).is_(None)
        & (col(PaymentInquiry.created_at) < now - ASKED_WITHIN)
    )
    found: dict[str, list[str]] = {}
    rows = session.exec(
        select(PaymentInquiry.provider, PaymentInquiry.reference)
        .where((col(PaymentInquiry.next_at).is_not(None) & (long_ago | not_asked)) | half_begun)
        .order_by(col(PaymentInquiry.id))
    ).all()
    debits = session.exec(
        select(Debit.reference)
        .where(Debit.state == DebitState.FILED, col(Debit.collect_on) < (now - COLLECTED_WITHIN).date())
        .order_by(col(Debit.id))
    ).all()
    for provider, reference in [*rows, *((DEBITS, reference) for reference in debits)]:
        found.setdefault(provider, []).append(reference)
    return [Overdue(provider, tuple(ids)) for provider, ids in sorted(found.items())]


def answered(
    session: Session, inquiry_id: int, status: str, next_at: datetime | None, *, as_read: PaymentInquiry | None = None
) -> bool:
    """What was heard, and when to ask again; None: it is settled. Whether that stands.

    `as_read` is the inquiry as it was when asking began: a notice that came meanwhile is newer than the answer, and the
    payment stays due.
    """
    known = session.get(PaymentInquiry, inquiry_id, with_for_update=True)
    assert known is not None
    if as_read is not None and known.next_at != as_read.next_at:
        known.status = status
        session.add(known)
        session.flush()
        return False
    known.status, known.next_at, known.tries = status, next_at, known.tries + 1
    if next_at is None:
        known.redirect_url = None
    session.add(known)
    session.flush()
    return True


def unsettled_transfers(session: Session, loan: Loan, at: datetime) -> Sequence[PaymentInquiry]:
    """Transfers of the loan that were begun and whose money has not come, those over among them; of earlier entries
    those that were begun in the last `GIVE_UP`.
    """
    return session.exec(
        select(PaymentInquiry)
        .join(PaymentLink, col(PaymentLink.id) == col(PaymentInquiry.link_ref))
        .where(PaymentLink.loan_ref == loan.id, _may_come(loan, at), PaymentLink.state != LinkState.PAID)
        .order_by(col(PaymentInquiry.id))
    ).all()


def why_no_transfer(session: Session, loan: Loan, at: datetime) -> str | None:
    """Why no transfer is to be offered for this entry, in words for an operator; None: one may be.

    For good where the bank may have taken one of this entry without telling us, for `GIVE_UP` where it was of an
    earlier one; for `NOT_CONFIRMABLE_BARS` where it had no page on which one could be confirmed.
    """
    rows = session.exec(
        select(PaymentInquiry.status, PaymentInquiry.created_at)
        .join(PaymentLink, col(PaymentLink.id) == col(PaymentInquiry.link_ref))
        .where(
            PaymentLink.loan_ref == loan.id,
            _may_come(loan, at),
            col(PaymentInquiry.status).in_((BEGINNING, UNKNOWN, NOT_CONFIRMABLE)),
        )
    ).all()
    if any(status != NOT_CONFIRMABLE for status, _ in rows):
        return "the bank may have taken a transfer of this loan without saying so"
    if any(begun_at > at - NOT_CONFIRMABLE_BARS for _, begun_at in rows):
        return f"the bank has no page to confirm a transfer on: none of this loan for {NOT_CONFIRMABLE_BARS.days} days"
    return None


def _may_come(loan: Loan, at: datetime) -> ColumnElement[bool]:
    """Whether a transfer, by its link and when it was begun, is of the loan's entry or may be money on its way yet."""
    return (col(PaymentLink.entry) == loan.entry) | (col(PaymentInquiry.created_at) > at - GIVE_UP)
