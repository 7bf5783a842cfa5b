"""Payment links: at most one active for a loan, purpose and amount."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from records.tables import LinkState, Loan, PaymentLink


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


def set_state(session: Session, link: PaymentLink, state: LinkState, *, at: datetime) -> None:
    """Note that a link was paid or closed. A paid link stays paid."""
    if link.state is LinkState.PAID or link.state is state:
        return
    link.state, link.changed_at = state, at
    session.add(link)
    session.flush()
