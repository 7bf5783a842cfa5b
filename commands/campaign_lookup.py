"""Finding the campaign an operator means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.console import Refused, did_you_mean

if TYPE_CHECKING:
    from sqlmodel import Session

    from records.tables import Campaign


def find_campaign(session: Session, campaign_id: str) -> Campaign:
    """The campaign of that id. Raises Refused, with what may be meant."""
    from records import campaigns
    from records.tables import Campaign

    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        known = [each.id for each in campaigns.listing(session)]
        hint = did_you_mean(campaign_id, known) if known else ": none was started yet (`campaign start FILE`)"
        raise Refused(f"no campaign {campaign_id[:80]!r}{hint}")
    return campaign
