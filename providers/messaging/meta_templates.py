"""Meta's templates in our own words, from the Graph API's list."""

from __future__ import annotations

from typing import Any

from domain.platform_rules import Category, PlatformTemplate, Quality, TemplateStatus

_LONGEST_NAME = 512


def template_of(held: object) -> PlatformTemplate | None:
    """One entry of the list; None for what has no name or language."""
    if not isinstance(held, dict):
        return None
    name, language = _text(held.get("name")), _text(held.get("language"))
    if not name or not language or len(name) > _LONGEST_NAME or len(language) > 15:
        return None
    return PlatformTemplate(
        name=name,
        language=language,
        status=status_of(held.get("status")),
        category=category_of(held.get("category")),
        quality=quality_of(held.get("quality_score")),
        body=_body(held.get("components")),
        reason=_text(held.get("rejected_reason")).lower()[:80].replace("none", ""),
    )


def status_of(word: object) -> TemplateStatus:
    """Meta's status or the event of its webhook; one nobody foresaw is UNKNOWN, and then it is not used."""
    known = _text(word).upper()
    if known in ("REINSTATED", "UNPAUSED"):
        return TemplateStatus.APPROVED
    if known in ("PENDING_DELETION", "DELETED"):
        return TemplateStatus.DELETED
    if known in ("IN_APPEAL", "PENDING"):
        return TemplateStatus.PENDING
    # Flagged: its quality is low and it is still sent; Meta pauses it with another word.
    if known == "FLAGGED":
        return TemplateStatus.APPROVED
    return next((status for status in TemplateStatus if status.value.upper() == known), TemplateStatus.UNKNOWN)


def category_of(word: object) -> Category | None:
    known = _text(word).lower()
    return next((category for category in Category if category.value == known), None)


def quality_of(given: object) -> Quality:
    """From `{"score": "GREEN"}` or the bare word."""
    word = _text(given.get("score") if isinstance(given, dict) else given).lower()
    return next((quality for quality in Quality if quality.value == word), Quality.UNKNOWN)


def _body(components: object) -> str | None:
    for one in components if isinstance(components, list) else ():
        if isinstance(one, dict) and _text(one.get("type")).upper() == "BODY":
            return _text(one.get("text")) or None
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
