"""What the checks say of answers to borrowers and of agreements."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.commands.doctored_world import TUESDAY_TEN, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("step", "at", "found"),
    [
        ("r3, occurrence 1, of entry 1", 2 * DAY, ["kept"]),
        ("funds, occurrence 1, of entry 1", 2 * DAY, ["kept"]),
        ("agreement_reminder, occurrence 100, of entry 1", 2 * DAY, []),
        ("reply, occurrence 1, of entry 1", 2 * DAY, []),
        ("r3, occurrence 1, of entry 1", 9 * DAY, []),
        ("r3, occurrence 1, of entry 1", -DAY, []),
    ],
)
def test_while_an_agreement_is_kept_nothing_but_its_own_is_sent(step: str, at: timedelta, found: list[str]) -> None:
    world = World()
    world.agrees(TUESDAY_TEN, TUESDAY_TEN + 8 * DAY)
    world.sms(TUESDAY_TEN + at, step=step)

    assert world.found() == found


@pytest.mark.parametrize(("second", "found"), [(2 * DAY, ["one-agreement"]), (8 * DAY, [])])
def test_a_loan_has_one_agreement_in_force(second: timedelta, found: list[str]) -> None:
    world = World()
    world.agrees(TUESDAY_TEN, TUESDAY_TEN + 8 * DAY, "promise")
    world.agrees(TUESDAY_TEN + second, None)

    assert world.found() == found


def test_each_message_of_the_borrower_may_have_one_answer_beside_the_limits() -> None:
    world = World()
    world.sms(TUESDAY_TEN)
    for number in (1, 2):
        world.says(TUESDAY_TEN + number * HOUR, "how much do I owe?")
        world.sms(TUESDAY_TEN + number * HOUR + HOUR / 2, f"answer {number}", step=f"reply, occurrence {number}, of 1")
    assert world.found() == []

    world.sms(TUESDAY_TEN + 3 * HOUR, "and another", step="reply, occurrence 3, of 1")

    assert world.found() == ["caps"]


def test_a_stop_in_words_of_their_own_is_one_too() -> None:
    world = World()
    world.says(TUESDAY_TEN, "please stop texting me", meant="stop")
    world.sms(TUESDAY_TEN + 2 * DAY)

    assert world.found() == ["stop"]


@pytest.mark.parametrize(
    ("at", "amount", "found"),
    [(DAY, 5_000, []), (DAY, 10_000, []), (DAY, 4_000, ["links"]), (9 * DAY, 5_000, ["links"])],
)
def test_a_link_may_ask_for_an_instalment_while_its_agreement_is_in_force(
    at: timedelta, amount: int, found: list[str]
) -> None:
    world = World()
    world.agrees(TUESDAY_TEN, TUESDAY_TEN + 8 * DAY, instalments=(5_000, 5_000))
    world.link(TUESDAY_TEN + at, "plink_1", amount)

    assert world.found() == found


@pytest.mark.parametrize(("amount", "found"), [(5_000, []), (8_000, []), (4_500, ["links"])])
def test_a_link_may_ask_for_what_a_payment_has_left_of_a_promise(amount: int, found: list[str]) -> None:
    world = World()
    world.agrees(TUESDAY_TEN, TUESDAY_TEN + 8 * DAY, instalments=(8_000,))
    world.pays(TUESDAY_TEN + DAY, 3_000)
    world.link(TUESDAY_TEN + 2 * DAY, "plink_1", amount)

    assert world.found() == found


def test_after_a_broken_agreement_all_may_be_asked_for_again() -> None:
    world = World()
    world.link(TUESDAY_TEN, "plink_1")
    world.add("link_updated", TUESDAY_TEN + DAY, link_id="plink_1", active=False)
    world.agrees(TUESDAY_TEN + DAY, TUESDAY_TEN + 8 * DAY, instalments=(5_000, 5_000))
    world.link(TUESDAY_TEN + 9 * DAY, "plink_2")

    assert world.found() == []
