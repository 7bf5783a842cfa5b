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
    campaign.cases = [Campaign.case("handoff", "decided", decided=decided, decision="write_off")]

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
    campaign.cases = [Campaign.case("handoff", "decided", decided=at, decision="write_off") for at in decided]

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


@pytest.mark.parametrize(("decision", "first"), [("write_off", True), ("continue", False), ("sell", False)])
def test_whether_a_person_decided_on_its_end_before_money_moved_is_part_of_what_a_campaign_came_to(
    decision: str, first: bool
) -> None:
    campaign = Campaign()
    campaign.loans[0]["end_kind"] = "written_off"
    campaign.cases = [Campaign.case("handoff", "decided", decided="2026-12-01 12:00:00", decision=decision)]

    assert campaign.evidence().outcomes()["L1"] == Outcome("written_off", (5000,), decided_first=first)
    assert not Campaign().evidence().outcomes()["L1"].decided_first


def test_a_person_who_decides_between_two_part_payments_decides_before_the_last() -> None:
    campaign = Campaign()
    campaign.pays(DAY.format(4, "10:00"), "pi_2", 1200)
    campaign.loans[0]["end_kind"] = "written_off"
    campaign.cases = [Campaign.case("handoff", "decided", decided="2026-12-03 12:00:00", decision="write_off")]

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


@pytest.mark.parametrize(("end", "decision"), [("written_off", "write_off"), ("recalled", "recall"), ("sold", "sell")])
def test_a_loan_leaves_collection_as_a_person_decides_by_that_decision_alone(end: str, decision: str) -> None:
    """Given L2, which pays nothing."""
    campaign = Campaign()
    campaign.loans[1]["end_kind"] = end
    campaign.calm = {}
    assert "ends" in campaign.found_by()

    decided = Campaign.case("handoff", "decided", decided="2026-12-17 05:00:00", decision="continue") | {"loan_ref": 2}
    campaign.cases = [decided, decided | {"decision": "sell" if decision == "recall" else "recall"}]
    assert "ends" in campaign.found_by()

    campaign.cases = [decided, decided | {"decision": decision}]
    assert campaign.violations() == []

    campaign.cases = [decided | {"decision": decision, "loan_ref": 1}]
    assert "ends" in campaign.found_by()


@pytest.mark.parametrize(("at", "found"), [("2026-12-02 09:59:00", False), ("2026-12-02 12:00:00", True)])
def test_nobody_decides_on_the_end_of_a_loan_that_is_known_to_be_paid(at: str, found: bool) -> None:
    """Given L1, whose payment is told at ten on the second."""
    campaign = Campaign()
    campaign.loans[0] |= {"end_kind": "written_off", "ended_at": at}
    campaign.cases = [Campaign.case("handoff", "decided", decided=at, decision="write_off")]
    campaign.calm = {}

    assert any("known to be paid" in one for one in campaign.violations()) is found


@pytest.mark.parametrize(
    ("kind", "state", "agreed", "found"),
    [
        ("settlement", "completed", 4000, False),
        ("settlement", "completed", 4001, True),
        ("settlement", "broken", 4000, True),
        ("plan", "completed", 4000, True),
    ],
)
def test_a_loan_is_settled_by_a_settlement_of_which_all_was_paid(
    kind: str, state: str, agreed: int, found: bool
) -> None:
    """Given L1, which owes 6000 and pays 4000."""
    campaign = Campaign()
    campaign.owed_minor, campaign.calm = 6000, {}
    campaign.loans[0]["end_kind"] = "settled"
    for told in (campaign.log[2], campaign.payments[0], campaign.counted()[0]):
        told["amount_minor"] = 4000
    part = ("2026-12-03", agreed, 4000)
    campaign.agrees(1, state, "2026-12-01 16:00:00", "2026-12-02 10:00:00", part, kind=kind)

    assert any(one.startswith("ends") for one in campaign.violations()) is found


@pytest.mark.parametrize(
    ("at", "purpose", "found"),
    [
        (DAY.format(3, "15:05"), "collection", False),  # it was under way
        (DAY.format(4, "15:00"), "collection", True),
        (DAY.format(4, "15:00"), "transactional", False),
        (DAY.format(4, "15:00"), "reply", False),
    ],
)
def test_after_its_end_nothing_is_demanded_of_a_loan(at: str, purpose: str, found: bool) -> None:
    campaign = Campaign()
    campaign.loans[1] |= {"end_kind": "written_off", "ended_at": "2026-12-03 15:00:00"}
    campaign.text("SM9", at, step="second-link", loan_id="L2")
    campaign.contacts[-1]["purpose"] = purpose

    assert any("after the loan had ended" in one for one in campaign.violations()) is found


@pytest.mark.parametrize(("day", "found"), [(1, True), (4, False)])
def test_a_loan_may_go_on_when_money_was_taken_back_after_its_end(day: int, found: bool) -> None:
    campaign = Campaign()
    line(campaign.log, "reversal", DAY.format(day, "12:00"), payment_id="pi_1", amount_minor=5000, currency="USD")
    campaign.text("SM9", DAY.format(5, "15:00"), step="second-link")

    assert any("after the loan had ended" in one for one in campaign.violations()) is found
