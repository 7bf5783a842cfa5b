"""Checks of what is left when the clocks stop: no loan stuck, nothing half done, no workflow task that failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chaos.checker.check import Check
from chaos.checker.ends import is_paid
from chaos.checker.evidence import Entry, Evidence, Row
from chaos.checker.news import accepted
from chaos.checker.running import held_up, paying_on, reopened_late

_LOAN = "loan-demo-"
_ENDED_WELL = frozenset({"COMPLETED", "CONTINUED_AS_NEW"})
_ON_ITS_WAY = frozenset({*_ENDED_WELL, "RUNNING"})


@dataclass(frozen=True)
class _HalfDone:
    """Rows of a table of which some are left half done, and how to say so."""

    table: str
    is_left: Callable[[Row], bool]
    said: Callable[[Row], str]


_MAY_BE_LEFT = (
    _HalfDone(
        "contact",
        lambda row: row["state"] in ("reserved", "sending"),
        lambda row: f"contact {row['step']} is left as {row['state']}",
    ),
    _HalfDone(
        "webhook",
        lambda row: row["relayed_at"] is None,
        lambda row: f"{row['provider']} webhook was never passed on",
    ),
    _HalfDone(
        "webhook",
        lambda row: row["outcome"] == "unreadable",
        lambda row: f"{row['provider']} webhook could not be read, so nothing of it was passed on",
    ),
    _HalfDone("campaign_loan", lambda row: row["started_at"] is None, lambda row: "never started"),
    _HalfDone(
        "payment_inquiry",
        lambda row: row["next_at"] is not None,
        lambda row: f"a payment at {row['provider']} is still to be asked about ({row['status']})",
    ),
    _HalfDone(
        "own_words",
        lambda row: row["state"] in ("written", "waiting"),
        lambda row: f"own words are left as {row['state']}",
    ),
    _HalfDone(
        "refund",
        lambda row: row["state"] == "approved",
        lambda row: "a refund that was approved was not carried out",
    ),
    _HalfDone(
        "debit",
        lambda row: row["state"] in ("planned", "filed"),
        lambda row: f"debit {row['step']} is left as {row['state']}",
    ),
    _HalfDone("attachment", lambda row: row["state"] == "due", lambda row: "a file that was sent was never fetched"),
)


def _held(evidence: Evidence) -> set[str]:
    """Loans that wait for a person's decision and are not paid: whoever has paid waits for nobody."""
    held = evidence.waiting_for_people()
    return {
        loan_id
        for loan_id, outcome in evidence.outcomes().items()
        if loan_id in held and not is_paid(evidence, loan_id, outcome)
    }


def stuck(evidence: Evidence) -> Check:
    """Every loan ended, in the ledger and in Temporal, and with the last one its campaign; nothing is half done."""
    check = Check("stuck", "Is no loan stuck, and nothing left half done?")
    rows = {row["loan_id"]: row for row in evidence.rows["loan"]}
    names = evidence.loan_names()
    may_run = held_up(evidence) | paying_on(evidence) | _held(evidence)
    in_collection = {loan_id for loan_id, row in rows.items() if row["state"] == "in_collection"}
    # Of one that has just gone on again the ledger may still tell its end before.
    still_runs = may_run & in_collection | reopened_late(evidence)
    for loan_id in evidence.debts:
        check.looked_at += 1
        row = rows.get(loan_id)
        if row is None:
            check.against(loan_id, "not in the ledger")
        elif loan_id in still_runs and row["state"] == "in_collection":
            continue
        elif row["state"] != "ended" or row["end_kind"] is None:
            check.against(loan_id, f"reached no end, it is {row['state']}")
    all_ended = all(row["state"] == "ended" for row in rows.values())
    for run in evidence.runs:
        check.looked_at += 1
        if run.workflow_id.removeprefix(_LOAN) in still_runs and run.status in _ON_ITS_WAY:
            continue
        may_go_on = not run.workflow_id.startswith("loan-") and not all_ended
        if run.status not in (_ON_ITS_WAY if may_go_on else _ENDED_WELL):
            check.against(None, f"workflow {run.workflow_id} is {run.status}")
    for half_done in _MAY_BE_LEFT:
        for row in evidence.rows[half_done.table]:
            check.looked_at += 1
            if half_done.is_left(row):
                check.against(names.get(row.get("loan_ref", 0)), half_done.said(row))
    last: dict[tuple[str | None, str], Entry] = {}
    taken = accepted(evidence)
    for hook in evidence.of("webhook"):
        last[hook.loan_id, hook.text("event_id")] = hook
    for key, hook in last.items():
        if key not in taken:
            check.against(hook.loan_id, f"{hook.text('provider')} {hook.text('type')} was never accepted", hook)
    return check


def failed_tasks(evidence: Evidence) -> Check:
    """By Temporal's histories, and by the workers themselves: of a task's second attempt and later ones a history
    says nothing, and after a kill it is the second attempt that replays the whole workflow.
    """
    check = Check("failed-tasks", "Did no workflow task fail?")
    for run in evidence.runs:
        check.looked_at += 1
        for failed in run.failed_tasks:
            check.against(None, f"{run.workflow_id}: {failed}")
    for failed in evidence.failed_at_workers:
        check.against(None, failed)
    return check
