"""Keys of days and months end in time: of who was erased backups hold nothing that can be read for ever."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlmodel import col, select

from domain.bank_news import BankEntry, FileKind
from records import bank_entries, person_keys, webhooks
from records.database import Database
from records.sealed import PrivateBytes
from records.spent_keys import BEFORE_DAYS, Spent, destroy_spent, overdue
from records.tables import BankEntryRow, EntryState, Person, Webhook
from records.tables.sealing import day_key, month_key
from records.webhooks import Proven
from tests.records.test_person_keys import end, someone

OLD = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)
LATER = OLD + timedelta(days=32)
BODY = b'{"from": "+34600111222", "text": "soy Ana"}'


def comes(database: Database, event_key: str, at: datetime, *, relayed: bool = True) -> None:
    """A webhook nobody knows the sender of."""
    with database.writing() as session:
        told = Proven(
            "meta", event_key, "https://us.example/?from=34600111222", BODY, {"x-forwarded-for": "1.2.3.4"}, at
        )
        webhooks.store_many(session, [told], at)
        if relayed:
            kept = session.exec(select(Webhook.id).where(Webhook.event_key == event_key)).one()
            webhooks.mark_recorded(session, kept or 0, at, outcome="message_unmatched", signals=[])


def sealed(database: Database, event_key: str) -> bytes:
    """The body as a backup holds it."""
    with database.reading() as session:
        found = session.execute(
            text("SELECT body FROM webhook WHERE event_key = :key"), {"key": event_key}
        ).scalar_one()
        return bytes(found)


def body(database: Database, event_key: str) -> bytes:
    with database.reading() as session:
        return session.exec(select(Webhook).where(Webhook.event_key == event_key)).one().body


def test_what_a_day_brought_of_unknown_senders_cannot_be_read_from_a_backup_after_its_time(database: Database) -> None:
    comes(database, "e1", OLD)
    comes(database, "e2", LATER - timedelta(days=30))
    backup = sealed(database, "e1")

    spent = destroy_spent(database, LATER, 5)

    assert spent == Spent(days=1, months=0, waiting=())
    assert database.keys.open("webhook.body", backup) is None
    assert (body(database, "e1"), body(database, "e2")) == (b"", BODY)
    with database.reading() as session:
        emptied = session.exec(select(Webhook).where(Webhook.event_key == "e1")).one()
        assert (emptied.url, emptied.headers, emptied.outcome) == ("", {}, "message_unmatched")
    comes(database, "e1", LATER)
    with database.reading() as session:
        assert len(session.exec(select(Webhook)).all()) == 2, "the same event is known still"
    assert destroy_spent(database, LATER, 5) == Spent(days=0, months=0, waiting=())


def test_a_webhook_that_is_not_with_its_loan_keeps_its_day(database: Database) -> None:
    comes(database, "money", OLD, relayed=False)
    comes(database, "e1", OLD)

    spent = destroy_spent(database, LATER, 5)

    assert spent == Spent(days=0, months=0, waiting=(day_key(OLD),))
    assert body(database, "money") == BODY
    with database.writing() as session:
        kept = session.exec(select(Webhook.id).where(Webhook.event_key == "money")).one()
        webhooks.mark_recorded(session, kept or 0, LATER, outcome="payment", signals=[])
    assert destroy_spent(database, LATER, 5).days == 1


def test_what_a_known_person_wrote_stays_readable_under_their_own_key(database: Database) -> None:
    someone(database)
    end(database)
    with database.reading() as session:
        mine = session.exec(select(Webhook).where(col(Webhook.person_ref).is_not(None))).one()

    destroy_spent(database, mine.received_at + timedelta(days=40), 5)

    with database.reading() as session:
        assert session.get_one(Webhook, mine.id).body == mine.body != b""
        assert session.exec(select(Person.name)).one() is not None


def test_a_run_that_broke_off_is_finished_by_the_next(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    comes(database, "e1", OLD)
    with monkeypatch.context() as broken:
        broken.setattr(database.keys, "destroy", lambda _keys: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            destroy_spent(database, LATER, 5)

    assert destroy_spent(database, LATER, 5).days == 1
    assert body(database, "e1") == b""


def sealed_before_days(database: Database, event_key: str) -> None:
    """As the upgrade left it that began to seal bodies."""
    with database.writing() as session:
        body = PrivateBytes(BODY, database.keys.named(BEFORE_DAYS))
        earlier = update(Webhook).where(col(Webhook.event_key) == event_key).values(body=body)
        session.execute(earlier.execution_options(synchronize_session=False))


def test_what_came_before_bodies_were_sealed_by_day_ends_as_a_day_does(database: Database) -> None:
    comes(database, "e1", OLD - timedelta(days=400))
    comes(database, "e2", LATER - timedelta(days=30))
    comes(database, "money", OLD, relayed=False)
    for event_key in ("e1", "e2", "money"):
        sealed_before_days(database, event_key)
    backup = sealed(database, "e1")

    assert destroy_spent(database, LATER, 5).waiting == (), "the latest is not thirty days old"
    needed = destroy_spent(database, LATER + timedelta(days=2), 5)
    assert (needed.waiting, body(database, "e1")) == ((BEFORE_DAYS,), BODY)
    with database.writing() as session:
        kept = session.exec(select(Webhook.id).where(Webhook.event_key == "money")).one()
        webhooks.mark_recorded(session, kept or 0, LATER, outcome="payment", signals=[])
    destroy_spent(database, LATER + timedelta(days=2), 5)

    assert database.keys.open("webhook.body", backup) is None
    assert {body(database, event_key) for event_key in ("e1", "e2", "money")} == {b""}
    assert left_in_the_open(database) == []
    assert BEFORE_DAYS not in database.keys.beginning_with("webhooks-")


def left_in_the_open(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.exec(select(Webhook.url).where(Webhook.url != "")).all())


def test_webhooks_restored_after_their_days_key_was_destroyed_keep_no_address(database: Database) -> None:
    comes(database, "e1", OLD)
    comes(database, "young", LATER)
    comes(database, "owed", OLD + timedelta(days=1), relayed=False)
    database.keys.destroy([day_key(OLD), day_key(OLD + timedelta(days=1)), day_key(LATER)])

    destroy_spent(database, LATER, 5)

    with database.reading() as session:
        kept = {one.event_key: (one.url, one.headers) for one in session.exec(select(Webhook))}
    assert kept.pop("e1") == ("", {})
    assert all(url and headers for url, headers in kept.values()), "not past its time, or owed to a loan yet"


def test_many_days_go_in_pieces_and_a_run_that_broke_off_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [OLD + timedelta(days=number) for number in range(40)]
    for number, at in enumerate(days):
        comes(database, f"e{number}", at)
    destroy, rounds = database.keys.destroy, 0

    def breaks_off(key_ids: list[str]) -> int:
        nonlocal rounds
        rounds += 1
        return destroy(key_ids) if rounds == 1 else 1 // 0

    with monkeypatch.context() as broken:
        broken.setattr(database.keys, "destroy", breaks_off)
        with pytest.raises(ZeroDivisionError):
            destroy_spent(database, days[-1] + timedelta(days=40), 5)

    assert destroy_spent(database, days[-1] + timedelta(days=40), 5).days in range(1, 15)
    assert left_in_the_open(database) == []


def test_keys_that_nothing_needs_and_nobody_destroys_are_told(database: Database) -> None:
    comes(database, "e1", OLD)
    comes(database, "money", OLD + timedelta(days=1), relayed=False)

    with database.reading() as session:
        early, late = (overdue(session, OLD + timedelta(days=days)) for days in (34, 37))

    assert (early, late) == ([], [day_key(OLD)])


BOOKED = date(2026, 2, 28)
PAST = datetime(2031, 3, 1, tzinfo=UTC)


def entry(database: Database, key: str, state: EntryState, **changes: Any) -> None:
    told: dict[str, Any] = {"booked_on": BOOKED, "value_on": BOOKED, "text": "gracias", "other_name": "ANA GARCIA"}
    line = BankEntry(line=1, amount_minor=100, currency="EUR", credit=True, other_iban="ES1", **(told | changes))
    with database.writing() as session:
        file = bank_entries.add_file(
            session, sha256=key, kind=FileKind.CAMT_053, name=key, message_id="S", entries=1, at=OLD
        )
        bank_entries.add(session, file, line, key=key, account="x", lender=None, state=state, why=None, at=OLD)


def names(database: Database) -> list[str | None]:
    with database.reading() as session:
        return list(session.exec(select(BankEntryRow.other_name).order_by(col(BankEntryRow.id))).all())


def test_names_on_statements_that_are_nobodys_go_when_the_longest_retention_is_past(database: Database) -> None:
    entry(database, "a", EntryState.IGNORED)
    entry(database, "b", EntryState.IGNORED, booked_on=date(2026, 3, 1))
    assert destroy_spent(database, PAST - timedelta(days=1), 5).months == 0

    assert destroy_spent(database, PAST, 5) == Spent(days=0, months=1, waiting=())

    assert names(database) == [None, "ANA GARCIA"]
    assert database.keys.beginning_with("bank-") == [month_key(date(2026, 3, 1))]


def test_money_that_waits_for_a_person_keeps_the_names_of_its_month(database: Database) -> None:
    entry(database, "a", EntryState.WAITING)
    entry(database, "b", EntryState.IGNORED)

    assert destroy_spent(database, PAST, 5) == Spent(days=0, months=0, waiting=(month_key(BOOKED),))

    assert names(database) == ["ANA GARCIA"] * 2


def test_entries_restored_after_their_months_key_was_destroyed_keep_no_trace_of_an_account(database: Database) -> None:
    entry(database, "a", EntryState.IGNORED)
    entry(database, "b", EntryState.IGNORED, booked_on=date(2026, 3, 1))
    database.keys.destroy([month_key(BOOKED), month_key(date(2026, 3, 1))])

    destroy_spent(database, PAST, 5)

    with database.reading() as session:
        traces = session.exec(select(BankEntryRow.iban_index).order_by(col(BankEntryRow.id))).all()
    assert [trace is None for trace in traces] == [True, False]


def test_no_persons_key_is_taken_for_a_days_or_a_months(database: Database) -> None:
    database.check()
    with database.keys._engine.connect() as connection:
        before = connection.execute(select(person_keys._KEYS.c.key_id)).scalars().all()

    database.keys.named("bank-account-of-hers")
    destroy_spent(database, PAST, 5)

    with database.keys._engine.connect() as connection:
        after = connection.execute(select(person_keys._KEYS.c.key_id)).scalars().all()
    assert set(after) == {*before, "bank-account-of-hers"}
