"""Which loan hears of money that a webhook tells of, and what a person is shown instead."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from activities.bank_files import BankDesk
from activities.found_payments import keep_report
from config.settings import Settings
from domain.bank_news import BankEntry, FileKind, Statement
from domain.events.payments import PaymentReceived
from domain.money import Money
from domain.value_dates import is_a_day
from domain.webhook_news import PaymentNews, ReversalNews
from providers.ports import PaymentReport, PaymentState
from records import audit, bank_entries, links, loans, payments
from records.database import Database
from records.tables import EntryState, LinkState, Loan, Webhook
from tests.records.portfolios import LENDER, NOW, entered, handed_over_again
from web.consequence import Consequence
from web.news import record_news
from web.payment_entry import ENTERED_BY_HAND, Entry, enter_payment

LATER = NOW + timedelta(days=30)


def told(session: Session, loan_id: str | None, amount_minor: int, payment_id: str = "1", **more: Any) -> Consequence:
    whose = {"lender": LENDER if loan_id else None, "loan_id": loan_id, "link_id": None, "provider": "standard"}
    given = {"currency": "EUR", "paid_at": NOW, **whose} | more
    news = PaymentNews(payment_id=payment_id, amount_minor=amount_minor, **given)
    return record_news(session, [news], LATER)


def taken_back(session: Session, payment_id: str = "1", loan_id: str | None = None, **more: Any) -> Consequence:
    given = {"provider": "standard", "lender": LENDER if loan_id else None} | more
    news = ReversalNews(payment_id=payment_id, reversed_at=LATER, loan_id=loan_id, **given)
    return record_news(session, [news], LATER)


def heard(what: Consequence) -> list[tuple[str, str]]:
    return [(signal.loan_id, signal.name.value) for signal in what.signals]


def due(database: Database, loan_id: str) -> int:
    with database.reading() as session:
        return payments.balance_due(session, loans.get(session, LENDER, loan_id))


def shown(database: Database) -> list[tuple[str | None, str]]:
    """What a person is shown: of which loan, and why."""
    with database.reading() as session:
        return [(row.loan_id, row.details["kind"]) for row in audit.of_action(session, "webhook_needs_person")]


def test_a_payment_of_an_earlier_hand_over_told_again_cures_no_later_one(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        told(session, "L1", 6_000)
        handed_over_again(session, "L1", 6_000)

        again = told(session, "L1", 6_000)

    assert (again.outcome, again.signals) == ("payment_known", ())
    assert due(database, "L1") == 6_000
    assert shown(database) == []


def test_the_reversal_of_an_earlier_hand_overs_payment_is_shown_to_a_person_once(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        told(session, "L1", 6_000)
        handed_over_again(session, "L1", 6_000)

        first, second = taken_back(session), taken_back(session)

    assert (first.outcome, second.outcome) == ("earlier_reversal_unmatched", "reversal_known")
    assert heard(first) == heard(second) == []
    assert shown(database) == [("L1", "reversal:earlier_entry")]


def link_of(session: Session, loan: Loan) -> None:
    links.keep(
        session,
        loan,
        purpose="balance",
        amount_minor=6_000,
        generation=1,
        provider="stripe",
        provider_link_id="plink_1",
        url="https://pay.example/1",
        at=NOW,
        reference="R1",
    )


def handed_over_later(session: Session, at: datetime) -> None:
    """L1 in its second hand-over, of this moment, with a link of the first."""
    [loan] = entered(session, "L1")
    link_of(session, loan)
    again = handed_over_again(session, "L1", 6_000)
    again.entered_at = at
    session.add(again)
    session.flush()


def found(session: Session, payment_id: str = "1", state: PaymentState = PaymentState.PAID) -> bool:
    """The gateway tells of it when it is asked."""
    amount = Money(amount_minor=6_000, currency="EUR")
    report = PaymentReport(payment_id=payment_id, state=state, amount=amount, paid_at=NOW, reference="R1")
    return keep_report(session, "stripe", report, LATER)


def test_money_of_an_earlier_hand_overs_link_from_before_the_next_is_shown_to_a_person_once(database: Database) -> None:
    """Given money whose webhook comes only after the loan was handed over anew, for an amount that may know of it."""
    with database.writing() as session:
        handed_over_later(session, NOW + timedelta(days=2))

        first = told(session, "L1", 6_000, provider="stripe", link_id="plink_1")
        again = told(session, None, 6_000, provider="stripe", link_id="plink_1")
        asked = found(session)

    assert (first.outcome, first.signals, again.signals, asked) == ("earlier_payment_unmatched", (), (), False)
    assert due(database, "L1") == 6_000
    assert shown(database) == [("L1", "payment:earlier_entry")]


def test_a_person_may_book_the_money_of_an_earlier_hand_over_that_was_shown(database: Database) -> None:
    with database.writing() as session:
        handed_over_later(session, NOW + timedelta(days=2))
        assert found(session) is False
        loan = loans.get(session, LENDER, "L1")
    entry = Entry(ENTERED_BY_HAND, LATER, timedelta())
    paid = PaymentReceived(provider="stripe", payment_id="1", amount_minor=6_000, currency="EUR", paid_at=NOW)

    enter_payment(database, loan, paid, entry)
    with database.writing() as session:
        again = told(session, None, 6_000, provider="stripe", link_id="plink_1")

    assert due(database, "L1") == 0
    assert again.outcome == "payment_known"


def book(database: Database) -> None:
    """As the docs say: under the gateway's own name and id."""
    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
    paid = PaymentReceived(provider="stripe", payment_id="1", amount_minor=6_000, currency="EUR", paid_at=NOW)
    enter_payment(database, loan, paid, Entry(ENTERED_BY_HAND, LATER, timedelta()))


