"""Statements from the command line: sure money is paid, the rest waits for a person; taken in twice, nothing is."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text
from sqlmodel import col, select
from typer.testing import CliRunner

from domain.direct_debit import SequenceType
from domain.gateway_choice import BANK
from domain.payment_references import reference_of
from records import erasure, loans, mandates, payments, people
from records.database import Database
from records.tables import BankEntryRow, BankFileRow, BankMatch, GatewayCheck, Payment, PaymentSource, Webhook
from starter import app
from tests.records.portfolios import LENDER, NOW, enter, handed

RUNNER = CliRunner()
OURS = "ES9121000418450200051332"
LUCIA = "ES7921000813610123456789"
MAPPING = f"""name: bank
account: {OURS}
currency: EUR
columns:
  booked_on: day
  amount: amount
  text: text
  name: name
  iban: iban
  reference: ref
"""


def mt940(*entries: tuple[str, str, str]) -> str:
    """Entries of (mark and amount, reference, text) on the 27th."""
    lines = [":20:S", f":25:{OURS}", ":28C:1/1", ":60F:C261126EUR0,00"]
    for mark, reference, said in entries:
        lines += [f":61:2611271127{mark}NTRFNONREF//{reference}", f":86:{said}"]
    return "\n".join([*lines, ":62F:C261127EUR0,00", "-", ""])


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Database:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    with database.writing() as session:
        rows = [handed(name, name="Lucía Gómez", person_id="lucia") for name in ("P-20417", "P-20418")]
        enter(session, [*rows, handed("P-20419", name="Pedro Pérez")])
    return database


def run(*words: str, code: int = 0) -> str:
    result = RUNNER.invoke(app, words)
    assert result.exit_code == code, result.output
    return result.output


def take(name: str, body: str, *more: str, code: int = 0) -> dict[str, Any]:
    Path(name).write_text(body)
    told: dict[str, Any] = json.loads(run("reconcile", "import", name, "--json", *more, code=code))
    return told


def due(records: Database, loan_id: str) -> int:
    with records.reading() as session:
        return payments.balance_due(session, loans.get(session, LENDER, loan_id))


def waiting() -> list[dict[str, Any]]:
    told: dict[str, list[dict[str, Any]]] = json.loads(run("reconcile", "list", "--json"))
    return told["entries"]


def test_exact_partial_combined_and_unknown_payments_each_go_where_they_belong(records: Database) -> None:
    told = take(
        "first.sta",
        mt940(
            ("C40,00", "R1", "Pago a cuenta P-20417"),
            ("C160,00", "R2", "P-20417 y P-20418"),
            ("C100,00", "R3", "gracias"),
            ("D9,50", "R4", "Comision"),
        ),
        code=1,
    )

    assert told["counts"] == {"matched": 2, "not_ours": 1, "waiting": 1}
    assert [due(records, loan_id) for loan_id in ("P-20417", "P-20418", "P-20419")] == [0, 0, 10_000]
    [unknown] = waiting()
    assert (unknown["amount_minor"], unknown["why"]) == (10_000, "no loan is named and the account is not known")
    with records.reading() as session:
        owed = [
            signal["payload"]["amount_minor"] for row in session.exec(select(Webhook)).all() for signal in row.signals
        ]
    assert sorted(owed) == [4_000, 6_000, 10_000]


def test_taken_in_again_nothing_counts_twice_in_whatever_file(records: Database) -> None:
    first = mt940(("C40,00", "R1", "P-20417"))
    take("first.sta", first)

    again = take("renamed.sta", first)
    longer = take("week.sta", mt940(("C40,00", "R1", "P-20417"), ("C5,00", "R2", "P-20417")))
    Path("bank.yaml").write_text(MAPPING)
    other = take(
        "week.csv", "day,amount,text,name,iban,ref\n2026-11-27,40.00,P-20417,,,X9\n", "--mapping", "bank.yaml", code=1
    )

    assert again["known"] is True
    assert (longer["told_before"], longer["counts"]) == (1, {"matched": 1})
    assert other["counts"] == {"waiting": 1}
    assert "which a mt940 file told of" in waiting()[0]["why"]
    assert due(records, "P-20417") == 5_500


def test_after_a_restore_files_are_taken_in_again_and_what_temporal_brought_back_counts_once(
    records: Database,
) -> None:
    statement = mt940(("C40,00", "R1", "P-20417"), ("C7,00", "R2", "P-20419"))
    take("first.sta", statement)
    with records.writing() as session:
        # A backup from before the file, then what the workflow of P-20417 alone had written of it.
        for table in (BankMatch, BankEntryRow, BankFileRow):
            session.execute(delete(table))
        session.execute(delete(Payment).where(col(Payment.amount_minor) == 700))
    restored = due(records, "P-20417"), due(records, "P-20419")

    again = take("first.sta", statement, code=1)
    entry = waiting()[0]["entry"]
    run("reconcile", "match", str(entry), "P-20417")

    assert restored == (6_000, 10_000)
    assert (again["known"], again["counts"]) == (False, {"waiting": 1, "matched": 1})
    assert waiting() == []
    assert (due(records, "P-20417"), due(records, "P-20419")) == (6_000, 9_300)


def test_two_payments_of_which_the_same_is_said_are_two(records: Database) -> None:
    Path("bank.yaml").write_text(MAPPING.replace("  reference: ref\n", ""))
    line = "2026-11-27,10.00,P-20417,Lucia,,\n"
    take("a.csv", "day,amount,text,name,iban,ref\n" + line * 2, "--mapping", "bank.yaml")
    take("b.csv", "day,amount,text,name,iban,ref\n" + line * 3, "--mapping", "bank.yaml")

    assert due(records, "P-20417") == 7_000


def test_a_wrong_line_keeps_the_whole_file_out(records: Database) -> None:
    Path("bank.yaml").write_text(MAPPING)
    Path("w.csv").write_text("day,amount,text,name,iban,ref\n2026-11-27,10.00,P-20417,,,A\nsoon,10.00,P-20417,,,B\n")

    told = run("reconcile", "import", "w.csv", "--mapping", "bank.yaml", code=2)

    assert "nothing was taken in: line 3: day: no date" in told
    assert due(records, "P-20417") == 10_000


def test_a_person_is_shown_why_and_settles_what_waits(records: Database) -> None:
    Path("bank.yaml").write_text(MAPPING)
    rows = [f"2026-11-27,100.00,alquiler,GOMEZ LUCIA,{LUCIA},R1", "2026-11-27,55.00,payout,STRIPE,,R2"]
    take("w.csv", "\n".join(["day,amount,text,name,iban,ref", *rows]), "--mapping", "bank.yaml", code=1)
    entry, payout = (one["entry"] for one in waiting())

    suggested = json.loads(run("reconcile", "suggest", str(entry), "--json"))
    assert [one["loan_id"] for one in suggested["suggestions"]] == ["P-20417", "P-20418", "P-20419"]
    assert any("like the debtor's" in why for why in suggested["suggestions"][0]["reasons"])
    assert "GOMEZ" not in run("reconcile", "list")
    assert "GOMEZ" in run("reconcile", "list", "--contact-data")

    assert "the amounts make 90.00 EUR" in run("reconcile", "match", str(entry), "P-20417=90.00", code=2)
    matched = run("reconcile", "match", str(entry), "P-20417=60", "P-20418=40")
    assert "it waited because: no loan is named and the account is not known" in matched
    assert "does not wait" in run("reconcile", "match", str(entry), "P-20417", code=2)
    run("reconcile", "ignore", str(payout), "--reason", "payout of Stripe")
    assert waiting() == []
    assert [due(records, loan_id) for loan_id in ("P-20417", "P-20418")] == [4_000, 6_000]

    # The account is known from now on: just what is due from there needs nobody.
    take("x.csv", f"day,amount,text,name,iban,ref\n2026-12-27,100.00,,,{LUCIA},R3\n", "--mapping", "bank.yaml")
    assert [due(records, loan_id) for loan_id in ("P-20417", "P-20418")] == [0, 0]


def test_of_two_tellings_of_one_payment_a_person_books_the_second_only_when_told_that_it_is_other_money(
    records: Database,
) -> None:
    """Given an export whose wording changed, so that one transfer without a loan's id waits twice."""
    Path("bank.yaml").write_text(MAPPING)
    head = "day,amount,text,name,iban,ref\n"
    take("a.csv", f"{head}2026-11-27,40.00,gracias,LUCIA,,R1\n", "--mapping", "bank.yaml", code=1)
    take("b.csv", f"{head}2026-11-27,40.00,PAGO gracias,LUCIA GOMEZ,,0001R1\n", "--mapping", "bank.yaml", code=1)
    first, second = waiting()
    assert second["why"].endswith(f"; it may be entry {first['entry']}, which waits too")

    run("reconcile", "match", str(second["entry"]), "P-20417")
    refused = run("reconcile", "match", str(first["entry"]), "P-20417", code=2)

    assert f"entry {first['entry']} may be entry {second['entry']} of 2026-11-27, which paid loan 'P-20417'" in refused
    assert due(records, "P-20417") == 6_000
    run("reconcile", "match", str(first["entry"]), "P-20417", "--other-money")
    assert due(records, "P-20417") == 2_000


