"""What Twilio's error codes mean, for answers to a call and for codes that come later with a status.

Codes are Twilio's (twilio.com/docs/api/errors); the reactions are ours. One table serves both ways a code
can arrive, because Twilio uses the same number in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from domain.webhook_news import DeliveryState
from domain.what_next import Effect, Reaction, WhatNext

_R, _L, _A, _T, _X = (
    WhatNext.RETRY,
    WhatNext.LATER,
    WhatNext.STOP_SENDER,
    WhatNext.TERMINAL,
    WhatNext.SWITCH_CHANNEL,
)

CODES: Mapping[int, Reaction] = MappingProxyType(
    {
        # Passing.
        20429: Reaction(what_next=_R, meaning="too many requests; it was never processed"),
        20500: Reaction(what_next=_R, effect=Effect.UNKNOWN, meaning="internal error: look the message up, then again"),
        20503: Reaction(what_next=_R, effect=Effect.UNKNOWN, meaning="unavailable: look the message up, then again"),
        63018: Reaction(what_next=_R, meaning="the channel's rate is exceeded"),
        21730: Reaction(what_next=_L, delay=timedelta(hours=1), meaning="Twilio is under maintenance"),
        21611: Reaction(what_next=_L, delay=timedelta(minutes=30), meaning="our number's queue at Twilio is full"),
        30001: Reaction(what_next=_L, delay=timedelta(minutes=30), meaning="our queue at Twilio is full"),
        30003: Reaction(
            what_next=_L, delay=timedelta(hours=4), then=_X, meaning="the handset cannot be reached for now"
        ),
        30008: Reaction(what_next=_R, then=_T, meaning="the carrier gave no reason"),
        30610: Reaction(what_next=_L, delay=timedelta(hours=1), meaning="quiet hours at the destination"),
        # Ours to mend.
        20003: Reaction(what_next=_A, meaning="the credentials were refused"),
        21408: Reaction(what_next=_A, meaning="this country is not enabled for the account"),
        21212: Reaction(what_next=_A, meaning="the number or name we send from is not valid"),
        21603: Reaction(what_next=_A, meaning="there is no number to send from in our request"),
        21659: Reaction(what_next=_A, meaning="the number we send from is not the account's"),
        21606: Reaction(what_next=_A, meaning="the sender cannot send to this destination"),
        30002: Reaction(what_next=_A, meaning="the account is suspended"),
        30007: Reaction(what_next=_A, then=_X, meaning="filtered by the carrier: wording or sender"),
        30034: Reaction(what_next=_A, meaning="the sender is not registered"),
        30450: Reaction(what_next=_A, meaning="blocked by protection against traffic pumping"),
        11200: Reaction(what_next=_A, meaning="our webhook could not be fetched"),
        13224: Reaction(what_next=_A, meaning="our call instructions hold an invalid number"),
        13225: Reaction(what_next=_A, meaning="our call instructions hold a forbidden number"),
        # Finished.
        30036: Reaction(what_next=_T, meaning="its validity ended before it could be sent"),
        21211: Reaction(what_next=_T, address_is_dead=True, meaning="not a valid number"),
        21612: Reaction(what_next=_T, address_is_dead=True, meaning="no route from this sender to the number"),
        21614: Reaction(what_next=_T, then=_X, address_is_dead=True, meaning="not a mobile number"),
        30004: Reaction(what_next=_T, meaning="blocked by the handset or its carrier"),
        30005: Reaction(what_next=_T, address_is_dead=True, meaning="no such handset"),
        30006: Reaction(what_next=_T, then=_X, address_is_dead=True, meaning="a landline or out of network"),
        21610: Reaction(what_next=_T, opted_out=True, meaning="this number told us to stop"),
        21617: Reaction(what_next=_T, then=_X, meaning="the text is longer than 1,600 characters"),
        63003: Reaction(what_next=_T, address_is_dead=True, meaning="not reachable on this channel"),
        63014: Reaction(what_next=_T, opted_out=True, meaning="blocked by the recipient"),
        63016: Reaction(what_next=_X, meaning="outside the 24 hours after a reply: only a template may go"),
    }
)

STATES: Mapping[str, DeliveryState] = MappingProxyType(
    {
        "queued": DeliveryState.ACCEPTED,
        "accepted": DeliveryState.ACCEPTED,
        "scheduled": DeliveryState.ACCEPTED,
        "sending": DeliveryState.ACCEPTED,
        "sent": DeliveryState.SENT,
        "partially_delivered": DeliveryState.SENT,
        "delivered": DeliveryState.DELIVERED,
        "read": DeliveryState.READ,
        "undelivered": DeliveryState.FAILED,
        "failed": DeliveryState.FAILED,
        "canceled": DeliveryState.FAILED,
    }
)

_FAILED_UNEXPLAINED = Reaction(what_next=_T, then=_X, meaning="not delivered, for a reason we have no rule for")


def reaction_to_answer(code: int | None, status: int, *, changes_something: bool) -> Reaction:
    """The reaction to a refused call, by code where we know it, else by HTTP status.

    An unknown 4xx ends this message only: one odd message must not stop a sender.
    """
    known = CODES.get(code) if code is not None else None
    if known is None:
        known = _by_status(status)
    if known.effect is Effect.UNKNOWN and not changes_something:
        return known.model_copy(update={"effect": Effect.NONE})
    return known


def _by_status(status: int) -> Reaction:
    if status == 429:
        return CODES[20429]
    if status >= 500 or status == 408:
        return CODES[20500]
    if status in (401, 403):
        return CODES[20003]
    return Reaction(what_next=_T, then=_X, meaning="refused, for a reason we have no rule for")


def reaction_to_failed_delivery(code: str | None) -> Reaction:
    """The reaction to a message that ended `failed`, `undelivered` or `canceled`.

    By then the provider has given its last word, so the effect is NONE: it did not arrive.
    """
    known = CODES.get(int(code)) if code is not None and code.isascii() and code.isdigit() else None
    if known is None:
        return _FAILED_UNEXPLAINED
    return known.model_copy(update={"effect": Effect.NONE})
