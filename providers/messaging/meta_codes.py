"""What the WhatsApp Cloud API's error codes mean when they come with a failed status.

Codes are Meta's (developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes); the reactions are ours. By
then the message did not arrive, so nothing here is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from domain.what_next import Reaction, WhatNext

_L, _A, _T, _X = WhatNext.LATER, WhatNext.STOP_SENDER, WhatNext.TERMINAL, WhatNext.SWITCH_CHANNEL

CODES: Mapping[int, Reaction] = MappingProxyType(
    {
        131026: Reaction(what_next=_T, then=_X, address_is_dead=True, meaning="not reachable on WhatsApp"),
        131047: Reaction(what_next=_X, meaning="outside the 24 hours after a reply: only a template may go"),
        131048: Reaction(what_next=_A, meaning="limited because recipients blocked or reported messages"),
        131049: Reaction(
            what_next=_L, delay=timedelta(hours=24), then=_X, meaning="held back by WhatsApp for this person"
        ),
        131050: Reaction(what_next=_T, then=_X, meaning="this person stopped marketing messages"),
        131051: Reaction(what_next=_T, meaning="a kind of message that cannot be sent"),
        130472: Reaction(what_next=_X, meaning="this person is in an experiment of WhatsApp's"),
        131042: Reaction(what_next=_A, meaning="the account's payment method was refused"),
        131031: Reaction(what_next=_A, meaning="the account is locked"),
        368: Reaction(what_next=_A, meaning="the account is blocked for its policy violations"),
    }
)
_UNEXPLAINED = Reaction(what_next=_T, then=_X, meaning="not delivered, for a reason we have no rule for")


def reaction_to_failed_delivery(code: int | None) -> Reaction:
    """The reaction to a message that ended `failed`."""
    return _UNEXPLAINED if code is None else CODES.get(code, _UNEXPLAINED)
