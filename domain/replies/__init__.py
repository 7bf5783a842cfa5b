"""What a borrower's message says: labels, the order of intents, days and amounts. Pure; docs/replies.md explains."""

from domain.replies.amounts import promised_amount
from domain.replies.dates import promised_day
from domain.replies.labels import ORDER, SAFETY, Intent, Reason, Understanding, in_order, person_must_look
from domain.replies.local_day import local_day
from domain.replies.text import language_of

__all__ = [
    "ORDER",
    "SAFETY",
    "Intent",
    "Reason",
    "Understanding",
    "in_order",
    "language_of",
    "local_day",
    "person_must_look",
    "promised_amount",
    "promised_day",
]
