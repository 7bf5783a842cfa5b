"""A strategy laid out in days to read, and what moving running loans to another version would change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import time

from pydantic import BaseModel, ConfigDict, Field

from domain.contact import Channel
from domain.strategy import Conditions, Stage, StageStart, Step, StepKind, Strategy


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class TimelineEntry(_Value):
    """One step on the calendar of a loan to which nothing happens.

    `dpd` is the day past due it falls on and `day` the days since the loan entered; either is None when
    it depends on the other and the day of entry is not known. `before_entry`: passed over, because the
    loan entered later than that. `at` is the borrower's local time. `stage` is the one in force when the
    step falls due, if the day past due is known.
    """

    step_id: str
    kind: StepKind
    dpd: int | None
    day: int | None
    at: time
    channels: tuple[Channel, ...]
    template: str | None
    when: Conditions
    moves_to: Stage | None
    queue: str | None
    stage: Stage | None
    before_entry: bool
    unread_after_hours: int | None = None
    """Not read within so many hours: once more by the next channel."""


def timeline(strategy: Strategy, entry_dpd: int | None = None) -> tuple[TimelineEntry, ...]:
    """The steps in order. `entry_dpd` is how many days past due the loan is when it enters (negative: before).

    A loan that enters late begins with the last step whose day has come; contacts that must wait for a
    lawful hour, and steps held by a case or a pause, come later than shown.
    """
    first = 0 if entry_dpd is None else _first_step(strategy.steps, entry_dpd)
    dpd = entry_dpd
    day: int | None = 0
    entries = []
    for index, step in enumerate(strategy.steps):
        before_entry = index < first
        if before_entry:
            at_dpd, at_day = step.dpd, None
        elif step.dpd is not None:
            at_dpd = step.dpd if dpd is None else max(step.dpd, dpd)  # never before the step before it
            at_day = None if entry_dpd is None else at_dpd - entry_dpd
        else:
            after = step.after_days or 0
            at_dpd = None if dpd is None else dpd + after
            at_day = None if day is None else day + after
        if not before_entry:
            dpd, day = at_dpd, at_day
        entries.append(
            TimelineEntry(
                step_id=step.id,
                kind=step.kind,
                dpd=at_dpd,
                day=at_day,
                at=step.at,
                channels=step.channels,
                template=step.template,
                when=step.when,
                moves_to=step.stage,
                queue=step.queue,
                stage=None if at_dpd is None else stage_at(strategy.stages, at_dpd),
                before_entry=before_entry,
                unread_after_hours=step.unread_after_hours,
            )
        )
    return tuple(entries)


def _first_step(steps: tuple[Step, ...], entry_dpd: int) -> int:
    reached = [index for index, step in enumerate(steps) if step.dpd is not None and step.dpd <= entry_dpd]
    return reached[-1] if reached else 0


def stage_at(stages: tuple[StageStart, ...], dpd: int) -> Stage:
    """The stage by days past due alone; before the first that starts, pre-due."""
    reached = [start.stage for start in stages if start.dpd <= dpd]
    return reached[-1] if reached else Stage.PRE_DUE


class LoanPosition(_Value):
    """Where a running loan stands.

    `step_ids_done` are all steps behind it, also those passed over. Days are whole local days of the
    borrower: `days_since_last_step` counts from the step done last, None when none was. `ends_in_days` is
    for the version it runs on; None: as many as `days_since_entry` leaves (days held are not counted).
    """

    loan_id: str
    step_ids_done: tuple[str, ...] = ()
    dpd: int
    days_since_entry: int = Field(ge=0)
    days_since_last_step: int | None = Field(None, ge=0)
    ends_in_days: int | None = None


class NextStep(_Value):
    """The step a loan comes to next, in so many days (0: today) at that local time."""

    step_id: str
    in_days: int
    at: time


def next_step(strategy: Strategy, loan: LoanPosition) -> NextStep | None:
    """What `loan` comes to next under `strategy`, or None when every step is behind it.

    It stands after the last of the strategy's steps that it has behind it, by id: no step comes again,
    and a step put in before that place is not made up for.
    """
    done = set(loan.step_ids_done)
    behind = [index for index, step in enumerate(strategy.steps) if step.id in done]
    place = behind[-1] + 1 if behind else 0
    if place == len(strategy.steps):
        return None
    step = strategy.steps[place]
    if step.dpd is not None:
        wait = step.dpd - loan.dpd
    else:
        base = loan.days_since_entry if loan.days_since_last_step is None else loan.days_since_last_step
        wait = (step.after_days or 0) - base
    return NextStep(step_id=step.id, in_days=max(wait, 0), at=step.at)


class NextStepChange(_Value):
    """So many loans whose next step would be another, or come on another day or at another time.

    `days_later` is negative for earlier and None when either version has no next step for them.
    """

    old_step_id: str | None
    new_step_id: str | None
    days_later: int | None
    at_changes: bool
    loans: int


class MigrationPreview(_Value):
    """What moving loans from one strategy (version) to another would change.

    `due_today` counts loans whose next step would fall due at once though it was to come later: expect
    that many contacts on the day of the move. `would_end` are loan ids that would be past their end.
    `steps_changed` have the same id and differ in anything; `parts_changed` are the other parts that
    differ (watch, receipt, queues, stages, ends, currency).
    """

    old_key: str
    new_key: str
    loans: int
    unchanged: int
    changes: tuple[NextStepChange, ...]
    due_today: int
    would_end: tuple[str, ...]
    steps_added: tuple[str, ...]
    steps_removed: tuple[str, ...]
    steps_changed: tuple[str, ...]
    parts_changed: tuple[str, ...]


def compare(old: Strategy, new: Strategy, loan_positions: Iterable[LoanPosition]) -> MigrationPreview:
    """Preview a migration of the given loans; consumes the positions once, so they may be a stream."""
    changes: Counter[tuple[str | None, str | None, int | None, bool]] = Counter()
    loans = unchanged = due_today = 0
    would_end: list[str] = []
    for loan in loan_positions:
        loans += 1
        before, after = next_step(old, loan), next_step(new, loan)
        ends = _ends_in(old, loan) + new.ends.after_days - old.ends.after_days
        ending = ends <= 0 < _ends_in(old, loan)
        if ending:
            would_end.append(loan.loan_id)
        if before == after:
            unchanged += not ending
            continue
        later = None if before is None or after is None else after.in_days - before.in_days
        at_changes = before is not None and after is not None and before.at != after.at
        ids = (None if before is None else before.step_id, None if after is None else after.step_id)
        changes[*ids, later, at_changes] += 1
        if after is not None and after.in_days == 0 and (before is None or before.in_days > 0):
            due_today += 1
    old_steps, new_steps = {step.id: step for step in old.steps}, {step.id: step for step in new.steps}
    return MigrationPreview(
        old_key=old.key,
        new_key=new.key,
        loans=loans,
        unchanged=unchanged,
        changes=tuple(
            NextStepChange(old_step_id=old_id, new_step_id=new_id, days_later=later, at_changes=at_changes, loans=count)
            for (old_id, new_id, later, at_changes), count in changes.most_common()
        ),
        due_today=due_today,
        would_end=tuple(would_end),
        steps_added=tuple(name for name in new_steps if name not in old_steps),
        steps_removed=tuple(name for name in old_steps if name not in new_steps),
        steps_changed=tuple(name for name, step in new_steps.items() if name in old_steps and old_steps[name] != step),
        parts_changed=tuple(name for name in _PARTS if getattr(old, name) != getattr(new, name)),
    )


_PARTS = ("currency", "stages", "watch", "receipt", "queues", "ends")


def _ends_in(strategy: Strategy, loan: LoanPosition) -> int:
    if loan.ends_in_days is not None:
        return loan.ends_in_days
    return strategy.ends.after_days - loan.days_since_entry
