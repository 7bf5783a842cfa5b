"""What was agreed on, counted: kept of those judged, and the money of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.agreements.model import Agreement, AgreementState, Evidence, Via
from records import agreements, loans
from records.agreement_figures import agreement_figures
from records.database import Database
from tests.activities.test_agreement_papers import PLAN
from tests.records.portfolios import LENDER, NOW, entered
from tests.records.test_agreements import PROMISE

YES = Evidence(at=NOW, message_id="SM1")


def made(of: Agreement, number: int, state: str, **changes: Any) -> Agreement:
    return of.model_copy(update={"number": number, "state": AgreementState(state), "made_at": NOW, **changes})


def test_the_share_kept_is_of_those_that_were_judged(database: Database) -> None:
    told = [
        (made(PROMISE, 1, "broken"), (1_000,)),
        (made(PROMISE, 2, "kept"), (5_000,)),
        (made(PROMISE, 3, "replaced"), (0,)),
        (made(PLAN, 4, "expired"), (0, 0)),
        (made(PLAN, 5, "active", evidence=YES), (5_000, 0)),
    ]
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        for agreement, paid in told:
            agreements.keep(session, loan, agreement, paid, of_entry=1, at=NOW)

    with database.reading() as session:
        found = agreement_figures(session, NOW, NOW + timedelta(days=1), LENDER)
        before = agreement_figures(session, NOW - timedelta(days=9), NOW)
        elsewhere = agreement_figures(session, NOW, NOW + timedelta(days=1), "another")

    plans, promises = found["plan", "EUR"], found["promise", "EUR"]
    assert (promises.kept, promises.judged, promises.in_force) == (1, 2, 0)
    assert (promises.agreed_minor, promises.received_minor) == (15_000, 6_000)
    assert (plans.in_force, plans.agreed_minor, plans.received_minor) == (1, 10_000, 5_000)
    assert plans.states == {AgreementState.ACTIVE: 1, AgreementState.EXPIRED: 1}
    assert before == elsewhere == {}


@pytest.mark.parametrize("state", ["cancelled", "replaced", "void", "proposed"])
def test_what_the_borrower_accepted_and_nobody_approved_is_no_money_agreed_on(database: Database, state: str) -> None:
    """Given a yes to an offer that its approver declined, that another took the place of, or that waits, when the
    figures are read, then it counts among states alone; what was in force and then called off counts as agreed."""
    accepted = made(PLAN, 1, state, evidence=YES, expires_at=NOW + timedelta(days=9))
    called_off = made(PLAN, 2, "cancelled", evidence=YES)
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        agreements.keep(session, loan, accepted, (0, 0), of_entry=1, at=NOW)

    with database.reading() as session:
        plans = agreement_figures(session, NOW, NOW + timedelta(days=1))["plan", "EUR"]
    with database.writing() as session:
        agreements.keep(session, loans.get(session, LENDER, "L1"), called_off, (0, 0), of_entry=1, at=NOW)
    with database.reading() as session:
        with_another = agreement_figures(session, NOW, NOW + timedelta(days=1))["plan", "EUR"]

    assert (plans.agreed_minor, plans.via, plans.states) == (0, {}, {AgreementState(state): 1})
    assert (with_another.agreed_minor, with_another.via) == (10_000, {Via.MESSAGE: 1})
