"""What is demanded of who disputes the debt, or cannot pay, before a person has decided is found; the rest is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.checker.campaigns import DAY, Campaign, line


def _writes(campaign: Campaign, meant: str, loan_id: str = "L2", status: int = 200) -> None:
    """Somebody writes on the second at nine."""
    at = DAY.format(2, "09:00")
    line(campaign.log, "inbound_sms", at, sid="SM5", body="this debt is not mine", meant=meant, loan_id=loan_id)
    line(campaign.log, "webhook", at, event_id="SM5", type="sms", status=status, loan_id=loan_id)
    campaign.calm = {}


def _case(**row: Any) -> dict[str, Any]:
    opened = {"loan_ref": 2, "opened_at": "2026-12-02 09:00:02"}
    return Campaign.case("circumstance", "decided", decided="2026-12-04 12:00:00", decision="continue") | opened | row


@pytest.mark.parametrize(("meant", "found"), [("dispute", True), ("hardship", True), ("balance", False)])
def test_a_demand_before_a_person_has_decided_is_found(meant: str, found: bool) -> None:
    campaign = Campaign()
    _writes(campaign, meant)
    campaign.cases = [_case()]
    campaign.text("SM9", DAY.format(3, "15:00"), step="second-link", loan_id="L2")

    assert ("held" in campaign.found_by()) is found


@pytest.mark.parametrize(
    ("at", "purpose", "found"),
    [
        (DAY.format(2, "09:05"), "collection", False),  # it was under way
        (DAY.format(2, "15:00"), "collection", True),
        (DAY.format(2, "15:00"), "reply", False),
        (DAY.format(5, "15:00"), "collection", False),  # somebody had decided
    ],
)
def test_answers_and_what_follows_the_decision_are_no_violation(at: str, purpose: str, found: bool) -> None:
    campaign = Campaign()
    _writes(campaign, "dispute")
    campaign.cases = [_case()]
    campaign.text("SM9", at, step="second-link", loan_id="L2")
    campaign.contacts[-1]["purpose"] = purpose

    assert ("held" in campaign.found_by()) is found


@pytest.mark.parametrize(
    "cases",
    [
        [],
        [_case(state="open", decided_at=None, closed_at=None)],
        [_case(kind="handoff")],
        [_case(loan_ref=1)],
        [_case(decided_at="2026-12-01 12:00:00")],
    ],
)
def test_nothing_but_a_case_about_it_that_is_over_lets_the_loan_go_on(cases: list[dict[str, Any]]) -> None:
    campaign = Campaign()
    _writes(campaign, "dispute")
    campaign.cases = cases
    campaign.text("SM9", DAY.format(5, "15:00"), step="second-link", loan_id="L2")

    assert "held" in campaign.found_by()


def test_a_case_that_was_closed_lets_the_loan_go_on() -> None:
    campaign = Campaign()
    _writes(campaign, "hardship")
    campaign.cases = [_case(state="closed", decided_at=None)]
    campaign.text("SM9", DAY.format(5, "15:00"), step="second-link", loan_id="L2")

    assert "held" not in campaign.found_by()


@pytest.mark.parametrize(("status", "loan_id"), [(503, "L2"), (200, "L1")])
def test_what_was_not_heard_or_is_about_another_loan_holds_nothing(status: int, loan_id: str) -> None:
    campaign = Campaign()
    _writes(campaign, "dispute", loan_id, status)
    campaign.text("SM9", DAY.format(5, "15:00"), step="second-link", loan_id="L2")

    assert "held" not in campaign.found_by()