def signalled(database: Database) -> list[str]:
    with database.reading() as session:
        return [signal["name"] for row in session.exec(select(Webhook)).all() for signal in row.signals]


@pytest.mark.parametrize("before", [[PaymentState.PAID], []])
def test_money_of_an_earlier_hand_over_that_was_taken_back_pays_nothing_when_it_is_booked(
    database: Database, before: list[PaymentState]
) -> None:
    """Given money that was shown to a person, or not even that, when the gateway says that it was taken back, then a
    person is told so once, and who books it all the same leaves as much due as before."""
    with database.writing() as session:
        handed_over_later(session, NOW + timedelta(days=2))
        for state in (*before, PaymentState.TAKEN_BACK, PaymentState.TAKEN_BACK):
            assert found(session, state=state) is False

    book(database)

    assert shown(database) == [*[("L1", "payment:earlier_entry") for _ in before], ("L1", "reversal:earlier_entry")]
    assert due(database, "L1") == 6_000
    assert signalled(database) == ["payment_received", "payment_reversed"]


@pytest.mark.parametrize("asked_first", [False, True])
def test_a_chargeback_of_money_that_was_shown_and_not_booked_is_shown_once_by_whichever_way_it_is_told(
    database: Database, asked_first: bool
) -> None:
    """Given money of an earlier hand-over that nobody booked, because the amount handed over anew knew of it: when it
    is taken back that amount is too low, and nobody would know."""
    with database.writing() as session:
        handed_over_later(session, NOW + timedelta(days=2))
        told(session, None, 6_000, provider="stripe", link_id="plink_1")
        if asked_first:
            found(session, state=PaymentState.TAKEN_BACK)

        first, again = (taken_back(session, provider="stripe") for _ in range(2))
        found(session, state=PaymentState.TAKEN_BACK)

    assert [first.outcome, again.outcome] == [
        "reversal_known" if asked_first else "earlier_reversal_unmatched",
        "reversal_known",
    ]
    assert heard(first) == heard(again) == []
    assert shown(database) == [("L1", "payment:earlier_entry"), ("L1", "reversal:earlier_entry")]
    assert due(database, "L1") == 6_000


def test_a_reversal_that_names_an_earlier_hand_over_and_money_nobody_told_of_is_shown(database: Database) -> None:
    with database.writing() as session:
        handed_over_later(session, NOW + timedelta(days=2))

        of_the_first = taken_back(session, "9", "L1", entry=1)
        of_the_second = taken_back(session, "8", "L1", entry=2)

    assert (of_the_first.outcome, of_the_second.outcome) == ("earlier_reversal_unmatched", "reversal_before_payment")
    assert shown(database) == [("L1", "reversal:earlier_entry")]


def test_money_of_an_earlier_hand_over_that_was_booked_is_taken_back_from_its_loan(database: Database) -> None:
    with database.writing() as session:
        handed_over_later(session, NOW + timedelta(days=2))
        found(session)
    book(database)
    with database.writing() as session:
        assert found(session, state=PaymentState.TAKEN_BACK) is True

    assert due(database, "L1") == 6_000
    assert shown(database) == [("L1", "payment:earlier_entry")]


