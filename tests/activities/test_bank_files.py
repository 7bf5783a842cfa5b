"""Files that overlap, pages and shared references: every payment counts, none twice, and what is unclear waits."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from activities.bank_files import BankDesk, TakenIn
from activities.debit_files import DebitFiles
from activities.transfers import Transfers
from domain.bank_news import BankEntry, BatchRefusal, DebitStatus, FileKind, Statement, StatusReport
from domain.direct_debit import DebitState, MandateStatus
from domain.reconciliation import Share
from providers.bankfiles import iso20022
from providers.bankfiles.mt940_file import read_mt940
from records import (
    audit,
    bank_entries,
    bank_entry_particulars,
    bank_entry_twins,
    debits,
    loans,
    mandates,
    payments,
    people,
    person_export,
    person_keys,
)
from records.database import Database
from records.erasure import erase
from records.tables import BankEntryRow, Debit, DebitFile, EntryState, Webhook
from tests.activities.debit_desk import MONDAY, loan_with_mandate, settings
from tests.activities.other_bank import OURS
from tests.records.portfolios import LENDER, entered, handed_over_again

TODAY = MONDAY.date()
LOANS = ("P-20417", "P-20418")
ANA, LUCIA = "ES7921000813610123456789", "ES9121000418450200051332"


def entry(text: str = "", minor: int = 4_000, reference: str | None = "B-1", **more: Any) -> BankEntry:
    given = {
        "line": 1,
        "amount_minor": minor,
        "currency": "EUR",
        "credit": True,
        "booked_on": TODAY,
        "value_on": TODAY,
        "bank_reference": reference,
        "text": text,
    }
    return BankEntry(**{**given, **more})


def take(database: Database, *pages: list[BankEntry], kind: FileKind = FileKind.CAMT_053) -> TakenIn:
    """A file of a statement, or of several pages."""
    parts = [
        Statement(kind=kind, message_id="S", account=OURS, currency="EUR", entries=tuple(entries)) for entries in pages
    ]
    body = f"{kind} {[one.model_dump() for one in parts]}".encode()
    return BankDesk(database, settings()).take_in(parts, body, hashlib.sha256(body).hexdigest()[:8], MONDAY)


def enter_loans(database: Database) -> None:
    """100.00 EUR are due of each."""
    with database.writing() as session:
        for loan_id in LOANS:
            entered(session, loan_id)


def due(database: Database) -> list[int]:
    with database.reading() as session:
        return [payments.balance_due(session, loans.get(session, LENDER, loan_id)) for loan_id in LOANS]


def waiting(database: Database) -> list[str]:
    with database.reading() as session:
        return [row.why or "" for row in bank_entries.listing(session, state=EntryState.WAITING)]


def kept(database: Database) -> list[EntryState]:
    with database.reading() as session:
        return [row.state for row in bank_entries.listing(session)]


SHARED = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S</Id>
<Acct><Id><IBAN>{account}</IBAN></Id></Acct>
<Ntry><Amt Ccy="EUR">80.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>A-1</AcctSvcrRef>
<NtryDtls>{details}</NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>"""
DETAIL = """<TxDtls><Refs><AcctSvcrRef>A-1</AcctSvcrRef><EndToEndId>{name}</EndToEndId></Refs>
<Amt Ccy="EUR">40.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><RmtInf><Ustrd>{name}</Ustrd></RmtInf></TxDtls>"""


def test_two_payments_of_one_amount_in_an_entry_that_gives_both_its_reference_are_two(database: Database) -> None:
    enter_loans(database)
    details = "".join(DETAIL.format(name=loan_id) for loan_id in LOANS)
    body = SHARED.format(account=OURS, day=TODAY, details=details).encode()

    taken = BankDesk(database, settings()).take_in(iso20022.read(body), body, "s.xml", MONDAY)

    assert (taken.told_before, taken.counts) == (0, {"matched": 2})
    assert due(database) == [6_000, 6_000]


def test_lines_of_a_statement_with_the_reference_a_bank_gives_every_transfer_all_count(database: Database) -> None:
    enter_loans(database)
    lines = [entry(LOANS[0], reference="TRANSFER"), entry(LOANS[1], reference="TRANSFER")]

    take(database, [*lines, lines[1]], kind=FileKind.CSV)

    assert due(database) == [6_000, 2_000]


MT940_PAGE = """:20:STARTUMS
:25:{account}
:28C:1/{page}
:60M:C261129EUR0,00
:61:2611301130C40,00NTRFNONREF
:86:P-20417
:62M:C261130EUR40,00
-
"""


def test_the_same_line_on_two_pages_of_a_statement_is_two_payments_in_whatever_file_they_are_told_again(
    lite: Database,
) -> None:
    enter_loans(lite)
    body = "".join(MT940_PAGE.format(account=OURS, page=page) for page in (1, 2)).encode()
    desk = BankDesk(lite, settings())

    desk.take_in(read_mt940(body), body, "day.sta", MONDAY)
    again = desk.take_in(read_mt940(body + b"\n"), body + b"\n", "again.sta", MONDAY)

    assert due(lite) == [2_000, 10_000]
    assert (again.told_before, again.counts) == (2, {})


def test_what_the_days_first_file_told_is_not_counted_again_whatever_stands_beside_it_in_the_last(
    lite: Database,
) -> None:
    enter_loans(lite)
    first, second = (entry(loan_id, end_to_end_id=loan_id) for loan_id in LOANS)
    take(lite, [first], kind=FileKind.CAMT_052)

    taken = take(lite, [second, first])
    again = take(lite, [first, second, entry("Comision", 150, credit=False)])

    assert (taken.told_before, taken.counts) == (1, {"matched": 1})
    assert (again.told_before, again.counts) == (2, {"not_ours": 1})
    assert due(lite) == [6_000, 6_000]


