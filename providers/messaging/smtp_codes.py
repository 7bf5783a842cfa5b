"""What an SMTP refusal means: by code and by how far the dialogue had come (RFC 5321, RFC 3463)."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from domain.what_next import Reaction, WhatNext

_GREYLISTED = timedelta(minutes=10)
_FULL = timedelta(hours=6)
_OURS_OR_THEIRS = timedelta(hours=1)
_NO_SUCH_MAILBOX = frozenset((550, 551, 553))
_NO_SUCH_ADDRESS = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"))
"""The mailbox, its domain, its spelling, moved without an address, no mail taken there (RFC 3463 3.2, RFC 7505)."""
_OUR_ADDRESS = frozenset(("5.1.7", "5.1.8", "5.1.90"))
"""The sender's address (RFC 3463 3.2), and Exchange Online's limit of recipients a day."""
_TOO_LARGE = frozenset(("5.2.3", "5.3.4"))


class Stage(StrEnum):
    """How far a delivery had come when it failed."""

    OPENING = "opening"
    RECIPIENT = "recipient"
    CONTENT = "content"


def is_no_such_mailbox(enhanced: str) -> bool:
    """Whether a status says that the recipient's mailbox does not exist, rather than anything of the sender's."""
    return enhanced in _NO_SUCH_ADDRESS


def reaction_to(code: int, enhanced: str | None, stage: Stage) -> Reaction:
    """The reaction to a negative answer; `enhanced` is the RFC 3463 status, such as 5.1.1, where given.

    A refusal is an answer, so the effect is NONE even at the content. The address is called dead only when
    the server says that it is the mailbox and not our standing it objects to.
    """
    if enhanced in _TOO_LARGE:
        return Reaction(what_next=WhatNext.TERMINAL, then=WhatNext.SWITCH_CHANNEL, meaning="the mail is too large")
    if code in (452, 552):
        theirs = stage is not Stage.OPENING
        return Reaction(
            what_next=WhatNext.LATER, delay=_FULL, about_recipient=theirs, meaning="no room for it at the recipient's"
        )
    if code < 500:
        theirs = stage is Stage.RECIPIENT and (enhanced is None or enhanced[:4] in ("4.1.", "4.2."))
        return Reaction(what_next=WhatNext.RETRY, delay=_GREYLISTED, about_recipient=theirs, meaning="refused for now")
    if stage is not Stage.RECIPIENT or enhanced in _OUR_ADDRESS:
        return Reaction(what_next=WhatNext.STOP_SENDER, meaning="the server refuses us or our message")
    if enhanced == "5.1.0":
        # Postfix says so of the sender's address, others of the recipient's: a day shows which.
        return Reaction(
            what_next=WhatNext.LATER,
            delay=_OURS_OR_THEIRS,
            about_recipient=True,
            meaning="an address is refused, the recipient's or ours",
        )
    mailbox = is_no_such_mailbox(enhanced) if enhanced is not None else code in _NO_SUCH_MAILBOX
    return Reaction(
        what_next=WhatNext.TERMINAL,
        address_is_dead=mailbox,
        meaning="there is no such mailbox" if mailbox else "this recipient is refused",
    )
