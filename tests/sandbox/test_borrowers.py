"""The moments the published evidence gives (collected in sandbox/borrowers.yaml), on the pure model."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache

import pytest

from sandbox.borrowers import Borrower, Debt, Intent, Mind, draw_borrower
from sandbox.clock import DAY, HOUR, local, parse_iso
from sandbox.odds import load_odds

SEED = 11
START = parse_iso("2026-02-10T16:00:00+00:00")
PLACES = {
    "US": ("USD", 40_000, "America/Chicago"),
    "ES": ("EUR", 30_000, "Europe/Madrid"),
    "MX": ("MXN", 150_000, "America/Mexico_City"),
}


@dataclass
class Case:
    who: Borrower
    debt: Debt
    began: float
    due: int

    @property
    def kind(self) -> str:
        return self.debt.kind


@cache
def mind(preset: str) -> Mind:
    return Mind(load_odds(preset=preset), SEED)


@cache
def borrower(preset: str, country: str, i: int) -> Borrower:
    currency, amount, zone = PLACES[country]
    odds = mind(preset).odds
    return draw_borrower(odds, SEED, f"p{i}", country, currency, amount, START + (i % 30) * DAY, zone)


def enrolled(preset: str, country: str, n: int, due_in_days: int, grade: str | None = None) -> Iterable[Case]:
    """Debts that fall due so many days after they are taken over (negative: are late), spread over a month."""
    _, amount, zone = PLACES[country]
    for i in range(n):
        began = START + (i % 30) * DAY
        due = local(began, zone).toordinal() + due_in_days
        who = borrower(preset, country, i)
        debt = Debt(f"L{i}", amount, date.fromordinal(due).isoformat(), began)
        mind(preset).enrol(who, debt, began, grade)
        yield Case(who, debt, began, due)


def days_late(case: Case, intent: Intent | None) -> int | None:
    return None if intent is None else local(intent.at, case.who.zone).toordinal() - case.due


def outcome(preset: str, case: Case) -> int | None:
    return days_late(case, mind(preset).next_payment(case.who, case.debt, case.began))


def share(values: list[bool]) -> float:
    return sum(values) / len(values)


def test_prime_borrowers_are_late_one_in_ten_and_mostly_for_days() -> None:
    found = [outcome("prime", case) for case in enrolled("prime", "US", 6_000, due_in_days=15)]

    late = [d for d in found if d is None or d > 0]
    paid = [d for d in late if d is not None and d <= 180]
    assert 0.05 <= len(late) / len(found) <= 0.15
    for within, published in ((3, 0.51), (7, 0.74), (30, 0.98)):
        assert share([d <= within for d in paid]) == pytest.approx(published, abs=0.05)


@pytest.mark.parametrize("country", ["ES", "MX"])
def test_micro_borrowers_are_late_a_third_of_the_time_and_many_never_pay(country: str) -> None:
    found = [outcome("micro", case) for case in enrolled("micro", country, 2_500, due_in_days=10)]

    assert 0.30 <= share([d is None or d > 0 for d in found]) <= 0.45
    assert 0.15 <= share([d is None or d > 90 for d in found]) <= 0.27


def test_whoever_was_late_before_is_late_again_more_than_twice_as_often() -> None:
    later: dict[bool, list[bool]] = {True: [], False: []}
    for case in enrolled("prime", "US", 6_000, due_in_days=15):
        first = outcome("prime", case)
        began, due = case.began + 90 * DAY, date.fromordinal(case.due + 90)
        second = Debt(case.debt.loan_id + "-2", case.debt.outstanding, due.isoformat(), began)
        mind("prime").enrol(case.who, second, began)
        again = mind("prime").next_payment(case.who, second, began)
        late = again is None or local(again.at, case.who.zone).date() > due
        later[first is None or first > 0].append(late)

    assert 2.2 <= share(later[True]) / share(later[False]) <= 3.0


def test_a_month_late_half_cure_in_a_month_and_two_thirds_in_three() -> None:
    found = [outcome("prime", case) for case in enrolled("prime", "US", 4_000, due_in_days=-30)]

    for months, published in ((1, 0.46), (2, 0.60), (3, 0.69)):
        cured = share([d is not None and d <= 30 + 30 * months for d in found])
        assert cured == pytest.approx(published, abs=0.10)


def trial(
    preset: str, country: str, n: int, due_in_days: int, texts: tuple[int, ...], horizon: int
) -> list[tuple[bool, bool]]:
    """Every borrower with and without texts on those days: paid by `horizon` days late, in both worlds."""
    both = []
    for case in enrolled(preset, country, n, due_in_days):
        untreated = outcome(preset, case)
        for day in texts:
            if case.who.phone == "mobile":
                mind(preset).hear(case.who, case.debt, case.began + day * DAY + HOUR, "sms", None)
        treated = outcome(preset, case)
        both.append((untreated is not None and untreated <= horizon, treated is not None and treated <= horizon))
    return both


def test_one_text_at_a_month_late_adds_two_or_three_points() -> None:
    both = trial("prime", "US", 6_000, -30, texts=(0,), horizon=60)

    effect = share([t for _, t in both]) - share([u for u, _ in both])
    assert 0.017 <= effect <= 0.031
    assert all(t for u, t in both if u), "a text never makes anyone pay later"


def test_a_second_plain_text_adds_nothing() -> None:
    one = trial("prime", "US", 1_000, -30, texts=(0,), horizon=60)
    two = trial("prime", "US", 1_000, -30, texts=(0, 7), horizon=60)

    assert abs(share([t for _, t in two]) - share([t for _, t in one])) < 0.005


def test_a_text_before_the_due_date_moves_nobody_who_would_be_on_time() -> None:
    both = trial("prime", "US", 2_500, 4, texts=(1,), horizon=0)

    on_time = [t for u, t in both if u]
    late = [t for u, t in both if not u]
    assert share(on_time) == 1.0
    assert 0.0 < share(late) < 0.12  # forgetters, a few


def test_grade_spreads_lateness_sixfold_and_more() -> None:
    late = {
        grade: share([c.kind != "on_time" for c in enrolled("prime", "US", 1_000, 15, grade)]) for grade in ("A", "F")
    }

    assert late["F"] / late["A"] >= 6


@pytest.mark.parametrize(("preset", "country"), [("prime", "US"), ("micro", "MX")])
def test_nothing_is_ever_paid_without_the_money(preset: str, country: str) -> None:
    for due_in_days in (10, -20, -45):
        for case in enrolled(preset, country, 400, due_in_days):
            for day in (1, 4, 9):
                mind(preset).hear(case.who, case.debt, case.began + day * DAY, "sms", f"plink_{day}")
            intent = mind(preset).next_payment(case.who, case.debt, case.began)
            if intent is not None:
                assert case.who.account.at(intent.at) >= case.debt.outstanding
                assert intent.at > case.began


def test_money_that_went_elsewhere_is_waited_for() -> None:
    waited = 0
    for case in enrolled("prime", "US", 300, due_in_days=15):
        who = draw_borrower(mind("prime").odds, SEED, case.who.key, "US", "USD", 40_000, case.began, case.who.zone)
        planned = mind("prime").next_payment(who, case.debt, case.began)
        if planned is None:
            continue
        who.account.adjust(planned.at - HOUR, -2 * who.account.at(planned.at))
        mind("prime").without_money(case.debt, planned.at)
        again = mind("prime").next_payment(who, case.debt, planned.at)
        if again is not None:
            assert again.at > planned.at
            assert who.account.at(again.at) >= case.debt.outstanding
            waited += 1

    assert waited > 200


def test_a_link_when_money_is_there_does_more_than_the_same_link_when_it_is_not() -> None:
    gained = {True: 0, False: 0}
    told = {True: 0, False: 0}
    for case in enrolled("prime", "MX", 2_500, due_in_days=-35):
        before = outcome("prime", case)
        rich = case.who.account.at(case.began + 2 * HOUR) >= 2 * case.debt.outstanding
        mind("prime").hear(case.who, case.debt, case.began + HOUR, "sms", "plink_1")
        after = outcome("prime", case)
        told[rich] += 1
        gained[rich] += (after is not None and after <= 65) - (before is not None and before <= 65)

    assert gained[True] / told[True] > gained[False] / told[False]


def test_after_a_part_payment_the_rest_has_a_future_of_its_own() -> None:
    moved = 0
    for case in enrolled("prime", "US", 200, due_in_days=-10):
        first = mind("prime").next_payment(case.who, case.debt, case.began)
        if first is None:
            continue
        case.debt.outstanding //= 2
        mind("prime").paid_part(case.debt, first.at)
        rest = mind("prime").next_payment(case.who, case.debt, first.at)
        assert rest is None or rest.at > first.at
        moved += rest is not None

    assert moved > 100
