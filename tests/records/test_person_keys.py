"""Personal data in the records is readable only with its person's key, and gone with it."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select

from config.master_keys import KEY_BYTES, MasterKeys, add_to_key_file
from domain.contact import Channel, Purpose
from records import cases, contacts, loans, payments, people, person_export, person_keys, refunds, webhooks
from records.contacts import Reserved
from records.database import Database
from records.erasure import StillCollecting, StillUnsettled, erase
from records.person_keys import KeysMissing
from records.sealed import NotPrivate
from records.tables import (
    CaseState,
    Consent,
    Contact,
    PaymentSource,
    Person,
    RefundState,
    RefundTask,
    RefundWay,
    Webhook,
)
from tests.records.portfolios import LENDER, NOW, enter, handed

NAME, PHONE, EMAIL = "Ximena Zubizarreta", "+34699887766", "ximena@correo.example"
ACCOUNT, CONSENT = "ES9121000418450200051332", "con-of-ximena"
TEXT, NOTE, BODY = "Hola Ximena, tu cuota", "calls her aunt", b'{"from": "+34699887766", "text": "ya pago"}'
SECRETS = (NAME, PHONE, EMAIL, ACCOUNT, CONSENT, TEXT, NOTE, BODY.decode())


def someone(database: Database, loan_id: str = "L1") -> None:
    """A person with everything that can be known of one."""
    with database.writing() as session:
        row = handed(loan_id, name=NAME, phone=PHONE, email=EMAIL, bank_account=ACCOUNT, bank_consent=CONSENT)
        enter(session, [row], campaign_id=f"c-{loan_id}")
        loan = loans.get(session, LENDER, loan_id)
        person = people.of_loan(session, loan)
        told = {"step": "r1", "occurrence": 1, "purpose": Purpose.COLLECTION, "channel": Channel.SMS}
        taken = contacts.reserve(session, loan, person, template="t", at=NOW, address=PHONE, **told)  # type: ignore[arg-type]
        assert isinstance(taken, Reserved)
        taken.contact.text = TEXT
        people.close_address(session, person, Channel.EMAIL, EMAIL, reason="dead", at=NOW)
        case = cases.open(session, loan, case_id="k1", queue="q", kind="k", at=NOW, sla_at=None)
        case.note = NOTE
        given = {"provider": "twilio", "event_key": "e1", "url": "https://us.example/webhooks/twilio", "headers": {}}
        kept = webhooks.store(session, body=BODY, received_at=NOW, due_at=NOW, verified=True, **given)  # type: ignore[arg-type]
        assert person.id is not None
        webhooks.mark_recorded(session, kept.id, NOW, outcome="message", signals=[], persons=[person.id])


def end(database: Database, loan_id: str = "L1") -> None:
    with database.writing() as session:
        loans.end(session, loans.get(session, LENDER, loan_id), kind="cured", at=NOW, final_state=None)


def dump(database: Database) -> str:
    """Every value of every table, as the database itself holds it."""
    with database.reading() as session:
        tables = [table.name for table in Person.metadata.sorted_tables]
        rows = [row for table in tables for row in session.execute(text(f"SELECT * FROM {table}")).all()]
    return "\n".join(str([bytes(v) if isinstance(v, bytes | memoryview) else v for v in row]) for row in rows)


def read(database: Database) -> str:
    with database.reading() as session:
        person = session.exec(select(Person)).one()
        return json.dumps(person_export.export(session, person), default=str, ensure_ascii=False)


def test_the_database_holds_nothing_personal_in_the_open_and_reads_it_back(database: Database) -> None:
    someone(database)

    held = dump(database)
    assert "L1" in held
    assert [secret for secret in SECRETS if secret in held] == []
    with database.reading() as session:
        person = session.exec(select(Person)).one()
        contact = session.exec(select(Contact)).one()
        consent = session.exec(select(Consent)).one()
        assert (person.name, person.phone, person.email) == (NAME, PHONE, EMAIL)
        assert (contact.address, contact.text) == (PHONE, TEXT)
        assert (consent.account_id, consent.consent_id) == (ACCOUNT, CONSENT)
        assert session.exec(select(Webhook)).one().body == BODY
        assert [one.person_id for one in people.by_phone(session, PHONE)] == [person.person_id]
        assert [one.person_id for one in people.by_email(session, EMAIL)] == [person.person_id]
        assert people.is_closed(session, person, Channel.EMAIL, EMAIL)
        assert not people.is_closed(session, person, Channel.EMAIL, "other@correo.example")


def test_the_export_holds_everything_that_is_known(database: Database) -> None:
    someone(database)

    told = json.loads(read(database))

    for secret in (NAME, PHONE, EMAIL, ACCOUNT, CONSENT, TEXT, NOTE, "ya pago"):
        assert secret in json.dumps(told, ensure_ascii=False)
    assert told["contacts"][0]["loan_id"] == "L1"
    assert "key_id" not in json.dumps(told)
    assert [one["campaign_id"] for one in told["campaigns"]] == ["c-L1"]


def test_what_was_erased_cannot_be_read_in_the_records_nor_in_a_backup(database: Database) -> None:
    someone(database)
    end(database)
    with database.reading() as session:
        backup = {
            "name": session.execute(text("SELECT name FROM person")).scalar_one(),
            "text": session.execute(text("SELECT text FROM contact")).scalar_one(),
        }
        key_id = session.exec(select(Person.key_id)).one()

    assert erase(database, LENDER, "p-L1", at=NOW, actor="me") is True

    left = read(database)
    assert [secret for secret in SECRETS if secret in left] == []
    assert "ya pago" not in left
    assert database.keys.open_text("person.name", backup["name"]) is None
    assert database.keys.open_text("contact.text", backup["text"]) is None
    assert key_id is not None
    with database.reading() as session:
        assert len(session.exec(select(Contact)).all()) == 1, "that a contact was made stays"
        assert people.by_phone(session, PHONE) == []
    assert '"person_erased"' in left
    assert erase(database, LENDER, "p-L1", at=NOW, actor="me") is False


def test_an_erasure_that_broke_off_is_finished_by_the_next(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    someone(database)
    end(database)

    def dies(_keys: object) -> int:
        raise OSError("the power is cut")

    with monkeypatch.context() as broken:
        broken.setattr(database.keys, "destroy", dies)
        with pytest.raises(OSError, match="power"):
            erase(database, LENDER, "p-L1", at=NOW, actor="me")

    assert erase(database, LENDER, "p-L1", at=NOW, actor="me") is True
    assert "person_erased" in read(database)


def test_nobody_is_erased_whose_loan_is_in_collection(database: Database) -> None:
    someone(database)

    with pytest.raises(StillCollecting, match="L1"):
        erase(database, LENDER, "p-L1", at=NOW, actor="me")

    assert NAME in read(database)


def paid_too_much(database: Database) -> int:
    """The loan ended with 25.00 paid beyond what was due; a transfer back is approved. The refund's number."""
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        paid = payments.record(
            session,
            provider="bank",
            payment_id="b1",
            lender=LENDER,
            loan_id="L1",
            amount_minor=12_500,
            currency="EUR",
            paid_at=NOW,
            received_at=NOW,
            source=PaymentSource.RECORD,
        )
        case = cases.open(
            session, loan, case_id="c1", queue="q", kind="refund", at=NOW, sla_at=None, amount_minor=2_500
        )
        told = {"amount_minor": 2_500, "way": RefundWay.TRANSFER, "by": "marta", "at": NOW}
        task = refunds.propose(session, case, paid.payment, **told)  # type: ignore[arg-type]
        refunds.decide(session, task, approved=True, by="luis", at=NOW)
        assert task.id is not None
        return task.id


