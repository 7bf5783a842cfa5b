"""`doctor` on what was shown to a person in the audit trail, where no other finding names it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from commands.console import iso
from commands.doctor_findings import Finding, about
from records import shown
from records.tables import Audit

_LOOKED_BACK = timedelta(days=30)
_NAMED_ELSEWHERE = frozenset(
    {
        # `reversals_of_earlier_entries`
        "reversal:earlier_entry",
        # `webhooks_unmatched`, by their outcomes
        "unreadable",
        "payment:before_hand_over",
        "payment:earlier_entry",
        "payment:may_be_booked",
        "payment:on_a_statement",
        "payment:other_entry",
        "payment:same_id",
        "reversal:booked_by_hand",
        "reversal:other_entry",
        "reversal:other_loan",
        "reversal:unmatched",
        # Whatever else comes to the mailbox: an answer to a mail of ours is shown as one.
        "message_from_unknown_sender:email",
    }
)
_WORDLESS = frozenset(f"message:{kind}" for kind in ("sticker", "reaction", "location", "contacts"))
"""Stickers and the like of borrowers: their loans go on, and nothing is to be done."""


def look_at_shown(session: Session, now: datetime) -> list[Finding]:
    """By kind, with what `audit seen` is to be told."""
    kinds: dict[str, list[Audit]] = {}
    for row in shown.unseen(session, now - _LOOKED_BACK):
        kind = shown.kind_of(row)
        if kind not in _NAMED_ELSEWHERE | _WORDLESS:
            kinds.setdefault(kind, []).append(row)
    return about(
        "shown_to_a_person",
        "{n} kinds of news of the last 30 days were left to a person: see the audit trail",
        "money may have moved that nothing here has followed: won disputes, failed refunds, transfers without an end; "
        "somebody may have asked for silence whom the records do not know",
        "starter.py audit list --action webhook_needs_person (or bank_news_unclear, message_from_unknown_sender); "
        "what is looked after: "
        "starter.py audit seen KIND --up-to ROW --by YOU   (each kind stands below with its number, its first day and "
        "its last row)",
        (
            f"{kind}: {len(rows)} since {iso(rows[0].at)}, last row {rows[-1].id}"
            for kind, rows in sorted(kinds.items())
        ),
    )
