"""Templates as a platform told of them: all of a provider's, or those of a few names."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.platform_rules import PlatformTemplate, TemplateStatus
from records import platforms
from records.database import Database

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


def test_of_hundreds_of_templates_only_those_of_the_names_asked_for_are_read(database: Database) -> None:
    told = [
        PlatformTemplate(name=name, language=language, status=TemplateStatus.APPROVED)
        for name in ("due_today", "due_today_link", "receipt")
        for language in ("es", "pt_BR")
    ]
    with database.writing() as session:
        platforms.keep_templates(session, "meta", told, NOW)
        platforms.keep_templates(session, "other", told[:1], NOW)

    with database.reading() as session:
        named = platforms.templates(session, "meta", {"due_today", "no_such"})
        none = platforms.templates(session, "meta", set())
        everything = platforms.templates(session, "meta")

    assert set(named) == {("due_today", "es"), ("due_today", "pt_BR")}
    assert none == {}
    assert len(everything) == 6
