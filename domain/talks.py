"""Calls and visits that people made or took, which nobody but they can tell of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.contact import Channel, ContactEventKind
from domain.contact_rules.decision import LEDGER_LOOKBACK

SPOKEN = (Channel.CALL, Channel.VISIT)


class NoTalk(ValueError):
    """What is told cannot be one: `field` of Talk, and what was expected or why not."""

    def __init__(self, field: str, problem: str) -> None:
        self.field, self.problem = field, problem
        super().__init__(f"{field}: {problem}")


@dataclass(frozen=True)
class Talk:
    """A call or visit about a loan at `at`. `inbound`: the borrower called or came. `answered`: they were spoken with;
    not so where an attempt of ours found nobody."""

    channel: Channel
    at: datetime
    inbound: bool = False
    answered: bool = True

    @property
    def kinds_of_ours(self) -> tuple[ContactEventKind, ...]:
        """What it is to the contact rules, beside what came from the borrower, in the order it happened."""
        tried = () if self.inbound else (ContactEventKind.ATTEMPT,)
        return (*tried, ContactEventKind.CONVERSATION) if self.answered else tried


def check_talk(talk: Talk, now: datetime) -> None:
    """Raises NoTalk: one that the contact rules could not count."""
    if talk.channel not in SPOKEN:
        raise NoTalk("channel", f"expected {' or '.join(SPOKEN)}: people do not talk by {talk.channel}")
    if talk.inbound and not talk.answered:
        raise NoTalk(
            "answered", "a call or visit of theirs that nobody answered is none of ours: it counts for no rule"
        )
    if talk.at > now:
        raise NoTalk("at", "lies in the future: a talk is noted when it has begun")
    if talk.at <= now - LEDGER_LOOKBACK:
        raise NoTalk("at", f"lies more than {LEDGER_LOOKBACK.days} days back, where no rule looks any more")
