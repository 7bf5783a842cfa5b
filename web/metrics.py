"""The web app's metrics, on a port of their own: what came in, and how the business stands by the records."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from config import metric_catalogue as catalogue
from config.metric_catalogue import Kind, Metric
from records.database import Database
from records.figures import Figures, read

_LOG = logging.getLogger("recobro.web.metrics")
FRESH_SECONDS = 10.0
disable_created_metrics()  # type: ignore[no-untyped-call]
SHARE = 20
"""Figures are read again at the earliest after this many times as long as reading them took: a large portfolio
costs the database a twentieth of one connection, however often it is scraped."""

Family = CounterMetricFamily | GaugeMetricFamily


class WebCounters:
    """What this process took in since it began."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._webhooks = _counter(catalogue.WEBHOOKS, registry)
        self._news = _counter(catalogue.WEBHOOK_NEWS, registry)

    def webhook(self, provider: str, outcome: str) -> None:
        self._webhooks.labels(provider=provider, outcome=outcome).inc()

    def news(self, provider: str, outcomes: Iterable[str]) -> None:
        """One outcome for each piece of news; what follows its first word is dropped."""
        for outcome in outcomes:
            self._news.labels(provider=provider, outcome=outcome.split(" ")[0]).inc()


def _counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    return Counter(metric.stem, metric.meaning, metric.labels, registry=registry)


REGISTRY = CollectorRegistry()
COUNTERS = WebCounters(REGISTRY)


class RecordFigures(Collector):
    """The figures of the records, read when they are scraped and no oftener than is cheap."""

    def __init__(
        self,
        database: Database,
        *,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._wall = wall
        self._steady = steady
        self._reading = threading.Lock()
        self._figures: Figures | None = None
        self._took = 0.0
        self._again_at = 0.0

    def collect(self) -> Iterator[Family]:
        with self._reading:
            self._refresh()
            figures, took = self._figures, self._took
        yield _gauge(catalogue.CLOCK, self._wall().timestamp())
        yield _gauge(catalogue.RECORDS_UP, 0.0 if figures is None else 1.0)
        if figures is not None:
            yield _gauge(catalogue.RECORDS_SECONDS, took)
            yield from _families(figures)

    def _refresh(self) -> None:
        begun = self._steady()
        if begun < self._again_at:
            return
        try:
            with self._database.reading() as session:
                self._figures = read(session, self._wall())
        except Exception as error:
            # Old figures would hide the outage; only the kind of an error is logged: its text may hold a row.
            self._figures = None
            _LOG.warning("the records' figures cannot be read: %s", type(error).__name__)
            # How long an outage keeps one waiting says nothing of what reading costs.
            self._again_at = self._steady() + FRESH_SECONDS
            return
        self._took = self._steady() - begun
        self._again_at = begun + max(FRESH_SECONDS, SHARE * self._took)


def _families(figures: Figures) -> Iterator[Family]:
    oldest = figures.oldest_unrelayed
    # As it was when the records were read: what has waited since may have been relayed since.
    lag = max(0.0, (figures.read_at - oldest).total_seconds()) if oldest else 0.0
    yield _by(catalogue.LOANS, {(state,): number for state, number in figures.loans.items()})
    yield _by(catalogue.LOANS_ENDED, {(end,): number for end, number in figures.loans_ended.items()})
    yield _by(catalogue.CAMPAIGNS, {(state,): number for state, number in figures.campaigns.items()})
    yield _by(catalogue.CASES, {(queue,): number for queue, number in figures.cases_open.items()})
    # A queue that is in time shows 0, so that a panel or an alert sees it come back.
    late: dict[tuple[str, ...], int] = {(queue,): figures.cases_past_sla.get(queue, 0) for queue in figures.cases_open}
    yield _by(catalogue.CASES_LATE, late)
    yield _by(catalogue.PAYMENTS, {key: one.payments for key, one in figures.takings.items()})
    yield _by(catalogue.PAYMENTS_MINOR, {key: one.amount_minor for key, one in figures.takings.items()})
    yield _by(catalogue.PAYMENTS_REVERSED, {key: one.reversed for key, one in figures.takings.items()})
    yield _gauge(catalogue.PAYMENTS_UNMATCHED, figures.payments_unmatched)
    yield _by(catalogue.LAST_PAYMENT, {(name,): at.timestamp() for name, at in figures.last_payment.items()})
    yield _by(catalogue.WEBHOOKS_WAITING, {(name,): number for name, number in figures.webhooks_unrelayed.items()})
    yield _gauge(catalogue.WEBHOOK_LAG, lag)
    yield _gauge(catalogue.UNSETTLED, figures.contacts_unsettled)
    yield _by(catalogue.AGREEMENTS, figures.agreements)
    yield _by(catalogue.AGREED_MINOR, figures.agreed_minor)
    yield _by(catalogue.DEBITS, {(state,): number for state, number in figures.debits.items()})
    yield _gauge(catalogue.DEBIT_FILES_UNANSWERED, figures.debit_files_unanswered)
    yield _gauge(catalogue.BANK_ENTRIES_WAITING, figures.bank_entries_waiting)
    unanswered: dict[tuple[str, ...], int] = {(name,): number for name, number in figures.payments_unanswered.items()}
    yield _by(catalogue.PAYMENTS_UNANSWERED, unanswered)
    yield _by(catalogue.GATEWAY_DIFFERENCES, {(name,): number for name, number in figures.gateway_differences.items()})


def _gauge(metric: Metric, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(metric.name, metric.meaning, value=value)


def _by(metric: Metric, values: Mapping[tuple[str, ...], float]) -> Family:
    family: Family
    if metric.kind is Kind.COUNTER:
        family = CounterMetricFamily(metric.stem, metric.meaning, labels=metric.labels)
    else:
        family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, number in values.items():
        family.add_metric(labels, number)
    return family


class MetricsServer:
    """Serves /metrics until `stop`. Raises OSError when the port is taken."""

    def __init__(self, database: Database, host: str, port: int) -> None:
        self._figures = RecordFigures(database)
        REGISTRY.register(self._figures)
        try:
            started: tuple[WSGIServer, threading.Thread] = start_http_server(port, host, REGISTRY)
        except OSError:
            REGISTRY.unregister(self._figures)
            raise
        self._server, self._thread = started
        self.port: int = self._server.server_port

    def stop(self) -> None:
        REGISTRY.unregister(self._figures)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
