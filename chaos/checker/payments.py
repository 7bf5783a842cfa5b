"""Checks of money: nobody asked again after paying, no payment lost or counted twice, in the ledger or in a loan."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta
from typing import Any

from chaos.checker.check import Check
from chaos.checker.contacts import CONTACTS, MESSAGES, answers, asks_for_money, contacts_of
from chaos.checker.evidence import Entry, Evidence, Row, moment
from chaos.checker.news import told_of_payments
from chaos.checker.running import reopened_late
from chaos.checker.whole_units import asked_for, smallest_asked_for

_A_CONTACT_TAKES = timedelta(minutes=5)
_ANOTHERS = frozenset({"sold", "recalled"})
_REFUND = "refund"


def after_payment(evidence: Evidence) -> tuple[set[int], Check]:
    """Once the debt is paid and the product could know: one receipt, which asks for nothing, and no more.

    It could know from when the webhook was answered 2xx; and of links, from when the gateway could have been asked.

    Also gives the lines of receipts: what the ledger calls transactional, of a debt that was paid in full.
    """
    check = Check("after-payment", "Was nobody contacted after paying in full, but for one receipt?")
    told = told_of_payments(evidence)
    asked = answers(evidence)
    contacts = contacts_of(evidence)
    delivered = {e.text("sid") for e in evidence.of("sms_status") if e.text("status") == "delivered"}
    left = {loan_id: debt.amount_minor for loan_id, debt in evidence.debts.items()}
    closed_by: dict[str, Entry] = {}
    paid_by: dict[str, list[Entry]] = defaultdict(list)
    receipt: dict[str, Entry] = {}
    receipts: set[int] = set()
    back: set[str] = set()
    for entry in evidence.world:
        loan_id = entry.loan_id or ""
        if loan_id not in left:
            continue
        if entry.kind == "payment":
            paid_by[loan_id].append(entry)
            before, left[loan_id] = left[loan_id], left[loan_id] - entry.minor()
            if before >= smallest_asked_for(evidence.debts[loan_id].currency) > left[loan_id]:
                check.looked_at += 1
                closed_by[loan_id] = entry
                receipt.pop(loan_id, None)
        elif entry.kind == "reversal" and entry.text("payment_id") not in back:
            back.add(entry.text("payment_id"))
            left[loan_id] += entry.minor()
            if left[loan_id] >= smallest_asked_for(evidence.debts[loan_id].currency):
                closed_by.pop(loan_id, None)
        elif entry.kind in CONTACTS and loan_id in closed_by:
            paid = closed_by[loan_id]
            asks = asks_for_money(entry)
            row = contacts.get(entry.seq)
            first = receipt.get(loan_id)
            transactional = row is not None and row["purpose"] == "transactional"
            if transactional and entry.kind in MESSAGES and not asks:
                if first is None or (first.kind == "sms" and first.text("sid") not in delivered):
                    receipt[loan_id] = entry
                    receipts.add(entry.seq)
                else:
                    check.against(loan_id, f"a second message after the receipt of line {first.seq}", entry)
            elif not asks and told.get(paid.seq, entry.seq) < asked.get(entry.seq, 0):
                continue  # they wrote after paying, and are answered
            elif told.get(paid.seq, entry.seq) < entry.seq or _could_ask(paid_by[loan_id], entry):
                kind = "a demand with a link" if asks else f"{entry.kind} that is no receipt"
                check.against(loan_id, f"{kind}, although line {paid.seq} had paid everything", entry)
    return receipts, check


def _could_ask(payments: list[Entry], contact: Entry) -> bool:
    """Whether all of it was paid through links, and longer ago than a contact takes from deciding to sending."""
    return all(paid.data.get("link_id") and contact.at - paid.at > _A_CONTACT_TAKES for paid in payments)


def money(evidence: Evidence) -> Check:
    """Each payment and reversal of the world stands once, as it was, in the ledger and in what its loan counted.

    And nothing else does; and what was paid beyond the debt, and no more, is to be given back.
    """
    check = Check("money", "Was no payment lost or counted twice?")
    names = evidence.loan_names()
    kept: dict[str, list[tuple[str | None, int, str, bool]]] = defaultdict(list)
    for row in evidence.rows["payment"]:
        kept[row["payment_id"]].append(
            (names.get(row["loan_ref"]), row["amount_minor"], row["currency"], row["reversed_at"] is not None)
        )
    back = {entry.text("payment_id") for entry in evidence.of("reversal")}
    for entry in evidence.of("payment"):
        check.looked_at += 1
        payment_id = entry.text("payment_id")
        expected = [(entry.loan_id, entry.minor(), entry.text("currency"), payment_id in back)]
        if (found := kept.pop(payment_id, [])) != expected:
            check.against(entry.loan_id, f"{payment_id} should stand as {expected}, stands as {found}", entry)
    for payment_id in kept:
        check.against(kept[payment_id][0][0], f"{payment_id} stands in the ledger, the world knows no such payment")
    _counted_by_loans(evidence, check, back)
    _to_give_back(evidence, check)
    return check


def _counted_by_loans(evidence: Evidence, check: Check, back: set[str]) -> None:
    """A loan that has ended left its last state behind: the payments it counted are the world's."""
    paid: dict[str | None, list[tuple[str, int, bool]]] = defaultdict(list)
    for entry in evidence.of("payment"):
        paid[entry.loan_id].append((entry.text("payment_id"), entry.minor(), entry.text("payment_id") in back))
    reopened = reopened_late(evidence)
    for row in evidence.rows["loan"]:
        if row["state"] != "ended" or row["loan_id"] in reopened:
            continue
        check.looked_at += 1
        state = _last_state(row)
        if state is None:
            check.against(row["loan_id"], "it ended without a last state: what it counted is not known")
            continue
        counted = sorted(
            (str(one["payment_id"]), int(one["amount_minor"]), bool(one.get("reversed")))
            for one in state.get("payments", [])
        )
        if counted != (expected := sorted(paid[row["loan_id"]])):
            check.against(row["loan_id"], f"the loan should have counted {expected}, it counted {counted}")


