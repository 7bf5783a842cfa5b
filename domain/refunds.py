"""Giving back what was paid beyond what is due: who may propose it, who may approve it, and how much."""

from __future__ import annotations

from domain.access import Role

MAY_PROPOSE = frozenset({Role.AGENT, Role.OPERATOR, Role.SUPERVISOR})
MAY_DECIDE = frozenset({Role.SUPERVISOR})


def why_not_proposed(role: Role, amount_minor: int, excess_minor: int, left_of_payment_minor: int) -> str | None:
    """Why this may not be proposed, or None. `excess_minor`: what is paid beyond what is due now."""
    if role not in MAY_PROPOSE:
        return f"an account of the role {role.value} proposes no refunds"
    if excess_minor <= 0:
        return "nothing is paid beyond what is due"
    if not 0 < amount_minor <= excess_minor:
        return "more than is paid beyond what is due"
    if amount_minor > left_of_payment_minor:
        return "more than is left of the payment"
    return None


def why_not_decided(role: Role, by: str, proposed_by: str) -> str | None:
    """Why this person may not approve or reject, or None: it takes authority, and never who proposed it."""
    if role not in MAY_DECIDE:
        return f"an account of the role {role.value} decides no refunds"
    if by == proposed_by:
        return "whoever proposed a refund does not decide it"
    return None
