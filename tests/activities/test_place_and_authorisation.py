"""Where in a region the person lives and what they agreed to, from the lender's file to the message that leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.contact import Channel
from domain.events.contacts import ContactOutcome
from records import contacts, people
from records.database import Database
from tests.activities.outside import LENDER, Desk, enter_loan, remind
from tests.sandbox.running import World

NEW_YORK: dict[str, Any] = {
    "country": "US", "region": "NY", "timezone": "America/New_York", "currency": "USD", "language": "en",
}  # fmt: skip
BARCELONA = {"region": "CT", "timezone": "Europe/Madrid"}
MERCE = datetime(2026, 9, 24, 9, 0, tzinfo=UTC)
"""Barcelona's own holiday, a Thursday at eleven."""
NOON = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
COLOMBIA: dict[str, Any] = {
    "country": "CO", "region": None, "timezone": "America/Bogota", "currency": "COP", "amount_due_minor": 50_000,
}  # fmt: skip


async def test_a_citys_own_holiday_is_kept_there_and_not_next_door(desk: Desk, world: World) -> None:
    there = enter_loan(desk.database, city="Barcelona", **BARCELONA)
    next_door = enter_loan(desk.database, city="Girona", **BARCELONA)
    order = {"channels": (Channel.EMAIL,)}

    put_off = await desk.refused(remind(there, **order), MERCE)
    report = await desk.contact(remind(next_door, **order), MERCE)

    assert "Fri 25 Sep 07:00" in str(put_off)
    assert report.outcome is ContactOutcome.SENT


@pytest.mark.parametrize(("city", "sent"), [("Flushing", False), ("Albany", True), (None, False)])
async def test_new_york_city_counts_to_three_for_those_who_live_there(desk: Desk, city: str | None, sent: bool) -> None:
    loan_id = enter_loan(desk.database, city=city, **NEW_YORK)
    with desk.database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, loan_id)
        for day in (18, 19, 20):
            contacts.reserve(
                session, loan, person, step=f"c{day}", occurrence=1, purpose=remind(loan_id).purpose,
                channel=Channel.CALL, template="none", at=datetime(2026, 11, day, 17, tzinfo=UTC),
            )  # fmt: skip
    order = remind(loan_id, channels=(Channel.EMAIL,))

    if sent:
        assert (await desk.contact(order, NOON)).outcome is ContactOutcome.SENT
    else:
        assert "US.nyc.cap.contacts" in str(await desk.refused(order, NOON))


@pytest.mark.parametrize(
    ("agreed", "used"),
    [("email", Channel.EMAIL), ("email,sms", Channel.SMS), (None, Channel.SMS), ("none", None)],
)
async def test_in_colombia_only_channels_the_person_agreed_to_are_used_where_they_are_known(
    desk: Desk, agreed: str | None, used: Channel | None
) -> None:
    loan_id = enter_loan(desk.database, authorised_channels=agreed, **COLOMBIA)

    report = await desk.contact(remind(loan_id), NOON)

    assert report.channel is used
    if used is None:
        assert report.outcome is ContactOutcome.UNREACHABLE
        assert "CO.channels.authorised" in report.refused


async def test_what_a_later_file_leaves_out_is_kept(database: Database) -> None:
    loan_id = enter_loan(database, city="Quito", authorised_channels="sms")

    with database.writing() as session:
        _, person = contacts.lock_person(session, LENDER, loan_id)
        assert (person.city, people.authorised_channels(person)) == ("Quito", {Channel.SMS})
        assert people.authorise(session, person, {Channel.EMAIL}, at=NOON)
        assert not people.authorise(session, person, {Channel.EMAIL}, at=NOON)
        assert people.authorise(session, person, None, at=NOON)
    with database.reading() as session:
        _, person = contacts.lock_person(session, LENDER, loan_id)
        assert people.authorised_channels(person) is None


async def test_a_zone_that_contradicts_the_region_makes_the_message_wait_for_both_clocks(desk: Desk) -> None:
    """Given a Canary Islander whose file says the mainland's zone, when it is nine in Madrid, then the message waits
    until it is nine at home."""
    loan_id = enter_loan(desk.database, region="CN", timezone="Europe/Madrid")
    order = remind(loan_id, channels=(Channel.EMAIL,))

    put_off = await desk.refused(order, datetime(2026, 11, 24, 8, 30, tzinfo=UTC))
    report = await desk.contact(order, datetime(2026, 11, 24, 9, 0, tzinfo=UTC))

    assert "not before Tue 24 Nov 09:00 UTC" in str(put_off)
    assert report.outcome is ContactOutcome.SENT


async def test_without_a_zone_nothing_is_sent_whatever_the_region(desk: Desk) -> None:
    """Given a Texan whose zone is not known, so that their loan counts days by another's clock, when a notice is
    ordered at an hour that is lawful in all of Texas, then nothing leaves and the rule is named."""
    place = NEW_YORK | {"region": "TX", "timezone": None}
    loan_id = enter_loan(desk.database, **place)

    report = await desk.contact(remind(loan_id), datetime(2026, 11, 25, 18, 0, tzinfo=UTC))

    assert report.outcome is ContactOutcome.UNREACHABLE
    assert "zone.unknown" in report.refused
