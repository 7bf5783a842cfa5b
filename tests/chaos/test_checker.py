"""The checker finds every violation that is planted, each by the check it belongs to, and none in a clean campaign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chaos.checker.checks import judge
from chaos.checker.evidence import Debt, Evidence, Outcome, Run, entry_of

Log = list[dict[str, Any]]
DAY = "2026-12-0{}T{}:00+00:00"


def line(log: Log, kind: str, at: str, **more: Any) -> dict[str, Any]:
    entry = {"seq": len(log) + 1, "kind": kind, "at": at, "loan_id": "L1", **more}
    log.append(entry)
    return entry


class Campaign:
    """Two loans in New York: L1 has an SMS, pays through its link and gets a receipt; L2 pays nothing."""

    def __init__(self) -> None:
        self.log: Log = []
        say = self.log
        line(say, "sms", DAY.format(1, "15:00"), sid="SM1", body="please pay http://w/pay/1")
        line(say, "sms_status", DAY.format(1, "15:01"), sid="SM1", status="delivered")
        line(say, "payment", DAY.format(2, "10:00"), payment_id="pi_1", amount_minor=5000, currency="USD")
        self.hook(DAY.format(2, "10:00"), "evt_1")
        line(say, "email", DAY.format(2, "10:01"), subject="Receipt", text="Thank you", message_id="<m2@r.invalid>")
        self.contacts = [self.contact(1, "first-link", "m1", "SM1"), self.contact(1, "receipt", "m2", None)]
        self.contacts[1]["purpose"] = "transactional"
        self.payments = [self.payment("pi_1")]
        self.loans = [
            {"id": 1, "loan_id": "L1", "state": "ended", "end_kind": "cured"},
            {"id": 2, "loan_id": "L2", "state": "ended", "end_kind": "not_cured"},
        ]
        self.cases: list[dict[str, Any]] = []
        self.webhooks = [{"provider": "stripe", "event_key": "evt_1", "recorded_at": "x", "relayed_at": "x"}]
        self.runs = [Run("loan-demo-L1", "COMPLETED"), Run("loan-demo-L2", "COMPLETED")]
        self.calm = {"L1": Outcome("cured", (5000,)), "L2": Outcome("not_cured", ())}
        self.late_replays: tuple[int, ...] = (400,)

    def hook(self, at: str, event_id: str, status: int = 200) -> None:
        kind = "checkout.session.completed"
        line(self.log, "webhook", at, provider="stripe", event_id=event_id, type=kind, status=status)

    @staticmethod
    def contact(loan: int, step: str, name: str, sid: str | None) -> dict[str, Any]:
        return {
            "loan_ref": loan,
            "entry": 1,
            "step": step,
            "occurrence": 1,
            "purpose": "collection",
            "state": "sent",
            "message_id": name,
            "provider_message_id": sid,
        }

    @staticmethod
    def payment(payment_id: str, minor: int = 5000) -> dict[str, Any]:
        return {
            "payment_id": payment_id,
            "loan_ref": 1,
            "amount_minor": minor,
            "currency": "USD",
            "reversed_at": None,
        }

    def text(self, sid: str, at: str, *, step: str, body: str = "hello", loan_id: str = "L1") -> None:
        """An SMS that stands in the ledger."""
        line(self.log, "sms", at, sid=sid, body=body)["loan_id"] = loan_id
        self.contacts.append(self.contact(1 if loan_id == "L1" else 2, step, f"m-{sid}", sid))

    def violations(self) -> list[str]:
        debt = Debt("L1", "P1", 5000, "USD", "US", "NY", "America/New_York")
        evidence = Evidence(
            debts={"L1": debt, "L2": replace(debt, loan_id="L2", person_id="P2", amount_minor=7000)},
            world=tuple(entry_of(entry) for entry in self.log),
            rows={
                "loan": tuple(self.loans),
                "contact": tuple(self.contacts),
                "payment": tuple(self.payments),
                "collection_case": tuple(self.cases),
                "webhook": tuple(self.webhooks),
                "campaign_loan": ({"loan_ref": 1, "started_at": "x", "refused": None},),
            },
            runs=tuple(self.runs),
            calm=self.calm,
            late_replays=self.late_replays,
            last_reopening=datetime(2026, 12, 6, tzinfo=UTC),
        )
        return [violation for check in judge(evidence) for violation in check.violations]


def test_a_clean_campaign_has_no_violation() -> None:
    assert Campaign().violations() == []


@pytest.mark.parametrize(("decided", "found"), [("2026-12-02 12:00:00", False), ("2026-12-03 12:00:00", True)])
def test_a_person_who_decides_before_news_of_a_payment_came_may_end_a_loan_otherwise(decided: str, found: bool) -> None:
    """Given a webhook that was accepted a day late, and a loan written off before or after it came."""
    campaign = Campaign()
    hook = next(entry for entry in campaign.log if entry["kind"] == "webhook")
    hook["at"] = campaign.log[-1]["at"] = DAY.format(3, "10:00")
    campaign.loans[0]["end_kind"] = "written_off"
    campaign.cases = [{"loan_ref": 1, "decided_at": decided}]

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
    campaign.cases = [{"loan_ref": 1, "decided_at": at} for at in decided]

    assert any(one.startswith("ends") and "without faults" in one for one in campaign.violations()) is found


def sent_again(c: Campaign) -> None:
    line(c.log, "sms", DAY.format(1, "18:00"), sid="SM9", body="please pay http://w/pay/1")


def whatsapp_in_no_ledger(c: Campaign) -> None:
    line(c.log, "whatsapp", DAY.format(1, "18:00"), wamid="wamid.1", body="please pay http://w/pay/1")


def whatsapp_at_night(c: Campaign) -> None:
    line(c.log, "whatsapp", DAY.format(1, "08:00"), wamid="wamid.1", body="hello")
    c.contacts.append(c.contact(1, "night", "m9", "wamid.1"))


def whatsapp_after_payment(c: Campaign) -> None:
    line(c.log, "whatsapp", DAY.format(3, "15:00"), wamid="wamid.1", body="please pay http://w/pay/1")
    c.contacts.append(c.contact(1, "late", "m9", "wamid.1"))


def same_contact_twice(c: Campaign) -> None:
    c.text("SM9", DAY.format(1, "15:00"), step="first-link", loan_id="L2")
    c.text("SM8", DAY.format(2, "15:00"), step="first-link", body="other", loan_id="L2")


def same_words_within_a_day(c: Campaign) -> None:
    c.text("SM9", DAY.format(1, "15:00"), step="first-link", loan_id="L2")
    c.text("SM8", DAY.format(2, "14:30"), step="offer", loan_id="L2")


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


@pytest.mark.parametrize(("day", "found"), [(5, True), (7, False)])
def test_a_loan_that_a_late_reversal_let_go_on_need_not_have_ended(day: int, found: bool) -> None:
    campaign = Campaign()
    line(campaign.log, "reversal", DAY.format(day, "12:00"), payment_id="pi_1", amount_minor=5000, currency="USD")
    campaign.payments[0]["reversed_at"] = "x"
    campaign.loans[0] |= {"state": "in_collection", "end_kind": None}
    campaign.runs[0] = Run("loan-demo-L1", "RUNNING")
    campaign.calm = {}

    assert any(violation.startswith("stuck") for violation in campaign.violations()) is found


@pytest.mark.parametrize(("broke", "found"), [("CA1", False), ("CA2", True)])
def test_a_loan_whose_call_broke_may_end_otherwise_than_without_faults(broke: str, found: bool) -> None:
    """Given a person who, without faults, asked by keypad for somebody, who then sold the loan."""
    campaign = Campaign()
    campaign.calm = {"L1": Outcome("cured", (5000,)), "L2": Outcome("sold", ())}
    line(campaign.log, "call", DAY.format(4, "15:00"), sid="CA1")["loan_id"] = "L2"
    reason = f"{broke}: RemoteProtocolError('Server disconnected without sending a response.')"
    line(campaign.log, "refused", DAY.format(4, "15:01"), service="twiml", reason=reason)["loan_id"] = None

    assert any(one.startswith("ends") for one in campaign.violations()) is found


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


def payment_lost(c: Campaign) -> None:
    c.payments.clear()


def payment_twice(c: Campaign) -> None:
    c.payments.append(c.payment("pi_1"))


def payment_wrong(c: Campaign) -> None:
    c.payments[0]["amount_minor"] = 4999


def payment_from_nowhere(c: Campaign) -> None:
    c.payments.append(c.payment("pi_2"))


def loan_stuck(c: Campaign) -> None:
    c.loans[1] |= {"state": "in_collection", "end_kind": None}


def workflow_stuck(c: Campaign) -> None:
    c.runs[1] = Run("loan-demo-L2", "RUNNING")


def contact_half_done(c: Campaign) -> None:
    c.contacts[0]["state"] = "sending"


def webhook_not_passed_on(c: Campaign) -> None:
    c.webhooks[0]["relayed_at"] = None


def webhook_never_accepted(c: Campaign) -> None:
    c.hook(DAY.format(2, "11:00"), "evt_2", 503)


def task_failed(c: Campaign) -> None:
    c.runs[0] = Run("loan-demo-L1", "COMPLETED", ("event 9: NON_DETERMINISTIC_ERROR",))


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
        (sent_again, "twice"),
        (whatsapp_in_no_ledger, "twice"),
        (whatsapp_at_night, "rules"),
        (whatsapp_after_payment, "after-payment"),
        (same_contact_twice, "twice"),
        (same_words_within_a_day, "twice"),
        (demand_after_payment, "after-payment"),
        (reminder_after_payment, "after-payment"),
        (reminder_although_the_gateway_could_be_asked, "after-payment"),
        (second_receipt, "after-payment"),
        (at_night, "rules"),
        (too_often, "rules"),
        (after_stop, "stop"),
        (payment_lost, "money"),
        (payment_twice, "money"),
        (payment_wrong, "money"),
        (payment_from_nowhere, "money"),
        (loan_stuck, "stuck"),
        (workflow_stuck, "stuck"),
        (contact_half_done, "stuck"),
        (webhook_not_passed_on, "stuck"),
        (webhook_never_accepted, "stuck"),
        (task_failed, "failed-tasks"),
        (wrong_end, "ends"),
        (other_end_than_in_calm, "ends"),
        (replay_taken, "replays"),
        (hole_in_the_log, "world"),
    ],
)
def test_what_is_planted_is_found(plant: Callable[[Campaign], None], check: str) -> None:
    campaign = Campaign()
    plant(campaign)

    found = campaign.violations()

    assert found
    assert {violation.split(":")[0] for violation in found} >= {check}
