"""Work that belongs at the end of a transaction, after all else in it."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from sqlmodel import Session

Work = Callable[[Session], None]
_KEY = "last_work"


class NotWriting(RuntimeError):
    """The session is none of `Database.writing`: what was put off would be lost."""


def begin(session: Session) -> None:
    """This session may put work off until its end."""
    session.info[_KEY] = {}


def do_last(session: Session, name: Hashable, work: Work) -> None:
    """Do `work` just before the commit, once for each `name`. What it locks is held only for the commit."""
    if _KEY not in session.info:
        raise NotWriting(str(name))
    session.info[_KEY].setdefault(name, work)


def finish(session: Session) -> None:
    """Do what was put off, in the order it was; everything else is with the database by then."""
    put_off: dict[Hashable, Work] = session.info.pop(_KEY)
    if put_off:
        session.flush()
    for work in put_off.values():
        work(session)