def test_nobody_is_erased_to_whom_money_is_to_be_given_back(database: Database) -> None:
    someone(database)
    end(database)
    number = paid_too_much(database)

    with pytest.raises(StillUnsettled, match=rf"refund {number} \(approved\), case c1 \(refund\)"):
        erase(database, LENDER, "p-L1", at=NOW, actor="me")
    assert NAME in read(database)

    with database.writing() as session:
        refunds.done(session, refunds.get(session, number), reference="TR-1", at=NOW)
        cases.decide(session, "c1", decision="continue", by="luis", at=NOW)
    assert erase(database, LENDER, "p-L1", at=NOW, actor="me") is True


@pytest.mark.parametrize("state", [RefundState.PROPOSED, RefundState.APPROVED])
def test_a_refund_under_way_keeps_its_person_though_its_case_was_closed(database: Database, state: RefundState) -> None:
    someone(database)
    end(database)
    number = paid_too_much(database)
    with database.writing() as session:
        session.get_one(RefundTask, number).state = state
        cases.close(session, "c1", CaseState.CLOSED, at=NOW)

    with pytest.raises(StillUnsettled, match=rf"refund {number} \({state.value}\)$"):
        erase(database, LENDER, "p-L1", at=NOW, actor="me")


def test_a_refund_that_failed_is_owed_until_its_case_is_decided(database: Database) -> None:
    someone(database)
    end(database)
    number = paid_too_much(database)
    with database.writing() as session:
        refunds.failed(session, refunds.get(session, number), why="the account is closed", at=NOW)

    with pytest.raises(StillUnsettled, match=r": case c1 \(refund\)$"):
        erase(database, LENDER, "p-L1", at=NOW, actor="me")

    with database.writing() as session:
        cases.decide(session, "c1", decision="continue", by="luis", at=NOW)
    assert erase(database, LENDER, "p-L1", at=NOW, actor="me") is True


