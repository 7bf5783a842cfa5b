"""The one error every adapter raises, and how a code's `Reaction` becomes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from domain.what_next import Effect, Reaction, WhatNext

__all__ = ["WINDOW_CLOSED", "Effect", "ProviderError", "Reaction", "WhatNext", "refusal", "retry_after"]

WINDOW_CLOSED = "window_closed"
"""The code of our own refusal to send what the law no longer allows at that moment; no provider was asked."""


class ProviderError(Exception):
    """A provider refused, failed or did not answer.

    `not_before` (aware) is set when waiting until a moment is asked for, `delay` when it is a span from the
    time of the task. The text holds provider, code and meaning only: never an address, amount or name.
    """

    def __init__(self, provider: str, code: str, reaction: Reaction, *, not_before: datetime | None = None) -> None:
        super().__init__(f"{provider} {code}: {reaction.meaning}")
        self.provider = provider
        self.code = code
        self.reaction = reaction
        self.not_before = not_before

    @property
    def what_next(self) -> WhatNext:
        return self.reaction.what_next

    @property
    def then(self) -> WhatNext | None:
        return self.reaction.then

    @property
    def effect(self) -> Effect:
        return self.reaction.effect

    @property
    def delay(self) -> timedelta | None:
        return self.reaction.delay

    @property
    def address_is_dead(self) -> bool:
        return self.reaction.address_is_dead

    @property
    def opted_out(self) -> bool:
        return self.reaction.opted_out

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (self.provider, self.code, self.reaction, self.not_before)


def _rebuilt(provider: str, code: str, reaction: Reaction, not_before: datetime | None) -> ProviderError:
    return ProviderError(provider, code, reaction, not_before=not_before)


def refusal(
    provider: str,
    code: str,
    what_next: WhatNext,
    meaning: str,
    *,
    effect: Effect = Effect.NONE,
    then: WhatNext | None = None,
) -> ProviderError:
    """An error that is not in a provider's table: one of ours, or an answer nobody foresaw."""
    return ProviderError(provider, code, Reaction(what_next=what_next, meaning=meaning, effect=effect, then=then))


def retry_after(header: str | None, at: datetime) -> timedelta | None:
    """The wait a `Retry-After` header asks for, from `at`; None if absent or unreadable (RFC 9110 10.2.3)."""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return timedelta(seconds=min(int(header.strip()[:9]), 7 * 86_400))
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        return None
    return max(moment - at, timedelta(0))


def failing(who: str, *, changes_something: bool) -> Reaction:
    """A server error: try again, and where something was to be changed it may have been."""
    return Reaction(
        what_next=WhatNext.RETRY,
        effect=Effect.UNKNOWN if changes_something else Effect.NONE,
        meaning=f"{who} is failing",
    )
