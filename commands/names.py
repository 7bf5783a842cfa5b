"""Names that a shell can complete: read when Tab is pressed, never an error."""

from __future__ import annotations


def strategy_names(incomplete: str) -> list[str]:
    """Strategies by name; the files are not read."""
    from pathlib import Path

    folder = Path(__file__).resolve().parent.parent / "config" / "strategies"
    return sorted(file.stem for file in folder.glob("*.yaml") if file.stem.startswith(incomplete))


def campaign_ids(incomplete: str) -> list[str]:
    """Campaigns by id, newest first."""
    from commands import configuration

    try:
        from records import campaigns

        with configuration.records(configuration.settings()).reading() as session:
            found = [campaign.id for campaign in campaigns.listing(session)]
    except Exception:
        return []
    return [name for name in reversed(found) if name.startswith(incomplete)]
