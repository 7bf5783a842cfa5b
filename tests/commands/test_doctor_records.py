"""`doctor` on what waits in the records, beside what a whole clinic shows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from commands.doctor_records import look_at_bank, look_at_links, look_at_payments, look_at_reversals, look_at_webhooks
from commands.doctor_shown import look_at_shown
from domain.contact import Channel
from domain.webhook_news import Ignored, InboundNews, PaymentNews, ReversalNews
from records import audit, inquiries, links, loans, owed_signals, payments, shown, webhooks
from records.database import Database
from records.tables import LinkState, PaymentSource
from tests.records.portfolios import LENDER, NOW, entered, handed_over_again
from web.news import record_news

FOUR_DAYS = timedelta(days=4)


def link_not_closed(database: Database, loan_id: str, at: datetime, *, tried_at: datetime) -> None:
    """A link that was withdrawn at `at`, noted then as not closed, and tried last at `tried_at`."""
    with database.writing() as session:
        entered(session, loan_id)
        loan = loans.get(session, LENDER, loan_id)
        link = links.keep(
            session, loan, purpose="balance", amount_minor=100, generation=1, provider="stripe",
            provider_link_id=f"plink_{loan_id}", url="https://pay.example/1", at=at - timedelta(days=1),
        )  # fmt: skip
        links.withdraw(session, link, at=tried_at)
        audit.append(
            session, at=at, actor="stripe", action=links.NOT_CLOSED, lender=LENDER, loan_id=loan_id, details={}
        )


def test_links_that_a_gateway_does_not_close_for_more_than_a_day_are_named(database: Database) -> None:
    """Given one link that is tried in vain since days and one since an hour, when the doctor looks, then the loan of
    the first is named, however lately it was tried."""
    link_not_closed(database, "L1", NOW - FOUR_DAYS, tried_at=NOW)
    link_not_closed(database, "L2", NOW - timedelta(hours=1), tried_at=NOW)

    with database.reading() as session:
        [found] = look_at_links(session, NOW)

    assert (found.check, found.subjects) == ("links_not_closed", ("L1",))


@pytest.mark.parametrize("state", [LinkState.PAID, LinkState.INACTIVE])
def test_a_link_that_was_closed_at_last_is_none_of_them(database: Database, state: LinkState) -> None:
    link_not_closed(database, "L1", NOW - FOUR_DAYS, tried_at=NOW - timedelta(hours=1))
    with database.writing() as session:
        link = links.by_provider_id(session, "stripe", "plink_L1")
        assert link is not None
        if state is LinkState.PAID:
            links.set_state(session, link, state, at=NOW)
        links.closed(session, link, at=NOW)

    with database.reading() as session:
        assert look_at_links(session, NOW) == []


def money_of_nobody(database: Database, payment_id: str, at: datetime, *, named: str | None = "GONE") -> None:
    """A gateway's payment that no loan could be found for, told by its webhook; `named` is the loan it names."""
    with database.writing() as session:
        payments.record(
            session, provider="stripe", payment_id=payment_id, lender=None, loan_id=named, amount_minor=6_000,
            currency="EUR", paid_at=at, received_at=at, source=PaymentSource.WEBHOOK,
        )  # fmt: skip
        kept = webhooks.store(
            session, provider="stripe", event_key=payment_id, url="", body=b"{}", headers={}, received_at=at, due_at=at,
            verified=True,
        )  # fmt: skip
        webhooks.mark_recorded(session, kept.id, at, outcome="payment_unmatched", signals=[])


async def nothing_to_mend() -> str:
    return ""


def test_money_of_no_loan_is_named_until_it_is_booked_or_given_back_however_old_it_is(database: Database) -> None:
    """Given three payments of no loan from months ago, one booked since and one taken back, when the doctor looks, then
    the third is named once, with what books it under the gateway's own id."""
    for payment_id in ("pi_1", "pi_2", "pi_3"):
        money_of_nobody(database, payment_id, NOW - timedelta(days=90))
    with database.writing() as session:
        [loan] = entered(session, "L1")
        payments.record(
            session, provider="stripe", payment_id="pi_1", lender=None, loan_id=None, amount_minor=6_000,
            currency="EUR", paid_at=NOW, received_at=NOW, source=PaymentSource.RECORD, loan=loan,
        )  # fmt: skip
        payments.reverse(session, provider="stripe", payment_id="pi_2", at=NOW)

    with database.reading() as session:
        [found] = look_at_payments(session, NOW)
    assert (found.check, found.subjects) == ("payments_unmatched", ("stripe pi_3",))
    assert "--provider PROVIDER --id ID" in found.command


