"""Accounts of people who sign in, what they failed at, and the sessions they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlmodel import Session, col, delete, select

from domain.access import PersonCaller, Role
from domain.sign_in import PER_ACCOUNT, PER_ADDRESS, SessionLimits, session_is_over, wait_before_next
from records import audit
from records.locks import one_at_a_time
from records.tables import Account, SignInAttempt, SignInSession

_SEEN_AGAIN_AFTER = timedelta(minutes=1)
"""How old the note of the last request may be: a write for every request would be too dear."""


class UnknownAccount(LookupError):
    """Nobody signs in by this name."""


class NoPassword(ValueError):
    """The account signs in through the provider: a password would be a way around it."""


class AccountExists(ValueError):
    """Somebody signs in by this name already."""


def hashed(secret: str) -> str:
    """How a session's token, a sign-in name or an address is kept: SHA-256, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(
    session: Session,
    *,
    login: str,
    role: Role,
    password_hash: str | None,
    at: datetime,
    by: str,
    issuer: str | None = None,
    subject: str | None = None,
) -> Account:
    """A new account. Raises AccountExists."""
    one_at_a_time(session, f"account {login.casefold()}")
    if session.exec(select(Account).where(Account.login == login.casefold())).first() is not None:
        raise AccountExists(f"somebody signs in as {login.casefold()!r} already")
    account = Account(
        login=login.casefold(),
        role=role,
        password_hash=password_hash,
        issuer=issuer,
        subject=subject,
        created_at=at,
    )
    session.add(account)
    session.flush()
    _note(session, account, "account_created", at, by, role=role.value)
    return account


def get(session: Session, login: str) -> Account:
    """An account by its sign-in name. Raises UnknownAccount."""
    account = session.exec(select(Account).where(Account.login == login.casefold())).first()
    if account is None:
        raise UnknownAccount(f"nobody signs in as {login!r}")
    return account


def of_provider(session: Session, issuer: str, subject: str) -> Account | None:
    """The account that an OpenID Connect provider knows as `subject`."""
    return session.exec(select(Account).where(Account.issuer == issuer, Account.subject == subject)).first()


def listing(session: Session) -> Sequence[Account]:
    return session.exec(select(Account).order_by(col(Account.login))).all()


def set_role(session: Session, account: Account, role: Role, *, at: datetime, by: str) -> None:
    """From the next request on."""
    if account.role is not role:
        account.role = role
        session.add(account)
        _note(session, account, "account_role_changed", at, by, role=role.value)


def set_password(session: Session, account: Account, password_hash: str, *, at: datetime, by: str) -> None:
    """All sessions end: whoever had the old password may hold one. Raises NoPassword."""
    if account.issuer is not None:
        raise NoPassword(f"{account.login} signs in through the provider and has no password here")
    account.password_hash = password_hash
    session.add(account)
    end_sessions(session, account)
    _note(session, account, "account_password_changed", at, by)


def rehash(session: Session, account_id: int, before: str, after: str) -> None:
    """The same password, hashed by today's parameters; nothing if it was changed meanwhile."""
    account = session.get(Account, account_id)
    if account is not None and account.password_hash == before:
        account.password_hash = after
        session.add(account)


def set_disabled(session: Session, account: Account, disabled: bool, *, at: datetime, by: str) -> None:
    """Close an account, with all its sessions, or open it again."""
    account.disabled_at = at if disabled else None
    session.add(account)
    if disabled:
        end_sessions(session, account)
    _note(session, account, "account_disabled" if disabled else "account_enabled", at, by)


def _note(session: Session, account: Account, action: str, at: datetime, by: str, **details: str) -> None:
    audit.append(session, at=at, actor=by, action=action, details={"account": account.id, **details})


@dataclass(frozen=True)
class Attempt:
    """An attempt that may be made, kept as a failed one until it succeeds."""

    ids: tuple[int, ...]


