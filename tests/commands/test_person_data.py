"""An operator answers a person who asks what is known of them, or wants it gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from commands import configuration
from records import cases, loans
from records.database import Database
from records.tables import Audit
from records.tables.sealing import day_key
from starter import app
from tests.commands.stacks import DOCUMENTED, Said, keys_of
from tests.records.portfolios import enter, handed
from tests.records.test_spent_keys import comes

IBAN = "ES9121000418450200051332"
ADD = ("mandate", "add", "L1", "--signed", "2026-03-14", "--iban", IBAN, "--reference")
LONG_AGO = datetime(2020, 2, 29, 9, 0, tzinfo=UTC)


class Office:
    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'recobro.db'}"
        self.database = Database(self.url)
        self.folder = folder

    def hand_over(self, loan_id: str, *, at: datetime, ended: bool, **changes: object) -> None:
        with self.database.writing() as session:
            enter(session, [handed(loan_id, **changes)], campaign_id=f"c-{loan_id}", at=at, lender="demo")
            if ended:
                loan = loans.get(session, "demo", loan_id)
                loans.end(session, loan, kind="cured", at=at, final_state=None)

    def run(self, *words: str) -> Said:
        configuration._records.cache_clear()
        environment = {"RECOBRO_DATABASE_URL": self.url, "RECOBRO_ENCRYPTION__KEYS": "{}"}
        result = CliRunner(env=environment).invoke(app, list(words))
        return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("RECOBRO_ENCRYPTION__KEYS", "{}")
    monkeypatch.chdir(tmp_path)
    return Office(tmp_path)


def test_a_person_is_found_exported_and_erased(office: Office) -> None:
    office.hand_over("L1", at=datetime.now(UTC), ended=True, name="Ximena Zubizarreta")

    found = office.run("person", "find", "--phone", "+34600000001", "--json").json
    assert found["people"] == [{"lender": "demo", "person_id": "p-L1", "loans": ["L1"]}]
    told = office.run("person", "export", "p-L1").json
    assert told["person"]["name"] == "Ximena Zubizarreta"
    assert told["retention"]["years"] == 5

    asked = office.run("person", "erase", "p-L1")
    assert (asked.code, "--yes" in asked.err) == (2, True)
    erased = office.run("person", "erase", "p-L1", "--yes", "--json").json
    assert erased == {"lender": "demo", "person_id": "p-L1", "erased": True}

    assert office.run("person", "find", "--phone", "+34600000001").code == 1
    assert "Ximena" not in office.run("person", "export", "p-L1").out
    assert keys_of(found) | keys_of(erased) <= DOCUMENTED


@pytest.mark.parametrize(
    "by",
    [
        "asked by ximena", "carta de Zubizarréta", "her mail x@correo.example", "llamada del +34 600 000 001",
        "llamada del 600 000 002", "de 600000001", "DNI 12345678Z",
    ],
)  # fmt: skip
def test_who_asked_is_not_named_where_it_is_kept_for_ever(office: Office, by: str) -> None:
    office.hand_over("L1", at=datetime.now(UTC), ended=True, name="Ximena Zubizarreta del Río")

    said = office.run("person", "erase", "p-L1", "--by", by, "--yes")

    assert (said.code, said.err.count("\n")) == (2, 1)
    assert said.err.startswith("--by: say which request it is by its number or date")
    assert "Ximena" in office.run("person", "export", "p-L1").out
    right = office.run("person", "erase", "p-L1", "--by", "ticket 2026112000123 del 2026-11-20", "--yes")
    assert (right.code, right.out) == (0, "p-L1: erased\n")


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("consent", "ask", "L1", "--by"), "--by: say who"),
        (("consent", "revoke", "L1", "--by"), "--by: say which request"),
        ((*ADD, "M-2", "--by"), "--by: say who"),
        (("mandate", "import", "mandates.csv", "--by"), "--by: say who"),
        (("mandate", "cancel", "M-1", "--by"), "--by: say who"),
        (("mandate", "cancel", "M-1", "--reason"), "--reason: say why"),
        (("reconcile", "match", "1", "L1", "--by"), "--by: say who"),
        (("reconcile", "ignore", "1", "--reason", "a payout", "--by"), "--by: say who"),
        (("reconcile", "ignore", "1", "--reason"), "--reason: say why"),
        (("debit", "take-back", "F-1", "--by"), "--by: say who"),
        (("debit", "settle", "R-1", "--came", "--by"), "--by: say who"),
    ],
)  # fmt: skip
def test_no_number_of_anybodys_is_kept_for_ever_with_who_said_something_and_why(
    office: Office, words: tuple[str, ...], asked: str
) -> None:
    """Given commands whose words stand in the audit trail, when a telephone number is among these, then the command is
    refused in a line and does nothing."""
    office.hand_over("L1", at=datetime.now(UTC), ended=True)
    office.run(*ADD, "M-1")
    Path("mandates.csv").write_text(f"loan_id,reference,iban,signed\nL1,M-2,{IBAN},2026-03-14\n")

    said = office.run(*words, "she called from +34 600 111 222")

    assert (said.code, said.err.count("\n")) == (2, 1)
    assert said.err.startswith(asked)
    mandates = office.run("mandate", "list", "--json").json["mandates"]
    assert [(one["reference"], one["status"]) for one in mandates] == [("M-1", "active")]


def test_a_mandate_is_not_cancelled_for_a_reason_that_names_its_person(office: Office) -> None:
    office.hand_over("L1", at=datetime.now(UTC), ended=True, name="Ximena Zubizarreta")
    office.run(*ADD, "M-1")

    said = office.run("mandate", "cancel", "M-1", "--reason", "ximena wrote on 2026-05-12")

    assert (said.code, "'ximena' stands in a name" in said.err) == (2, True)
    assert office.run("mandate", "cancel", "M-1", "--reason", "the borrower wrote on 2026-05-12").code == 0


def test_a_request_that_names_a_month_the_person_is_called_by_is_told_which_word_it_is(office: Office) -> None:
    office.hand_over("L1", at=datetime.now(UTC), ended=True, name="Ximena Mayo")

    said = office.run("person", "erase", "p-L1", "--by", "carta del 12 de mayo", "--yes")

    assert said.code == 2
    assert "'mayo' stands in a name" in said.err
    assert office.run("person", "erase", "p-L1", "--by", "carta del 2026-05-12", "--yes").code == 0


def test_a_loan_in_collection_keeps_its_person(office: Office) -> None:
    office.hand_over("L1", at=datetime.now(UTC), ended=False)

    said = office.run("person", "erase", "p-L1", "--yes")

    assert said.code == 2
    assert "L1" in said.err
    assert "loan close" in said.err
    assert office.run("person", "erase", "nobody", "--yes").code == 2


def test_who_has_been_kept_long_enough_is_erased_by_the_law_of_their_country(office: Office) -> None:
    four_years = datetime.now(UTC) - timedelta(days=4 * 366)
    office.hand_over("L1", at=LONG_AGO, ended=True)
    office.hand_over("L2", at=LONG_AGO, ended=False)
    office.hand_over("L3", at=four_years, ended=True)
    office.hand_over("L4", at=four_years, ended=True, country="CL", region="RM", timezone="America/Santiago")

    dry = office.run("person", "retention", "--dry-run", "--json").json
    done = office.run("person", "retention", "--yes", "--json").json

    assert [one["person_id"] for one in dry["people"]] == ["p-L1", "p-L4"]
    assert dry["people"][0]["kept_until"].startswith("2025-03-01")
    assert (dry["erased"], done["erased"]) == (0, 2)
    assert office.run("person", "retention", "--json").json["people"] == []
    assert keys_of(done) <= DOCUMENTED


def test_whose_consent_a_bank_cannot_be_told_of_is_named_and_erased_at_an_operators_word(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given somebody past retention with a consent at a bank that does not answer, when people are erased, then they
    wait and it is said why; an operator who knows that it never will erases them, and the audit trail says so."""
    monkeypatch.setenv("RECOBRO_BANK__BASE_URL", "http://127.0.0.1:9")
    office.hand_over("L1", at=LONG_AGO, ended=True, bank_consent="c-1", bank_account="a-1")

    told = office.run("person", "retention", "--yes", "--json").json
    shown = office.run("person", "retention", "--yes")
    refused = office.run("person", "erase", "p-L1", "--yes")
    erased = office.run("person", "erase", "p-L1", "--yes", "--without-bank", "--by", "request 7", "--json").json

    [waits] = told["waiting"]
    assert (told["erased"], waits["person_id"], "berlin_group" in waits["why"]) == (0, "p-L1", True)
    assert keys_of(told) <= DOCUMENTED
    assert "p-L1  waits: bank consents" in shown.err
    assert (refused.code, "--without-bank" in refused.err) == (2, True)
    assert erased["erased"] is True
    with office.database.reading() as session:
        kept = session.exec(select(Audit).where(Audit.action == "consents_left_at_bank")).all()
    assert [(row.actor, row.details["consents"]) for row in kept] == [("request 7", 1)]