def test_a_payment_with_a_known_reference_and_another_payer_waits_and_says_beside_what(lite: Database) -> None:
    enter_loans(lite)
    take(lite, [entry(LOANS[0], other_iban=ANA)], kind=FileKind.CSV)

    take(lite, [entry(LOANS[1], other_iban=LUCIA)], kind=FileKind.CSV)
    again = take(lite, [entry(LOANS[1], other_iban=LUCIA), entry(LOANS[0], other_iban=ANA)], kind=FileKind.CSV)

    assert due(lite) == [6_000, 10_000]
    assert waiting(lite) == [
        "it may be entry 1, which has its bank reference, day and amount; else they differ or say too little"
    ]
    assert again.told_before == 2


def test_two_payments_of_which_one_was_told_without_a_payer_wait_to_be_told_apart(lite: Database) -> None:
    """Given an intraday report that says next to nothing, nobody can tell which of the two it told of."""
    enter_loans(lite)
    take(lite, [entry("gracias")], kind=FileKind.CAMT_052)

    taken = take(lite, [entry(loan_id, end_to_end_id=loan_id) for loan_id in LOANS])

    assert (taken.told_before, taken.counts) == (1, {"waiting": 1})
    assert due(lite) == [10_000, 10_000]


def test_a_report_that_tells_the_day_again_in_the_same_file_counts_nothing_twice(lite: Database) -> None:
    enter_loans(lite)
    noon = [entry(LOANS[0], reference="B-1"), entry(LOANS[1], reference=None)]

    take(lite, noon, noon, kind=FileKind.CAMT_052)

    assert due(lite) == [6_000, 6_000]
    told = "another page of the same file says just the same: it may be one movement told twice; it may be entry 2"
    assert waiting(lite) == [told]


def test_what_an_earlier_version_took_in_is_known_and_what_it_passed_over_counts(lite: Database) -> None:
    """Its keys: the reference alone, or all that is said and the number of those like it before it in the statement."""
    enter_loans(lite)
    first, second = (entry(loan_id, end_to_end_id=loan_id) for loan_id in LOANS)
    bare = entry("gracias", reference=None, minor=700)
    day = ["in", "4000", "EUR", str(TODAY)]
    of_earlier_versions = [
        "\n".join([OURS, *day, "ref B-1"]),
        "\n".join([OURS, "in", "700", "EUR", str(TODAY), str(TODAY), "", "", "", "gracias", "0"]),
    ]
    with lite.reading() as session:
        keys = person_keys.of(session)
        expected = [keys.index("bank_entry", said) for said in of_earlier_versions]
    take(lite, [first, bare])
    with lite.reading() as session:
        assert sorted(row.key for row in session.exec(select(BankEntryRow)).all()) == sorted(expected)

    taken = take(lite, [first, second, bare])

    assert (taken.told_before, taken.counts) == (2, {"matched": 1})
    assert due(lite) == [6_000, 6_000]


def test_money_that_went_out_with_one_reference_asks_nobody(lite: Database) -> None:
    take(lite, [entry("Comision", credit=False)], kind=FileKind.CSV)
    take(lite, [entry("Cuota", credit=False)], kind=FileKind.CSV)

    assert kept(lite) == [EntryState.NOT_OURS, EntryState.NOT_OURS]


# Money that goes out again


def test_a_payment_the_bank_takes_back_is_due_again_however_long_fraud_may_be_claimed(lite: Database) -> None:
    enter_loans(lite)
    take(lite, [entry(LOANS[0])])
    a_year_on = TODAY + timedelta(days=380)

    take(lite, [entry("recall", credit=False, reversal=True, booked_on=a_year_on, value_on=a_year_on)])

    assert due(lite)[0] == 10_000
    assert waiting(lite) == []


@pytest.mark.parametrize("none", ["NOTPROVIDED", "NOT PROVIDED", "nonref", "0000"])
@pytest.mark.parametrize("kind", [FileKind.MT940, FileKind.CSV, FileKind.CAMT_053])
def test_a_recall_takes_no_payment_back_by_the_words_for_no_reference(
    lite: Database, kind: FileKind, none: str
) -> None:
    """Given that nobody gave a reference, when a stranger's transfer of the same amount is recalled."""
    enter_loans(lite)
    take(lite, [entry(LOANS[0], end_to_end_id=none)], kind=kind)

    take(lite, [entry("recall", reference="B-9", end_to_end_id=none, credit=False, reversal=True)], kind=kind)

    assert due(lite)[0] == 6_000
    assert waiting(lite) == ["it takes back a payment that is not found"]


@pytest.mark.parametrize("state", [EntryState.WAITING, EntryState.IGNORED])
@pytest.mark.parametrize(
    ("whose", "answer"),
    [
        (ANA, None),
        (LUCIA, "it may take back entry 2"),
        (None, "it may take back entry 2 or another"),
        (OURS, "it may take back entry 2 or another"),
        ("ES7620770024003102575766", "it takes back a payment that is not found"),
    ],
)
def test_of_two_payers_with_one_reference_a_recall_takes_back_only_whose_it_surely_is(
    lite: Database, whose: str | None, answer: str | None, state: EntryState
) -> None:
    """Given that Ana's payment counts, and Lucia's waits or is nobody's."""
    enter_loans(lite)
    of_ana = entry(LOANS[0], reference="B-1", end_to_end_id="PRESTAMO", other_iban=ANA)
    of_lucia = entry("gracias", reference="B-2", end_to_end_id="PRESTAMO", other_iban=LUCIA)
    take(lite, [of_ana, of_lucia])
    with lite.writing() as session:
        bank_entries.settle(session, bank_entries.get(session, 2), state, at=MONDAY, why=None)

    recall = entry("", reference="B-3", end_to_end_id="PRESTAMO", credit=False, return_reason="FRAD", other_iban=whose)
    take(lite, [recall])

    assert due(lite)[0] == (10_000 if answer is None else 6_000)
    assert [why for why in waiting(lite) if why] == ([] if answer is None else [answer])


