"""What a Stripe refusal means: by HTTP status, as Stripe's own error handling advises."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from domain.what_next import Effect, Reaction, WhatNext

STATUSES: Mapping[int, Reaction] = MappingProxyType(
    {
        400: Reaction(what_next=WhatNext.TERMINAL, meaning="the request was refused as it is"),
        401: Reaction(what_next=WhatNext.STOP_SENDER, meaning="the API key was refused"),
        402: Reaction(what_next=WhatNext.TERMINAL, meaning="the parameters were right but the request failed"),
        403: Reaction(what_next=WhatNext.STOP_SENDER, meaning="the API key may not do this"),
        404: Reaction(what_next=WhatNext.TERMINAL, meaning="there is no such object"),
        409: Reaction(what_next=WhatNext.RETRY, meaning="another request with the same idempotency key is under way"),
        429: Reaction(what_next=WhatNext.RETRY, meaning="too many requests"),
    }
)

SERVER_ERROR = Reaction(
    what_next=WhatNext.RETRY,
    effect=Effect.UNKNOWN,
    meaning="Stripe is failing: again with the same idempotency key",
)

# Stripe keeps the answer to a key for at least a day, failures included, so the same key cannot help.
REPLAYED_SERVER_ERROR = Reaction(
    what_next=WhatNext.TERMINAL,
    effect=Effect.UNKNOWN,
    meaning="a stored failure was replayed: look the object up by its metadata before using a new key",
)


def reaction_to(status: int, *, replayed: bool, changes_something: bool) -> Reaction:
    """The reaction to an HTTP status; other 4xx and stray redirects end this request."""
    known = STATUSES.get(status)
    if known is not None:
        return known
    if status >= 500:
        if not changes_something:
            return SERVER_ERROR.model_copy(update={"effect": Effect.NONE, "meaning": "Stripe is failing"})
        return REPLAYED_SERVER_ERROR if replayed else SERVER_ERROR
    return STATUSES[400]
