"""News for loans that a campaign has yet to start: it waits as it should, and hides no news that waits wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from commands.doctor_records import look_at_webhooks
from records import campaigns, figures, loans, webhooks
from records.database import Database
from records.tables import CampaignState
from records.webhooks_held import WORKFLOW_MISSING
from tests.records.portfolios import LENDER, NOW, enter, handed
from web.relay_sending import WorkflowMissing

EARLY, LATE = NOW - timedelta(hours=5), NOW - timedelta(hours=1)


def told(
    database: Database,
    key: str,
    loan_ids: Sequence[str],
    *,
    at: datetime = EARLY,
    error: str | None = WORKFLOW_MISSING,
    recorded: bool = True,
) -> int:
    """A webhook of which these loans have not heard yet, and why not."""
    with database.writing() as session:
        kept = webhooks.store(
            session,
            provider="stripe",
            event_key=key,
            url="",
            body=b"{}",
            headers={},
            received_at=at,
            due_at=at,
            verified=True,
        )
        assert kept is not None
        assert kept.id is not None
        if recorded:
            owed = [{"lender": LENDER, "loan_id": name, "name": "payment_received", "payload": {}} for name in loan_ids]
            webhooks.mark_recorded(session, kept.id, at, outcome="payment", signals=owed)
        if error is not None:
            webhooks.mark_failed(session, kept.id, error=error, next_try_at=at)
        return kept.id


def oldest(database: Database) -> datetime | None:
    with database.reading() as session:
        return figures.read(session, NOW).oldest_unrelayed


def named(database: Database) -> tuple[str, ...]:
    async def nothing() -> str:
        return ""

    with database.reading() as session:
        found = look_at_webhooks(session, NOW, nothing)
        return tuple(name for one in found if one.check == "webhooks_unrelayed" for name in one.subjects)


@pytest.fixture
def waiting(database: Database) -> Database:
    """Loans that wait in a campaign, but L3, which is in collection."""
    with database.writing() as session:
        enter(session, [handed(f"L{number}") for number in (1, 2, 3)])
        loans.begin(session, loans.get(session, LENDER, "L3"))
    return database


def test_the_error_is_the_relays() -> None:
    assert WorkflowMissing.__name__ == WORKFLOW_MISSING


def test_news_for_a_loan_its_campaign_has_not_started_is_no_lag_and_hides_none(waiting: Database) -> None:
    """Given such news, when later news cannot reach Temporal, then the lag and `doctor` tell of the later alone."""
    told(waiting, "e1", ["L1"])
    alone = oldest(waiting), named(waiting)

    lagging = told(waiting, "e2", ["L3"], at=LATE, error="TemporalUnavailable")

    assert alone == (None, ())
    assert (oldest(waiting), named(waiting)) == (LATE, (str(lagging),))
    with waiting.reading() as session:
        assert figures.read(session, NOW).webhooks_unrelayed == {"stripe": 2}


@pytest.mark.parametrize(
    ("loan_ids", "error", "recorded"),
    [
        (["L3"], WORKFLOW_MISSING, True),
        (["L1", "L3"], WORKFLOW_MISSING, True),
        (["nobody"], WORKFLOW_MISSING, True),
        (["L1"], "TemporalUnavailable", True),
        (["L1"], None, True),
        (["L1"], WORKFLOW_MISSING, False),
    ],
    ids=["lost by Temporal", "one of two", "unknown", "Temporal is away", "not tried yet", "not recorded"],
)
def test_whatever_else_waits_is_lag(waiting: Database, loan_ids: list[str], error: str | None, recorded: bool) -> None:
    kept = told(waiting, "e1", loan_ids, error=error, recorded=recorded)

    assert (oldest(waiting), named(waiting)) == (EARLY, (str(kept),))


def test_what_no_campaign_holds_any_more_is_lag(waiting: Database) -> None:
    """Given news for a loan that waits, when its campaign is stopped, then it is not waited for."""
    kept = told(waiting, "e1", ["L1", "L2"])
    before = oldest(waiting)

    with waiting.writing() as session:
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.STOPPED, at=NOW)

    assert (before, oldest(waiting), named(waiting)) == (None, EARLY, (str(kept),))