def test_words_for_no_reference_that_an_earlier_version_took_for_one_do_not_make_an_entry_new(lite: Database) -> None:
    """Given that they stand in what an entry is known by, when a later file tells of it again."""
    enter_loans(lite)
    with lite.reading() as session:
        said = [OURS, "in", "4000", "EUR", str(TODAY), str(TODAY), "NOTPROVIDED", "", "", LOANS[0], "0"]
        of_earlier_versions = person_keys.of(session).index("bank_entry", "\n".join(said))

    take(lite, [entry(LOANS[0], reference=None, end_to_end_id="NOTPROVIDED")], kind=FileKind.MT940)

    with lite.reading() as session:
        assert session.exec(select(BankEntryRow.key)).all() == [of_earlier_versions]


@pytest.mark.parametrize("marked", [{"reversal": True}, {"return_reason": "AC04"}])
def test_a_transfer_of_the_lenders_own_that_comes_back_pays_no_loan(lite: Database, marked: dict[str, Any]) -> None:
    """Given a refund to an account that is closed: its text names the loan, its amount is what is due."""
    enter_loans(lite)

    taken = take(lite, [entry(f"devolucion {LOANS[0]}", minor=10_000, **marked)])

    assert taken.counts == {"waiting": 1}
    assert due(lite) == [10_000, 10_000]
    assert waiting(lite) == ["money of ours that came back: no borrower paid it"]


def test_a_bounced_transfer_is_read_from_mt940_as_money_of_ours(lite: Database) -> None:
    enter_loans(lite)
    body = MT940_PAGE.format(account=OURS, page=1).replace("1130C40", "1130RD40").encode()

    BankDesk(lite, settings()).take_in(read_mt940(body), body, "day.sta", MONDAY)

    assert due(lite) == [10_000, 10_000]
    assert waiting(lite) == ["money of ours that came back: no borrower paid it"]


@pytest.mark.parametrize("days", [0, 31])
def test_a_payment_of_the_lenders_own_takes_no_borrowers_money_back_and_is_asked_about(
    database: Database, days: int
) -> None:
    """Given a bank with one reference for every transfer, when a new loan is paid out in the sum of an instalment."""
    enter_loans(database)
    take(database, [entry(LOANS[0], reference="TRANSFER")], kind=FileKind.CSV)
    day = TODAY + timedelta(days=days)
    out = entry("prestamo nuevo", credit=False, reference="TRANSFER", other_iban=ANA, booked_on=day, value_on=day)

    take(database, [out], kind=FileKind.CSV)

    assert due(database)[0] == 6_000
    assert waiting(database) == ["it may take back entry 1"]


@pytest.mark.parametrize("marked", [True, False])
def test_money_that_may_undo_one_of_several_payments_says_so_and_keeps_who_it_went_to(
    lite: Database, marked: bool
) -> None:
    enter_loans(lite)
    take(lite, [entry(loan_id, reference="TRANSFER") for loan_id in LOANS], kind=FileKind.CSV)

    out = entry("devolucion", credit=False, reversal=marked, reference="TRANSFER", other_name=NAME)
    take(lite, [out], kind=FileKind.CSV)

    assert due(lite) == [6_000, 6_000]
    assert waiting(lite) == ["it may take back entry 2 or another"]
    assert named(lite)[-1][1] == NAME


@pytest.mark.parametrize(("days", "asked"), [(32, True), (400, True), (401, False)])
def test_money_with_a_reference_that_one_payment_alone_has_is_asked_about_for_as_long_as_it_may_be_taken_back(
    lite: Database, days: int, asked: bool
) -> None:
    enter_loans(lite)
    take(lite, [entry(LOANS[0], reference="U-77")], kind=FileKind.MT940)

    day = TODAY + timedelta(days=days)
    take(lite, [entry("retrocesion", credit=False, reference="U-77", booked_on=day)], kind=FileKind.MT940)

    assert due(lite)[0] == 6_000
    assert waiting(lite) == (["it may take back entry 1"] if asked else [])


def test_money_that_goes_out_long_after_or_before_takes_nothing_back_and_asks_nobody(lite: Database) -> None:
    enter_loans(lite)
    take(lite, [entry(LOANS[0], reference="TRANSFER")], kind=FileKind.CSV)

    for days in (-1, 32):
        day = TODAY + timedelta(days=days)
        take(lite, [entry("nomina", credit=False, reference="TRANSFER", booked_on=day)], kind=FileKind.CSV)

    assert due(lite)[0] == 6_000
    assert sorted(kept(lite)) == sorted([EntryState.NOT_OURS, EntryState.MATCHED, EntryState.NOT_OURS])


# Told again in other words


REWORDED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a text column more": ({"reference": None}, {"reference": None, "text": f"{LOANS[0]} Cuota"}),
    "a new bank reference": ({"reference": "A-1"}, {"reference": "A-2"}),
    "booked a day later": ({}, {"booked_on": TODAY + timedelta(days=1)}),
}


@pytest.mark.parametrize("how", REWORDED)
def test_a_payment_that_the_same_kind_of_file_tells_again_in_other_words_counts_once(
    database: Database, how: str
) -> None:
    first, again = REWORDED[how]
    enter_loans(database)
    take(database, [entry(**{"text": LOANS[0], **first})])

    take(database, [entry(**{"text": LOANS[0], **again})])

    assert due(database)[0] == 6_000
    assert waiting(database) == ["it may be entry 1, told in other words"]


