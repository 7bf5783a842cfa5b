"""What `campaign list` and `campaign status` tell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from commands.campaign_figures import standing
from commands.console import amount, iso, table, terminal
from domain.pause_notes import without_end
from records import campaigns
from records.tables import Campaign


def summary(session: Session, campaign: Campaign) -> dict[str, Any]:
    """A campaign as `campaign list` shows it. Any: a JSON object of mixed values."""
    progress = campaigns.progress(session, campaign.id)
    until = campaigns.paused_until(session, campaign)
    lasts = until is None or without_end(until, datetime.now(UTC))
    return {
        "campaign_id": campaign.id,
        "name": campaign.name,
        "lender": campaign.lender,
        "strategy": campaign.strategy_key,
        "source_file": campaign.source_file,
        "state": standing(session, campaign, progress),
        "paused_until": None if until is None or lasts else iso(until),
        "created_at": iso(campaign.created_at),
        "total": progress.total,
        "waiting": progress.waiting,
        "started": progress.started,
        "refused": progress.refused,
        "stopped": progress.stopped,
        "ends": dict(sorted(progress.ends.items())),
        "handed_over_again": progress.handed_over_again,
    }


def not_counted(handed_over_again: int) -> str:
    return (
        f"{handed_over_again:,} more ended and were handed over again to other campaigns: their ends, money and "
        "contacts are not counted here any more"
    )


def print_status(told: dict[str, Any]) -> None:
    shown = table("", "")
    shown.show_header = False
    shown.add_row("campaign", f"{told['campaign_id']} ({told['name']})")
    shown.add_row("state", told["state"] + ("" if told["workflow"] != "unknown" else " (Temporal cannot be asked)"))
    if told["paused_until"]:
        over = datetime.fromisoformat(told["paused_until"]) <= datetime.now(UTC)
        shown.add_row("", f"its loans go on since {told['paused_until']}" if over else f"until {told['paused_until']}")
    shown.add_row("strategy", told["strategy"])
    shown.add_row("loans", f"{told['total']:,}: {told['waiting']:,} waiting, {told['started']:,} started")
    if told["refused"] or told["stopped"]:
        shown.add_row("", f"{told['refused']:,} refused, {told['stopped']:,} let go")
    shown.add_row("in collection", f"{told['in_collection']:,}")
    shown.add_row("ended", ", ".join(f"{kind} {count:,}" for kind, count in told["ends"].items()) or "none")
    if told["handed_over_again"]:
        shown.add_row("", not_counted(told["handed_over_again"]))
    for row in told["money"]:
        share = row["recovered_minor"] / row["due_minor"]
        recovered = amount(row["recovered_minor"], row["currency"])
        shown.add_row("recovered", f"{recovered} of {amount(row['due_minor'], row['currency'])} due ({share:.1%})")
    shown.add_row("contacts", ", ".join(f"{state} {count:,}" for state, count in told["contacts"].items()) or "none")
    shown.add_row("open cases", f"{told['open_cases']:,}")
    if told["instructions_pending"]:
        shown.add_row("instructions", f"{told['instructions_pending']} under way")
    if last := told["last_instruction"]:
        words = f"followed by {last['done']:,} loans"
        words += f", not by {last['refused']:,} (first: {last['first_reason']})" if last["refused"] else ""
        shown.add_row("last instruction", words)
    terminal().print(shown)
