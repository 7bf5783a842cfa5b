"""Contacts with somebody else, or at an address that had proved dead or wrong, are found."""

from __future__ import annotations

import pytest

from domain.message_names import of_whatsapp
from tests.chaos.checker.campaigns import DAY, MAILBOX, NUMBER, Campaign, line


@pytest.mark.parametrize("address", ["+12125550199", "", "other@example.com"])
def test_a_message_to_anybody_elses_address_is_found(address: str) -> None:
    campaign = Campaign()
    campaign.text("SM9", DAY.format(3, "15:00"), step="offer", loan_id="L2")
    assert campaign.violations() == []

    campaign.log[-1]["to"] = address
    assert campaign.found_by() == {"right-person"}


@pytest.mark.parametrize("address", [NUMBER.removeprefix("+"), MAILBOX.upper()])
def test_an_address_is_the_same_however_a_service_writes_it(address: str) -> None:
    campaign = Campaign()
    campaign.text("SM9", DAY.format(3, "15:00"), step="offer", loan_id="L2")
    campaign.log[-1]["to"] = address

    assert campaign.violations() == []


def _says_it_is_the_wrong_number(c: Campaign, status: int = 200) -> None:
    line(c.log, "inbound_sms", DAY.format(2, "16:00"), **{"from": NUMBER}, sid="SM5", body="Wrong number", loan_id="L2")
    line(c.log, "webhook", DAY.format(2, "16:00"), event_id="SM5", type="sms", status=status, loan_id="L2")


def _nobody_has_the_number(c: Campaign, code: int = 30005) -> None:
    c.text("SM5", DAY.format(2, "15:00"), step="first-link", loan_id="L2")
    undelivered = {"sid": "SM5", "status": "undelivered", "error_code": code, "loan_id": "L2"}
    line(c.log, "sms_status", DAY.format(2, "15:01"), **undelivered)
    line(c.log, "webhook", DAY.format(2, "15:01"), event_id="SM5:undelivered", type="sms", status=200, loan_id="L2")


@pytest.mark.parametrize("closes", [_says_it_is_the_wrong_number, _nobody_has_the_number])
def test_a_number_that_proved_wrong_or_dead_is_used_no_more_by_any_channel(closes) -> None:  # type: ignore[no-untyped-def]
    campaign = Campaign()
    closes(campaign)
    assert campaign.violations() == []

    line(campaign.log, "whatsapp", DAY.format(3, "15:00"), to=NUMBER, wamid="wamid.2", body="hello", loan_id="L2")
    campaign.contacts.append(campaign.contact(2, "help", "m9", of_whatsapp("wamid.2")))
    assert campaign.found_by() == {"closed"}


def test_news_that_was_refused_or_a_phone_that_was_off_closes_nothing() -> None:
    campaign = Campaign()
    _says_it_is_the_wrong_number(campaign, status=503)
    _nobody_has_the_number(campaign, code=30003)
    campaign.text("SM9", DAY.format(3, "15:00"), step="offer", loan_id="L2")

    assert "closed" not in campaign.found_by()
