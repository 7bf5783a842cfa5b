"""The days of a strategy as an operator reads them, and what a migration would change."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.strategy import Ends, Stage, StageStart, Step, Strategy
from domain.strategy_timeline import LoanPosition, compare, next_step, stage_at, timeline


def step(name: str, *, dpd: int | None = None, after: int | None = None, template: str = "hello") -> Step:
    return Step.model_validate(
        {
            "id": name,
            "kind": "remind",
            "dpd": dpd,
            "after_days": after,
            "channels": ["sms"],
            "template": template,
        }
    )


def strategy(*steps: Step, version: int = 1, ends: int = 90) -> Strategy:
    return Strategy(name="test", version=version, title="Test", steps=steps, ends=Ends(after_days=ends))


def days(entries: Sequence[object]) -> list[tuple[int | None, int | None]]:
    return [(entry.dpd, entry.day) for entry in entries]  # type: ignore[attr-defined]


def test_steps_by_days_past_due_have_a_day_past_due_and_no_day_since_an_unknown_entry() -> None:
    assert days(timeline(strategy(step("a", dpd=-3), step("b", dpd=7)))) == [(-3, None), (7, None)]


def test_steps_that_follow_each_other_add_up_from_the_day_of_entry() -> None:
    plan = strategy(step("a", after=0), step("b", after=4), step("c", after=8))

    assert days(timeline(plan)) == [(None, 0), (None, 4), (None, 12)]
    assert days(timeline(plan, 150)) == [(150, 0), (154, 4), (162, 12)]


def test_a_step_that_follows_one_by_days_past_due_has_both_days_once_the_entry_is_known() -> None:
    plan = strategy(step("a", dpd=5), step("b", after=3), step("c", dpd=6))

    assert days(timeline(plan)) == [(5, None), (8, None), (8, None)]
    assert days(timeline(plan, -3)) == [(5, 8), (8, 11), (8, 11)]


def test_a_loan_that_enters_late_begins_with_the_last_step_whose_day_has_come() -> None:
    entries = timeline(strategy(step("a", dpd=1), step("b", dpd=7), step("c", dpd=30)), entry_dpd=20)

    assert [entry.before_entry for entry in entries] == [True, False, False]
    assert days(entries) == [(1, None), (20, 0), (30, 10)]


def test_the_stage_is_the_last_that_has_started_and_pre_due_before_the_first() -> None:
    stages = (StageStart(stage=Stage.EARLY, dpd=1), StageStart(stage=Stage.LATE, dpd=30))

    assert [stage_at(stages, dpd) for dpd in (-1, 0, 1, 29, 30, 400)] == [
        "pre_due", "pre_due", "early", "early", "late", "late",
    ]  # fmt: skip


def test_a_migration_tells_for_how_many_loans_the_next_step_or_its_day_changes() -> None:
    old = strategy(step("a", dpd=1), step("b", dpd=10), step("c", dpd=20))
    new = strategy(step("a", dpd=1), step("b", dpd=12), step("d", dpd=15), step("c", dpd=20), version=2)
    loans = [
        LoanPosition(loan_id="1", step_ids_done=("a",), dpd=5, days_since_entry=5),
        LoanPosition(loan_id="2", step_ids_done=("a",), dpd=6, days_since_entry=6),
        LoanPosition(loan_id="3", step_ids_done=("a", "b"), dpd=16, days_since_entry=16),
        LoanPosition(loan_id="4", step_ids_done=("a", "b", "c"), dpd=40, days_since_entry=40),
    ]

    preview = compare(old, new, iter(loans))

    found = {(each.old_step_id, each.new_step_id, each.days_later): each.loans for each in preview.changes}
    assert found == {("b", "b", 2): 2, ("c", "d", -4): 1}
    assert (preview.loans, preview.unchanged, preview.due_today) == (4, 1, 1)
    assert (preview.steps_added, preview.steps_removed, preview.steps_changed) == (("d",), (), ("b",))
    assert (preview.old_key, preview.new_key) == ("test@1", "test@2")


def test_a_step_put_in_before_the_place_a_loan_has_reached_is_not_made_up_for() -> None:
    new = strategy(step("a", dpd=1), step("x", dpd=3), step("b", dpd=10), step("c", dpd=20), version=2)
    loan = LoanPosition(loan_id="1", step_ids_done=("a", "b"), dpd=12, days_since_entry=12)

    upcoming = next_step(new, loan)

    assert upcoming is not None
    assert (upcoming.step_id, upcoming.in_days) == ("c", 8)


def test_a_shorter_strategy_names_the_loans_that_would_end() -> None:
    old, new = strategy(step("a", dpd=1)), strategy(step("a", dpd=1), version=2, ends=60)
    loans = [
        LoanPosition(loan_id=str(day), step_ids_done=("a",), dpd=day, days_since_entry=day) for day in (10, 60, 75)
    ]

    preview = compare(old, new, loans)

    assert preview.would_end == ("60", "75")
    assert preview.unchanged == 1
    assert preview.parts_changed == ("ends",)


def test_a_changed_message_or_watch_is_told_though_no_day_moves() -> None:
    old = strategy(step("a", dpd=1), step("b", dpd=2))
    new = strategy(step("a", dpd=1, template="other"), version=2)
    loan = LoanPosition(loan_id="1", dpd=0, days_since_entry=0)

    preview = compare(old, new, [loan])

    assert preview.unchanged == 1
    assert (preview.steps_changed, preview.steps_removed) == (("a",), ("b",))


ids = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1, max_size=8)


@st.composite
def strategies(draw: st.DrawFn) -> Strategy:
    names = draw(ids)
    dpds = sorted(draw(st.lists(st.integers(-30, 200), min_size=len(names), max_size=len(names))))
    after = draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    steps = [
        step(name, after=abs(dpd)) if relative else step(name, dpd=dpd)
        for name, dpd, relative in zip(names, dpds, after, strict=True)
    ]
    return strategy(*steps)


@settings(deadline=None)
@given(strategies(), st.integers(-30, 300))
def test_the_days_of_a_timeline_never_run_backwards(plan: Strategy, entry: int) -> None:
    ahead = [entry_ for entry_ in timeline(plan, entry) if not entry_.before_entry]

    reached = [(each.day, each.dpd) for each in ahead]
    assert all(day is not None and dpd is not None and dpd - entry == day for day, dpd in reached)
    assert [day for day, _ in reached] == sorted(day for day, _ in reached if day is not None)


@settings(deadline=None)
@given(strategies(), strategies(), st.lists(st.tuples(ids, st.integers(-30, 300), st.integers(0, 100))))
def test_every_loan_of_a_migration_is_counted_once_and_no_step_comes_again(
    old: Strategy, new: Strategy, drawn: list[tuple[list[str], int, int]]
) -> None:
    loans = [
        LoanPosition(loan_id=str(number), step_ids_done=tuple(done), dpd=dpd, days_since_entry=age)
        for number, (done, dpd, age) in enumerate(drawn)
    ]

    preview = compare(old, new, loans)

    assert preview.loans == len(loans) == preview.unchanged + sum(each.loans for each in preview.changes)
    for loan in loans:
        upcoming = next_step(new, loan)
        assert upcoming is None or (upcoming.step_id not in loan.step_ids_done and upcoming.in_days >= 0)


@settings(deadline=None)
@given(strategies(), st.integers(-30, 300))
def test_moving_to_the_same_strategy_changes_nothing(plan: Strategy, dpd: int) -> None:
    loan = LoanPosition(loan_id="1", step_ids_done=(plan.steps[0].id,), dpd=dpd, days_since_entry=3)

    preview = compare(plan, plan, [loan])

    assert (preview.unchanged, preview.changes, preview.would_end) == (1, (), ())