EVENING = "2026-11-26,40.00,{text},LUCIA,,R7\n"
MORNING = "2026-11-27,40.00,{text},LUCIA,,R7\n"
"""One movement, dated by its moment in one export and by its booking in the next."""


@pytest.mark.parametrize(("text", "earlier_waits"), [("P-20417", False), ("gracias", True)])
def test_of_two_tellings_of_neighbouring_days_a_person_books_the_second_only_when_told_that_it_is_other_money(
    records: Database, text: str, earlier_waits: bool
) -> None:
    """Whether the first paid by its text or both wait, in whichever order a person books them."""
    Path("bank.yaml").write_text(MAPPING)
    head = "day,amount,text,name,iban,ref\n"
    take("a.csv", head + EVENING.format(text=text), "--mapping", "bank.yaml", code=int(earlier_waits))
    take("b.csv", head + MORNING.format(text=text), "--mapping", "bank.yaml", code=1)
    *before, later = waiting()
    assert later["why"].startswith("it may be entry 1, of 2026-11-26")
    if before:
        run("reconcile", "match", str(later["entry"]), "P-20417")
    [second], other = waiting(), later["entry"] if before else 1

    refused = run("reconcile", "match", str(second["entry"]), "P-20417", code=2)

    assert f"entry {second['entry']} may be entry {other} of 2026-11-2" in refused
    assert due(records, "P-20417") == 6_000
    run("reconcile", "match", str(second["entry"]), "P-20417", "--other-money")
    assert due(records, "P-20417") == 2_000


