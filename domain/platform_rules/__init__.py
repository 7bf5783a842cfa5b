"""Platforms' and carriers' own terms: WhatsApp and text messages."""

from domain.platform_rules.model import CategoryRule, SmsRules, WhatsAppRules
from domain.platform_rules.sms import category_warnings, is_name, one_way_warning, sender_refusal
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
    "Category",
    "CategoryRule",
    "Form",
    "Quality",
    "Sent",
    "SmsRules",
    "WhatsAppRules",
    "WhatsAppSend",
    "allowed_form",
    "category_warnings",
    "is_name",
    "one_way_warning",
    "pair_not_before",
    "refusals",
    "sender_refusal",
    "tier_reached",
    "tier_room_at",
]