def test_two_payments_of_one_amount_and_day_both_count_when_one_file_tells_of_both(lite: Database) -> None:
    enter_loans(lite)
    first, second = entry(LOANS[0], reference="A-1"), entry(f"{LOANS[0]} otra vez", reference="A-2")
    take(lite, [first])

    taken = take(lite, [first, second])

    assert (taken.told_before, taken.counts) == (1, {"matched": 1})
    assert due(lite)[0] == 2_000


def test_payments_of_one_amount_on_other_days_or_of_other_loans_are_no_words_of_one(lite: Database) -> None:
    enter_loans(lite)
    take(lite, [entry(LOANS[0], reference="A-1")])
    tomorrow = TODAY + timedelta(days=1)

    take(lite, [entry(LOANS[0], reference="A-2", value_on=tomorrow), entry(LOANS[1], reference="A-3")])

    assert due(lite) == [2_000, 6_000]


MIDNIGHT: dict[str, tuple[dict[str, Any], dict[str, Any], FileKind]] = {
    "by the bank's reference": ({"reference": "A-1"}, {"reference": "A-1"}, FileKind.CAMT_054),
    "by the payer's reference": (
        {"reference": None, "end_to_end_id": "E-1"},
        {"reference": "A-1", "end_to_end_id": "E-1"},
        FileKind.CAMT_054,
    ),
    "in the same kind of file": ({"reference": "A-1"}, {"reference": "A-1"}, FileKind.CAMT_053),
}


@pytest.mark.parametrize("how", MIDNIGHT)
def test_a_movement_that_two_files_date_differently_counts_once(lite: Database, how: str) -> None:
    """Given a notice with the moment it came, late in the evening, and a statement with the day of its booking."""
    first, again, kind = MIDNIGHT[how]
    enter_loans(lite)
    next_day = TODAY + timedelta(days=1)
    take(lite, [entry(LOANS[0], **first)], kind=kind)

    take(lite, [entry(LOANS[0], booked_on=next_day, value_on=next_day, **again)])

    assert due(lite)[0] == 6_000
    assert waiting(lite) == [f"it may be entry 1, of {TODAY}: their references and amounts are the same"]


@pytest.mark.parametrize(("first", "second"), [(FileKind.MT940, FileKind.CSV), (FileKind.CSV, FileKind.CAMT_053)])
def test_a_movement_that_another_kind_of_file_dates_differently_and_refers_to_otherwise_counts_once(
    lite: Database, first: FileKind, second: FileKind
) -> None:
    enter_loans(lite)
    next_day = TODAY + timedelta(days=1)
    take(lite, [entry(LOANS[0], reference="M-1", other_iban=ANA)], kind=first)

    told = [
        entry(LOANS[0], reference=f"C-{iban}", other_iban=iban, booked_on=next_day, value_on=next_day)
        for iban in (ANA, LUCIA)
    ]
    take(lite, told, kind=second)

    assert due(lite)[0] == 2_000, "what came from another account is other money"
    assert waiting(lite) == [f"it may be entry 1, of {TODAY}, which a {first.value} file told of"]


ON_ANOTHER_DAY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "under other references": (
        {"reference": "A-1", "end_to_end_id": "P-20417"},
        {"reference": "A-2", "end_to_end_id": "P-20417"},
    ),
    "from another payer": ({"end_to_end_id": "A"}, {"end_to_end_id": "B"}),
}


@pytest.mark.parametrize("how", ON_ANOTHER_DAY)
def test_payments_of_neighbouring_days_that_files_tell_apart_both_count(lite: Database, how: str) -> None:
    first, second = ON_ANOTHER_DAY[how]
    enter_loans(lite)
    next_day = TODAY + timedelta(days=1)
    take(lite, [entry(LOANS[0], **first)])

    take(lite, [entry(LOANS[0], booked_on=next_day, value_on=next_day, **second)])

    assert due(lite)[0] == 2_000
    assert waiting(lite) == []


def test_a_reference_that_the_bank_gives_every_transfer_holds_no_payment_up(lite: Database) -> None:
    enter_loans(lite)
    long_ago, yesterday = (TODAY - timedelta(days=days) for days in (20, 1))
    transfer: dict[str, Any] = {"reference": "TRANSFER"}
    take(lite, [entry("otro", minor=900, booked_on=long_ago, value_on=long_ago, **transfer)], kind=FileKind.CSV)
    take(lite, [entry(LOANS[0], booked_on=yesterday, value_on=yesterday, **transfer)], kind=FileKind.CSV)

    take(lite, [entry(LOANS[0], **transfer)], kind=FileKind.CSV)

    assert due(lite)[0] == 2_000


def test_of_two_tellings_that_wait_the_later_names_the_earlier(lite: Database) -> None:
    enter_loans(lite)
    take(lite, [entry("gracias", reference="A-1", other_iban=ANA)], kind=FileKind.CSV)

    take(
        lite,
        [entry("gracias por todo", reference="A-2"), entry("otra", reference="A-3", other_iban=LUCIA)],
        kind=FileKind.CSV,
    )

    first, second, third = waiting(lite)
    assert second == f"{first}; it may be entry 1, which waits too"
    assert third == first


TOLD_APART: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "by the account it came from": ({"other_iban": ANA}, {"other_iban": LUCIA}),
    "by the payer's reference": ({"end_to_end_id": "A"}, {"end_to_end_id": "B"}),
}


@pytest.mark.parametrize("how", TOLD_APART)
def test_payments_of_one_amount_and_day_that_the_files_tell_apart_both_count(database: Database, how: str) -> None:
    first, second = TOLD_APART[how]
    enter_loans(database)
    take(database, [entry(LOANS[0], reference="A-1", **first)])

    take(database, [entry(LOANS[0], reference="A-2", **second)])

    assert due(database)[0] == 2_000
    assert waiting(database) == []


