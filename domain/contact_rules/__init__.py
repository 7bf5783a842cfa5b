"""Contact rules: who may be contacted when, by country, as data and one pure decision."""

from domain.contact_rules.decision import (
    HORIZON,
    LEDGER_LOOKBACK,
    PROMPT_REPLY,
    collection_is_closed,
    decide,
    unanswered_since,
)
from domain.contact_rules.model import Caps, Profile
from domain.contact_rules.pack import Pack
from domain.contact_rules.rulebook import RuleBook
from domain.contact_rules.stops import HOLD_DEBITS, KNOWN_FLAGS, NO_WHATSAPP_MARKETING
from domain.contact_rules.zones import candidate_zones

__all__ = [
    "HOLD_DEBITS",
    "HORIZON",
    "KNOWN_FLAGS",
    "LEDGER_LOOKBACK",
    "NO_WHATSAPP_MARKETING",
    "PROMPT_REPLY",
    "Caps",
    "Pack",
    "Profile",
    "RuleBook",
    "candidate_zones",
    "collection_is_closed",
    "decide",
    "unanswered_since",
]
