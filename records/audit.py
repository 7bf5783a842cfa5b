"""The audit trail: it can be appended to and read, nothing else. Every row's hash covers the row before it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, text, update
from sqlmodel import Session, col, select

from domain.audit_chain import ChainCheck, Entry, Fault, Head, entry_hash
from records.last_work import do_last
from records.tables import Audit, AuditHead

_HEAD = 1
_PAGE = 2_000
_INSERT = insert(Audit.__table__)  # type: ignore[attr-defined]
_LOCK_HEAD = select(AuditHead.rows, AuditHead.last_id, AuditHead.hash).where(AuditHead.id == _HEAD).with_for_update()
_MOVE_HEAD = (
    update(AuditHead.__table__)  # type: ignore[attr-defined]
    .where(col(AuditHead.id) == _HEAD)
    .values(rows=bindparam("now_rows"), last_id=bindparam("now_last"), hash=bindparam("now_hash"))
)


class NoHead(RuntimeError):
    """The trail's head is gone, so nothing can be appended: see `starter.py audit verify`."""


def append(
    session: Session,
    *,
    at: datetime,
    actor: str,
    action: str,
    lender: str | None = None,
    loan_id: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Note that `actor` did `action`; `details` must be JSON and hold no names, phones or e-mails.

    The row is written, and can be read, when the transaction ends: only then is its place in the chain known, and
    only for the commit do others who append wait. Works in `Database.writing` alone.
    """
    entry = {
        "at": at,
        "actor": actor,
        "action": action,
        "lender": lender,
        "loan_id": loan_id,
        "details": json.loads(json.dumps(details or {})),
    }
    put_off: list[dict[str, Any]] = session.info.setdefault("audit", [])
    do_last(session, "audit", _chain)
    put_off.append(entry)


def _chain(session: Session) -> None:
    put_off: list[dict[str, Any]] = session.info.pop("audit")
    # Below the mapping of objects: the others wait for what is done here.
    connection = session.connection()
    head = connection.execute(_LOCK_HEAD).one_or_none()
    if head is None:
        raise NoHead("the audit trail has no head: see `starter.py audit verify`")
    count, last_id, last_hash = head
    rows = []
    for each in put_off:
        last_id += 1
        last_hash = entry_hash(last_hash, Entry(id=last_id, **each))
        rows.append({**each, "id": last_id, "hash": last_hash})
    connection.execute(_INSERT, rows)
    connection.execute(_MOVE_HEAD, {"now_rows": count + len(rows), "now_last": last_id, "now_hash": last_hash})


def of_loan(
    session: Session,
    lender: str,
    loan_id: str,
    *,
    action: str | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
) -> Sequence[Audit]:
    """All entries about one loan, oldest first; of one action alone, `since` inclusive and `before` exclusive, where
    that is asked for."""
    wanted = select(Audit).where(Audit.lender == lender, Audit.loan_id == loan_id)
    if action is not None:
        wanted = wanted.where(Audit.action == action)
    if since is not None:
        wanted = wanted.where(Audit.at >= since)
    if before is not None:
        wanted = wanted.where(Audit.at < before)
    return session.exec(wanted.order_by(col(Audit.id))).all()


def of_action(session: Session, action: str) -> Sequence[Audit]:
    """All entries of one action, oldest first."""
    return session.exec(select(Audit).where(Audit.action == action).order_by(col(Audit.id))).all()


def latest(
    session: Session,
    limit: int,
    *,
    lender: str | None = None,
    loan_id: str | None = None,
    actor: str | None = None,
    action: str | None = None,
) -> list[Audit]:
    """The last `limit` entries of those asked for, oldest first."""
    wanted = select(Audit)
    for column, value in (
        (Audit.lender, lender),
        (Audit.loan_id, loan_id),
        (Audit.actor, actor),
        (Audit.action, action),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    return list(reversed(session.exec(wanted.order_by(col(Audit.id).desc()).limit(limit)).all()))


def head_of(session: Session) -> Head | None:
    """Where the trail ends now; None if that was removed."""
    found = session.get(AuditHead, _HEAD)
    return None if found is None else Head(rows=found.rows, last_id=found.last_id, hash=found.hash)


def check(session: Session, kept: Head | None = None) -> tuple[int, list[Fault]]:
    """How many rows there are and all that is wrong with them, on one state of the database.

    `session` must be fresh from `Database.reading`. The trail is read in pages, however long it is.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    chain = ChainCheck(head_of(session), kept)
    for entry, kept_hash in _entries(session):
        chain.entry(entry, kept_hash)
    return chain.rows, chain.end()


def _entries(session: Session) -> Iterator[tuple[Entry, str]]:
    columns = (Audit.id, Audit.at, Audit.actor, Audit.action, Audit.lender, Audit.loan_id, Audit.details, Audit.hash)
    found = session.execute(select(*columns).order_by(col(Audit.id)).execution_options(yield_per=_PAGE))  # type: ignore[call-overload]
    for *values, kept_hash in found:
        yield Entry(*values), kept_hash
