"""What a loan that is started again knows of what happened while it had ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.collection import apply
from domain.entering import enter
from domain.events.balance import WatchEnded
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.loan_snapshot import snapshot
from domain.watching import watch_wanted
from records import consents, facts, loans, people, strategies
from records.database import Database
from records.tables import ConsentStatus
from tests.domain.simulated_loan import strategy
from tests.records.portfolios import LENDER, NOW, entered

DAY = timedelta(days=1)


@pytest.mark.parametrize("given", [True, False], ids=["a new consent", "none"])
def test_a_consent_given_while_the_loan_was_paid_is_used_when_the_payment_is_taken_back(
    database: Database, given: bool
) -> None:
    """Given a loan whose watch ended with its consent and which was then paid, and a consent its borrower gives
    meanwhile for another loan, when the payment is taken back, then the balance is watched again."""
    with database.writing() as session:
        [loan] = entered(session, "L1", consent_valid_until=None)
        state = enter(facts.facts_of(session, loan, NOW), strategies.of_loan(session, loan), NOW)
        state, _ = apply(state, WatchEnded(reason="consent: CONSENT_EXPIRED"), NOW)
        money = PaymentReceived(payment_id="p", amount_minor=10_000, currency="EUR", paid_at=NOW, provider="bank")
        cured, _ = apply(state, money, NOW)
        loans.end(session, loan, kind="cured", at=NOW, final_state=snapshot(cured))
        person = people.of_loan(session, loan)
        for old in consents.of_person(session, person):
            consents.end(session, old, ConsentStatus.EXPIRED, because="CONSENT_EXPIRED", at=NOW)
        if given:
            new: dict[str, Any] = {"consent_id": "new", "account_id": "a", "valid_until": None, "reads_per_day": 4}
            consents.grant(session, person, provider="xs2a", at=NOW + DAY, **new)

    with database.reading() as session:
        state = facts.state_to_go_on_from(session, LENDER, "L1", NOW + 2 * DAY)
    state, _ = apply(state, PaymentReversed(payment_id="p", provider="bank"), NOW + 2 * DAY)

    assert state.end is None
    assert (state.facts.consent, state.watch_over is None) == (given, given)
    assert watch_wanted(state.model_copy(update={"strategy": strategy()})) is given
