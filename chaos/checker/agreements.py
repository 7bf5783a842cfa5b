"""The check of what was agreed on: it ends with its loan, is credited once, made by one yes, and kept by us too."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from chaos.checker.agreed import Agreed, agreed, payments_since
from chaos.checker.check import Check
from chaos.checker.contacts import CONTACTS, contacts_of
from chaos.checker.evidence import Entry, Evidence
from chaos.checker.news import heard_of_payments
from chaos.checker.running import reopened_late

_ITS_OWN = frozenset(
    {"agreement_document", "agreement_reminder", "agreement_missed", "agreement_link", "agreement_broken"}
)
"""The contacts that an agreement asks for itself."""
_UNDER_WAY = timedelta(minutes=10)
"""A contact that was being sent when the borrower said yes has left by then."""
_AT_ONCE = timedelta(hours=1)
"""News that comes within it changes nothing that was settled before."""
_PRESSED = "call:"
"""What a key that was pressed on a call is named by begins so; more than one may be pressed."""


def agreements(evidence: Evidence) -> Check:
    check = Check("agreements", "Was every agreement made once, credited once, kept by us, and over with its loan?")
    made = agreed(evidence)
    check.looked_at = len(made)
    _over_with_its_loan(evidence, made, check)
    _credited(evidence, made, check)
    _made_once(made, check)
    _kept_by_us(evidence, made, check)
    return check


def _over_with_its_loan(evidence: Evidence, made: list[Agreed], check: Check) -> None:
    ended = {row["loan_id"] for row in evidence.rows["loan"] if row["state"] == "ended"} - reopened_late(evidence)
    for one in made:
        if one.in_force and one.loan_id in ended:
            check.against(one.loan_id, f"{one.kind} {one.number} is {one.state}, although the loan has ended")


def _credited(evidence: Evidence, made: list[Agreed], check: Check) -> None:
    """No agreement with more than came since it was made; nor all of a loan's together, where no payment was taken back
    and all news came at once: else what is judged again takes in what was paid towards a later one too.
    """
    back = {entry.loan_id for entry in evidence.of("reversal")}
    heard = heard_of_payments(evidence)
    paid: dict[str | None, int] = defaultdict(int)
    late: set[str | None] = set()
    for payment in evidence.of("payment"):
        paid[payment.loan_id] += payment.minor()
        known = heard.get(payment.text("payment_id"))
        if known is None or known.at - payment.at > _AT_ONCE:
            late.add(payment.loan_id)
    together: dict[str, int] = defaultdict(int)
    for one in made:
        credited = sum(part.paid_minor for part in one.parts)
        together[one.loan_id] += credited
        came = sum(payment.minor() for payment in payments_since(evidence, one))
        if credited > came:
            check.against(one.loan_id, f"{one.kind} {one.number} is credited with {credited} minor units, {came} came")
    for loan_id, credited in together.items():
        if credited > paid[loan_id] and loan_id not in back | late:
            check.against(loan_id, f"its agreements are credited with {credited} minor units, {paid[loan_id]} came")


def _made_once(made: list[Agreed], check: Check) -> None:
    by_yes: dict[tuple[str, int, str], list[Agreed]] = defaultdict(list)
    for one in made:
        if one.said_in is not None and not one.said_in.startswith(_PRESSED):
            by_yes[one.loan_id, one.entry, one.said_in].append(one)
    for (loan_id, _, _), several in by_yes.items():
        if len(several) > 1:
            named = " and ".join(f"{one.kind} {one.number}" for one in several)
            check.against(loan_id, f"{named} were made by one message of the borrower's")


def _kept_by_us(evidence: Evidence, made: list[Agreed], check: Check) -> None:
    """Nothing but an agreement's own contacts demands, from its yes until the first payment that did not come."""
    kept: dict[str, list[tuple[datetime, datetime, Agreed]]] = defaultdict(list)
    for one in made:
        if not one.was_moved:
            kept[one.loan_id].append((one.since + _UNDER_WAY, _kept_until(evidence, one), one))
    contacts = contacts_of(evidence)
    for entry in evidence.of(*CONTACTS):
        row = contacts.get(entry.seq)
        if row is None or row["purpose"] != "collection" or row["step"] in _ITS_OWN:
            continue
        for since, until, one in kept[entry.loan_id or ""]:
            if since < entry.at < until:
                check.against(
                    entry.loan_id, f"{entry.kind} of {row['step']}, although {one.kind} {one.number} is kept", entry
                )


def _kept_until(evidence: Evidence, one: Agreed) -> datetime:
    """When it may have been broken at the earliest: what came later may have put it in force again since."""
    debt = evidence.debts[one.loan_id]
    heard = heard_of_payments(evidence)
    ends = [entry.at for entry in evidence.of("reversal") if entry.loan_id == one.loan_id and entry.at > one.since]
    if one.until is not None:
        ends.append(one.until)
    due = 0
    for part in one.parts:
        due += part.amount_minor
        too_late = one.too_late(part, debt)
        if _known(payments_since(evidence, one), heard, one.since, too_late - _AT_ONCE) < due:
            ends.append(too_late)
            break
    return min(ends, default=datetime.max.replace(tzinfo=one.since.tzinfo))


def _known(payments: list[Entry], heard: dict[str, Entry], since: datetime, by: datetime) -> int:
    """What was paid after `since` and is known by then, in minor units."""
    told = [(payment, heard.get(payment.text("payment_id"))) for payment in payments if payment.at > since]
    return sum(payment.minor() for payment, hook in told if hook is not None and hook.at <= by)
