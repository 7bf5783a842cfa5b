"""What a Conekta refusal means: by HTTP status, as its reference describes them; the reactions are ours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from domain.what_next import Reaction, WhatNext
from providers.errors import failing

STATUSES: Mapping[int, Reaction] = MappingProxyType(
    {
        400: Reaction(what_next=WhatNext.TERMINAL, meaning="the request was refused as it is"),
        401: Reaction(what_next=WhatNext.STOP_SENDER, meaning="the API key was refused"),
        402: Reaction(what_next=WhatNext.TERMINAL, meaning="the parameters were right but the request failed"),
        403: Reaction(what_next=WhatNext.STOP_SENDER, meaning="the account may not do this"),
        404: Reaction(what_next=WhatNext.TERMINAL, meaning="there is no such object"),
        409: Reaction(what_next=WhatNext.RETRY, meaning="the object is being changed by another request"),
        422: Reaction(what_next=WhatNext.TERMINAL, meaning="a parameter was refused"),
        428: Reaction(what_next=WhatNext.STOP_SENDER, meaning="the account lacks something this needs"),
        429: Reaction(what_next=WhatNext.RETRY, meaning="too many requests"),
    }
)


def reaction_to(status: int, *, changes_something: bool) -> Reaction:
    """The reaction to an HTTP status; other 4xx and stray redirects end this request."""
    known = STATUSES.get(status)
    if known is not None:
        return known
    if status >= 500 or status == 408:
        return failing("Conekta", changes_something=changes_something)
    return STATUSES[400]
