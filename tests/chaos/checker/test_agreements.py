"""An agreement that outlives its loan, is credited or made twice or not kept by us is found; what is lawful is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.checker.campaigns import DAY, Campaign, line

SINCE, YES = "2026-12-01 15:30:00", "twilio:SM77"
FIRST, SECOND = ("2026-12-03", 2000, 2000), ("2026-12-10", 3000, 3000)


def _pays_as_agreed(*, said_in: str | None = YES, **row: Any) -> Campaign:
    """L1 agrees to two payments on the first day, and pays all at once on the second."""
    campaign = Campaign()
    campaign.agrees(1, "completed", SINCE, "2026-12-02 10:00:00", FIRST, SECOND, said_in=said_in, **row)
    return campaign


def _promises(part: tuple[str, int, int], until: str | None = None, **row: Any) -> Campaign:
    """L2, which pays nothing, promises on the first day to pay."""
    campaign = Campaign()
    ends = {"kind": "promise", "grace_days": 2} | row
    campaign.agrees(2, "broken", SINCE, until or "2026-12-06 05:00:00", part, said_in=YES, **ends)
    return campaign


def test_an_agreement_that_was_made_kept_and_paid_is_no_violation() -> None:
    assert _pays_as_agreed().violations() == []


@pytest.mark.parametrize(("state", "found"), [("active", True), ("open", True), ("void", False), ("completed", False)])
def test_an_agreement_in_force_of_a_loan_that_has_ended_is_found(state: str, found: bool) -> None:
    campaign = _pays_as_agreed()
    campaign.agreements[0] |= {"state": state, "ended_at": None if found else "2026-12-02 10:00:00"}

    assert ("agreements" in campaign.found_by()) is found


def test_an_offer_that_nobody_took_is_no_agreement() -> None:
    campaign = Campaign()
    campaign.agrees(1, "proposed", SINCE, None, FIRST, expires_at="2026-12-09 05:00:00")

    assert campaign.violations() == []


def test_an_agreement_credited_with_more_than_came_is_found() -> None:
    """Given what was paid for it before it was made."""
    campaign = _pays_as_agreed()
    campaign.agreements[0]["made_at"] = "2026-12-03 11:00:00"

    assert "agreements" in campaign.found_by()


@pytest.mark.parametrize(("told_on", "back", "found"), [(2, False, True), (3, False, False), (2, True, False)])
def test_one_payment_credited_to_two_agreements_is_found_where_nothing_can_have_been_judged_again(
    told_on: int, back: bool, found: bool
) -> None:
    """Given news of the payment that came at once or a day late, and a payment that stays or is taken back."""
    campaign = _pays_as_agreed()
    campaign.agrees(1, "kept", SINCE, "2026-12-02 10:00:00", FIRST, kind="promise", said_in="twilio:SM76")
    hook = next(entry for entry in campaign.log if entry["kind"] == "webhook")
    hook["at"] = DAY.format(told_on, "12:00" if told_on == 3 else "10:00")
    if back:
        line(campaign.log, "reversal", DAY.format(5, "12:00"), payment_id="pi_1", amount_minor=5000)

    assert any("its agreements" in one for one in campaign.violations()) is found


@pytest.mark.parametrize(
    ("said_in", "entry", "found"),
    [(YES, 1, True), (YES, 2, False), ("twilio:SM78", 1, False), ("call:call:1", 1, False)],
)
def test_two_agreements_made_by_one_message_are_found(said_in: str, entry: int, found: bool) -> None:
    campaign = _pays_as_agreed(said_in="call:call:1" if said_in.startswith("call") else YES)
    campaign.agrees(1, "replaced", SINCE, SINCE, ("2026-12-03", 2000, 0), said_in=said_in, entry=entry)

    assert ("agreements" in campaign.found_by()) is found


@pytest.mark.parametrize(
    ("at", "step", "found"),
    [
        (DAY.format(1, "15:35"), "first-link", False),  # it was under way
        (DAY.format(2, "16:00"), "first-link", True),
        (DAY.format(2, "16:00"), "agreement_reminder", False),
        (DAY.format(7, "16:00"), "second-link", False),  # broken since the sixth
    ],
)
def test_what_is_demanded_while_a_promise_may_still_be_kept_is_found(at: str, step: str, found: bool) -> None:
    campaign = _promises(("2026-12-03", 7000, 0))
    campaign.text("SM9", at, step=step, loan_id="L2")

    assert ("agreements" in campaign.found_by()) is found


@pytest.mark.parametrize("purpose", ["reply", "transactional"])
def test_answers_and_documents_go_out_while_it_is_kept(purpose: str) -> None:
    campaign = _promises(("2026-12-03", 7000, 0))
    campaign.text("SM9", DAY.format(2, "16:00"), step="reply", loan_id="L2")
    campaign.contacts[-1]["purpose"] = purpose

    assert "agreements" not in campaign.found_by()


@pytest.mark.parametrize("change", [{"revision": 1}, {"state": "cancelled", "ended_at": "2026-12-02 12:00:00"}])
def test_after_it_was_called_off_and_where_its_dates_were_moved_it_is_not_judged(change: dict[str, Any]) -> None:
    campaign = _promises(("2026-12-04", 7000, 0))
    campaign.agreements[0] |= change
    campaign.text("SM9", DAY.format(2, "16:00"), step="first-link", loan_id="L2")

    assert "agreements" not in campaign.found_by()


@pytest.mark.parametrize(("told_on", "found"), [(3, True), (8, False)])
def test_one_that_late_news_put_in_force_again_was_broken_meanwhile(told_on: int, found: bool) -> None:
    """Given a plan's first payment, made in time and told on the third or the eighth; a demand on the seventh."""
    campaign = Campaign()
    campaign.owed_minor, campaign.calm = 9000, {}
    campaign.agrees(1, "active", SINCE, None, ("2026-12-03", 5000, 5000), ("2026-12-16", 4000, 0))
    campaign.loans[0] |= {"state": "in_collection", "end_kind": None}
    hook = next(entry for entry in campaign.log if entry["kind"] == "webhook")
    hook["at"] = DAY.format(told_on, "10:00")
    campaign.text("SM9", DAY.format(7, "16:00"), step="second-link")

    assert ("agreements" in campaign.found_by()) is found
