"""How often one may try to sign in, and how long a session lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LOGIN = r"[a-z0-9][a-z0-9._@+-]{1,63}"
"""What an account may be called, in small letters."""


@dataclass(frozen=True)
class Throttle:
    """`free` attempts without a wait; after that each waits `first`, then twice as long each time, up to `longest`.

    An attempt is forgotten after `memory`.
    """

    free: int
    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(minutes=15)
    memory: timedelta = timedelta(hours=1)


PER_ACCOUNT = Throttle(free=5)
PER_ADDRESS = Throttle(free=30)
"""An office may share one address; who signs in at once does not count."""


def wait_before_next(attempts: Sequence[datetime], now: datetime, throttle: Throttle) -> timedelta:
    """How long until another attempt is taken, by the failed ones before it; zero when it may be made now."""
    counted = [at for at in attempts if now - at < throttle.memory]
    over = len(counted) - throttle.free
    if over < 0:
        return timedelta(0)
    wait = min(throttle.longest, throttle.first * (1 << min(over, 20)))
    return max(timedelta(0), max(counted, default=now) + wait - now)


@dataclass(frozen=True)
class SessionLimits:
    """A session ends after `idle` without a request, and in any case after `longest`."""

    idle: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=10)


def session_is_over(created_at: datetime, last_seen_at: datetime, now: datetime, limits: SessionLimits) -> bool:
    return now - last_seen_at >= limits.idle or now - created_at >= limits.longest


SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256


def why_no_password(password: str, login: str) -> str | None:
    """Why this cannot be a password, or None. Length counts, composition does not (NIST SP 800-63B, 3.1.1.2)."""
    if len(password) < SHORTEST_PASSWORD:
        return f"a password has at least {SHORTEST_PASSWORD} characters"
    if len(password) > LONGEST_PASSWORD:
        return f"a password has at most {LONGEST_PASSWORD} characters"
    if login.casefold() in password.casefold():
        return "a password does not contain the sign-in name"
    if len(set(password)) < 5:
        return "a password has at least 5 different characters"
    return None
