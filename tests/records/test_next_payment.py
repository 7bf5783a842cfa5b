"""What is asked for of an agreement: only what its loan came to know since it was made goes towards it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from domain.agreements.model import Agreement, AgreementKind, AgreementState, Instalment, Via
from records import agreements, audit, loans, payments
from records.database import Database
from records.next_payment import LeftToPay, left_to_pay
from records.tables import Loan, PaymentSource
from tests.records.portfolios import LENDER, NOW, entered

AGREED = NOW + timedelta(hours=2)


def agreed(session: Session, loan: Loan) -> None:
    plan = Agreement(
        number=1,
        kind=AgreementKind.PLAN,
        state=AgreementState.ACTIVE,
        made_at=AGREED,
        by="agent-7",
        via=Via.AGENT,
        instalments=tuple(
            Instalment(number=number, due=AGREED.date() + timedelta(days=7 * number), amount_minor=amount)
            for number, amount in ((1, 4_000), (2, 3_000))
        ),
        balance_minor=10_000,
    )
    agreements.keep(session, loan, plan, [0, 0], of_entry=1, at=AGREED)


def paid(session: Session, received_at: datetime, heard_at: datetime | None) -> None:
    payments.record(
        session,
        provider="bank",
        payment_id="p1",
        lender=LENDER,
        loan_id="L1",
        amount_minor=4_000,
        currency="EUR",
        paid_at=AGREED,
        received_at=received_at,
        source=PaymentSource.RECORD,
    )
    if heard_at is not None:
        named = {"provider": "bank", "payment_id": "p1"}
        audit.append(
            session, at=heard_at, actor="loan workflow", action="payment", lender=LENDER, loan_id="L1", details=named
        )


def test_of_a_loans_audit_trail_only_what_it_heard_of_payments_before_the_agreement_is_read(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        paid(session, AGREED - timedelta(hours=1), AGREED - timedelta(hours=1))
        for hours in range(-1, 2):
            at = AGREED + timedelta(hours=hours)
            audit.append(session, at=at, actor="loan workflow", action="contact", lender=LENDER, loan_id="L1")

    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        limits = {"action": "payment", "since": loan.entered_at, "before": AGREED}
        read = [line.action for line in audit.of_loan(session, LENDER, "L1", **limits)]
        after = audit.of_loan(session, LENDER, "L1", **limits | {"before": AGREED - timedelta(hours=1)})
    assert (read, list(after)) == (["payment"], [])


@pytest.mark.parametrize(
    ("received", "heard", "asked_minor"),
    [
        pytest.param(-1, -1, 4_000, id="known when it was agreed"),
        pytest.param(-1, 1, 3_000, id="kept before, heard of after it was agreed"),
        pytest.param(-1, None, 3_000, id="kept before, and the loan hears of it now"),
        pytest.param(1, 1, 3_000, id="came after it was agreed"),
    ],
)
def test_a_payment_goes_towards_an_agreement_that_was_made_before_the_loan_heard_of_it(
    database: Database, received: int, heard: int | None, asked_minor: int
) -> None:
    """Given a plan of 40 and 30; when 40 come; then the 30 are asked for, unless the plan was made knowing of them."""
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        heard_at = None if heard is None else AGREED + timedelta(hours=heard)
        paid(session, AGREED + timedelta(hours=received), heard_at)
        agreed(session, loan)

    with database.reading() as session:
        assert left_to_pay(session, loans.get(session, LENDER, "L1")) == LeftToPay(asked_minor, None)
