"""Contacts planted twice, outside the rules or after a STOP are found, messages and calls; lawful ones are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.message_names import of_whatsapp
from tests.chaos.checker.campaigns import DAY, NUMBER, Campaign, line


def test_what_did_not_arrive_may_be_said_again_the_day_after() -> None:
    campaign = Campaign()
    campaign.text("SM9", DAY.format(1, "15:00"), step="first-link", loan_id="L2")
    line(campaign.log, "sms_status", DAY.format(1, "15:06"), sid="SM9", status="undelivered")["loan_id"] = "L2"
    campaign.text("SM8", DAY.format(2, "14:30"), step="offer", loan_id="L2")

    assert campaign.violations() == []


def _agreed_by_telephone(c: Campaign, *, answered_by: str = "human", body: str = "what we agreed on") -> None:
    line(c.log, "call_status", DAY.format(1, "14:40"), sid="CA1", status="completed", answered_by=answered_by)
    c.log[-1]["loan_id"] = "L2"
    c.text("SM9", DAY.format(1, "14:41"), step="agreement_document", body=body, loan_id="L2")
    c.contacts[-1]["purpose"] = "transactional"
    c.text("SM8", DAY.format(1, "14:42"), step="agreement_link", body="pay http://w/pay/1", loan_id="L2")


def test_what_was_agreed_by_telephone_is_written_down_besides_the_days_message() -> None:
    campaign = Campaign()
    _agreed_by_telephone(campaign)

    assert campaign.violations() == []


@pytest.mark.parametrize("changes", [{"answered_by": "machine"}, {"body": "pay http://w/pay/2"}])
def test_nothing_else_counts_as_written_down(changes: dict[str, str]) -> None:
    campaign = Campaign()
    _agreed_by_telephone(campaign, **changes)

    assert any(violation.startswith("rules") and "per day" in violation for violation in campaign.violations())


def test_calls_within_the_rules_are_no_violation() -> None:
    """Given a call to voicemail, one that was answered, and one when the week that the talk silenced is over."""
    campaign = Campaign()
    campaign.call("CA1", "1 15:00", step="call", answered_by="machine_end_beep")
    campaign.call("CA2", "2 15:00", step="call-again", answered_by="human")
    campaign.call("CA3", "9 15:00", step="call-once-more")

    assert campaign.violations() == []


def test_a_call_that_ended_before_the_person_was_known_is_no_talk() -> None:
    campaign = Campaign()
    campaign.call("CA1", "1 15:00", step="call", answered_by="human", state="undelivered")
    campaign.call("CA2", "3 15:00", step="call-again", answered_by="machine_end_beep")

    assert campaign.violations() == []


def test_a_call_whose_placing_was_never_answered_is_the_one_without_the_carriers_id() -> None:
    campaign = Campaign()
    campaign.call("CA1", "1 15:00", step="call", provider_message_id=None, state="read")
    assert campaign.violations() == []

    line(campaign.log, "call", DAY.format(1, "15:01"), to=NUMBER, sid="CA2", loan_id="L2")
    assert [one.split(":")[0] for one in campaign.violations()] == ["twice"]


@pytest.mark.parametrize("state", ["dropped", "failed", "reserved"])
def test_a_call_in_no_ledger_is_not_taken_for_one_that_was_never_placed(state: str) -> None:
    campaign = Campaign()
    campaign.contacts.append(
        campaign.contact(2, "call", "m-CA1", None) | {"channel": "call", "state": state},
    )
    line(campaign.log, "call", DAY.format(1, "15:01"), to=NUMBER, sid="CA2", loan_id="L2")

    assert "twice" in {one.split(":")[0] for one in campaign.violations()}


@pytest.mark.parametrize(("channel", "found"), [("call", True), ("sms", False)])
def test_a_stop_on_the_telephone_closes_calls_and_no_more(channel: str, found: bool) -> None:
    campaign = Campaign()
    campaign.call("CA1", "1 15:00", step="call", answered_by="human", state="undelivered", outcome="do_not_call")
    if channel == "call":
        campaign.call("CA2", "3 15:00", step="call-again")
    else:
        campaign.text("SM9", DAY.format(3, "15:00"), step="help", loan_id="L2")

    assert any(one.startswith("stop") for one in campaign.violations()) is found


@pytest.mark.parametrize(("channel", "found"), [("whatsapp", True), ("sms", False)])
def test_a_stop_by_whatsapp_closes_whatsapp_and_no_more(channel: str, found: bool) -> None:
    campaign = Campaign()
    content = {"type": "text", "text": {"body": "Stop "}}
    line(campaign.log, "inbound_whatsapp", DAY.format(2, "16:00"), wamid="wamid.IN1", content=content, loan_id="L2")
    line(campaign.log, "webhook", DAY.format(2, "16:00"), event_id="wamid.IN1", type="messages", status=200)
    campaign.log[-1]["loan_id"] = "L2"
    if channel == "whatsapp":
        line(campaign.log, "whatsapp", DAY.format(3, "16:00"), to=NUMBER, wamid="wamid.2", body="hello", loan_id="L2")
        campaign.contacts.append(campaign.contact(2, "help", "m9", of_whatsapp("wamid.2")))
    else:
        campaign.text("SM9", DAY.format(3, "16:00"), step="help", loan_id="L2")

    assert any(one.startswith("stop") for one in campaign.violations()) is found


def test_a_photo_by_whatsapp_is_no_stop() -> None:
    campaign = Campaign()
    content = {"type": "image", "image": {"caption": ""}}
    line(campaign.log, "inbound_whatsapp", DAY.format(2, "16:00"), wamid="wamid.IN1", content=content)
    line(campaign.log, "webhook", DAY.format(2, "16:00"), event_id="wamid.IN1", type="messages", status=200)

    assert campaign.violations() == []


def sent_again(c: Campaign) -> None:
    line(c.log, "sms", DAY.format(1, "18:00"), to=NUMBER, sid="SM9", body="please pay http://w/pay/1")


def whatsapp_in_no_ledger(c: Campaign) -> None:
    line(c.log, "whatsapp", DAY.format(1, "18:00"), to=NUMBER, wamid="wamid.1", body="please pay http://w/pay/1")


def whatsapp_at_night(c: Campaign) -> None:
    line(c.log, "whatsapp", DAY.format(1, "08:00"), to=NUMBER, wamid="wamid.1", body="hello")
    c.contacts.append(c.contact(1, "night", "m9", of_whatsapp("wamid.1")))


def same_contact_twice(c: Campaign) -> None:
    c.text("SM9", DAY.format(1, "15:00"), step="first-link", loan_id="L2")
    c.text("SM8", DAY.format(2, "15:00"), step="first-link", body="other", loan_id="L2")


def same_words_within_a_day(c: Campaign) -> None:
    c.text("SM9", DAY.format(1, "15:00"), step="first-link", loan_id="L2")
    c.text("SM8", DAY.format(2, "14:30"), step="offer", loan_id="L2")


def at_night(c: Campaign) -> None:
    c.text("SM9", DAY.format(2, "04:00"), step="funds", loan_id="L2")


def too_often(c: Campaign) -> None:
    c.text("SM8", DAY.format(3, "15:00"), step="funds", loan_id="L2")
    c.text("SM9", DAY.format(3, "19:00"), step="help", loan_id="L2", body="again")


def after_stop(c: Campaign) -> None:
    line(c.log, "inbound_sms", DAY.format(2, "16:00"), sid="IN1", body="Stop")["loan_id"] = "L2"
    line(c.log, "webhook", DAY.format(2, "16:00"), provider="twilio", event_id="IN1", type="inbound", status=200)
    c.log[-1]["loan_id"] = "L2"
    c.text("SM9", DAY.format(3, "16:00"), step="help", loan_id="L2")


def call_in_no_ledger(c: Campaign) -> None:
    c.call("CA1", "1 15:00", step="call")
    line(c.log, "call", DAY.format(1, "15:01"), to=NUMBER, sid="CA2", loan_id="L2")


def same_contact_called_twice(c: Campaign) -> None:
    c.call("CA1", "1 15:00", step="call")
    c.call("CA2", "3 15:00", step="call")


def call_at_night(c: Campaign) -> None:
    c.call("CA1", "2 04:00", step="call")


def called_and_texted_too_often(c: Campaign) -> None:
    c.place = ("US", "MA", "America/New_York")
    c.call("CA1", "1 15:00", step="call")
    c.text("SM8", DAY.format(2, "15:00"), step="funds", loan_id="L2")
    c.call("CA2", "4 15:00", step="call-again")


def called_within_a_week_of_a_talk(c: Campaign) -> None:
    c.call("CA1", "1 15:00", step="call", answered_by="human")
    c.call("CA2", "7 15:00", step="call-again")


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (sent_again, "twice"),
        (whatsapp_in_no_ledger, "twice"),
        (whatsapp_at_night, "rules"),
        (same_contact_twice, "twice"),
        (same_words_within_a_day, "twice"),
        (at_night, "rules"),
        (too_often, "rules"),
        (after_stop, "stop"),
        (call_in_no_ledger, "twice"),
        (same_contact_called_twice, "twice"),
        (call_at_night, "rules"),
        (called_and_texted_too_often, "rules"),
        (called_within_a_week_of_a_talk, "rules"),
    ],
)
def test_what_is_planted_is_found(plant: Callable[[Campaign], None], check: str) -> None:
    campaign = Campaign()
    plant(campaign)

    assert check in campaign.found_by()


def _writes(c: Campaign, at: str, body: str = "cuánto debo", **more: str) -> None:
    sid = f"SM-{at}"
    line(c.log, "inbound_sms", DAY.format(*at.split()), sid=sid, body=body, loan_id="L2", **more)
    line(c.log, "webhook", DAY.format(*at.split()), event_id=sid, type="sms", status=200, loan_id="L2")


def _answered(c: Campaign, sid: str, at: str, purpose: str = "reply", body: str = "you owe") -> None:
    c.text(sid, DAY.format(*at.split()), step=purpose, body=body, loan_id="L2")
    c.contacts[-1] |= {"purpose": purpose, "occurrence": len(c.contacts)}


def test_what_a_person_wrote_is_answered_at_any_hour_and_beside_the_days_message() -> None:
    campaign = Campaign()
    _writes(campaign, "1 03:00", "sí, de acuerdo", meant="yes")
    _answered(campaign, "SM9", "1 03:01", body="you owe: http://w/pay/2")
    _answered(campaign, "SM7", "1 03:02", "transactional", body="what we agreed on")
    campaign.text("SM8", DAY.format(1, "15:00"), step="first-link", loan_id="L2")

    assert campaign.violations() == []


@pytest.mark.parametrize(
    "and_again",
    [
        lambda c: _answered(c, "SM8", "1 03:02"),
        lambda c: _answered(c, "SM8", "1 03:02", "transactional", body="pay at http://w/pay/2"),
        lambda c: _answered(c, "SM8", "3 15:02"),
        lambda c: _answered(c, "SM8", "3 03:02", "transactional", body="what we agreed on"),
    ],
)
def test_one_message_is_answered_once_with_one_document_and_at_night_within_a_day(
    and_again: Callable[[Campaign], None],
) -> None:
    campaign = Campaign()
    _writes(campaign, "1 03:00")
    _answered(campaign, "SM9", "1 03:01", body="a first answer")
    campaign.text("SM6", DAY.format(3, "16:00"), step="help", loan_id="L2")
    and_again(campaign)

    assert campaign.found_by() == {"rules"}


def test_what_is_answered_late_still_is_an_answer_beside_the_days_message() -> None:
    campaign = Campaign()
    _writes(campaign, "1 16:00")
    _answered(campaign, "SM9", "3 15:00")
    campaign.text("SM6", DAY.format(3, "15:01"), step="help", loan_id="L2")

    assert campaign.violations() == []


@pytest.mark.parametrize(
    ("body", "meant", "status"), [("gracias", "", 503), ("STOP", "", 200), ("dejad de escribirme", "stop", 200)]
)
def test_what_was_not_heard_and_a_stop_allow_no_answer(body: str, meant: str, status: int) -> None:
    campaign = Campaign()
    _writes(campaign, "1 03:00", body, **({"meant": meant} if meant else {}))
    campaign.log[-1]["status"] = status
    _answered(campaign, "SM9", "1 03:01")

    assert "rules" in campaign.found_by()


@pytest.mark.parametrize(("first", "found"), [(0, False), (503, True)])
def test_what_was_heard_though_the_answer_to_its_webhook_was_lost_may_be_answered(first: int, found: bool) -> None:
    """Given a webhook that was told again after the answer to the person had left."""
    campaign = Campaign()
    _writes(campaign, "1 03:00")
    campaign.log[-1]["status"] = first
    _answered(campaign, "SM9", "1 03:01")
    again = {"event_id": "SM-1 03:00", "type": "sms", "status": 200, "loan_id": "L2"}
    line(campaign.log, "webhook", DAY.format(1, "04:00"), **again)

    assert ("rules" in campaign.found_by()) is found


def test_an_sms_that_was_told_days_late_is_answered_when_it_is_heard() -> None:
    campaign = Campaign()
    _writes(campaign, "1 16:00")
    campaign.log[-1]["at"] = DAY.format(4, "03:00")
    _answered(campaign, "SM9", "4 03:01")

    assert campaign.violations() == []


def test_a_demand_takes_the_place_of_the_answer() -> None:
    campaign = Campaign()
    _writes(campaign, "1 14:30")
    campaign.text("SM6", DAY.format(1, "15:00"), step="help", loan_id="L2")
    _answered(campaign, "SM9", "2 03:00")

    assert campaign.found_by() == {"rules"}


def test_the_same_words_twice_answer_no_older_message() -> None:
    campaign = Campaign()
    _writes(campaign, "1 14:50", "gracias")
    _writes(campaign, "1 15:00")
    _answered(campaign, "SM9", "1 15:01")
    _answered(campaign, "SM8", "1 15:02")

    assert campaign.found_by() == {"twice"}


@pytest.mark.parametrize(("decided", "found"), [("2026-12-02 10:00:00", set()), (None, {"rules"})])
def test_what_a_person_of_the_lenders_agreed_on_is_written_down_beside_the_days_message(
    decided: str | None, found: set[str]
) -> None:
    campaign = Campaign()
    if decided is not None:
        campaign.cases = [Campaign.case("circumstance", "decided", decided=decided) | {"loan_ref": 2}]
    campaign.text("SM6", DAY.format(2, "15:00"), step="help", loan_id="L2")
    _answered(campaign, "SM9", "2 15:01", "transactional", body="what we agreed on")
    campaign.calm = {}

    assert campaign.found_by() == found


def test_who_says_the_same_again_is_answered_the_same_again_once() -> None:
    campaign = Campaign()
    _writes(campaign, "1 15:00")
    _answered(campaign, "SM9", "1 15:01")
    _writes(campaign, "1 15:30")
    _answered(campaign, "SM8", "1 15:31")
    assert campaign.violations() == []

    _answered(campaign, "SM7", "1 15:32")
    assert "twice" in campaign.found_by()


def test_a_stop_in_a_persons_own_words_is_one() -> None:
    campaign = Campaign()
    _writes(campaign, "2 16:00", "dejad de escribirme", meant="stop")
    campaign.text("SM9", DAY.format(3, "15:00"), step="help", loan_id="L2")

    assert campaign.found_by() == {"stop"}


@pytest.mark.parametrize(
    ("at", "reason", "loan_id", "found"),
    [
        (DAY.format(3, "16:00"), "21610: Attempt to send to unsubscribed recipient", "L2", True),
        (DAY.format(2, "16:05"), "21610: Attempt to send to unsubscribed recipient", "L2", False),  # under way
        (DAY.format(3, "16:00"), "21614: To number: +1, is not a mobile number", "L2", False),
        (DAY.format(3, "16:00"), "21610: Attempt to send to unsubscribed recipient", "L1", False),
    ],
)
def test_an_sms_tried_after_a_stop_word_is_found_although_the_carrier_refuses_it(
    at: str, reason: str, loan_id: str, found: bool
) -> None:
    campaign = Campaign()
    _writes(campaign, "2 16:00", "STOP")
    line(campaign.log, "refused", at, service="twilio", reason=reason, loan_id=loan_id)

    assert any(one.startswith("stop") for one in campaign.violations()) is found


def test_a_stop_word_that_was_not_heard_stops_nobody_but_the_carrier() -> None:
    campaign = Campaign()
    _writes(campaign, "2 16:00", "STOP")
    campaign.log[-1]["status"] = 503
    reason = "21610: Attempt to send to unsubscribed recipient"
    line(campaign.log, "refused", DAY.format(3, "16:00"), service="twilio", reason=reason, loan_id="L2")

    assert not any(one.startswith("stop") for one in campaign.violations())
