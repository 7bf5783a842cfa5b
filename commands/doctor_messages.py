"""`doctor` on what borrowers write: whether what no webhook told of is still fetched."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlmodel import Session

from commands.console import iso
from commands.doctor_findings import Finding
from config.settings import Settings
from web import missed_messages

_LOOKED_WITHIN = timedelta(minutes=15)


def look_at_missed_messages(session: Session, settings: Settings, now: datetime) -> list[Finding]:
    """A Twilio account whose list nobody has read to its end for a while."""
    try:
        if not missed_messages.is_looked_at(settings):
            return []
    except ValidationError:
        # The web app does not look at it either, and the log alone says so.
        pass
    last = missed_messages.looked_at(session)
    if last is not None and now - last <= _LOOKED_WITHIN:
        return []
    since = "has never been looked at" if last is None else f"has not been looked at to its end since {iso(last)}"
    return [
        Finding(
            "messages_not_fetched",
            f"Twilio's list of messages {since}",
            "a stop whose webhook was lost is heard by nobody, and the borrower is written to again",
            "start the web app, or read its log for recobro.web.missed: it says what Twilio or a setting refuses",
        )
    ]