@pytest.mark.parametrize("kind", ["refund", "payment_query", "circumstance"])
def test_nobody_is_erased_whose_question_of_money_waits_for_its_decision(database: Database, kind: str) -> None:
    someone(database)
    end(database)
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        cases.open(session, loan, case_id="c1", queue="q", kind=kind, at=NOW, sla_at=None)

    with pytest.raises(StillUnsettled, match="case c1"):
        erase(database, LENDER, "p-L1", at=NOW, actor="me")

    assert NAME in read(database)


def test_whoever_is_handed_over_again_gets_a_new_key(database: Database) -> None:
    someone(database)
    end(database)
    erase(database, LENDER, "p-L1", at=NOW, actor="me")

    with database.writing() as session:
        enter(
            session, [handed("L1", name=NAME, phone=PHONE, email=None)], campaign_id="again", at=NOW + timedelta(days=1)
        )

    with database.reading() as session:
        person = session.exec(select(Person)).one()
        assert (person.name, person.phone, person.email, person.erased_at) == (NAME, PHONE, None, None)


def test_a_plain_value_never_reaches_the_database(database: Database) -> None:
    someone(database)

    with database.reading() as session, pytest.raises(Exception, match="without its key") as refused:
        session.exec(select(Person).where(Person.phone == PHONE)).all()

    assert isinstance(refused.value.__cause__ or refused.value, NotPrivate)
    assert PHONE not in str(refused.value)


def test_a_sealed_value_moved_to_another_place_is_refused(database: Database) -> None:
    someone(database)

    with database.writing() as session:
        session.execute(text("UPDATE person SET email = phone"))

    with pytest.raises(KeysMissing, match="changed or moved"):
        read(database)


def keyed(url: str, active: str, *ids: str) -> Database:
    keys = {key_id: key_id.encode() * (KEY_BYTES // len(key_id)) for key_id in ids}
    return Database(url, master=lambda: MasterKeys(keys, active))


def test_after_a_rotation_the_old_master_key_is_not_needed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'r.db'}"
    someone(keyed(url, "aa", "aa"))

    both = keyed(url, "bb", "aa", "bb")
    moved = both.keys.rewrap()

    assert moved >= 2
    assert both.keys.rewrap() == 0
    assert NAME in read(keyed(url, "bb", "bb"))
    with pytest.raises(KeysMissing, match=r"'bb'.*RECOBRO_ENCRYPTION__KEYS"):
        read(keyed(url, "aa", "aa"))


def test_a_process_that_runs_during_a_rotation_wraps_nothing_under_the_old_key_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a worker that runs on, the old key may leave the file, as `keys rotate` says, and nobody is lost."""
    monkeypatch.setenv("RECOBRO_ENCRYPTION__KEYS", "{}")
    url = f"sqlite:///{tmp_path / 'r.db'}"
    running, command = Database(url), Database(url)
    someone(running)
    old = running.keys.master.active

    command.check()
    command.keys.use_master(add_to_key_file(command.keys.master))
    command.keys.rewrap()
    with running.writing() as session:
        enter(session, [handed("L2", name="Otra Persona")], campaign_id="c-2")

    assert old not in running.keys.counts()
    file = tmp_path / "r.master-keys.json"
    kept = json.loads(file.read_text())
    kept["keys"].pop(old)
    file.write_text(json.dumps(kept))
    with Database(url).reading() as session:
        assert sorted(str(name) for name in session.exec(select(Person.name)).all()) == ["Otra Persona", NAME]


def test_records_without_their_keys_are_not_taken_for_empty(tmp_path: Path) -> None:
    someone(Database(f"sqlite:///{tmp_path / 'r.db'}"))
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(tmp_path / "r.db", tmp_path / "elsewhere" / "r.db")
    for log in tmp_path.glob("r.db-*"):
        shutil.copy(log, tmp_path / "elsewhere" / log.name)

    with pytest.raises(KeysMissing, match="keys are not at"):
        read(Database(f"sqlite:///{tmp_path / 'elsewhere' / 'r.db'}"))


def test_only_so_many_keys_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person_keys, "_CACHED", 10)
    database = Database(f"sqlite:///{tmp_path / 'r.db'}")
    database.check()

    made = database.keys.new_many(50)

    assert len(database.keys._cache) == 10
    sealed = database.keys.seal_text(made[0], "person.name", NAME)
    assert database.keys.open_text("person.name", sealed) == NAME
