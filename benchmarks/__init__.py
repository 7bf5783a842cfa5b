"""What `make bench` runs: each benchmark measures figures and holds them against a bar.

A new one is a module with a function that returns figures, and a line in `BENCHMARKS`.
"""

from __future__ import annotations

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


# name: (module:function, what it measures). The module is imported when it runs.
BENCHMARKS: dict[str, tuple[str, str]] = {
    "contact-decision": (
        "benchmarks.contact_decision:measure",
        "contact decisions a second on one core, with a ledger of 50 events, beside proactive-gate",
    ),
}
