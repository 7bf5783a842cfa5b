from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.orders import WatchOrder
from config.bank_data_settings import Bank
from domain.events.contacts import ContactOutcome
from domain.strategy import AmountThreshold, ShareThreshold, Threshold, WholeThreshold
from records import consents, incomes, loans, people, person_keys
from records.database import Database
from records.tables import Consent, ConsentStatus
from records.tables.sealing import CONSENT
from tests.activities.outside import (
    TUESDAY,
    Desk,
    desk_for,
    enter_loan,
    fresh,
    funds_offer,
    loan_row,
    nowhere,
    pay,
    settings_for,
    texts_to,
)
from tests.records.portfolios import LENDER
from tests.sandbox.running import World

DAY = timedelta(days=1)


def watching(loan_id: str, threshold: Threshold | None = None, **more: Any) -> WatchOrder:
    order = {"threshold": threshold or WholeThreshold(), "reads_per_day": 4, "not_before": None, **more}
    return WatchOrder(lender=LENDER, loan_id=loan_id, **order)


@pytest.fixture
def borrower(world: World, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Somebody of the sandbox who consented, with about the money they were read to have."""
    names = [f"{request.node.name}-{n}" for n in range(40)]
    for one in world.enrol(*names, as_of="2026-03-05T09:00:00+00:00"):
        if one["bank_consent"] and one["consent_valid_until"] > "2026-04-15":
            return one
    raise AssertionError("nobody of forty consented")


def owing(database: Database, borrower: dict[str, Any], amount: int, **more: Any) -> str:
    """A loan of that amount, its consent with it."""
    given = {
        "amount_due_minor": amount,
        "bank_consent": borrower["bank_consent"],
        "bank_account": borrower["bank_account"],
        "consent_valid_until": date.fromisoformat(borrower["consent_valid_until"]),
    }
    return enter_loan(database, **given | more)


def reads(world: World, borrower: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for e in world.entries("balance_read") if e["consent_id"] == borrower["bank_consent"]]


def money(world: World, borrower: dict[str, Any], at: datetime) -> int:
    """What the account holds at a moment, told by the bank to the borrower himself."""
    answer = world.balance(borrower, at.isoformat(), **{"PSU-IP-Address": "192.0.2.1"})
    return round(float(answer.json()["balances"][0]["balanceAmount"]["amount"]) * 100)


async def put_off(desk: Desk, order: WatchOrder, at: datetime, attempt: int = 1) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await desk.watch(order, at, attempt)
    return caught.value


@pytest.mark.parametrize("kind", ["whole", "share", "amount"])
async def test_it_ends_when_the_threshold_is_reached_and_not_one_cent_before(
    desk: Desk, world: World, borrower: dict[str, Any], kind: str
) -> None:
    there = money(world, borrower, TUESDAY)
    assert there > 1_000
    due = {"whole": there, "share": there * 2, "amount": there * 3}[kind]
    loan_id = owing(desk.database, borrower, due)

    def threshold(more: int) -> Threshold:
        if kind == "share":
            return ShareThreshold(kind="share", share=0.5 if not more else 0.501)
        return AmountThreshold(kind="amount", amount_minor=there + more) if kind == "amount" else WholeThreshold()

    if kind == "whole":
        poorer = owing(desk.database, borrower, there + 1, person_id=f"p-{loan_id}")
        short = await put_off(desk, watching(poorer), TUESDAY)
    else:
        short = await put_off(desk, watching(loan_id, threshold(1)), TUESDAY)
    report = await desk.watch(watching(loan_id, threshold(0)), TUESDAY)

    assert short.category is ApplicationErrorCategory.BENIGN
    assert short.next_retry_delay is not None
    again = TUESDAY + short.next_retry_delay
    assert TUESDAY + timedelta(minutes=30) < again <= TUESDAY + DAY
    assert str(short) == f"FundsNotSeen: funds not there yet; next look {again:%d %b %H:%M} UTC"
    assert report.funds_seen_at == TUESDAY
    assert len([e for e in reads(world, borrower) if not e["attended"]]) == 1


async def test_nothing_is_read_before_the_rest_is_over(desk: Desk, world: World, borrower: dict[str, Any]) -> None:
    loan_id = owing(desk.database, borrower, 100)
    rests = TUESDAY + timedelta(days=4)

    error = await put_off(desk, watching(loan_id, not_before=rests), TUESDAY)

    assert error.next_retry_delay == timedelta(days=4)
    assert error.category is ApplicationErrorCategory.BENIGN
    assert reads(world, borrower) == []
    assert (await desk.watch(watching(loan_id, not_before=rests), rests)).funds_seen_at == rests


@pytest.mark.parametrize("how", ["paid", "ended"])
async def test_nothing_is_read_of_a_loan_that_is_paid_or_ended(
    desk: Desk, world: World, borrower: dict[str, Any], how: str
) -> None:
    loan_id = owing(desk.database, borrower, 5_000)
    if how == "paid":
        pay(desk.database, loan_id, 5_000)
    else:
        with desk.database.writing() as session:
            loans.end(session, loan_row(session, loan_id), kind="recalled", at=TUESDAY, final_state=None)

    await put_off(desk, watching(loan_id), TUESDAY)

    assert reads(world, borrower) == []


@pytest.mark.parametrize(
    "stop", ["cease", "deceased", "bankruptcy", "moratorium", "attorney", "minor", "dispute", "hardship", "vulnerable"]
)
async def test_nothing_is_read_of_whom_a_stop_state_closes_to_collection_by_another_loan(
    desk: Desk, world: World, borrower: dict[str, Any], stop: str
) -> None:
    loan_id = owing(desk.database, borrower, 5_000)
    with desk.database.writing() as session:
        person = people.of_loan(session, loan_row(session, loan_id))
        people.raise_flag(session, person, stop, source="loan", at=TUESDAY)

    await put_off(desk, watching(loan_id), TUESDAY)

    assert reads(world, borrower) == []
    with desk.database.writing() as session:
        people.clear_flag(session, people.of_loan(session, loan_row(session, loan_id)), stop, at=TUESDAY)
    with suppress(ApplicationError):
        await desk.watch(watching(loan_id), TUESDAY + DAY)
    assert len(reads(world, borrower)) == 1


async def test_three_loans_of_one_person_share_four_reads_in_24_hours(
    both: Desk, world: World, borrower: dict[str, Any]
) -> None:
    """Each watches at its own hours for three days; the bank is asked fairly, and never too often."""
    person = {"person_id": f"shared-{id(both)}"}
    waiting = {owing(both.database, borrower, 90_000_000, **person): TUESDAY + timedelta(hours=n) for n in range(3)}
    judged = dict.fromkeys(waiting, 0)
    end = TUESDAY + timedelta(days=3)
    while (next_at := min(waiting.values())) < end:
        loan_id = min(waiting, key=lambda one: waiting[one])
        error = await put_off(both, watching(loan_id), next_at)
        assert error.next_retry_delay is not None
        assert error.next_retry_delay > timedelta(minutes=1)
        waiting[loan_id] = next_at + error.next_retry_delay
        judged[loan_id] += "funds not there yet" in str(error)

    moments = [datetime.fromisoformat(e["at"]) for e in reads(world, borrower)]
    assert len(moments) >= 11
    for moment in moments:
        assert sum(1 for other in moments if moment - DAY < other <= moment) <= 4
    days = [moment.astimezone(UTC).date() for moment in moments]
    assert all(days.count(day) <= 4 for day in days)
    assert [e for e in world.entries("refused") if "ACCESS_EXCEEDED" in e["reason"]] == []
    assert all(count >= 4 for count in judged.values()), judged


async def test_loans_that_look_at_the_same_instant_never_take_the_same_read(
    both: Desk, world: World, borrower: dict[str, Any]
) -> None:
    person = {"person_id": f"crowd-{id(both)}"}
    crowd = [owing(both.database, borrower, 90_000_000, **person) for _ in range(8)]

    errors = await asyncio.gather(*(both.watch(watching(one)) for one in crowd), return_exceptions=True)

    assert all(isinstance(error, ApplicationError) for error in errors), errors
    assert len(reads(world, borrower)) <= 4
    assert [e for e in world.entries("refused") if "ACCESS_EXCEEDED" in e["reason"]] == []


async def test_a_day_of_25_hours_has_four_reads_too(desk: Desk, world: World, borrower: dict[str, Any]) -> None:
    loan_id = owing(desk.database, borrower, 90_000_000, consent_valid_until=None)
    midnight = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # Madrid's clocks go back on the 25th
    moments = [midnight + timedelta(minutes=61 * n) for n in range(4)]
    with desk.database.writing() as session:
        consent = session.exec(
            select(Consent).where(
                Consent.consent_index == person_keys.of(session).index(CONSENT, borrower["bank_consent"])
            )
        ).one()
        loan = loan_row(session, loan_id)
        for moment in moments:
            consents.record_read(session, consent, loan, at=moment, outcome="read", amount_minor=1)

    fifth = midnight + timedelta(hours=24, minutes=30)
    error = await put_off(desk, watching(loan_id), fifth)

    assert error.next_retry_delay is not None
    assert error.next_retry_delay >= timedelta(minutes=30)
    assert str(error).startswith("FundsNotSeen: the day's reads are used up")
    assert reads(world, borrower) == []


async def test_a_consent_the_bank_calls_expired_or_unknown_ends_the_watch(
    desk: Desk, world: World, borrower: dict[str, Any]
) -> None:
    past = datetime.fromisoformat(borrower["consent_valid_until"] + "T12:00:00+00:00") + 2 * DAY
    expired = owing(desk.database, borrower, 5_000, consent_valid_until=None)
    unknown = owing(desk.database, borrower, 5_000, bank_consent="con-unheard-of", bank_account="acc-x")

    over = await desk.watch(watching(expired), past)
    never = await desk.watch(watching(unknown))
    again = await desk.watch(watching(unknown), TUESDAY + DAY)

    assert (over.funds_seen_at, over.over) == (None, "consent: CONSENT_EXPIRED")
    assert never.over == "consent: CONSENT_UNKNOWN"
    assert again.over == "consent: none is valid"
    with desk.database.reading() as session:
        assert {c.status for c in session.exec(select(Consent)).all()} == {ConsentStatus.EXPIRED}


async def test_another_valid_consent_of_the_person_takes_over(
    desk: Desk, world: World, borrower: dict[str, Any]
) -> None:
    loan_id = owing(desk.database, borrower, 100)
    with desk.database.writing() as session:
        known = session.exec(select(Consent)).one()
        fields = known.model_dump(exclude={"id", "consent_id", "account_id", "valid_until"})
        session.add(Consent(**fields, consent_id="con-of-old", account_id="acc-x", valid_until=None))

    report = await desk.watch(watching(loan_id))

    assert report.funds_seen_at == TUESDAY


async def test_a_consent_past_its_last_day_is_not_used_at_all(
    desk: Desk, world: World, borrower: dict[str, Any]
) -> None:
    loan_id = owing(desk.database, borrower, 100, consent_valid_until=date(2026, 3, 10))

    last_day = await desk.watch(watching(loan_id), datetime(2026, 3, 10, 22, 59, tzinfo=UTC))
    after = await desk.watch(watching(loan_id), datetime(2026, 3, 10, 23, 0, tzinfo=UTC))

    assert last_day.funds_seen_at is not None
    assert after.over == "consent: none is valid"


async def test_a_loan_without_consent_or_bank_is_not_watched(desk: Desk, lite: Database, world: World) -> None:
    loan_id = enter_loan(desk.database)

    assert (await desk.watch(watching(loan_id))).over == "consent: none is valid"
    async with desk_for(lite, settings_for(world, bank=None)) as without:
        assert (await without.watch(watching(loan_id))).over == "consent: no bank is configured"


async def test_when_the_bank_says_the_day_is_used_up_all_loans_wait_for_its_next_day(
    desk: Desk, world: World, borrower: dict[str, Any]
) -> None:
    person = {"person_id": "exceeded"}
    one, two = (owing(desk.database, borrower, 90_000_000, **person) for _ in range(2))
    world.fault("bank", "429", count=1)

    error = await put_off(desk, watching(one), TUESDAY)
    other = await put_off(desk, watching(two), TUESDAY + timedelta(hours=1))
    tomorrow = await put_off(desk, watching(one), TUESDAY + timedelta(hours=14))

    midnight = datetime(2026, 3, 10, 23, 0, tzinfo=UTC)
    assert error.next_retry_delay == midnight - TUESDAY
    assert "ACCESS_EXCEEDED" in str(error)
    assert other.next_retry_delay is not None
    assert midnight <= TUESDAY + timedelta(hours=1) + other.next_retry_delay < midnight + timedelta(hours=12)
    assert "funds not there yet" in str(tomorrow)
    assert len(reads(world, borrower)) == 1


@pytest.mark.parametrize("kind", ["500", "drop", "unreachable"])
async def test_a_bank_in_trouble_is_asked_again_soon_and_costs_no_day_of_watching(
    lite: Database, world: World, borrower: dict[str, Any], kind: str
) -> None:
    loan_id = owing(lite, borrower, 100)
    troubled = settings_for(world, **({"bank": Bank(base_url=nowhere())} if kind == "unreachable" else {}))
    tries = 3 if kind == "drop" else 6
    if kind != "unreachable":
        world.fault("bank", kind, count=tries)
    moment = TUESDAY
    async with desk_for(lite, troubled) as desk:
        for attempt in range(1, tries + 1):
            error = await put_off(desk, watching(loan_id), moment, attempt)
            assert error.next_retry_delay is not None
            assert timedelta(seconds=1) < error.next_retry_delay <= timedelta(minutes=10)
            moment += error.next_retry_delay
    async with desk_for(lite, settings_for(world)) as desk:
        report = await desk.watch(watching(loan_id), moment, tries + 1)

    assert report.funds_seen_at == moment
    assert moment < TUESDAY + timedelta(minutes=30)


async def test_a_read_whose_answer_was_lost_counts_against_the_day(
    desk: Desk, world: World, borrower: dict[str, Any]
) -> None:
    loan_id = owing(desk.database, borrower, 90_000_000)
    world.fault("bank", "lost_answer", count=10)

    delays = [
        (await put_off(desk, watching(loan_id), TUESDAY + timedelta(minutes=n), attempt=n + 1)).next_retry_delay
        for n in range(5)
    ]

    assert len(reads(world, borrower)) == 4
    assert delays[4] is not None
    assert DAY - timedelta(minutes=4) < delays[4] < 2 * DAY


# Where the reads are placed


async def test_looks_come_just_after_the_hours_at_which_the_banks_people_are_paid(
    both: Desk, world: World, borrower: dict[str, Any]
) -> None:
    """What others' accounts have shown says when to look at one that was never read before."""
    loan_id = owing(both.database, borrower, 90_000_000)
    with both.database.writing() as session:
        bank = session.exec(select(Consent)).one().provider
        incomes.count_booking(session, bank, "ES", [(28, 300), (29, 300)])  # 14:00 to 15:00
    moment, hours = TUESDAY + timedelta(days=1), []

    for _ in range(5):
        error = await put_off(both, watching(loan_id), moment)
        assert error.next_retry_delay is not None
        moment += error.next_retry_delay
        hours.append(moment.astimezone(ZoneInfo("Europe/Madrid")).hour)

    assert sum(1 for hour in hours if 14 <= hour < 16) >= 2, hours


async def test_each_read_that_sees_more_money_teaches_when_it_comes(
    both: Desk, world: World, borrower: dict[str, Any]
) -> None:
    loan_id = owing(both.database, borrower, 90_000_000)
    moment, end = TUESDAY, TUESDAY + timedelta(days=25)
    while moment < end:
        error = await put_off(both, watching(loan_id), moment)
        assert error.next_retry_delay is not None
        moment += error.next_retry_delay

    seen = [e["amount_minor"] for e in reads(world, borrower)]
    risen = sum(1 for before, after in pairwise(seen) if after > before)
    with both.database.reading() as session:
        row = loan_row(session, loan_id)
        kept = incomes.known(session, row.person_ref)
        stored = session.connection().exec_driver_sql("SELECT seen FROM income_seen").scalar_one_or_none()
    assert kept is not None
    assert kept.watched_since == TUESDAY
    assert len(kept.arrivals) <= risen
    assert bool(kept.arrivals) == bool(risen)
    assert stored is None or "2026" not in str(stored)


async def test_one_consent_of_the_bank_is_counted_once_whoever_hands_it_over(
    both: Desk, world: World, borrower: dict[str, Any]
) -> None:
    """Two lenders' records hold the same consent; their loans look at the same instants for two days."""
    mine = owing(both.database, borrower, 90_000_000, person_id=f"mine-{id(both)}")
    theirs = owing(both.database, borrower, 90_000_000, person_id=f"theirs-{id(both)}")

    for n in range(16):
        moment = TUESDAY + timedelta(hours=3 * n)
        await asyncio.gather(*(both.watch(watching(one), moment) for one in (mine, theirs)), return_exceptions=True)

    moments = [datetime.fromisoformat(e["at"]) for e in reads(world, borrower)]
    assert len(moments) >= 8
    assert all(sum(1 for other in moments if moment - DAY < other <= moment) <= 4 for moment in moments)
    assert [e for e in world.entries("refused") if "ACCESS_EXCEEDED" in e["reason"]] == []


async def test_a_new_consent_of_the_same_account_brings_no_reads_beyond_the_days_four(
    both: Desk, world: World, borrower: dict[str, Any]
) -> None:
    """Given an account that was read four times today under one consent, when its holder gives another, then the next
    read is a day after the first of them: the law counts the account's reads (RTS on SCA, art. 36(5)(b))."""
    loan_id = owing(both.database, borrower, 90_000_000, consent_valid_until=None)
    with both.database.writing() as session:
        loan = loan_row(session, loan_id)
        person = people.of_loan(session, loan)
        [new] = consents.of_person(session, person)
        old = Consent(
            person_ref=loan.person_ref, provider=new.provider, consent_id="of old", account_id="a", changed_at=TUESDAY
        )
        consents.end(session, old, ConsentStatus.EXPIRED, because="replaced", at=TUESDAY)
        for hours in (1, 2, 3, 4):
            at = TUESDAY - timedelta(hours=hours)
            consents.record_read(session, old, loan, at=at, outcome="read", amount_minor=1)

    error = await put_off(both, watching(loan_id), TUESDAY)

    assert str(error).startswith("FundsNotSeen: the day's reads are used up")
    assert error.next_retry_delay is not None
    assert error.next_retry_delay >= timedelta(hours=20)
    assert reads(world, borrower) == []


# A link because the money is there


async def test_an_offer_on_a_fresh_balance_reads_nothing(desk: Desk, world: World, borrower: dict[str, Any]) -> None:
    given = fresh()
    loan_id = owing(desk.database, borrower, 90_000_000, **given)

    report = await desk.contact(funds_offer(loan_id, TUESDAY - timedelta(hours=1)))

    assert report.outcome is ContactOutcome.SENT
    assert reads(world, borrower) == []
    [text] = texts_to(world, given["phone"])
    [link] = world.entries("link_created", loan_id)
    assert link["link_id"] in text["body"]


@pytest.mark.parametrize("there", [True, False])
async def test_an_offer_on_an_old_balance_looks_again_first(
    both: Desk, world: World, borrower: dict[str, Any], there: bool
) -> None:
    given = fresh()
    loan_id = owing(both.database, borrower, 100 if there else 90_000_000, **given)

    report = await both.contact(funds_offer(loan_id, TUESDAY - timedelta(hours=1, seconds=1)))

    assert report.outcome is (ContactOutcome.SENT if there else ContactOutcome.FUNDS_GONE)
    assert len(reads(world, borrower)) == 1
    assert len(texts_to(world, given["phone"])) == (1 if there else 0)
    assert len(world.entries("link_created", loan_id)) == (1 if there else 0)


@pytest.mark.parametrize("trouble", ["used_up", "down", "expired"])
async def test_an_offer_whose_balance_cannot_be_read_again_is_dropped_and_holds_nothing_up(
    desk: Desk, world: World, borrower: dict[str, Any], trouble: str
) -> None:
    given = fresh()
    loan_id = owing(desk.database, borrower, 100, **given)
    if trouble == "down":
        world.fault("bank", "500", count=1)
    with desk.database.writing() as session:
        consent = session.exec(
            select(Consent).where(
                Consent.consent_index == person_keys.of(session).index(CONSENT, borrower["bank_consent"])
            )
        ).one()
        if trouble == "expired":
            consent.status = ConsentStatus.EXPIRED
            session.add(consent)
        if trouble == "used_up":
            loan = loan_row(session, loan_id)
            for n in range(4):
                at = TUESDAY - timedelta(hours=2 + n)
                consents.record_read(session, consent, loan, at=at, outcome="read", amount_minor=10**9)

    report = await desk.contact(funds_offer(loan_id, TUESDAY - timedelta(hours=5)))

    assert report.outcome is ContactOutcome.FUNDS_GONE
    assert texts_to(world, given["phone"]) == []
    assert reads(world, borrower) == []
