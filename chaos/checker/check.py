"""What a check says: how much it looked at, and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field

from chaos.checker.evidence import Entry


@dataclass
class Check:
    """`looked_at`: how many things were asked about; `violations`: what was found, in words without personal data."""

    name: str
    question: str
    looked_at: int = 0
    violations: list[str] = field(default_factory=list)

    def against(self, loan_id: str | None, what: str, entry: Entry | None = None) -> None:
        where = f"loan {loan_id}" if loan_id else "no one loan"
        line = f", {entry.at:%Y-%m-%d %H:%M:%SZ}, line {entry.seq} of the world's log" if entry else ""
        self.violations.append(f"{self.name}: {where}{line}: {what}")