HEAD = "day,amount,text,name,iban,ref\n"


def told_on(*days: int, said: str = "40.00,gracias") -> list[int]:
    """One movement with one reference of the bank's, dated by each file otherwise. Its entries that wait."""
    Path("bank.yaml").write_text(MAPPING)
    for day in days:
        take(f"{day}.csv", f"{HEAD}2026-11-{day},{said},LUCIA,,R7\n", "--mapping", "bank.yaml", code=1)
    return [int(one["entry"]) for one in waiting()]


@pytest.mark.parametrize("booked", [1, 2, 3])
def test_of_three_tellings_of_three_days_a_person_books_one_and_is_asked_of_each_other(
    records: Database, booked: int
) -> None:
    every = told_on(25, 26, 27)
    assert every == [1, 2, 3]
    run("reconcile", "match", str(booked), "P-20417")

    for entry in every:
        if entry != booked:
            refused = run("reconcile", "match", str(entry), "P-20417", code=2)
            assert f"entry {entry} may be entry {booked} of 2026-11-" in refused

    assert due(records, "P-20417") == 6_000


def test_a_telling_is_known_by_one_in_between_that_a_person_has_ignored(records: Database) -> None:
    """Given one that shares its day with the first, and the bank's reference with the last, which share nothing."""
    take("a.sta", mt940(("C40,00", "M1", "gracias")), code=1)
    told_on(27, 28)
    run("reconcile", "match", "1", "P-20417")
    run("reconcile", "ignore", "2", "--reason", "entry 1 once more")

    refused = run("reconcile", "match", "3", "P-20417", code=2)

    assert "entry 3 may be entry 1 of 2026-11-27, which paid loan 'P-20417'" in refused
    run("reconcile", "match", "3", "P-20417", "--other-money")
    assert due(records, "P-20417") == 2_000


def test_a_movement_that_was_booked_in_parts_is_not_booked_whole_when_it_is_told_again(records: Database) -> None:
    told_on(26, 27)
    run("reconcile", "match", "1", "P-20417=30", "P-20418=10")

    assert "entry 2 may be entry 1" in run("reconcile", "match", "2", "P-20418", code=2)
    assert (due(records, "P-20417"), due(records, "P-20418")) == (7_000, 9_000)


