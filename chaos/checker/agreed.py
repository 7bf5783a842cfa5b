"""What was agreed on with borrowers, as the product's tables have it, and what the world paid of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chaos.checker.evidence import Debt, Entry, Evidence, moment
from chaos.checker.whole_units import smallest_asked_for

_IN_FORCE = frozenset({"open", "active"})


@dataclass(frozen=True)
class Part:
    """One payment that was agreed on."""

    due: date
    amount_minor: int
    paid_minor: int


@dataclass(frozen=True)
class Agreed:
    """An agreement that came into force; `until` is None while it is."""

    loan_id: str
    entry: int
    number: int
    kind: str
    state: str
    since: datetime
    until: datetime | None
    grace_days: int
    tolerance_minor: int
    adjustment_minor: int
    added_minor: int
    was_moved: bool
    """Its dates are not those it began with."""
    said_in: str | None
    """The message by which its borrower said yes."""
    parts: tuple[Part, ...]

    @property
    def in_force(self) -> bool:
        return self.state in _IN_FORCE

    def too_late(self, part: Part, debt: Debt) -> datetime:
        """The first moment at which money for `part` no longer comes in time."""
        last = part.due + timedelta(days=self.grace_days + 1)
        return datetime.combine(last, time(0), ZoneInfo(debt.zone))

    def let_pass_minor(self, debt: Debt) -> int:
        """So much may be missing of what is to be paid."""
        return max(self.tolerance_minor, smallest_asked_for(debt.currency) - 1)


def agreed(evidence: Evidence) -> list[Agreed]:
    """Every agreement that is or was in force; what was only offered keeps the day on which the offer lapsed."""
    names = evidence.loan_names()
    parts: dict[int, list[Part]] = defaultdict(list)
    for row in evidence.rows["agreement_instalment"]:
        parts[row["agreement_ref"]].append(Part(day(row["due"]), row["amount_minor"], row["paid_minor"]))
    return [
        Agreed(
            loan_id=names[row["loan_ref"]],
            entry=row["entry"],
            number=row["number"],
            kind=row["kind"],
            state=row["state"],
            since=moment(row["made_at"]),
            until=moment(row["ended_at"]) if row["ended_at"] is not None else None,
            grace_days=row["grace_days"],
            tolerance_minor=row["tolerance_minor"],
            adjustment_minor=row["adjustment_minor"],
            added_minor=row["added_minor"],
            was_moved=row["revision"] > 0,
            said_in=row["evidence_message_id"],
            parts=tuple(parts[row["id"]]),
        )
        for row in evidence.rows["agreement"]
        if row["expires_at"] is None
    ]


def payments_since(evidence: Evidence, one: Agreed) -> list[Entry]:
    """The world's payments for its loan since it was made, those among them that were taken back.

    And of the day before: the product counts whole days, in the zone that it takes the borrower's to be.
    """
    since = one.since - timedelta(days=1)
    return [entry for entry in evidence.of("payment") if entry.loan_id == one.loan_id and entry.at > since]


def day(stored: date | str) -> date:
    """A day of the ledger: SQLite gives text."""
    return date.fromisoformat(stored) if isinstance(stored, str) else stored
