"""What an operator is told of a payment that was entered by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from commands.console import Refused
from commands.payment_entry import read_payment, tell_the_loan
from config.settings import Settings
from domain.events import PaymentReceived
from records import loans, payments
from records.database import Database
from tests.records.portfolios import LENDER, NOW, entered, handed_over_again
from web.payment_entry import Entry, enter_payment, enter_reversal

PAID = PaymentReceived(payment_id="TR-1", amount_minor=6_000, currency="EUR", paid_at=NOW, provider="bank")
NO_SERVER = Settings(_env_file=None, temporal={"address": "127.0.0.1:1"})


def test_a_payment_of_an_earlier_hand_over_said_again_is_told_to_nobody(database: Database) -> None:
    entry = Entry("operator", datetime.now(UTC))
    with database.writing() as session:
        [loan] = entered(session, "L1")
    enter_payment(database, loan, PAID, entry)
    with database.writing() as session:
        loan = handed_over_again(session, "L1", 6_000)

    again = enter_payment(database, loan, PAID, entry)
    back = enter_reversal(database, loan, "bank", "TR-1", entry)

    for entered_by_hand in (again, back):
        answer = tell_the_loan(NO_SERVER, database, entered_by_hand)
        assert not answer.told
        assert "an earlier hand-over" in answer.detail
    assert (again.new, back.new) == (False, True)
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, "L1")) == 6_000


@pytest.mark.parametrize(("currency", "typed"), [("CLP", "150.000"), ("COP", "150.000"), ("EUR", "1.200")])
def test_a_payment_is_never_read_as_a_thousandth_of_what_was_typed(
    database: Database, currency: str, typed: str
) -> None:
    with database.writing() as session:
        [loan] = entered(session, "L1", currency=currency, amount_due_minor=200_000)

    with pytest.raises(Refused, match=rf"AMOUNT: '{typed}' has more decimals .* write thousands without a point"):
        read_payment(database, loan, typed, None, None, "bank", "TR-2")
