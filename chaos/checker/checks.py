"""The checks in their order: each asks one question of the evidence and names what it finds against it."""

from __future__ import annotations

from collections import Counter

from chaos.checker.addresses import closed_addresses, right_person
from chaos.checker.agreements import agreements
from chaos.checker.check import Check
from chaos.checker.contacts import rules, stopped, twice
from chaos.checker.demands import demands
from chaos.checker.ends import ends
from chaos.checker.evidence import Evidence
from chaos.checker.holds import held
from chaos.checker.leftovers import failed_tasks, stuck
from chaos.checker.names import named
from chaos.checker.payments import after_payment, money
from chaos.checker.steps import steps


def judge(evidence: Evidence) -> list[Check]:
    """Every check, in the order in which they are told."""
    receipts, after = after_payment(evidence)
    return [
        twice(evidence),
        steps(evidence),
        after,
        rules(evidence, receipts),
        stopped(evidence),
        held(evidence),
        right_person(evidence),
        closed_addresses(evidence),
        demands(evidence),
        money(evidence),
        agreements(evidence),
        stuck(evidence),
        failed_tasks(evidence),
        ends(evidence),
        replays(evidence),
        named(evidence),
        world(evidence),
    ]


def replays(evidence: Evidence) -> Check:
    check = Check("replays", "Was every webhook refused whose signature was too old?")
    check.looked_at = len(evidence.late_replays)
    for status, number in Counter(evidence.late_replays).items():
        if not 400 <= status < 500:
            check.against(None, f"{number} replays two days late were answered {status}")
    return check


def world(evidence: Evidence) -> Check:
    """The world was in order: else no other check means anything."""
    check = Check("world", "Was the world itself in order, and its log whole?")
    check.looked_at = len(evidence.world)
    for number, entry in enumerate(evidence.world, 1):
        if entry.seq != number:
            check.against(None, f"line {number} of the log is missing", entry)
            break
    for entry in evidence.of("world_error"):
        check.against(entry.loan_id, entry.text("reason"), entry)
    return check
