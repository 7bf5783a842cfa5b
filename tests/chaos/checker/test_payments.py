"""Payments that are lost or counted twice, by the ledger or by a loan, and contacts after payment are found."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from domain.message_names import of_whatsapp
from tests.chaos.checker.campaigns import DAY, NUMBER, Campaign, line


def test_what_was_paid_too_much_and_is_to_be_given_back_is_no_violation() -> None:
    campaign = Campaign()
    campaign.pays(DAY.format(3, "10:00"), "pi_2", 1200)
    campaign.cases = [Campaign.case("refund", minor=1200), Campaign.case("refund", "retracted", minor=700)]
    campaign.calm = {}

    assert campaign.violations() == []


def test_a_loan_in_pesos_is_paid_without_its_centavos_and_a_demand_after_that_is_found() -> None:
    campaign = Campaign()
    campaign.currency = "COP"
    campaign.owed_minor = 5037
    assert campaign.violations() == []

    whatsapp_after_payment(campaign)
    assert any(one.startswith("after-payment") for one in campaign.violations())

    over = Campaign()
    over.currency, over.owed_minor, over.calm = "COP", 4937, {}
    assert over.violations() == []


def test_what_was_paid_for_a_loan_that_had_been_sold_is_not_given_back() -> None:
    campaign = Campaign()
    campaign.loans[0]["end_kind"] = "sold"
    campaign.pays(DAY.format(3, "10:00"), "pi_2", 1200)
    sold = Campaign.case("handoff", "decided", decided="2026-12-02 09:00:00", decision="sell")
    campaign.cases = [Campaign.case("payment_query"), sold]
    campaign.calm = {}

    assert campaign.violations() == []


def test_a_payment_that_was_taken_back_is_counted_as_taken_back() -> None:
    """Given the last state as SQLite gives it, as text."""
    campaign = Campaign()
    line(campaign.log, "reversal", DAY.format(5, "12:00"), payment_id="pi_1", amount_minor=5000, currency="USD")
    campaign.payments[0]["reversed_at"] = "x"
    campaign.counted()[0]["reversed"] = True
    campaign.loans[0] |= {"end_kind": "not_cured", "final_state": json.dumps(campaign.loans[0]["final_state"])}
    campaign.calm = {}
    assert campaign.violations() == []

    campaign.loans[0]["final_state"] = campaign.loans[0]["final_state"].replace("true", "false")
    assert [one.split(":")[0] for one in campaign.violations()] == ["money"]


def test_a_refund_decided_before_the_money_went_back_stays_as_it_was_decided() -> None:
    """Given too much paid, and a person who decided to give it back; when the payment too many is taken back."""
    campaign = Campaign()
    campaign.pays(DAY.format(3, "10:00"), "pi_2", 1200)
    campaign.cases = [Campaign.case("refund", "decided", decided="2026-12-04 10:00:00", minor=1200)]
    campaign.calm = {}
    line(campaign.log, "reversal", DAY.format(5, "12:00"), payment_id="pi_2", amount_minor=1200, currency="USD")
    campaign.payments[1]["reversed_at"] = "x"
    campaign.counted()[1]["reversed"] = True
    assert campaign.violations() == []

    campaign.cases[0]["decided_at"] = "2026-12-05 13:00:00"
    assert [one.split(":")[0] for one in campaign.violations()] == ["money"]


def test_a_loan_that_goes_on_when_the_clocks_stop_has_not_counted_yet() -> None:
    """Given a payment taken back in the last days: the loan's row is still that of its end before."""
    campaign = Campaign()
    campaign.pays(DAY.format(3, "10:00"), "pi_2", 1200)
    campaign.cases = [Campaign.case("refund", minor=1200)]
    campaign.calm = {}
    line(campaign.log, "reversal", DAY.format(7, "12:00"), payment_id="pi_2", amount_minor=1200, currency="USD")
    campaign.payments[1]["reversed_at"] = "x"

    assert not [one for one in campaign.violations() if one.startswith("money")]


def whatsapp_after_payment(c: Campaign) -> None:
    line(c.log, "whatsapp", DAY.format(3, "15:00"), to=NUMBER, wamid="wamid.1", body="please pay http://w/pay/1")
    c.contacts.append(c.contact(1, "late", "m9", of_whatsapp("wamid.1")))


def demand_after_payment(c: Campaign) -> None:
    c.text("SM9", DAY.format(4, "15:00"), step="second-link", body="pay http://w/pay/1")


def reminder_after_payment(c: Campaign) -> None:
    c.text("SM9", DAY.format(4, "15:00"), step="offer-help")


def reminder_although_the_gateway_could_be_asked(c: Campaign) -> None:
    c.log[2]["link_id"] = "plink_1"
    c.log[3]["status"] = 400
    c.text("SM9", DAY.format(4, "15:00"), step="offer-help")


