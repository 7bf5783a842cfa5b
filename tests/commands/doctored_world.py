"""A small world's log to doctor: one good story, and ways to spoil it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from commands.plain_rules import Residence
from commands.verdict import Borrower, DebtFacts, KeptAgreement, KeptPayment, Ours, Verdict, judge
from commands.world_log import WorldLog, entry_of

PHONE, EMAIL = "+34600000001", "ana@example.com"
TUESDAY_TEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""10:00 in Madrid on a working day."""
MADRID = Residence("ES", "MD", "Europe/Madrid")


class World:
    """Writes lines as the sandbox would, and the records that belong to them."""

    def __init__(self, residence: Residence = MADRID) -> None:
        self.lines: list[dict[str, Any]] = []
        self.debts = {"L1": self._debt("L1", "P1", 10_000)}
        self.borrowers = {"P1": Borrower(person_id="P1", residence=residence, addresses=(PHONE, EMAIL))}
        self.payments: list[KeptPayment] = []
        self.steps: dict[str, str] = {}
        self.agreements: list[KeptAgreement] = []
        self.closed_mailboxes = 0
        self.unrelayed: tuple[str, ...] = ()
        self.end: str | None = "not_cured"

    @staticmethod
    def _debt(loan_id: str, person_id: str, amount: int) -> DebtFacts:
        return DebtFacts(loan_id=loan_id, person_id=person_id, amount_minor=amount, currency="EUR", end="not_cured")

    def second_loan(self) -> None:
        self.debts["L2"] = self._debt("L2", "P1", 5_000)

    def add(self, kind: str, at: datetime, loan_id: str | None = "L1", **data: Any) -> int:
        seq = len(self.lines) + 1
        self.lines.append({"seq": seq, "kind": kind, "wall": "", "at": at.isoformat(), "loan_id": loan_id, **data})
        return seq

    def sms(
        self,
        at: datetime,
        body: str = "Please pay",
        *,
        step: str | None = None,
        to: str = PHONE,
        loan_id: str = "L1",
        arrives: timedelta = timedelta(seconds=10),
        error: int | None = None,
    ) -> str:
        """A text that arrives, or fails with `error`; its step is its own unless named."""
        sid = f"SM{len(self.lines)}"
        self.add("sms", at, loan_id, to=to, body=body, sid=sid, status="queued", **{"from": "+12025550100"})
        status = "undelivered" if error else "delivered"
        self.add("sms_status", at + arrives, loan_id, sid=sid, status=status, error_code=error)
        self.hook(at + arrives, f"{sid}:{status}", provider="twilio", type=status, loan_id=loan_id)
        self.steps[sid] = step or f"step-{sid}"
        return sid

    def email(self, at: datetime, text: str = "Please pay", *, step: str | None = None, loan_id: str = "L1") -> int:
        named = f"mail-{len(self.lines)}"
        self.steps[named] = step or f"step-{named}"
        message_id = f"<{named}>"
        return self.add("email", at, loan_id, to=EMAIL, subject="Your account", text=text, message_id=message_id)

    def hook(
        self, at: datetime, event_id: str, *, provider: str, type: str, status: int = 200, loan_id: str = "L1"
    ) -> int:
        return self.add(
            "webhook", at, loan_id, provider=provider, event_id=event_id, type=type, status=status, **{"try": 1}
        )

    def pays(
        self,
        at: datetime,
        amount: int = 10_000,
        *,
        name: str = "pi_1",
        heard: bool = True,
        loan_id: str = "L1",
        link: str | None = None,
    ) -> None:
        way = {"via": "link" if link else "portal", "link_id": link}
        self.add("payment", at, loan_id, payment_id=name, amount_minor=amount, currency="EUR", **way)
        if heard:
            event = f"evt_{name}"
            self.hook(at, event, provider="stripe", type="checkout.session.completed", loan_id=loan_id)
        kept = KeptPayment(payment_id=name, loan_id=loan_id, amount_minor=amount, currency="EUR", reversed=False)
        self.payments.append(kept)

    def takes_back(self, at: datetime, *, name: str = "pi_1", amount: int = 10_000) -> None:
        self.add("reversal", at, "L1", payment_id=name, amount_minor=amount)
        self.hook(at, f"evt_back_{name}", provider="stripe", type="charge.dispute.funds_withdrawn")
        self.payments = [
            payment.model_copy(update={"reversed": True}) if payment.payment_id == name else payment
            for payment in self.payments
        ]

    def link(self, at: datetime, name: str, amount: int = 10_000) -> None:
        self.add("link_created", at, link_id=name, amount_minor=amount, currency="EUR", idempotency_key=name)

    def says(self, at: datetime, body: str, *, heard: bool = True, **meant: str) -> None:
        sid = f"SMin{len(self.lines)}"
        self.add("inbound_sms", at, to="+12025550100", body=body, sid=sid, **{"from": PHONE}, **meant)
        if heard:
            self.hook(at, sid, provider="twilio", type="received")

    def agrees(
        self, since: datetime, until: datetime | None, kind: str = "plan", instalments: tuple[int, ...] = ()
    ) -> None:
        number = len(self.agreements) + 1
        self.agreements.append(
            KeptAgreement(loan_id="L1", kind=kind, number=number, since=since, until=until, instalments=instalments)
        )

    def judged(self, counted: dict[str, int] | None = None) -> Verdict:
        log = WorldLog([entry_of(line) for line in self.lines])
        debts = {k: d.model_copy(update={"end": self.end}) for k, d in self.debts.items()}
        ours = Ours(
            debts=debts,
            borrowers=self.borrowers,
            payments=tuple(self.payments),
            steps=self.steps,
            agreements=tuple(self.agreements),
            closed_mailboxes=self.closed_mailboxes,
            unrelayed=self.unrelayed,
        )
        good = sum(payment.amount_minor for payment in self.payments if not payment.reversed)
        return judge(log, ours, counted if counted is not None else ({"EUR": good} if good else {}))

    def found(self, counted: dict[str, int] | None = None) -> list[str]:
        """The names of the checks that found something, one for each violation."""
        return [violation.check for violation in self.judged(counted).violations]

    def found_by(self, check: str) -> int:
        """How much one check found; the story may leave out what others ask for."""
        return self.found().count(check)
