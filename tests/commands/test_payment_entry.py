"""What an operator is told of a payment that was entered by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from temporalio.service import RPCError, RPCStatusCode

from commands.console import Refused
from commands.payment_entry import read_payment, tell_the_loan
from config.settings import Settings
from domain.events.payments import PaymentReceived
from records import loans, payments, webhooks
from records.database import Database
from records.tables import PaymentSource
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


def unmatched(
    database: Database, provider: str, payment_id: str, currency: str = "EUR", loan_id: str | None = None
) -> None:
    """Money that came for a loan nobody could find."""
    with database.writing() as session:
        payments.record(
            session, provider=provider, payment_id=payment_id, lender=None, loan_id=loan_id, amount_minor=6_000,
            currency=currency, paid_at=NOW, received_at=NOW, source=PaymentSource.WEBHOOK,
        )  # fmt: skip


def test_a_gateways_payment_that_waits_for_its_loan_is_not_booked_beside_itself(database: Database) -> None:
    """Given money of a gateway that belongs to no loan, when somebody books it, or what they take it for, without
    saying whose it is, then nothing is recorded and they read what to type; typed so it is recorded."""
    with database.writing() as session:
        [loan] = entered(session, "L1")
    unmatched(database, "stripe", "pi_1")

    for typed in ("60", "59"):
        with pytest.raises(Refused, match=r"payment record L1 60\.00 --provider stripe --id pi_1$"):
            read_payment(database, loan, typed, None, None, "manual", "pi_1")

    told = read_payment(database, loan, "60.00", None, None, "stripe", "pi_1")
    assert enter_payment(database, loan, told, Entry("operator", datetime.now(UTC))).new
    assert read_payment(database, loan, "60", None, None, "manual", "TR-2").provider == "manual"


def test_money_that_its_provider_cannot_count_for_the_loan_is_booked_by_hand(database: Database) -> None:
    """Given a gateway's payments in another currency, and one it took back, when they are booked without a provider,
    then they are taken: under the gateway's name they never could be."""
    with database.writing() as session:
        [loan] = entered(session, "L1")
    unmatched(database, "stripe", "pi_usd", currency="USD")
    unmatched(database, "stripe", "pi_back")
    with database.writing() as session:
        payments.reverse(session, provider="stripe", payment_id="pi_back", at=NOW)

    for payment_id in ("pi_usd", "pi_back"):
        assert read_payment(database, loan, "60", None, None, "manual", payment_id).payment_id == payment_id


def test_money_that_waits_for_another_loan_is_not_offered_to_this_one(database: Database) -> None:
    """Given money that names a loan not handed over yet, when cash of this loan is booked under the same id, then it is
    taken: told to book the other's, a colleague would have given it away."""
    with database.writing() as session:
        [loan] = entered(session, "L1")
    unmatched(database, "core", "1001", loan_id="L9")

    assert read_payment(database, loan, "60", None, None, "manual", "1001").provider == "manual"


def test_what_a_colleague_booked_under_its_provider_is_not_booked_again_without(database: Database) -> None:
    """Given a payment that is booked for the loan, when it is booked again without its provider, then nothing is
    recorded; for another loan the same id is another payment."""
    with database.writing() as session:
        loan, other = entered(session, "L1", "L2")
    enter_payment(database, loan, PAID, Entry("operator", datetime.now(UTC)))

    with pytest.raises(Refused, match=r"'TR-1' is booked already, as a payment of 'bank' for this loan"):
        read_payment(database, loan, "60", None, None, "manual", "TR-1")

    assert read_payment(database, other, "60", None, None, "manual", "TR-1").payment_id == "TR-1"


def test_what_was_booked_by_hand_before_may_be_said_again(database: Database) -> None:
    with database.writing() as session:
        [loan] = entered(session, "L1")
    booked = PAID.model_copy(update={"provider": "manual"})
    enter_payment(database, loan, booked, Entry("operator", datetime.now(UTC)))
    unmatched(database, "stripe", "TR-1")

    assert read_payment(database, loan, "60", None, None, "manual", "TR-1").payment_id == "TR-1"


class NoWorkflow:
    """Temporal runs no workflow of any loan."""

    def get_workflow_handle(self, _id: str) -> NoWorkflow:
        return self

    async def signal(self, *_given: object) -> None:
        raise RPCError("not found", RPCStatusCode.NOT_FOUND, b"")


@pytest.fixture
def no_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect() -> NoWorkflow:
        return NoWorkflow()

    monkeypatch.setattr("commands.temporal_session.connect", connect)


@pytest.mark.usefixtures("no_workflow")
def test_a_payment_of_a_loan_whose_workflow_is_lost_is_not_said_to_be_known_when_it_is_started(
    database: Database,
) -> None:
    with database.writing() as session:
        [loan] = entered(session, "L1")
    new = enter_payment(database, loan, PAID, Entry("operator", datetime.now(UTC)))

    answer = tell_the_loan(NO_SERVER, database, new)

    assert not answer.told
    assert "`doctor`" in answer.detail


@pytest.mark.usefixtures("no_workflow")
@pytest.mark.parametrize("knew", [False, True])
def test_a_loan_that_ended_is_said_to_know_a_payment_only_where_it_does(database: Database, knew: bool) -> None:
    """Given a payment said again, when the first one still waits for the relay, then nobody says the loan knows it."""
    heard = [{"provider": "bank", "payment_id": "TR-1"}] if knew else []
    with database.writing() as session:
        [loan] = entered(session, "L1")
        loans.end(session, loan, kind="recalled", at=NOW, final_state={"payments": heard})
    entry = Entry("operator", datetime.now(UTC))
    enter_payment(database, loan, PAID, entry)

    answer = tell_the_loan(NO_SERVER, database, enter_payment(database, loan, PAID, entry))

    assert answer.told is knew
    assert ("knows it" in answer.detail) is knew


@pytest.mark.usefixtures("no_workflow")
def test_a_payment_that_an_ended_loan_was_told_of_and_did_not_count_is_not_said_to_wait(database: Database) -> None:
    """Given a payment that an ended loan refused, when it is said again, then nobody is told to wait for the relay."""
    with database.writing() as session:
        [loan] = entered(session, "L1")
        loans.end(session, loan, kind="recalled", at=NOW, final_state={"payments": []})
    entry = Entry("operator", datetime.now(UTC))
    first = enter_payment(database, loan, PAID, entry)
    assert first.signal is not None
    assert first.webhook_id is not None
    with database.writing() as session:
        webhooks.mark_signalled(session, first.webhook_id, first.signal.model_dump(mode="json"), entry.at)

    answer = tell_the_loan(NO_SERVER, database, enter_payment(database, loan, PAID, entry))

    assert answer.told
    assert "was told and did not count it" in answer.detail


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-03-10", "2026-03-10T06:00:00+00:00"),
        ("2026-03-10T00:00:00Z", "2026-03-10T06:00:00+00:00"),
        ("2026-03-10T00:00+00:00", "2026-03-10T06:00:00+00:00"),
        ("2026-03-09T18:00-06:00", "2026-03-10T00:00:00+00:00"),
        ("2026-03-10T00:01Z", "2026-03-10T00:01:00+00:00"),
    ],
)
def test_a_day_alone_is_that_day_where_the_borrower_lives(database: Database, typed: str, meant: str) -> None:
    with database.writing() as session:
        [loan] = entered(session, "L1", timezone="America/Mexico_City")

    assert read_payment(database, loan, "60", None, typed, "core", "1").paid_at == datetime.fromisoformat(meant)
