"""The check of ends: as the world's money says, and as without faults wherever the faults cannot matter."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from chaos.checker.agreed import agreed, payments_since
from chaos.checker.check import Check
from chaos.checker.contacts import CONTACTS, contacts_of
from chaos.checker.evidence import DECIDED, Evidence, Outcome, moment
from chaos.checker.left import Left
from chaos.checker.news import told_of_payments
from chaos.checker.running import reopened_late
from chaos.checker.whole_units import smallest_asked_for

_PAID_ENDS = {*DECIDED, "cured"}
_UNDER_WAY = timedelta(minutes=10)
"""A contact that was being sent when its loan ended has left by then."""


def ends(evidence: Evidence) -> Check:
    """Each loan ended as the world's money says; and as without faults wherever that must be (see `compared`)."""
    check = Check("ends", "Did each loan end as its money says, and as without faults where they cannot matter?")
    alike = compared(evidence)
    for loan_id, outcome in evidence.outcomes().items():
        check.looked_at += 1
        paid_up = is_paid(evidence, loan_id, outcome)
        if (
            outcome.end is not None
            and (outcome.end == "cured") != paid_up
            and not (paid_up and outcome.end in _PAID_ENDS)
        ):
            paid = f"{sum(outcome.money)} of {evidence.debts[loan_id].amount_minor}"
            check.against(loan_id, f"it ended as {outcome.end}, and {paid} minor units were paid")
        calm = alike.get(loan_id)
        if calm is not None and calm.end != outcome.end:
            check.against(loan_id, f"it ended as {outcome.end}, without faults as {calm.end}, with the same payments")
    _decided(evidence, check)
    _settled(evidence, check)
    _silent_afterwards(evidence, check)
    return check


def _decided(evidence: Evidence, check: Check) -> None:
    """Where a loan left collection as a person decides, one did, and before it was known to be paid."""
    left = Left(evidence)
    ends = {row["loan_id"]: row["end_kind"] for row in evidence.rows["loan"]}
    for loan_id, decided in evidence.decided_ends().items():
        smallest = smallest_asked_for(evidence.debts[loan_id].currency)
        if not decided:
            check.against(loan_id, f"it ended as {ends[loan_id]}, and nobody decided so")
        elif all(left.at(loan_id, at) < smallest for at in decided):
            check.against(loan_id, f"it ended as {ends[loan_id]}, although it was known to be paid")


def _settled(evidence: Evidence, check: Check) -> None:
    """A loan ends as settled by a settlement of which the world paid all."""
    back = {entry.text("payment_id") for entry in evidence.of("reversal")}
    kept: set[str] = set()
    for one in agreed(evidence):
        if one.kind == "settlement" and one.state == "completed":
            stands = [paid for paid in payments_since(evidence, one) if paid.text("payment_id") not in back]
            wanted = sum(part.amount_minor for part in one.parts) - one.let_pass_minor(evidence.debts[one.loan_id])
            if sum(paid.minor() for paid in stands) >= wanted:
                kept.add(one.loan_id)
    may_be = kept | reopened_late(evidence)
    for row in evidence.rows["loan"]:
        if row["end_kind"] == "settled" and row["loan_id"] not in may_be:
            check.against(row["loan_id"], "it ended as settled, without a settlement of which all was paid")


def _silent_afterwards(evidence: Evidence, check: Check) -> None:
    """Nothing is demanded of a loan that has ended, unless money was taken back since: then it may go on."""
    back = {entry.loan_id: entry.at for entry in evidence.of("reversal")}
    ended = {
        row["loan_id"]: moment(row["ended_at"]) for row in evidence.rows["loan"] if row["ended_at"] and row["end_kind"]
    }
    contacts = contacts_of(evidence)
    for entry in evidence.of(*CONTACTS):
        at = ended.get(entry.loan_id or "")
        row = contacts.get(entry.seq)
        if at is None or row is None or row["purpose"] != "collection" or entry.at <= at + _UNDER_WAY:
            continue
        if entry.loan_id not in back or back[entry.loan_id] <= at:
            check.against(entry.loan_id, f"{entry.kind} of {row['step']} after the loan had ended", entry)


def compared(evidence: Evidence) -> dict[str, Outcome]:
    """The loans that must end as without faults, with what they came to there.

    Those with which the world moved the same money; but where a call broke off in the middle, or a person decided
    before late news of a payment came. And where a person decided in one of the two runs before the last payment while
    in the other the loan was cured: who is written to a day sooner pays a day sooner, and what is read late may bring
    up a case in one run alone. Nor where the person said something of their own in either: it is said when they read.
    Nor one that has no end yet in either: whether it may still run is asked elsewhere.
    """
    excused = _decided_unaware(evidence) | _calls_that_broke(evidence)
    outcomes = evidence.outcomes()
    return {
        loan_id: calm
        for loan_id, calm in (evidence.calm or {}).items()
        if loan_id in outcomes
        and loan_id not in excused
        and not (calm.wrote or outcomes[loan_id].wrote)
        and None not in (calm.end, outcomes[loan_id].end)
        and calm.money == outcomes[loan_id].money
        and not _decided_there_cured_here(outcomes[loan_id], calm)
        and not (_decided_there_cured_here(calm, outcomes[loan_id]) and is_paid(evidence, loan_id, outcomes[loan_id]))
    }


def _decided_there_cured_here(there: Outcome, here: Outcome) -> bool:
    return there.decided_first and there.end in DECIDED and here.end == "cured"


def is_paid(evidence: Evidence, loan_id: str, outcome: Outcome) -> bool:
    """Whether the money of the world paid the debt, but for less than the smallest amount that is asked for."""
    debt = evidence.debts[loan_id]
    return debt.amount_minor - sum(outcome.money) < smallest_asked_for(debt.currency)


def _decided_unaware(evidence: Evidence) -> set[str | None]:
    """Loans about which a person decided between a payment and the first news of it: there a late webhook matters."""
    told = told_of_payments(evidence)
    lines = {entry.seq: entry for entry in evidence.world}
    unaware: dict[str | None, list[tuple[datetime, datetime]]] = defaultdict(list)
    for payment in evidence.of("payment"):
        heard = lines[told[payment.seq]].at if payment.seq in told else datetime.max.replace(tzinfo=UTC)
        unaware[payment.loan_id].append((payment.at, heard))
    return {
        loan_id
        for loan_id, decided_at in evidence.decisions()
        for paid_at, heard_at in unaware[loan_id]
        if paid_at <= decided_at <= heard_at
    }


def _calls_that_broke(evidence: Evidence) -> set[str | None]:
    """Loans with a call whose next words the carrier could not fetch: what the person pressed reached nobody."""
    broke = {
        entry.text("reason").partition(":")[0] for entry in evidence.of("refused") if entry.text("service") == "twiml"
    }
    return {call.loan_id for call in evidence.of("call") if call.text("sid") in broke}
