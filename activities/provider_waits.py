"""When to try again what a provider refused, or what lacks something that only an operator can give."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from temporalio.exceptions import ApplicationError

from activities.clock import try_again_in
from activities.counting import count
from config.metric_catalogue import OPERATOR_WAITS, PROVIDER_FAILURES
from domain.what_next import WhatNext
from providers.errors import ProviderError

OPERATOR_NEEDED = timedelta(hours=1)
"""A refused key, an unregistered sender, a broken template: a person must act and finds the reason in the Web UI.
Once it is mended every loan goes on within the hour, without anyone touching it."""

LONGEST_DOUBLED = timedelta(hours=1)


class Lacking(Enum):
    """What a message waits for: the label it is counted by, and the failure's type in the Web UI."""

    TEMPLATE = "template", "Template"
    CARRIER = "carrier", "NotConfigured"
    GATEWAY = "gateway", "NotConfigured"
    SENDER = "sender", "Sender"
    WHATSAPP = "whatsapp", "WhatsApp"


def await_operator(lacking: Lacking, why: str) -> ApplicationError:
    """The activity failure of what goes on only when an operator has acted; counted, so that one is told."""
    label, kind = lacking.value
    count(OPERATOR_WAITS, lacking=label)
    return try_again_in(OPERATOR_NEEDED, why, kind)


def call_again(error: ProviderError, at: datetime, attempt: int) -> ApplicationError:
    """The activity failure that asks for another attempt at the right moment; texts hold no personal data."""
    count(PROVIDER_FAILURES, provider=error.provider, what_next=error.what_next)
    if error.not_before is not None:
        wait = error.not_before - at
    elif error.delay is not None:
        wait = error.delay
        if error.reaction.doubles:
            wait = min(wait * (1 << min(attempt - 1, 20)), LONGEST_DOUBLED)
    elif error.what_next is WhatNext.LATER:
        wait = timedelta(minutes=15)
    elif error.what_next is WhatNext.RETRY:
        wait = min(timedelta(seconds=2 ** min(attempt, 10)), timedelta(minutes=10))
    else:
        wait = OPERATOR_NEEDED
    return try_again_in(wait, str(error), f"{error.provider}_{error.what_next}")
