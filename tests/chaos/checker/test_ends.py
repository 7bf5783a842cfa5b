"""An end that money or a campaign without faults speaks against is found, unless the faults had a right to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chaos.checker.ends import compared
from chaos.checker.evidence import Outcome
from tests.chaos.checker.campaigns import DAY, NUMBER, Campaign, line


def test_a_clean_campaign_has_no_violation() -> None:
    assert Campaign().violations() == []


@pytest.mark.parametrize(("decided", "found"), [("2026-12-02 12:00:00", False), ("2026-12-03 12:00:00", True)])
def test_a_person_who_decides_before_news_of_a_payment_came_may_end_a_loan_otherwise(decided: str, found: bool) -> None:
    """Given a webhook that was accepted a day late, and a loan written off before or after it came."""
    campaign = Campaign()
    hook = next(entry for entry in campaign.log if entry["kind"] == "webhook")
    hook["at"] = campaign.log[-1]["at"] = DAY.format(3, "10:00")
    campaign.loans[0]["end_kind"] = "written_off"
    campaign.cases = [Campaign.case("handoff", "decided", decided=decided)]

    assert any(one.startswith("ends") and "without faults" in one for one in campaign.violations()) is found


@pytest.mark.parametrize(
    ("decided", "found"),
    [
        (["2026-12-01 12:00:00"], False),
        (["2026-12-03 12:00:00"], True),
        (["2026-12-01 12:00:00", "2026-12-03 12:00:00"], True),
    ],
)
def test_a_person_who_decides_before_the_borrower_pays_may_end_a_loan_otherwise(
    decided: list[str], found: bool
) -> None:
    """Given a loan that paid in calm, and was written off here before, or only after, the same payment."""
    campaign = Campaign()
    campaign.loans[0]["end_kind"] = "written_off"
    campaign.cases = [Campaign.case("handoff", "decided", decided=at) for at in decided]

    assert any(one.startswith("ends") and "without faults" in one for one in campaign.violations()) is found


@pytest.mark.parametrize(("decided_first", "found"), [(True, False), (False, True)])
def test_a_person_who_decided_before_the_borrower_paid_without_faults_may_have_ended_the_loan_otherwise_there(
    decided_first: bool, found: bool
) -> None:
    """Given a loan that was written off in calm, before or only after the borrower paid, and is cured here."""
    campaign = Campaign()
    campaign.calm["L1"] = Outcome("written_off", (5000,), decided_first)

    assert any(one.startswith("ends") and "without faults" in one for one in campaign.violations()) is found
    assert ("L1" in compared(campaign.evidence())) is found


def test_whether_a_person_decided_before_money_moved_is_part_of_what_a_campaign_came_to() -> None:
    campaign = Campaign()
    campaign.cases = [Campaign.case("handoff", "decided", decided="2026-12-01 12:00:00")]

    assert campaign.evidence().outcomes()["L1"] == Outcome("cured", (5000,), decided_first=True)
    assert not Campaign().evidence().outcomes()["L1"].decided_first


def test_a_person_who_decides_between_two_part_payments_decides_before_the_last() -> None:
    campaign = Campaign()
    campaign.pays(DAY.format(4, "10:00"), "pi_2", 1200)
    campaign.cases = [Campaign.case("handoff", "decided", decided="2026-12-03 12:00:00")]

    assert campaign.evidence().outcomes()["L1"].decided_first


@pytest.mark.parametrize(("broke", "found"), [("CA1", False), ("CA2", True)])
def test_a_loan_whose_call_broke_may_end_otherwise_than_without_faults(broke: str, found: bool) -> None:
    """Given a person who, without faults, asked by keypad for somebody, who then sold the loan."""
    campaign = Campaign()
    campaign.calm = {"L1": Outcome("cured", (5000,)), "L2": Outcome("sold", ())}
    line(campaign.log, "call", DAY.format(4, "15:00"), to=NUMBER, sid="CA1")["loan_id"] = "L2"
    reason = f"{broke}: RemoteProtocolError('Server disconnected without sending a response.')"
    line(campaign.log, "refused", DAY.format(4, "15:01"), service="twiml", reason=reason)["loan_id"] = None

    assert any(one.startswith("ends") for one in campaign.violations()) is found


def wrong_end(c: Campaign) -> None:
    c.loans[1]["end_kind"] = "cured"
    c.calm["L2"] = Outcome("cured", ())


def other_end_than_in_calm(c: Campaign) -> None:
    c.calm["L2"] = Outcome("written_off", ())


def replay_taken(c: Campaign) -> None:
    c.late_replays = (400, 200)


def hole_in_the_log(c: Campaign) -> None:
    c.log[-1]["seq"] += 1


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (wrong_end, "ends"),
        (other_end_than_in_calm, "ends"),
        (replay_taken, "replays"),
        (hole_in_the_log, "world"),
    ],
)
def test_what_is_planted_is_found(plant: Callable[[Campaign], None], check: str) -> None:
    campaign = Campaign()
    plant(campaign)

    assert check in campaign.found_by()


def test_where_a_borrower_said_something_of_their_own_in_either_run_the_ends_are_not_compared() -> None:
    campaign = Campaign()
    campaign.calm["L2"] = Outcome("recalled", ())
    assert campaign.found_by() == {"ends"}

    campaign.calm["L2"] = Outcome("recalled", (), wrote=True)
    assert campaign.violations() == []

    campaign.calm["L2"] = Outcome("recalled", ())
    line(campaign.log, "inbound_sms", DAY.format(3, "10:00"), sid="SM5", body="I lost my job", meant="hardship")
    campaign.log[-1]["loan_id"] = "L2"
    assert campaign.violations() == []


@pytest.mark.parametrize("here", [True, False])
def test_a_loan_without_an_end_in_either_run_is_not_compared(here: bool) -> None:
    """Given L2, which still runs in one of the two campaigns."""
    campaign = Campaign()
    if here:
        campaign.loans[1] |= {"state": "in_collection", "end_kind": None}
    else:
        campaign.calm["L2"] = Outcome(None, ())

    assert "L2" not in compared(campaign.evidence())
    assert "ends" not in campaign.found_by()
