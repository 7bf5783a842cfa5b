"""Records that an older version kept in the open: after the upgrade all is there, and none readable from outside."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlmodel import select

from domain.contact import Channel
from records import people, webhooks
from records.database import Database, alembic_config
from records.tables import CollectionCase, Consent, Contact
from tests.databases import PostgresServer

BEFORE_SEALING = "0005"
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NAME, PHONE, EMAIL = "Carmen Villalobos Ríos", "+34600123456", "carmen.villalobos@example.com"
ADDRESS, TEXT, NOTE = "carmen.old@example.com", "Hola Carmen, debe 12,00 €", "llamó Carmen: ha perdido el trabajo"
CONSENT, ACCOUNT, BODY = "consent-7781-secret", "ES9121000418450200051332", b"From=%2B34600123456&Body=hola"
PERSONAL = (NAME, PHONE, EMAIL, ADDRESS, TEXT, NOTE, CONSENT, ACCOUNT, BODY.decode())
_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def old(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql_server: Callable[[], PostgresServer]
) -> Iterator[tuple[Database, str]]:
    """A database of the version before, with a person, their contact, consent, case and webhook in the open."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.db'}"
    else:
        server = postgresql_server()
        name = f"old_{next(_numbers)}"
        server.run(f"CREATE DATABASE {name}")
        url = server.url(name)
    with _plain(url).begin() as connection:
        command.upgrade(alembic_config(connection), BEFORE_SEALING)
        _fill(connection)
    database = Database(url)
    yield database, url
    database.dispose()
    if request.param == "postgresql":
        server.run(f"DROP DATABASE {name} WITH (FORCE)")


def _plain(url: str) -> Engine:
    """The database as whoever holds the file or the server's password sees it."""
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)


def _fill(connection: Connection) -> None:
    at = AT.isoformat(sep=" ")
    for statement, values in (
        (
            "INSERT INTO person (id, lender, person_id, name, phone, email, language, country, updated_at) "
            "VALUES (1, 'demo', 'p1', :name, :phone, :email, 'es', 'ES', :at), "
            "(2, 'demo', 'p2', NULL, NULL, NULL, 'es', 'ES', :at)",
            {"name": NAME, "phone": PHONE, "email": EMAIL},
        ),
        (
            "INSERT INTO strategy_snapshot (digest, name, version, data, kept_at) VALUES ('d', 's', 1, '{}', :at)",
            {},
        ),
        (
            "INSERT INTO loan (id, lender, loan_id, person_ref, entry, currency, amount_due_minor, due_date, "
            "strategy_name, strategy_version, strategy_digest, state, entered_at) VALUES "
            "(1, 'demo', 'L1', 1, 1, 'EUR', 1200, '2026-10-01', 's', 1, 'd', 'waiting', :at)",
            {},
        ),
        (
            "INSERT INTO contact (id, loan_ref, person_ref, entry, step, occurrence, channel, purpose, state, "
            "message_id, address, text, template, reserved_at, changed_at) VALUES "
            "(1, 1, 1, 1, 'first', 1, 'email', 'collection', 'sent', 'm-1', :address, :text, 't', :at, :at)",
            {"address": ADDRESS, "text": TEXT},
        ),
        (
            "INSERT INTO consent (id, person_ref, provider, consent_id, account_id, status, reads_per_day, changed_at) "
            "VALUES (1, 1, 'bank', :consent, :account, 'valid', 4, :at)",
            {"consent": CONSENT, "account": ACCOUNT},
        ),
        (
            "INSERT INTO closed_address (id, person_ref, channel, address, reason, at) "
            "VALUES (1, 1, 'email', :address, 'dead', :at)",
            {"address": ADDRESS},
        ),
        (
            "INSERT INTO collection_case (case_id, loan_ref, queue, kind, reason, state, opened_at, assignments, note) "
            "VALUES ('demo-L1-1', 1, 'agents', 'handoff', 'step', 'open', :at, '[]', :note)",
            {"note": NOTE},
        ),
        (
            "INSERT INTO webhook (id, provider, event_key, url, body, headers, received_at, verified, signals, "
            "relay_attempts, next_try_at) VALUES (1, 'twilio', 'k', 'u', :body, '{}', :at, :yes, '[]', 0, :at)",
            {"body": BODY, "yes": True},
        ),
    ):
        connection.execute(text(statement), {"at": at, **values})


def test_everything_is_still_there_after_the_upgrade(old: tuple[Database, str]) -> None:
    database, _ = old

    database.migrate()

    with database.reading() as session:
        (person,) = people.by_phone(session, PHONE)
        contact = session.exec(select(Contact)).one()
        consent = session.exec(select(Consent)).one()
        case = session.exec(select(CollectionCase)).one()
        assert (person.name, person.phone, person.email) == (NAME, PHONE, EMAIL)
        assert people.by_email(session, EMAIL) == [person]
        assert (contact.address, contact.text) == (ADDRESS, TEXT)
        assert (consent.consent_id, consent.account_id) == (CONSENT, ACCOUNT)
        assert case.note == NOTE
        assert bytes(webhooks.get(session, 1).body) == BODY
        assert people.is_closed(session, person, Channel.EMAIL, ADDRESS)


def test_nothing_of_it_can_be_read_from_outside(old: tuple[Database, str]) -> None:
    database, url = old

    database.migrate()

    found: list[str] = []
    with _plain(url).connect() as connection:
        for table in ("person", "contact", "consent", "closed_address", "collection_case", "webhook"):
            rows = connection.execute(text(f"SELECT * FROM {table}")).all()
            assert rows
            found += [str(bytes(v) if isinstance(v, bytes | memoryview) else v) for row in rows for v in row]
    assert [value for value in PERSONAL if any(value in cell for cell in found)] == []
