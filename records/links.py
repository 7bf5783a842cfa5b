"""Payment links: at most one active for a loan, purpose and amount."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from records.tables import Audit, LinkState, Loan, PaymentLink

NOT_CLOSED = "link_not_closed"
"""In the audit trail: a gateway did not close a link when it should."""
_OPEN_THERE = (LinkState.ACTIVE, LinkState.PAID)
_WITHDRAWN: tuple[ColumnElement[bool], ...] = (
    col(PaymentLink.expires_at) == col(PaymentLink.changed_at),
    col(PaymentLink.state).in_(_OPEN_THERE),
)


def active(session: Session, loan: Loan, purpose: str, amount_minor: int) -> PaymentLink | None:
    """The link in use for exactly this purpose and amount in the loan's current entry."""
    return session.exec(
        select(PaymentLink).where(
            PaymentLink.loan_ref == loan.id,
            PaymentLink.entry == loan.entry,
            PaymentLink.purpose == purpose,
            PaymentLink.amount_minor == amount_minor,
            PaymentLink.state == LinkState.ACTIVE,
        )
    ).first()


def next_generation(session: Session, loan: Loan, purpose: str, amount_minor: int) -> int:
    """The number for a new link of this purpose and amount: 1, or one more than the last that is closed.

    It goes into the provider's idempotency key: asked again after a crash it is the same number.
    """
    last = session.exec(
        select(func.max(PaymentLink.generation)).where(
            PaymentLink.loan_ref == loan.id,
            PaymentLink.entry == loan.entry,
            PaymentLink.purpose == purpose,
            PaymentLink.amount_minor == amount_minor,
        )
    ).one()
    return int(last or 0) + 1


def keep(
    session: Session,
    loan: Loan,
    *,
    purpose: str,
    amount_minor: int,
    generation: int,
    provider: str,
    provider_link_id: str,
    url: str,
    at: datetime,
    reference: str | None = None,
    expires_at: datetime | None = None,
) -> PaymentLink:
    """Keep a link the provider made. The same link kept again is the same row."""
    known = by_provider_id(session, provider, provider_link_id)
    if known is not None:
        return known
    assert loan.id is not None
    link = PaymentLink(
        loan_ref=loan.id,
        entry=loan.entry,
        purpose=purpose,
        amount_minor=amount_minor,
        currency=loan.currency,
        generation=generation,
        provider=provider,
        provider_link_id=provider_link_id,
        url=url,
        reference=reference,
        expires_at=expires_at,
        created_at=at,
        changed_at=at,
    )
    session.add(link)
    session.flush()
    return link


def by_provider_id(session: Session, provider: str, provider_link_id: str) -> PaymentLink | None:
    """A link by the provider's own id."""
    return session.exec(
        select(PaymentLink).where(PaymentLink.provider == provider, PaymentLink.provider_link_id == provider_link_id)
    ).first()


def by_reference(session: Session, provider: str, reference: str) -> PaymentLink | None:
    """A link by the reference that goes with its payments (see domain.payment_references)."""
    return session.exec(
        select(PaymentLink).where(PaymentLink.provider == provider, PaymentLink.reference == reference)
    ).first()


def open_links(session: Session, loan: Loan) -> Sequence[PaymentLink]:
    """Every active link of a loan, of all entries: what must be closed when nothing is due any more."""
    return session.exec(
        select(PaymentLink)
        .where(PaymentLink.loan_ref == loan.id, PaymentLink.state == LinkState.ACTIVE)
        .order_by(col(PaymentLink.id))
    ).all()


def withdraw(session: Session, link: PaymentLink, *, at: datetime) -> None:
    """From `at` on the link is to take no money: it is among `to_be_closed` until the gateway has closed it.

    Withdrawn again it comes after all others there.
    """
    link.expires_at = link.changed_at = at
    session.add(link)
    session.flush()


def is_withdrawn(link: PaymentLink) -> bool:
    """Whether it is to take no money, and nobody knows of its gateway that it does not."""
    return link.state in _OPEN_THERE and link.expires_at == link.changed_at


def accounts_to_be_closed_at(session: Session) -> Sequence[tuple[str, str]]:
    """Provider and currency of links that are `to_be_closed`."""
    waiting = select(PaymentLink.provider, PaymentLink.currency).where(*_WITHDRAWN).distinct()
    return session.exec(waiting.order_by(PaymentLink.provider, PaymentLink.currency)).all()


def to_be_closed(session: Session, provider: str, currencies: Sequence[str], limit: int) -> Sequence[PaymentLink]:
    """The provider's links in these currencies that were withdrawn and are not closed, the longest waiting first."""
    return session.exec(
        select(PaymentLink)
        .where(PaymentLink.provider == provider, col(PaymentLink.currency).in_(currencies), *_WITHDRAWN)
        .order_by(col(PaymentLink.expires_at), col(PaymentLink.id))
        .limit(limit)
    ).all()


def not_closed_since(session: Session, after: datetime, before: datetime) -> Sequence[str]:
    """Loans with a link that is `to_be_closed` where a gateway did not close one between these moments, in order.

    By the audit trail: each try moves on the moment that a link is withdrawn at.
    """
    tried_before = (
        select(Audit.id)
        .where(
            Audit.lender == Loan.lender,
            Audit.loan_id == Loan.loan_id,
            Audit.action == NOT_CLOSED,
            col(Audit.at) >= after,
            col(Audit.at) < before,
            col(Audit.at) >= PaymentLink.created_at,
        )
        .exists()
    )
    waiting = (
        select(Loan.loan_id)
        .join(PaymentLink, col(PaymentLink.loan_ref) == col(Loan.id))
        .where(*_WITHDRAWN, tried_before)
        .distinct()
    )
    return session.exec(waiting.order_by(Loan.loan_id)).all()


def closed(session: Session, link: PaymentLink, *, at: datetime) -> None:
    """The gateway takes no more money by it, so there is no life left to end. One that was paid stays paid."""
    link.expires_at = None
    session.add(link)
    set_state(session, link, LinkState.INACTIVE, at=at)
    session.flush()


def set_state(session: Session, link: PaymentLink, state: LinkState, *, at: datetime) -> None:
    """Note that a link was paid or closed. A paid link stays paid; withdrawn before, it is to be closed as well."""
    if link.state is LinkState.PAID or link.state is state:
        return
    if state is LinkState.PAID and is_withdrawn(link):
        link.expires_at = at
    link.state, link.changed_at = state, at
    session.add(link)
    session.flush()
