"""Platforms' and carriers' own terms: WhatsApp and text messages."""

from domain.platform_rules.model import CategoryRule, SmsRules, WhatsAppRules
from domain.platform_rules.senders import TIERS, Choice, PoolNumber, choose_sender, rest_ends
from domain.platform_rules.sms import category_warnings, is_name, one_way_warning, sender_refusal
from domain.platform_rules.templates import (
    PLACE,
    OurTemplate,
    PlatformTemplate,
    TemplateStatus,
    Unusable,
    candidates,
    same_words,
    usable,
)
from domain.platform_rules.whatsapp import (
    Category,
    Form,
    Quality,
    Sent,
    WhatsAppSend,
    allowed_form,
    pair_not_before,
    refusals,
    tier_reached,
    tier_room_at,
)

__all__ = [
    "PLACE",
    "TIERS",
    "Category",
    "CategoryRule",
    "Choice",
    "Form",
    "OurTemplate",
    "PlatformTemplate",
    "PoolNumber",
    "Quality",
    "Sent",
    "SmsRules",
    "TemplateStatus",
    "Unusable",
    "WhatsAppRules",
    "WhatsAppSend",
    "allowed_form",
    "candidates",
    "category_warnings",
    "choose_sender",
    "is_name",
    "one_way_warning",
    "pair_not_before",
    "refusals",
    "rest_ends",
    "same_words",
    "sender_refusal",
    "tier_reached",
    "tier_room_at",
    "usable",
]
