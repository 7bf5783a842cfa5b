"""Which faults a seed brings, and when: drawn once, the same for the same seed and options."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass

HTTP_SERVICES = ("bank", "stripe", "twilio", "meta")
PROXIED = ("temporal", *HTTP_SERVICES, "smtp", "web")
HAVE_EFFECTS = tuple(name for name in PROXIED if name != "bank")
"""Of the bank a campaign only reads: there is no effect after which it could be cut."""
_DRAWING = 15
"""By this drawing seeds 1 to 20 bring every kind to each of its targets."""


@dataclass(frozen=True)
class Kind:
    """A kind of fault: what it may strike, how long it lasts (seconds by the wall clock), on which databases."""

    name: str
    about: str
    targets: tuple[str, ...]
    seconds: tuple[float, float] = (2.0, 8.0)
    databases: tuple[str, ...] = ("sqlite", "postgresql")
    weight: int = 1


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "kill",
            "kill -9 of a process, started again after a moment",
            ("worker-0", "worker-1", "web", "temporal", "sandbox"),
            (0.5, 5.0),
            weight=4,
        ),
        Kind("kill-postgresql", "kill -9 of PostgreSQL, started again", ("postgresql",), (0.5, 4.0), ("postgresql",)),
        Kind("locked", "the SQLite file held locked by another process", ("sqlite",), (3.0, 20.0), ("sqlite",)),
        Kind("disk-full", "web app and workers cannot write to their files", ("sqlite",), (3.0, 12.0), ("sqlite",)),
        Kind("refused", "connections refused", PROXIED, weight=2),
        Kind("slow", "a tenth of a second for each piece of what passes", PROXIED, (3.0, 8.0), weight=2),
        Kind("cut", "connections cut before a request passes", PROXIED, weight=2),
        Kind("cut-after-effect", "requests pass, their answers are cut off", HAVE_EFFECTS, (2.0, 6.0), weight=3),
        Kind("refused-postgresql", "connections to PostgreSQL refused", ("postgresql",), (2.0, 8.0), ("postgresql",)),
        Kind("slow-postgresql", "a tenth of a second for each piece", ("postgresql",), (2.0, 6.0), ("postgresql",)),
        Kind("cut-postgresql", "cut before a statement passes", ("postgresql",), (2.0, 6.0), ("postgresql",)),
        Kind("lost-commit", "commits pass, their answers are cut off", ("postgresql",), (2.0, 6.0), ("postgresql",)),
        Kind("429", "bursts of 429 from a provider", (*HTTP_SERVICES, "smtp")),
        Kind("500", "bursts of 500 from a provider", HTTP_SERVICES),
        Kind("lost-answer", "a provider acts and does not answer", (*HTTP_SERVICES, "smtp")),
        Kind("webhooks-doubled", "webhooks delivered twice", ("webhooks",), (5.0, 15.0)),
        Kind("webhooks-reordered", "what follows a webhook overtakes it", ("webhooks",), (5.0, 15.0)),
        Kind("webhooks-delayed", "webhooks come one to three days late", ("webhooks",), (3.0, 8.0)),
        Kind("webhooks-replayed", "true webhooks again, in time and two days later", ("web",), (0.0, 0.0)),
        Kind("clock", "the web host's clock ten minutes ahead or behind", ("web",), (5.0, 12.0)),
        Kind("clock-worker", "a worker host's clock ten minutes ahead or behind", ("worker-1",), (5.0, 12.0)),
    )
}


@dataclass(frozen=True)
class Fault:
    """`at`: the share of the campaign's loan days that has passed when it comes; `seconds`: how long it lasts."""

    number: int
    at: float
    kind: str
    target: str
    seconds: float
    ahead: bool = True

    def __str__(self) -> str:
        return f"{self.kind} {self.target} for {self.seconds:.1f} s"


def draw(seed: int, database: str, *, count: int = 14, kinds: Collection[str] | None = None) -> tuple[Fault, ...]:
    """The faults of one campaign in order. Every fourth is a kill; none of a kind before others had their turn.

    Raises ValueError when no kind is left to draw from.
    """
    chance = random.Random(f"{seed}|{database}|chaos|{_DRAWING}")  # nosec B311 # faults must repeat themselves
    open_kinds = [k for k in KINDS.values() if database in k.databases and (kinds is None or k.name in kinds)]
    if not open_kinds:
        raise ValueError(f"none of these faults applies to {database}")
    bag: list[Kind] = []
    drawn: list[tuple[float, Kind]] = []
    for number in range(count):
        if not bag:
            bag = list(open_kinds)
            chance.shuffle(bag)
            bag += [kind for kind in open_kinds for _ in range(kind.weight - 1)]
            bag = _spread(bag, chance)
        # Evenly over the campaign, with a little chance; the first few while it starts its loans.
        at = max(0.0, (number + chance.uniform(-0.4, 0.4)) / count * 0.9)
        drawn.append((at, bag.pop(0)))
    return tuple(
        Fault(
            number,
            round(at, 4),
            kind.name,
            chance.choice(kind.targets),
            round(chance.uniform(*kind.seconds), 1),
            chance.random() < 0.5,
        )
        for number, (at, kind) in enumerate(sorted(drawn, key=lambda one: one[0]))
    )


def _spread(bag: list[Kind], chance: random.Random) -> list[Kind]:
    """A shuffle in which a kind of more weight comes up about as often in each half."""
    keyed: list[tuple[float, Kind]] = []
    seen: dict[str, int] = {}
    totals = {kind.name: sum(1 for other in bag if other is kind) for kind in bag}
    for kind in bag:
        turn = seen[kind.name] = seen.get(kind.name, 0) + 1
        keyed.append(((turn - chance.random()) / totals[kind.name], kind))
    return [kind for _, kind in sorted(keyed, key=lambda pair: pair[0])]


def listed(faults: Iterable[Fault]) -> dict[str, int]:
    """How many of each kind."""
    counted: dict[str, int] = {}
    for fault in faults:
        counted[fault.kind] = counted.get(fault.kind, 0) + 1
    return dict(sorted(counted.items()))
