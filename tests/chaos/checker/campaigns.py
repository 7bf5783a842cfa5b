"""A campaign that went as it should, for planting into it what should not be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chaos.checker.checks import judge
from chaos.checker.evidence import Debt, Evidence, Outcome, Run, entry_of

Log = list[dict[str, Any]]
DAY = "2026-12-0{}T{}:00+00:00"
NUMBER, MAILBOX = "+12125550100", "jo@example.com"


def line(log: Log, kind: str, at: str, **more: Any) -> dict[str, Any]:
    entry = {"seq": len(log) + 1, "kind": kind, "at": at, "loan_id": "L1", **more}
    log.append(entry)
    return entry


class Campaign:
    """Two loans in New York: L1 has an SMS, pays through its link and gets a receipt; L2 pays nothing."""

    def __init__(self) -> None:
        self.log: Log = []
        say = self.log
        line(say, "sms", DAY.format(1, "15:00"), sid="SM1", to=NUMBER, body="please pay http://w/pay/1")
        line(say, "sms_status", DAY.format(1, "15:01"), sid="SM1", status="delivered")
        line(say, "payment", DAY.format(2, "10:00"), payment_id="pi_1", amount_minor=5000, currency="USD")
        self.hook(DAY.format(2, "10:00"), "evt_1", paid="pi_1")
        said = {"subject": "Receipt", "text": "Thank you", "message_id": "<m2@r.invalid>"}
        line(say, "email", DAY.format(2, "10:01"), to=MAILBOX, **said)
        self.contacts = [self.contact(1, "first-link", "m1", "SM1"), self.contact(1, "receipt", "m2", None)]
        self.contacts[1]["purpose"] = "transactional"
        self.payments = [self.payment("pi_1")]
        counted = {"payments": [{"provider": "stripe", "payment_id": "pi_1", "amount_minor": 5000}]}
        self.loans: list[dict[str, Any]] = [
            {"id": 1, "loan_id": "L1", "state": "ended", "end_kind": "cured", "final_state": counted},
            {"id": 2, "loan_id": "L2", "state": "ended", "end_kind": "not_cured", "final_state": "{}"},
        ]
        for loan in self.loans:
            loan |= {"entered_at": "2026-12-01 05:00:00", "ended_at": "2026-12-02 10:00:00"}
        self.loans[1]["ended_at"] = "2026-12-17 05:00:00"
        self.agreements: list[dict[str, Any]] = []
        self.instalments: list[dict[str, Any]] = []
        self.cases: list[dict[str, Any]] = []
        self.webhooks: list[dict[str, Any]] = [
            {"provider": "stripe", "event_key": "evt_1", "recorded_at": "x", "relayed_at": "x", "outcome": "payment"}
        ]
        self.left: dict[str, list[dict[str, Any]]] = {}
        """Rows of tables in which something may be left half done."""
        self.runs = [
            Run("loan-demo-L1", "COMPLETED"),
            Run("loan-demo-L2", "COMPLETED"),
            Run("campaign-demo", "COMPLETED"),
        ]
        self.calm = {"L1": Outcome("cured", (5000,)), "L2": Outcome("not_cured", ())}
        self.late_replays: tuple[int, ...] = (400,)
        self.failed_at_workers: tuple[str, ...] = ()
        self.place = ("US", "NY", "America/New_York")
        self.currency, self.owed_minor = "USD", 5000

    def hook(self, at: str, event_id: str, status: int = 200, *, paid: str | None = None) -> None:
        """News from the gateway; `paid`: the payment that it says was made."""
        told = {"type": "checkout.session.completed", "status": status} | ({"payment_id": paid} if paid else {})
        line(self.log, "webhook", at, provider="stripe", event_id=event_id, **told)

    @staticmethod
    def contact(loan: int, step: str, name: str, sid: str | None) -> dict[str, Any]:
        return {
            "loan_ref": loan,
            "entry": 1,
            "step": step,
            "occurrence": 1,
            "channel": "sms",
            "purpose": "collection",
            "state": "sent",
            "outcome": None,
            "message_id": name,
            "provider_message_id": sid,
        }

    @staticmethod
    def case(
        kind: str,
        state: str = "open",
        *,
        decided: str | None = None,
        minor: int | None = None,
        decision: str | None = None,
    ) -> dict[str, Any]:
        return {
            "loan_ref": 1,
            "kind": kind,
            "state": state,
            "decision": decision,
            "opened_at": "2026-12-01 10:00:00",
            "sla_at": "2026-12-04 10:00:00",
            "decided_at": decided,
            "closed_at": decided,
            "amount_minor": minor,
        }

    def agrees(
        self,
        loan: int,
        state: str,
        since: str,
        until: str | None,
        *parts: tuple[str, int, int],
        said_in: str | None = None,
        **row: Any,
    ) -> dict[str, Any]:
        """An agreement of a loan with three days of grace; `parts`: of each payment its day, what is due and paid."""
        number = len(self.agreements) + 1
        made = {"id": number, "loan_ref": loan, "entry": 1, "number": number, "kind": "plan", "state": state}
        sums = {"tolerance_minor": 0, "adjustment_minor": 0, "added_minor": 0, "revision": 0}
        times = {"made_at": since, "ended_at": until, "expires_at": None, "grace_days": 3}
        self.agreements.append(made | sums | times | {"evidence_message_id": said_in} | row)
        self.instalments += [
            {"agreement_ref": number, "number": place, "due": due, "amount_minor": minor, "paid_minor": paid}
            for place, (due, minor, paid) in enumerate(parts, 1)
        ]
        return self.agreements[-1]

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
        line(self.log, "sms", at, sid=sid, to=NUMBER, body=body)["loan_id"] = loan_id
        self.contacts.append(self.contact(1 if loan_id == "L1" else 2, step, f"m-{sid}", sid))

    def call(self, sid: str, at: str, *, step: str, answered_by: str | None = None, **row: Any) -> None:
        """A call about L2 that stands in the ledger, and how it ended a minute later."""
        line(self.log, "call", DAY.format(*at.split()), sid=sid, to=NUMBER, loan_id="L2")
        self.contacts.append(self.contact(2, step, f"m-{sid}", sid) | {"channel": "call"} | row)
        ended = DAY.format(*at.split()).replace(":00+", ":59+")
        line(self.log, "call_status", ended, sid=sid, status="completed", answered_by=answered_by, loan_id="L2")

    def pays(self, at: str, payment_id: str, minor: int) -> None:
        """L1 pays, and both the ledger and the loan count it."""
        line(self.log, "payment", at, payment_id=payment_id, amount_minor=minor, currency="USD")
        self.hook(at, f"evt_{payment_id}", paid=payment_id)
        self.payments.append(self.payment(payment_id, minor))
        self.counted().append({"provider": "stripe", "payment_id": payment_id, "amount_minor": minor})

    def counted(self) -> list[dict[str, Any]]:
        """The payments in the last state of L1."""
        payments: list[dict[str, Any]] = self.loans[0]["final_state"]["payments"]
        return payments

    def found_by(self) -> set[str]:
        """The checks that a violation was found by."""
        return {violation.split(":")[0] for violation in self.violations()}

    def violations(self) -> list[str]:
        return [violation for check in judge(self.evidence()) for violation in check.violations]

    def evidence(self) -> Evidence:
        debt = Debt("L1", "P1", self.owed_minor, self.currency, *self.place, addresses=(NUMBER, MAILBOX))
        return Evidence(
            debts={"L1": debt, "L2": replace(debt, loan_id="L2", person_id="P2", amount_minor=7000)},
            world=tuple(entry_of(entry) for entry in self.log),
            rows={
                "loan": tuple(self.loans),
                "contact": tuple(self.contacts),
                "payment": tuple(self.payments),
                "collection_case": tuple(self.cases),
                "webhook": tuple(self.webhooks),
                "agreement": tuple(self.agreements),
                "agreement_instalment": tuple(self.instalments),
                "campaign_loan": ({"loan_ref": 1, "started_at": "x", "refused": None},),
                **{
                    table: tuple(self.left.get(table, ()))
                    for table in ("payment_inquiry", "own_words", "refund", "debit", "attachment")
                },
            },
            runs=tuple(self.runs),
            calm=self.calm,
            late_replays=self.late_replays,
            failed_at_workers=self.failed_at_workers,
            last_reopening=datetime(2026, 12, 6, tzinfo=UTC),
            clocks_stop=datetime(2026, 12, 20, 5, tzinfo=UTC),
        )
