"""What the product was told, and took: webhooks that were answered 2xx."""

from __future__ import annotations

from collections import Counter, defaultdict

from chaos.checker.evidence import Entry, Evidence

_PAID_BY = frozenset({"checkout.session.completed", "checkout.session.async_payment_succeeded"})


def accepted(evidence: Evidence) -> dict[tuple[str | None, str], Entry]:
    """The first delivery of each webhook that was answered 2xx, by loan and event id."""
    found: dict[tuple[str | None, str], Entry] = {}
    for hook in evidence.of("webhook"):
        if 200 <= int(hook.data["status"]) < 300:
            found.setdefault((hook.loan_id, hook.text("event_id")), hook)
    return found


def told_of_payments(evidence: Evidence) -> dict[int, int]:
    """By the line of a payment, the line on which news of it and of all before it had certainly been accepted.

    The log does not say which payment an event is about: so as many must be accepted as payments were made.
    """
    heard: dict[str | None, list[int]] = defaultdict(list)
    for (loan_id, _), hook in accepted(evidence).items():
        if hook.text("type") in _PAID_BY:
            heard[loan_id].append(hook.seq)
    number: Counter[str | None] = Counter()
    found: dict[int, int] = {}
    for payment in evidence.of("payment"):
        number[payment.loan_id] += 1
        lines = sorted(heard[payment.loan_id])
        if len(lines) >= number[payment.loan_id]:
            found[payment.seq] = lines[number[payment.loan_id] - 1]
    return found
