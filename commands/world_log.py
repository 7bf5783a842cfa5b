"""The sandbox world's log, read for judging: what reached people, what money moved, what was told to us."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.message_names import of_whatsapp

PAYS_BY = "/pay/"
"""Part of every payment link's address in the world: a message that holds it asks for money."""

_TOLD_BY: dict[str, dict[str, tuple[str, ...]]] = {
    "payment": {
        "stripe": ("checkout.session.completed", "checkout.session.async_payment_succeeded"),
        "mercadopago": ("payment",),
    },
    "reversal": {"stripe": ("charge.dispute.funds_withdrawn",)},
}
_DEAD_SMS_CODES = frozenset({30005, 30006})


@dataclass(frozen=True)
class Entry:
    """One line of the log. `at` is the loan's own clock; `data` the keys of its kind (sandbox/README.md)."""

    seq: int
    kind: str
    at: datetime
    loan_id: str | None
    data: dict[str, Any]

    def text(self, key: str) -> str:
        return str(self.data.get(key) or "")

    def minor(self, key: str = "amount_minor") -> int:
        return int(self.data[key])


@dataclass(frozen=True)
class Message:
    """An SMS or e-mail the world took on. `arrived_at` None: it did not reach anybody."""

    seq: int
    at: datetime
    loan_id: str | None
    channel: str
    address: str
    body: str
    provider_id: str
    arrived_at: datetime | None
    dead_code: int | None = None

    @property
    def asks_for_money(self) -> bool:
        return PAYS_BY in self.body


class WorldLog:
    """All lines of one rehearsal, in the order in which things happened."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = sorted(entries, key=lambda entry: entry.seq)
        self._by_kind: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            self._by_kind[entry.kind].append(entry)
        accepted = [entry for entry in self.of("webhook") if 200 <= int(entry.data["status"]) < 300]
        self._accepted = {(hook.loan_id, hook.text("event_id")): hook for hook in reversed(accepted)}
        self.messages = list(self._messages())

    @classmethod
    def read(cls, path: Path) -> WorldLog:
        """Raises OSError, or ValueError naming the line that is no entry."""
        entries = []
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    entries.append(entry_of(json.loads(line)))
                except (ValueError, KeyError) as error:
                    raise ValueError(f"{path.name}:{number}: not an entry of the world's log: {error!r}") from None
        return cls(entries)

    def of(self, *kinds: str) -> list[Entry]:
        """Entries of these kinds in order."""
        if len(kinds) == 1:
            return self._by_kind[kinds[0]]
        return [entry for entry in self.entries if entry.kind in kinds]

    def heard(self, event_id: str, loan_id: str | None) -> Entry | None:
        """The delivery of a webhook that was answered 2xx first, if one was."""
        return self._accepted.get((loan_id, event_id))

    def money_heard(self, moved: Entry) -> Entry | None:
        """When we were told of a payment or reversal: the first such webhook of its loan accepted after it."""
        told = _TOLD_BY[moved.kind]
        return next(
            (
                hook
                for hook in self.of("webhook")
                if hook.seq > moved.seq
                and hook.loan_id == moved.loan_id
                and hook.text("type") in told.get(hook.text("provider"), ())
                and hook.at >= moved.at
                and 200 <= int(hook.data["status"]) < 300
            ),
            None,
        )

    def _messages(self) -> Iterator[Message]:
        fates = {entry.text("sid"): entry for entry in self.of("sms_status")}
        arrived = {
            e.text("wamid"): e for e in self.of("whatsapp_status") if e.text("status") in ("delivered", "failed")
        }
        for entry in self.of("sms", "email", "call", "whatsapp"):
            if entry.kind == "call":
                yield Message(entry.seq, entry.at, entry.loan_id, "call", entry.text("to"), "", entry.text("sid"), None)
                continue
            if entry.kind == "whatsapp":
                end = arrived.get(entry.text("wamid"))
                yield Message(
                    entry.seq,
                    entry.at,
                    entry.loan_id,
                    "whatsapp",
                    entry.text("to"),
                    entry.text("body"),
                    of_whatsapp(entry.text("wamid")),
                    end.at if end is not None and end.text("status") == "delivered" else None,
                )
                continue
            if entry.kind == "email":
                yield Message(
                    entry.seq,
                    entry.at,
                    entry.loan_id,
                    "email",
                    entry.text("to"),
                    f"{entry.text('subject')}\n{entry.text('text')}",
                    entry.text("message_id").strip("<>"),
                    entry.at,
                )
                continue
            fate = fates.get(entry.text("sid"))
            code = fate.data.get("error_code") if fate else None
            yield Message(
                entry.seq,
                entry.at,
                entry.loan_id,
                "sms",
                entry.text("to"),
                entry.text("body"),
                entry.text("sid"),
                fate.at if fate and fate.text("status") == "delivered" else None,
                code if code in _DEAD_SMS_CODES else None,
            )


def entry_of(line: dict[str, Any]) -> Entry:
    """An entry from one JSON object. Raises KeyError, ValueError."""
    left = {key: value for key, value in line.items() if key not in ("seq", "kind", "at", "loan_id", "wall")}
    at = datetime.fromisoformat(line["at"])
    if at.tzinfo is None:
        raise ValueError(f"{line['at']!r} has no zone")
    return Entry(int(line["seq"]), str(line["kind"]), at, line["loan_id"], left)