def test_of_money_of_an_earlier_hand_over_that_is_there_again_a_person_is_told(database: Database) -> None:
    with database.writing() as session:
        handed_over_later(session, NOW + timedelta(days=2))
        for state in (PaymentState.PAID, PaymentState.TAKEN_BACK, PaymentState.PAID):
            found(session, state=state)

    assert [kind for _, kind in shown(database)] == [
        "payment:earlier_entry",
        "reversal:earlier_entry",
        "payment:paid_again",
    ]


def test_money_of_an_earlier_hand_overs_link_paid_on_the_day_of_the_next_or_later_counts(database: Database) -> None:
    with database.writing() as session:
        handed_over_later(session, NOW)

        paid = told(session, None, 6_000, provider="stripe", link_id="plink_1")

    assert (paid.outcome, heard(paid)) == ("payment", [("L1", "payment_received")])
    assert due(database, "L1") == 0


@pytest.mark.parametrize("named_at_first", ["L1", None])
def test_a_payment_told_before_its_loan_was_known_counts_when_it_is_told_again(
    database: Database, named_at_first: str | None
) -> None:
    with database.writing() as session:
        first = told(session, named_at_first, 4_000)
        entered(session, "L1")

        again = told(session, "L1", 4_000)
        once_more = told(session, "L1", 4_000)

    assert (first.outcome, first.signals) == ("payment_unmatched", ())
    assert (again.outcome, heard(again)) == ("payment", [("L1", "payment_received")])
    assert [signal.restart for signal in (*again.signals, *once_more.signals)] == [True, False]
    assert due(database, "L1") == 6_000


def test_the_reversal_of_money_that_is_nobodys_is_shown_to_a_person_and_kept_for_its_loan(database: Database) -> None:
    with database.writing() as session:
        told(session, "L1", 4_000)
        first, second = taken_back(session), taken_back(session)
        entered(session, "L1")

        placed = told(session, "L1", 4_000)

    assert (first.outcome, second.outcome) == ("reversal_unmatched", "reversal_unmatched")
    assert shown(database) == [("L1", "reversal:unmatched")]
    assert heard(placed) == [("L1", "payment_received"), ("L1", "payment_reversed")]
    assert due(database, "L1") == 10_000


@pytest.mark.parametrize(
    ("loan_id", "amount", "currency"), [("L2", 4_000, "EUR"), ("L1", 7_000, "EUR"), ("L1", 4_000, "USD")]
)
def test_other_money_under_a_known_id_is_shown_to_a_person(
    database: Database, loan_id: str, amount: int, currency: str
) -> None:
    with database.writing() as session:
        entered(session, "L1", "L2")
        told(session, "L1", 4_000)

        other = told(session, loan_id, amount, currency=currency)

    assert (other.outcome, other.signals) == ("other_payment_unmatched", ())
    assert shown(database) == [(loan_id, "payment:same_id")]
    assert (due(database, "L1"), due(database, "L2")) == (6_000, 10_000)


