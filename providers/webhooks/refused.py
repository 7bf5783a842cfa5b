"""Why a webhook is not accepted."""

from __future__ import annotations

from enum import StrEnum


class RefusedReason(StrEnum):
    """MISSING_HEADER to TIMESTAMP_OUT_OF_TOLERANCE say that the sender is not proven; UNREADABLE says that a
    proven sender's body has a form we do not know, so it must be kept for a person.
    """

    MISSING_HEADER = "missing_header"
    MALFORMED_HEADER = "malformed_header"
    NO_EXPECTED_SCHEME = "no_expected_scheme"
    SIGNATURE_MISMATCH = "signature_mismatch"
    TIMESTAMP_OUT_OF_TOLERANCE = "timestamp_out_of_tolerance"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"


class WebhookRefused(Exception):
    """A webhook that is not accepted; the text names the reason and nothing of the content."""

    def __init__(self, provider: str, reason: RefusedReason) -> None:
        super().__init__(f"{provider} webhook refused: {reason.value}")
        self.provider = provider
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return WebhookRefused, (self.provider, self.reason)
