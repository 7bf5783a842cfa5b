"""API keys of services: made, proven, revoked. The secret itself is shown once and never kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from domain.access import Scope, ServiceCaller
from records import audit
from records.tables import ApiKey

MARK = "rcb"
_PREFIX = re.compile("[0-9a-f]{8}")
_USED_AGAIN_AFTER = timedelta(minutes=1)


class UnknownKey(LookupError):
    """No key begins so."""


def create(
    session: Session,
    *,
    name: str,
    scopes: Iterable[Scope],
    lender: str | None,
    expires_at: datetime | None,
    at: datetime,
    by: str,
) -> str:
    """A new key `rcb_<prefix>_<secret>`: 256 random bits, so a plain SHA-256 is enough to keep of it."""
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    kept = sorted({scope.value for scope in scopes})
    session.add(
        ApiKey(
            prefix=prefix,
            name=name,
            secret_hash=_hash(secret),
            scopes=kept,
            lender=lender,
            created_at=at,
            expires_at=expires_at,
        )
    )
    session.flush()
    details = {"key": prefix, "name": name, "scopes": kept, "lender": lender}
    audit.append(session, at=at, actor=by, action="api_key_created", details=details)
    return f"{MARK}_{prefix}_{secret}"


def listing(session: Session) -> Sequence[ApiKey]:
    return session.exec(select(ApiKey).order_by(col(ApiKey.created_at), col(ApiKey.prefix))).all()


def revoke(session: Session, prefix: str, *, at: datetime, by: str) -> bool:
    """From this moment it opens nothing. False: it was revoked before. Raises UnknownKey."""
    key = session.get(ApiKey, prefix)
    if key is None:
        raise UnknownKey(f"no API key {prefix!r}")
    if key.revoked_at is not None:
        return False
    key.revoked_at = at
    session.add(key)
    audit.append(session, at=at, actor=by, action="api_key_revoked", details={"key": prefix})
    return True


def known_by(session: Session, key: str, at: datetime) -> tuple[ServiceCaller, bool] | None:
    """Whose live key this is, and whether its last use should be noted anew; None: nobody's."""
    parts = key.split("_", 2)
    if len(parts) != 3 or parts[0] != MARK or not _PREFIX.fullmatch(parts[1]):
        return None
    row = session.get(ApiKey, parts[1])
    if not hmac.compare_digest(_hash(parts[2]), row.secret_hash if row is not None else "") or row is None:
        return None
    if row.revoked_at is not None or (row.expires_at is not None and at >= row.expires_at):
        return None
    known = frozenset(scope for scope in Scope if scope.value in row.scopes)
    due = row.last_used_at is None or at - row.last_used_at >= _USED_AGAIN_AFTER
    return ServiceCaller(row.prefix, row.name, known, row.lender), due


def used(session: Session, prefix: str, at: datetime) -> None:
    row = session.get(ApiKey, prefix)
    if row is not None and (row.last_used_at is None or row.last_used_at < at):
        row.last_used_at = at
        session.add(row)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