def test_the_reversal_of_another_loans_payment_takes_nothing_back(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1", "L2")
        told(session, "L1", 4_000)

        other = taken_back(session, loan_id="L2")

    assert (other.outcome, other.signals) == ("other_reversal_unmatched", ())
    assert shown(database) == [("L2", "reversal:other_loan")]
    assert due(database, "L1") == 6_000


def test_two_loans_that_are_not_known_yet_and_share_an_id_are_not_made_one(database: Database) -> None:
    with database.writing() as session:
        told(session, "L8", 4_000)
        entered(session, "L1")

        other = told(session, "L1", 4_000)

    assert other.outcome == "other_payment_unmatched"
    assert due(database, "L1") == 10_000


def test_news_that_names_no_loan_or_only_its_link_differs_from_nothing(database: Database) -> None:
    with database.writing() as session:
        [loan] = entered(session, "L1")
        link = links.keep(
            session,
            loan,
            purpose="collection",
            amount_minor=4_000,
            generation=1,
            provider="stripe",
            provider_link_id="plink_1",
            url="https://pay.example/1",
            at=NOW,
        )
        first = told(session, None, 4_000, provider="stripe", link_id="plink_1")

        again = [
            told(session, None, 4_000, provider="stripe"),
            told(session, None, 4_000, provider="stripe", link_id="plink_1"),
            told(session, "L1", 4_000, provider="stripe"),
        ]

        assert link.state is LinkState.PAID
    assert first.outcome == "payment"
    assert [each.outcome for each in again] == ["payment_known"] * 3
    assert shown(database) == []


def test_what_a_person_booked_for_the_right_loan_is_no_other_money_when_it_is_told_again(database: Database) -> None:
    """Given a payment for a loan that does not exist, booked by hand for the right one; the same news changes
    nothing."""
    with database.writing() as session:
        [loan] = entered(session, "L1")
        told(session, "L9", 4_000)
        lost = payments.find(session, "standard", "1")
        assert lost is not None
        lost.loan_ref, lost.entry = loan.id, loan.entry
        session.add(lost)
        session.flush()

        again = told(session, "L9", 4_000)

    assert again.outcome == "payment_known"
    assert shown(database) == []


def on_the_statement(database: Database, amount_minor: int, *bank_references: str) -> None:
    """An entry of this amount for each reference, or one."""
    entries = tuple(
        BankEntry(
            line=line,
            amount_minor=amount_minor,
            currency="EUR",
            credit=True,
            booked_on=NOW.date(),
            value_on=NOW.date(),
            text="L1",
            bank_reference=reference,
        )
        for line, reference in enumerate(bank_references or ("B-1",), 1)
    )
    statement = Statement(kind=FileKind.CAMT_053, message_id="S", account="ES1", currency="EUR", entries=entries)
    BankDesk(database, Settings(_env_file=None)).take_in((statement,), b"s", "s.xml", NOW)


def waiting(database: Database) -> list[str | None]:
    """Why each entry of a statement that waits for a person does."""
    with database.reading() as session:
        return [row.why for row in bank_entries.listing(session, state=EntryState.WAITING)]


def test_what_a_statement_brought_counts_once_when_the_lenders_own_system_tells_of_it_after(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
    on_the_statement(database, 4_000)
    before = due(database, "L1")

    with database.writing() as session:
        same = told(session, "L1", 4_000, "core-1")
        other = told(session, "L1", 1_500, "core-2")

    assert (same.outcome, heard(same)) == ("other_payment_unmatched", [])
    assert heard(other) == [("L1", "payment_received")]
    assert due(database, "L1") == before - 1_500
    assert shown(database) == [("L1", "payment:on_a_statement")]


@pytest.mark.parametrize("provider", ["bank", "core", "sepa-dd"])
def test_money_another_system_told_of_first_is_not_booked_again_when_the_statement_brings_it(
    database: Database, provider: str
) -> None:
    """Whatever name that system gives to who handled the money: `bank` is also the statements' own."""
    with database.writing() as session:
        entered(session, "L1")
        told(session, "L1", 4_000, "TR-881", provider=provider)

    on_the_statement(database, 4_000)

    assert due(database, "L1") == 6_000
    assert waiting(database) == [f"it may be the payment TR-881 that {provider} told of"]


def test_money_without_a_loan_that_a_statement_brought_meanwhile_is_not_counted_again_when_it_is_placed(
    database: Database,
) -> None:
    with database.writing() as session:
        entered(session, "L1")
        told(session, None, 4_000, "core-1")
    on_the_statement(database, 4_000)

    with database.writing() as session:
        placed = told(session, "L1", 4_000, "core-1")

    assert (placed.outcome, heard(placed)) == ("other_payment_unmatched", [])
    assert due(database, "L1") == 6_000


def test_two_alike_transfers_on_a_statement_both_count(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")

    on_the_statement(database, 4_000, "B-1", "B-2")

    assert due(database, "L1") == 2_000
    assert waiting(database) == []


def test_two_like_payments_of_one_system_both_count(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        first, second = (told(session, "L1", 4_000, name, provider="bank") for name in ("1", "2"))

    assert heard(first) == heard(second) == [("L1", "payment_received")]


@pytest.mark.parametrize(
    ("disputed", "outcome", "due_after"), [(2_000, "part_reversal_unmatched", 0), (10_000, "reversal", 10_000)]
)
def test_a_dispute_over_part_of_a_payment_is_shown_and_takes_back_nothing(
    database: Database, disputed: int, outcome: str, due_after: int
) -> None:
    with database.writing() as session:
        entered(session, "L1", amount_due_minor=10_000)
        told(session, "L1", 10_000, provider="stripe")
        news = ReversalNews(payment_id="1", provider="stripe", reversed_at=LATER, amount_minor=disputed, currency="EUR")

        done = record_news(session, [news], LATER)

    assert done.outcome == outcome
    assert due(database, "L1") == due_after
    assert shown(database) == ([(None, "reversal:partial")] if due_after == 0 else [])


@pytest.mark.parametrize(
    ("disputed", "due_after", "person_sees"),
    [
        ([(2_000, "EUR")], 0, True),
        ([(2_000, "EUR"), (10_000, "EUR")], 10_000, False),
        ([(10_000, "EUR"), (2_000, "EUR")], 10_000, False),
        ([(None, None)], 10_000, False),
        ([(10_000, "USD")], 0, True),
    ],
)
def test_a_dispute_told_before_its_payment_takes_back_what_it_says_and_no_more(
    database: Database, disputed: list[tuple[int | None, str | None]], due_after: int, person_sees: bool
) -> None:
    with database.writing() as session:
        entered(session, "L1", amount_due_minor=10_000)
        for minor, currency in disputed:
            news = ReversalNews(
                payment_id="1", provider="stripe", reversed_at=LATER, amount_minor=minor, currency=currency
            )
            record_news(session, [news], LATER)

        done = told(session, "L1", 10_000, provider="stripe")

    assert due(database, "L1") == due_after
    assert shown(database) == ([("L1", "reversal:partial")] if person_sees else [])
    assert ("unmatched" in done.outcome) == person_sees
    assert ("L1", "payment_reversed") in heard(done) or person_sees


def test_what_a_loan_is_told_of_money_names_the_hand_over_it_was_for(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        handed_over_again(session, "L1", 6_000)

        signals = [*told(session, "L1", 4_000).signals, *taken_back(session).signals]

    assert [(signal.name.value, signal.payload["entry"]) for signal in signals] == [
        ("payment_received", 2),
        ("payment_reversed", 2),
    ]


def test_money_that_is_said_to_be_for_another_hand_over_counts_nowhere_and_is_shown_to_a_person(
    database: Database,
) -> None:
    with database.writing() as session:
        entered(session, "L1")
        handed_over_again(session, "L1", 6_000)

        late = told(session, "L1", 6_000, "late", entry=1)
        now = told(session, "L1", 1_000, "now", entry=2)

    assert (late.outcome, late.signals) == ("other_payment_unmatched", ())
    assert heard(now) == [("L1", "payment_received")]
    assert due(database, "L1") == 5_000
    assert shown(database) == [("L1", "payment:other_entry")]


@pytest.mark.parametrize(
    ("zone", "handed_over", "paid_at", "counts"),
    [
        ("Europe/Madrid", "2026-03-02T00:30:00+01:00", "2026-03-01T23:50:00+01:00", False),
        ("Europe/Madrid", "2026-03-02T00:30:00+01:00", "2026-03-02T00:01:00+01:00", True),
        ("Europe/Madrid", "2026-03-02T00:30:00+01:00", "2026-03-02T00:00:00Z", True),
        ("America/Lima", "2026-03-02T09:00:00-05:00", "2026-03-01T23:50:00-05:00", False),
        ("America/Lima", "2026-03-02T09:00:00-05:00", "2026-03-02T00:01:00-05:00", True),
        ("America/Lima", "2026-03-02T09:00:00-05:00", "2026-03-02T00:00:00Z", True),
        ("America/Lima", "2026-03-02T09:00:00-05:00", "2026-03-01T00:00:00Z", False),
    ],
)
def test_money_from_before_the_day_of_the_hand_over_is_shown_and_that_of_the_day_counts(
    database: Database, zone: str, handed_over: str, paid_at: str, counts: bool
) -> None:
    """Given a system that may know the day alone, and writes it as midnight in UTC."""
    with database.writing() as session:
        [loan] = entered(session, "L1", timezone=zone)
        loan.entered_at = datetime.fromisoformat(handed_over)
        session.add(loan)

        at = datetime.fromisoformat(paid_at)
        first = told(session, "L1", 4_000, paid_at=at, of_a_day=is_a_day(at))

    assert heard(first) == ([("L1", "payment_received")] if counts else [])
    assert due(database, "L1") == (6_000 if counts else 10_000)
    assert shown(database) == ([] if counts else [("L1", "payment:before_hand_over")])
    assert ("unmatched" in first.outcome) is not counts


@pytest.mark.parametrize(
    ("zone", "of_a_day", "kept"),
    [
        ("America/Mexico_City", True, "2026-03-10T06:00:00+00:00"),
        ("Europe/Madrid", True, "2026-03-09T23:00:00+00:00"),
        (None, True, "2026-03-10T00:00:00+00:00"),
        ("America/Mexico_City", False, "2026-03-10T00:00:00+00:00"),
    ],
)
def test_money_of_a_day_alone_is_kept_and_told_from_the_first_moment_of_that_day_where_the_borrower_lives(
    database: Database, zone: str | None, of_a_day: bool, kept: str
) -> None:
    """Given midnight in UTC, of a lender that knows the day alone or of a gateway to which it happened just then."""
    midnight = datetime.fromisoformat("2026-03-10T00:00:00Z")
    with database.writing() as session:
        entered(session, "L1", timezone=zone)

        first = told(session, "L1", 4_000, "day", entry=1, paid_at=midnight, of_a_day=of_a_day)
        again = told(session, "L1", 4_000, "day", entry=1, paid_at=midnight, of_a_day=of_a_day)

        known = payments.find(session, "standard", "day")
        assert known is not None
        assert known.paid_at == datetime.fromisoformat(kept)
    assert first.signals[0].payload["paid_at"] == kept
    assert again.outcome == "payment_known"
    assert due(database, "L1") == 6_000


def test_money_that_was_kept_by_its_midnight_before_is_known_when_it_is_told_again(database: Database) -> None:
    """Given a payment that an earlier version kept, when it is told again, then it counts once, as it is kept."""
    midnight = datetime.fromisoformat("2026-03-10T00:00:00Z")
    with database.writing() as session:
        entered(session, "L1", timezone="America/Mexico_City")
        told(session, "L1", 4_000, "day", entry=1, paid_at=midnight)

        again = told(session, "L1", 4_000, "day", entry=1, paid_at=midnight, of_a_day=True)

        known = payments.find(session, "standard", "day")
        assert known is not None
        assert known.paid_at == midnight
    assert again.outcome == "payment_known"
    assert due(database, "L1") == 6_000
    assert {signal.payload["paid_at"] for signal in again.signals} <= {midnight.isoformat()}


def test_money_from_before_the_hand_over_counts_where_its_teller_says_so_or_it_counted_before(
    database: Database,
) -> None:
    with database.writing() as session:
        entered(session, "L1")
        told(session, "L1", 1_000, "known")
        loan = loans.get(session, LENDER, "L1")
        loan.entered_at = NOW + timedelta(days=2)
        session.add(loan)

        said = told(session, "L1", 4_000, "said", entry=1)
        again = told(session, "L1", 1_000, "known")

    assert (heard(said), again.outcome) == ([("L1", "payment_received")], "payment_known")
    assert due(database, "L1") == 5_000
    assert shown(database) == []


def test_money_known_of_an_earlier_hand_over_may_say_so_again(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        told(session, "L1", 6_000)
        handed_over_again(session, "L1", 6_000)

        again = told(session, "L1", 6_000, entry=1)

    assert (again.outcome, again.signals) == ("payment_known", ())
    assert shown(database) == []


def test_a_reversal_that_names_another_hand_over_than_its_payments_takes_nothing_back(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        handed_over_again(session, "L1", 6_000)
        told(session, "L1", 2_000)
        news = ReversalNews(payment_id="1", provider="standard", reversed_at=LATER, entry=1)

        done = record_news(session, [news], LATER)

    assert (done.outcome, done.signals) == ("other_reversal_unmatched", ())
    assert due(database, "L1") == 4_000
    assert shown(database) == [("L1", "reversal:other_entry")]


def test_a_chargeback_of_what_an_earlier_version_had_shown_is_shown_with_its_loan(database: Database) -> None:
    with database.writing() as session:
        handed_over_later(session, NOW + timedelta(days=2))
        told(session, None, 6_000, provider="stripe", link_id="plink_1")
        [kept] = session.exec(select(Webhook)).all()
        kept.headers = {}
        session.add(kept)

    with database.writing() as session:
        taken_back(session, provider="stripe")

    assert shown(database) == [("L1", "payment:earlier_entry"), ("L1", "reversal:earlier_entry")]
