"""One message to a segment: who is told to send it, and who not to send it after all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import select

from activities.segment_orders import TellOrder
from activities.segment_sends import BATCH, SegmentSender
from records import loans, segment_sends
from records.database import Database
from records.tables import SegmentSend, SegmentSendLoan
from tests.activities.outside import TUESDAY, environment
from tests.records.portfolios import LENDER, entered, handed_over_again

SEND = "help"
UNTIL = TUESDAY + timedelta(days=3)
ORDER = TellOrder(send_id=SEND, page=100, rate_per_second=1000)


class Ear:
    """Every loan hears; `heard` is (loan, what). `breaks` may break after a loan has heard."""

    def __init__(self, breaks: Callable[[str], None] = lambda _: None) -> None:
        self.heard: list[tuple[str, str]] = []
        self._breaks = breaks

    async def signal(self, lender: str, loan_id: str, name: str, payload: dict[str, Any]) -> bool:
        assert (lender, payload["notice_id"]) == (LENDER, SEND)
        self.heard.append((loan_id, name))
        self._breaks(loan_id)
        return True

    def told(self, name: str) -> list[str]:
        return [loan_id for loan_id, what in self.heard if what == name]


def ordered(database: Database, *loan_ids: str) -> None:
    """A message to these loans, all in collection."""
    with database.writing() as session:
        found = entered(session, *loan_ids)
        send = SegmentSend(
            id=SEND,
            lender=LENDER,
            template="help_offer",
            channels=["sms"],
            condition="dpd > 1",
            until=UNTIL,
            rate_per_second=1000,
            created_at=TUESDAY,
        )
        segment_sends.create(session, send, [(loan.id or 0, loan.entry) for loan in found])


async def test_who_heard_of_it_before_the_crash_hears_of_the_stop(lite: Database) -> None:
    ordered(lite, "A1", "A2", "A3")

    def dies(loan_id: str) -> None:
        if loan_id == "A2":
            raise ConnectionError("the worker is killed before it could note anything")

    ear = Ear(dies)
    with pytest.raises(ConnectionError):
        await environment(TUESDAY).run(SegmentSender(lite, ear).tell_loans, ORDER)
    assert "A1" in ear.told("notice_ordered")

    after = Ear()
    withdrawn = await environment(TUESDAY).run(SegmentSender(lite, after).withdraw_message, SEND)

    assert after.told("notice_withdrawn") == ["A1", "A2", "A3"]
    assert withdrawn == 3


async def test_a_stop_wakes_no_loan_that_cannot_have_heard_of_the_message(lite: Database) -> None:
    """Given the first of many told, then the stop goes to that one and to those that were told together next."""
    everybody = [f"A{number:03}" for number in range(1, 61)]
    ordered(lite, *everybody)
    with lite.writing() as session:
        first = loans.get(session, LENDER, "A001")
        segment_sends.mark_told(session, SEND, [first.id or 0], at=TUESDAY)
    ear = Ear()

    withdrawn = await environment(TUESDAY).run(SegmentSender(lite, ear).withdraw_message, SEND)

    assert (ear.told("notice_withdrawn"), withdrawn) == (everybody[: 1 + BATCH], 1 + BATCH)


async def test_nothing_is_withdrawn_where_it_was_refused_or_the_loan_has_ended(lite: Database) -> None:
    ordered(lite, "A1", "A2", "A3")
    with lite.writing() as session:
        refused = loans.get(session, LENDER, "A1")
        segment_sends.mark_refused(session, SEND, [refused.id or 0], reason="the loan had ended")
        loans.end(session, loans.get(session, LENDER, "A2"), kind="cured", at=TUESDAY, final_state={})
    ear = Ear()

    await environment(TUESDAY).run(SegmentSender(lite, ear).withdraw_message, SEND)

    assert ear.heard == [("A3", "notice_withdrawn")]


async def test_a_stop_that_dies_goes_on_where_it_was(lite: Database) -> None:
    ordered(lite, "A1", "A2", "A3")
    with lite.reading() as session:
        first = loans.get(session, LENDER, "A1").id
    ear = Ear()

    withdrawn = await environment(TUESDAY, 2, (first, 1)).run(SegmentSender(lite, ear).withdraw_message, SEND)

    assert ear.told("notice_withdrawn") == ["A2", "A3"]
    assert withdrawn == 3


async def test_a_loan_handed_over_again_is_not_sent_what_its_earlier_debt_was_picked_for(lite: Database) -> None:
    ordered(lite, "A1", "A2")
    with lite.writing() as session:
        handed_over_again(session, "A1")
    ear = Ear()

    report = await environment(TUESDAY).run(SegmentSender(lite, ear).tell_loans, ORDER)

    assert ear.heard == [("A2", "notice_ordered")]
    assert (report.told, report.refused, report.waiting) == (1, 1, 0)
    with lite.reading() as session:
        found = segment_sends.progress(session, SEND)
    assert (found.told, found.refused) == (1, 1)


@pytest.mark.parametrize(("moment", "told"), [(UNTIL - timedelta(minutes=1), ["A1", "A2"]), (UNTIL, [])])
async def test_who_was_not_told_before_its_time_is_over_is_not_told_any_more(
    lite: Database, moment: datetime, told: list[str]
) -> None:
    """Given a message whose telling was held up, when its last moment comes, then nobody gets it; before it, all do."""
    ordered(lite, "A1", "A2")
    ear = Ear()

    report = await environment(moment).run(SegmentSender(lite, ear).tell_loans, ORDER)

    assert ear.told("notice_ordered") == told
    assert (report.told, report.refused, report.waiting) == (len(told), 2 - len(told), 0)
    with lite.reading() as session:
        refused = session.exec(select(SegmentSendLoan.refused)).all()
    assert set(refused) == ({None} if told else {"its time was over"})


async def test_a_message_whose_time_ends_while_it_is_told_goes_to_no_more_loans(
    lite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a loan that takes two hours to be told, and a message that has one hour left."""
    everybody = [f"A{number:03}" for number in range(1, 4)]
    ordered(lite, *everybody)
    passed = [0.0]
    monkeypatch.setattr("activities.segment_sends.time", SimpleNamespace(monotonic=lambda: passed[0]))

    def takes_two_hours(_loan_id: str) -> None:
        passed[0] += 7200.0

    ear = Ear(takes_two_hours)
    one_by_one = TellOrder(send_id=SEND, page=100, rate_per_second=1)

    report = await environment(UNTIL - timedelta(hours=1)).run(SegmentSender(lite, ear).tell_loans, one_by_one)

    assert ear.told("notice_ordered") == ["A001"]
    assert (report.told, report.refused, report.waiting) == (1, 2, 0)
