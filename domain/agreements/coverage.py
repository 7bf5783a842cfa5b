"""Which payments cover which instalments: the oldest instalment first, by value date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.agreements.model import Agreement, Instalment
from domain.loans import LoanFacts, Payment


@dataclass(frozen=True)
class Covered:
    """How far payments cover an instalment; `on` is the value date of the one that completed it.

    `missing_minor`: what all instalments up to this one lack together.
    """

    instalment: Instalment
    paid_minor: int
    on: date | None
    missing_minor: int


def payments_towards(agreement: Agreement, payments: Sequence[Payment], facts: LoanFacts) -> list[tuple[date, int]]:
    """Value dates and amounts of the payments that go towards the agreement, oldest first, as far as they still stand.

    Those it was made in the knowledge of do not, nor those of days before it. Money is given back because too much was
    paid, so it comes off what was paid last, whichever payment carried it: what came in time stays in time.
    """
    made_on = facts.local_date(agreement.made_at)
    since = [p for p in payments[agreement.payments_before :] if not p.reversed]
    since = [p for p in since if facts.local_date(p.paid_at) >= made_on]
    left = sum(p.stands_minor for p in since)
    towards: list[tuple[date, int]] = []
    for on, amount in sorted((facts.local_date(p.paid_at), p.amount_minor) for p in since):
        stands = min(amount, left)
        left -= stands
        if stands > 0:
            towards.append((on, stands))
    return towards


def covered_by(
    agreement: Agreement, payments: Sequence[Payment], facts: LoanFacts, smallest_owed_minor: int
) -> tuple[Covered, ...]:
    """Each instalment with what covers it; one that lacks less than `smallest_owed_minor` is covered."""
    towards = payments_towards(agreement, payments, facts)
    came = sum(amount for _, amount in towards)
    let_pass = max(agreement.tolerance_minor, smallest_owed_minor - 1)
    found: list[Covered] = []
    needed = before = 0
    for instalment in agreement.instalments:
        needed += instalment.amount_minor
        total, on = 0, None
        for day, amount in towards:
            total += amount
            if total >= needed - let_pass:
                on = day
                break
        paid = min(max(came - before, 0), instalment.amount_minor)
        found.append(Covered(instalment, paid, on, max(needed - came, 0)))
        before = needed
    return tuple(found)


def oldest_unpaid(
    agreement: Agreement, payments: Sequence[Payment], facts: LoanFacts, smallest_owed_minor: int
) -> date | None:
    """The due date of the first instalment that is not covered."""
    covered = covered_by(agreement, payments, facts, smallest_owed_minor)
    return next((each.instalment.due for each in covered if each.on is None), None)