@pytest.mark.parametrize("how", TOLD_APART)
def test_what_only_one_of_two_files_says_tells_no_payments_apart(lite: Database, how: str) -> None:
    first, _ = TOLD_APART[how]
    enter_loans(lite)
    take(lite, [entry(LOANS[0], reference="A-1")])

    take(lite, [entry(LOANS[0], reference="A-2", **first)])

    assert waiting(lite) == ["it may be entry 1, told in other words"]


def test_who_pays_again_on_the_day_their_payment_was_taken_back_has_paid(lite: Database) -> None:
    enter_loans(lite)
    take(lite, [entry(LOANS[0], reference="U-1")])
    take(lite, [entry("devuelto", credit=False, reversal=True, reference="U-1")])

    take(lite, [entry(LOANS[0], reference="U-2")])

    assert due(lite)[0] == 6_000
    assert waiting(lite) == []


# Money from before the hand-over


def book_by_hand(database: Database, entry_id: int, loan_id: str, *others: str) -> None:
    """A person says whose a waiting entry is, of several in equal parts."""
    with database.writing(durable=True) as session:
        row = bank_entries.get(session, entry_id)
        loan_ids = (loan_id, *others)
        shares = [Share(lender=LENDER, loan_id=one, amount_minor=row.amount_minor // len(loan_ids)) for one in loan_ids]
        Transfers(session, row.lender, MONDAY).book(row, shares, how="by a person", by="me")


def test_money_from_before_the_hand_over_that_is_booked_already_says_so(lite: Database) -> None:
    enter_loans(lite)
    hand_over(lite, datetime(2026, 12, 2, tzinfo=UTC))
    take(lite, [entry(LOANS[0], reference="A-1")])
    book_by_hand(lite, 1, LOANS[0])

    take(lite, [entry(LOANS[0], reference="A-2")])

    assert waiting(lite) == ["it may be entry 1, told in other words"]


def hand_over(database: Database, at: datetime) -> None:
    with database.writing() as session:
        for loan_id in LOANS:
            loan = loans.get(session, LENDER, loan_id)
            loan.entered_at = at
            session.add(loan)


def test_money_from_before_the_hand_over_waits_since_the_amount_may_know_it(database: Database) -> None:
    """Given a loan handed over on the 30th where its borrower lives: of that day itself it counts."""
    enter_loans(database)
    hand_over(database, datetime(2026, 11, 29, 23, 30, tzinfo=UTC))

    take(database, [entry(LOANS[0], value_on=TODAY - timedelta(days=1)), entry(LOANS[1], reference="B-2")])

    assert due(database) == [10_000, 6_000]
    assert waiting(database) == [
        "it came before the loan was handed over on 2026-11-30: what was handed over may know it"
    ]


# Direct debits


def file_debits(database: Database) -> list[Debit]:
    """A debit of each loan is in a file to the bank, all in one batch."""
    for loan_id, iban in zip(LOANS, (ANA, LUCIA), strict=True):
        loan_with_mandate(database, loan_id, iban)
    with database.writing() as session:
        for loan_id in LOANS:
            loan = loans.get(session, LENDER, loan_id)
            debit = debits.order(
                session,
                loan,
                mandates.get(session, LENDER, f"M-{loan_id}"),
                step="debit",
                occurrence=1,
                amount_minor=10_000,
                noticed=False,
                notice_days=0,
                at=MONDAY,
            )
            debit.released = True
            session.add(debit)
    DebitFiles(database, settings()).make(MONDAY)
    return debits_of(database)


def debits_of(database: Database) -> list[Debit]:
    with database.reading() as session:
        return list(session.exec(select(Debit).order_by(Debit.reference)).all())


def money_of(debit: Debit, reference: str, **more: Any) -> BankEntry:
    return entry(minor=10_000, reference=reference, end_to_end_id=debit.reference, **more)


def test_debits_in_an_entry_that_gives_all_its_reference_are_each_collected(database: Database) -> None:
    both = file_debits(database)

    take(database, [money_of(debit, "A-1") for debit in both])

    assert due(database) == [0, 0]
    assert [one.state for one in debits_of(database)] == [DebitState.COLLECTED] * 2


def test_a_debits_money_that_comes_a_second_time_waits_for_a_person(database: Database) -> None:
    debit, _ = file_debits(database)
    take(database, [money_of(debit, "N-1")], kind=FileKind.CAMT_054)
    take(database, [money_of(debit, "S-1")])
    assert waiting(database) == [], "the same movement, told by another kind of file"

    take(database, [money_of(debit, "S-2")])

    assert waiting(database) == ["entry 2 brought this debit's money: it came again, or the bank told of it twice"]


@pytest.mark.parametrize("kind", [FileKind.CSV, FileKind.CAMT_053])
def test_a_debits_money_that_is_told_again_without_its_reference_waits_and_is_known_to_be_booked(
    lite: Database, kind: FileKind
) -> None:
    debit, _ = file_debits(lite)
    take(lite, [money_of(debit, "S-1")])
    with lite.reading() as session:
        loan_id = loans.by_ref(session, debit.loan_ref).loan_id

    take(lite, [entry(f"RECIBO {loan_id}", 10_000, "X-1")], kind=kind)

    assert due(lite) == [0 if one == loan_id else 10_000 for one in LOANS]
    [why] = waiting(lite)
    assert "may be entry 1" in why
    with lite.reading() as session:
        other, again = (
            loans.get(session, LENDER, next(one for one in LOANS if one != loan_id)),
            bank_entries.get(session, 2),
        )
        loan = loans.get(session, LENDER, loan_id)
        booked = [bank_entry_twins.paid_by_another_telling(session, one, again) for one in (loan, other)]
    assert [one.id if one else None for one in booked] == [1, None]


def test_a_debit_collected_twice_on_one_statement_waits(lite: Database) -> None:
    debit, _ = file_debits(lite)

    take(lite, [money_of(debit, "S-1"), money_of(debit, "S-2"), money_of(debit, "S-2")])

    assert kept(lite) == [EntryState.DEBIT, EntryState.WAITING, EntryState.WAITING]


def batch(debit: Debit, reference: str, minor: int = 20_000, **more: Any) -> BankEntry:
    return entry(minor=minor, reference=reference, batch_id=debit.batch_id, **more)


def test_a_batch_in_one_sum_that_a_second_kind_of_file_tells_again_asks_nobody(database: Database) -> None:
    one, _ = file_debits(database)
    take(database, [batch(one, "N-1")], kind=FileKind.CAMT_054)

    take(database, [batch(one, "S-1")])

    assert due(database) == [0, 0]
    assert kept(database) == [EntryState.DEBIT, EntryState.DEBIT]


def test_a_batch_in_one_sum_after_its_debits_were_told_one_by_one_asks_nobody(lite: Database) -> None:
    one, other = file_debits(lite)
    take(lite, [money_of(one, "N-1"), money_of(other, "N-2")], kind=FileKind.CAMT_054)

    take(lite, [batch(one, "S-1")])

    assert set(kept(lite)) == {EntryState.DEBIT}


def test_a_batch_in_one_sum_that_the_same_kind_of_file_tells_again_waits(lite: Database) -> None:
    one, _ = file_debits(lite)
    take(lite, [batch(one, "S-1")])

    take(lite, [batch(one, "S-2")])

    assert waiting(lite) == ["entry 1 may be this batch: it brought the same sum, and the batch's debits are paid"]


def test_a_batch_in_one_sum_holds_the_money_of_a_debit_whose_return_was_told_first(lite: Database) -> None:
    one, other = file_debits(lite)
    take(lite, [money_of(one, "N-1", credit=False, return_reason="AM04")], kind=FileKind.CAMT_054)

    take(lite, [batch(other, "S-1")])

    assert sorted(due(lite)) == [0, 10_000]
    assert waiting(lite) == []


@pytest.mark.parametrize(("minor", "currency"), [(19_999, "EUR"), (20_000, "USD")])
def test_a_batch_in_another_sum_or_currency_waits(lite: Database, minor: int, currency: str) -> None:
    one, _ = file_debits(lite)

    take(lite, [batch(one, "S-1", minor, currency=currency)])

    assert due(lite) == [10_000, 10_000]
    assert waiting(lite) == ["a batch of direct debits in a sum that its debits do not make"]


def test_a_batch_whose_sum_does_not_fit_says_which_entry_it_may_be(lite: Database) -> None:
    one, _ = file_debits(lite)
    take(lite, [entry("abono remesa", minor=19_000, reference="N-1")], kind=FileKind.CAMT_054)

    take(lite, [batch(one, "S-1", 19_000)])

    assert "it may be entry 1, which a camt.054 file told of" in waiting(lite)


def hand_over_again(database: Database, debit: Debit) -> str:
    """Its loan ended and comes back, two days after the money of the debit came. Returns the loan's id."""
    with database.writing() as session:
        loan_id = loans.by_ref(session, debit.loan_ref).loan_id
        handed_over_again(session, loan_id, 6_000)
    hand_over(database, MONDAY + timedelta(days=2))
    return loan_id


def test_a_debits_money_from_before_its_loan_was_handed_over_again_waits_for_a_person(lite: Database) -> None:
    debit, _ = file_debits(lite)
    loan_id = hand_over_again(lite, debit)

    take(lite, [money_of(debit, "S-1")])

    assert due(lite)[LOANS.index(loan_id)] == 6_000
    assert waiting(lite) == ["it came before the loan was handed over on 2026-12-02: what was handed over may know it"]


def test_a_debit_whose_money_a_person_booked_is_due_again_when_the_bank_returns_it(database: Database) -> None:
    debit, _ = file_debits(database)
    loan_id = hand_over_again(database, debit)
    take(database, [money_of(debit, "N-1")], kind=FileKind.CAMT_054)
    book_by_hand(database, 1, loan_id)
    take(database, [money_of(debit, "S-1")])
    assert (due(database)[LOANS.index(loan_id)], waiting(database)) == (-4_000, []), "the same money, told again"

    take(database, [money_of(debit, "D-2", credit=False, return_reason="MD06")])

    assert due(database)[LOANS.index(loan_id)] == 6_000
    assert debits_of(database)[0].state is DebitState.RETURNED
    with database.reading() as session:
        told = [signal["name"] for row in session.exec(select(Webhook)).all() for signal in row.signals]
    assert told == ["payment_received", "payment_reversed"]


def test_a_debits_money_that_a_person_books_after_its_return_was_told_is_not_counted(lite: Database) -> None:
    debit, _ = file_debits(lite)
    loan_id = hand_over_again(lite, debit)
    take(lite, [money_of(debit, "N-1")], kind=FileKind.CAMT_054)
    take(lite, [money_of(debit, "D-2", credit=False, return_reason="MD06")])

    book_by_hand(lite, 1, loan_id)

    assert due(lite)[LOANS.index(loan_id)] == 6_000


def test_the_return_of_a_debit_whose_money_a_person_booked_in_parts_is_shown_to_a_person(lite: Database) -> None:
    debit, _ = file_debits(lite)
    hand_over_again(lite, debit)
    take(lite, [money_of(debit, "N-1")], kind=FileKind.CAMT_054)
    book_by_hand(lite, 1, *LOANS)
    take(lite, [money_of(debit, "S-1")])
    assert waiting(lite) == ["it may be entry 1, which a camt.054 file told of"]

    take(lite, [money_of(debit, "D-2", credit=False, return_reason="MD06")])

    with lite.reading() as session:
        shown = [row.details["kind"] for row in audit.of_action(session, "webhook_needs_person")]
        outcomes = [row.outcome for row in session.exec(select(Webhook)).all()]
    assert shown == ["reversal:booked_by_hand"]
    assert "by_hand_reversal_unmatched" in outcomes, "of which doctor tells"


def test_a_debits_money_from_before_the_hand_over_that_waits_already_says_beside_what(lite: Database) -> None:
    debit, _ = file_debits(lite)
    hand_over_again(lite, debit)
    take(lite, [money_of(debit, "N-1")], kind=FileKind.CAMT_054)

    take(lite, [money_of(debit, "S-1")])

    assert waiting(lite)[1:] == ["it may be entry 1, which a camt.054 file told of"]


def test_a_debits_money_that_comes_after_its_loan_was_handed_over_again_counts(lite: Database) -> None:
    debit, _ = file_debits(lite)
    loan_id = hand_over_again(lite, debit)

    take(lite, [money_of(debit, "S-1", value_on=TODAY + timedelta(days=2))])

    assert due(lite)[LOANS.index(loan_id)] == -4_000
    assert waiting(lite) == []


def test_in_a_batch_money_from_before_its_loan_was_handed_over_again_is_shown_and_the_rest_counts(
    lite: Database,
) -> None:
    one, other = file_debits(lite)
    loan_id = hand_over_again(lite, one)

    take(lite, [batch(one, "N-1")], kind=FileKind.CAMT_054)
    take(lite, [batch(one, "S-1")])

    at = LOANS.index(loan_id)
    assert (due(lite)[at], due(lite)[1 - at]) == (6_000, 0)
    with lite.reading() as session:
        shown = [(row.loan_id, row.details["kind"]) for row in audit.of_action(session, "webhook_needs_person")]
        told = [row for row in session.exec(select(Webhook)).all() if row.outcome == "earlier_payment_unmatched"]
    assert (shown, len(told)) == ([(loan_id, "payment:earlier_entry")], 1), "once, by however many files"
    assert {debit.reference: debit.state for debit in debits_of(lite)} == {
        one.reference: DebitState.FILED,
        other.reference: DebitState.COLLECTED,
    }


def test_in_a_batch_the_money_of_a_debit_that_a_person_closed_as_come_is_shown_and_the_rest_counts(
    lite: Database,
) -> None:
    """Given `debit settle --came`, which books nothing: the person may have booked it, or not."""
    closed, other = file_debits(lite)
    with lite.writing() as session:
        debits.set_state(session, closed, DebitState.COLLECTED, at=MONDAY)

    take(lite, [batch(closed, "N-1")], kind=FileKind.CAMT_054)
    take(lite, [batch(closed, "S-1")])

    with lite.reading() as session:
        whose = [loans.by_ref(session, one.loan_ref).loan_id for one in (closed, other)]
        [shown] = audit.of_action(session, "webhook_needs_person")
        outcomes = [row.outcome for row in session.exec(select(Webhook)).all()]
    assert dict(zip(LOANS, due(lite), strict=True)) == {whose[0]: 10_000, whose[1]: 0}
    assert (shown.loan_id, shown.details["kind"]) == (whose[0], "payment:may_be_booked")
    assert "a person said that it came" in shown.details["why"]
    assert "other_payment_unmatched" in outcomes, "of which doctor tells"


def test_the_return_of_a_debit_whose_money_was_shown_to_a_person_is_shown_too(lite: Database) -> None:
    one, _ = file_debits(lite)
    hand_over_again(lite, one)
    take(lite, [batch(one, "S-1")])

    take(lite, [money_of(one, "D-2", credit=False, return_reason="MD06")])

    with lite.reading() as session:
        shown = [row.details["kind"] for row in audit.of_action(session, "webhook_needs_person")]
    assert shown == ["payment:earlier_entry", "reversal:booked_by_hand"]


def refuse(database: Database, *refused: str, listed: tuple[DebitStatus, ...] = ()) -> TakenIn:
    """The bank answers a file with whole batches refused, all for a reason of our own account."""
    with database.reading() as session:
        [file] = session.exec(select(DebitFile)).all()
    report = StatusReport(
        message_id="B",
        original_message_id=file.message_id,
        debits=listed,
        batches_refused=tuple(BatchRefusal(batch_id=one, reason="AC04") for one in refused),
    )
    return BankDesk(database, settings()).take_in([report], report.model_dump_json().encode(), "p.xml", MONDAY)


def test_a_refused_batch_refuses_each_of_its_debits_once_and_blocks_no_mandate(database: Database) -> None:
    one, _ = file_debits(database)

    taken = refuse(database, str(one.batch_id))
    again = refuse(database, str(one.batch_id), "RCB-unknown")

    assert (taken.counts["rejected"], again.counts["rejected"]) == (2, 0)
    assert [(debit.state, debit.reason) for debit in debits_of(database)] == [(DebitState.REJECTED, "MS03")] * 2
    with database.reading() as session:
        assert {mandate.status for mandate in mandates.listing(session)} == {MandateStatus.ACTIVE}
        told = [signal["name"] for row in session.exec(select(Webhook)).all() for signal in row.signals]
        [noted] = audit.of_action(session, "debit_batch_refused")
    assert told == ["debit_returned", "debit_returned"]
    assert (noted.details["code"], noted.details["debits"]) == ("AC04", 2)


def test_in_a_refused_batch_a_debit_that_the_bank_names_has_its_own_fate(lite: Database) -> None:
    one, other = file_debits(lite)

    refuse(lite, str(one.batch_id), listed=(DebitStatus(end_to_end_id=one.reference, accepted=True),))

    states = {debit.reference: debit.state for debit in debits_of(lite)}
    assert states == {one.reference: DebitState.FILED, other.reference: DebitState.REJECTED}


# Whose money it is


@pytest.mark.parametrize("text", ["Pago cuota 1.234,56 EUR", "recibo 12.03.26 123-456", "1 234 56"])
def test_a_sum_or_a_date_that_reads_like_a_strangers_loan_pays_nobody(lite: Database, text: str) -> None:
    with lite.writing() as session:
        entered(session, "123456")

    take(lite, [entry(text, minor=123_456)])

    assert waiting(lite) == ["the number named may mean something else, and neither the amount nor the account agrees"]


def test_an_id_of_digits_is_paid_when_the_amount_or_the_account_agrees_or_it_stands_as_it_is_written(
    lite: Database,
) -> None:
    with lite.writing() as session:
        for loan_id in ("123456", "2024-000123"):
            entered(session, loan_id)

    take(lite, [entry("cuota 123456", minor=10_000), entry("PAGO 2024-000123", reference="B-2")])
    take(lite, [entry("2024 000 123", minor=1_000, reference="B-3")])

    with lite.reading() as session:
        left = [payments.balance_due(session, loans.get(session, LENDER, one)) for one in ("123456", "2024-000123")]
    assert left == [0, 6_000]
    assert len(waiting(lite)) == 1


# Whose the names are


NAME, ELSEWHERE = "ANA GARCIA LOPEZ", "ES7620770024003102575766"


def named(database: Database) -> list[tuple[int | None, str | None, str | None, str | None]]:
    """Of each entry whose it is, and the name, account and text that are kept of it."""
    with database.reading() as session:
        rows = session.exec(select(BankEntryRow).order_by(col(BankEntryRow.id))).all()
        return [(row.person_ref, row.other_name, row.other_iban, bank_entry_particulars.text_of(row)) for row in rows]


def exported(database: Database, loan_id: str) -> str:
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, loan_id))
        return str(person_export.export(session, person)["entries_of_bank_statements"])


