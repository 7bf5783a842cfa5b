from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ruamel.yaml import YAML
from sqlmodel import Session
from temporalio.exceptions import ApplicationErrorCategory

from config.lender_settings import ContactCaps
from domain.contact import Channel, Purpose
from domain.events.contacts import ContactOutcome
from domain.sms_segments import sms_size
from providers.payments.stripe import StripeGateway
from providers.ports import LinkRequest, PaymentLink
from records import loans, people
from records.database import Database
from records.tables import ContactState, Person
from sandbox.odds import DEFAULT_FILE
from tests.activities.outside import (
    TUESDAY,
    Desk,
    desk_for,
    enter_loan,
    fresh,
    loan_row,
    mails_to,
    offer,
    pay,
    person_of,
    remind,
    settings_for,
    texts_to,
)
from tests.sandbox.running import World, running

EARLY = datetime(2026, 3, 10, 5, 30, tzinfo=UTC)
OPENS = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)


def person(session: Session, loan_id: str) -> Person:
    return people.of_loan(session, loan_row(session, loan_id))


async def test_a_reminder_is_sent_once_by_the_preferred_channel(both: Desk, world: World) -> None:
    loan_id = enter_loan(both.database)
    phone, email = person_of(both.database, loan_id)

    report = await both.contact(remind(loan_id))
    again = await both.contact(remind(loan_id), TUESDAY + timedelta(minutes=3), attempt=2)

    assert (report.outcome, report.channel, report.closed) == (ContactOutcome.SENT, Channel.SMS, ())
    assert again == report
    [text] = texts_to(world, phone)
    assert text["body"].startswith("Credialba: ")
    assert loan_id in text["body"]
    assert "100,00 €" in text["body"]
    assert "20 feb 2026" in text["body"]
    assert mails_to(world, email) == []
    row = both.row(remind(loan_id))
    assert (row.state, row.provider, row.provider_message_id) == (ContactState.SENT, "twilio", text["sid"])
    assert row.text == text["body"]
    assert (row.cost_micros, row.cost_currency) == (60_000 * sms_size(text["body"]).segments, "USD")


async def test_before_the_lawful_hour_it_waits_for_exactly_that_hour(both: Desk, world: World) -> None:
    loan_id = enter_loan(both.database)
    phone, _ = person_of(both.database, loan_id)

    put_off = await both.refused(remind(loan_id), EARLY)
    last_second = await both.refused(remind(loan_id), OPENS - timedelta(seconds=1), attempt=2)

    assert put_off.category is ApplicationErrorCategory.BENIGN
    assert put_off.next_retry_delay == OPENS - EARLY
    assert str(put_off) == "NotYet: not before Tue 10 Mar 08:00 UTC: ES.hours.weekday"
    assert last_second.next_retry_delay == timedelta(seconds=1)
    assert texts_to(world, phone) == []
    [first, second] = both.decisions(loan_id)
    assert first == second == (Channel.SMS, "not_before", [("ES.hours.weekday", first[2][0][1])])
    assert "LGDCU" in first[2][0][1]

    report = await both.contact(remind(loan_id), OPENS, attempt=3)

    assert report.outcome is ContactOutcome.SENT
    assert [entry["at"] for entry in texts_to(world, phone)] == ["2026-03-10T08:00:00+00:00"]
    assert both.decisions(loan_id)[-1][1] == "allowed"


async def test_a_channel_closed_for_the_moment_is_waited_for_and_not_passed_by(desk: Desk, world: World) -> None:
    loan_id = enter_loan(desk.database)
    _, email = person_of(desk.database, loan_id)

    await desk.refused(remind(loan_id), EARLY)

    assert mails_to(world, email) == []


@pytest.mark.parametrize("closed", ["opt_out", "dead", "none"])
async def test_a_channel_closed_for_good_gives_way_to_the_next(both: Desk, world: World, closed: str) -> None:
    given = fresh()
    loan_id = enter_loan(both.database, **given | ({"phone": None} if closed == "none" else {}))
    with both.database.writing() as session:
        if closed == "opt_out":
            people.opt_out(session, person(session, loan_id), Channel.SMS, source="test", at=TUESDAY)
        if closed == "dead":
            people.close_address(
                session, person(session, loan_id), Channel.SMS, given["phone"], reason="30005", at=TUESDAY
            )

    report = await both.contact(remind(loan_id))

    assert (report.outcome, report.channel) == (ContactOutcome.SENT, Channel.EMAIL)
    assert (report.closed, report.closed_at) == (((Channel.SMS,), (TUESDAY,)) if closed == "dead" else ((), ()))
    assert texts_to(world, given["phone"]) == []
    assert len(mails_to(world, given["email"])) == 1


