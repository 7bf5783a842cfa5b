"""What a catalogue allows for a case: shared by whoever offers and by the loan that accepts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from domain.agreements.making import not_now
from domain.agreements.model import AgreementKind, AgreementState
from domain.agreements.schedule import PERIODS_A_YEAR, repayment
from domain.agreements.terms import (
    Authority,
    Option,
    PlanOption,
    PlanTerms,
    RestructuringOption,
    RestructuringTerms,
    SettlementOption,
    SettlementTerms,
)
from domain.loan_state import LoanState
from domain.payable import payable, smallest_payable
from domain.strategy import Strategy

Terms = PlanTerms | SettlementTerms | RestructuringTerms
WORKING_DAYS_SLACK = 10
"""A due date on a working day may lie so many days after its own day."""


def terms_of(strategy: Strategy, kind: AgreementKind) -> Terms | None:
    """The catalogue for this kind of agreement; None when the strategy has none."""
    match kind:
        case AgreementKind.PLAN:
            return strategy.plans
        case AgreementKind.SETTLEMENT:
            return strategy.settlements
        case AgreementKind.RESTRUCTURING:
            return strategy.restructurings
        case _:
            return None


def rule_of(strategy: Strategy, kind: AgreementKind, option: Option) -> str:
    """The rule that allows it, as operators read it: `es-microloan@2 plan three-months`."""
    return f"{strategy.key} {kind} {option.id}"


def unmet(option: Option, balance_minor: int, days_past_due: int) -> str | None:
    """Why the option is not there for this debt, or None. Amounts are minor units."""
    if option.amount_at_least_minor is not None and balance_minor < option.amount_at_least_minor:
        return f"the debt is below {option.amount_at_least_minor}"
    if option.amount_at_most_minor is not None and balance_minor > option.amount_at_most_minor:
        return f"the debt is above {option.amount_at_most_minor}"
    if option.dpd_at_least is not None and days_past_due < option.dpd_at_least:
        return f"only from {option.dpd_at_least} days past due"
    if option.dpd_at_most is not None and days_past_due > option.dpd_at_most:
        return f"only up to {option.dpd_at_most} days past due"
    return None


def percent_of(balance_minor: int, percent: int) -> int:
    """`percent` of the debt, rounded up: rounding never goes below a floor."""
    return -(-balance_minor * percent // 100)


def remission(kind: AgreementKind, balance_minor: int, total_minor: int) -> int:
    """What is forgiven: only a settlement forgives; what a plan leaves because nobody can pay it counts as paid."""
    return max(balance_minor - total_minor, 0) if kind is AgreementKind.SETTLEMENT else 0


def needed(option: Option, balance_minor: int, total_minor: int) -> Authority:
    """Who may agree on `total_minor` alone."""
    if not isinstance(option, SettlementOption):
        return option.authority
    if total_minor >= percent_of(balance_minor, option.machine_percent):
        least = Authority.MACHINE
    elif total_minor >= percent_of(balance_minor, option.agent_percent):
        least = Authority.AGENT
    else:
        least = Authority.SUPERVISOR
    return least if least.covers(option.authority) else option.authority


def amounts_refused(option: Option, balance_minor: int, amounts: Sequence[int], currency: str) -> str | None:
    """Why these payments are none that the option allows, or None.

    They may add up to what is due or to what of it can be paid: offers are made over the latter.
    """
    parts, total = len(amounts), sum(amounts)
    smallest = smallest_payable(currency)
    if parts > option.instalments:
        return f"{parts} payments: at most {option.instalments}"
    if isinstance(option, SettlementOption):
        if total < (floor := percent_of(balance_minor, option.floor_percent)):
            return f"{total} lies below the floor of {floor} ({option.floor_percent} % of {balance_minor})"
        if total >= balance_minor:
            return f"{total} is no less than what is due ({balance_minor})"
        expected = total
    elif isinstance(option, RestructuringOption):
        return _schedule_refused(option, balance_minor, amounts, smallest)
    else:
        whole = payable(balance_minor, currency)
        expected = balance_minor if total == balance_minor else whole
    if parts < 2 and isinstance(option, PlanOption):
        return "a plan has at least two payments"
    if total != expected:
        return f"the payments add up to {total}, {expected} is due: ask for a new offer"
    if max(amounts) - min(amounts) > smallest:
        return "the payments are not equal"
    if min(amounts) < (least := max(option.least_minor, smallest)) and parts > 1:
        return f"no payment may be less than {least}"
    return None


def _schedule_refused(
    option: RestructuringOption, balance_minor: int, amounts: Sequence[int], smallest: int
) -> str | None:
    parts = len(amounts)
    if parts < 2:
        return "a new schedule has at least two payments"
    schedules = [
        [row.amount_minor for row in repayment(balance_minor, parts, option.every, option.rate_bp, unit)]
        for unit in {1, smallest}
        if balance_minor // unit >= parts
    ]
    if list(amounts) not in schedules:
        return f"the payments are not those of {balance_minor} at the option's rate: ask for a new offer"
    return None if min(amounts) >= option.least_minor else f"no payment may be less than {option.least_minor}"


def dates_refused(option: Option, today: date, dues: Sequence[date]) -> str | None:
    """Why these dates are none that the option allows, or None."""
    if dues[0] < today:
        return "the first payment lies in the past"
    if dues[0] > today + timedelta(days=option.first_within_days + WORKING_DAYS_SLACK):
        return f"the first payment lies more than {option.first_within_days} days ahead"
    if any(later <= earlier for earlier, later in pairwise(dues)):
        return "the dates do not rise"
    longest = timedelta(days=366 / PERIODS_A_YEAR[option.every] * (len(dues) - 1) + WORKING_DAYS_SLACK)
    if dues[-1] - dues[0] > longest:
        return f"the payments do not come every {option.every}"
    return None


def last_day_of_offer(today: date, valid_days: int, first_due: date) -> date:
    """The last day on which an offer made `today` can be accepted or approved: never later than its first payment."""
    return min(today + timedelta(days=valid_days - 1), first_due)


def kind_refused(state: LoanState, kind: AgreementKind) -> str | None:
    """Why no agreement of this kind can be made whatever its terms, or None."""
    if (why := not_now(state, kind)) is not None:
        return why
    terms = terms_of(state.strategy, kind)
    if terms is None:
        return f"the strategy has no {kind}s"
    counted = [a for a in state.agreements if a.was_in_force and a.state is not AgreementState.CANCELLED]
    made = sum(a.kind is kind for a in counted)
    if made >= terms.at_most:
        return f"the loan has had {made} {kind}s already"
    return None
