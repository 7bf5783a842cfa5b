"""Who acts at the command line: an account where people have accounts, with the authority of its role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.console import Refused

if TYPE_CHECKING:
    from domain.agreements.terms import Authority
    from records.database import Database
    from records.tables import Account


def named(database: Database, by: str) -> str:
    """How loans and the audit trail name whoever acts: their account, as the web app names them, else as given.

    Raises Refused: a closed account, or a name that only the web app gives.
    """
    account = _account(database, by)
    return by if account is None else f"account:{account.id}"


def acting(database: Database, by: str, role: Authority) -> str:
    """As `named`, of somebody who may act as `role`. Raises Refused.

    A supervisor always has an account, so that nobody is two people by using two names. An agent has one as soon as
    anybody has; before that whoever holds this command line vouches for them.
    """
    from domain.access import Role
    from domain.agreements.terms import Authority
    from records import accounts

    if role is Authority.MACHINE:
        return named(database, by)
    account = _account(database, by)
    if account is not None:
        may = {Role.AGENT: Authority.AGENT, Role.SUPERVISOR: Authority.SUPERVISOR}.get(account.role)
        if may is None or not may.covers(role):
            raise Refused(f"--by: {account.login!r} is {account.role}: it takes a {role}")
        return f"account:{account.id}"
    with database.reading() as session:
        anybody = bool(accounts.listing(session))
    if role is Authority.SUPERVISOR or anybody:
        raise Refused(f"--by: nobody signs in as {by[:64]!r}: `account add {by[:64]} --role {role}` makes an account")
    return by


def authority_of(database: Database, by: str) -> tuple[str, Authority]:
    """Whoever approves, by their account, and what its role may approve. Raises Refused: no agent, no supervisor."""
    from domain.access import Role
    from domain.agreements.terms import Authority

    account = _account(database, by)
    if account is None:
        raise Refused(f"--by: nobody signs in as {by[:64]!r}: who approves has an account, see `account list`")
    role = {Role.AGENT: Authority.AGENT, Role.SUPERVISOR: Authority.SUPERVISOR}.get(account.role)
    if role is None:
        raise Refused(f"--by: {account.login!r} is {account.role} and approves nothing")
    return f"account:{account.id}", role


def _account(database: Database, by: str) -> Account | None:
    from domain.access import OUR_NAMES
    from records import accounts

    if by.startswith(OUR_NAMES):
        raise Refused(f"--by: {by[:64]!r}: expected the name they sign in by, or an id of yours")
    with database.reading() as session:
        try:
            account = accounts.get(session, by)
        except accounts.UnknownAccount:
            return None
    if account.disabled_at is not None:
        raise Refused(f"--by: the account {account.login!r} is closed")
    return account