def test_money_of_other_businesses_of_a_shared_account_is_named_for_a_while(database: Database) -> None:
    """Given payments that name no loan, one of today and one of months ago, when the doctor looks, then it names the
    first alone: an account that is shared can be found healthy."""
    money_of_nobody(database, "pi_old", NOW - timedelta(days=90), named=None)
    with database.reading() as session:
        assert look_at_payments(session, NOW) == []

    money_of_nobody(database, "pi_new", NOW, named=None)
    with database.reading() as session:
        [found] = look_at_payments(session, NOW)
    assert found.subjects == ("stripe pi_new",)


def test_money_in_another_currency_is_named_until_it_is_booked_by_hand(database: Database) -> None:
    """Given a gateway's payment in a currency that its loan is not in, when it is booked as `manual` under its id, then
    the doctor names it no more; taken back there it is named again."""
    money_of_nobody(database, "pi_usd", NOW, named="L1")
    with database.writing() as session:
        [loan] = entered(session, "L1", currency="COP")
        payments.record(
            session, provider="manual", payment_id="pi_usd", lender=None, loan_id=None, amount_minor=24_000_000,
            currency="COP", paid_at=NOW, received_at=NOW, source=PaymentSource.RECORD, loan=loan,
        )  # fmt: skip

    with database.reading() as session:
        assert look_at_payments(session, NOW) == []
    with database.writing() as session:
        payments.reverse(session, provider="manual", payment_id="pi_usd", at=NOW)
    with database.reading() as session:
        assert [one.subjects for one in look_at_payments(session, NOW)] == [("stripe pi_usd",)]


def test_cash_of_another_loan_under_the_same_id_hides_no_money(database: Database) -> None:
    """Given money that names a loan not handed over yet, and cash of another loan booked under the same id, when the
    doctor looks, then it still names the first."""
    money_of_nobody(database, "1001", NOW, named="L9")
    with database.writing() as session:
        [loan] = entered(session, "L1")
        payments.record(
            session, provider="manual", payment_id="1001", lender=None, loan_id=None, amount_minor=6_000,
            currency="EUR", paid_at=NOW, received_at=NOW, source=PaymentSource.RECORD, loan=loan,
        )  # fmt: skip

    with database.reading() as session:
        assert [one.subjects for one in look_at_payments(session, NOW)] == [("stripe 1001",)]


def test_a_payment_of_no_loan_is_no_second_finding_about_webhooks(database: Database) -> None:
    money_of_nobody(database, "pi_1", NOW)

    with database.reading() as session:
        assert look_at_webhooks(session, NOW, nothing_to_mend) == []


def test_a_payment_nobody_answers_for_is_booked_under_its_providers_own_id(database: Database) -> None:
    with database.writing() as session:
        inquiries.note(session, "bank", "rb-1", NOW - FOUR_DAYS)

    with database.reading() as session:
        [found] = look_at_bank(session, NOW)
    assert "payment record LOAN AMOUNT --provider PROVIDER --id ID" in found.command


def test_money_of_an_earlier_hand_over_that_was_taken_back_is_named_for_a_month(database: Database) -> None:
    """Given a payment that the amount handed over anew knows of, when it is charged back, then nothing of the loan
    changes and the doctor names the payment, and not also as news that belongs to no loan."""
    with database.writing() as session:
        entered(session, "L1")
        told = PaymentNews(
            payment_id="pi_1", provider="stripe", amount_minor=4_000, currency="EUR", paid_at=NOW, lender=LENDER,
            loan_id="L1", link_id=None,
        )  # fmt: skip
        record_news(session, [told], NOW)
        handed_over_again(session, "L1", 6_000)
        record_news(session, [ReversalNews(payment_id="pi_1", provider="stripe", reversed_at=NOW)], NOW)

    with database.reading() as session:
        [found] = look_at_reversals(session, NOW + FOUR_DAYS)
        assert (found.check, found.subjects) == ("reversals_of_earlier_entries", ("L1 stripe pi_1",))
        assert look_at_reversals(session, NOW + timedelta(days=31)) == []


