"""`doctor` on people's data: erasures that did not come to their end, keys that are gone, and what is kept too long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, text

from commands.doctor_findings import Finding, Mend, about
from config.retention import kept_until
from config.settings import Settings
from records import erasure, person_retention, spent_keys
from records.database import Database


def look_at_people(session: Session, now: datetime, finish: Mend) -> list[Finding]:
    """Whose erasure is half done, whose key is missing, and who has been kept long enough."""
    found = about(
        "erasures_unfinished",
        "{n} erasures began and did not come to their end",
        "the person was told that nothing is known of them any more, or is about to be",
        "starter.py doctor --mend   (finishes them)",
        (one.person_id for one in erasure.begun(session)),
        finish,
    )
    found += about(
        "people_without_key",
        "of {n} people nothing can be read: their keys are not in the store of keys",
        "the records are from before they were erased; or the keys are an older copy, and then nothing is to be erased",
        "put the newest keys in place; who was erased: starter.py person erase PERSON --by REQUEST",
        (one.person_id for one in erasure.without_key(session)),
    )
    found += about(
        "keys_not_destroyed",
        "the keys of {n} days are past their time, and nothing needs them",
        "what webhooks of unknown senders brought can be read longer than privacy.md says, also in backups",
        "starter.py keys spent; each day: starter.py schedule create, or a timer of yours",
        spent_keys.overdue(session, now),
    )
    past = person_retention.past(session, kept_until, now)
    return found + about(
        "past_retention",
        "{n} people are past retention",
        "they are kept longer than any rule asks; nobody is erased without a person's word",
        "starter.py person retention",
        (one.person_id for one in past),
    )


def unreadable(reasons: Iterable[str]) -> list[Finding]:
    """What no key here opens: whatever else is looked at, it was not."""
    return [
        Finding(
            "records_unreadable",
            f"part of the records cannot be read: {why}",
            "what stands there was not looked at, and whatever needs it stands still",
            "put the keys in place that the records were written with (docs/privacy.md); a value that was changed "
            "comes from a backup (docs/operations.md)",
        )
        for why in reasons
    ]


def look_at_keys(settings: Settings, database: Database) -> list[Finding]:
    """Keys that go into the same archive of the log as the data they open."""
    if database.embedded or settings.encryption.person_keys_url is not None:
        return []
    with database.reading() as session:
        archived: str = session.execute(text("SHOW archive_mode")).scalar_one()
    if archived == "off":
        return []
    return [
        Finding(
            "keys_beside_data",
            "PostgreSQL archives its log, and people's keys are in the same database as their data",
            "whoever was erased can be read again from any moment of the archive",
            "move the schema recobro_keys to a database of its own and set RECOBRO_ENCRYPTION__PERSON_KEYS_URL "
            "(docs/privacy.md)",
        )
    ]
