"""Whatever is left stuck or half done when the clocks stop is found, and so is each workflow task that failed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chaos.checker.evidence import Run
from tests.chaos.checker.campaigns import DAY, Campaign, line


@pytest.mark.parametrize(("day", "found"), [(5, True), (7, False)])
def test_a_loan_that_a_late_reversal_let_go_on_need_not_have_ended(day: int, found: bool) -> None:
    campaign = Campaign()
    line(campaign.log, "reversal", DAY.format(day, "12:00"), payment_id="pi_1", amount_minor=5000, currency="USD")
    campaign.payments[0]["reversed_at"] = "x"
    campaign.loans[0] |= {"state": "in_collection", "end_kind": None}
    campaign.runs[0] = Run("loan-demo-L1", "RUNNING")
    campaign.runs[2] = Run("campaign-demo", "RUNNING")
    campaign.calm = {}

    assert any(violation.startswith("stuck") for violation in campaign.violations()) is found


@pytest.mark.parametrize(
    ("kind", "day", "found"),
    [("broken_agreement", 5, True), ("broken_agreement", 7, False), ("payment_query", 7, True)],
)
def test_a_loan_whose_agreement_was_decided_about_late_need_not_have_ended(kind: str, day: int, found: bool) -> None:
    campaign = Campaign()
    campaign.cases.append(campaign.case(kind, "decided", decided=DAY.format(day, "12:00")) | {"loan_ref": 2})
    campaign.loans[1] |= {"state": "in_collection", "end_kind": None}
    campaign.runs[1] = Run("loan-demo-L2", "RUNNING")
    campaign.runs[2] = Run("campaign-demo", "RUNNING")
    campaign.calm = {}

    assert any(violation.startswith("stuck") for violation in campaign.violations()) is found


def test_what_was_done_is_not_half_done() -> None:
    campaign = Campaign()
    campaign.left = {
        "payment_inquiry": [{"provider": "mercadopago", "status": "approved", "next_at": None}],
        "own_words": [{"loan_ref": 1, "state": "sent"}, {"loan_ref": 1, "state": "not_sent"}],
        "refund": [{"loan_ref": 1, "state": state} for state in ("proposed", "done", "rejected", "failed")],
        "debit": [{"loan_ref": 1, "step": "debit", "state": state} for state in ("collected", "returned", "dropped")],
        "attachment": [{"loan_ref": None, "state": state} for state in ("kept", "refused", "lost")],
    }

    assert campaign.violations() == []


def loan_stuck(c: Campaign) -> None:
    c.loans[1] |= {"state": "in_collection", "end_kind": None}


def workflow_stuck(c: Campaign) -> None:
    c.runs[1] = Run("loan-demo-L2", "RUNNING")


def campaign_still_runs(c: Campaign) -> None:
    c.runs[2] = Run("campaign-demo", "RUNNING")


def contact_half_done(c: Campaign) -> None:
    c.contacts[0]["state"] = "sending"


def webhook_not_passed_on(c: Campaign) -> None:
    c.webhooks[0]["relayed_at"] = None


def webhook_never_accepted(c: Campaign) -> None:
    c.hook(DAY.format(2, "11:00"), "evt_2", 503)


def webhook_unreadable(c: Campaign) -> None:
    c.webhooks[0]["outcome"] = "unreadable"


def inquiry_half_done(c: Campaign) -> None:
    c.left["payment_inquiry"] = [{"provider": "mercadopago", "status": "pending", "next_at": "x"}]


def words_half_done(c: Campaign) -> None:
    c.left["own_words"] = [{"loan_ref": 1, "state": "waiting"}]


def refund_half_done(c: Campaign) -> None:
    c.left["refund"] = [{"loan_ref": 1, "state": "approved"}]


def debit_half_done(c: Campaign) -> None:
    c.left["debit"] = [{"loan_ref": 1, "step": "debit", "state": "filed"}]


def file_never_fetched(c: Campaign) -> None:
    c.left["attachment"] = [{"loan_ref": None, "state": "due"}]


def task_failed(c: Campaign) -> None:
    c.runs[0] = Run("loan-demo-L1", "COMPLETED", ("event 9: NON_DETERMINISTIC_ERROR",))


def later_attempt_failed(c: Campaign) -> None:
    c.failed_at_workers = ("worker-0 counted 1: LoanCollection NonDeterminismError",)


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (loan_stuck, "stuck"),
        (workflow_stuck, "stuck"),
        (contact_half_done, "stuck"),
        (webhook_not_passed_on, "stuck"),
        (webhook_never_accepted, "stuck"),
        (task_failed, "failed-tasks"),
        (campaign_still_runs, "stuck"),
        (webhook_unreadable, "stuck"),
        (inquiry_half_done, "stuck"),
        (words_half_done, "stuck"),
        (refund_half_done, "stuck"),
        (debit_half_done, "stuck"),
        (file_never_fetched, "stuck"),
        (later_attempt_failed, "failed-tasks"),
    ],
)
def test_what_is_planted_is_found(plant: Callable[[Campaign], None], check: str) -> None:
    campaign = Campaign()
    plant(campaign)

    assert check in campaign.found_by()


def test_a_loan_may_wait_for_a_person_about_what_its_borrower_said_and_for_nothing_else() -> None:
    campaign = Campaign()
    campaign.loans[1] |= {"state": "in_collection", "end_kind": None}
    campaign.runs[1:] = [Run("loan-demo-L2", "RUNNING"), Run("campaign-demo", "RUNNING")]
    campaign.cases = [Campaign.case("circumstance") | {"loan_ref": 2}]
    campaign.calm = {}
    assert campaign.found_by() == {"stuck"}

    line(campaign.log, "inbound_sms", DAY.format(3, "10:00"), sid="SM5", body="I lost my job", meant="hardship")
    campaign.log[-1]["loan_id"] = "L2"
    assert campaign.violations() == []

    campaign.cases[0]["kind"] = "payment_query"
    assert campaign.found_by() == {"stuck"}

    campaign.cases[0] |= {"kind": "circumstance", "state": "closed"}
    assert campaign.found_by() == {"stuck"}


def test_a_loan_that_is_paid_waits_for_nobody() -> None:
    campaign = Campaign()
    line(campaign.log, "inbound_sms", DAY.format(2, "09:00"), sid="SM5", body="I lost my job", meant="hardship")
    campaign.loans[0] |= {"state": "in_collection", "end_kind": None}
    campaign.cases = [Campaign.case("circumstance")]
    campaign.runs[0] = Run("loan-demo-L1", "RUNNING")
    campaign.runs[2] = Run("campaign-demo", "RUNNING")
    campaign.calm = {}

    assert campaign.found_by() == {"stuck"}


PAID, DUE_LATER = ("2026-12-08", 2000, 2000), ("2026-12-21", 3000, 0)


def _still_runs_with_a_plan(state: str, *parts: tuple[str, int, int]) -> Campaign:
    """Two of L2's payments of a plan; the clocks stop on the twentieth."""
    campaign = Campaign()
    campaign.loans[1] |= {"state": "in_collection", "end_kind": None}
    campaign.runs[1:] = [Run("loan-demo-L2", "RUNNING"), Run("campaign-demo", "RUNNING")]
    campaign.calm = {}
    campaign.agrees(2, state, "2026-12-02 10:00:00", None if state == "active" else "2026-12-03 10:00:00", *parts)
    return campaign


