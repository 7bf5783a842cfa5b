"""Templates and numbers as messaging platforms told of them last, by list or by webhook."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from domain.platform_rules import Category, PlatformTemplate, Quality, TemplateStatus
from records.tables import HeldSender, HeldTemplate


def templates(
    session: Session, provider: str, names: Collection[str] | None = None
) -> dict[tuple[str, str], PlatformTemplate]:
    """By name and language, as the platform has them; with `names` only those of them."""
    asked = select(HeldTemplate).where(HeldTemplate.provider == provider)
    if names is not None:
        asked = asked.where(col(HeldTemplate.name).in_(names))
    rows = session.exec(asked).all()
    return {(row.name, row.language): _value(row) for row in rows}


def keep_templates(
    session: Session, provider: str, told: Iterable[PlatformTemplate], at: datetime
) -> dict[tuple[str, str], tuple[TemplateStatus | None, TemplateStatus]]:
    """Take over the platform's whole list: what is not in it is deleted there.

    Tells what changed: status before (None: not known) and now.
    """
    rows = {
        (row.name, row.language): row
        for row in session.exec(select(HeldTemplate).where(HeldTemplate.provider == provider)).all()
    }
    changed: dict[tuple[str, str], tuple[TemplateStatus | None, TemplateStatus]] = {}
    listed: set[tuple[str, str]] = set()
    for one in told:
        key = (one.name, one.language)
        listed.add(key)
        known = rows.get(key)
        before = TemplateStatus(known.status) if known is not None else None
        if before is not one.status:
            changed[key] = (before, one.status)
        row = known or HeldTemplate(provider=provider, name=one.name, language=one.language, status=one.status, at=at)
        row.status, row.quality, row.reason, row.body = one.status.value, one.quality.value, one.reason, one.body
        row.category, row.at = one.category.value if one.category else None, at
        session.add(row)
    for key, row in rows.items():
        if key not in listed and row.status != TemplateStatus.DELETED:
            changed[key] = (TemplateStatus(row.status), TemplateStatus.DELETED)
            row.status, row.at = TemplateStatus.DELETED.value, at
            session.add(row)
    session.flush()
    return changed


def template_changed(
    session: Session,
    provider: str,
    name: str,
    language: str,
    *,
    at: datetime,
    status: TemplateStatus | None = None,
    category: Category | None = None,
    quality: Quality | None = None,
    reason: str = "",
) -> None:
    """One piece of news about one template, known or not."""
    row = _row(session, provider, name, language) or HeldTemplate(
        provider=provider, name=name, language=language, status=TemplateStatus.UNKNOWN, at=at
    )
    row.status = status.value if status is not None else row.status
    row.category = category.value if category is not None else row.category
    row.quality = quality.value if quality is not None else row.quality
    row.reason = reason[:200] if status is not None else row.reason
    row.at = at
    session.add(row)
    session.flush()


def senders(session: Session, provider: str) -> Mapping[str, HeldSender]:
    """What is known of each number, by how the platform named it: its id or its digits."""
    rows = session.exec(select(HeldSender).where(HeldSender.provider == provider)).all()
    return {row.sender: row for row in rows}


def sender_changed(
    session: Session,
    provider: str,
    sender: str,
    *,
    at: datetime,
    quality: Quality | None = None,
    tier: int | None = None,
) -> None:
    row = session.get(HeldSender, (provider, sender)) or HeldSender(provider=provider, sender=sender, at=at)
    row.quality = quality.value if quality is not None else row.quality
    row.tier = tier if tier is not None else row.tier
    if quality is not None and quality is not Quality.RED:
        row.rested_until, row.reason = None, ""
    row.at = at
    session.add(row)
    session.flush()


def rest_sender(session: Session, provider: str, sender: str, *, until: datetime, reason: str, at: datetime) -> bool:
    """Do not use a number before `until`; a longer rest stands. False when it rested as long already."""
    row = session.get(HeldSender, (provider, sender)) or HeldSender(provider=provider, sender=sender, at=at)
    if row.rested_until is not None and row.rested_until >= until:
        return False
    row.rested_until, row.reason, row.at = until, reason[:200], at
    session.add(row)
    session.flush()
    return True


def wake_sender(session: Session, provider: str, sender: str, *, at: datetime) -> bool:
    """An operator says that the number is in order again. False when it did not rest."""
    row = session.get(HeldSender, (provider, sender))
    if row is None or (row.rested_until is None and row.quality != Quality.RED):
        return False
    row.rested_until, row.quality, row.reason, row.at = None, Quality.UNKNOWN.value, "", at
    session.add(row)
    session.flush()
    return True


def _row(session: Session, provider: str, name: str, language: str) -> HeldTemplate | None:
    return session.exec(
        select(HeldTemplate).where(
            HeldTemplate.provider == provider, HeldTemplate.name == name, HeldTemplate.language == language
        )
    ).first()


def _value(row: HeldTemplate) -> PlatformTemplate:
    return PlatformTemplate(
        name=row.name,
        language=row.language,
        status=TemplateStatus(row.status),
        category=Category(row.category) if row.category else None,
        quality=Quality(row.quality),
        body=row.body,
        reason=row.reason,
        at=row.at,
    )
