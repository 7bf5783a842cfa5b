"""A link, or a message that carries one, over more than was left to pay is found; what is lawful is not."""

from __future__ import annotations

import pytest

from tests.chaos.checker.campaigns import DAY, Campaign, line


def _link(c: Campaign, at: str, minor: int, link_id: str = "plink_1") -> None:
    line(c.log, "link_created", at, link_id=link_id, amount_minor=minor, currency="USD")


def _owes_more_than_it_paid() -> Campaign:
    """L1 owes 8000, of which it pays 5000 on the second day at ten."""
    campaign = Campaign()
    campaign.owed_minor, campaign.calm = 8000, {}
    campaign.loans[0]["end_kind"] = "not_cured"
    return campaign


@pytest.mark.parametrize(("minor", "found"), [(3000, False), (1500, False), (3001, True), (8000, True)])
def test_a_link_over_what_is_left_or_a_part_of_it_is_no_violation_and_one_over_more_is(minor: int, found: bool) -> None:
    campaign = _owes_more_than_it_paid()
    _link(campaign, DAY.format(3, "15:00"), minor)

    assert ("demands" in campaign.found_by()) is found


def test_an_old_link_that_is_sent_again_after_a_part_was_paid_is_found() -> None:
    campaign = _owes_more_than_it_paid()
    first = {"kind": "link_created", "at": DAY.format(1, "14:59"), "loan_id": "L1"}
    campaign.log.insert(0, first | {"link_id": "plink_1", "amount_minor": 8000, "currency": "USD"})
    for number, entry in enumerate(campaign.log, 1):
        entry["seq"] = number
    campaign.text("SM8", DAY.format(2, "10:30"), step="offer", body="left: http://w/pay/plink_1 thanks")
    assert "demands" not in campaign.found_by()

    campaign.text("SM9", DAY.format(4, "15:00"), step="late", body="left: http://w/pay/plink_1")
    assert "demands" in campaign.found_by()


@pytest.mark.parametrize(("told_on", "found"), [(2, True), (4, False)])
def test_what_was_not_told_yet_may_be_asked_for(told_on: int, found: bool) -> None:
    campaign = _owes_more_than_it_paid()
    hook = campaign.log.pop(3)
    _link(campaign, DAY.format(3, "15:00"), 8000)
    hook["at"] = DAY.format(told_on, "10:00")
    campaign.log.insert(3 if found else len(campaign.log), hook)
    for number, entry in enumerate(campaign.log, 1):
        entry["seq"] = number

    assert ("demands" in campaign.found_by()) is found


def test_what_was_taken_back_is_owed_again_and_once() -> None:
    campaign = _owes_more_than_it_paid()
    for _ in range(2):
        line(campaign.log, "reversal", DAY.format(3, "12:00"), payment_id="pi_1", amount_minor=5000, currency="USD")
    _link(campaign, DAY.format(3, "15:00"), 8000)
    assert "demands" not in campaign.found_by()

    _link(campaign, DAY.format(3, "16:00"), 8001, "plink_2")
    assert "demands" in campaign.found_by()


def test_the_interest_of_a_new_schedule_may_be_asked_for() -> None:
    campaign = _owes_more_than_it_paid()
    part = ("2026-12-20", 3200, 0)
    campaign.agrees(1, "active", "2026-12-02 16:00:00", None, part, kind="restructuring", added_minor=200)
    _link(campaign, DAY.format(3, "15:00"), 3200)

    assert "demands" not in campaign.found_by()
