"""The campaign an operator means, and the id of a new one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from commands.configuration import place
from commands.console import Refused, did_you_mean

if TYPE_CHECKING:
    from sqlmodel import Session

    from records.tables import Campaign

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def find_campaign(session: Session, campaign_id: str) -> Campaign:
    """The campaign of that id. Raises Refused, with what may be meant."""
    from records import campaigns
    from records.tables import Campaign

    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        known = [each.id for each in campaigns.listing(session)]
        none = f": none was started yet (`campaign start FILE`) in {place(session)}"
        hint = did_you_mean(campaign_id, known) if known else none
        raise Refused(f"no campaign {campaign_id[:80]!r}{hint}")
    return campaign


def campaign_id_for(given: str | None, name: str | None, file_stem: str) -> str:
    """The id as given, or made from the name or the file's. Raises Refused."""
    if given is not None:
        if not _ID.fullmatch(given):
            raise Refused(f"--id: {given[:80]!r}: expected 1 to 64 of a-z, 0-9, dot, dash and underscore")
        return given
    made = re.sub(r"[^a-z0-9._-]+", "-", (name or file_stem).lower()).strip("-._")[:64]
    if not _ID.fullmatch(made):
        raise Refused("--id: none can be made from the name: give one")
    return made
