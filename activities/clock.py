"""The time of a task: the server's, so that a campaign on a skipped clock runs the same code."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory


def task_time() -> datetime:
    """When this attempt of the activity began, UTC, by the Temporal server's clock for its workflow."""
    return activity.info().started_time


def ask_again(until: datetime, why: str, kind: str) -> ApplicationError:
    """An expected failure: the activity is tried again at `until`, and meanwhile leaves no history events.

    `why` is shown in the Web UI as the pending activity's last failure.
    """
    wait = max(until - task_time(), timedelta(milliseconds=1))
    return ApplicationError(why, type=kind, next_retry_delay=wait, category=ApplicationErrorCategory.BENIGN)


def try_again_in(wait: timedelta, why: str, kind: str) -> ApplicationError:
    """A real fault that may pass: tried again after `wait`, and counted as a failure."""
    return ApplicationError(why, type=kind, next_retry_delay=max(wait, timedelta(milliseconds=1)))