def erase_debtor(database: Database, loan_id: str) -> None:
    with database.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        loans.end(session, loan, kind="cured", at=MONDAY, final_state=None)
        person_id = people.of_loan(session, loan).person_id
    assert erase(database, LENDER, person_id, at=MONDAY, actor="request 7")


def test_who_paid_by_direct_debit_gets_a_copy_of_the_banks_lines_and_they_go_with_them(database: Database) -> None:
    debit, _ = file_debits(database)
    take(database, [money_of(debit, "D-1", other_name=NAME, other_iban=ANA)])
    back = money_of(debit, "D-2", credit=False, return_reason="AC04", other_name=NAME, other_iban=ANA)
    take(database, [back])
    assert [state for state in kept(database) if state is EntryState.WAITING] == []
    with database.reading() as session:
        loan_id = loans.by_ref(session, debit.loan_ref).loan_id
    assert exported(database, loan_id).count(NAME) == 2

    erase_debtor(database, loan_id)

    assert {one[1:] for one in named(database)} == {(None, None, None)}
    with database.reading() as session:
        assert {row.iban_index for row in session.exec(select(BankEntryRow)).all()} == {None}


def test_a_debit_that_came_from_another_account_is_nobodys_until_a_person_says_so(lite: Database) -> None:
    debit, _ = file_debits(lite)

    take(lite, [money_of(debit, "D-1", other_name="OTRO PAGADOR", other_iban=ELSEWHERE)])

    assert waiting(lite) == ["a direct debit's reference with another debtor's account"]
    assert [one[:3] for one in named(lite)] == [(None, "OTRO PAGADOR", ELSEWHERE)]


