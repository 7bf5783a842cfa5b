"""Which decisions on a case are whose. Only those who take orders ask here: a loan carries out what it is told."""

from __future__ import annotations

from domain.events.control import CaseDecision
from domain.ledger_entries import CaseKind

ON_AN_OFFER = "an offer that waits for approval is approved, or declined with continue, and ends no loan"
FOR_A_SUPERVISOR = "only a supervisor ends a loan that still owes"


def decisions_on(kind: str, *, may_end: bool) -> tuple[CaseDecision, ...]:
    """What somebody may decide on a case of this kind.

    `may_end`: they may give up a debt. Money that is not the lender's goes back by two people, or they reject it.
    """
    if kind == CaseKind.REFUND:
        return ()
    return tuple(each for each in CaseDecision if not_theirs(kind, each, may_end=may_end) is None)


def not_theirs(kind: str, decision: CaseDecision, *, may_end: bool) -> str | None:
    """Why they may not decide so, or None.

    An offer below what one person may agree on waits for a second one: giving up the whole debt instead would be a way
    around them.
    """
    if decision is CaseDecision.CONTINUE:
        return None
    if kind == CaseKind.APPROVAL:
        return ON_AN_OFFER
    return None if may_end else FOR_A_SUPERVISOR
