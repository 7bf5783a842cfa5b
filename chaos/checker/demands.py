"""The check of sums: no link that pays, and no message with one, over more than was left of the debt."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta

from chaos.checker.agreed import agreed
from chaos.checker.check import Check
from chaos.checker.contacts import MESSAGES
from chaos.checker.evidence import Entry, Evidence
from chaos.checker.news import heard_of_payments

_LINK = re.compile(r"/pay/([\w-]+)")
_READ_BY_THEN = timedelta(hours=1)
"""News that was accepted so long ago, by the loan's clock, has been read, whatever broke meanwhile."""


def demands(evidence: Evidence) -> Check:
    """What was paid and told is not asked for again, until it is taken back; what was agreed on may add interest."""
    check = Check("demands", "Was nobody asked for more than was left to pay?")
    left = _Left(evidence)
    amounts = {entry.text("link_id"): entry.minor() for entry in evidence.of("link_created")}
    for entry in evidence.world:
        if entry.loan_id not in evidence.debts:
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
            if minor > (most := left.at(entry)):
                check.against(entry.loan_id, f"{entry.kind} over {minor} minor units, {most} were left", entry)
    return check


class _Left:
    """What the product could know to be left of each debt."""

    def __init__(self, evidence: Evidence) -> None:
        self._debts = evidence.debts
        heard = heard_of_payments(evidence)
        self._paid: dict[str | None, list[tuple[Entry, Entry]]] = defaultdict(list)
        for payment in evidence.of("payment"):
            if (news := heard.get(payment.text("payment_id"))) is not None:
                self._paid[payment.loan_id].append((payment, news))
        self._back: dict[str | None, dict[str, Entry]] = defaultdict(dict)
        for reversal in evidence.of("reversal"):
            self._back[reversal.loan_id].setdefault(reversal.text("payment_id"), reversal)
        self._interest: dict[str | None, int] = defaultdict(int)
        for one in agreed(evidence):
            self._interest[one.loan_id] = max(self._interest[one.loan_id], one.added_minor)

    def at(self, line: Entry) -> int:
        """In minor units. What was taken back is owed from that moment on, whether that was told or not."""
        loan_id = line.loan_id or ""
        paid = sum(
            payment.minor()
            for payment, news in self._paid[loan_id]
            if news.seq < line.seq and line.at - news.at > _READ_BY_THEN
        )
        back = sum(reversal.minor() for reversal in self._back[loan_id].values() if reversal.seq < line.seq)
        return self._debts[loan_id].amount_minor + self._interest[loan_id] - paid + back
