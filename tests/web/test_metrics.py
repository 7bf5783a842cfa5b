"""What a monitoring system scrapes from the web app."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import Session

from config import metric_catalogue as catalogue
from config.metric_catalogue import Source
from domain.contact import Channel, Purpose
from domain.direct_debit import SequenceType
from records import agreements, cases, contacts, debits, loans, mandates, payments, webhooks
from records.database import Database
from records.tables import ContactState, GatewayCheck, PaymentInquiry, PaymentSource
from tests.activities.test_agreement_papers import PLAN
from tests.records.portfolios import LENDER, entered
from tests.web.outside import FakeTemporal, paid, running, until
from web import metrics
from web.metrics import FRESH_SECONDS, MetricsServer, RecordFigures

Samples = dict[str, dict[tuple[str, ...], float]]


@contextmanager
def served(database: Database) -> Iterator[str]:
    server = MetricsServer(database, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.port}/metrics"
    finally:
        server.stop()


def scrape(url: str) -> Samples:
    """Values by name and label values in the order of their labels' names, read by Prometheus' own parser."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                key = tuple(value for _, value in sorted(sample.labels.items()))
                found.setdefault(sample.name, {})[key] = sample.value
    return found


def take(session: Session, loan_id: str, payment_id: str, provider: str, amount: int, at: datetime) -> None:
    payments.record(
        session,
        provider=provider,
        payment_id=payment_id,
        lender=LENDER,
        loan_id=loan_id,
        amount_minor=amount,
        currency="EUR",
        paid_at=at,
        received_at=at,
        source=PaymentSource.SIGNAL,
    )


def busy(database: Database, now: datetime) -> None:
    """Three loans in collection, payments, cases, a webhook that waits and a contact nobody settled."""
    with database.writing() as session:
        entered(session, "L1", "L2", "L3")
        loan, person = contacts.lock_person(session, LENDER, "L1")
        take(session, "L1", "p1", "stripe", 2_500, now - timedelta(hours=2))
        take(session, "L1", "p2", "stripe", 500, now - timedelta(hours=1))
        take(session, "nobody's", "p3", "+34600123123", 700, now - timedelta(minutes=30))
        for number, due in enumerate((now - timedelta(hours=1), now + timedelta(hours=1))):
            cases.open(session, loan, case_id=f"c{number}", queue="phone", kind="handoff", at=now, sla_at=due)
        agreements.keep(session, loan, PLAN, (1_000, 0), of_entry=1, at=now)
        mandates.add(
            session,
            person,
            reference="M-1",
            iban="ES9121000418450200051332",
            signed_on=now.date(),
            sequence=SequenceType.FRST,
            at=now,
        )
        debits.order(
            session,
            loan,
            mandates.get(session, LENDER, "M-1"),
            step="debit",
            occurrence=1,
            amount_minor=1_000,
            noticed=False,
            notice_days=0,
            at=now,
        )
        longer = now - timedelta(days=2)
        session.add(PaymentInquiry(provider="bank", reference="rb-1", created_at=longer, next_at=now))
        session.add(GatewayCheck(provider="stripe", day=now.date(), differences=2, checked_at=now))
        webhooks.store(
            session,
            provider="stripe",
            event_key="e1",
            url="",
            body=b"",
            headers={},
            received_at=now - timedelta(seconds=90),
            due_at=now,
            verified=True,
        )
        given = contacts.reserve(
            session,
            loan,
            person,
            step="r1",
            occurrence=1,
            purpose=Purpose.COLLECTION,
            channel=Channel.SMS,
            template="first",
            at=now - timedelta(minutes=20),
        )
        contacts.advance(session, given.contact, ContactState.SENDING, at=now - timedelta(minutes=20))


def test_the_business_as_the_records_know_it(database: Database) -> None:
    now = datetime.now(UTC)
    busy(database, now)

    with served(database) as url:
        seen = scrape(url)

    assert seen["recobro_loans"] == {("in_collection",): 3}
    assert seen["recobro_campaigns"] == {("running",): 1}
    assert seen["recobro_cases_open"] == {("phone",): 2}
    assert seen["recobro_cases_past_sla"] == {("phone",): 1}
    assert seen["recobro_payments_total"] == {("EUR", "stripe"): 2, ("EUR", "other"): 1}
    assert seen["recobro_payments_minor_units_total"] == {("EUR", "stripe"): 3_000, ("EUR", "other"): 700}
    assert seen["recobro_payments_unmatched"] == {(): 1}
    assert seen["recobro_last_payment_timestamp_seconds"] == {
        ("stripe",): pytest.approx(now.timestamp() - 3600, abs=1),
        ("other",): pytest.approx(now.timestamp() - 1800, abs=1),
    }
    assert seen["recobro_webhooks_unrelayed"] == {("stripe",): 1}
    assert 90 <= seen["recobro_webhook_lag_seconds"][()] < 120
    assert seen["recobro_contacts_unsettled"] == {(): 1}
    assert seen["recobro_payments_unanswered"] == {("bank",): 1}
    assert seen["recobro_records_up"] == {(): 1}
    assert seen["recobro_agreements"] == {("plan", "active"): 1}
    assert seen["recobro_agreed_minor_units"] == {("EUR", "plan"): 9_000}


