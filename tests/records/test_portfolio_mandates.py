"""Mandates that a lender's file brought: kept sealed, once, and used only in their scheme."""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.direct_debit import MandateScheme, MandateStatus, SequenceType
from records import loans, mandates, people, person_export
from records.database import Database
from tests.records.portfolios import LENDER, NOW, enter, handed

IBAN, OTHER = "ES9121000418450200051332", "ES7921000813610123456789"


def signed(loan_id: str, **changes: Any) -> Any:
    given = {"mandate_reference": "M-1", "mandate_iban": IBAN, "mandate_signed_on": date(2026, 1, 14)}
    return handed(loan_id, person_id="ana", **{**given, **changes})


def test_the_mandate_of_a_file_serves_all_loans_of_its_person_and_is_sealed(database: Database) -> None:
    with database.writing() as session:
        enter(session, [signed("L1", mandate_holder="Luis", mandate_sequence=SequenceType.RCUR), signed("L2")])
    with database.writing() as session:
        again = enter(session, [signed("L3")], campaign_id="c2")

    with database.reading() as session:
        [kept] = mandates.listing(session)
        both = [mandates.usable(session, loans.get(session, LENDER, one), NOW.date()) for one in ("L1", "L3")]
        raw = session.connection().exec_driver_sql("SELECT iban, holder FROM mandate").one()
        exported = person_export.export(session, people.of_loan(session, loans.get(session, LENDER, "L1")))
        assert mandates.people_of(session, IBAN) == {kept.person_ref}
    assert again.refused == ()
    assert both == [kept, kept]
    assert (kept.reference, kept.iban, kept.holder, kept.status) == ("M-1", IBAN, "Luis", MandateStatus.ACTIVE)
    assert IBAN not in str(raw)
    assert "Luis" not in str(raw)
    assert IBAN in str(exported)


def test_a_file_brings_no_cancelled_mandate_to_life_and_takes_nobody_elses_reference(database: Database) -> None:
    with database.writing() as session:
        enter(session, [signed("L1")])
        kept = mandates.get(session, LENDER, "M-1")
        mandates.set_status(session, kept, MandateStatus.CANCELLED, reason="by the borrower", at=NOW)
    with database.writing() as session:
        entered = enter(
            session,
            [signed("L2"), signed("L3", mandate_iban=OTHER), signed("L4", mandate_reference="M-2")],
            campaign_id="c2",
        )

    with database.reading() as session:
        assert mandates.get(session, LENDER, "M-1").status is MandateStatus.CANCELLED
        usable = mandates.usable(session, loans.get(session, LENDER, "L2"), NOW.date())
    assert usable is not None
    assert usable.reference == "M-2"
    assert [(one.loan_id, one.reason) for one in entered.refused] == [
        ("L3", "mandate reference 'M-1' is another mandate's")
    ]
    assert entered.held == 2


def test_a_mandate_is_used_only_in_its_own_scheme(database: Database) -> None:
    with database.writing() as session:
        enter(session, [signed("L1", mandate_scheme=MandateScheme.B2B)])
        loan = loans.get(session, LENDER, "L1")
        found = [mandates.usable(session, loan, NOW.date(), scheme) for scheme in ("CORE", "B2B", None)]

    assert [one is not None for one in found] == [False, True, True]
