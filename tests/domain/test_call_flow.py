"""A call: first who answers, then the debt; wrong three times ends politely with not a word of it."""

from __future__ import annotations

from datetime import date

import pytest

from domain.call_flow import TRIES, Ask, Heard, Identity, Part, Stage, Turn, answered, next_day, pressed

BORN = Identity(birth_year="1984")
DOCUMENT = Identity(id_digits="1234")
TODAY = date(2026, 11, 24)
ABOUT_THE_DEBT = {Part.DEBT, Part.MENU, Part.MENU_WITHOUT_LINK, Part.LINK, Part.ASK_DAY, Part.PROMISED}


def key(stage: Stage, digits: str, attempt: int = 1, *, link: bool = True) -> Turn:
    return pressed(stage, digits, attempt, BORN, TODAY, link=link)


def test_it_says_who_calls_and_asks_for_what_only_the_right_person_knows() -> None:
    assert answered(BORN, "human", voicemail=False).say == (Part.OPENING, Part.ASK_YEAR)
    assert answered(DOCUMENT, "unknown", voicemail=False).say == (Part.OPENING, Part.ASK_ID)


def test_the_debt_is_told_after_the_right_answer_and_never_before() -> None:
    told = key(Stage.IDENTITY, "1984", attempt=3)
    assert (told.say, told.heard) == ((Part.DEBT, Part.MENU), Heard.IDENTIFIED)
    assert told.ask == Ask(stage=Stage.CHOICE, digits=1)


@pytest.mark.parametrize("digits", ["1985", "", "198", "19840", "84", "１９８４", "*984"])
def test_three_wrong_answers_end_politely_without_a_word_of_the_debt(digits: str) -> None:
    said: list[Part] = []
    turn = answered(BORN, "human", voicemail=True)
    for attempt in range(1, TRIES + 1):
        assert turn.ask is not None
        assert turn.ask.attempt == attempt
        said += turn.say
        turn = key(Stage.IDENTITY, digits, attempt)
    assert (turn.say, turn.ask, turn.heard) == ((Part.GOODBYE,), None, Heard.WRONG_ANSWERS)
    assert ABOUT_THE_DEBT.isdisjoint(said)


@pytest.mark.parametrize(
    ("who", "allowed", "say", "heard"),
    [
        ("machine_end_beep", True, (Part.VOICEMAIL,), Heard.VOICEMAIL_LEFT),
        ("machine_end_silence", True, (Part.VOICEMAIL,), Heard.VOICEMAIL_LEFT),
        ("machine_end_beep", False, (), Heard.VOICEMAIL),
        ("machine_start", True, (), Heard.VOICEMAIL),
        ("fax", True, (), Heard.VOICEMAIL),
    ],
)
def test_a_machine_hears_a_neutral_message_where_that_is_allowed_and_nothing_elsewhere(
    who: str, allowed: bool, say: tuple[Part, ...], heard: Heard
) -> None:
    turn = answered(BORN, who, voicemail=allowed)
    assert (turn.say, turn.ask, turn.heard) == (say, None, heard)


@pytest.mark.parametrize(
    ("digit", "heard", "connect"),
    [
        ("1", Heard.PAY_NOW, False),
        ("3", Heard.PERSON, True),
        ("9", Heard.DO_NOT_CALL, False),
    ],
)
def test_each_key_of_the_menu_does_what_it_says(digit: str, heard: Heard, connect: bool) -> None:
    turn = key(Stage.CHOICE, digit)
    assert (turn.heard, turn.connect, turn.ask) == (heard, connect, None)


def test_a_link_that_may_not_be_sent_now_is_not_offered_and_not_promised() -> None:
    told = key(Stage.IDENTITY, "1984", link=False)
    pressed_all_the_same = key(Stage.CHOICE, "1", link=False)

    assert told.say == (Part.DEBT, Part.MENU_WITHOUT_LINK)
    assert (pressed_all_the_same.say, pressed_all_the_same.heard) == ((Part.MENU_WITHOUT_LINK,), None)
    assert key(Stage.CHOICE, "3", link=False).connect


def test_another_key_hears_the_menu_again_and_the_third_time_an_end() -> None:
    assert key(Stage.CHOICE, "7").ask == Ask(stage=Stage.CHOICE, digits=1, attempt=2)
    assert key(Stage.CHOICE, "", 3) == Turn(say=(Part.GOODBYE,))


@pytest.mark.parametrize(
    ("digits", "day"),
    [
        ("0512", date(2026, 12, 5)),
        ("2411", TODAY),
        ("2311", None),
        ("0201", date(2027, 1, 2)),
        ("3112", date(2026, 12, 31)),
        ("3111", None),
        ("0006", None),
        ("1206", None),
        ("12", None),
    ],
)
def test_a_day_is_the_next_such_day_within_half_a_year(digits: str, day: date | None) -> None:
    assert next_day(digits, TODAY) == day


def test_a_day_that_is_promised_is_told_and_one_not_understood_is_asked_again() -> None:
    assert key(Stage.CHOICE, "2").ask == Ask(stage=Stage.DAY, digits=4)
    promised = key(Stage.DAY, "0512")
    assert (promised.heard, promised.promised_on) == (Heard.PROMISE, date(2026, 12, 5))
    assert key(Stage.DAY, "9999").ask == Ask(stage=Stage.DAY, digits=4, attempt=2)
    assert key(Stage.DAY, "9999", 3).heard is None