def test_what_a_person_ignored_does_not_pay_by_its_text_when_another_file_tells_it_again(records: Database) -> None:
    Path("bank.yaml").write_text(MAPPING)
    with records.writing() as session:
        loan = loans.get(session, LENDER, "P-20417")
        loan.entered_at = NOW.replace(month=11, day=27)
        session.add(loan)
    told_on(26, said="40.00,P-20417")
    run("reconcile", "ignore", "1", "--reason", "the amount handed over knows it")

    again = take("27.csv", f"{HEAD}2026-11-27,40.00,P-20417,LUCIA,,R7\n", "--mapping", "bank.yaml", code=1)
    [why] = [one["why"] for one in waiting()]
    run("reconcile", "ignore", "2", "--reason", "entry 1 once more")
    same_day = take("28.sta", mt940(("C40,00", "M1", "P-20417")), code=1)

    assert (again["counts"], same_day["counts"]) == ({"waiting": 1}, {"waiting": 1})
    assert why.startswith("it may be entry 1, of 2026-11-26")
    assert due(records, "P-20417") == 10_000


def test_what_a_person_ignored_does_not_pay_in_other_words_of_the_same_kind_of_file(records: Database) -> None:
    Path("bank.yaml").write_text(MAPPING)
    take("a.csv", f"{HEAD}2026-11-27,40.00,gracias,LUCIA,,R1\n", "--mapping", "bank.yaml", code=1)
    run("reconcile", "ignore", "1", "--reason", "for a contract of another house")

    take("b.csv", f"{HEAD}2026-11-27,40.00,GRACIAS P-20417,LUCIA,,0001R1\n", "--mapping", "bank.yaml", code=1)

    assert waiting()[0]["why"] == "it may be entry 1, of which a person said that it is nobody's payment"
    assert due(records, "P-20417") == 10_000


def told_by_another_system(
    records: Database, payment_id: str = "ERP-1", provider: str = "erp", month: int = 11
) -> None:
    with records.writing() as session:
        payments.record(
            session,
            provider=provider,
            payment_id=payment_id,
            lender=LENDER,
            loan_id="P-20417",
            amount_minor=4_000,
            currency="EUR",
            paid_at=NOW.replace(month=month, day=26),
            received_at=NOW,
            source=PaymentSource.WEBHOOK,
        )


def test_what_another_system_told_while_an_entry_waited_is_booked_from_it_only_as_other_money(
    records: Database,
) -> None:
    told_on(27)
    told_by_another_system(records)

    refused = run("reconcile", "match", "1", "P-20417", code=2)

    assert "entry 1 may be the payment ERP-1 that erp told of, which paid loan 'P-20417'" in refused
    assert due(records, "P-20417") == 6_000
    run("reconcile", "match", "1", "P-20417", "--other-money")
    assert due(records, "P-20417") == 2_000


def test_a_transfer_that_was_booked_by_its_reference_is_asked_of_whatever_day_that_was_given(records: Database) -> None:
    """Given one that a person booked weeks later, as of that day, while its line on the statement waits."""
    reference = reference_of("acme:P-20417:1:balance:4000:1")
    told_on(27, said=f"40.00,gracias {reference}")
    told_by_another_system(records, reference, provider=BANK, month=10)

    refused = run("reconcile", "match", "1", "P-20417", code=2)

    assert f"entry 1 may be the payment {reference} that {BANK} told of" in refused
    assert due(records, "P-20417") == 6_000


def test_after_a_restore_an_entry_is_booked_as_what_it_was_and_as_nothing_else(records: Database) -> None:
    statement = f"{HEAD}2026-11-27,40.00,gracias,LUCIA,,R7\n"
    told_on(27)
    run("reconcile", "match", "1", "P-20417=30", "P-20418=10")
    with records.writing() as session:
        for table in (BankMatch, BankEntryRow, BankFileRow):
            session.execute(delete(table))
    take("27.csv", statement, "--mapping", "bank.yaml", code=1)
    [entry] = [str(one["entry"]) for one in waiting()]

    refused = run("reconcile", "match", entry, "P-20419", code=2)
    run("reconcile", "match", entry, "P-20417=30.00", "P-20418=10.00")

    assert f"book it as it is, `reconcile match {entry} P-20417=30.00 P-20418=10.00`" in refused
    assert [due(records, loan_id) for loan_id in ("P-20417", "P-20418", "P-20419")] == [7_000, 9_000, 10_000]