def second_receipt(c: Campaign) -> None:
    c.text("SM9", DAY.format(4, "15:00"), step="receipt-2")
    c.contacts[-1]["purpose"] = "transactional"


def call_after_payment(c: Campaign) -> None:
    line(c.log, "call", DAY.format(4, "15:00"), to=NUMBER, sid="CA1")
    c.contacts.append(c.contact(1, "call", "m-CA1", "CA1") | {"channel": "call"})


def payment_lost(c: Campaign) -> None:
    c.payments.clear()


def payment_twice(c: Campaign) -> None:
    c.payments.append(c.payment("pi_1"))


def payment_wrong(c: Campaign) -> None:
    c.payments[0]["amount_minor"] = 4999


def payment_from_nowhere(c: Campaign) -> None:
    c.payments.append(c.payment("pi_2"))


def part_payment_not_counted(c: Campaign) -> None:
    c.pays(DAY.format(3, "10:00"), "pi_2", 100)
    c.cases = [Campaign.case("refund", minor=100)]
    c.counted().pop()


def payment_counted_twice_by_its_loan(c: Campaign) -> None:
    c.counted().append({"provider": "other", "payment_id": "pi_1", "amount_minor": 5000})


def last_state_lost(c: Campaign) -> None:
    c.loans[0]["final_state"] = "null"


def refund_of_what_was_not_paid(c: Campaign) -> None:
    c.cases = [Campaign.case("refund", minor=5000)]


def too_much_paid_and_nobody_asks(c: Campaign) -> None:
    c.pays(DAY.format(3, "10:00"), "pi_2", 1200)


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (whatsapp_after_payment, "after-payment"),
        (demand_after_payment, "after-payment"),
        (reminder_after_payment, "after-payment"),
        (reminder_although_the_gateway_could_be_asked, "after-payment"),
        (second_receipt, "after-payment"),
        (payment_lost, "money"),
        (payment_twice, "money"),
        (payment_wrong, "money"),
        (payment_from_nowhere, "money"),
        (call_after_payment, "after-payment"),
        (part_payment_not_counted, "money"),
        (payment_counted_twice_by_its_loan, "money"),
        (last_state_lost, "money"),
        (refund_of_what_was_not_paid, "money"),
        (too_much_paid_and_nobody_asks, "money"),
    ],
)
def test_what_is_planted_is_found(plant: Callable[[Campaign], None], check: str) -> None:
    campaign = Campaign()
    plant(campaign)

    assert check in campaign.found_by()


def test_a_session_that_was_completed_without_money_is_no_news_of_a_payment() -> None:
    """Given a delayed method: completed on the first day, its money on the second, and another payment that the
    product has not been told of."""
    campaign = Campaign()
    campaign.owed_minor, campaign.calm = 6200, {}
    campaign.hook(DAY.format(3, "09:00"), "evt_unpaid")
    line(campaign.log, "payment", DAY.format(3, "10:00"), payment_id="pi_2", amount_minor=1200, currency="USD")
    campaign.payments.append(campaign.payment("pi_2", 1200))
    campaign.counted().append({"provider": "stripe", "payment_id": "pi_2", "amount_minor": 1200})
    campaign.text("SM9", DAY.format(3, "15:00"), step="offer", body="left: http://w/pay/1")
    campaign.hook(DAY.format(4, "10:00"), "evt_2", paid="pi_2")
    assert "after-payment" not in campaign.found_by()

    campaign.text("SM8", DAY.format(5, "15:00"), step="help", body="left: http://w/pay/1")
    assert "after-payment" in campaign.found_by()


@pytest.mark.parametrize(("wrote_on", "found"), [("2", True), ("3", False)])
def test_who_writes_after_paying_is_answered_and_who_wrote_before_is_not_told_to_pay(
    wrote_on: str, found: bool
) -> None:
    """Given a loan that is paid on the second day at ten, and a message before or after that, answered days later."""
    campaign = Campaign()
    written = {"sid": "SM5", "body": "how much do I owe"}
    at = DAY.format(wrote_on, "09:00")
    entries = [
        {"kind": "inbound_sms", "at": at, "loan_id": "L1", **written},
        {"kind": "webhook", "at": at, "loan_id": "L1", "event_id": "SM5", "type": "sms", "status": 200},
    ]
    where = 2 if wrote_on == "2" else len(campaign.log)
    campaign.log[where:where] = entries
    for number, entry in enumerate(campaign.log, 1):
        entry["seq"] = number
    campaign.text("SM9", DAY.format(5, "15:00"), step="reply", body="nothing is left")
    campaign.contacts[-1]["purpose"] = "reply"

    assert ("after-payment" in campaign.found_by()) is found
