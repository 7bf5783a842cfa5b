"""Agreements in the records: as the loan last told them, with the words that made them under the person's key."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from domain.agreements.model import Agreement, AgreementKind, AgreementState, Evidence, Instalment, Via
from domain.contact import Channel
from records import agreements, erasure, loans, payments, people
from records.database import Database
from records.person_export import export
from records.tables import AgreementEvidence, InboundMessage
from tests.records.portfolios import LENDER, NOW, entered
from web.loan_record import agreement_record

PROMISE = Agreement(
    number=1,
    kind=AgreementKind.PROMISE,
    state=AgreementState.OPEN,
    made_at=NOW,
    by="agent-1",
    via=Via.AGENT,
    instalments=(Instalment(number=1, due=date(2026, 3, 10), amount_minor=5_000),),
    balance_minor=10_000,
    evidence=Evidence(at=NOW, message_id="SM1"),
)


def test_an_agreement_stands_as_the_loan_last_told_it(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        agreements.keep(session, loan, PROMISE, (0,), of_entry=1, at=NOW)
        kept = PROMISE.model_copy(update={"state": AgreementState.KEPT, "ended_at": NOW + timedelta(days=1)})
        agreements.keep(session, loan, kept, (5_000,), of_entry=1, at=NOW + timedelta(days=1))

    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        (row,) = agreements.of_loan(session, loan)
        (instalment,) = agreements.instalments_of(session, row)
        assert (row.state, row.made_by, row.evidence_message_id) == ("kept", "agent-1", "SM1")
        assert (instalment.due, instalment.amount_minor, instalment.paid_minor) == (date(2026, 3, 10), 5_000, 5_000)
        assert payments.balance_due(session, loan) == 10_000


def test_the_yes_to_a_moved_date_is_kept_beside_the_yes_to_the_agreement_and_with_its_words(database: Database) -> None:
    words = "sí, el 15 me va bien"
    moved = Evidence(at=NOW, message_id="twilio:SM2", text_sha256=hashlib.sha256(words.encode()).hexdigest())
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        wrote = {"channel": Channel.SMS, "provider": "twilio", "provider_message_id": "SM2", "text": words}
        heard = {"language": "es", "intents": ["acknowledgement"], "confidence": 0.9, "needs_human": False}
        session.add(InboundMessage(person_ref=loan.person_ref, loan_ref=loan.id, at=NOW, **wrote, **heard))
        session.flush()
        with_yes = PROMISE.model_copy(update={"move_evidence": moved})
        agreements.keep(session, loan, with_yes, (0,), of_entry=1, at=NOW)

    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        (row,) = agreements.of_loan(session, loan)
        assert (row.evidence_message_id, row.move_message_id, row.move_at) == ("SM1", "twilio:SM2", NOW)
        assert agreements.words(session, loan, row.move_sha256) == words
        told = agreement_record(session, row)
        assert told.move_evidence is not None
        assert told.move_evidence.message_id == "twilio:SM2"


def test_what_a_settlement_forgives_is_no_longer_due_until_it_is_broken_again(database: Database) -> None:
    settled = PROMISE.model_copy(
        update={"kind": AgreementKind.SETTLEMENT, "state": AgreementState.COMPLETED, "remitted_minor": 3_000}
    )
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        agreements.keep(session, loan, settled, (5_000,), of_entry=1, at=NOW)
        assert payments.balance_due(session, loan) == 7_000
        broken = settled.model_copy(update={"state": AgreementState.BROKEN, "remitted_minor": 0})
        agreements.keep(session, loan, broken, (0,), of_entry=1, at=NOW)
        assert payments.balance_due(session, loan) == 10_000


def test_the_database_itself_refuses_two_in_force(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        agreements.keep(session, loan, PROMISE, (0,), of_entry=1, at=NOW)

    def keep_another() -> None:
        with database.writing() as session:
            loan = loans.get(session, LENDER, "L1")
            agreements.keep(session, loan, PROMISE.model_copy(update={"number": 2}), (0,), of_entry=1, at=NOW)

    with pytest.raises(IntegrityError):
        keep_another()


def test_the_words_are_sealed_exported_and_gone_with_the_person(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        first = agreements.keep_words(session, loan, "te pago el martes", at=NOW, message_id="SM1")
        again = agreements.keep_words(session, loan, "te pago el martes", at=NOW, message_id="SM1")
        assert first.id == again.id
        agreements.keep(session, loan, PROMISE, (0,), of_entry=1, at=NOW)

    with database.reading() as session:
        person = people.find(session, LENDER, "p-L1")
        assert person is not None
        told = export(session, person)
        assert told["words_of_acceptance"][0]["text"] == "te pago el martes"
        assert (told["agreements"][0]["kind"], told["instalments"][0]["amount_minor"]) == ("promise", 5_000)
        raw = session.connection().exec_driver_sql("SELECT text FROM agreement_evidence").scalar_one()
        assert "martes" not in raw

    with database.writing() as session:
        loans.end(session, loans.get(session, LENDER, "L1"), kind="cured", at=NOW, final_state=None)
    erasure.erase(database, LENDER, "p-L1", at=NOW, actor="test")
    with database.reading() as session:
        assert session.get(AgreementEvidence, 1).text is None  # type: ignore[union-attr]
