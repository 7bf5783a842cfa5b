"""Moments as JSON has them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(at: datetime) -> str:
    """UTC, to the second: 2026-11-23T18:00:00Z."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
