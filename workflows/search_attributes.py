"""What operators can filter and sort loans by in the Web UI. Never a name, phone or e-mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from domain.ledger_entries import LoanEnd
from domain.loan_state import LoanState
from domain.money import Money

STAGE = SearchAttributeKey.for_keyword("LoanStage")
DAYS_PAST_DUE = SearchAttributeKey.for_int("DaysPastDue")
AMOUNT_DUE = SearchAttributeKey.for_float("AmountDue")
CURRENCY = SearchAttributeKey.for_keyword("LoanCurrency")
CAMPAIGN = SearchAttributeKey.for_keyword("Campaign")
NEXT_ACTION_AT = SearchAttributeKey.for_datetime("NextActionAt")
NEEDS_PERSON = SearchAttributeKey.for_bool("NeedsPerson")

ALL = (STAGE, DAYS_PAST_DUE, AMOUNT_DUE, CURRENCY, CAMPAIGN, NEXT_ACTION_AT, NEEDS_PERSON)


def describe(state: LoanState, now: datetime, next_action_at: datetime | None) -> TypedSearchAttributes:
    """The attributes of a loan; the amount in major units, for reading and sorting only."""
    facts = state.facts
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(STAGE, str(state.end or state.stage(now))),
        SearchAttributePair(DAYS_PAST_DUE, state.days_past_due(now)),
        SearchAttributePair(AMOUNT_DUE, float(Money(amount_minor=state.balance_minor, currency=facts.currency).major)),
        SearchAttributePair(CURRENCY, facts.currency),
        SearchAttributePair(NEEDS_PERSON, state.needs_person),
    ]
    if facts.campaign:
        pairs.append(SearchAttributePair(CAMPAIGN, facts.campaign))
    if next_action_at is not None:
        pairs.append(SearchAttributePair(NEXT_ACTION_AT, next_action_at))
    return TypedSearchAttributes(pairs)


def worth_telling(state: LoanState, known: TypedSearchAttributes, changed: Sequence[SearchAttributePair[Any]]) -> bool:
    """Whether more has changed than the calendar: days past due and the stage they lead to go with other changes.

    They must never be the reason for a command of their own. Where an update was refused, a server may leave an
    empty workflow task in the history; a replay runs it together with the one before, and at its time.
    """
    ended_or_reopened = state.end is not None or known.get(STAGE) in set(LoanEnd)
    return any(pair.key != DAYS_PAST_DUE and (pair.key != STAGE or ended_or_reopened) for pair in changed)