def refund_case(office: Office, loan_id: str) -> str:
    case_id = f"demo-{loan_id}-1-1"
    with office.database.writing() as session:
        loan = loans.get(session, "demo", loan_id)
        cases.open(session, loan, case_id=case_id, queue="q", kind="refund", at=LONG_AGO, sla_at=None)
    return case_id


def test_money_to_be_given_back_keeps_its_person_and_the_refusal_says_what_to_settle(office: Office) -> None:
    office.hand_over("L1", at=LONG_AGO, ended=True)
    office.hand_over("L2", at=LONG_AGO, ended=True)
    case_id = refund_case(office, "L1")

    said = office.run("person", "erase", "p-L1", "--yes")
    past = office.run("person", "retention", "--yes", "--json").json

    assert (said.code, "Traceback" in said.err) == (2, False)
    assert f"case {case_id} (refund)" in " ".join(said.err.split())
    assert "case decide" in said.err
    assert ([one["person_id"] for one in past["people"]], past["erased"]) == (["p-L2"], 1)

    with office.database.writing() as session:
        cases.decide(session, case_id, decision="continue", by="luis", at=LONG_AGO)
    assert office.run("person", "retention", "--yes", "--json").json["erased"] == 1


def test_a_key_file_is_rotated_and_everyone_is_read_as_before(office: Office) -> None:
    office.hand_over("L1", at=datetime.now(UTC), ended=True, name="Ximena Zubizarreta")
    file = office.folder / "recobro.master-keys.json"
    before = json.loads(file.read_text())
    assert file.stat().st_mode & 0o077 == 0

    said = office.run("keys", "rotate", "--json").json

    after = json.loads(file.read_text())
    assert said["moved"] >= 2
    assert after["active"] == said["active_key"] != before["active"]
    assert said["idle_keys"] == [before["active"]]
    assert file.stat().st_mode & 0o077 == 0
    assert "Ximena" in office.run("person", "export", "p-L1").out
    with office.database.reading() as session:
        assert loans.get(session, "demo", "L1").loan_id == "L1"
    assert "Ximena" in office.run("person", "export", "p-L1").out


