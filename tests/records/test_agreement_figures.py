"""What was agreed on, counted: kept of those judged, and the money of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from domain.agreements.model import Agreement, AgreementState, Evidence
from records import agreements
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
