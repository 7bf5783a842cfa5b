"""What `doctor` finds: what is wrong, why it matters, and what mends it."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session

from records import audit

SHOWN = 20
"""So many loans, webhooks or cases are named in one finding; `count` says how many there are."""

Mend = Callable[[], Awaitable[str]]
"""Does what is safe to do at once and says in a sentence what came of it."""


@dataclass(frozen=True)
class Finding:
    """`command` is to be pasted, or says what a person has to do. `subjects` are ids, never personal data."""

    check: str
    what: str
    why: str
    command: str
    count: int = 1
    subjects: tuple[str, ...] = ()
    mend: Mend | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "check": self.check,
            "what": self.what,
            "why": self.why,
            "command": self.command,
            "count": self.count,
            "subjects": list(self.subjects),
            "mendable": self.mend is not None,
        }


def about(
    check: str, what: str, why: str, command: str, subjects: Iterable[object], mend: Mend | None = None
) -> list[Finding]:
    """One finding about all subjects, none when there are none. `{n}` in `what` is their number."""
    every = [str(subject) for subject in subjects]
    if not every:
        return []
    told = what.replace("{n}", f"{len(every):,}")
    return [Finding(check, told, why, command, len(every), tuple(every[:SHOWN]), mend)]


def acting() -> str:
    """Whoever runs `doctor --mend`, as the audit trail names them."""
    return f"operator {getpass.getuser()}, doctor"


def note(session: Session, action: str, lender: str, loan_id: str | None, details: dict[str, object]) -> None:
    """What a mend did, in the audit trail, under the name of whoever ran it."""
    audit.append(
        session,
        at=datetime.now(UTC),
        actor=acting(),
        action=action,
        lender=lender,
        loan_id=loan_id,
        details=details,
    )
