"""What the world saw, judged by the rules: every breach named, with the log's own number for it.

The checks read the sandbox world's log, not our ledger, and share nothing with the engine that decides about
contacts. Our records are opened only where the question is whether they agree with the world.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from commands.plain_rules import Residence
from commands.world_log import WorldLog

AFTER_THE_CAMPAIGN = timedelta(days=45)
"""How long after the strategy's last day a loan may still be held before the rehearsal gives up on it."""


class Violation(BaseModel):
    """Something that must not be. `at` is the loan's clock, `seq` the line of the world's log; None: no line."""

    model_config = ConfigDict(frozen=True)

    check: str
    loan_id: str | None
    at: AwareDatetime | None
    seq: int | None
    text: str

    def __str__(self) -> str:
        where = f"loan {self.loan_id}" if self.loan_id else "no one loan"
        when = f", {self.at:%Y-%m-%d %H:%M:%SZ}" if self.at else ""
        line = f", line {self.seq} of the world's log" if self.seq is not None else ""
        return f"{self.check}: {where}{when}{line}: {self.text}"


class Check(BaseModel):
    """One question asked, of how many things, and what was found against it."""

    model_config = ConfigDict(frozen=True)

    name: str
    question: str
    looked_at: int
    unit: str
    violations: tuple[Violation, ...] = ()


class Borrower(BaseModel):
    """A person as the world invented them. Personal: it stays in memory, and out of `repr`."""

    model_config = ConfigDict(frozen=True)

    person_id: str
    residence: Residence
    secrets: tuple[str, ...] = ()
    """What must appear nowhere in Temporal or in logs: name, phone, e-mail, account numbers."""
    addresses: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Borrower({self.person_id!r})"

    __str__ = __repr__


class DebtFacts(BaseModel):
    """A loan as it was handed over, in minor units of `currency`, and the end our records give it."""

    model_config = ConfigDict(frozen=True)

    loan_id: str
    person_id: str
    amount_minor: int
    currency: str
    end: str | None
    held: bool = False
    """What the person reported (a hardship, a dispute ...) waits for somebody's decision, and all else with it."""


class KeptPayment(BaseModel):
    """A payment as our records hold it."""

    model_config = ConfigDict(frozen=True)

    payment_id: str
    loan_id: str | None
    amount_minor: int
    currency: str
    reversed: bool


class KeptAgreement(BaseModel):
    """An agreement that came into force, and when it ended; None: never in the rehearsal."""

    model_config = ConfigDict(frozen=True)

    loan_id: str
    kind: str
    number: int
    since: AwareDatetime
    until: AwareDatetime | None
    instalments: tuple[int, ...] = ()
    """Minor units, in the order of their dates."""


class Ours(BaseModel):
    """What our records say, where the world is asked whether it agrees."""

    model_config = ConfigDict(frozen=True)

    debts: dict[str, DebtFacts]
    borrowers: dict[str, Borrower]
    payments: tuple[KeptPayment, ...] = ()
    agreements: tuple[KeptAgreement, ...] = ()
    steps: dict[str, str] = {}
    """The step a message was sent for, by the provider's id of the message."""
    closed_mailboxes: int = 0
    unrelayed: tuple[str, ...] = ()
    """Webhooks we stored and never finished with."""
    webhooks: int = 0

    def borrower_of(self, loan_id: str | None) -> Borrower | None:
        debt = self.debts.get(loan_id or "")
        return self.borrowers.get(debt.person_id) if debt else None


class Verdict(BaseModel):
    """All checks of one rehearsal."""

    model_config = ConfigDict(frozen=True)

    checks: tuple[Check, ...]

    @property
    def violations(self) -> tuple[Violation, ...]:
        return tuple(violation for check in self.checks for violation in check.violations)


def judge(log: WorldLog, ours: Ours, counted: Mapping[str, int], further: Iterable[Check] = ()) -> Verdict:
    """Every check over one world's log. `counted` is the money the results claim as received, by currency."""
    from commands import verdict_agreements, verdict_contacts, verdict_money

    agreed = (verdict_agreements.no_demand_while_kept(log, ours), verdict_agreements.one_at_a_time(ours))
    contacts = verdict_contacts.checks(log, ours)
    return Verdict(checks=(*contacts, *agreed, *verdict_money.checks(log, ours, counted), *further))


class Finding:
    """Collects the violations of one check."""

    def __init__(self, name: str, question: str, unit: str) -> None:
        self._name, self._question, self._unit = name, question, unit
        self._violations: list[Violation] = []
        self.looked_at = 0

    def against(self, loan_id: str | None, at: datetime | None, seq: int | None, text: str) -> None:
        self._violations.append(Violation(check=self._name, loan_id=loan_id, at=at, seq=seq, text=text))

    def check(self) -> Check:
        return Check(
            name=self._name,
            question=self._question,
            looked_at=self.looked_at,
            unit=self._unit,
            violations=tuple(self._violations),
        )
