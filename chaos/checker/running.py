"""Which loans may still run when the clocks stop, because something lawful had held them up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from chaos.checker.agreed import Agreed, agreed, payments_since
from chaos.checker.evidence import Evidence, moment

_HANDOFF, _CIRCUMSTANCE = "handoff", "circumstance"
"""The kinds of cases that stop their loan's clock: the one until its own time is up, the other however long."""
_BROKEN = "broken_agreement"


def reopened_late(evidence: Evidence) -> set[str]:
    """Loans that went on again too late: a reversal let them, or a person who decided about a broken agreement."""
    since = evidence.last_reopening
    return {loan_id for loan_id, at in _reopenings(evidence) if since is not None and at > since}


def held_up(evidence: Evidence) -> set[str]:
    """Loans that had not run for as long as the strategy says when the clocks stopped, since they began or went on.

    What was agreed on, and cases that waited for people, had their clocks stand still for so long.
    """
    since = evidence.last_reopening
    if since is None:
        return set()
    began = [(row["loan_id"], moment(row["entered_at"])) for row in evidence.rows["loan"]]
    stood = _stood_still(evidence)
    return {
        loan_id for loan_id, at in (*began, *_reopenings(evidence)) if at + _within(stood.get(loan_id, ()), at) > since
    }


def paying_on(evidence: Evidence) -> set[str]:
    """Loans with an agreement in force of which some falls due after the clocks stop, and all that did before was paid.

    Paid by the world's own money, whatever the ledger says of it.
    """
    stops = evidence.clocks_stop
    return {one.loan_id for one in agreed(evidence) if one.in_force and stops and _is_kept(evidence, one, stops)}


def _reopenings(evidence: Evidence) -> list[tuple[str, datetime]]:
    reversals = [(entry.loan_id, entry.at) for entry in evidence.of("reversal") if entry.loan_id is not None]
    return reversals + evidence.decisions(_BROKEN)


def _is_kept(evidence: Evidence, one: Agreed, stops: datetime) -> bool:
    debt = evidence.debts[one.loan_id]
    back = {entry.text("payment_id") for entry in evidence.of("reversal")}
    stands = (paid for paid in payments_since(evidence, one) if paid.text("payment_id") not in back)
    came = sum(paid.minor() for paid in stands)
    due = sum(part.amount_minor for part in one.parts if one.too_late(part, debt) <= stops)
    whole = sum(part.amount_minor for part in one.parts)
    let_pass = one.let_pass_minor(debt)
    return due - let_pass <= came < whole - let_pass and due < whole


def _stood_still(evidence: Evidence) -> dict[str, list[tuple[datetime, datetime]]]:
    """By loan, the times in which its clock stood still, of those that are over."""
    stood: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for one in agreed(evidence):
        if one.until is not None:
            stood[one.loan_id].append((one.since, one.until))
    names = evidence.loan_names()
    for case in evidence.rows["collection_case"]:
        ended = case["decided_at"] or case["closed_at"]
        if case["kind"] == _HANDOFF:
            over = min(moment(ended or case["sla_at"]), moment(case["sla_at"]))
        elif case["kind"] == _CIRCUMSTANCE and ended:
            over = moment(ended)
        else:
            continue
        stood[names[case["loan_ref"]]].append((moment(case["opened_at"]), over))
    return stood


def _within(times: Iterable[tuple[datetime, datetime]], since: datetime) -> timedelta:
    """How long any of `times` lasted from `since` on; what overlaps counts once."""
    total, reached = timedelta(), since
    for begins, ends in sorted(times):
        total += max(timedelta(), ends - max(begins, reached))
        reached = max(reached, ends)
    return total