def test_news_of_earlier_hand_overs_reversals_is_not_named_as_nobodys_too(database: Database) -> None:
    with database.writing() as session:
        for outcome in ("earlier_reversal_unmatched", "other_reversal_unmatched"):
            owed_signals.owe(session, provider="stripe", key=outcome, signals=[], at=NOW, outcome=outcome)

    with database.reading() as session:
        found = [one for one in look_at_webhooks(session, NOW, nothing_to_mend) if one.check == "webhooks_unmatched"]
    assert [one.count for one in found] == [1]


def named(database: Database, at: datetime = NOW) -> list[str]:
    with database.reading() as session:
        return [subject for found in look_at_shown(session, at) for subject in found.subjects]


def left_to_a_person(database: Database, kind: str, reference: str, at: datetime = NOW) -> None:
    with database.writing() as session:
        record_news(session, [Ignored(kind=kind, needs_person=True, reference=reference)], at)


def test_what_was_left_to_a_person_is_named_by_kind_until_they_say_that_they_saw_it(database: Database) -> None:
    """Given two disputes won and a failed refund, when somebody has looked at the first dispute, then the second is
    named still; and nothing is for ever."""
    won, failed = "charge.dispute.funds_reinstated", "refund.failed"
    for kind, reference in (
        (won, "pi_1"),
        (won, "pi_2"),
        (failed, "pi_3"),
        ("message:sticker", "wamid.1"),
        ("message:contacts", "wamid.2"),
    ):
        left_to_a_person(database, kind, reference)
    since = "since 2026-03-02T09:00:00Z"
    assert named(database) == [f"{won}: 2 {since}, last row 2", f"{failed}: 1 {since}, last row 3"]

    with database.writing() as session:
        shown.note_seen(session, won, 1, by="marta", at=NOW)
        with pytest.raises(shown.NothingShown, match="row 3 of the audit trail shows nothing of the kind"):
            shown.note_seen(session, won, 3, by="marta", at=NOW)

    assert named(database) == [f"{won}: 1 {since}, last row 2", f"{failed}: 1 {since}, last row 3"]
    assert named(database, NOW + timedelta(days=31)) == []


def test_what_was_left_to_a_person_and_is_booked_since_is_named_no_more(database: Database) -> None:
    left_to_a_person(database, "notice", "80001")
    assert len(named(database)) == 1

    with database.writing() as session:
        [loan] = entered(session, "L1")
        payments.record(
            session, provider="mercadopago", payment_id="80001", lender=None, loan_id=None, amount_minor=6_000,
            currency="EUR", paid_at=NOW, received_at=NOW + timedelta(hours=1), source=PaymentSource.RECORD, loan=loan,
        )  # fmt: skip

    assert named(database) == []


def test_what_another_check_names_is_not_named_twice(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
        handed_over_again(session, "L1", 6_000)
        told = PaymentNews(
            payment_id="1", provider="standard", amount_minor=4_000, currency="EUR", paid_at=NOW, lender=LENDER,
            loan_id="L1", link_id=None, entry=1,
        )  # fmt: skip
        outcome = record_news(session, [told], NOW).outcome

    assert "unmatched" in outcome
    assert named(database) == []


def test_messages_of_people_whom_the_records_do_not_know_are_named_by_channel(database: Database) -> None:
    """Given messages from unknown numbers, and of an unknown mailbox, then those of numbers are named until they are
    said to be seen: a stop may be among them."""
    with database.writing() as session:
        for number, channel in enumerate((Channel.SMS, Channel.SMS, Channel.WHATSAPP, Channel.EMAIL)):
            news = InboundNews(
                provider="twilio", channel=channel, sender_address="+34699887766", text="BAJA",
                provider_message_id=f"SM{number}",
            )  # fmt: skip
            record_news(session, [news], NOW)
    kind, since = "message_from_unknown_sender", "since 2026-03-02T09:00:00Z"
    assert named(database) == [f"{kind}:sms: 2 {since}, last row 2", f"{kind}:whatsapp: 1 {since}, last row 3"]

    with database.writing() as session:
        shown.note_seen(session, f"{kind}:sms", 2, by="marta", at=NOW)

    assert named(database) == [f"{kind}:whatsapp: 1 {since}, last row 3"]


def test_what_came_without_words_and_is_no_sticker_or_the_like_is_named(database: Database) -> None:
    for kind in ("message:unsupported", "message:reaction", "message:contacts", "number_changed"):
        left_to_a_person(database, kind, kind)

    assert [subject.partition(": ")[0] for subject in named(database)] == ["message:unsupported", "number_changed"]
