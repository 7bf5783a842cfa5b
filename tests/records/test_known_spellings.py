"""Ids whose leading zeros a spreadsheet dropped: the loan and its borrower are not made a second time."""

from __future__ import annotations

from sqlmodel import select

from records.database import Database
from records.portfolio_loans import RefusedLoan
from records.tables import Loan, Person
from tests.records.portfolios import enter, handed


def refused(database: Database, *rows: tuple[str, str], campaign_id: str) -> dict[str, str]:
    """Loans and customer numbers are handed over; why which of them were refused."""
    given = [handed(loan_id, person_id=person_id, phone="+34600111222") for loan_id, person_id in rows]
    with database.writing() as session:
        entered = enter(session, given, campaign_id=campaign_id)
    assert all(isinstance(one, RefusedLoan) for one in entered.refused)
    return {one.loan_id: one.reason for one in entered.refused}


def known(database: Database) -> tuple[list[str], list[str]]:
    with database.reading() as session:
        loans, people = session.exec(select(Loan.loan_id)).all(), session.exec(select(Person.person_id)).all()
    return sorted(loans), sorted(people)


def test_a_loan_whose_zeros_a_spreadsheet_dropped_is_refused_with_the_id_it_is_known_by(database: Database) -> None:
    refused(database, ("00123", "0007"), campaign_id="first")

    why = refused(database, ("123", "7"), ("124", "7"), ("125", "8"), campaign_id="second")

    assert why == {
        "123": "is known as '00123': Excel drops zeros",
        "124": "its customer number is known as '0007': Excel drops zeros",
    }
    assert known(database) == (["00123", "125"], ["0007", "8"])


def test_a_loan_that_was_first_handed_over_without_its_zeros_stays_one(database: Database) -> None:
    refused(database, ("123", "7"), campaign_id="first")

    why = refused(database, ("000123", "C-7"), ("00124", "07"), campaign_id="second")

    assert why == {
        "000123": "is known as '123': Excel drops zeros",
        "00124": "its customer number is known as '7': Excel drops zeros",
    }


def test_one_file_with_both_spellings_makes_one_loan_on_whichever_page_they_stand(database: Database) -> None:
    between = [(f"9{number:04d}", f"C-{number}") for number in range(300)]

    why = refused(
        database, ("77", "C-1"), ("077", "C-1"), ("00001", "C-1"), *between, ("1", "C-1"), campaign_id="first"
    )

    assert why == {
        "77": "is known as '077': Excel drops zeros",
        "1": "is known as '00001': Excel drops zeros",
    }


def test_ids_that_are_known_as_they_are_spelt_or_hold_letters_are_nobody_elses(database: Database) -> None:
    """Given loans with both spellings, as an earlier version took them in, and zeros that belong to the id."""
    with database.writing() as session:
        enter(session, [handed("00500", person_id="C-1"), handed("500-A", person_id="C-1")], campaign_id="first")
        loan = session.exec(select(Loan).where(Loan.loan_id == "500-A")).one()
        loan.loan_id = "500"
        session.add(loan)

    why = refused(
        database, ("A-0500", "0C-1"), ("00A-0500", "C-1"), ("5000", "C-1"), ("0", "C-1"), campaign_id="second"
    )
    again = refused(database, ("500", "C-1"), ("00500", "C-1"), campaign_id="third")

    assert why == {}
    assert set(again.values()) == {"held by campaign first"}
