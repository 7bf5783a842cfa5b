"""Business events on the worker's own metrics port, beside the SDK's metrics."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime

from temporalio import activity
from temporalio.common import MetricMeter

from config.metric_catalogue import Metric

_BESIDE: ContextVar[MetricMeter | None] = ContextVar("meter beside activities", default=None)


def count_beside_activities_on(meter: MetricMeter) -> None:
    """What this context, and every task that is begun in it, does outside an activity counts as a worker's too."""
    _BESIDE.set(meter)


def count(metric: Metric, **labels: str) -> None:
    """One more of `metric`. Outside a worker, where a command looks at the same things, nothing is counted."""
    if (meter := _meter()) is not None:
        _meet(metric, labels)
        meter.create_counter(metric.stem, metric.meaning).add(1, {k: str(v) for k, v in labels.items()})


def note_time(metric: Metric, at: datetime, **labels: str) -> None:
    """That something was done at `at`, as Unix time. Outside a worker nothing is noted."""
    if (meter := _meter()) is not None:
        _meet(metric, labels)
        gauge = meter.create_gauge_float(metric.name, metric.meaning)
        gauge.set(at.timestamp(), {k: str(v) for k, v in labels.items()})


def _meter() -> MetricMeter | None:
    return activity.metric_meter() if activity.in_activity() else _BESIDE.get()


def _meet(metric: Metric, labels: Mapping[str, str]) -> None:
    if set(labels) != set(metric.labels):
        raise ValueError(f"{metric.name} is told by {', '.join(metric.labels)}")