def begin_attempt(session: Session, *, login: str, address: str, at: datetime) -> Attempt | timedelta:
    """Note an attempt to sign in before it is judged; or how long whoever asks has to wait."""
    one_at_a_time(session, "sign-in attempts")
    longest = max(PER_ACCOUNT.memory, PER_ADDRESS.memory)
    session.exec(delete(SignInAttempt).where(col(SignInAttempt.at) <= at - longest))
    subjects = ((hashed(f"login {login.casefold()}"), PER_ACCOUNT), (hashed(f"address {_place(address)}"), PER_ADDRESS))
    waits = [
        wait_before_next(
            session.exec(select(SignInAttempt.at).where(SignInAttempt.subject == subject)).all(), at, throttle
        )
        for subject, throttle in subjects
    ]
    if max(waits) > timedelta(0):
        return max(waits)
    rows = [SignInAttempt(subject=subject, at=at) for subject, _ in subjects]
    session.add_all(rows)
    session.flush()
    return Attempt(tuple(row.id for row in rows if row.id is not None))


def _place(address: str) -> str:
    """Whom an address stands for: of IPv6 a whole /64, which is what one subscriber is given at least."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or ip_network((known, 64), strict=False))


def sign_in(
    session: Session, account: Account, token: str, *, at: datetime, login_tried: str, attempt: Attempt | None
) -> None:
    """Open a session for `token`; the failed attempts for this name, and this one, are forgotten."""
    assert account.id is not None
    session.exec(delete(SignInAttempt).where(col(SignInAttempt.subject) == hashed(f"login {login_tried.casefold()}")))
    if attempt is not None:
        session.exec(delete(SignInAttempt).where(col(SignInAttempt.id).in_(attempt.ids)))
    account.last_signed_in_at = at
    session.add(account)
    session.add(SignInSession(token_hash=hashed(token), account_ref=account.id, created_at=at, last_seen_at=at))
    session.flush()
    _note(session, account, "signed_in", at, f"account:{account.id}")


def known_by(session: Session, token: str, at: datetime, limits: SessionLimits) -> tuple[PersonCaller, bool] | None:
    """Whose live session `token` is, and whether the last request should be noted anew; None: nobody's."""
    row = session.get(SignInSession, hashed(token))
    if row is None or session_is_over(row.created_at, row.last_seen_at, at, limits):
        return None
    account = session.get(Account, row.account_ref)
    if account is None or account.disabled_at is not None or account.id is None:
        return None
    return PersonCaller(account.id, account.login, account.role), at - row.last_seen_at >= _SEEN_AGAIN_AFTER


def seen(session: Session, token: str, at: datetime) -> None:
    row = session.get(SignInSession, hashed(token))
    if row is not None and row.last_seen_at < at:
        row.last_seen_at = at
        session.add(row)


def sign_out(session: Session, token: str, at: datetime) -> None:
    row = session.get(SignInSession, hashed(token))
    if row is not None:
        session.delete(row)
        session.flush()
        _note(session, session.get_one(Account, row.account_ref), "signed_out", at, f"account:{row.account_ref}")


def end_sessions(session: Session, account: Account) -> None:
    session.exec(delete(SignInSession).where(col(SignInSession.account_ref) == account.id))


def turn_out(session: Session, account: Account, *, at: datetime, by: str) -> None:
    """End the sessions of somebody who has no role any more, and note it where there were any."""
    if session.exec(select(SignInSession).where(SignInSession.account_ref == account.id).limit(1)).first() is None:
        return
    end_sessions(session, account)
    _note(session, account, "account_sessions_ended", at, by)


def forget_old_sessions(session: Session, at: datetime, limits: SessionLimits) -> None:
    """Rows of sessions that are over say nothing any more."""
    session.exec(
        delete(SignInSession).where(
            (col(SignInSession.created_at) <= at - limits.longest)
            | (col(SignInSession.last_seen_at) <= at - limits.idle)
        )
    )
