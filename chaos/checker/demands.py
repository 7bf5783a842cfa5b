"""The check of sums: no link that pays, and no message with one, over more than was left of the debt."""

from __future__ import annotations

import re

from chaos.checker.check import Check
from chaos.checker.contacts import MESSAGES
from chaos.checker.evidence import Evidence
from chaos.checker.left import Left

_LINK = re.compile(r"/pay/([\w-]+)")


def demands(evidence: Evidence) -> Check:
    """What was paid and told is not asked for again, until it is taken back; what was agreed on may add interest."""
    check = Check("demands", "Was nobody asked for more than was left to pay?")
    left = Left(evidence)
    amounts = {entry.text("link_id"): entry.minor() for entry in evidence.of("link_created")}
    for entry in evidence.world:
        if entry.loan_id is None or entry.loan_id not in evidence.debts:
            continue
        if entry.kind == "link_created":
            asked = [entry.minor()]
        elif entry.kind in MESSAGES:
            links = _LINK.findall(entry.text("body") + entry.text("text"))
            asked = [amounts[link] for link in links if link in amounts]
        else:
            continue
        for minor in asked:
            check.looked_at += 1
            if minor > (most := left.at(entry.loan_id, entry.at)):
                check.against(entry.loan_id, f"{entry.kind} over {minor} minor units, {most} were left", entry)
    return check
