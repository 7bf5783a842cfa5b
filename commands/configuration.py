"""What a command works on: settings and records. The one door to both for all commands."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import typer

from commands import local_stack
from commands.console import Refused

if TYPE_CHECKING:
    from sqlmodel import Session

    from config.settings import Settings
    from records.database import Database


def settings() -> Settings:
    """The settings, of the local stack if one runs here and nothing else is configured. Raises BadSettings."""
    from config.settings import load_settings

    local_stack.use_if_nothing_else_is_configured()
    return load_settings()


def records(settings: Settings) -> Database:
    """The records these settings name. Raises BadDatabaseUrl."""
    return _records(settings.database_url)


@lru_cache(maxsize=1)
def _records(url: str) -> Database:
    from records.database import Database

    try:
        return Database(url)
    except OSError as error:
        raise Refused(f"the database's folder cannot be made: {error.strerror or type(error).__name__}") from None


def say_if_empty(database: Database) -> None:
    """A line on stderr where the records hold no campaign: whoever forgot a setting reads others than they mean."""
    from sqlmodel import select

    from records.tables import Campaign

    with database.reading() as session:
        held = session.exec(select(Campaign.id).limit(1)).first()
    if held is None:
        typer.echo(f"these records hold no campaign: {database.where} (RECOBRO_DATABASE_URL says which)", err=True)


def place(session: Session) -> str:
    """Which records these are, for a line that found nothing in them."""
    from records.database import place_of

    return place_of(session.get_bind().engine.url)


def lender_of(settings: Settings, given: str | None) -> str:
    """The lender meant where none is named: the only one of RECOBRO_LENDERS, else `demo`. Raises Refused."""
    from domain.loans import LENDER

    if given is None:
        return next(iter(settings.lenders)) if len(settings.lenders) == 1 else "demo"
    if not LENDER.fullmatch(given):
        raise Refused(f"--lender: {given[:80]!r}: expected 1 to 64 letters, digits, dots or underscores, and no dash")
    return given