async def test_nobody_is_reached_when_every_channel_is_closed_and_the_rules_are_named(desk: Desk, world: World) -> None:
    given = fresh(email=None)
    loan_id = enter_loan(desk.database, **given)
    with desk.database.writing() as session:
        people.opt_out(session, person(session, loan_id), Channel.SMS, source="test", at=TUESDAY)

    report = await desk.contact(remind(loan_id))

    assert report.outcome is ContactOutcome.UNREACHABLE
    assert report.refused == ("stop.channel_opt_out", "no address for email")
    assert not report.ceased
    assert texts_to(world, given["phone"]) == []


async def test_a_person_who_asked_for_no_contact_at_all_gets_none(desk: Desk, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(desk.database, **given)
    with desk.database.writing() as session:
        people.raise_flag(session, person(session, loan_id), "cease", source="test", at=TUESDAY)

    report = await desk.contact(remind(loan_id))
    receipt = await desk.contact(
        remind(loan_id, step="receipt", purpose=Purpose.TRANSACTIONAL, template="payment_received")
    )

    assert (report.outcome, report.ceased) == (ContactOutcome.UNREACHABLE, True)
    assert (receipt.outcome, receipt.ceased) == (ContactOutcome.UNREACHABLE, True)
    assert "stop.cease" in report.refused
    assert texts_to(world, given["phone"]) == mails_to(world, given["email"]) == []


async def test_without_zone_and_region_nobody_is_contacted_by_a_guess(desk: Desk, world: World) -> None:
    given = fresh(timezone=None, region=None)
    loan_id = enter_loan(desk.database, **given)

    report = await desk.contact(remind(loan_id))

    assert report.outcome is ContactOutcome.UNREACHABLE
    assert report.refused == ("zone.unknown",)
    assert texts_to(world, given["phone"]) == mails_to(world, given["email"]) == []


async def test_a_number_that_proves_dead_at_the_carrier_is_closed_and_the_mail_goes_out(
    both: Desk, world: World
) -> None:
    given = fresh(phone="+34611")
    loan_id = enter_loan(both.database, **given)

    report = await both.contact(remind(loan_id))

    assert (report.outcome, report.channel, report.closed) == (ContactOutcome.SENT, Channel.EMAIL, (Channel.SMS,))
    assert len(mails_to(world, given["email"])) == 1
    with both.database.reading() as session:
        assert people.is_closed(session, person(session, loan_id), Channel.SMS, "+34611")
        assert people.opted_out(session, person(session, loan_id)) == frozenset()
    assert both.counted(loan_id) == 1


async def test_a_number_that_said_stop_is_closed_for_all_loans_of_the_person(both: Desk, world: World) -> None:
    [known] = world.enrol(f"stop-{id(both)}")
    world.act(known["loan_id"], "stop")
    given = {"person_id": "stopped", "phone": known["phone"], "email": "stopped@mail.example"}
    one = enter_loan(both.database, **given)
    two = enter_loan(both.database, **given)

    report = await both.contact(remind(one))
    with both.database.reading() as session:
        closed = people.opted_out(session, person(session, two))
    other = await both.contact(remind(two), TUESDAY + timedelta(days=1))

    assert (report.outcome, report.channel, report.closed) == (ContactOutcome.SENT, Channel.EMAIL, ())
    assert closed == {Channel.SMS}
    assert other.channel is Channel.EMAIL
    assert both.decisions(two)[0][2] == [("stop.channel_opt_out", "policy")]
    assert texts_to(world, known["phone"]) == []


async def test_a_mailbox_that_does_not_exist_is_closed_and_the_text_goes_out(desk: Desk, world: World) -> None:
    dead = dead_mailbox(world)
    given = fresh(email=dead)
    loan_id = enter_loan(desk.database, **given)

    report = await desk.contact(remind(loan_id, channels=(Channel.EMAIL, Channel.SMS)))

    assert (report.outcome, report.channel, report.closed) == (ContactOutcome.SENT, Channel.SMS, (Channel.EMAIL,))
    assert len(texts_to(world, given["phone"])) == 1


async def test_when_the_last_address_proves_dead_nobody_was_reached_and_nothing_counts(
    desk: Desk, world: World
) -> None:
    loan_id = enter_loan(desk.database, **fresh(phone="+34622", email=None))

    report = await desk.contact(remind(loan_id))

    assert (report.outcome, report.closed) == (ContactOutcome.UNREACHABLE, (Channel.SMS,))
    assert report.refused == ("sms: twilio 21211", "no address for email")
    assert desk.counted(loan_id) == 0


def dead_mailbox(world: World) -> str:
    """An enrolled person's address that the mail server refuses."""
    import smtplib

    found = world.enrol(*(f"box-{n}" for n in range(150)))
    with smtplib.SMTP("127.0.0.1", world.smtp) as server:
        server.ehlo()
        server.mail("probe@example.com")
        for one in found:
            if server.rcpt(one["email"])[0] == 550:
                address: str = one["email"]
                return address
    raise AssertionError("no dead mailbox among 150 people")


# What it says


async def test_the_message_is_in_the_borrowers_language_with_amount_date_and_link(desk: Desk, world: World) -> None:
    spanish = fresh()
    english = fresh(language="en", country="US", region="CA", timezone="America/Los_Angeles", currency="USD")
    es, en = enter_loan(desk.database, **spanish), enter_loan(desk.database, **english)

    await desk.contact(offer(es, channels=(Channel.EMAIL,)))
    await desk.contact(offer(en, channels=(Channel.EMAIL,)), TUESDAY.replace(hour=20))

    [mail] = mails_to(world, spanish["email"])
    [letter] = mails_to(world, english["email"])
    [link] = world.entries("link_created", es)
    [other] = world.entries("link_created", en)
    assert "Hola Lucía Gómez" in mail["text"]
    assert "100,00\xa0€" in mail["text"]
    assert "20 de febrero de 2026" in mail["text"]
    assert link["link_id"].removeprefix("plink_") in mail["text"].replace("/pay/plink_", "/pay/")
    assert (link["amount_minor"], link["currency"]) == (10_000, "EUR")
    assert "Hello Lucía Gómez" in letter["text"]
    assert "$100.00" in letter["text"]
    assert (other["amount_minor"], other["currency"]) == (10_000, "USD")


async def test_the_mail_carries_what_mail_servers_and_the_borrower_look_for(desk: Desk, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(desk.database, **given)

    await desk.contact(remind(loan_id, channels=(Channel.EMAIL,)))

    [mail] = mails_to(world, given["email"])
    row = desk.row(remind(loan_id))
    assert mail["message_id"] == f"<{row.message_id}@recobro.invalid>" == row.provider_message_id
    assert mail["loan_id"] is None or mail["loan_id"] == loan_id
    assert mail["at"] == TUESDAY.isoformat()
    assert "Credialba" in mail["subject"]


async def test_after_a_part_payment_the_message_asks_for_what_is_left(both: Desk, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(both.database, **given)
    await both.refused(offer(loan_id), EARLY)
    pay(both.database, loan_id, 4_000)

    await both.contact(offer(loan_id), OPENS, attempt=2)

    [text] = texts_to(world, given["phone"])
    assert "60,00 €" in text["body"]
    assert [entry["amount_minor"] for entry in world.entries("link_created", loan_id)] == [6_000]


async def test_a_payment_while_the_link_is_made_is_not_asked_for_again(
    desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = fresh()
    loan_id = enter_loan(desk.database, **given)
    make = desk.links.link_for_balance
    paid: list[int] = []

    async def pays_meanwhile(lender: str, loan: str, at: datetime, **more: Any) -> object:
        link = await make(lender, loan, at, **more)
        if not paid:
            paid.append(1)
            pay(desk.database, loan_id, 2_500)
        return link

    monkeypatch.setattr(desk.links, "link_for_balance", pays_meanwhile)
    report = await desk.contact(offer(loan_id))

    assert report.outcome is ContactOutcome.SENT
    [text] = texts_to(world, given["phone"])
    first, second = world.entries("link_created", loan_id)
    assert (first["amount_minor"], second["amount_minor"]) == (10_000, 7_500)
    assert "75,00 €" in text["body"]
    assert second["link_id"] in text["body"]
    assert [e["link_id"] for e in world.entries("link_updated", loan_id) if not e["active"]] == [first["link_id"]]


async def test_after_payment_in_full_nothing_is_sent_but_the_receipt(both: Desk, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(both.database, **given)
    await both.refused(remind(loan_id), EARLY)
    pay(both.database, loan_id, 10_000)

    report = await both.contact(remind(loan_id), OPENS, attempt=2)
    receipt = remind(
        loan_id,
        step="receipt",
        purpose=Purpose.TRANSACTIONAL,
        template="payment_received",
        channels=(Channel.EMAIL, Channel.SMS),
    )
    thanked = await both.contact(receipt, EARLY)

    assert report.outcome is ContactOutcome.NOT_WANTED
    assert thanked.outcome is ContactOutcome.SENT
    [mail] = mails_to(world, given["email"])
    assert "100,00\xa0€" in mail["text"]
    assert "10 de marzo de 2026" in mail["text"]
    assert texts_to(world, given["phone"]) == []
    assert both.counted(loan_id) == 0


async def test_a_loan_that_ended_is_not_written_to(desk: Desk, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(desk.database, **given)
    with desk.database.writing() as session:
        loans.end(session, loan_row(session, loan_id), kind="recalled", at=TUESDAY, final_state=None)

    report = await desk.contact(remind(loan_id))

    assert report.outcome is ContactOutcome.NOT_WANTED
    assert texts_to(world, given["phone"]) == []


async def test_a_slot_after_the_strategys_end_is_of_no_use(desk: Desk, world: World) -> None:
    given = fresh()
    loan_id = enter_loan(desk.database, **given)
    order = remind(loan_id, give_up_at=EARLY + timedelta(minutes=30))

    put_off = await desk.refused(order, EARLY)
    report = await desk.contact(order, EARLY + timedelta(minutes=30), attempt=2)
    late = await desk.contact(remind(loan_id, give_up_at=TUESDAY), TUESDAY, attempt=3)

    assert put_off.next_retry_delay == timedelta(minutes=30)
    assert report.outcome is late.outcome is ContactOutcome.NOT_WANTED
    assert texts_to(world, given["phone"]) == []


# The person


async def test_of_two_loans_of_one_person_at_the_same_instant_one_passes(both: Desk, world: World) -> None:
    given = {"person_id": f"both-{id(both)}", "phone": fresh()["phone"]}
    pair = [enter_loan(both.database, **given), enter_loan(both.database, **given)]

    outcomes = await asyncio.gather(*(both.contact(remind(loan_id)) for loan_id in pair), return_exceptions=True)

    sent = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    [put_off] = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [report.outcome for report in sent] == [ContactOutcome.SENT]
    assert "ES.cap.day" in str(put_off)
    assert len(texts_to(world, given["phone"])) == 1


async def test_the_lenders_own_limit_holds_over_all_loans_of_a_person(lite: Database, world: World) -> None:
    given = {"person_id": "capped", "phone": fresh()["phone"]}
    one, two = enter_loan(lite, **given), enter_loan(lite, **given)
    async with desk_for(lite, settings_for(world, caps=ContactCaps(per_week=1))) as desk:
        await desk.contact(remind(one))
        put_off = await desk.refused(remind(two), TUESDAY + timedelta(days=1))

    assert "lender.cap.week" in str(put_off)
    assert put_off.next_retry_delay == timedelta(days=6, hours=-1)


@pytest.fixture(scope="module")
def sleepers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world where every number is a mobile phone, and every phone is asleep for half an hour at least."""
    folder = tmp_path_factory.mktemp("sleepers")
    odds = YAML(typ="safe").load(DEFAULT_FILE)
    for name, value in {"sms_dead": 0, "sms_landline": 0, "sms_off": 0, "sms_asleep": 1}.items():
        odds["reach"][name]["value"] = value
    with (folder / "borrowers.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(odds, file)
    with running(folder / "log.jsonl", "--borrowers", str(folder / "borrowers.yaml")) as world:
        yield world


async def test_the_carrier_may_not_deliver_after_the_windows_end(lite: Database, sleepers: World) -> None:
    """Given phones that wake long after the evening's end, one written to in its last half minute and one at noon."""
    loan_ids = [enter_loan(lite, phone=who["phone"]) for who in sleepers.enrol("Z1", "Z2")]
    late = datetime(2026, 3, 10, 19, 59, 30, tzinfo=UTC)
    closes = datetime(2026, 3, 10, 20, 0, tzinfo=UTC)
    async with desk_for(lite, settings_for(sleepers)) as desk:
        for loan_id, moment in zip(loan_ids, (late, TUESDAY), strict=True):
            await desk.contact(remind(loan_id), moment)
        valid_until = [desk.row(remind(loan_id)).valid_until for loan_id in loan_ids]

    for enrolled in ("Z1", "Z2"):
        sleepers.advance(enrolled, "2026-03-11T12:00:00+00:00")

    assert valid_until == [closes, closes]
    ends = [[e["error_code"] for e in sleepers.entries("sms_status", loan_id)][-1] for loan_id in ("Z1", "Z2")]
    assert ends == [30036, None], "the late one is never delivered; the other is"


async def test_a_slow_gateway_holds_up_no_other_loan_of_the_person(
    both: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"person_id": f"slow-{id(both)}", "phone": fresh()["phone"]}
    slow, quick = enter_loan(both.database, **given), enter_loan(both.database, **given)
    asked, answers = asyncio.Event(), asyncio.Event()
    make = StripeGateway.create_link

    async def slowly(self: StripeGateway, request: LinkRequest) -> PaymentLink:
        asked.set()
        await answers.wait()
        return await make(self, request)

    monkeypatch.setattr(StripeGateway, "create_link", slowly)
    waiting = asyncio.create_task(both.refused(offer(slow)))
    await asked.wait()
    report = await both.contact(remind(quick))
    answers.set()
    put_off = await waiting

    assert report.outcome is ContactOutcome.SENT
    assert "ES.cap.day" in str(put_off)
    assert len(texts_to(world, given["phone"])) == 1