def _last_state(row: Row) -> dict[str, Any] | None:
    """SQLite keeps it as text."""
    state = row["final_state"]
    parsed: dict[str, Any] | None = json.loads(state) if isinstance(state, str) else state
    return parsed


def _to_give_back(evidence: Evidence, check: Check) -> None:
    """The refund cases of a loan that has ended come to what the world paid beyond the debt.

    Not after a settlement, which lowers what is due; nor where the loan had become another's: there a person asks whose
    the money is. Nor where money was taken back after a person had decided: such a case stays as it was decided.
    """
    decided_before = _decided_before_money_went_back(evidence)
    reopened = reopened_late(evidence)
    asked: dict[int, int] = defaultdict(int)
    for case in evidence.rows["collection_case"]:
        if case["kind"] == _REFUND and case["state"] != "retracted":
            asked[case["loan_ref"]] += case["amount_minor"] or 0
    outcomes = evidence.outcomes()
    for row in evidence.rows["loan"]:
        outcome = outcomes.get(row["loan_id"])
        if row["state"] != "ended" or outcome is None or outcome.end == "settled":
            continue
        if row["loan_id"] in reopened or row["id"] in decided_before:
            continue
        debt = evidence.debts[row["loan_id"]]
        over = asked_for(max(0, sum(outcome.money) - debt.amount_minor), debt.currency)
        if asked[row["id"]] != (0 if outcome.end in _ANOTHERS else over):
            check.against(
                row["loan_id"], f"{over} minor units were paid too much, cases ask to give back {asked[row['id']]}"
            )


def _decided_before_money_went_back(evidence: Evidence) -> set[int]:
    """Loans with a refund that was decided before the last of their payments was taken back."""
    names = evidence.loan_names()
    went_back = {entry.loan_id: entry.at for entry in evidence.of("reversal")}
    return {
        case["loan_ref"]
        for case in evidence.rows["collection_case"]
        if case["kind"] == _REFUND
        and case["state"] == "decided"
        and (at := went_back.get(names[case["loan_ref"]])) is not None
        and moment(case["decided_at"]) <= at
    }
