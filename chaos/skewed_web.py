"""The web app on a host whose clock is wrong: `python -m chaos.skewed_web SECONDS`."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

from fastapi import Request

from web import __main__ as web


def skew(seconds: int) -> None:
    """Let the web app read every time `seconds` later than it is."""
    right = web.requests_clock

    def wrong(request: Request | None) -> datetime:
        return right(request) + timedelta(seconds=seconds)

    web.requests_clock = wrong


if __name__ == "__main__":
    skew(int(sys.argv[1]))
    sys.exit(web.main())
