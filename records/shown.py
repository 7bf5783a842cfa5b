"""What was shown to a person in the audit trail and is neither settled since nor said to be seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from domain.direct_debit import DebitState
from records import audit
from records.tables import Audit, Debit, Payment

_NEEDS_PERSON, _UNKNOWN_SENDER = "webhook_needs_person", "message_from_unknown_sender"
SHOWN = (_NEEDS_PERSON, "bank_news_unclear", _UNKNOWN_SENDER)
SEEN = "shown_was_seen"
_MANY = 500


class NothingShown(LookupError):
    """No row of this kind was shown up to that row."""


def kind_of(row: Audit) -> str:
    if row.action == _UNKNOWN_SENDER:
        return f"{row.action}:{row.details.get('channel')}"
    return str(row.details.get("kind")) if row.action == _NEEDS_PERSON else row.action


def unseen(session: Session, since: datetime) -> list[Audit]:
    """What was shown after `since`, oldest first.

    Settled is what names a payment that was booked or taken back after it was shown, and what names a debit of which
    it is known by now what became of it.
    """
    rows = session.exec(
        select(Audit).where(col(Audit.action).in_((*SHOWN, SEEN)), col(Audit.at) > since).order_by(col(Audit.id))
    ).all()
    seen: dict[str, int] = {}
    for row in rows:
        if row.action == SEEN:
            kind = str(row.details["kind"])
            seen[kind] = max(seen.get(kind, 0), int(row.details["up_to"]))
    shown = [row for row in rows if row.action != SEEN and (row.id or 0) > seen.get(kind_of(row), 0)]
    moved = _money_moved(session, {about for row in shown if (about := _about(row)) is not None})
    return [row for row in shown if not any(at > row.at for at in moved.get(_about(row) or "", ()))]


def note_seen(session: Session, kind: str, up_to: int, *, by: str, at: datetime) -> None:
    """A person has looked at all of this kind up to the row `up_to` of the trail. Raises NothingShown."""
    row = session.get(Audit, up_to)
    if row is None or row.action not in SHOWN or kind_of(row) != kind:
        raise NothingShown(f"row {up_to} of the audit trail shows nothing of the kind {kind[:80]!r} to a person")
    audit.append(session, at=at, actor=by[:160], action=SEEN, details={"kind": kind, "up_to": up_to})


def _about(row: Audit) -> str | None:
    named = row.details.get("reference") or row.details.get("payment_id")
    return None if named is None else str(named)


def _money_moved(session: Session, ids: Collection[str]) -> dict[str, list[datetime]]:
    """When a payment of this id, or a debit of this reference, was booked, taken back or closed."""
    moved: dict[str, list[datetime]] = {}
    every: Sequence[str] = sorted(ids)
    for begin in range(0, len(every), _MANY):
        some = every[begin : begin + _MANY]
        for payment in session.exec(select(Payment).where(col(Payment.payment_id).in_(some))).all():
            moved.setdefault(payment.payment_id, []).extend(
                at for at in (payment.received_at, payment.reversed_at) if at is not None
            )
        known = select(Debit).where(col(Debit.reference).in_(some), Debit.state != DebitState.FILED)
        for debit in session.exec(known).all():
            moved.setdefault(debit.reference, []).append(debit.changed_at)
    return moved