def _pays_for_l2(campaign: Campaign, minor: int) -> None:
    at = DAY.format(8, "15:00")
    campaign.pays(at, "pi_2", minor)
    campaign.payments[-1]["loan_ref"] = 2
    campaign.counted().pop()
    for entry in campaign.log[-2:]:
        entry["loan_id"] = "L2"


@pytest.mark.parametrize(
    ("state", "parts", "paid", "found"),
    [
        ("active", (PAID, DUE_LATER), 2000, False),
        ("active", (PAID, ("2026-12-18", 3000, 0)), 2000, False),  # its grace goes on when the clocks stop
        ("active", (PAID, ("2026-12-16", 3000, 0)), 2000, True),
        ("active", (PAID, DUE_LATER), 1999, True),
        ("active", (PAID, DUE_LATER), 0, True),
        ("active", (PAID, DUE_LATER), 5000, True),
        ("active", (DUE_LATER,), 0, False),
        ("broken", (PAID, DUE_LATER), 2000, True),
    ],
)
def test_a_loan_may_run_on_with_what_was_agreed_on_while_that_is_kept_and_more_falls_due(
    state: str, parts: tuple[tuple[str, int, int], ...], paid: int, found: bool
) -> None:
    """Given what the ledger calls paid, and what the world says was paid of it."""
    campaign = _still_runs_with_a_plan(state, *parts)
    if paid:
        _pays_for_l2(campaign, paid)

    assert any(one.startswith("stuck") for one in campaign.violations()) is found


def test_money_that_was_taken_back_keeps_no_agreement() -> None:
    campaign = _still_runs_with_a_plan("active", PAID, DUE_LATER)
    _pays_for_l2(campaign, 2000)
    line(campaign.log, "reversal", DAY.format(5, "12:00"), payment_id="pi_2", amount_minor=2000, loan_id="L2")

    assert "stuck" in campaign.found_by()


@pytest.mark.parametrize(("until", "found"), [("2026-12-05 10:00:00", True), ("2026-12-08 10:00:00", False)])
def test_a_loan_whose_clock_stood_still_for_long_need_not_have_ended(until: str, found: bool) -> None:
    """Given an agreement in force for two days or five, of a loan that began five days before the last moment to."""
    campaign = _still_runs_with_a_plan("active", PAID)
    campaign.agreements[0] |= {"state": "broken", "made_at": "2026-12-03 10:00:00", "ended_at": until}
    campaign.loans[1]["entered_at"] = "2026-12-01 15:00:00"

    assert any(one.startswith("stuck") for one in campaign.violations()) is found


def test_the_workflow_of_a_loan_that_has_ended_may_not_run_on_although_its_clock_stood_still() -> None:
    campaign = Campaign()
    campaign.agrees(2, "broken", "2026-12-02 10:00:00", "2026-12-09 10:00:00", PAID)
    campaign.runs[1] = Run("loan-demo-L2", "RUNNING")

    assert "stuck" in campaign.found_by()
