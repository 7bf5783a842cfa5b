"""What `make bench` runs: each benchmark measures figures and holds them against a bar.

A new one is a module with a function of the scale that returns figures, and a line in `BENCHMARKS`. At scale 1 the
sizes are those that the bars are about; smaller ones are for trials.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value. `bar` is the least it must be (or, with `at_most`, the most); None: no promise.

    `value` None: it could not be measured, and `note` says why; then it does not hold.
    """

    name: str
    value: float | None
    unit: str
    bar: float | None = None
    at_most: bool = False
    note: str = ""

    @property
    def holds(self) -> bool | None:
        if self.bar is None:
            return None
        if self.value is None:
            return False
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def progress(what: str) -> None:
    """Say on standard error what is being measured now."""
    print(f"  {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


LEAST_CPU = 1e-6
"""Seconds. The kernel counts CPU in hundredths: the few loans of a trial may take none of it."""


def sized(full: int, scale: float) -> int:
    """So many at this scale; never less than two."""
    return max(2, round(full * scale))


# name: (module:function, what it measures). The module is imported when it runs.
BENCHMARKS: dict[str, tuple[str, str]] = {
    "contact-decision": (
        "benchmarks.contact_decision:measure",
        "contact decisions a second on one core, with a ledger of 50 events, beside proactive-gate",
    ),
    "carrying": (
        "benchmarks.carrying:measure",
        "loans carried from start to cure a second, of the bare workflow; CPU for two worker processes, of one",
    ),
    "replies": ("benchmarks.replies:measure", "borrowers' messages understood a second on one core"),
    "history": (
        "benchmarks.history:measure",
        "events and bytes of the standard 90-day loan; the longest run of a busy one",
    ),
    "waking": ("benchmarks.waking:measure", "CPU of a sleeping loan's cold wake, of the bare workflow's"),
    "stopping": ("benchmarks.stopping:measure", "from a payment webhook's 2xx to the plans cancelled, 20 a second"),
    "campaign": (
        "benchmarks.campaign:measure",
        "20,000 loans: started by a campaign and by a plain client loop; memory of 10,000 asleep; cost as they grow",
    ),
    "money-to-link": (
        "benchmarks.money_to_link:measure",
        "5,000 sandbox borrowers over 90 days: from money arriving to the link, reads placed and reads spread evenly",
    ),
    "footprint": (
        "benchmarks.footprint:measure",
        "what a loan of a 90-day rehearsal takes of PostgreSQL (disk, log, transactions, CPU) and of Temporal's disk",
    ),
    "taking-in": ("benchmarks.taking_in:measure", "verified webhooks stored a second, on SQLite and PostgreSQL"),
}
