"""Transfers begun through our link, as the lender's bank tells of them: each counts once, and none is lost."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlmodel import select

from activities.bank_files import BankDesk
from activities.found_payments import keep_report
from activities.loan_candidates import LoanCandidates
from activities.transfers import Transfers
from config.settings import Settings
from domain.bank_news import BankEntry, FileKind, Statement
from domain.gateway_choice import BANK
from domain.money import Money
from domain.payment_references import reference_of
from domain.reconciliation import Share
from providers.bankfiles.mt940_file import read_mt940
from providers.ports import PaymentReport, PaymentState
from records import audit, bank_entries, inquiries, links, loans, payments
from records.database import Database
from records.tables import EntryState, PaymentLink, Webhook
from tests.records.portfolios import LENDER, NOW, entered, handed_over_again

LOAN = "P-20417"
REFERENCE = reference_of("acme:P-20417:1:balance:10000:1")
OURS = "ES9121000418450200051332"
PART = 10_000
TODAY = NOW.date()


def loan_with_link(database: Database) -> None:
    """300.00 EUR are due, and a link over 100.00 is open."""
    with database.writing() as session:
        [loan] = entered(session, LOAN, amount_due_minor=30_000)
        links.keep(
            session,
            loan,
            purpose="balance",
            amount_minor=PART,
            generation=1,
            provider=BANK,
            provider_link_id=REFERENCE,
            url="https://pay.example",
            at=NOW,
            reference=REFERENCE,
        )


def handed_over(database: Database, at: datetime) -> None:
    with database.writing() as session:
        loan = loans.get(session, LENDER, LOAN)
        loan.entered_at = at
        session.add(loan)


def begin_transfer(database: Database, status: str = "ACSP") -> None:
    """The borrower began it on our page, and the bank said how far it is."""
    with database.writing() as session:
        link = links.by_reference(session, BANK, REFERENCE)
        assert isinstance(link, PaymentLink)
        begun = inquiries.begin(session, link, "request-1", NOW)
        assert begun is not None
        inquiries.begun(session, begun.id or 0, "payment-1", status, None, NOW)


def bank_says_paid(database: Database) -> None:
    """The borrower's bank, which is asked how the transfer stands, says that it has settled."""
    amount = Money(amount_minor=PART, currency="EUR")
    report = PaymentReport(
        payment_id=REFERENCE, state=PaymentState.PAID, amount=amount, paid_at=NOW, reference=REFERENCE
    )
    with database.writing() as session:
        keep_report(session, BANK, report, NOW)


def on_the_statement(
    database: Database,
    text: str,
    *,
    day: date = TODAY,
    bank_reference: str = "B-1",
    minor: int = PART,
    end_to_end_id: str | None = None,
) -> None:
    entry = BankEntry(
        line=1,
        amount_minor=minor,
        currency="EUR",
        credit=True,
        booked_on=day,
        value_on=day,
        text=text,
        bank_reference=bank_reference,
        end_to_end_id=end_to_end_id,
    )
    statement = Statement(kind=FileKind.CAMT_053, message_id="S", account=OURS, currency="EUR", entries=(entry,))
    body = f"{bank_reference} {day}".encode()
    BankDesk(database, Settings(_env_file=None)).take_in((statement,), body, "s.xml", NOW)


def on_an_mt940_statement(database: Database, *lines: str) -> None:
    """The bank cuts what the payer wrote into these lines."""
    body = (
        ":20:STARTUMS\n"
        f":25:{OURS}\n"
        ":28C:1/1\n"
        ":60F:C260301EUR0,00\n"
        ":61:2603020302C100,00NTRFNONREF//B-1\n"
        ":86:" + "\n".join(lines) + "\n"
        ":62F:C260302EUR100,00\n"
    ).encode()
    BankDesk(database, Settings(_env_file=None)).take_in(read_mt940(body), body, "s.sta", NOW)


def match_by_hand(database: Database, entry_id: int) -> None:
    """A person says that the entry is for the loan, which is the one that is suggested."""
    with database.writing() as session:
        row = bank_entries.get(session, entry_id)
        transfers = Transfers(session, LENDER, NOW)
        [suggested] = LoanCandidates(session, LENDER).suggestions(row)
        assert suggested.loan_id == LOAN
        share = Share(lender=LENDER, loan_id=LOAN, amount_minor=row.amount_minor)
        transfers.book(row, [share], how="by a person", by="marta")


def counted(database: Database) -> tuple[list[tuple[str, int]], int]:
    """What counts for the loan, by provider and amount, and what is still due."""
    with database.reading() as session:
        loan = loans.get(session, LENDER, LOAN)
        paid = [(one.provider, one.amount_minor) for one in payments.of_loan(session, loan) if not one.reversed_at]
        return paid, payments.balance_due(session, loan)


