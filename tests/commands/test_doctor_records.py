"""`doctor` on what waits in the records, beside what a whole clinic shows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from commands.doctor_records import look_at_links
from records import audit, links, loans
from records.database import Database
from records.tables import LinkState
from tests.records.portfolios import LENDER, NOW, entered

FOUR_DAYS = timedelta(days=4)


def link_not_closed(database: Database, loan_id: str, at: datetime, *, tried_at: datetime) -> None:
    """A link that was withdrawn at `at`, noted then as not closed, and tried last at `tried_at`."""
    with database.writing() as session:
        entered(session, loan_id)
        loan = loans.get(session, LENDER, loan_id)
        link = links.keep(
            session, loan, purpose="balance", amount_minor=100, generation=1, provider="stripe",
            provider_link_id=f"plink_{loan_id}", url="https://pay.example/1", at=at - timedelta(days=1),
        )  # fmt: skip
        links.withdraw(session, link, at=tried_at)
        audit.append(
            session, at=at, actor="stripe", action=links.NOT_CLOSED, lender=LENDER, loan_id=loan_id, details={}
        )


def test_links_that_a_gateway_does_not_close_for_more_than_a_day_are_named(database: Database) -> None:
    """Given one link that is tried in vain since days and one since an hour, when the doctor looks, then the loan of
    the first is named, however lately it was tried."""
    link_not_closed(database, "L1", NOW - FOUR_DAYS, tried_at=NOW)
    link_not_closed(database, "L2", NOW - timedelta(hours=1), tried_at=NOW)

    with database.reading() as session:
        [found] = look_at_links(session, NOW)

    assert (found.check, found.subjects) == ("links_not_closed", ("L1",))


@pytest.mark.parametrize("state", [LinkState.PAID, LinkState.INACTIVE])
def test_a_link_that_was_closed_at_last_is_none_of_them(database: Database, state: LinkState) -> None:
    link_not_closed(database, "L1", NOW - FOUR_DAYS, tried_at=NOW - timedelta(hours=1))
    with database.writing() as session:
        link = links.by_provider_id(session, "stripe", "plink_L1")
        assert link is not None
        if state is LinkState.PAID:
            links.set_state(session, link, state, at=NOW)
        links.closed(session, link, at=NOW)

    with database.reading() as session:
        assert look_at_links(session, NOW) == []
