"""A step of the schedule that is said again to who had got it is found, whatever its number; lawful repeats are not."""

from __future__ import annotations

import pytest

from domain.message_names import of_whatsapp
from tests.chaos.checker.campaigns import DAY, NUMBER, Campaign, line


def _sms(c: Campaign, sid: str, at: str, status: str = "delivered", *, heard: bool = True, step: str = "help") -> None:
    """An SMS of a step about L2, what became of it a minute later, and the news of that."""
    c.text(sid, DAY.format(*at.split()), step=step, loan_id="L2")
    c.contacts[-1]["occurrence"] = len(c.contacts)
    later = DAY.format(*at.split()).replace(":00+", ":50+")
    line(c.log, "sms_status", later, sid=sid, status=status, error_code=None, loan_id="L2")
    line(c.log, "webhook", later, event_id=f"{sid}:{status}", type=status, status=200 if heard else 503, loan_id="L2")


def _mail(c: Campaign, name: str, at: str, state: str = "sent") -> None:
    """An e-mail of the same step."""
    said = {"subject": "Help", "text": f"we can help {name}", "message_id": f"<{name}@r.invalid>"}
    line(c.log, "email", DAY.format(*at.split()), to="jo@example.com", loan_id="L2", **said)
    number = {"channel": "email", "occurrence": len(c.contacts) + 1, "state": state}
    c.contacts.append(c.contact(2, "help", name, None) | number)


@pytest.mark.parametrize(("status", "found"), [("delivered", True), ("undelivered", False)])
def test_a_step_that_arrived_is_not_said_again_by_the_same_channel(status: str, found: bool) -> None:
    campaign = Campaign()
    _sms(campaign, "SM8", "1 15:00", status)
    _sms(campaign, "SM9", "3 15:00")

    assert ("steps" in campaign.found_by()) is found
    assert "twice" not in campaign.found_by()


@pytest.mark.parametrize(("state", "found"), [("sent", True), ("undelivered", False)])
def test_an_e_mail_arrived_unless_the_ledger_knows_better(state: str, found: bool) -> None:
    campaign = Campaign()
    _mail(campaign, "m8", "1 15:00", state)
    _mail(campaign, "m9", "3 15:00")

    assert ("steps" in campaign.found_by()) is found


@pytest.mark.parametrize(
    ("status", "heard", "found"), [("delivered", True, True), ("delivered", False, False), ("undelivered", True, False)]
)
def test_an_sms_that_is_known_to_have_arrived_is_not_said_again_by_another_channel(
    status: str, heard: bool, found: bool
) -> None:
    campaign = Campaign()
    _sms(campaign, "SM8", "1 15:00", status, heard=heard)
    _mail(campaign, "m9", "3 15:00")

    assert ("steps" in campaign.found_by()) is found


def test_what_reached_somebody_else_is_said_again_by_another_channel() -> None:
    campaign = Campaign()
    _sms(campaign, "SM8", "1 15:00")
    said = {"sid": "SM5", "body": "Wrong number", "from": NUMBER}
    line(campaign.log, "inbound_sms", DAY.format(1, "16:00"), loan_id="L2", **said)
    line(campaign.log, "webhook", DAY.format(1, "16:00"), event_id="SM5", type="received", status=200, loan_id="L2")
    _mail(campaign, "m9", "3 15:00")

    assert "steps" not in campaign.found_by()


def test_a_whatsapp_that_nobody_read_is_said_again_by_another_channel() -> None:
    campaign = Campaign()
    line(campaign.log, "whatsapp", DAY.format(1, "15:00"), to=NUMBER, wamid="wamid.1", body="hello", loan_id="L2")
    line(campaign.log, "whatsapp_status", DAY.format(1, "15:01"), wamid="wamid.1", status="delivered", loan_id="L2")
    campaign.contacts.append(campaign.contact(2, "help", "m7", of_whatsapp("wamid.1")) | {"channel": "whatsapp"})
    _sms(campaign, "SM9", "3 15:00")

    assert "steps" not in campaign.found_by()


@pytest.mark.parametrize("step", ["funds", "agreement_reminder", "notice-7"])
def test_what_is_no_step_of_the_schedule_may_be_repeated(step: str) -> None:
    campaign = Campaign()
    _sms(campaign, "SM8", "1 15:00", step=step)
    _sms(campaign, "SM9", "3 15:00", step=step)

    assert "steps" not in campaign.found_by()


@pytest.mark.parametrize("change", [{"entry": 2}, {"step": "late"}, {"purpose": "reply"}])
def test_another_hand_over_another_step_and_an_answer_are_no_repeat(change: dict[str, object]) -> None:
    campaign = Campaign()
    _sms(campaign, "SM8", "1 15:00")
    _sms(campaign, "SM9", "3 15:00")
    campaign.contacts[-1] |= change

    assert "steps" not in campaign.found_by()
