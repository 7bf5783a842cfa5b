"""Messages to a segment in the records: who meets the condition, who has heard, and what became of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.contact import Channel, Purpose
from domain.segment import parse_condition
from records import contacts, loans, payments, segment_sends
from records.database import Database
from records.tables import LoanState, PaymentSource, SegmentSend, SegmentSendState
from tests.records.portfolios import LENDER, NOW, enter, handed


def entered(database: Database) -> None:
    rows = [
        handed("A1", city="Sevilla"),
        handed("A2", city="Madrid"),
        handed("A3", city=None, amount_due_minor=50_000),
        handed("A4", phone=None, timezone=None),
    ]
    with database.writing() as session:
        enter(session, rows)
        for loan in loans.listing(session):
            loans.begin(session, loan)


def ids(database: Database, where: str) -> list[str]:
    with database.reading() as session:
        return [loan.loan_id for loan, _ in segment_sends.matching(session, LENDER, parse_condition(where), NOW)]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("dpd = 10", ["A1", "A2", "A3"]),
        ("amount > 100", ["A3"]),
        ("city = 'sevilla'", ["A1"]),
        ("not city = 'sevilla'", ["A2"]),
        ("not phone", ["A4"]),
        ("strategy = 'plain' and country = 'ES' and email and not consent", ["A1", "A2", "A3", "A4"]),
    ],
)
def test_loans_that_meet_a_condition_are_found(database: Database, where: str, found: list[str]) -> None:
    entered(database)

    assert ids(database, where) == found


def test_amounts_are_what_is_due_now_and_ended_loans_are_left_out(database: Database) -> None:
    entered(database)
    with database.writing() as session:
        payments.record(
            session,
            provider="bank",
            payment_id="p1",
            lender=LENDER,
            loan_id="A3",
            amount_minor=45_000,
            currency="EUR",
            paid_at=NOW,
            received_at=NOW,
            source=PaymentSource.RECORD,
        )
        loans.end(session, loans.get(session, LENDER, "A1"), kind="recalled", at=NOW, final_state=None)

    assert ids(database, "amount = 50") == ["A3"]
    assert "A1" not in ids(database, "amount > 0")


def order(database: Database, send_id: str = "help") -> list[int]:
    with database.writing() as session:
        refs = [(loan.id or 0, loan.entry) for loan in loans.listing(session, state=LoanState.IN_COLLECTION)]
        send = SegmentSend(
            id=send_id,
            lender=LENDER,
            template="help_offer",
            channels=["sms"],
            condition="dpd > 1",
            until=NOW + timedelta(days=3),
            rate_per_second=20,
            created_at=NOW,
        )
        segment_sends.create(session, send, refs)
    return [ref for ref, _ in refs]


def test_each_loan_is_told_once_and_what_became_of_it_is_counted(database: Database) -> None:
    entered(database)
    refs = order(database)
    with database.writing() as session:
        page = segment_sends.claim_page(session, "help", 2)
        segment_sends.mark_told(session, "help", [one.ref for one in page], at=NOW)
        segment_sends.mark_refused(session, "help", [refs[2]], reason="the loan had ended")
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, "A1")
        contacts.reserve(
            session,
            loan,
            person,
            step="notice-help",
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.SMS,
            template="help_offer",
            at=NOW,
            address="+34600000001",
        )

    with database.reading() as session:
        found = segment_sends.progress(session, "help")
        left = [one.ref for one in segment_sends.claim_page(session, "help", 10)]
    assert [one.ref for one in page] == refs[:2]
    assert left == refs[3:]
    assert (found.total, found.told, found.refused, found.waiting) == (4, 2, 1, 1)
    assert found.contacts == {"reserved": 1}


def test_an_id_is_taken_once_and_what_is_stopped_stays_stopped(database: Database) -> None:
    entered(database)
    order(database)

    with pytest.raises(segment_sends.SendExists):
        order(database)
    with database.writing() as session:
        segment_sends.set_state(session, "help", SegmentSendState.STOPPED)
        segment_sends.set_state(session, "help", SegmentSendState.FINISHED)
        assert segment_sends.get(session, "help").state is SegmentSendState.STOPPED