def entries(database: Database) -> list[tuple[EntryState, str]]:
    with database.reading() as session:
        return [(row.state, row.why or "") for row in bank_entries.listing(session)]


WRITTEN = {
    "in capitals": (f"{LOAN} {REFERENCE}".upper(),),
    "cut over two lines": (
        f"TRANSFERENCIA DE LUCIA GARCIA LOPEZ CONCEPTO {REFERENCE[:17]}",
        f"{REFERENCE[17:]} {LOAN}",
    ),
    "cut, and in capitals": (f"CONCEPTO {LOAN} {REFERENCE[:30].upper()}", REFERENCE[30:].upper()),
    "as we wrote it": (f"{LOAN} {REFERENCE}",),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("first", ["statement", "bank"])
def test_a_transfer_begun_on_our_page_counts_once_however_the_statement_writes_its_reference(
    database: Database, written: str, first: str
) -> None:
    loan_with_link(database)
    begin_transfer(database)

    if first == "bank":
        bank_says_paid(database)
    on_an_mt940_statement(database, *WRITTEN[written])
    if first == "statement":
        bank_says_paid(database)

    assert counted(database) == ([(BANK, PART)], 20_000)
    assert entries(database) == [(EntryState.MATCHED, "begun through our link")]


def test_a_reference_in_capitals_where_debits_have_theirs_is_no_debits(database: Database) -> None:
    loan_with_link(database)
    begin_transfer(database)

    on_the_statement(database, "PAGO", end_to_end_id=REFERENCE.upper())
    bank_says_paid(database)

    assert counted(database) == ([(BANK, PART)], 20_000)
    assert entries(database) == [(EntryState.MATCHED, "begun through our link")]


@pytest.mark.parametrize("first", ["statement", "bank"])
def test_where_the_bank_leaves_the_reference_out_the_transfer_counts_once_and_the_entry_waits(
    database: Database, first: str
) -> None:
    loan_with_link(database)
    begin_transfer(database)

    if first == "bank":
        bank_says_paid(database)
    on_the_statement(database, f"PAGO {LOAN}")
    if first == "statement":
        bank_says_paid(database)

    assert counted(database) == ([(BANK, PART)], 20_000)
    [(state, why)] = entries(database)
    assert state is EntryState.WAITING
    assert REFERENCE in why


@pytest.mark.parametrize(
    ("status", "minor", "value_on"),
    [
        (PaymentState.FAILED, PART, TODAY),  # its bank refused it
        ("ACSP", 9_900, TODAY),
        ("ACSP", PART, TODAY - timedelta(days=7)),  # money that came before it was begun
    ],
)
def test_money_that_cannot_be_the_transfer_under_way_is_booked_at_once(
    database: Database, status: str, minor: int, value_on: date
) -> None:
    loan_with_link(database)
    handed_over(database, NOW - timedelta(days=14))
    begin_transfer(database, status)

    on_the_statement(database, f"PAGO {LOAN}", minor=minor, day=value_on)

    assert counted(database) == ([("bank", minor)], 30_000 - minor)


@pytest.mark.parametrize("text", [f"PAGO {LOAN}", f"{LOAN} {REFERENCE}"])
def test_a_transfer_from_before_the_hand_over_waits_since_the_amount_may_know_it(database: Database, text: str) -> None:
    """Given a loan handed over again, when the statement tells of a transfer through a link of the time before."""
    loan_with_link(database)
    handed_over(database, NOW + timedelta(days=1))

    on_the_statement(database, text)

    why = "it came before the loan was handed over on 2026-03-03: what was handed over may know it"
    assert entries(database) == [(EntryState.WAITING, why)]
    assert counted(database) == ([], 30_000)


def test_a_transfer_that_counted_before_the_loan_was_handed_over_again_is_its_entry_and_asks_nobody(
    database: Database,
) -> None:
    loan_with_link(database)
    bank_says_paid(database)
    handed_over(database, NOW + timedelta(days=1))

    on_the_statement(database, f"{LOAN} {REFERENCE}")

    assert entries(database) == [(EntryState.MATCHED, "begun through our link")]


def test_a_transfer_that_the_borrowers_bank_repeats_next_month_waits_and_then_counts_on_its_own(
    database: Database,
) -> None:
    loan_with_link(database)
    on_the_statement(database, f"{LOAN} {REFERENCE}", bank_reference="B-1")

    on_the_statement(database, f"{LOAN} {REFERENCE}", bank_reference="B-2", day=date(2026, 4, 3))

    [(first, _), (second, why)] = entries(database)
    assert (first, second) == (EntryState.MATCHED, EntryState.WAITING)
    assert why == "entry 1 carries the same transfer's reference: it was paid again, or told twice"
    assert counted(database) == ([(BANK, PART)], 20_000)

    match_by_hand(database, 2)
    assert counted(database) == ([(BANK, PART), ("bank", PART)], 10_000)


def test_an_entry_that_a_person_books_while_its_transfer_is_under_way_counts_once(database: Database) -> None:
    loan_with_link(database)
    begin_transfer(database)
    on_the_statement(database, f"PAGO {LOAN}", bank_reference="B-1")

    match_by_hand(database, 1)
    bank_says_paid(database)

    assert counted(database) == ([(BANK, PART)], 20_000)


def test_an_entry_with_the_reference_from_before_the_hand_over_that_a_person_books_is_that_transfer(
    database: Database,
) -> None:
    loan_with_link(database)
    handed_over(database, NOW + timedelta(days=1))
    on_the_statement(database, f"{LOAN} {REFERENCE}")
    assert [state for state, _ in entries(database)] == [EntryState.WAITING]

    match_by_hand(database, 1)
    bank_says_paid(database)

    assert counted(database) == ([(BANK, PART)], 20_000)


def test_another_entry_like_it_that_a_person_books_counts_too(database: Database) -> None:
    loan_with_link(database)
    begin_transfer(database)
    for number in (1, 2):
        on_the_statement(database, f"PAGO {LOAN}", bank_reference=f"B-{number}")
        match_by_hand(database, number)

    bank_says_paid(database)

    assert counted(database) == ([(BANK, PART), ("bank", PART)], 10_000)


def test_a_transfer_over_several_loans_is_none_that_was_begun_for_one_of_them(database: Database) -> None:
    """Given one under way on our page, and another by hand over both loans together: each counts."""
    with database.writing() as session:
        entered(session, "Q-1", amount_due_minor=6_000)
    loan_with_link(database)
    begin_transfer(database)
    with database.writing() as session:
        [loan, other] = [loans.get(session, LENDER, one) for one in (LOAN, "Q-1")]
        loan.amount_due_minor = PART
        session.add(loan)
        assert other.amount_due_minor == 6_000
    on_the_statement(database, f"PAGO {LOAN} Y Q-1", minor=PART + 6_000)

    bank_says_paid(database)

    assert entries(database) == [(EntryState.MATCHED, "combined")]
    assert counted(database) == ([("bank", PART), (BANK, PART)], -PART)


def test_an_entry_taken_back_after_its_loan_was_handed_over_again_is_shown_to_a_person(database: Database) -> None:
    loan_with_link(database)
    on_the_statement(database, f"{LOAN} {REFERENCE}")
    with database.writing() as session:
        handed_over_again(session, LOAN, 6_000)

    with database.writing() as session:
        Transfers(session, LENDER, NOW).take_back(bank_entries.get(session, 1))

    with database.reading() as session:
        shown = [(row.loan_id, row.details["kind"]) for row in audit.of_action(session, "webhook_needs_person")]
        [told] = [row for row in session.exec(select(Webhook)).all() if row.event_key.startswith("taken-back:")]
    assert shown == [(LOAN, "reversal:earlier_entry")]
    assert (told.outcome, told.signals) == ("earlier_reversal_unmatched", [])


def test_a_transfer_that_was_taken_back_and_comes_again_is_not_lost(database: Database) -> None:
    loan_with_link(database)
    on_the_statement(database, f"{LOAN} {REFERENCE}", bank_reference="B-1")
    with database.writing() as session:
        Transfers(session, LENDER, NOW).take_back(bank_entries.get(session, 1))

    on_the_statement(database, f"{LOAN} {REFERENCE}", bank_reference="B-2", day=date(2026, 3, 9))

    assert [state for state, _ in entries(database)] == [EntryState.MATCHED, EntryState.WAITING]
    assert counted(database) == ([], 30_000)


def test_money_of_an_earlier_hand_over_that_its_gateway_says_is_gone_is_shown_to_a_person(database: Database) -> None:
    loan_with_link(database)
    bank_says_paid(database)
    with database.writing() as session:
        handed_over_again(session, LOAN, 6_000)
    amount = Money(amount_minor=PART, currency="EUR")
    gone = PaymentReport(
        payment_id=REFERENCE, state=PaymentState.TAKEN_BACK, amount=amount, paid_at=NOW, reference=REFERENCE
    )

    with database.writing() as session:
        keep_report(session, BANK, gone, NOW)

    with database.reading() as session:
        shown = [(row.loan_id, row.details["kind"]) for row in audit.of_action(session, "webhook_needs_person")]
        told = [row.event_key for row in session.exec(select(Webhook)).all() if row.event_key.endswith(":reversed")]
    assert (shown, told) == ([(LOAN, "reversal:earlier_entry")], [])
