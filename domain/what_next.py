"""What to do after a provider said no, or said nothing.

A provider's error code is turned into a `Reaction` by the tables in `providers/`; the rest of Recobro
acts on the reaction and never on the code.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class WhatNext(StrEnum):
    """The first thing to do after an error.

    RETRY: the same call again, with backoff. LATER: not before a stated moment. STOP_SENDER: a person or
    the configuration must act, and every further call would fail alike. DEBTOR_ACTS: only the debtor can
    mend it, for instance by consenting again. TERMINAL: this message, address or object is finished.
    SWITCH_CHANNEL: this one cannot work here, another channel may.
    """

    RETRY = "retry"
    LATER = "later"
    STOP_SENDER = "stop_sender"
    DEBTOR_ACTS = "debtor_acts"
    TERMINAL = "terminal"
    SWITCH_CHANNEL = "switch_channel"


class Effect(StrEnum):
    """Whether the failed call may have done its work: NONE = surely not, UNKNOWN = it may have."""

    NONE = "none"
    UNKNOWN = "unknown"


class Reaction(BaseModel):
    """What a provider's code means for us.

    `then` is what follows when `what_next` is used up, or goes with it ("retry once, then terminal",
    "later, then another channel", "stop the sender and use another channel"). How long RETRY and LATER may be done is
    the caller's policy; `about_recipient`: what does not pass in that time is the recipient's own, and final for this
    message on this channel. `delay` is counted from the time of the task; `next_day` asks for the provider's next
    calendar day instead, and `doubles` that it be twice as long each time. `address_is_dead` holds for this address on
    this channel only. `meaning` is a sentence for an operator, without personal data.

    Where a provider's senders and templates are its own objects: `rest_sender` is how long the number is not to
    be used, `stops_template` says that the template is not to be used until somebody looked at it,
    `needs_template` that the same message may go as a template, and `stops_marketing` that the person wants no
    marketing by this channel.
    """

    model_config = ConfigDict(frozen=True)

    what_next: WhatNext
    meaning: str
    then: WhatNext | None = None
    effect: Effect = Effect.NONE
    delay: timedelta | None = None
    doubles: bool = False
    next_day: bool = False
    about_recipient: bool = False
    address_is_dead: bool = False
    opted_out: bool = False
    rest_sender: timedelta | None = None
    stops_template: bool = False
    needs_template: bool = False
    stops_marketing: bool = False

    @property
    def try_other_channel(self) -> bool:
        return WhatNext.SWITCH_CHANNEL in (self.what_next, self.then)
