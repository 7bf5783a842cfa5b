"""Payments asked about without an answer: which are late, and which are only young."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.direct_debit import DebitState, SequenceType
from records import contacts, debits, inquiries, mandates
from records.database import Database
from records.tables import PaymentInquiry
from tests.records.portfolios import LENDER, entered

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


def test_late_answers_are_named_by_provider_and_young_or_settled_ones_are_not(database: Database) -> None:
    def asked(
        reference: str, age: timedelta, next_in: timedelta | None, status: str = "pending", provider: str = "bank"
    ) -> PaymentInquiry:
        return PaymentInquiry(
            provider=provider,
            reference=reference,
            status=status,
            created_at=NOW - age,
            next_at=None if next_in is None else NOW + next_in,
        )

    references: list[str] = []
    hour, day, soon = timedelta(hours=1), timedelta(days=1), timedelta(minutes=5)
    with database.writing() as session:
        for one in (
            asked("still-pending", 2 * day, soon),
            asked("nobody-asks", 3 * hour, -2 * hour, provider="mercadopago"),
            asked("died-beginning", 3 * hour, None, inquiries.BEGINNING),
            asked("young", 2 * hour, soon),
            asked("beginning-now", soon, None, inquiries.BEGINNING),
            asked("paid", 9 * day, None, "paid"),
            asked("given-up", 9 * day, None, "not known"),
        ):
            session.add(one)
        entered(session, "L1")
        loan, person = contacts.lock_person(session, LENDER, "L1")
        mandates.add(
            session, person, reference="M-1", iban="ES9121000418450200051332", signed_on=NOW.date(),
            sequence=SequenceType.RCUR, at=NOW,
        )  # fmt: skip
        mandate = mandates.get(session, LENDER, "M-1")
        for number, (age, state) in enumerate(
            [(9, DebitState.FILED), (7, DebitState.FILED), (30, DebitState.COLLECTED)], start=1
        ):
            debits.order(
                session, loan, mandate, step="debit", occurrence=number, amount_minor=1_000, noticed=False,
                notice_days=0, at=NOW,
            )  # fmt: skip
            row = debits.find(session, loan, loan.entry, "debit", number)
            assert row is not None
            row.collect_on, row.state = (NOW - timedelta(days=age)).date(), state
            session.add(row)
            references.append(row.reference)
    with database.reading() as session:
        found = {one.provider: one.ids for one in inquiries.overdue(session, NOW)}

    assert found == {
        "bank": ("still-pending", "died-beginning"),
        "mercadopago": ("nobody-asks",),
        "sepa-dd": (references[0],),
    }


def test_a_payment_is_pointed_at_until_the_latest_notice_of_it_was_answered(database: Database) -> None:
    with database.writing() as session:
        inquiries.note(session, "mercadopago", "123", NOW)
    with database.reading() as session:
        [first] = inquiries.due(session, NOW, 10)
    with database.writing() as session:
        inquiries.note(session, "mercadopago", "123", NOW)
    assert first.id is not None

    with database.writing() as session:
        old_stands = inquiries.answered(session, first.id, "pending", None, as_read=first)
    with database.reading() as session:
        still = inquiries.pointed_at(session)
        [second] = inquiries.due(session, NOW, 10)
    with database.writing() as session:
        new_stands = inquiries.answered(session, first.id, "paid", None, as_read=second)

    assert (old_stands, still, new_stands) == (False, True, True)
    with database.reading() as session:
        assert not inquiries.pointed_at(session)
        assert inquiries.due(session, NOW, 10) == []


def test_who_was_pointed_at_first_is_asked_about_first(database: Database) -> None:
    with database.writing() as session:
        inquiries.note(session, "mercadopago", "late", NOW + timedelta(seconds=1))
        inquiries.note(session, "mercadopago", "early", NOW)

    with database.reading() as session:
        assert [one.reference for one in inquiries.due(session, NOW, 10)] == ["early", "late"]
