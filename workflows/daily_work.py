"""The daily run: one job after another, each tried until it is done or the day is over; what came of it can be read."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.capabilities import DailyWork
    from activities.daily_orders import DayJob, DayOrder, DayReport

WITHIN = timedelta(hours=5)
"""So long a job is tried. Where more than four fail they outlast the day, and the next run is passed over."""
RETRY = RetryPolicy(initial_interval=timedelta(seconds=10), maximum_interval=timedelta(minutes=30))
_SUMMARIES = {
    DayJob.BANK_FILES: "Take in what the bank has sent",
    DayJob.STATEMENTS: "Take in the statements that lie in folders",
    DayJob.DEBIT_FILES: "Hand the day's debits to the bank",
    DayJob.GATEWAYS: "Compare yesterday's payments with the gateways' lists",
    DayJob.REFUNDS: "Give back approved refunds",
    DayJob.CONSENTS: "Ask the banks how consents stand",
    DayJob.SPENT_KEYS: "Destroy the keys of days and months that nobody needs any more",
}


class DailyInput(BaseModel):
    """`zone` (IANA) says which day it is."""

    model_config = ConfigDict(frozen=True)

    zone: str = "UTC"
    jobs: tuple[DayJob, ...] = tuple(DayJob)


class DailyResult(BaseModel):
    model_config = ConfigDict(frozen=True)

    day: str
    reports: tuple[DayReport, ...]


@workflow.defn(name="Daily")
class Daily:
    @workflow.run
    async def run(self, given: DailyInput) -> DailyResult:
        day = workflow.now().astimezone(ZoneInfo(given.zone)).date()
        reports: list[DayReport] = []
        for job in given.jobs:
            try:
                report = await workflow.execute_activity_method(
                    DailyWork.job,
                    DayOrder(job=job, day=day, zone=given.zone),
                    start_to_close_timeout=timedelta(minutes=30),
                    schedule_to_close_timeout=WITHIN,
                    retry_policy=RETRY,
                    summary=_SUMMARIES[job],
                )
            except ActivityError as error:
                # The other jobs do not wait for a bank that is away all day; tomorrow's run does this one again.
                report = DayReport(job=job, told=f"not done: {error.cause or error}", wrong=True)
            reports.append(report)
            workflow.set_current_details(_told(reports))
        return DailyResult(day=day.isoformat(), reports=tuple(reports))


def _told(reports: list[DayReport]) -> str:
    lines = ["| job | | what came of it |", "|---|---|---|"]
    return "\n".join(
        lines + [f"| {one.job} | {'look at it' if one.wrong else 'done'} | {one.told} |" for one in reports]
    )