def test_the_return_of_a_debit_of_who_was_erased_brings_no_name_back(lite: Database) -> None:
    debit, _ = file_debits(lite)
    take(lite, [money_of(debit, "D-1", other_name=NAME, other_iban=ANA)])
    with lite.reading() as session:
        loan_id = loans.by_ref(session, debit.loan_ref).loan_id
    erase_debtor(lite, loan_id)

    take(lite, [money_of(debit, "D-2", credit=False, return_reason="MD06", other_name=NAME, other_iban=ANA)])

    assert debits_of(lite)[0].state is DebitState.RETURNED
    assert {one[1:] for one in named(lite)} == {(None, None, None)}


def test_a_transfer_the_bank_took_back_stands_in_the_copy_of_who_had_paid(lite: Database) -> None:
    enter_loans(lite)
    take(lite, [entry(LOANS[0], other_name=NAME, other_iban=ANA)])

    take(lite, [entry("devolucion", credit=False, reversal=True, other_name=NAME, other_iban=ANA)])

    assert due(lite)[0] == 10_000
    assert exported(lite, LOANS[0]).count(NAME) == 2


def test_of_money_that_went_out_and_of_batches_no_name_is_kept(lite: Database) -> None:
    one, _ = file_debits(lite)

    take(lite, [entry("nomina", 1_200, "OUT-1", credit=False, other_name="PROVEEDOR SL", other_iban=ELSEWHERE)])
    take(lite, [batch(one, "S-1", other_name=NAME, text="remesa de Ana")])

    assert kept(lite) == [EntryState.NOT_OURS, EntryState.DEBIT]
    assert named(lite) == [(None, None, None, None)] * 2


def test_money_that_went_out_is_known_again_though_nothing_of_it_can_be_read(lite: Database) -> None:
    """Given a bank that gives every transfer one reference, what was taken back is not taken for what went out."""
    enter_loans(lite)
    out = entry("alquiler", credit=False, reference="TRANSFER", other_name="PROVEEDOR SL")
    take(lite, [out, entry(LOANS[0], reference="TRANSFER")], kind=FileKind.CSV)

    again = take(lite, [out], kind=FileKind.CSV)
    back = take(lite, [out, entry("devuelto", credit=False, reversal=True, reference="TRANSFER")], kind=FileKind.CSV)

    assert (again.told_before, again.counts) == (1, {})
    assert (back.told_before, back.counts) == (1, {"matched": 1})
    assert due(lite)[0] == 10_000
