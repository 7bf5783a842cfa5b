"""Rules across the keys of a strategy file, each told where it is broken.

The model holds the same rules but stops at the first; whoever writes a strategy wants all of them at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from config.yaml_source import FieldPath, Value
from domain.agreements.model import MESSAGES
from domain.contact_orders import ASKED, CONSENT, FUNDS, PART_RECEIPT, RECEIPT
from domain.conversation.model import REPLY
from domain.notices import is_notice
from domain.own_words import is_words

Finding = tuple[FieldPath, str, str]

_TAKEN = frozenset({RECEIPT, PART_RECEIPT, FUNDS, ASKED, REPLY, CONSENT, *MESSAGES})
"""What the ledger calls contacts that no step orders: a step of the same name would be taken for one of them."""


def step_problems(path: FieldPath, step: Mapping[str, Value]) -> Iterator[Finding]:
    """What keeps one step, as written, from being whole."""
    given = {key for key, value in step.items() if value not in (None, [])}
    kind = step.get("kind")
    for key in ("id", "kind"):
        if key not in given:
            yield (*path, key), "is missing", ""
    name = step.get("id")
    if isinstance(name, str) and (name in _TAKEN or is_notice(name) or is_words(name)):
        yield (*path, "id"), "is a name that Recobro gives to contacts of its own", "another id"
    if {"dpd", "after_days"} <= given:
        yield (*path, "after_days"), "stands beside dpd", "exactly one of dpd and after_days"
    if not {"dpd", "after_days"} & given:
        yield path, "does not say when", "exactly one of dpd and after_days"
    if kind in ("remind", "offer_link") and not {"channels", "template"} <= given:
        missing = " and ".join(key for key in ("channels", "template") if key not in given)
        yield path, f"kind {kind} without {missing}", "channels and a template"
    elif kind == "debit" and not {"channels", "template"} & given and str(step.get("notice_days")) != "0":
        yield path, "a debit step has no notice", "channels and a template, or notice_days: 0"
    elif len({"channels", "template"} & given) == 1:
        yield path, "channels and template go together", "both or none"
    channels = step.get("channels")
    if "unread_after_hours" in given and len(channels if isinstance(channels, list) else []) < 2:
        yield (*path, "unread_after_hours"), "has no second channel to go out by", "two or more channels"
    if kind == "escalate" and "stage" not in given:
        yield path, "an escalate step has no stage", "the stage it moves the loan to"
    if kind == "handoff" and "queue" not in given:
        yield path, "a handoff step has no queue", "a name of queues"
    if kind != "debit":
        for key in sorted({"funds_seen", "notice_days", "on_return"} & given):
            yield (*path, key), "belongs to a debit step", "kind: debit"
    yield from _twice((*path, "channels"), step.get("channels"))


def sequence_problems(top: Mapping[str, Value]) -> Iterator[Finding]:
    """What is wrong between the steps, the queues and the stages of a strategy as written."""
    queues = top.get("queues")
    queues = queues if isinstance(queues, dict) else {}
    steps = top.get("steps")
    yield from _between_steps(steps if isinstance(steps, list) else [], queues)
    yield from _debits(steps if isinstance(steps, list) else [], isinstance(top.get("watch"), dict))
    yield from _between_queues(queues)
    for part in ("watch", "receipt"):
        value = top.get(part)
        if isinstance(value, dict):
            yield from _twice((part, "channels"), value.get("channels"))
    stages = top.get("stages")
    last: int | None = None
    for stage, dpd in stages.items() if isinstance(stages, dict) else ():
        number = _whole_number(dpd)
        if number is not None and last is not None and number <= last:
            yield (
                ("stages", stage),
                f"starts at {number}, not after the stage before it ({last})",
                "rising days",
            )
        last = number if number is not None else last


def _between_steps(steps: list[Value], queues: Mapping[str, Value]) -> Iterator[Finding]:
    ids: set[str] = set()
    last: int | None = None
    for index, step in enumerate(steps):
        if not isinstance(step, dict):
            continue
        name, queue = step.get("id"), step.get("queue")
        if isinstance(name, str):
            if name in ids:
                yield ("steps", index, "id"), f"stands twice: {name[:40]}", "an id of its own for each step"
            ids.add(name)
        dpd = _whole_number(step.get("dpd"))
        if dpd is not None:
            if last is not None and dpd < last:
                yield (
                    ("steps", index, "dpd"),
                    f"is {dpd}, earlier than a step before it ({last})",
                    f"at least {last}",
                )
            last = dpd if last is None else max(last, dpd)
        if isinstance(queue, str) and queue not in queues:
            yield ("steps", index, "queue"), "names a queue that queues does not have", _one_of(queues)


def _debits(steps: list[Value], watched: bool) -> Iterator[Finding]:
    names = [step.get("id") if isinstance(step, dict) else None for step in steps]
    for index, step in enumerate(steps):
        if not isinstance(step, dict):
            continue
        if step.get("funds_seen") == "true" and not watched:
            yield ("steps", index, "funds_seen"), "waits for the watch, and there is none", "a watch"
        named = step.get("on_return")
        for code, target in named.items() if isinstance(named, dict) else ():
            if target not in names[index + 1 :]:
                yield ("steps", index, "on_return", code), "names no later step", "the id of a step after this one"


def _between_queues(queues: Mapping[str, Value]) -> Iterator[Finding]:
    for name in queues:
        after = _then(queues, name)
        if after is not None and after not in queues:
            yield ("queues", name, "then"), "names a queue that queues does not have", _one_of(queues)
        seen = {name}
        while after is not None and after in queues:
            if after == name:
                yield ("queues", name, "then"), "hands over in a circle", "a last queue without then"
            if after in seen:
                break
            seen.add(after)
            after = _then(queues, after)


def _then(queues: Mapping[str, Value], name: str) -> str | None:
    queue = queues[name]
    after = queue.get("then") if isinstance(queue, dict) else None
    return after if isinstance(after, str) else None


def _twice(path: FieldPath, value: Value) -> Iterator[Finding]:
    if isinstance(value, list):
        words = [each for each in value if isinstance(each, str)]
        for index, each in enumerate(words):
            if each in words[:index]:
                yield (*path, index), f"stands twice: {each[:40]}", "each channel once"


def _whole_number(value: Value) -> int | None:
    return int(value) if isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]{1,6}", value) else None


def _one_of(queues: Mapping[str, Value]) -> str:
    return f"one of {', '.join(queues)}" if queues else "a queue in queues"
