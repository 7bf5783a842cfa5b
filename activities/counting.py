"""Counting business events on the worker's own metrics port, beside the SDK's metrics."""

from __future__ import annotations

from temporalio import activity

from config.metric_catalogue import Metric


def count(metric: Metric, **labels: str) -> None:
    """One more of `metric`. Outside an activity, where a command looks at the same things, nothing is counted."""
    if not activity.in_activity():
        return
    if set(labels) != set(metric.labels):
        raise ValueError(f"{metric.name} is counted by {', '.join(metric.labels)}")
    activity.metric_meter().create_counter(metric.stem, metric.meaning).add(1, {k: str(v) for k, v in labels.items()})