@pytest.mark.parametrize("encrypted", ["true", "false"])
def test_after_a_rotation_the_schedule_is_to_be_written_anew_where_temporal_is_encrypted(
    office: Office, monkeypatch: pytest.MonkeyPatch, encrypted: str
) -> None:
    """What a schedule starts its runs with stays under the key it was made with."""
    monkeypatch.setenv("RECOBRO_ENCRYPTION__PAYLOADS", encrypted)

    said = office.run("keys", "rotate").out

    assert ("`schedule create`" in said) is (encrypted == "true")


def test_keys_whose_time_is_over_are_destroyed_by_a_command_too(office: Office) -> None:
    comes(office.database, "e1", LONG_AGO)
    comes(office.database, "owed", LONG_AGO + timedelta(days=1), relayed=False)

    told = office.run("keys", "spent", "--json").json
    again = office.run("keys", "spent")

    assert told == {"days": 1, "months": 0, "waiting": [day_key(LONG_AGO + timedelta(days=1))]}
    assert keys_of(told) <= DOCUMENTED
    assert again.out == "keys of 0 days and 0 months destroyed; still needed: webhooks-2020-03-01\n"
    assert office.database.keys.beginning_with("webhooks-") == told["waiting"]


def test_a_made_key_can_be_set_as_it_is_printed(office: Office) -> None:
    made = office.run("keys", "generate", "--json").json

    assert keys_of(made) <= DOCUMENTED
    assert len(made["key"]) == 44


def test_records_on_a_server_want_a_key(office: Office) -> None:
    environment = {"RECOBRO_DATABASE_URL": "postgresql://localhost:1/none", "RECOBRO_ENCRYPTION__KEYS": "{}"}
    configuration._records.cache_clear()

    said = CliRunner(env=environment).invoke(app, ["person", "find", "--loan", "L1"])

    assert said.exit_code == 2
    assert "Traceback" not in said.stderr
