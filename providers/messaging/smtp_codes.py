"""What an SMTP refusal means: by code and by how far the dialogue had come (RFC 5321, RFC 3463)."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from domain.what_next import Reaction, WhatNext

_GREYLISTED = timedelta(minutes=10)
_FULL = timedelta(hours=6)
_NO_SUCH_MAILBOX = frozenset((550, 551, 553))


class Stage(StrEnum):
    """How far a delivery had come when it failed."""

    OPENING = "opening"
    RECIPIENT = "recipient"
    CONTENT = "content"


def reaction_to(code: int, enhanced: str | None, stage: Stage) -> Reaction:
    """The reaction to a negative answer; `enhanced` is the RFC 3463 status, such as 5.1.1, where given.

    A refusal is an answer, so the effect is NONE even at the content. The address is called dead only when
    the server says that it is the mailbox and not our standing it objects to.
    """
    if code in (452, 552):
        return Reaction(what_next=WhatNext.LATER, delay=_FULL, meaning="no room at the recipient's")
    if code < 500:
        return Reaction(what_next=WhatNext.RETRY, delay=_GREYLISTED, meaning="refused for now")
    if stage is not Stage.RECIPIENT:
        return Reaction(what_next=WhatNext.STOP_SENDER, meaning="the server refuses us or our message")
    mailbox = enhanced.startswith("5.1.") if enhanced is not None else code in _NO_SUCH_MAILBOX
    return Reaction(
        what_next=WhatNext.TERMINAL,
        address_is_dead=mailbox,
        meaning="there is no such mailbox" if mailbox else "this recipient is refused",
    )