def test_an_entry_that_may_be_another_is_booked_freely_where_that_paid_another_loan_or_was_taken_back(
    records: Database,
) -> None:
    Path("bank.yaml").write_text(MAPPING)
    head = "day,amount,text,name,iban,ref\n"
    take("a.csv", head + EVENING.format(text="P-20417"), "--mapping", "bank.yaml")
    for name, day in (("b.csv", "2026-11-27"), ("c.csv", "2026-11-28")):
        told = MORNING.format(text="P-20417").replace("2026-11-27", day)
        take(name, head + told, "--mapping", "bank.yaml", code=1)
    one, two = waiting()

    run("reconcile", "match", str(one["entry"]), "P-20419")
    with records.writing() as session:
        first = payments.of_loan(session, loans.get(session, LENDER, "P-20417"))[0]
        payments.reverse(session, provider=first.provider, payment_id=first.payment_id, at=NOW)
    run("reconcile", "match", str(two["entry"]), "P-20417")

    assert (due(records, "P-20417"), due(records, "P-20419")) == (6_000, 6_000)


def test_a_payment_that_may_have_been_told_another_way_waits(records: Database) -> None:
    told_by_another_system(records)

    take("first.sta", mt940(("C40,00", "R1", "P-20417")), code=1)

    assert waiting()[0]["why"] == "it may be the payment ERP-1 that erp told of"
    assert due(records, "P-20417") == 6_000


def test_a_transfer_the_bank_takes_back_is_reversed(records: Database) -> None:
    take("first.sta", mt940(("C40,00", "R1", "P-20417")))
    take("second.sta", mt940(("RC40,00", "R1", "P-20417")))

    assert due(records, "P-20417") == 10_000
    with records.reading() as session:
        names = [signal["name"] for row in session.exec(select(Webhook)).all() for signal in row.signals]
    assert names == ["payment_received", "payment_reversed"]


def test_the_account_of_a_mandate_is_a_known_account(records: Database) -> None:
    with records.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "P-20419"))
        mandates.add(
            session,
            person,
            reference="M-1",
            iban=LUCIA,
            signed_on=date(2026, 1, 1),
            sequence=SequenceType.RCUR,
            at=NOW,
        )
    Path("bank.yaml").write_text(MAPPING)

    take("x.csv", f"day,amount,text,name,iban,ref\n2026-12-27,100.00,,,{LUCIA},R3\n", "--mapping", "bank.yaml")

    assert due(records, "P-20419") == 0


def test_who_paid_is_sealed_and_goes_with_the_person(records: Database) -> None:
    Path("bank.yaml").write_text(MAPPING)
    line = f"2026-11-27,40.00,P-20417 secreto,GOMEZ LUCIA,{LUCIA},R1\n"
    take("x.csv", f"day,amount,text,name,iban,ref\n{line}", "--mapping", "bank.yaml")
    with records.reading() as session:
        raw = str(session.execute(text("SELECT * FROM bank_entry")).all())
        [kept] = session.exec(select(BankEntryRow)).all()
        assert (kept.other_name, kept.other_iban) == ("GOMEZ LUCIA", LUCIA)
    assert not any(secret in raw for secret in ("GOMEZ", LUCIA, "secreto"))
    with records.writing() as session:
        for loan_id in ("P-20417", "P-20418"):
            loans.end(session, loans.get(session, LENDER, loan_id), kind="cured", at=NOW, final_state=None)

    erasure.erase(records, LENDER, "lucia", at=NOW, actor="test")

    with records.reading() as session:
        [kept] = session.exec(select(BankEntryRow)).all()
        assert (kept.other_name, kept.other_iban, kept.text, kept.iban_index) == (None, None, None, None)
        assert len(session.exec(select(Payment)).all()) == 1


def test_a_day_that_has_not_come_yet_is_not_compared_with_the_gateways(records: Database) -> None:
    told = run("reconcile", "gateways", "--day", "2999-12-24", code=2)

    assert "2999-12-24 has not come yet" in told
    with records.reading() as session:
        assert session.exec(select(GatewayCheck)).all() == []
