"""Channels a person withdrew by their own word stay closed, whatever a later file of the lender's says."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta

from alembic import command
from sqlalchemy import NullPool, create_engine, text

from domain.contact import Channel
from records import audit, loans, people
from records.database import Database, alembic_config
from records.portfolio import Entered
from records.tables import Audit
from tests.records.portfolios import LENDER, NOW, enter, handed

LATER = NOW + timedelta(days=3)
_campaigns = itertools.count(1)


def file(database: Database, loan_id: str, channels: str | None) -> Entered:
    """A file with one loan of Ana's, and the channels it says she agreed to."""
    with database.writing() as session:
        row = handed(loan_id, person_id="ana", authorised_channels=channels)
        return enter(session, [row], campaign_id=f"c{next(_campaigns)}", at=LATER)


def says(database: Database, *channels: Channel | None) -> None:
    """Ana's own word, as an operator notes it; None: it is not known any more."""
    with database.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        people.authorise(session, person, None if None in channels else channels, at=NOW)  # type: ignore[arg-type]


def agreed(database: Database) -> list[str] | None:
    with database.reading() as session:
        found = people.authorised_channels(people.of_loan(session, loans.get(session, LENDER, "L1")))
    return None if found is None else sorted(found)


def noted_in_the_trail(database: Database) -> list[Audit]:
    with database.reading() as session:
        return list(audit.of_action(session, "person_channels_at_odds"))


def test_a_channel_a_person_withdrew_is_not_opened_by_the_next_file_and_the_start_says_so(database: Database) -> None:
    file(database, "L1", "email")
    says(database, Channel.EMAIL)

    entered = file(database, "L2", "email,sms")

    assert agreed(database) == ["email"]
    [one] = entered.channels_at_odds
    assert (one.loan_id, one.line, one.noted_at) == ("L2", 4, NOW)
    assert (one.in_file, one.noted, one.holding) == (("email", "sms"), ("email",), ("email",))
    [line] = noted_in_the_trail(database)
    assert (line.loan_id, line.details["holding"]) == ("L2", ["email"])


def test_of_rows_that_name_different_channels_those_in_all_of_them_hold(database: Database) -> None:
    named = {"L1": "email,sms", "L2": None, "L3": "call,sms"}
    with database.writing() as session:
        enter(session, [handed(one, person_id="ana", authorised_channels=told) for one, told in named.items()])

    assert agreed(database) == ["sms"]


def test_who_agreed_to_none_is_left_alone(database: Database) -> None:
    file(database, "L1", "email,sms")
    says(database)

    file(database, "L2", "sms,call")

    assert agreed(database) == []


def test_a_file_that_says_what_the_one_before_said_undoes_nothing_and_is_noted_no_second_time(
    database: Database,
) -> None:
    file(database, "L1", "sms")
    says(database, Channel.SMS, Channel.WHATSAPP)

    entered = file(database, "L2", "sms")

    assert agreed(database) == ["sms", "whatsapp"]
    assert len(entered.channels_at_odds) == 1
    assert noted_in_the_trail(database) == []


def test_a_file_takes_away_what_the_lender_heard_was_withdrawn_and_gives_it_back(database: Database) -> None:
    file(database, "L1", "email")
    says(database, Channel.EMAIL, Channel.SMS)

    file(database, "L2", "sms")
    narrowed = agreed(database)
    entered = file(database, "L3", "email,sms")

    assert narrowed == ["sms"]
    assert agreed(database) == ["email", "sms"]
    assert entered.channels_at_odds == ()


def test_a_file_that_names_no_channels_changes_nothing(database: Database) -> None:
    file(database, "L1", "email,sms")
    says(database, Channel.SMS)

    entered = file(database, "L2", None)

    assert agreed(database) == ["sms"]
    assert entered.channels_at_odds == ()


def test_without_a_word_of_the_persons_the_last_file_stands(database: Database) -> None:
    file(database, "L1", "email")
    first = file(database, "L2", "email,sms")
    widened = agreed(database)
    says(database, Channel.EMAIL)
    says(database, None)
    file(database, "L3", "email,sms")

    assert (first.channels_at_odds, widened) == ((), ["email", "sms"])
    assert agreed(database) == ["email", "sms"]


def test_a_word_that_agrees_with_the_file_is_kept_as_the_persons_own(database: Database) -> None:
    file(database, "L1", "email")
    with database.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert people.authorise(session, person, {Channel.EMAIL}, at=NOW)
        assert not people.authorise(session, person, {Channel.EMAIL}, at=NOW)

    file(database, "L2", "call,email")

    assert agreed(database) == ["email"]


def test_the_upgrade_knows_what_was_noted_before_and_closes_what_a_file_had_opened_since(
    database: Database, database_url: str
) -> None:
    file(database, "L1", "email")
    with database.writing() as session:
        enter(session, [handed("L9", person_id="ben", authorised_channels="email")], campaign_id="of-ben")
        for channels in (["call"], ["sms"]):
            told = {"lender": LENDER, "loan_id": "L1", "details": {"channels": channels}}
            audit.append(session, at=NOW, actor="operator", action="person_channels_authorised", **told)  # type: ignore[arg-type]
        session.execute(text("""UPDATE person SET authorised_channels = '["email", "sms"]' WHERE person_id = 'ana'"""))
    back_to(database_url, "0031")

    database.migrate()

    with database.reading() as session:
        ana, ben = (people.of_loan(session, loans.get(session, LENDER, loan_id)) for loan_id in ("L1", "L9"))
        assert (ana.authorised_channels, ana.channels_noted, ana.channels_noted_at) == (["sms"], ["sms"], NOW)
        assert (ben.authorised_channels, ben.channels_noted, ben.channels_in_file) == (["email"], None, ["email"])


def back_to(url: str, revision: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), revision)


def test_an_own_word_that_is_being_noted_while_a_file_is_taken_in_is_not_lost(database: Database) -> None:
    file(database, "L1", "email,sms")
    noted, go_on = threading.Event(), threading.Event()

    def withdraws() -> None:
        with database.writing() as session:
            person = people.of_loan(session, loans.get(session, LENDER, "L1"))
            people.authorise(session, person, [Channel.EMAIL], at=NOW)
            session.flush()
            noted.set()
            go_on.wait(0.5)

    operator = threading.Thread(target=withdraws)
    operator.start()
    noted.wait(30)

    file(database, "L2", "email,sms")
    go_on.set()
    operator.join()

    assert agreed(database) == ["email"]
