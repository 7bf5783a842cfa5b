"""What is said and asked on a call, turn by turn: first who calls, then whether the right person answers, and only
then a word about the debt.

A turn answers what was just pressed. Whoever presses wrong three times hears a polite end and nothing of a debt.
"""

from __future__ import annotations

import hmac
from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

TRIES = 3
LONGEST_PROMISE_DAYS = 180


class Stage(StrEnum):
    """What the call is at: it was answered, or keys were asked for."""

    ANSWERED = "answered"
    IDENTITY = "identity"
    CHOICE = "choice"
    DAY = "day"


class Part(StrEnum):
    """Everything that is ever said; DEBT is the strategy's own text, the others are templates `call-<part>`."""

    OPENING = "opening"
    ASK_YEAR = "ask-year"
    ASK_ID = "ask-id"
    TRY_AGAIN = "try-again"
    GOODBYE = "goodbye"
    DEBT = "debt"
    MENU = "menu"
    MENU_WITHOUT_LINK = "menu-without-link"
    LINK = "link"
    ASK_DAY = "ask-day"
    DAY_WRONG = "day-wrong"
    PROMISED = "promised"
    PERSON = "person"
    STOPPED = "stopped"
    VOICEMAIL = "voicemail"


class Heard(StrEnum):
    """What a call taught us, in the order of how much it tells."""

    VOICEMAIL = "voicemail"
    VOICEMAIL_LEFT = "voicemail_left"
    WRONG_ANSWERS = "wrong_answers"
    IDENTIFIED = "identified"
    PAY_NOW = "pay_now"
    PROMISE = "promise"
    PERSON = "person"
    DO_NOT_CALL = "do_not_call"

    @property
    def with_the_right_person(self) -> bool:
        return self not in (Heard.VOICEMAIL, Heard.VOICEMAIL_LEFT, Heard.WRONG_ANSWERS)


class CallEnd(StrEnum):
    """How a call ended, in the carrier's own words."""

    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"


class Identity(BaseModel):
    """What only the right person knows, of what the lender gave us: the year of birth, else an id's last digits."""

    model_config = ConfigDict(frozen=True)

    birth_year: str | None = Field(None, repr=False)
    id_digits: str | None = Field(None, repr=False)

    @property
    def question(self) -> Part:
        return Part.ASK_YEAR if self.birth_year else Part.ASK_ID

    @property
    def expected(self) -> str:
        """Raises ValueError where nothing is known to ask for."""
        known = self.birth_year or self.id_digits
        if not known:
            raise ValueError("nothing is known by which the right person could be told")
        return known


class Ask(BaseModel):
    """Keys to be pressed: how many, what they are for, and the how-manieth try it is."""

    model_config = ConfigDict(frozen=True)

    stage: Stage
    digits: int
    attempt: int = 1


class Turn(BaseModel):
    """What is said, what is asked for (None: the call ends) and what was heard. `connect`: put through to a person."""

    model_config = ConfigDict(frozen=True)

    say: tuple[Part, ...]
    ask: Ask | None = None
    heard: Heard | None = None
    promised_on: date | None = None
    connect: bool = False


GOODBYE = Turn(say=(Part.GOODBYE,))
"""For whoever answers when there is nothing to talk about any more."""


def answered(identity: Identity, answered_by: str, *, voicemail: bool) -> Turn:
    """The first turn. `answered_by` is the carrier's guess; `voicemail`: a neutral message may be left here."""
    if answered_by.startswith(("machine", "fax")):
        # Only after the greeting: whoever plays the message must hear it whole.
        if voicemail and answered_by.startswith("machine_end"):
            return Turn(say=(Part.VOICEMAIL,), heard=Heard.VOICEMAIL_LEFT)
        return Turn(say=(), heard=Heard.VOICEMAIL)
    question = Ask(stage=Stage.IDENTITY, digits=len(identity.expected))
    return Turn(say=(Part.OPENING, identity.question), ask=question)


def pressed(stage: Stage, digits: str, attempt: int, identity: Identity, today: date, *, link: bool) -> Turn:
    """The turn after `digits` (empty: none were pressed) at a stage; `today` is the borrower's local date.

    `link`: a payment link may be sent at once, so it is offered.
    """
    match stage:
        case Stage.IDENTITY:
            return _identity(digits, attempt, identity, _menu(link))
        case Stage.CHOICE:
            return _choice(digits, attempt, _menu(link))
        case Stage.DAY:
            return _day(digits, attempt, today)
        case Stage.ANSWERED:
            raise ValueError("nothing is pressed before something was asked")


def _menu(link: bool) -> Part:
    return Part.MENU if link else Part.MENU_WITHOUT_LINK


def _identity(digits: str, attempt: int, identity: Identity, offered: Part) -> Turn:
    expected = identity.expected
    if hmac.compare_digest(digits.encode(), expected.encode()):
        menu = Ask(stage=Stage.CHOICE, digits=1)
        return Turn(say=(Part.DEBT, offered), ask=menu, heard=Heard.IDENTIFIED)
    if attempt >= TRIES:
        return Turn(say=(Part.GOODBYE,), heard=Heard.WRONG_ANSWERS)
    again = Ask(stage=Stage.IDENTITY, digits=len(expected), attempt=attempt + 1)
    return Turn(say=(Part.TRY_AGAIN, identity.question), ask=again)


def _choice(digits: str, attempt: int, offered: Part) -> Turn:
    match digits:
        case "1" if offered is Part.MENU:
            return Turn(say=(Part.LINK,), heard=Heard.PAY_NOW)
        case "2":
            return Turn(say=(Part.ASK_DAY,), ask=Ask(stage=Stage.DAY, digits=4))
        case "3":
            return Turn(say=(Part.PERSON,), heard=Heard.PERSON, connect=True)
        case "9":
            return Turn(say=(Part.STOPPED,), heard=Heard.DO_NOT_CALL)
    if attempt >= TRIES:
        return GOODBYE
    return Turn(say=(offered,), ask=Ask(stage=Stage.CHOICE, digits=1, attempt=attempt + 1))


def _day(digits: str, attempt: int, today: date) -> Turn:
    day = next_day(digits, today)
    if day is not None:
        return Turn(say=(Part.PROMISED,), heard=Heard.PROMISE, promised_on=day)
    if attempt >= TRIES:
        return GOODBYE
    return Turn(say=(Part.DAY_WRONG, Part.ASK_DAY), ask=Ask(stage=Stage.DAY, digits=4, attempt=attempt + 1))


def next_day(digits: str, today: date) -> date | None:
    """The next such day and month (DDMM) from today on; None for no date, or one too far away to be a promise."""
    if len(digits) != 4 or not (digits.isascii() and digits.isdigit()):
        return None
    for year in (today.year, today.year + 1):
        try:
            day = date(year, int(digits[2:]), int(digits[:2]))
        except ValueError:
            continue
        if 0 <= (day - today).days <= LONGEST_PROMISE_DAYS:
            return day
    return None
