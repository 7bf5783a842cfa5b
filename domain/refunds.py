"""Giving back what was paid beyond what is due: who may propose and approve it, how much, and whether it still may."""

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


def why_not_given_back(
    amount_minor: int, *, excess_minor: int | None, left_of_payment_minor: int, taken_back: bool, case_open: bool
) -> str | None:
    """Why an approved refund rests on nothing any more, or None. `excess_minor` None: it cannot be told by now.

    `taken_back`: the payment to be given back was. The person who approved it did not know.
    """
    if taken_back:
        return "the payment was taken back meanwhile"
    if excess_minor is not None and amount_minor > excess_minor:
        return "so much is no longer paid beyond what is due"
    if amount_minor > left_of_payment_minor:
        return "so much is no longer left of the payment"
    if not case_open:
        return "its case was closed meanwhile"
    return None
