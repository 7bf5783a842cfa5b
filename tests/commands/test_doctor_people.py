"""`doctor` on people's data: what it finds, and that it ends only the erasures that began."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select, text

from commands import doctor, doctor_people
from commands.doctor_findings import Finding
from commands.doctor_mends import Mends
from config.encryption_settings import Encryption
from config.settings import Settings
from records.database import Database
from records.tables import Person
from records.tables.sealing import day_key
from tests.records.portfolios import NOW
from tests.records.test_erasure import breaks_off, from_before, hand_over_again
from tests.records.test_person_keys import end, read, someone
from tests.records.test_spent_keys import comes


def settings(**encryption: Any) -> Settings:
    return Settings(_env_file=None, encryption=Encryption(**encryption))  # type: ignore[call-arg]


def found(database: Database, at: datetime = NOW) -> dict[str, Finding]:
    mends = Mends(database, settings(), None)
    with database.reading() as session:
        return {one.check: one for one in doctor_people.look_at_people(session, at, mends.finish_erasures)}


def test_who_is_well_is_not_found(database: Database) -> None:
    someone(database)

    assert found(database) == {}


async def test_an_erasure_that_broke_off_is_finished(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    someone(database)
    end(database)
    breaks_off(database, monkeypatch)

    unfinished = found(database)["erasures_unfinished"]
    assert unfinished.subjects == ("p-L1",)
    assert unfinished.mend is not None
    told = await unfinished.mend()

    assert (told, found(database)) == ("1 people are erased", {})
    assert '"person_erased"' in read(database)


async def test_who_is_handed_over_again_meanwhile_is_not_erased(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone(database)
    end(database)
    breaks_off(database, monkeypatch)
    unfinished = found(database)["erasures_unfinished"]
    assert unfinished.mend is not None

    hand_over_again(database)
    told = await unfinished.mend()

    assert told == "0 people are erased"
    with database.reading() as session:
        assert session.exec(select(Person.name)).one() is not None


def test_who_was_erased_after_the_backup_is_named_and_left_to_a_person(database: Database) -> None:
    """The keys may as well be an older copy, and then what was emptied could not be brought back."""
    someone(database)
    end(database)
    from_before(database)

    named = found(database)["people_without_key"]

    assert (named.subjects, named.mend) == (("p-L1",), None)
    assert "older copy" in named.why
    assert "person erase PERSON" in named.command


def test_who_is_kept_too_long_is_counted_and_nobody_is_erased_for_it(database: Database) -> None:
    someone(database)
    end(database)

    assert "past_retention" not in found(database, NOW + timedelta(days=4 * 366))
    past = found(database, NOW + timedelta(days=6 * 366))["past_retention"]

    assert (past.what, past.mend, past.command) == (
        "1 people are past retention",
        None,
        "starter.py person retention",
    )


def test_keys_of_days_that_nobody_destroys_are_told_with_the_command_that_does(database: Database) -> None:
    comes(database, "e1", NOW)

    assert found(database, NOW + timedelta(days=35)) == {}
    told = found(database, NOW + timedelta(days=37))["keys_not_destroyed"]

    assert (told.subjects, told.mend) == ((day_key(NOW),), None)
    assert told.command.startswith("starter.py keys spent")


def test_keys_in_the_archive_of_the_log_are_warned_of_where_there_is_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor_people.look_at_keys(settings(), database) == [], "nothing is archived here"

    monkeypatch.setattr(doctor_people, "text", lambda _sql: text("SELECT 'on'"))
    warned = doctor_people.look_at_keys(settings(), database)
    apart = doctor_people.look_at_keys(settings(person_keys_url="postgresql://keys.example/keys"), database)

    assert [one.check for one in warned] == ([] if database.embedded else ["keys_beside_data"])
    assert apart == []


def test_a_persons_data_that_cannot_be_read_is_not_read_to_tell_how_long_they_are_kept(database: Database) -> None:
    someone(database)
    end(database)
    with database.writing() as session:
        session.execute(text("UPDATE person SET name = 'nobody sealed this'"))

    assert "past_retention" in found(database, NOW + timedelta(days=6 * 366))


def test_what_no_key_opens_is_a_finding_and_the_rest_is_looked_at_all_the_same(database: Database) -> None:
    """Given a stored webhook that was changed in the database and an erasure-to-be, when the doctor looks, then both
    are told."""
    someone(database)
    end(database)
    with database.writing() as session:
        session.execute(text("UPDATE webhook SET body = :body, relayed_at = NULL"), {"body": b"nobody sealed this"})
    from_before(database)

    told = {one.check: one for one in doctor._look_at_records(settings(), database, Mends(database, settings(), None))}

    assert "cannot be read" in told["records_unreadable"].what
    assert "keys" in told["records_unreadable"].command
    assert told["people_without_key"].subjects == ("p-L1",)