def test_every_figure_of_the_catalogue_is_served_under_its_labels(database: Database) -> None:
    busy(database, datetime.now(UTC))
    with database.writing() as session:
        loans.end(session, loans.get(session, LENDER, "L3"), kind="cured", at=datetime.now(UTC), final_state=None)

    with served(database) as url, urllib.request.urlopen(url, timeout=10) as answer:
        families = {one.name: one for one in text_string_to_metric_families(answer.read().decode())}

    for metric in catalogue.ALL:
        if metric.source in (Source.RECORDS, Source.EVERY) or metric is catalogue.RECORDS_UP:
            family = families[metric.stem]
            assert family.type == metric.kind
            assert family.documentation == metric.meaning
            assert {frozenset(sample.labels) for sample in family.samples} == {frozenset(metric.labels)}
    known = {metric.stem for metric in catalogue.ALL}
    assert {name for name in families if name.startswith("recobro_")} <= known


async def test_webhooks_are_counted_by_what_became_of_them(database: Database) -> None:
    with database.writing() as session:
        entered(session, "L1")
    with served(database) as url:
        before = await asyncio.to_thread(scrape, url)
        async with running(database, FakeTemporal()) as web:
            assert await web.stripe(paid("L1")) == 200
            assert await web.stripe(paid("L1")) == 200
            assert await web.stripe(paid("L1"), secret="not ours") == 400

            def counted(name: str, outcome: str) -> float:
                key = (outcome, "stripe")
                return scrape(url).get(name, {}).get(key, 0) - before.get(name, {}).get(key, 0)

            await until(lambda: counted("recobro_webhook_news_total", "payment") == 1)

            assert counted("recobro_webhooks_total", "stored") == 1
            assert counted("recobro_webhooks_total", "duplicate") == 1
            assert counted("recobro_webhooks_total", "refused") == 1


def test_records_that_are_away_show_as_away(database: Database) -> None:
    with database.writing() as session:
        session.connection().exec_driver_sql("ALTER TABLE payment RENAME TO hidden")

    with served(database) as url:
        seen = scrape(url)

    assert seen["recobro_records_up"] == {(): 0}
    assert "recobro_loans" not in seen


def test_many_scrapes_read_the_records_once(database: Database) -> None:
    clock = [100.0]
    figures = RecordFigures(database, steady=lambda: clock[0])

    def states() -> dict[str, float]:
        return {s.labels["state"]: s.value for f in figures.collect() if f.name == "recobro_loans" for s in f.samples}

    assert states() == {}
    with database.writing() as session:
        entered(session, "L1")
    clock[0] += 9
    assert states() == {}
    clock[0] += 2
    assert states() == {"in_collection": 1}


def sample(figures: RecordFigures, name: str) -> float:
    return next(one.value for family in figures.collect() for one in family.samples if one.name == name)


def test_records_that_come_back_show_soon_however_long_they_were_waited_for(database: Database) -> None:
    clock = [100.0]

    def steady() -> float:
        clock[0] += 130.0 if away else 0.0
        return clock[0]

    figures = RecordFigures(database, steady=steady)
    away = True
    with database.writing() as session:
        session.connection().exec_driver_sql("ALTER TABLE payment RENAME TO hidden")
    assert sample(figures, "recobro_records_up") == 0
    away = False
    with database.writing() as session:
        session.connection().exec_driver_sql("ALTER TABLE hidden RENAME TO payment")

    clock[0] += FRESH_SECONDS

    assert sample(figures, "recobro_records_up") == 1


def test_a_webhook_that_waits_is_as_old_as_it_was_when_the_records_were_read(database: Database) -> None:
    now = datetime.now(UTC)
    busy(database, now)
    wall = [now]
    clock = [100.0]
    figures = RecordFigures(database, wall=lambda: wall[0], steady=lambda: clock[0])
    assert sample(figures, "recobro_webhook_lag_seconds") == 90

    wall[0] += timedelta(seconds=9)
    clock[0] += 9

    assert sample(figures, "recobro_webhook_lag_seconds") == 90


def test_each_piece_of_a_batch_counts_under_its_own_word(database: Database) -> None:
    with served(database) as url:
        before = scrape(url).get("recobro_webhook_news_total", {})
        metrics.COUNTERS.news("batch", ("message_delivered",) * 100 + ("ignored spam",))
        after = scrape(url)["recobro_webhook_news_total"]

    counted = {key: value - before.get(key, 0) for key, value in after.items() if key[1] == "batch"}
    assert counted == {("message_delivered", "batch"): 100, ("ignored", "batch"): 1}
