from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from records import consents, links, loans, payments
from records.database import Database
from records.payments import Recorded
from records.tables import ConsentStatus, LinkState, Loan, Payment, PaymentLink, PaymentSource
from tests.records.portfolios import LENDER, NOW, enter, entered, handed

DAY = timedelta(days=1)


def pay(
    session: Session, payment_id: str, amount: int, *, loan_id: str | None = "L1", currency: str = "EUR"
) -> Recorded:
    return payments.record(
        session,
        provider="stripe",
        payment_id=payment_id,
        lender=LENDER,
        loan_id=loan_id,
        amount_minor=amount,
        currency=currency,
        paid_at=NOW,
        received_at=NOW,
        source=PaymentSource.WEBHOOK,
    )


def balance(session: Session, loan_id: str = "L1") -> int:
    return payments.balance_due(session, loans.get(session, LENDER, loan_id))


def test_a_payment_counts_once_and_its_first_report_stands(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        first = pay(session, "p1", 2_000)
        again = pay(session, "p1", 9_999)

        assert (first.new, again.new) == (True, False)
        assert again.payment.amount_minor == 2_000
        assert balance(session) == 8_000


@pytest.mark.timeout(60)
def test_a_payment_reported_by_two_ways_at_once_is_new_for_one_of_them(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
    new: list[bool] = []
    failures: list[Exception] = []

    def report(number: int, both: threading.Barrier) -> None:
        both.wait()
        try:
            with database.writing() as session:
                new.append(pay(session, f"p{number}", 10).new)
        except Exception as error:
            failures.append(error)

    for number in range(20):
        both = threading.Barrier(2)
        threads = [threading.Thread(target=report, args=(number, both)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert failures == []
    assert sorted(new) == [False] * 20 + [True] * 20
    with database.reading() as session:
        assert balance(session) == 10_000 - 20 * 10


def test_more_than_what_is_due_leaves_a_negative_balance(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        pay(session, "p1", 10_500)
        assert balance(session) == -500


def test_a_reversed_payment_is_due_again(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        pay(session, "p1", 2_000)
        reversed_once = payments.reverse(session, provider="stripe", payment_id="p1", at=NOW + DAY)
        payments.reverse(session, provider="stripe", payment_id="p1", at=NOW + 2 * DAY)

        assert balance(session) == 10_000
        assert reversed_once is not None
        assert reversed_once.reversed_at == NOW + DAY


@pytest.mark.parametrize(("loan_id", "currency"), [("NOBODY", "EUR"), (None, "EUR"), ("L1", "USD")])
def test_money_that_fits_no_loan_is_kept_and_counts_for_none(
    database: Database, loan_id: str | None, currency: str
) -> None:
    with database.writing() as session:
        entered(session, "L1")
        pay(session, "p1", 2_000, loan_id=loan_id, currency=currency)

        assert [payment.payment_id for payment in payments.unmatched(session)] == ["p1"]
        assert balance(session) == 10_000


def test_money_that_nobody_could_place_counts_once_when_it_is_told_for_its_loan(database: Database) -> None:
    with database.writing() as session:
        pay(session, "p1", 2_000)
        entered(session, "L1")

        placed = pay(session, "p1", 2_000)
        again = pay(session, "p1", 2_000)

        assert (placed.new, again.new) == (True, False)
        assert payments.unmatched(session) == []
        assert balance(session) == 8_000


@pytest.mark.parametrize(
    ("first", "amount", "currency"), [("L9", 2_000, "EUR"), (None, 2_001, "EUR"), (None, 2_000, "USD")]
)
def test_money_that_nobody_could_place_does_not_become_other_money(
    database: Database, first: str | None, amount: int, currency: str
) -> None:
    with database.writing() as session:
        entered(session, "L1")
        pay(session, "p1", 2_000, loan_id=first)

        told = pay(session, "p1", amount, currency=currency)

        assert (told.new, told.payment.loan_ref) == (False, None)
        assert balance(session) == 10_000


def test_the_same_id_of_two_providers_is_two_payments(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        pay(session, "p1", 1_000)
        session.add(
            Payment(
                provider="bank",
                payment_id="p1",
                loan_ref=loan.id,
                entry=1,
                amount_minor=1_000,
                currency="EUR",
                paid_at=NOW,
                received_at=NOW,
                source=PaymentSource.RECORD,
            )
        )
        session.flush()
        assert balance(session) == 8_000


def test_a_new_hand_over_does_not_take_off_again_what_it_knows(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        pay(session, "p1", 2_000)
        loans.end(session, loan, kind="recalled", at=NOW, final_state=None)
    with database.writing() as session:
        enter(session, [handed("L1", amount_due_minor=8_000)], campaign_id="c2")
        assert balance(session) == 8_000
        pay(session, "p2", 500)
        assert balance(session) == 7_500


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["pay", "reverse"]), st.integers(0, 5), st.integers(1, 9_000)), max_size=25))
def test_in_every_order_the_money_adds_up(database: Database, reports: list[tuple[str, int, int]]) -> None:
    paid: dict[int, int] = {}
    taken_back: set[int] = set()
    with database.writing() as session:
        entered(session, "L1")
        for what, number, amount in reports:
            if what == "pay":
                paid.setdefault(number, amount)
                pay(session, f"p{number}", amount)
            else:
                taken_back.add(number)
                payments.reverse(session, provider="stripe", payment_id=f"p{number}", at=NOW)
        expected = 10_000 - sum(amount for number, amount in paid.items() if number not in taken_back)
        assert balance(session) == expected
        session.rollback()


def keep_link(session: Session, loan: Loan, amount: int, provider_id: str, generation: int = 1) -> PaymentLink:
    return links.keep(
        session,
        loan,
        purpose="collection",
        amount_minor=amount,
        generation=generation,
        provider="stripe",
        provider_link_id=provider_id,
        url=f"https://pay.example/{provider_id}",
        at=NOW,
    )


def test_a_link_is_reused_while_it_is_active_and_the_amount_the_same(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        assert links.next_generation(session, loan, "collection", 10_000) == 1
        made = keep_link(session, loan, 10_000, "plink_1")
        assert keep_link(session, loan, 10_000, "plink_1").id == made.id

        found = links.active(session, loan, "collection", 10_000)
        assert found is not None
        assert found.id == made.id
        assert links.active(session, loan, "collection", 9_999) is None

        links.set_state(session, made, LinkState.INACTIVE, at=NOW)
        assert links.active(session, loan, "collection", 10_000) is None
        assert links.next_generation(session, loan, "collection", 10_000) == 2


def test_a_paid_link_stays_paid(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        link = keep_link(session, loan, 10_000, "plink_1")
        links.set_state(session, link, LinkState.PAID, at=NOW)
        links.set_state(session, link, LinkState.INACTIVE, at=NOW)
        assert link.state is LinkState.PAID
        assert links.open_links(session, loan) == []


def test_two_active_links_for_the_same_cannot_be(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        keep_link(session, loan, 10_000, "plink_1")
    with pytest.raises(IntegrityError), database.writing() as session:
        keep_link(session, loan, 10_000, "plink_2", generation=2)


def test_only_a_consent_that_is_valid_today_may_be_used(database: Database) -> None:
    with database.writing() as session:
        enter(
            session,
            [
                handed("L1", bank_consent="c1", bank_account="a1", consent_valid_until=date(2026, 3, 2)),
                handed("L2"),
            ],
        )
        loan, without = (loans.get(session, LENDER, loan_id) for loan_id in ("L1", "L2"))

        consent = consents.active(session, loan, date(2026, 3, 2))
        assert consent is not None
        assert (consent.consent_id, consent.account_id, consent.reads_per_day) == ("c1", "a1", 4)
        assert consents.active(session, loan, date(2026, 3, 3)) is None
        assert consents.active(session, without, date(2026, 3, 2)) is None

        consents.set_status(session, consent, ConsentStatus.REVOKED, at=NOW)
        assert consents.active(session, loan, date(2026, 3, 2)) is None


@pytest.mark.parametrize(
    ("status", "usable"), [(ConsentStatus.REVOKED, False), (ConsentStatus.EXPIRED, True), (ConsentStatus.VALID, True)]
)
def test_a_file_brings_back_no_consent_that_its_holder_revoked(
    database: Database, status: ConsentStatus, usable: bool
) -> None:
    given = {"person_id": "p", "bank_consent": "c1", "bank_account": "a1"}
    with database.writing() as session:
        enter(session, [handed("L1", **given, consent_valid_until=date(2026, 3, 2))])
        consent = consents.active(session, loans.get(session, LENDER, "L1"), date(2026, 3, 2))
        assert consent is not None
        consents.set_status(session, consent, status, at=NOW)

        enter(session, [handed("L2", **given, consent_valid_until=date(2026, 6, 2))], campaign_id="c2")

        found = consents.active(session, loans.get(session, LENDER, "L2"), date(2026, 5, 2))
        assert (found is not None) == usable


def test_reads_are_counted_by_consent_over_all_loans(database: Database) -> None:
    shared = {"person_id": "p", "bank_consent": "c1", "bank_account": "a1"}
    with database.writing() as session:
        enter(session, [handed("L1", **shared), handed("L2", **shared)])
        one, two = (loans.get(session, LENDER, loan_id) for loan_id in ("L1", "L2"))
        consent = consents.active(session, one, date(2026, 3, 2))
        assert consent is not None
        same = consents.active(session, two, date(2026, 3, 2))
        assert same is not None
        assert same.id == consent.id
        consents.record_read(session, consent, one, at=NOW - DAY, outcome="read", amount_minor=100)
        consents.record_read(session, consent, one, at=NOW, outcome="read", amount_minor=5)
        consents.record_read(session, consent, two, at=NOW + DAY, outcome="ACCESS_EXCEEDED")

        assert consents.reads_since(session, consent, NOW) == 2
        assert [read.amount_minor for read in consents.reads_of(session, one)] == [100, 5]
