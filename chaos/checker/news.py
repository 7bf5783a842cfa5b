"""What the product was told, and took: webhooks that were answered 2xx."""

from __future__ import annotations

from collections import defaultdict

from chaos.checker.evidence import Entry, Evidence


def accepted(evidence: Evidence) -> dict[tuple[str | None, str], Entry]:
    """The first delivery of each webhook that was answered 2xx, by loan and event id."""
    found: dict[tuple[str | None, str], Entry] = {}
    for hook in evidence.of("webhook"):
        if 200 <= int(hook.data["status"]) < 300:
            found.setdefault((hook.loan_id, hook.text("event_id")), hook)
    return found


def taken_in(evidence: Evidence) -> dict[tuple[str | None, str], Entry]:
    """Of each webhook that was accepted, by loan and event id, the first delivery that may have told it: one whose
    answer was lost (status 0) may have had its effect.
    """
    heard = accepted(evidence)
    found: dict[tuple[str | None, str], Entry] = {}
    for hook in evidence.of("webhook"):
        key = (hook.loan_id, hook.text("event_id"))
        if key in heard and (int(hook.data["status"]) == 0 or hook.seq == heard[key].seq):
            found.setdefault(key, hook)
    return found


def heard_of_payments(evidence: Evidence) -> dict[str, Entry]:
    """By the payment, the first news of it that was accepted."""
    heard: dict[str, Entry] = {}
    for hook in accepted(evidence).values():
        if paid := hook.text("payment_id"):
            heard[paid] = min(hook, heard.get(paid, hook), key=lambda one: one.seq)
    return heard


def told_of_payments(evidence: Evidence) -> dict[int, int]:
    """By the line of a payment, the line on which news of it and of all before it had been accepted."""
    heard = {paid: hook.seq for paid, hook in heard_of_payments(evidence).items()}
    before: dict[str | None, list[int | None]] = defaultdict(list)
    found: dict[int, int] = {}
    for payment in evidence.of("payment"):
        lines = before[payment.loan_id]
        lines.append(heard.get(payment.text("payment_id")))
        known = [line for line in lines if line is not None]
        if len(known) == len(lines):
            found[payment.seq] = max(known)
    return found
