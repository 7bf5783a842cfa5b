"""What the WhatsApp Cloud API's error codes mean, in an answer to a call and in a status that comes later.

Codes are Meta's (developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes); the reactions are ours. One
table serves both ways a code can arrive. The title of an error changes; only its code is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from domain.what_next import Effect, Reaction, WhatNext

_R, _L, _A, _T, _X = (
    WhatNext.RETRY,
    WhatNext.LATER,
    WhatNext.STOP_SENDER,
    WhatNext.TERMINAL,
    WhatNext.SWITCH_CHANNEL,
)
_DAY = timedelta(hours=24)

CODES: Mapping[int, Reaction] = MappingProxyType(
    {
        # Passing.
        1: Reaction(what_next=_R, effect=Effect.UNKNOWN, meaning="an unknown fault at Meta"),
        2: Reaction(what_next=_R, effect=Effect.UNKNOWN, meaning="Meta is overloaded or down"),
        130429: Reaction(what_next=_R, meaning="the number's throughput is used up"),
        131000: Reaction(what_next=_R, meaning="it failed at Meta and was not sent"),
        131016: Reaction(what_next=_R, meaning="a part of WhatsApp is unavailable"),
        131057: Reaction(what_next=_R, meaning="the account is under maintenance"),
        135000: Reaction(what_next=_R, meaning="it failed at Meta for an unknown reason"),
        4: Reaction(what_next=_L, delay=timedelta(minutes=15), doubles=True, meaning="the app's calls are used up"),
        80007: Reaction(what_next=_L, delay=timedelta(minutes=15), doubles=True, meaning="the account's are used up"),
        131056: Reaction(
            what_next=_L, delay=timedelta(seconds=6), doubles=True, meaning="too many messages to one person"
        ),
        # Ours to mend.
        0: Reaction(what_next=_A, meaning="the access token was refused"),
        190: Reaction(what_next=_A, meaning="the access token has expired"),
        3: Reaction(what_next=_A, meaning="the app may not do this"),
        10: Reaction(what_next=_A, meaning="a permission is missing"),
        131005: Reaction(what_next=_A, meaning="a permission is missing"),
        33: Reaction(what_next=_A, meaning="there is no such number of ours, or it was deleted"),
        100: Reaction(what_next=_A, meaning="a parameter of our request is not known or not valid"),
        133010: Reaction(what_next=_A, meaning="the number is not registered with the Cloud API"),
        131008: Reaction(what_next=_A, meaning="a parameter is missing from our request"),
        131009: Reaction(what_next=_A, meaning="a parameter of our request is not valid"),
        131042: Reaction(what_next=_A, meaning="the account's payment method was refused"),
        131045: Reaction(what_next=_A, meaning="the number's certificate is not in order"),
        # A number in trouble is rested; other numbers and channels go on.
        131048: Reaction(
            what_next=_A, then=_X, rest_sender=_DAY, meaning="limited because recipients blocked or reported it"
        ),
        368: Reaction(what_next=_A, then=_X, rest_sender=_DAY, meaning="blocked for violations of WhatsApp's policy"),
        131031: Reaction(what_next=_A, then=_X, rest_sender=_DAY, meaning="the account is locked"),
        130497: Reaction(what_next=_A, then=_X, rest_sender=_DAY, meaning="it may not write to people of this country"),
        # A template in trouble is not used until somebody looked at it.
        132000: Reaction(what_next=_A, then=_X, stops_template=True, meaning="the template has other values than ours"),
        132001: Reaction(what_next=_A, then=_X, stops_template=True, meaning="no such template, or not approved"),
        132007: Reaction(what_next=_A, then=_X, stops_template=True, meaning="the template breaks WhatsApp's policy"),
        132012: Reaction(what_next=_A, then=_X, stops_template=True, meaning="a value has not the template's format"),
        132015: Reaction(what_next=_A, then=_X, stops_template=True, meaning="the template is paused for its quality"),
        132016: Reaction(what_next=_A, then=_X, stops_template=True, meaning="the template is disabled for good"),
        # Finished for this message, this person or this channel.
        131021: Reaction(what_next=_T, meaning="sender and recipient are the same number"),
        131026: Reaction(what_next=_T, then=_X, address_is_dead=True, meaning="not reachable on WhatsApp"),
        131047: Reaction(
            what_next=_X, needs_template=True, meaning="outside the 24 hours after a reply: only a template may go"
        ),
        131049: Reaction(what_next=_L, delay=_DAY, then=_X, meaning="held back by WhatsApp for this person"),
        130472: Reaction(what_next=_X, meaning="this person is in an experiment of WhatsApp's"),
        131050: Reaction(what_next=_T, then=_X, stops_marketing=True, meaning="this person stopped marketing messages"),
        131051: Reaction(what_next=_T, meaning="a kind of message that cannot be sent"),
        132005: Reaction(what_next=_T, then=_X, meaning="the filled template is too long"),
        137000: Reaction(what_next=_T, then=_X, meaning="this person's identity changed"),
    }
)
_PERMISSION = CODES[10]
_REFUSED = Reaction(what_next=_T, then=_X, meaning="refused, for a reason we have no rule for")
_UNEXPLAINED = Reaction(what_next=_T, then=_X, meaning="not delivered, for a reason we have no rule for")


def known_reaction(code: int | None) -> Reaction | None:
    """What the table says of a code; 200 to 299 are all missing permissions."""
    if code is not None and 200 <= code <= 299:
        return _PERMISSION
    return None if code is None else CODES.get(code)


def reaction_to_answer(code: int | None, status: int, *, changes_something: bool) -> Reaction:
    """The reaction to a refused call, by code where we know it, else by HTTP status.

    An unknown 4xx ends this message only: one odd message must not stop a number.
    """
    known = known_reaction(code) or _by_status(status)
    if known.effect is Effect.UNKNOWN and not changes_something:
        return known.model_copy(update={"effect": Effect.NONE})
    return known


def _by_status(status: int) -> Reaction:
    if status == 429:
        return CODES[130429]
    if status >= 500 or status == 408:
        return CODES[2]
    return CODES[190] if status in (401, 403) else _REFUSED


def reaction_to_failed_delivery(code: int | None) -> Reaction:
    """The reaction to a message that ended `failed`: by then it did not arrive, so nothing is unknown."""
    known = known_reaction(code) or _UNEXPLAINED
    return known.model_copy(update={"effect": Effect.NONE}) if known.effect is Effect.UNKNOWN else known
