"""Check of what is kept: nobody is named where nothing personal may stand in the clear, whatever broke meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.checker.check import Check
from chaos.checker.evidence import Evidence
from chaos.checker.kept import spellings

_WORDS = 20
"""Letters of a message from which on it is somebody's own: shorter ones are words that many write."""


def named(evidence: Evidence) -> Check:
    """Neither people's names, numbers, addresses and accounts nor what they wrote."""
    check = Check("named", "Does nothing kept in the clear name anybody, or say what they wrote?")
    for loan_id, what, datum in personal(evidence):
        check.looked_at += len(evidence.kept)
        written = spellings(datum)
        for kept in evidence.kept:
            if not written.isdisjoint(kept.found):
                check.against(loan_id, f"its person's {what} stands in {kept.place}")
    return check


def personal(evidence: Evidence) -> Iterator[tuple[str | None, str, str]]:
    """The loan, what it is, and the text, of everything that must not be found."""
    for debt in evidence.debts.values():
        for what, datum in debt.personal:
            yield debt.loan_id, what, datum
    for word in evidence.of("inbound_sms", "inbound_whatsapp"):
        content = word.data.get("content") or {}
        said = word.text("body") or str((content.get("text") or {}).get("body", ""))
        if len(said) >= _WORDS:
            yield word.loan_id, "message", said
