"""What the product could know to be left of a debt, by the world's money and by when news of it was accepted."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from chaos.checker.agreed import agreed
from chaos.checker.evidence import Entry, Evidence
from chaos.checker.news import heard_of_payments

_READ_BY_THEN = timedelta(hours=1)
"""News that was accepted so long ago, by the loan's clock, has been read, whatever broke meanwhile."""


class Left:
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

    def at(self, loan_id: str, moment: datetime) -> int:
        """In minor units. What was taken back is owed from that moment on, whether that was told or not."""
        told = (payment for payment, news in self._paid[loan_id] if moment - news.at > _READ_BY_THEN)
        back = (reversal for reversal in self._back[loan_id].values() if reversal.at <= moment)
        moved = sum(entry.minor() for entry in back) - sum(entry.minor() for entry in told)
        return self._debts[loan_id].amount_minor + self._interest[loan_id] + moved
