"""Who a lender's file says a borrower is and where: somebody who moved, and somebody under another number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.jurisdictions import load_rulebook
from domain.contact import Channel, ContactRequest, Purpose, Verdict
from domain.contact_rules import Caps, decide
from domain.portfolio import PortfolioLoan
from records import contact_ledger, contacts, erasure, loans, mandates, people
from records.database import Database
from records.portfolio_loans import RefusedLoan
from records.tables import LoanState
from tests.records.portfolios import LENDER, NOW, enter, entered, handed

LATE_IN_MADRID = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
IN_MEXICO = {"country": "MX", "region": "CMX", "city": "Ciudad de México", "timezone": "America/Mexico_City"}
IN_NEW_YORK = {"country": "US", "region": "NY", "city": "Albany", "timezone": "America/New_York"}
IN_MIAMI = {"country": "US", "region": "FL", "city": "Miami", "timezone": "America/New_York"}
IN_CHIHUAHUA = {"country": "MX", "region": "CHH", "city": "Chihuahua", "timezone": "America/Chihuahua"}
IN_GUADALUPE: dict[str, Any] = {
    "country": "MX",
    "region": "CHH",
    "city": "Guadalupe",
    "timezone": "America/Ciudad_Juarez",
}
IN_HOUSTON: dict[str, Any] = {"country": "US", "region": "TX", "city": "Houston", "timezone": "America/Chicago"}
STILL_HOUSTON = ("US", "TX", "Houston", "America/Chicago")
OF_NO_CITY = ("N/A", "-", "sin datos", "77001")
NOWHERE = {"region": None, "city": None, "timezone": None}


def of_ana(loan_id: str, **changes: Any) -> PortfolioLoan:
    return handed(loan_id, person_id="ana", **changes)


def place(database: Database, loan_id: str) -> tuple[str, str | None, str | None, str | None]:
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, loan_id))
        return person.country, person.region, person.city, person.timezone


def test_somebody_who_moved_country_is_not_written_to_by_the_clock_of_where_they_were(database: Database) -> None:
    with database.writing() as session:
        enter(session, [of_ana("L1", **IN_MEXICO)])
    with database.writing() as session:
        enter(session, [of_ana("L2", **NOWHERE | {"country": "ES", "region": "MD"})], campaign_id="c2")

    assert place(database, "L1") == ("ES", "MD", None, None)
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L2"))
    wish = ContactRequest(
        loan_id="L2",
        channel=Channel.EMAIL,
        country=person.country,
        region=person.region,
        timezones=(person.timezone,) if person.timezone else (),
    )
    refused = decide(wish, LATE_IN_MADRID, [], load_rulebook(), Caps())
    assert (refused.verdict, refused.reasons[0].rule) == (Verdict.NEVER, "zone.unknown")


@pytest.mark.parametrize(
    ("known", "told", "then"),
    [
        (IN_MEXICO, NOWHERE | {"country": "ES"}, ("ES", None, None, None)),
        (IN_MEXICO, IN_NEW_YORK, ("US", "NY", "Albany", "America/New_York")),
        (IN_NEW_YORK, NOWHERE | {"country": "US", "region": "CA"}, ("US", "CA", None, None)),
        (
            IN_NEW_YORK,
            {"country": "US", "region": "CA", "city": None, "timezone": "America/Los_Angeles"},
            ("US", "CA", None, "America/Los_Angeles"),
        ),
        (IN_NEW_YORK | {"region": None}, NOWHERE | {"country": "US", "region": "CA"}, ("US", "CA", None, None)),
        (IN_NEW_YORK, NOWHERE | {"country": "US"}, ("US", "NY", "Albany", "America/New_York")),
        (IN_NEW_YORK, NOWHERE | {"country": "US", "region": "NY"}, ("US", "NY", "Albany", "America/New_York")),
        (IN_NEW_YORK, IN_NEW_YORK | {"city": "Buffalo", "timezone": None}, ("US", "NY", "Buffalo", "America/New_York")),
        (IN_MIAMI, IN_MIAMI | {"city": "Pensacola", "timezone": None}, ("US", "FL", "Pensacola", None)),
        (IN_MIAMI, NOWHERE | {"country": "US", "city": "Pensacola"}, ("US", "FL", "Pensacola", None)),
        (IN_CHIHUAHUA, IN_CHIHUAHUA | {"city": "Juárez", "timezone": None}, ("MX", "CHH", "Juárez", None)),
        (
            IN_MIAMI,
            IN_MIAMI | {"city": "Pensacola", "timezone": "America/Chicago"},
            ("US", "FL", "Pensacola", "America/Chicago"),
        ),
        (
            IN_MIAMI,
            IN_MIAMI | {"city": "MIAMI, FL", "timezone": None},
            ("US", "FL", "MIAMI, FL", "America/New_York"),
        ),
        (IN_MIAMI, NOWHERE | {"country": "US", "region": "FL"}, ("US", "FL", "Miami", "America/New_York")),
        (
            IN_NEW_YORK | {"region": None},
            NOWHERE | {"country": "US", "city": "Dallas"},
            ("US", None, "Dallas", None),
        ),
        (IN_MIAMI | {"city": None}, IN_MIAMI | {"timezone": None}, ("US", "FL", "Miami", None)),
        *((IN_HOUSTON, IN_HOUSTON | {"city": cell, "timezone": None}, STILL_HOUSTON) for cell in OF_NO_CITY),
        *(
            (IN_HOUSTON, IN_HOUSTON | {"city": cell, "timezone": None}, ("US", "TX", cell, "America/Chicago"))
            for cell in ("Houston TX", "HOUSTON Texas 77001")
        ),
        (IN_HOUSTON, NOWHERE | {"country": "US", "city": "N/A"}, STILL_HOUSTON),
        (IN_HOUSTON | {"city": "Houston TX"}, IN_HOUSTON | {"timezone": None}, STILL_HOUSTON),
        (
            IN_HOUSTON | {"city": None},
            IN_HOUSTON | {"city": "-", "timezone": None},
            ("US", "TX", "-", "America/Chicago"),
        ),
        (
            IN_HOUSTON,
            IN_HOUSTON | {"city": "El Paso TX 79901", "timezone": None},
            ("US", "TX", "El Paso TX 79901", None),
        ),
        (
            IN_HOUSTON | {"city": "N/A"},
            IN_HOUSTON | {"city": "El Paso", "timezone": None},
            ("US", "TX", "El Paso", None),
        ),
        # On the border, with its clock, and in the mountains, with another.
        (
            IN_GUADALUPE,
            IN_GUADALUPE | {"city": "Guadalupe y Calvo", "timezone": None},
            ("MX", "CHH", "Guadalupe y Calvo", None),
        ),
        (
            IN_GUADALUPE,
            IN_GUADALUPE | {"city": "Guadalupe CHH", "timezone": None},
            ("MX", "CHH", "Guadalupe CHH", "America/Ciudad_Juarez"),
        ),
    ],
)
@pytest.mark.parametrize("one_file", [True, False], ids=["in one file", "in two files"])
def test_of_the_place_stays_what_another_country_or_region_leaves_true(
    database: Database, known: dict[str, Any], told: dict[str, Any], then: tuple[str | None, ...], one_file: bool
) -> None:
    before, after = of_ana("L1", **known), of_ana("L2", **told, priority=5)
    with database.writing() as session:
        if one_file:
            enter(session, [before, after])
        else:
            enter(session, [before])
            enter(session, [after], campaign_id="c2")

    assert place(database, "L1") == then


def test_a_loan_under_another_customer_number_is_refused_and_what_its_person_closed_holds(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1", person_id="L1", phone="+34600000001")
        person = people.of_loan(session, loan)
        people.raise_flag(session, person, "cease", source="letter", at=NOW)
        people.opt_out(session, person, Channel.SMS, source="letter", at=NOW)
        contacts.reserve(
            session,
            loan,
            person,
            step="r1",
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.EMAIL,
            template="first",
            at=NOW,
        )
        loans.end(session, loan, kind="cured", at=NOW, final_state=None)
    later = NOW + timedelta(days=2)
    signed = {"mandate_reference": "M-1", "mandate_iban": "ES9121000418450200051332", "mandate_signed_on": NOW.date()}
    with database.writing() as session:
        again = handed("L1", line=7, person_id="CUST-77", phone="+34600000001", **signed)
        came = enter(session, [again, handed("L2")], campaign_id="c2", at=later)

    reason = "is known under customer number 'L1': hand it over with that as its person_id"
    assert (came.held, came.refused) == (1, (RefusedLoan("L1", 7, reason),))
    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        person = people.of_loan(session, loan)
        assert (loan.state, loan.entry, person.person_id) == (LoanState.ENDED, 1, "L1")
        assert people.flags(session, person) == {"cease"}
        assert people.opted_out(session, person) == {Channel.SMS}
        assert len(contact_ledger.person_events(session, person, NOW)) == 1
        assert people.find(session, LENDER, "CUST-77") is None, "nor is the number found to be two people's"
        assert mandates.find(session, LENDER, "M-1") is None
    with database.writing() as session:
        assert enter(session, [handed("L1", person_id="L1")], campaign_id="c3", at=later).held == 1


def test_the_same_file_with_another_customer_number_says_so_instead_of_passing_over_it(database: Database) -> None:
    with database.writing() as session:
        enter(session, [handed("L1")])
        again = enter(session, [handed("L1", person_id="CUST-77")])

    assert [(one.loan_id, one.line) for one in again.refused] == [("L1", 3)]


def test_a_loan_of_another_lender_may_have_the_id_under_any_customer_number(database: Database) -> None:
    with database.writing() as session:
        enter(session, [handed("L1")])
        other = enter(session, [handed("L1", person_id="CUST-77")], campaign_id="other", lender="beta")

    assert (other.held, other.refused) == (1, ())


ANA = {"person_id": "0", "name": "Ana Gil Ruiz", "phone": "+34600000001", "email": "ana@example.com"}
LUIS = {"person_id": "0", "name": "Luis Soto", "phone": "+34600000002", "email": "luis@example.com"}


@pytest.mark.parametrize(
    ("known", "told", "by"),
    [
        (ANA, LUIS, "name"),
        (ANA | {"birth_year": "1984"}, LUIS | {"birth_year": "1990"}, "birth_year, name"),
        (ANA | {"name": None, "birth_year": "1984"}, LUIS | {"birth_year": "1990"}, "birth_year"),
        (ANA | {"id_digits": "1234"}, LUIS | {"name": "Ana Gil Ruiz", "id_digits": "4321"}, "id_digits"),
        (ANA, LUIS | {"name": None, "country": "MX"}, "country"),
        (ANA | {"phone": None, "email": None}, LUIS, "name"),
    ],
)
def test_a_new_loan_under_a_number_that_is_somebody_elses_is_refused_and_their_telephone_stays(
    database: Database, known: dict[str, Any], told: dict[str, Any], by: str
) -> None:
    """Given a placeholder for a customer number; when the next file gives it to another person."""
    with database.writing() as session:
        enter(session, [handed("L1", **known)])
    with database.writing() as session:
        came = enter(session, [handed("L2", **told), handed("L3")], campaign_id="c2")

    [refused] = came.refused
    assert (came.held, refused.loan_id) == (1, "L2")
    assert refused.reason.startswith(f"its customer number '0' is known as somebody else's by {by}: hand it over under")
    with database.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert (person.phone, person.country) == (known["phone"], "ES")


@pytest.mark.parametrize(
    "told",
    [
        LUIS | {"name": "GIL RUIZ, ANA"},
        LUIS | {"name": "Ana Gil", "country": "MX", "timezone": "America/Mexico_City"},
        LUIS | {"name": "Ana Gill Ruiz", "phone": "+34600000001", "birth_year": "1985"},
        LUIS | {"name": "Ana Soto", "email": "ana@example.com"},
        LUIS | {"name": "Ana Soto", "id_digits": "1234", "country": "MX", "timezone": None},
        LUIS | {"name": None},
    ],
)
def test_a_new_loan_of_somebody_who_is_written_otherwise_moved_or_has_another_telephone_is_theirs(
    database: Database, told: dict[str, Any]
) -> None:
    with database.writing() as session:
        enter(session, [handed("L1", **ANA, birth_year="1984", id_digits="1234")])
    with database.writing() as session:
        came = enter(session, [handed("L2", **told)], campaign_id="c2")

    assert (came.held, came.refused) == (1, ())


def test_what_was_wrong_of_a_person_is_set_right_with_a_loan_of_theirs_that_is_known(database: Database) -> None:
    right = {"person_id": "0", "name": "Luis Soto", "birth_year": "1990"}
    with database.writing() as session:
        enter(session, [handed("L1", **ANA, birth_year="1984")])
        loans.end(session, loans.get(session, LENDER, "L1"), kind="cured", at=NOW, final_state=None)
    with database.writing() as session:
        came = enter(session, [handed("L1", **right), handed("L2", **right)], campaign_id="c2")

    assert (came.held, came.refused) == (2, ())
    with database.reading() as session:
        assert people.of_loan(session, loans.get(session, LENDER, "L1")).birth_year == "1990"


def test_a_number_whose_person_was_erased_is_free_for_whoever_is_told(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1", **ANA)
        loans.end(session, loan, kind="cured", at=NOW, final_state=None)
    erasure.erase(database, LENDER, "0", actor="operator", at=NOW)
    with database.writing() as session:
        assert enter(session, [handed("L2", **LUIS, country="MX")], campaign_id="c2").held == 1
